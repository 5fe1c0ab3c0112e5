"""The tables of the history, and how those of older versions become today's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from typing import Final, TypeAlias

from gale_tui.core.history.rows import COLUMNS

Write: TypeAlias = Callable[[str], object]
Columns: TypeAlias = tuple[tuple[str, str], ...]
"""Name and declaration of each column, in the order in which the file has them."""

APPLICATION_ID: Final = 0x47414C45  # "GALE"
LARGEST_REVISION: Final = 2**62
"""A larger one is damage."""

_NAMES: Final = ", ".join(COLUMNS)
SELECT_JOBS: Final = f"SELECT {_NAMES} FROM jobs"  # noqa: S608  # names of our own columns
"""To be followed by conditions."""
# Old files have a column that nothing uses and that may not be empty.
INSERT_JOB: Final = (
    f"INSERT INTO jobs ({_NAMES}, download_attempts, writer, added_revision, added_by) "  # noqa: S608  # as above
    f"VALUES ({', '.join('?' * len(COLUMNS))}, 0, ?, ?, ?)"
)

UNFINISHED: Final = (
    "(state IN ('requesting', 'waiting', 'running', 'lost', 'unconfirmed') "
    "OR download_state IN ('wanted', 'not ready', 'running', 'resumable'))"
)
"""The condition of the index, word for word: or SQLite would not use it."""


def _create_tables(write: Write) -> None:
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


def _add_batches(write: Write) -> None:
    # A batch is there until each of its lines has a row among the starts, written together with the line's job.
    write(
        "CREATE TABLE batches (id TEXT PRIMARY KEY NOT NULL, environment_id TEXT NOT NULL, created_at REAL NOT NULL, "
        "plan TEXT NOT NULL)"
    )
    write(
        "CREATE TABLE batch_starts (batch_id TEXT NOT NULL, place INTEGER NOT NULL, job_id TEXT NOT NULL, "
        "PRIMARY KEY (batch_id, place))"
    )


def _add_drafts(write: Write) -> None:
    write("CREATE TABLE drafts (name TEXT PRIMARY KEY NOT NULL, at REAL NOT NULL, text TEXT NOT NULL)")


def _add_reasons(write: Write) -> None:
    for column in ("reason_code TEXT", "http_status INTEGER", "download_reason_code TEXT"):
        write(f"ALTER TABLE jobs ADD COLUMN {column}")
    # Older sentences hold marks for the keys of actions; today the screen appends the key.
    for action in ("download", "environments", "export_again", "open_details", "refresh", "track"):
        for table, column in (
            ("jobs", "note"),
            ("jobs", "download_error"),
            ("jobs", "last_response"),
            ("events", "text"),
        ):
            mark = f"‹key:{action}›"
            write(f"UPDATE {table} SET {column} = replace({column}, '{mark}', '') WHERE instr({column}, '{mark}')")  # noqa: S608  # our own names


def _add_removed(write: Write) -> None:
    # For the undo of a remove: the job's row by the names of the columns and its timeline, as JSON.
    write(
        "CREATE TABLE removed (job_id TEXT PRIMARY KEY NOT NULL, at REAL NOT NULL, content TEXT NOT NULL, "
        "timeline TEXT NOT NULL)"
    )


def _add_kind(write: Write) -> None:
    write("ALTER TABLE jobs ADD COLUMN kind TEXT NOT NULL DEFAULT 'tool'")


MIGRATIONS: tuple[Callable[[Write], None], ...] = (
    _create_tables,
    _add_batches,
    _add_drafts,
    _add_reasons,
    _add_removed,
    _add_kind,
)
"""The n-th turns version n-1 into version n. A released one is literal SQL and never changes: later columns come with
later migrations, so that a fresh file equals an upgraded one. Each changes a table, because a file whose version
number is damaged is known by its tables."""


def describe_tables(connection: sqlite3.Connection) -> dict[str, Columns]:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    return {
        name: tuple(
            (column, f"{kind} NOT NULL" if required else kind)
            for _, column, kind, required, _, _ in connection.execute(f'PRAGMA table_info("{name}")').fetchall()
        )
        for (name,) in names.fetchall()
    }


@cache
def tables_of(version: int) -> dict[str, Columns]:
    """The tables of a sound file of a version: a file whose version number is damaged is known by them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for migration in MIGRATIONS[:version]:
            migration(connection.execute)
        return describe_tables(connection)
