"""The calls of the API: which tools and jobs there are, and the answer to each request."""

from __future__ import annotations

import threading

from gale_tui.sandbox.clock import SandboxTime
from gale_tui.sandbox.delivery import Delivery
from gale_tui.sandbox.flows import BANKING, Flow
from gale_tui.sandbox.jobs import PROPER, Ids, Job, Tool, hand_out
from gale_tui.sandbox.script import Fault, Script
from gale_tui.sandbox.sending import apply_fault
from gale_tui.sandbox.tools import KINDS
from gale_tui.sandbox.wire import Request, Response, errors_json, json_response

NO_PAGE = b"<!DOCTYPE html><html><head><title>Not found</title></head><body>No such page</body></html>\n"
FLOW_NEEDED = "flowId is required: add ?flowId={callflowId} with the ID of the deployed flow to the URL"


class Gale:
    """The tools, the jobs and the answers; :class:`server.Sandbox` listens.

    Args:
        key: The valid `x-api-key`; may be changed while it runs.
        seed: Of all ids.
        strict_flow: Whether an export needs `flowId` even where the tool has one deployed flow.
    """

    def __init__(self, time: SandboxTime, key: str, seed: int | None, strict_flow: bool) -> None:
        self.key = key
        self.lock = threading.RLock()
        self.tools: dict[str, Tool] = {}
        self._jobs: dict[str, Job] = {}
        self._time = time
        self._ids = Ids(seed)
        self._tool_ids = Ids(f"tools {seed}")
        self._account = self._tool_ids.new("")
        self._strict_flow = strict_flow
        self._delivery = Delivery(time, self._base, self._key_fits)

    def _base(self, which: str) -> str:
        """The URL of a listener: `own`, `other`, which serves files only, or `plain`, which is never encrypted."""
        raise NotImplementedError

    def _remember(self) -> None:
        """Called, under the lock, after a job or a link was added."""

    @property
    def offered(self) -> tuple[Tool, ...]:
        """The tools with a flow of their own, in the order in which they were added."""
        with self.lock:
            return tuple(tool for tool in self.tools.values() if not tool.any_flow)

    def add_tool(
        self,
        name: str,
        script: Script | None = None,
        *,
        what: str = "",
        flow: Flow = BANKING,
        later: tuple[Flow, ...] = (),
        kind: str = "tool",
    ) -> Tool:
        """Offers a further tool, workflow or model under new ids; `later` are the flows of its further exports."""
        script = script or Script()
        with self.lock:
            flow_id = self._tool_ids.new("cf-") if KINDS[kind].takes_flow else ""
            tool_id = self._tool_ids.new(KINDS[kind].id_prefix)
            faults = hand_out(script.on_export)
            tool = Tool(tool_id, flow_id, name, what, (flow, *later), script, faults, kind)
            self.tools[tool_id] = tool
        return tool

    def _key_fits(self, request: Request) -> bool | None:
        keys = request.header_values("x-api-key")
        return keys == [self.key] if keys else None

    def answer(self, request: Request) -> tuple[Response, Fault]:
        """The answer with its fault already in it, and the fault for what remains to be done on the connection."""
        try:
            response, fault = self._route(request)
            response = apply_fault(response, fault, self._time)
        except OSError:
            if self._time.stopping.is_set():
                raise
            response, fault = errors_json(500, "The sandbox could not read or make a file"), PROPER
        except Exception as error:
            # An invalid script is reported to the client: a server thread has nobody else to report to.
            response, fault = errors_json(500, f"The sandbox's script is wrong: {error!r}"), PROPER
        response.head_only = request.method == "HEAD"
        return response, fault

    def _route(self, request: Request) -> tuple[Response, Fault]:
        match request.segments:
            case ["api", "v1", "account", account, "exports", export_job_id]:
                return self._download(request, account, export_job_id)
            case ["api", *_] if request.origin != self._base("own"):
                return errors_json(404, "This host serves files only"), PROPER
            case ["api", "public", place, tool_id, "export"] if any(place in kind.paths for kind in KINDS.values()):
                return self._check_call(request, "POST") or self._export(request, place, tool_id)
            case ["api", "public", "dock-status", dock_status_id]:
                return self._check_call(request, "GET") or self._dock_status(dock_status_id)
            case ["api", *_]:
                return errors_json(404, "No such call"), PROPER
            case _:
                return Response(404, [("Content-Type", "text/html; charset=utf-8")], NO_PAGE), PROPER

    def _check_call(self, request: Request, method: str) -> tuple[Response, Fault] | None:
        if request.method != method:
            response = errors_json(405)
            response.set("Allow", method)
            return response, PROPER
        fits = self._key_fits(request)
        if not fits:
            return errors_json(401, "API key is missing" if fits is None else "Invalid API key"), PROPER
        return None

    def _export(self, request: Request, place: str, tool_id: str) -> tuple[Response, Fault]:
        with self.lock:
            word, kind = next((word, kind) for word, kind in KINDS.items() if place in kind.paths)
            tool = self.tools.get(tool_id)
            if tool is not None and place not in (tool.script.paths or KINDS[tool.kind].paths):
                tool = None
            if tool is None:
                return errors_json(404, f"{word.capitalize()} not found"), PROPER
            flow_id = request.query.get("flowId", "") if kind.takes_flow else ""
            if not self._strict_flow:
                flow_id = flow_id or tool.flow_id
            if kind.takes_flow and not flow_id:
                return errors_json(400, FLOW_NEEDED), PROPER
            if flow_id != tool.flow_id and not tool.any_flow:
                return errors_json(404, "Flow not found for this tool"), PROPER
            fault = next(tool.export_faults, PROPER)
            starts = fault.started or not (fault.replaces or fault.cut is not None or fault.stall is not None)
            job = self._new_job(tool, flow_id)
            link = self._delivery.link(job) if tool.script.url_in in ("export", "both") else None
            if starts:
                self._jobs[job.dock_status_id] = job
                self._remember()
            return json_response(200, _export_answer(job, link)), fault

    def _new_job(self, tool: Tool, flow_id: str) -> Job:
        dock_status_id = self._ids.new("ds-")
        while dock_status_id in self._jobs:
            # A seeded sandbox that kept jobs of its last run.
            dock_status_id = self._ids.new("ds-")
        return Job(
            dock_status_id=dock_status_id,
            export_job_id=self._ids.new(KINDS[tool.kind].job_id_prefix),
            account=self._account,
            tool_id=tool.tool_id,
            flow_id=flow_id,
            tool_name=tool.name,
            flow=tool.flow_of(sum(job.tool_id == tool.tool_id for job in self._jobs.values())),
            script=tool.script,
            started_at=self._time.now(),
            started_wall=self._time.wall(),
            kind=tool.kind,
        )

    def _dock_status(self, dock_status_id: str) -> tuple[Response, Fault]:
        with self.lock:
            job = self._jobs.get(dock_status_id)
            if job is None:
                return errors_json(404, "Dock status not found"), PROPER
            now = self._time.now()
            fault = next(job.status_faults, PROPER)
            link = None
            if job.script.url_in in ("status", "both") and job.succeeded(now):
                known = len(job.links)
                link = self._delivery.link(job)
                if len(job.links) > known:
                    self._remember()
            return json_response(200, _status_answer(job, now, link)), fault

    def _download(self, request: Request, account: str, export_job_id: str) -> tuple[Response, Fault]:
        with self.lock:
            job = next((each for each in self._jobs.values() if each.export_job_id == export_job_id), None)
            if job is None or job.account != account:
                return errors_json(404, "No such file"), PROPER
        response, leads_to_file = self._delivery.answer(request, job)
        with self.lock:
            fault = next(job.download_faults, PROPER) if leads_to_file else PROPER
            if leads_to_file and request.method == "GET" and not (fault.replaces or fault.silent):
                job.served += 1
        return response, fault


# Bodies: the vendor's shapes ("Export a Tool API")


def _export_answer(job: Job, link: str | None) -> dict[str, object]:
    """The answer to the POST."""
    answer = _start_answer(job, "dock-statusId", job.script.export_status)
    answer["exportJobId"] = job.export_job_id
    if link is not None:
        answer["response"] = {"downloadUrl": link}
    job.script.edit_export(answer)
    return answer


def _status_answer(job: Job, now: float, link: str | None) -> dict[str, object]:
    script = job.script
    answer = _start_answer(job, "_id", job.status(now))
    if script.percentages:
        answer["percentageComplete"] = job.percentage(now)
    if link is not None:
        answer["response"] = {"downloadUrl": link}
    if script.reason is not None and job.ended(now):
        answer["statusMessage"] = script.reason
    script.edit_status(answer)
    return answer


def _start_answer(job: Job, id_field: str, status: object) -> dict[str, object]:
    """The fields that both answers begin with."""
    kind = KINDS[job.kind]
    return {
        id_field: job.dock_status_id,
        kind.subject: job.tool_id,
        "jobType": kind.job_type,
        "action": "EXPORT",
        "status": status,
    }
