"""The sandbox's export jobs: their ids, their age, where each fault sequence stands, and what outlives a run."""

from __future__ import annotations

import contextlib
import json
import os
import random
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

from gale_tui.sandbox.clock import SandboxTime
from gale_tui.sandbox.flows import BANKING, Flow
from gale_tui.sandbox.script import Fault, Script

PROPER = Fault()
"""An answer with nothing wrong."""
KEPT = ("dock_status_id", "export_job_id", "account", "tool_id", "flow_id", "started_wall")
"""Fields of a job that outlive a run."""


class Ids:
    """Ids in the vendor's shapes, the same ones each time where a seed is given."""

    def __init__(self, seed: int | str | None) -> None:
        self._random = random.Random(seed)  # noqa: S311  # ids of a sandbox; nothing is protected by them

    def new(self, prefix: str) -> str:
        """`prefix` and a version 4 UUID."""
        return f"{prefix}{uuid.UUID(int=self._random.getrandbits(128), version=4)}"


def hand_out(faults: tuple[Fault, ...]) -> Iterator[Fault]:
    """The faults of a script, one answer after the other."""
    for fault in faults:
        yield from repeat(fault) if fault.times is None else repeat(fault, fault.times)


@dataclass(slots=True)
class IssuedLink:
    signature: str
    expires: int
    """Seconds since the epoch, as its query says."""
    valid_until: float
    """Second of the sandbox."""


@dataclass(slots=True)
class Tool:
    """A tool, workflow or model that can be exported."""

    tool_id: str
    flow_id: str
    """Its one deployed flow; empty for a model."""
    name: str
    what: str
    """Its behaviour when it is exported, in a few words."""
    flows: tuple[Flow, ...]
    """The flow of each export, from the first on; further exports have the last one."""
    script: Script
    export_faults: Iterator[Fault]
    kind: str = "tool"
    any_flow: bool = False
    """Exported with any flow; not offered."""

    def flow_of(self, number: int) -> Flow:
        """The flow of the export after `number` others."""
        return self.flows[min(number, len(self.flows) - 1)]


@dataclass(slots=True)
class Job:
    dock_status_id: str
    export_job_id: str
    account: str
    tool_id: str
    flow_id: str
    tool_name: str
    flow: Flow
    """The tool as it was when the export began."""
    script: Script
    started_at: float
    """Second of the sandbox."""
    started_wall: float
    kind: str
    links: list[IssuedLink] = field(default_factory=list)
    served: int = 0
    """Answers so far that had bytes of the file."""
    status_faults: Iterator[Fault] = field(init=False)
    download_faults: Iterator[Fault] = field(init=False)

    def __post_init__(self) -> None:
        self.follow(self.script)

    def follow(self, script: Script) -> None:
        """Follows a script from now on."""
        self.script = script
        self.status_faults = hand_out(script.on_status)
        self.download_faults = hand_out(script.on_download)

    def age(self, now: float) -> float:
        """Seconds since the export."""
        return now - self.started_at

    def ended(self, now: float) -> bool:
        """True from the final status on."""
        return self.age(now) >= self.script.duration

    def succeeded(self, now: float) -> bool:
        """True from SUCCESS on."""
        return self.ended(now) and self.script.outcome == "SUCCESS"

    def status(self, now: float) -> object:
        """The word for a status answer given `now`."""
        if self.ended(now):
            return self.script.outcome
        age = self.age(now)
        word: object = "IN_PROGRESS"
        for since, said in sorted(self.script.statuses, key=lambda step: step[0]):
            if age >= since:
                word = said
        return word

    def percentage(self, now: float) -> int:
        """0 to 100; a failed job stops where it failed."""
        share = min(1.0, self.age(now) / self.script.duration) if self.script.duration > 0 else 1.0
        if self.ended(now) and self.script.outcome != "SUCCESS":
            return 63
        return int(share * 100)


class Memory:
    """The port and the jobs of a sandbox, kept from run to run; the jobs run on meanwhile.

    A JSON file, replaced whole at each change. One that cannot be read counts as none.

    Args:
        path: Its folder must exist.
        time: The sandbox's time; what passed between two runs is taken from its wall clock.
    """

    def __init__(self, path: Path, time: SandboxTime) -> None:
        self._path = path
        self._time = time
        self._kept: Mapping[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            kept = json.loads(path.read_text("utf-8"))
            if isinstance(kept, dict) and kept.get("kept") == 1:
                self._kept = kept

    @property
    def port(self) -> int:
        """Where it listened last time; 0 if that is not known."""
        port = self._kept.get("port")
        return port if isinstance(port, int) and 0 < port < 65536 else 0

    def jobs(self, tools: Mapping[str, Tool]) -> list[Job]:
        """The jobs of last time, as old as they are by now. `tools` are those of this time, by id."""
        jobs: list[Job] = []
        with contextlib.suppress(KeyError, TypeError, ValueError):
            for entry in self._kept.get("jobs", []):
                tool_id = entry["tool_id"]
                tool = tools.get(tool_id) or Tool(tool_id, "", "", "", (BANKING,), Script(), hand_out(()))
                jobs.append(self._job(entry, tool, sum(job.tool_id == tool_id for job in jobs)))
        return jobs

    def _job(self, entry: Mapping[str, Any], tool: Tool, before: int) -> Job:
        # A wall clock that was set back must not make a job that has yet to begin.
        age = max(0.0, self._time.wall() - float(entry["started_wall"])) * self._time.speed
        started_at = self._time.now() - age
        return Job(
            **{name: entry[name] for name in KEPT},
            tool_name=tool.name,
            flow=tool.flow_of(before),
            script=tool.script,
            started_at=started_at,
            kind=tool.kind,
            links=[IssuedLink(signature, expires, started_at + after) for signature, expires, after in entry["links"]],
        )

    def save(self, port: int, jobs: Iterable[Job]) -> None:
        """Writes the file.

        Raises:
            OSError: It cannot be written.
        """
        kept = {
            "kept": 1,
            "port": port,
            "jobs": [
                {
                    **{name: getattr(job, name) for name in KEPT},
                    "links": [(link.signature, link.expires, link.valid_until - job.started_at) for link in job.links],
                }
                for job in jobs
            ],
        }
        fresh = self._path.with_name(f"{self._path.name}.new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(kept, file)
        fresh.replace(self._path)
