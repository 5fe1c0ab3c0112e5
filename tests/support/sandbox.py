"""The sandbox as tests see it: scripted while it runs, with a log of its requests."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from gale_tui.sandbox import server
from gale_tui.sandbox.delivery import Delivery
from gale_tui.sandbox.flows import BANKING
from gale_tui.sandbox.jobs import Job, Tool, hand_out
from gale_tui.sandbox.script import Fault, Script
from gale_tui.sandbox.tools import KINDS
from gale_tui.sandbox.wire import Request, Response

__all__ = ["Record", "RequestLog", "Sandbox"]


@dataclass(frozen=True, slots=True)
class Record(Request):
    """A request, and what was answered."""

    at: float
    """Reading of the sandbox's clock (seconds, not scaled) when the request was whole."""
    status: int
    """The HTTP status answered; 0 where the connection was cut or stalled before an answer."""


class RequestLog:
    """The records of the last 10,000 requests, safe to read from any thread. One is there before its answer is sent."""

    def __init__(self) -> None:
        self._records: deque[Record] = deque(maxlen=10_000)
        self._added = threading.Condition()

    def add(self, record: Record) -> None:
        """Appends a record and wakes who waits for it."""
        with self._added:
            self._records.append(record)
            self._added.notify_all()

    def records(self) -> list[Record]:
        with self._added:
            return list(self._records)

    def of(self, method: str, path: str) -> list[Record]:
        """The records of one call, oldest first; `path` decoded."""
        return [record for record in self.records() if record.method == method and record.path == path]

    def clear(self) -> None:
        with self._added:
            self._records.clear()

    def wait_for(self, enough: Callable[[list[Record]], bool], timeout: float = 10.0) -> list[Record]:
        """Waits until `enough(records)` is true.

        Args:
            enough: Is called with a copy of the records at the start and after each new one.
            timeout: Seconds of real time.

        Raises:
            TimeoutError: It never became true.
        """
        with self._added:
            if not self._added.wait_for(lambda: enough(list(self._records)), timeout):
                raise TimeoutError(f"waited {timeout} s; the log has {len(self._records)} requests")
            return list(self._records)


class Sandbox(server.Sandbox):
    """The embedded GALE, watched."""

    def __init__(self, **options: Any) -> None:
        self.log = RequestLog()
        """The last requests, and a way to wait for one."""
        super().__init__(**options)

    @property
    def connections(self) -> int:
        with self._lock:
            return sum(len(listener._connections) for listener in self._listeners.values())

    def cut_connections(self) -> None:
        """Closes every open connection, as a dropped network would, and keeps listening."""
        with self._lock:
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener.cut_all()

    @property
    def other_url(self) -> str:
        """A second origin, which serves files only; it listens from the first look on."""
        return self._base("other")

    @property
    def plain_url(self) -> str:
        """A third one, never encrypted, which serves files only."""
        return self._base("plain")

    def script(self, tool_id: str, script: Script) -> None:
        """What exports of a tool do from now on; its running jobs are not affected.

        A tool id that is not known yet becomes a tool that may be exported with any flow.
        """
        faults = hand_out(script.on_export)
        with self.lock:
            tool = self.tools.get(tool_id)
            if tool is None:
                tool = Tool(tool_id, "", "Scripted Tool", "", (BANKING,), script, faults, any_flow=True)
                self.tools[tool_id] = tool
            else:
                tool.script, tool.export_faults = script, faults

    def script_job(self, dock_status_id: str, script: Script) -> None:
        """What a job that was started does from now on.

        Raises:
            KeyError: There is no such job.
        """
        with self.lock:
            self._jobs[dock_status_id].follow(script)

    def forget_job(self, dock_status_id: str) -> None:
        """From now on the dock status and the link are unknown.

        Raises:
            KeyError: There is no such job.
        """
        with self.lock:
            del self._jobs[dock_status_id]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that were started, oldest first."""
        with self.lock:
            return tuple(self._jobs.values())

    @property
    def requests(self) -> list[Record]:
        return self.log.records()

    def posts(self, tool_id: str) -> list[Record]:
        """The export requests for a tool, workflow or model, whatever was answered."""
        places = (place for kind in KINDS.values() for place in kind.paths)
        paths = {f"/api/public/{place}/{tool_id}/export" for place in places}
        return [each for each in self.requests if each.method == "POST" and each.path in paths]

    def status_calls(self, dock_status_id: str) -> list[Record]:
        return self.log.of("GET", f"/api/public/dock-status/{dock_status_id}")

    def downloads(self, dock_status_id: str) -> list[Record]:
        """The requests for a job's file, at any of the origins.

        Raises:
            KeyError: There is no such job.
        """
        with self.lock:
            path = Delivery.path(self._jobs[dock_status_id])
        return self.log.of("GET", path)

    def answer(self, request: Request) -> tuple[Response, Fault]:
        response, fault = super().answer(request)
        asked = {field.name: getattr(request, field.name) for field in fields(request)}
        self.log.add(Record(**asked, at=self._time.clock(), status=0 if fault.silent else response.status))
        return response, fault
