"""Batches in the history that are not started to their end, and the one transaction that starts a line of them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gale_tui.core.errors import LineStartedError, StoreError
from gale_tui.core.history.kept_batches import KeptBatch, plan_of, plan_text
from gale_tui.core.history.leases import held
from gale_tui.core.history.rows import Row, job_from
from gale_tui.core.history.schema import SELECT_JOBS
from gale_tui.core.models import Job

if TYPE_CHECKING:
    from gale_tui.core.history.connection import WriteConnection
    from gale_tui.core.history.open_store import History

__all__ = ["LEASE", "KeptBatches", "start_line"]

LEASE = 60.0
"""Seconds for which a batch belongs to the process that runs it, unless it is prolonged."""

Run = Callable[[Callable[["History"], Any]], Awaitable[Any]]


def start_line(database: WriteConnection, line: tuple[str, int], job_id: str) -> None:
    """Notes, within the transaction that records its job, that a line of a batch is started.

    Raises:
        LineStartedError: It was started before, or the batch was dropped: nothing may be sent.
    """
    batch_id, place = line
    known = database.row("SELECT 1 FROM batches WHERE id = ?", (batch_id,)) is not None
    sql = "INSERT OR IGNORE INTO batch_starts (batch_id, place, job_id) VALUES (?, ?, ?)"
    if not known or database.write(sql, (batch_id, place, job_id)) != 1:
        raise LineStartedError("Another gale-tui has gone on with this batch, or dropped it", "Look at its jobs")


class KeptBatches:
    """What is kept of batches while not all of them is started.

    Args:
        read: Runs a query on the thread that reads.
        write: Runs a change on the thread that writes.
    """

    def __init__(self, read: Run, write: Run) -> None:
        self._read = read
        self._write = write

    async def keep(self, kept: KeptBatch) -> None:
        """Writes a new batch and takes it for this process.

        Older ones that nobody runs are dropped where they are started to their end, or where this one has all that
        they had left.
        """
        await self._write(lambda history: _keep(history, kept))
        await self.take(kept.id)

    async def take(self, batch_id: str) -> bool:
        """Takes or prolongs the lease of a batch; False where another process runs it, or where it is gone."""
        taken: bool = await self._write(lambda history: history.leases.acquire(batch_id, "batch", LEASE))
        return taken

    async def release(self, batch_id: str) -> None:
        """Lets others run it."""
        await self._write(lambda history: history.leases.release(batch_id, "batch"))

    async def drop(self, batch_id: str) -> None:
        """Deletes it. Its jobs stay."""
        await self._write(lambda history: _drop(history, batch_id))

    async def find(self, batch_id: str) -> KeptBatch | None:
        """The batch as it stands; None where it is gone."""
        found: list[KeptBatch] = await self._read(lambda history: _snapshot(history.opened.reader, batch_id))
        return found[0] if found else None

    async def cut_short(self) -> list[KeptBatch]:
        """The batches with something left to start that nobody runs, newest first."""
        found: list[KeptBatch] = await self._read(lambda history: _cut_short(history.opened.reader))
        return found

    async def jobs(self, kept: KeptBatch) -> dict[str, Job]:
        """The jobs of a batch that are in the history, by their id."""
        found: dict[str, Job] = await self._read(lambda history: _jobs(history.opened.reader, kept.started.values()))
        return found


def _keep(history: History, kept: KeptBatch) -> None:
    database = history.opened.writer
    new = {(tool.tool_id, tool.flow_id) for tool in kept.tools}
    with database.transaction(durable=True):
        for old in _all(database.rows):
            left = {(tool.tool_id, tool.flow_id) for place, tool in enumerate(old.tools) if place not in old.started}
            covered = old.environment_id == kept.environment_id and old.origin == kept.origin and left <= new
            if (not left or covered) and not held(database.row, old.id, "batch"):
                _delete(database, old.id)
        database.write(
            "INSERT INTO batches (id, environment_id, created_at, plan) VALUES (?, ?, ?, ?)",
            (kept.id, kept.environment_id, kept.created_at, plan_text(kept)),
        )


def _drop(history: History, batch_id: str) -> None:
    with history.opened.writer.transaction(durable=True):
        _delete(history.opened.writer, batch_id)


def _delete(database: WriteConnection, batch_id: str) -> None:
    database.write("DELETE FROM batches WHERE id = ?", (batch_id,))
    database.write("DELETE FROM batch_starts WHERE batch_id = ?", (batch_id,))
    database.write("DELETE FROM leases WHERE job_id = ? AND kind = 'batch'", (batch_id,))


def _all(rows: Callable[[str, Sequence[Any]], list[Row]], batch_id: str | None = None) -> list[KeptBatch]:
    where, parameters = ("WHERE id = ? ", (batch_id,)) if batch_id is not None else ("", ())
    found = []
    sql = f"SELECT id, environment_id, created_at, plan FROM batches {where}ORDER BY created_at DESC, id"  # noqa: S608
    for each, environment_id, created_at, plan in rows(sql, parameters):
        starts = rows("SELECT place, job_id FROM batch_starts WHERE batch_id = ?", (each,))
        # One that cannot be read hides no other.
        with contextlib.suppress(StoreError):
            found.append(plan_of(each, environment_id, created_at, plan, dict(starts)))
    return found


def _snapshot(connection: sqlite3.Connection, batch_id: str | None = None) -> list[KeptBatch]:
    # The batches and their starts as of one moment.
    connection.execute("BEGIN")
    try:
        return _all(lambda sql, parameters: connection.execute(sql, parameters).fetchall(), batch_id)
    finally:
        connection.rollback()


def _cut_short(connection: sqlite3.Connection) -> list[KeptBatch]:
    def row(sql: str, parameters: tuple[str, str]) -> Row | None:
        found: Row | None = connection.execute(sql, parameters).fetchone()
        return found

    return [each for each in _snapshot(connection) if each.left > 0 and not held(row, each.id, "batch")]


def _jobs(connection: sqlite3.Connection, job_ids: Iterable[str]) -> dict[str, Job]:
    jobs = {}
    for job_id in job_ids:
        row = connection.execute(f"{SELECT_JOBS} WHERE id = ?", (job_id,)).fetchone()
        if row is not None:
            jobs[job_id] = job_from(row)
    return jobs
