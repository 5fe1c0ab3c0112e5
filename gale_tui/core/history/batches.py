"""Batches that are not started to their end: recorded until each line has a job, so that a crash costs none."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from gale_tui.core.batch.tools import BadLine, BatchTool
from gale_tui.core.errors import LineStartedError
from gale_tui.core.history.leases import is_held
from gale_tui.core.history.rows import job_from
from gale_tui.core.history.schema import SELECT_JOBS
from gale_tui.core.kinds import KINDS
from gale_tui.core.models import Environment, Job

if TYPE_CHECKING:
    from gale_tui.core.history.connection import Connection
    from gale_tui.core.history.open_store import History, Run

LEASE: Final = 60.0
"""Seconds for which a batch belongs to the process that runs it, unless it is renewed."""
_UNREADABLE: Final = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""Exceptions for a damaged batch."""


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """The tools of a batch, which of them are started, and where the files go."""

    id: str
    environment_id: str
    environment_name: str
    origin: str
    tools: tuple[BatchTool, ...]
    name: str = ""
    """Of the set or the list; may be empty."""
    folder: Path | None = None
    """Where the files go; None for the default folder."""
    save_when_ready: bool = True
    bad: tuple[BadLine, ...] = ()
    created_at: float = 0.0
    """Seconds since the epoch."""
    started: Mapping[int, str] = field(default_factory=dict)
    """Job ids of the tools that were started, by their place."""

    @classmethod
    def new(cls, environment: Environment, tools: Sequence[BatchTool], **details: Any) -> Self:
        """The record of a new batch; `details` are fields that have a default."""
        return cls(uuid.uuid4().hex, environment.id, environment.name, str(environment.origin), tuple(tools), **details)

    @property
    def unstarted(self) -> int:
        """How many tools were not started."""
        return len(self.tools) - len(self.started)

    @property
    def title(self) -> str:
        return self.name or "batch"

    def belongs_to(self, environment: Environment | None) -> bool:
        """True if that is still the environment, at its host, that the batch was confirmed for."""
        return environment is not None and str(environment.origin) == self.origin

    def to_json(self) -> str:
        """Everything but id, time and started jobs, as the history has it."""
        return json.dumps(
            {
                "name": self.name,
                "environment": self.environment_name,
                "origin": self.origin,
                "folder": str(self.folder) if self.folder is not None else None,
                "save": self.save_when_ready,
                "tools": [(tool.tool_id, tool.flow_id, tool.label, tool.line, tool.kind.word) for tool in self.tools],
                "bad": [(bad.line, bad.text, bad.problem) for bad in self.bad],
            }
        )

    @classmethod
    def from_json(
        cls, batch_id: str, environment_id: str, created_at: object, text: str, started: Mapping[Any, str]
    ) -> BatchRecord:
        """The batch that :meth:`to_json` wrote; one of the errors in `_UNREADABLE` if it did not."""
        plan: dict[str, Any] = json.loads(text)
        # An older gale-tui wrote no kind.
        tools = tuple(
            BatchTool(str(a), str(b), str(label), int(line), KINDS[kind[0] if kind else "tool"])
            for a, b, label, line, *kind in plan["tools"]
        )
        return cls(
            id=batch_id,
            environment_id=environment_id,
            environment_name=str(plan["environment"]),
            origin=str(plan["origin"]),
            tools=tools,
            name=str(plan["name"]),
            folder=Path(plan["folder"]) if plan["folder"] is not None else None,
            save_when_ready=bool(plan["save"]),
            bad=tuple(BadLine(int(line), str(words), str(problem)) for line, words, problem in plan["bad"]),
            created_at=created_at if isinstance(created_at, float) else 0.0,
            started={place: job for place, job in started.items() if place in range(len(tools))},
        )


class BatchRecords:
    def __init__(self, read: Run, write: Run) -> None:
        self._read = read
        self._write = write

    async def add(self, batch: BatchRecord) -> None:
        """Writes a new batch and acquires it for this process.

        Deletes older ones that no process runs and whose unstarted tools, if any, are all in this one.
        """
        await self._write(lambda history: _add(history, batch))

    async def acquire(self, batch_id: str) -> BatchRecord:
        """Acquires the lease of a batch; returns the batch as it stands now.

        Raises:
            LineStartedError: Another process runs it, or it is gone.
        """
        acquired = await self._write(lambda history: history.leases.acquire(batch_id, "batch", LEASE))
        batch = await self.find(batch_id) if acquired else None
        if batch is None:
            raise LineStartedError
        return batch

    async def release(self, batch_id: str) -> None:
        """Lets others run it."""
        await self._write(lambda history: history.leases.release(batch_id, "batch"))

    async def remove(self, batch_id: str) -> None:
        """Deletes a batch. Its jobs stay."""
        await self._write(lambda history: _delete(history, batch_id))

    async def find(self, batch_id: str) -> BatchRecord | None:
        found = await self._read(lambda history: _snapshot(history.reading, batch_id))
        return found[0] if found else None

    async def interrupted(self) -> list[BatchRecord]:
        """The batches with unstarted tools that no process runs, newest first."""

        def find(history: History) -> list[BatchRecord]:
            database = history.reading
            return [each for each in _snapshot(database) if each.unstarted and not is_held(database, each.id, "batch")]

        return await self._read(find)

    async def jobs(self, batch: BatchRecord) -> dict[str, Job]:
        """Those of the batch that are in the history, by their id."""
        sql = f"{SELECT_JOBS} WHERE id IN (SELECT job_id FROM batch_starts WHERE batch_id = ?)"  # noqa: S608  # our own names
        jobs = await self._read(lambda history: [job_from(row) for row in history.reading.rows(sql, (batch.id,))])
        return {job.id: job for job in jobs}


def _add(history: History, batch: BatchRecord) -> None:
    database = history.database
    new = {(tool.tool_id, tool.flow_id) for tool in batch.tools}
    with database.transaction(durable=True):
        for old in _batches(database):
            left = {(tool.tool_id, tool.flow_id) for place, tool in enumerate(old.tools) if place not in old.started}
            covered = old.environment_id == batch.environment_id and old.origin == batch.origin and left <= new
            if (not left or covered) and not is_held(database, old.id, "batch"):
                _delete_rows(database, old.id)
        database.write(
            "INSERT INTO batches (id, environment_id, created_at, plan) VALUES (?, ?, ?, ?)",
            (batch.id, batch.environment_id, batch.created_at, batch.to_json()),
        )
        for place, job_id in batch.started.items():
            database.write(
                "INSERT INTO batch_starts (batch_id, place, job_id) VALUES (?, ?, ?)", (batch.id, place, job_id)
            )
        history.leases.grant(batch.id, "batch", LEASE)


def _delete(history: History, batch_id: str) -> None:
    with history.database.transaction(durable=True):
        _delete_rows(history.database, batch_id)


def _delete_rows(database: Connection, batch_id: str) -> None:
    database.write("DELETE FROM batches WHERE id = ?", (batch_id,))
    database.write("DELETE FROM batch_starts WHERE batch_id = ?", (batch_id,))
    database.write("DELETE FROM leases WHERE job_id = ? AND kind = 'batch'", (batch_id,))


def _batches(database: Connection, batch_id: str | None = None) -> list[BatchRecord]:
    where, parameters = ("WHERE id = ? ", (batch_id,)) if batch_id is not None else ("", ())
    found = []
    sql = f"SELECT id, environment_id, created_at, plan FROM batches {where}ORDER BY created_at DESC, id"  # noqa: S608
    for each, environment_id, created_at, plan in database.rows(sql, parameters):
        starts = database.rows("SELECT place, job_id FROM batch_starts WHERE batch_id = ?", (each,))
        # One that cannot be read hides no other.
        with contextlib.suppress(*_UNREADABLE):
            found.append(BatchRecord.from_json(each, environment_id, created_at, plan, dict(starts)))
    return found


def _snapshot(database: Connection, batch_id: str | None = None) -> list[BatchRecord]:
    with database.snapshot():
        return _batches(database, batch_id)
