"""Copies what SQLite can still read of a damaged history into a new one: what is lost stays in the damaged file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from gale_tui.core.history.connection import BUSY_SECONDS, BusyRetry, Connection, connect
from gale_tui.core.history.rows import COLUMNS, Row, repair
from gale_tui.core.history.schema import INSERT_JOB, LARGEST_REVISION, Columns

_ADDED: Final = 4
"""Columns that a table of jobs of an older version may lack. One that lacks more is another program's."""
_FARTHEST: Final = 1 << 40
"""More than the number of any row."""


def copy_readable(damaged: Path, database: Connection, tables: Mapping[str, Columns], retry: BusyRetry) -> int:
    """Copies what can be read of a damaged history into a new one; returns the number of jobs.

    Args:
        damaged: The file.
        database: The new one.
        tables: The columns of today's tables.
        retry: Of the new one.

    Raises:
        StoreError: The new one could not be written.
    """
    found = _read_rows(damaged, tables)
    order = [name for name, _ in tables["jobs"]]
    indexes = [order.index(name) for name in COLUMNS]
    revision = COLUMNS.index("revision")
    removed = {row[0] for row in found["forgotten"]}
    jobs: dict[str, Row] = {}
    for row in found["jobs"]:
        job = repair(tuple(row[index] for index in indexes))
        # A page that was cut short has rows without anything.
        if row[0] is not None and job[0] not in removed:
            jobs[job[0]] = job

    def copy() -> None:
        with database.transaction(durable=True):
            for row in jobs.values():
                database.write(INSERT_JOB, (*row, "", row[revision], ""))
            for table in ("events", "sets", "batches", "batch_starts", "drafts", "forgotten", "removed"):
                marks = ", ".join("?" * len(tables[table]))
                for row in found[table]:
                    database.write(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608  # our own names
            database.write(
                "UPDATE counters SET value = (SELECT coalesce(max(revision), 0) + 1000 FROM jobs WHERE revision < ?) "
                "WHERE name = 'revision'",
                (LARGEST_REVISION,),
            )

    retry.run(copy, time.monotonic() + BUSY_SECONDS)
    return len(jobs)


def _read_rows(damaged: Path, tables: Mapping[str, Columns]) -> dict[str, list[Row]]:
    """The rows of each table that can be read, in the order of its columns; later columns may be None."""
    with closing(connect(damaged, readonly=True)) as connection:
        connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000:.0f}")
        # A file that is too short is read, and so are the tables before an entry of the schema that is damaged: the
        # first query fails there, the next ones see what was loaded.
        connection.execute("PRAGMA writable_schema=ON")
        with suppress(sqlite3.Error, UnicodeDecodeError):
            connection.execute("SELECT 1 FROM sqlite_schema")
        return {name: _read_table(connection, name, len(columns)) for name, columns in tables.items()}


def _read_table(connection: sqlite3.Connection, table: str, columns: int) -> list[Row]:
    """The rows that are on no damaged page, read from both ends."""
    rows: dict[int, Row] = {}
    for at, way, others in ((0, 1, "> ? ORDER BY rowid"), (_FARTHEST, -1, "< ? ORDER BY rowid DESC")):
        sql = f"SELECT rowid, * FROM {table} WHERE rowid {others}"  # noqa: S608  # our own names
        with suppress(sqlite3.Error, UnicodeDecodeError, OverflowError):
            for number, *values in _walk(connection, sql, at, way):
                missing = columns - len(values)
                if 0 <= missing <= (_ADDED if table == "jobs" else 0):
                    rows[number] = (*values, *[None] * missing)
    return [rows[number] for number in sorted(rows)]


def _walk(connection: sqlite3.Connection, sql: str, at: int, way: int) -> Iterator[tuple[Any, ...]]:
    """The rows from a number on, in one direction; behind a damaged page it continues, a little too far."""
    skip = way
    while abs(skip) < _FARTHEST:
        try:
            for row in connection.execute(sql, (at,)):
                yield row
                # Pages in each other's place lead back.
                if (row[0] - at) * way > 0:
                    at, skip = row[0], way
            return
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
                raise
            at, skip = at + skip, skip * 2
