"""The tables of the history, how older ones become newer ones, and how the file is opened."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gale_tui.core.errors import NewerStoreError
from gale_tui.core.history.connection import BUSY_SECONDS, Patience, Step, WriteConnection, connect
from gale_tui.core.history.files import on_network
from gale_tui.core.history.rows import DOWNLOAD_COLUMNS, JOB_COLUMNS, DamagedError, job_from
from gale_tui.core.models import DownloadState, JobState

__all__ = [
    "INSERT_JOB",
    "MIGRATIONS",
    "SELECT_JOBS",
    "UNFINISHED",
    "OpenedHistory",
    "open_file",
]

_COLUMNS: Final = tuple(name for name, _ in (*JOB_COLUMNS, *DOWNLOAD_COLUMNS))
SELECT_JOBS: Final = " ".join(("SELECT", ", ".join(_COLUMNS), "FROM jobs"))
"""To be followed by conditions."""
_INSERTED: Final = (*_COLUMNS, "writer", "added_revision", "added_by")
INSERT_JOB: Final = " ".join(
    ("INSERT INTO jobs (", ", ".join(_INSERTED), ") VALUES (", ", ".join("?" * len(_INSERTED)), ")")
)

_APPLICATION: Final = 0x47414C45  # "GALE"

_OPEN_STATES: Final = (
    JobState.REQUESTING,
    JobState.WAITING,
    JobState.RUNNING,
    JobState.LOST,
    JobState.UNCONFIRMED,
)
_OPEN_DOWNLOADS: Final = (
    DownloadState.WANTED,
    DownloadState.NOT_READY,
    DownloadState.RUNNING,
    DownloadState.RESUMABLE,
)
UNFINISHED: Final = "(state IN ({}) OR download_state IN ({}))".format(
    ", ".join(f"'{state}'" for state in _OPEN_STATES), ", ".join(f"'{state}'" for state in _OPEN_DOWNLOADS)
)

Write = Callable[[str], object]


def _first_tables(write: Write) -> None:
    # Who wrote a row last, and who added it at which revision: what a process must know to tell its own writes from
    # others', and a new job from a changed one.
    write(
        "CREATE TABLE jobs (id TEXT PRIMARY KEY NOT NULL, environment_id TEXT NOT NULL, "
        "environment_name TEXT NOT NULL, origin TEXT NOT NULL, tool_id TEXT NOT NULL, flow_id TEXT NOT NULL, "
        "created_at REAL NOT NULL, production INTEGER NOT NULL, label TEXT NOT NULL, folder, "
        "save_when_ready INTEGER NOT NULL, batch TEXT, tracked INTEGER NOT NULL, state TEXT NOT NULL, "
        "status TEXT NOT NULL, name TEXT, percentage REAL, reason TEXT, note TEXT NOT NULL, dock_status_id TEXT, "
        "export_job_id TEXT, download_url TEXT, posts INTEGER NOT NULL, resume_at REAL, started_at REAL, "
        "ended_at REAL, last_asked_at REAL, last_answer_at REAL, last_response TEXT NOT NULL, "
        "revision INTEGER NOT NULL, download_state TEXT NOT NULL, download_path, download_part, "
        "download_received INTEGER NOT NULL, download_size INTEGER, download_validator TEXT, download_sha256 TEXT, "
        "download_error TEXT NOT NULL, download_attempts INTEGER NOT NULL, download_next_try_at REAL, "
        "download_saved_at REAL, writer TEXT NOT NULL, added_revision INTEGER NOT NULL, added_by TEXT NOT NULL)"
    )
    write("CREATE INDEX jobs_by_age ON jobs (created_at, id)")
    write("CREATE INDEX jobs_by_environment ON jobs (environment_id)")
    write("CREATE INDEX jobs_by_dock_status ON jobs (dock_status_id)")
    write("CREATE INDEX jobs_by_revision ON jobs (revision)")
    write(
        "CREATE INDEX jobs_unfinished ON jobs (created_at, id) WHERE "
        "(state IN ('requesting', 'waiting', 'running', 'lost', 'unconfirmed') "
        "OR download_state IN ('wanted', 'not ready', 'running', 'resumable'))"
    )
    write("CREATE TABLE events (id INTEGER PRIMARY KEY, job_id TEXT NOT NULL, at REAL NOT NULL, text TEXT NOT NULL)")
    write("CREATE INDEX events_by_job ON events (job_id, id)")
    write(
        "CREATE TABLE forgotten (job_id TEXT PRIMARY KEY NOT NULL, revision INTEGER NOT NULL, "
        "writer TEXT NOT NULL, at REAL NOT NULL)"
    )
    write("CREATE INDEX forgotten_by_revision ON forgotten (revision)")
    write(
        "CREATE TABLE leases (job_id TEXT NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL, host TEXT NOT NULL, "
        "pid INTEGER NOT NULL, process_started TEXT NOT NULL, granted_at REAL NOT NULL, expires_at REAL NOT NULL, "
        "PRIMARY KEY (job_id, kind))"
    )
    write("CREATE INDEX leases_by_owner ON leases (owner)")
    write("CREATE TABLE counters (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL)")
    write("INSERT INTO counters (name, value) VALUES ('revision', 0)")
    write(
        "CREATE TABLE sets (name TEXT PRIMARY KEY NOT NULL, environment_id TEXT, created_at REAL NOT NULL, "
        "used_at REAL, items TEXT NOT NULL)"
    )


def _batches(write: Write) -> None:
    # A batch is there until each of its lines has a row among the starts, written together with the line's job.
    write(
        "CREATE TABLE batches (id TEXT PRIMARY KEY NOT NULL, environment_id TEXT NOT NULL, created_at REAL NOT NULL, "
        "plan TEXT NOT NULL)"
    )
    write(
        "CREATE TABLE batch_starts (batch_id TEXT NOT NULL, place INTEGER NOT NULL, job_id TEXT NOT NULL, "
        "PRIMARY KEY (batch_id, place))"
    )


def _drafts(write: Write) -> None:
    write("CREATE TABLE drafts (name TEXT PRIMARY KEY NOT NULL, at REAL NOT NULL, text TEXT NOT NULL)")


MIGRATIONS: tuple[Callable[[Write], None], ...] = (_first_tables, _batches, _drafts)
"""The n-th turns version n-1 into version n. A released one is literal SQL and never changes: later columns come with
later migrations, so that a fresh file equals an upgraded one."""


@dataclass(frozen=True, slots=True)
class OpenedHistory:
    """A history that is ready to be written and read."""

    path: Path
    """Where it is, links followed."""
    writer: WriteConnection
    reader: sqlite3.Connection
    logged: bool
    """True with a write-ahead log, False with a rollback journal."""
    notice: str = ""
    """What a person should know, a sentence or two; often empty."""

    def close(self) -> None:
        """Closes both connections: the one that writes last, so that it can put the log away."""
        self.reader.close()
        self.writer.close()


def open_file(path: Path, step: Step | None) -> OpenedHistory:
    """Opens an existing file, new and empty, or older, or of today.

    Raises:
        NewerStoreError: A newer gale-tui wrote it.
        StoreError: It cannot be read or written.
        DamagedError: It is no history, or a damaged one.
    """
    patience = Patience(path)
    deadline = time.monotonic() + BUSY_SECONDS
    with contextlib.ExitStack() as undo:
        connection = patience.run(lambda: connect(path), deadline)
        undo.callback(connection.close)
        before = patience.run(lambda: _version(connection), deadline)
        if before > len(MIGRATIONS):
            raise NewerStoreError(
                f"The history {path} was written by a newer gale-tui",
                "It is left as it is: use that version, or set GALE_TUI_HOME to another folder",
            )
        logged = not on_network(path.parent) and patience.run(lambda: _logged(connection), deadline)
        if not logged:
            patience.run(lambda: connection.execute("PRAGMA journal_mode=DELETE").fetchone(), deadline)
        writer = WriteConnection(connection, step, power_safe=not logged)
        # Overwritten and deleted content is zeroed: a signed link that was used is in the file no longer.
        writer.pragma("secure_delete=ON")
        writer.pragma("fullfsync=ON")
        writer.pragma(f"journal_size_limit={4 * 1024 * 1024}")
        if before < len(MIGRATIONS):
            patience.run(lambda: _migrate(writer), deadline)
        patience.run(lambda: _probe(connection), deadline)
        reader = patience.run(lambda: connect(path, readonly=True), deadline)
        undo.callback(reader.close)
        patience.run(lambda: reader.execute("SELECT value FROM counters").fetchone(), deadline)
        undo.pop_all()
    return OpenedHistory(path, writer, reader, logged)


def _version(connection: sqlite3.Connection) -> int:
    # As of one moment: another process may be making the tables.
    connection.execute("BEGIN")
    try:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
    finally:
        connection.rollback()
    # A version beyond ours is left alone, whoever wrote it.
    if application != _APPLICATION and (tables or version) and version <= len(MIGRATIONS):
        raise DamagedError("it is a database of another program")
    return version


def _logged(connection: sqlite3.Connection) -> bool:
    try:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as error:
        # A file system that cannot share memory between processes.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL):
            return False
        raise
    return bool(mode == "wal")


def _migrate(writer: WriteConnection) -> None:
    with writer.transaction(durable=True):
        # Another process may have been quicker.
        version: int = writer.pragma("user_version")
        for number in range(version, len(MIGRATIONS)):
            MIGRATIONS[number](writer.write)
        if version < len(MIGRATIONS):
            writer.write(f"PRAGMA application_id={_APPLICATION}")
            writer.write(f"PRAGMA user_version={len(MIGRATIONS)}")


def _probe(connection: sqlite3.Connection) -> None:
    """Touches every table and index, so that a file damaged in its first pages is known at once."""
    try:
        found = connection.execute(f"{SELECT_JOBS} ORDER BY created_at DESC, id DESC LIMIT 1").fetchone()
        if found is not None:
            job_from(found)
        connection.execute("SELECT max(revision) FROM jobs").fetchone()
        connection.execute("SELECT job_id, at, text FROM events ORDER BY id DESC LIMIT 1").fetchone()
        connection.execute("SELECT max(revision) FROM forgotten").fetchone()
        connection.execute("SELECT owner, host, pid, process_started, granted_at, expires_at FROM leases").fetchone()
        connection.execute("SELECT name, environment_id, created_at, used_at, items FROM sets").fetchone()
        connection.execute("SELECT id, environment_id, created_at, plan FROM batches").fetchone()
        connection.execute("SELECT batch_id, place, job_id FROM batch_starts").fetchone()
        connection.execute("SELECT name, at, text FROM drafts").fetchone()
        counter = connection.execute("SELECT value FROM counters WHERE name = 'revision'").fetchone()
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR:
            raise DamagedError(str(error)) from error
        raise
    if counter is None:
        raise DamagedError("a counter is missing")
