"""The port and the jobs of a sandbox, kept from run to run; the jobs run on meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gale_tui.sandbox.flows import BANKING
from gale_tui.sandbox.jobs import FaultSequence, IssuedLink, Job, Tool
from gale_tui.sandbox.script import Script
from gale_tui.sandbox.timing import SandboxTime

__all__ = ["Memory"]


class Memory:
    """A JSON file, replaced whole at each change. One that cannot be read counts as none.

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
        """Where it listened last time; 0 where that is not known."""
        port = self._kept.get("port")
        return port if isinstance(port, int) and 0 < port < 65536 else 0

    def jobs(self, tools: Mapping[str, Tool]) -> list[Job]:
        """The jobs of last time, as old as they are by now. `tools` are those of this time, by id."""
        jobs: list[Job] = []
        with contextlib.suppress(KeyError, TypeError, ValueError):
            for entry in self._kept.get("jobs", []):
                tool_id = entry["tool_id"]
                before = sum(job.tool_id == tool_id for job in jobs)
                jobs.append(self._job(entry, tools.get(tool_id), before))
        return jobs

    def _job(self, entry: Mapping[str, Any], tool: Tool | None, before: int) -> Job:
        script = tool.script if tool is not None else Script()
        # A wall clock that was set back must not make a job that has yet to begin.
        age = max(0.0, self._time.wall() - float(entry["started_wall"])) * self._time.speed
        started_at = self._time.now() - age
        return Job(
            dock_status_id=entry["dock_status_id"],
            export_job_id=entry["export_job_id"],
            account=entry["account"],
            tool_id=entry["tool_id"],
            flow_id=entry["flow_id"],
            tool_name=tool.name if tool is not None else "",
            flow=tool.flow_of(before) if tool is not None else BANKING,
            script=script,
            started_at=started_at,
            started_wall=float(entry["started_wall"]),
            status_faults=FaultSequence(script.on_status),
            download_faults=FaultSequence(script.on_download),
            kind=tool.kind if tool is not None else "tool",
            links=[
                IssuedLink(signature, expires, None if after is None else started_at + after)
                for signature, expires, after in entry["links"]
            ],
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
                    "dock_status_id": job.dock_status_id,
                    "export_job_id": job.export_job_id,
                    "account": job.account,
                    "tool_id": job.tool_id,
                    "flow_id": job.flow_id,
                    "started_wall": job.started_wall,
                    "links": [
                        (
                            link.signature,
                            link.expires,
                            None if link.valid_until is None else link.valid_until - job.started_at,
                        )
                        for link in job.links
                    ],
                }
                for job in jobs
            ],
        }
        fresh = self._path.with_name(f"{self._path.name}.new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(kept, file)
        fresh.replace(self._path)
