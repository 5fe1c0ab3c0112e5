"""The sandbox itself: listeners, connections, and which call is answered how."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from gale_tui.sandbox.answers import export_answer, status_answer
from gale_tui.sandbox.delivery import Delivery
from gale_tui.sandbox.flows import BANKING, Flow
from gale_tui.sandbox.jobs import PROPER, FaultSequence, Ids, Job, JobView
from gale_tui.sandbox.listening import Listener
from gale_tui.sandbox.log import RequestLog, RequestRecord
from gale_tui.sandbox.script import Fault, Script
from gale_tui.sandbox.sending import spoil
from gale_tui.sandbox.timing import SandboxTime
from gale_tui.sandbox.tools import DEMO, Catalogue, OfferedTool
from gale_tui.sandbox.wire import BytesBody, Request, Response, errors_json, json_response

if TYPE_CHECKING:
    import ssl

__all__ = ["SANDBOX_KEY", "Sandbox"]

SANDBOX_KEY: Final = "kg-5a9db0c5-0000-4000-8000-000000000001-5a9db0c5-0000-4000-8000-000000000002"
"""The key of every sandbox; it opens nothing else."""


@dataclass(slots=True)
class _Tool:
    """A tool that the sandbox knows."""

    tool_id: str
    flow_id: str | None
    """None: any flow will do."""
    name: str
    what: str
    flow: Flow
    script: Script
    export_faults: FaultSequence


class Sandbox:
    """A GALE on loopback, for the demo, for development and for tests.

    Args:
        port: 0 for one that is free.
        key: What `x-api-key` must be.
        clock: Monotonic seconds; jobs, links and pauses follow it.
        wall: Seconds since the epoch, for dates in headers and links.
        speed: Seconds of the sandbox per second of `clock`.
        seed: Makes the ids of jobs the same ones each time; the ids of the offered tools always are for one seed.
        host: Loopback address or name to listen at.
        catalogue: The tools to offer.
        strict_flow: Whether an export without `flowId` is refused even where the tool has one deployed flow only.
        tls: Server side context; https instead of http.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        key: str = SANDBOX_KEY,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        speed: float = 1.0,
        seed: int | None = None,
        host: str = "127.0.0.1",
        catalogue: Catalogue = DEMO,
        strict_flow: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.key = key
        self._port = port
        self._host = host
        self._tls = tls
        self._strict_flow = strict_flow
        self._time = SandboxTime(clock, wall, speed)
        self._ids = Ids(seed)
        self._tool_ids = Ids(f"tools {seed}")
        secret = hashlib.sha256(f"links {seed}".encode()).digest() if seed is not None else secrets.token_bytes(32)
        self._delivery = Delivery(self._time, self._base, self._key_fits, secret)
        self._account = self._tool_ids.new("")
        self._lock = threading.RLock()
        self._listeners: dict[str, Listener] = {}
        self._tools: dict[str, _Tool] = {}
        self._jobs: dict[str, Job] = {}
        self._any_faults = FaultSequence(())
        self.log = RequestLog()
        for sample in catalogue.tools:
            self.add_tool(sample.name, sample.script, what=sample.what, flow=sample.flow)

    # Running

    def start(self) -> None:
        """Listens, on daemon threads. After a stop it listens at the same port again and knows its jobs.

        Raises:
            OSError: The port cannot be had.
        """
        with self._lock:
            if self._listeners:
                return
            self._time.restart()
            self._port = self._listener("own").port

    def stop(self) -> None:
        """Closes the ports and every connection at once; nothing is left running or on disk."""
        self._time.stop()
        with self._lock:
            listeners, self._listeners = list(self._listeners.values()), {}
        for listener in listeners:
            listener.close()
        self._delivery.contents.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def cut_lines(self) -> None:
        """Closes every open connection, as a dropped network would, and goes on listening."""
        with self._lock:
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener.cut_all()

    @property
    def url(self) -> str:
        """Its origin, such as `http://127.0.0.1:49152`."""
        return self._base("own")

    @property
    def other_url(self) -> str:
        """A second origin, which serves files only; listens from the first look on."""
        return self._base("other")

    @property
    def plain_url(self) -> str:
        """A third one, never encrypted, which serves files only."""
        return self._base("plain")

    def _base(self, which: str) -> str:
        return self._listener(which).url

    def _listener(self, which: str) -> Listener:
        with self._lock:
            if self._time.stopping:
                raise RuntimeError("the sandbox is stopped")
            if not self._listeners and which != "own":
                raise RuntimeError("the sandbox is not started")
            if which not in self._listeners:
                port = self._port if which == "own" else 0
                tls = None if which == "plain" else self._tls
                self._listeners[which] = Listener(self._host, port, self._answer, self._time, tls)
            return self._listeners[which]

    # What it knows and does

    @property
    def offered(self) -> tuple[OfferedTool, ...]:
        """The tools with a flow of their own, in the order in which they were added."""
        with self._lock:
            return tuple(
                OfferedTool(tool.tool_id, tool.flow_id, tool.name, tool.what)
                for tool in self._tools.values()
                if tool.flow_id is not None
            )

    def add_tool(self, name: str, script: Script | None = None, *, what: str = "", flow: Flow = BANKING) -> OfferedTool:
        """Offers a further tool and says under which ids."""
        with self._lock:
            tool_id, flow_id = self._tool_ids.new("a-"), self._tool_ids.new("cf-")
            script = script if script is not None else Script()
            faults = FaultSequence(script.on_export)
            self._tools[tool_id] = _Tool(tool_id, flow_id, name, what, flow, script, faults)
            return OfferedTool(tool_id, flow_id, name, what)

    def script(self, tool_id: str, script: Script) -> None:
        """What exports of a tool do from now on; its running jobs go on as they were.

        A tool id that is not known yet becomes a tool that may be exported with any flow.
        """
        with self._lock:
            tool = self._tools.get(tool_id)
            faults = FaultSequence(script.on_export)
            if tool is None:
                self._tools[tool_id] = _Tool(tool_id, None, "Scripted Tool", "", BANKING, script, faults)
            else:
                tool.script, tool.export_faults = script, faults

    def script_job(self, dock_status_id: str, script: Script) -> None:
        """What a job that was started does from now on."""
        with self._lock:
            job = self._jobs[dock_status_id]
            job.script = script
            job.status_faults = FaultSequence(script.on_status)
            job.download_faults = FaultSequence(script.on_download)

    def forget_job(self, dock_status_id: str) -> None:
        """From now on the dock status and the link are unknown."""
        with self._lock:
            del self._jobs[dock_status_id]

    def on_any(self, *faults: Fault) -> None:
        """Spoils the next answers to any call, before it is looked at; none: no more of that."""
        with self._lock:
            self._any_faults = FaultSequence(faults)

    @property
    def jobs(self) -> tuple[JobView, ...]:
        """The jobs that were started, oldest first."""
        with self._lock:
            return tuple(job.view(self._time.now()) for job in self._jobs.values())

    # What was asked

    @property
    def requests(self) -> list[RequestRecord]:
        """All requests so far, oldest first."""
        return self.log.records()

    def clear_requests(self) -> None:
        """Forgets them."""
        self.log.clear()

    def posts(self, tool_id: str) -> list[RequestRecord]:
        """The exports of a tool that were asked for, whatever was answered."""
        path = f"/api/public/tools/{tool_id}/export"
        return [record for record in self.requests if record.method == "POST" and record.path == path]

    def status_calls(self, dock_status_id: str) -> list[RequestRecord]:
        """The status calls for a job."""
        path = f"/api/public/dock-status/{dock_status_id}"
        return [record for record in self.requests if record.method == "GET" and record.path == path]

    def downloads(self, dock_status_id: str) -> list[RequestRecord]:
        """The requests for a job's file, at any of the origins."""
        with self._lock:
            path = Delivery.path(self._jobs[dock_status_id])
        return [record for record in self.requests if record.path == path]

    # Answers

    def _answer(self, request: Request) -> tuple[Response, Fault]:
        fault = self._any_faults.next(self._time.now())
        if fault.replaces or fault.silent:
            response = errors_json(503)
        else:
            response, own = self._route(request)
            fault = own if fault.nothing else fault
        response = spoil(response, fault, self._time)
        if request.method == "HEAD":
            response.head_only = True
        self._record(request, response, fault)
        return response, fault

    def _record(self, request: Request, response: Response, fault: Fault) -> None:
        from urllib.parse import unquote

        self.log.add(
            RequestRecord(
                at=self._time.clock(),
                method=request.method,
                target=request.target,
                path=unquote(request.path),
                query=request.query,
                headers=request.headers,
                body_length=request.body_length,
                status=0 if fault.silent else response.status,
                origin=request.origin,
            )
        )

    def _route(self, request: Request) -> tuple[Response, Fault]:
        match request.segments:
            case ["api", "v1", "account", account, "exports", export_job_id]:
                return self._download(request, account, export_job_id)
            case ["api", *_] if request.origin != self.url:
                return errors_json(404, "This host serves files only"), PROPER
            case ["api", "public", "tools", tool_id, "export"]:
                return self._guarded(request, "POST") or self._export(request, tool_id)
            case ["api", "public", "dock-status", dock_status_id]:
                return self._guarded(request, "GET") or self._dock_status(dock_status_id)
            case ["api", *_]:
                return errors_json(404, "No such call"), PROPER
            case _:
                page = (
                    b"<!DOCTYPE html><html><head><title>GALE sandbox</title></head><body>No such page</body></html>\n"
                )
                return Response(404, [("Content-Type", "text/html; charset=utf-8")], BytesBody(page)), PROPER

    def _guarded(self, request: Request, method: str) -> tuple[Response, Fault] | None:
        if request.method != method:
            response = errors_json(405)
            response.set("Allow", method)
            return response, PROPER
        fits = self._key_fits(request)
        if not fits:
            return errors_json(401, "API key is missing" if fits is None else "Invalid API key"), PROPER
        return None

    def _key_fits(self, request: Request) -> bool | None:
        keys = request.header_values("x-api-key")
        return keys == [self.key] if keys else None

    def _export(self, request: Request, tool_id: str) -> tuple[Response, Fault]:
        with self._lock:
            tool = self._tools.get(tool_id)
            if tool is None:
                return errors_json(404, "Tool not found"), PROPER
            flow_id = request.query.get("flowId", "")
            if not flow_id and not self._strict_flow and tool.flow_id is not None:
                flow_id = tool.flow_id
            if not flow_id:
                missing = "flowId is required: add ?flowId={callflowId} with the ID of the deployed flow to the URL"
                return errors_json(400, missing), PROPER
            if tool.flow_id not in (None, flow_id):
                return errors_json(404, "Flow not found for this tool"), PROPER
            fault = tool.export_faults.next(self._time.now())
            starts = fault.started or not (fault.replaces or fault.cut is not None or fault.stall is not None)
            if fault.replaces and not starts:
                return errors_json(503), fault
            job = self._new_job(tool, flow_id)
            if starts:
                self._jobs[job.dock_status_id] = job
            link = self._delivery.link(job) if tool.script.url_in in ("export", "both") else None
            return json_response(200, export_answer(job, link)), fault

    def _new_job(self, tool: _Tool, flow_id: str) -> Job:
        return Job(
            dock_status_id=self._ids.new("ds-"),
            export_job_id=self._ids.new(tool.script.job_id_prefix),
            account=self._account,
            tool_id=tool.tool_id,
            flow_id=flow_id,
            tool_name=tool.name,
            script=tool.script,
            started_at=self._time.now(),
            started_wall=self._time.wall(),
            status_faults=FaultSequence(tool.script.on_status),
            download_faults=FaultSequence(tool.script.on_download),
        )

    def _dock_status(self, dock_status_id: str) -> tuple[Response, Fault]:
        with self._lock:
            job = self._jobs.get(dock_status_id)
            if job is None:
                return errors_json(404, "Dock status not found"), PROPER
            now = self._time.now()
            fault = job.status_faults.next(now)
            with_link = job.script.url_in in ("status", "both") and job.succeeded(now)
            link = self._delivery.link(job, fresh=job.script.link.fresh) if with_link else None
            return json_response(200, status_answer(job, now, link)), fault

    def _download(self, request: Request, account: str, export_job_id: str) -> tuple[Response, Fault]:
        with self._lock:
            job = next((each for each in self._jobs.values() if each.export_job_id == export_job_id), None)
            if job is None or job.account != account:
                return errors_json(404, "No such file"), PROPER
            tool = self._tools.get(job.tool_id)
        response, leads_to_file = self._delivery.answer(request, job, tool.flow if tool is not None else BANKING)
        return response, job.download_faults.next(self._time.now()) if leads_to_file else PROPER
