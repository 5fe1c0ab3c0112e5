"""Copies what SQLite can still read of a damaged history into a new one: what is lost stays in the damaged file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from gale_tui.core.history.connection import BUSY_SECONDS, BusyRetry, WriteConnection, connect
from gale_tui.core.history.rows import COLUMNS, Row, repair
from gale_tui.core.history.schema import INSERT_JOB, LARGEST_REVISION, Columns

_ADDED: Final = 4
"""Columns that a table of jobs of an older version may lack. One that lacks more is another program's."""


def copy_readable(damaged: Path, writer: WriteConnection, tables: Mapping[str, Columns], retry: BusyRetry) -> int:
    """Copies what can be read of a damaged history into a new one; returns the number of jobs.

    Args:
        damaged: The file.
        writer: Of the new one.
        tables: The columns of today's tables.
        retry: Of the new one.

    Raises:
        StoreError: The new one could not be written.
    """
    found = _read_rows(damaged, tables)
    order = [name for name, _ in tables["jobs"]]
    indexes = [order.index(name) for name, _ in COLUMNS]
    revision = [name for name, _ in COLUMNS].index("revision")
    removed = {row[0] for row in found["forgotten"]}
    jobs: dict[str, Row] = {}
    for row in found["jobs"]:
        job = repair(tuple(row[index] for index in indexes))
        # A page that was cut short has rows without anything.
        if row[0] is not None and job[0] not in removed:
            jobs[job[0]] = job

    def copy() -> None:
        with writer.transaction(durable=True):
            for row in jobs.values():
                writer.write(INSERT_JOB, (*row, "", row[revision], ""))
            for table in ("events", "sets", "batches", "batch_starts", "drafts", "forgotten", "removed"):
                marks = ", ".join("?" * len(tables[table]))
                for row in found[table]:
                    writer.write(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608  # our own names
            writer.write(
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
    """The rows before the first damaged page and those behind the last one."""
    rows: dict[int, Row] = {}
    for order in ("ASC", "DESC"):
        with suppress(sqlite3.Error, UnicodeDecodeError):
            found = connection.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid {order}")  # noqa: S608  # ours
            missing = columns + 1 - len(found.description)
            if 0 <= missing <= (_ADDED if table == "jobs" else 0):
                for number, *values in found:
                    rows[number] = (*values, *[None] * missing)
    return [rows[number] for number in sorted(rows)]
