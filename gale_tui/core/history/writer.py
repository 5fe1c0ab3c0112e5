"""Writing the history: every change compares with the row inside its transaction and gets the next revision."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final, TypeAlias

from gale_tui.core.errors import LineStartedError, StoreError
from gale_tui.core.history.connection import Connection
from gale_tui.core.history.leases import Leases
from gale_tui.core.history.rows import COLUMNS, Row, dump_job, job_from, row_of, storable
from gale_tui.core.history.schema import INSERT_JOB, SELECT_JOBS
from gale_tui.core.models import DownloadState, Job, JobChange, JobEvent

EventText: TypeAlias = str | Callable[[Job, Job], str | None] | None
"""A line for the timeline, or what makes it of the job before and after."""

_SELECT: Final = f"{SELECT_JOBS} WHERE id = ?"
_SCRUB_AGAIN: Final = 5.0
_RESTORABLE: Final = 20
_RESTORABLE_SECONDS: Final = 7 * 24 * 3600.0
"""How many removed jobs, and for how long, can be restored."""
_REMEMBERED: Final = 30 * 24 * 3600.0
"""Seconds for which the id of a removed job is kept, so that other processes learn of it."""
_durable: Final = attrgetter(
    "state", "dock_status_id", "posts", "download_url", "download.state", "download.path", "download.part"
)
"""Fields that GALE could not give again if a power cut lost them."""


def _regresses(old: Job, new: Job, again: bool) -> bool:
    """True if the change would undo a final state."""
    if old.state.final and new.state is not old.state:
        return True
    saved = DownloadState.SAVED
    return old.download.state is saved and new.download.state is not saved and not again


class HistoryWriter:
    """Changes; every method may raise `sqlite3.Error` and `DamagedError`, and may then be called again.

    Args:
        database: The connection that writes, used by one thread.
    """

    def __init__(self, database: Connection, owner: str, leases: Leases) -> None:
        self._database = database
        self._owner = owner
        self._leases = leases
        self._scrub_needed = True
        self._scrub_from = 0.0

    def add(
        self, job: Job, event: str | None, at: float | None, line: tuple[str, int] | None, post_lease: float | None
    ) -> JobChange:
        with self._database.transaction(durable=True):
            if self._row(job.id) is not None:
                raise StoreError(f"The job {job.id} is already in the history")
            if line is not None:
                self._start_line(line, job.id)
            job = self._insert(job)
            if event:
                self._add_event(job.id, JobEvent(time.time() if at is None else at, event))
            if post_lease is not None:
                self._leases.grant(job.id, "post", post_lease)
        return JobChange(job)

    def restore(self, job: Job, events: Sequence[JobEvent]) -> JobChange:
        with self._database.transaction(durable=True):
            row = self._row(job.id)
            if row is not None:
                return JobChange(job_from(row))
            self._database.write("DELETE FROM forgotten WHERE job_id = ?", (job.id,))
            self._database.write("DELETE FROM removed WHERE job_id = ?", (job.id,))
            job = self._insert(job)
            for event in events:
                self._add_event(job.id, event)
        return JobChange(job)

    def update(
        self, job_id: str, change: Callable[[Job], Job], event: EventText, at: float | None, again: bool
    ) -> JobChange | None:
        # The look comes before the lock: an identical answer takes none, and how safely to write is known at the start.
        while (row := self._row(job_id)) is not None:
            old = job_from(row)
            new = change(old)
            if new.id != job_id:
                raise ValueError("a change of a job kept its id")
            if new.revision != old.revision:
                new = dataclasses.replace(new, revision=old.revision)
            if new == old or _regresses(old, new, again):
                return None
            with self._database.transaction(durable=_durable(old) != _durable(new)):
                if self._row(job_id) != row:
                    # Another process was quicker: look again.
                    continue
                new = self._replace(row, new)
                text = event(old, new) if callable(event) else event
                if text:
                    self._add_event(job_id, JobEvent(time.time() if at is None else at, text))
            if old.download_url is not None and new.download_url != old.download_url:
                self._scrub_needed = True
            return JobChange(new, old)
        return None

    def remove(self, job_id: str) -> JobChange | None:
        with self._database.transaction(durable=True):
            row = self._row(job_id)
            if row is None:
                return None
            now = time.time()
            job = dataclasses.replace(job_from(row), revision=self._next_revision())
            # A damaged row may hold bytes, which JSON has not.
            sql = "SELECT CAST(at AS REAL), CAST(text AS TEXT) FROM events WHERE job_id = ? ORDER BY id"
            events = self._database.rows(sql, (job_id,))
            self._database.write(
                "INSERT OR REPLACE INTO removed (job_id, at, content, timeline) VALUES (?, ?, ?, ?)",
                (job_id, now, dump_job(job), json.dumps(events)),
            )
            self._prune_removed(now)
            self._database.write("DELETE FROM jobs WHERE id = ?", (job_id,))
            self._database.write("DELETE FROM events WHERE job_id = ?", (job_id,))
            self._database.write("DELETE FROM leases WHERE job_id = ?", (job_id,))
            self._database.write("DELETE FROM forgotten WHERE at < ?", (now - _REMEMBERED,))
            self._database.write(
                "INSERT OR REPLACE INTO forgotten (job_id, revision, writer, at) VALUES (?, ?, ?, ?)",
                (job_id, job.revision, self._owner, now),
            )
        self._scrub_needed = True
        return JobChange(job, removed=True)

    def prune_removed(self) -> None:
        """Deletes removed jobs that can no longer be restored: only the newest few of the last days can."""
        now = time.time()
        if self._database.row("SELECT 1 FROM removed WHERE at < ?", (now - _RESTORABLE_SECONDS,)) is not None:
            with self._database.transaction(durable=False):
                self._prune_removed(now)
            self._scrub_needed = True

    def _prune_removed(self, now: float) -> None:
        self._database.write(
            "DELETE FROM removed WHERE at < ? OR job_id NOT IN (SELECT job_id FROM removed ORDER BY at DESC LIMIT ?)",
            (now - _RESTORABLE_SECONDS, _RESTORABLE),
        )

    @property
    def scrub_due(self) -> bool:
        """True while the log may hold a signed link that the database no longer has."""
        return self._scrub_needed and self._database.logged and time.monotonic() >= self._scrub_from

    def scrub(self) -> None:
        """Empties the log; if another process is reading it, it is due again after a while."""
        with contextlib.suppress(sqlite3.Error):
            self._scrub_needed = bool(self._database.value("PRAGMA wal_checkpoint(TRUNCATE)"))
        self._scrub_from = time.monotonic() + _SCRUB_AGAIN if self._scrub_needed else 0.0

    def _start_line(self, line: tuple[str, int], job_id: str) -> None:
        batch_id, place = line
        known = self._database.row("SELECT 1 FROM batches WHERE id = ?", (batch_id,)) is not None
        sql = "INSERT OR IGNORE INTO batch_starts (batch_id, place, job_id) VALUES (?, ?, ?)"
        if not known or self._database.write(sql, (batch_id, place, job_id)) != 1:
            raise LineStartedError

    def _row(self, job_id: str) -> Row | None:
        return self._database.row(_SELECT, (job_id,))

    def _next_revision(self) -> int:
        self._database.write("UPDATE counters SET value = value + 1 WHERE name = 'revision'")
        revision: int = self._database.value("SELECT value FROM counters WHERE name = 'revision'")
        return revision

    def _insert(self, job: Job) -> Job:
        """Writes a new row; returns the job as the database has it."""
        revision = self._next_revision()
        row = storable(row_of(dataclasses.replace(job, revision=revision)))
        self._database.write(INSERT_JOB, (*row, self._owner, revision, self._owner))
        return job_from(row)

    def _replace(self, before: Row, job: Job) -> Job:
        """Changes a row; returns the job as the database has it."""
        row = storable(row_of(dataclasses.replace(job, revision=self._next_revision())))
        # Only what is different: a column that is named has its indexes written again.
        different = [index for index, value in enumerate(row) if value != before[index]]
        names = " = ?, ".join(COLUMNS[index] for index in different)
        self._database.write(
            f"UPDATE jobs SET {names} = ?, writer = ? WHERE id = ?",  # noqa: S608  # names of our own columns
            (*(row[index] for index in different), self._owner, job.id),
        )
        return job_from(row)

    def _add_event(self, job_id: str, event: JobEvent) -> None:
        self._database.write(
            "INSERT INTO events (job_id, at, text) VALUES (?, ?, ?)", storable((job_id, event.at, event.text))
        )
