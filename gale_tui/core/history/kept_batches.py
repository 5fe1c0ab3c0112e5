"""A batch as the history keeps it while not all of it is started, so that it can be gone on with after any end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gale_tui.core.batch.parser import BadLine, BatchTool
from gale_tui.core.batch.report import BatchAccount, BatchEntry
from gale_tui.core.errors import StoreError
from gale_tui.core.jobs.outcomes import Outcome, outcome, settled
from gale_tui.core.models import Environment, Job

__all__ = ["KeptBatch", "account_of", "plan_of", "plan_text"]


@dataclass(frozen=True, slots=True)
class KeptBatch:
    """What is started, what is not, and where it goes."""

    id: str
    environment_id: str
    environment_name: str
    origin: str
    tools: tuple[BatchTool, ...]
    name: str = ""
    """Of the set, or of the list; may be empty."""
    folder: Path | None = None
    """Where the files go; None for the usual place."""
    save_when_ready: bool = True
    bad: tuple[BadLine, ...] = ()
    created_at: float = 0.0
    """Seconds since the epoch."""
    started: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    """The jobs of those tools that were started, by their place."""

    @property
    def left(self) -> int:
        """How many tools were not started."""
        return len(self.tools) - len(self.started)

    @property
    def title(self) -> str:
        """What to call it."""
        return self.name or "batch"

    def goes_to(self, environment: Environment | None) -> bool:
        """True where that is still the environment that it was confirmed for."""
        return environment is not None and str(environment.origin) == self.origin


def account_of(kept: KeptBatch, jobs: Mapping[str, Job]) -> BatchAccount:
    """Where a batch stands that nobody runs.

    Args:
        kept: The batch.
        jobs: Its jobs that are still in the history, by their id.
    """
    entries = []
    for place, tool in enumerate(kept.tools):
        job_id = kept.started.get(place)
        job = jobs.get(job_id) if job_id is not None else None
        if job is not None:
            entries.append(BatchEntry(tool, outcome(job) if settled(job) else None, job))
        elif job_id is not None:
            entries.append(BatchEntry(tool, Outcome.UNFINISHED, why="taken off the list"))
        else:
            entries.append(BatchEntry(tool, Outcome.NOT_STARTED, why="not started yet"))
    stopped = f"It was cut short: {kept.left} of its {len(kept.tools)} tools are not started."
    return BatchAccount(kept.name, tuple(entries), kept.bad, stopped)


def plan_text(kept: KeptBatch) -> str:
    """All of it but id, time and what was started, as the history keeps it."""
    return json.dumps(
        {
            "name": kept.name,
            "environment": kept.environment_name,
            "origin": kept.origin,
            "folder": str(kept.folder) if kept.folder is not None else None,
            "save": kept.save_when_ready,
            "tools": [(tool.tool_id, tool.flow_id, tool.label, tool.line) for tool in kept.tools],
            "bad": [(bad.line, bad.text, bad.problem) for bad in kept.bad],
        }
    )


def plan_of(batch_id: str, environment_id: str, created_at: float, text: str, started: Mapping[int, str]) -> KeptBatch:
    """The batch that was kept.

    Raises:
        StoreError: It is not what `plan_text` makes.
    """
    try:
        plan: dict[str, Any] = json.loads(text)
        tools = tuple(BatchTool(str(a), str(b), str(label), int(line)) for a, b, label, line in plan["tools"])
        return KeptBatch(
            id=batch_id,
            environment_id=environment_id,
            environment_name=str(plan["environment"]),
            origin=str(plan["origin"]),
            tools=tools,
            name=str(plan["name"]),
            folder=Path(plan["folder"]) if plan["folder"] is not None else None,
            save_when_ready=bool(plan["save"]),
            bad=tuple(BadLine(int(line), str(words), str(problem)) for line, words, problem in plan["bad"]),
            created_at=created_at,
            started=MappingProxyType({place: job for place, job in started.items() if 0 <= place < len(tools)}),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError("A batch that was cut short cannot be read") from error
