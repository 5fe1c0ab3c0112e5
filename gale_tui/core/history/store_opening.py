"""Opening the history whatever state it is in: what is damaged is set aside, and what can be read of it taken over."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from gale_tui.core.history.connection import BUSY_SECONDS, Patience, Step, WriteConnection, connect
from gale_tui.core.history.files import file_identity, folder_lock, make_private, set_aside
from gale_tui.core.history.rows import JOB_COLUMNS, DamagedError, Row, job_from
from gale_tui.core.history.schema import INSERT_JOB, SELECT_JOBS, OpenedHistory, open_file

__all__ = ["open_history", "replace_history"]

_SELECT_EVENTS: Final = "SELECT id, job_id, at, text FROM events"
_SELECT_SETS: Final = "SELECT name, environment_id, created_at, used_at, items FROM sets"


def open_history(path: Path, step: Step | None = None) -> OpenedHistory:
    """Opens a history, making it, bringing it up to date or setting a damaged one aside where that is needed.

    Raises:
        NewerStoreError: A newer gale-tui wrote it.
        StoreError: It cannot be made, read or written.
    """
    make_private(path)
    real = Path(os.path.realpath(path))
    identity = file_identity(real)
    try:
        return open_file(real, step)
    except DamagedError as error:
        return _begin_anew(real, step, identity, str(error))


def replace_history(opened: OpenedHistory, identity: tuple[int, int] | None, step: Step | None) -> OpenedHistory:
    """Sets a history aside that turned out to be damaged while in use, and opens a new one in its place.

    Args:
        opened: The damaged one; it is closed.
        identity: What :func:`file_identity` said when it was opened.
        step: As for :func:`open_history`.
    """
    opened.close()
    make_private(opened.path)
    return _begin_anew(opened.path, step, identity, "a part of it cannot be read")


def _begin_anew(path: Path, step: Step | None, identity: tuple[int, int] | None, why: str) -> OpenedHistory:
    with folder_lock(path.parent):
        if file_identity(path) != identity:
            # Another process has set it aside in the meantime.
            return open_file(path, step)
        aside = set_aside(path)
        make_private(path)
        opened = open_file(path, step)
    try:
        saved = _salvage(aside, opened.writer, opened.path)
    except BaseException:
        opened.close()
        raise
    taken = {0: "It begins anew", 1: "One job could be read and was taken over"}.get(
        saved, f"{saved:,} jobs could be read and were taken over"
    )
    notice = f"The history was damaged ({why}) and is kept as {aside}. {taken}."
    return OpenedHistory(opened.path, opened.writer, opened.reader, opened.logged, notice)


def _salvage(aside: Path, writer: WriteConnection, path: Path) -> int:
    """Copies what can be read of a damaged history into a new one; gives the number of jobs."""
    jobs: dict[str, Row] = {}
    events: dict[int, Row] = {}
    sets: dict[str, Row] = {}
    try:
        with contextlib.closing(connect(aside)) as old:
            # From both ends, because a damaged page stops a walk through a table.
            for direction in ("ASC", "DESC"):
                with contextlib.suppress(sqlite3.Error):
                    for row in old.execute(f"{SELECT_JOBS} NOT INDEXED ORDER BY rowid {direction}"):
                        with contextlib.suppress(DamagedError):
                            jobs.setdefault(job_from(row).id, row)
                with contextlib.suppress(sqlite3.Error):
                    for row in old.execute(f"{_SELECT_EVENTS} ORDER BY id {direction}"):
                        events.setdefault(row[0], row)
                with contextlib.suppress(sqlite3.Error):
                    for row in old.execute(f"{_SELECT_SETS} ORDER BY rowid {direction}"):
                        sets.setdefault(row[0], row)
    except sqlite3.Error:
        return 0
    revision = [name for name, _ in JOB_COLUMNS].index("revision")

    def copy() -> int:
        with writer.transaction(durable=True):
            count = 0
            for row in jobs.values():
                with contextlib.suppress(sqlite3.IntegrityError):
                    count += writer.write(INSERT_JOB, (*row, "", row[revision], ""))
            for key in sorted(events):
                if events[key][1] in jobs:
                    with contextlib.suppress(sqlite3.IntegrityError):
                        writer.write("INSERT INTO events (job_id, at, text) VALUES (?, ?, ?)", events[key][1:])
            for row in sets.values():
                with contextlib.suppress(sqlite3.IntegrityError):
                    writer.write(
                        "INSERT INTO sets (name, environment_id, created_at, used_at, items) VALUES (?, ?, ?, ?, ?)",
                        row,
                    )
            writer.write(
                "UPDATE counters SET value = (SELECT coalesce(max(revision), 0) + 1000 FROM jobs) "
                "WHERE name = 'revision'"
            )
            return count

    return Patience(path).run(copy, time.monotonic() + BUSY_SECONDS)
