"""The calls of the API: which tools and jobs there are, and what each request is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gale_tui.sandbox.clock import SandboxTime
from gale_tui.sandbox.delivery import Delivery
from gale_tui.sandbox.jobs import PROPER, Ids, Job, Tool
from gale_tui.sandbox.script import Fault
from gale_tui.sandbox.sending import apply_fault
from gale_tui.sandbox.tools import KINDS
from gale_tui.sandbox.wire import Request, Response, errors_json, json_response

NO_PAGE = b"<!DOCTYPE html><html><head><title>Not found</title></head><body>No such page</body></html>\n"
FLOW_NEEDED = "flowId is required: add ?flowId={callflowId} with the ID of the deployed flow to the URL"


class Calls:
    """Answers requests from the tools and jobs that it holds.

    Args:
        account: Whose files they are; part of the links.
        key_fits: Whether a request carries the right key; None where it carries none.
        own_origin: The origin at which calls, and not only files, are answered.
        strict_flow: Whether an export needs `flowId` even where the tool has one deployed flow.
        remember: Called, under the lock, when a job or a link has come.
    """

    def __init__(
        self,
        time: SandboxTime,
        delivery: Delivery,
        ids: Ids,
        account: str,
        *,
        key_fits: Callable[[Request], bool | None],
        own_origin: Callable[[], str],
        strict_flow: bool,
        remember: Callable[[], None],
    ) -> None:
        self.lock = threading.RLock()
        self.tools: dict[str, Tool] = {}
        self.jobs: dict[str, Job] = {}
        self._time = time
        self._delivery = delivery
        self._ids = ids
        self._account = account
        self._key_fits = key_fits
        self._own_origin = own_origin
        self._strict_flow = strict_flow
        self._remember = remember

    def answer(self, request: Request) -> tuple[Response, Fault]:
        """The answer with its fault already in it, and the fault for what remains to be done on the connection."""
        response, fault = self._route(request)
        response = apply_fault(response, fault, self._time)
        response.head_only = request.method == "HEAD"
        return response, fault

    def _route(self, request: Request) -> tuple[Response, Fault]:
        match request.segments:
            case ["api", "v1", "account", account, "exports", export_job_id]:
                return self._download(request, account, export_job_id)
            case ["api", *_] if request.origin != self._own_origin():
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
            fault = tool.export_faults.next(self._time.now())
            starts = fault.started or not (fault.replaces or fault.cut is not None or fault.stall is not None)
            job = self._new_job(tool, flow_id)
            link = self._delivery.link(job) if tool.script.url_in in ("export", "both") else None
            if starts:
                self.jobs[job.dock_status_id] = job
                self._remember()
            return json_response(200, _export_answer(job, link)), fault

    def _new_job(self, tool: Tool, flow_id: str) -> Job:
        dock_status_id = self._ids.new("ds-")
        while dock_status_id in self.jobs:
            # A seeded sandbox that kept jobs of its last run.
            dock_status_id = self._ids.new("ds-")
        return Job(
            dock_status_id=dock_status_id,
            export_job_id=self._ids.new(KINDS[tool.kind].job_id_prefix),
            account=self._account,
            tool_id=tool.tool_id,
            flow_id=flow_id,
            tool_name=tool.name,
            flow=tool.flow_of(sum(job.tool_id == tool.tool_id for job in self.jobs.values())),
            script=tool.script,
            started_at=self._time.now(),
            started_wall=self._time.wall(),
            kind=tool.kind,
        )

    def _dock_status(self, dock_status_id: str) -> tuple[Response, Fault]:
        with self.lock:
            job = self.jobs.get(dock_status_id)
            if job is None:
                return errors_json(404, "Dock status not found"), PROPER
            now = self._time.now()
            fault = job.status_faults.next(now)
            link = None
            if job.script.url_in in ("status", "both") and job.succeeded(now):
                known = len(job.links)
                link = self._delivery.link(job)
                if len(job.links) > known:
                    self._remember()
            return json_response(200, _status_answer(job, now, link)), fault

    def _download(self, request: Request, account: str, export_job_id: str) -> tuple[Response, Fault]:
        with self.lock:
            job = next((each for each in self.jobs.values() if each.export_job_id == export_job_id), None)
            if job is None or job.account != account:
                return errors_json(404, "No such file"), PROPER
        response, leads_to_file = self._delivery.answer(request, job)
        with self.lock:
            fault = job.download_faults.next(self._time.now()) if leads_to_file else PROPER
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
    """What both answers begin with."""
    kind = KINDS[job.kind]
    return {
        id_field: job.dock_status_id,
        kind.subject: job.tool_id,
        "jobType": kind.job_type,
        "action": "EXPORT",
        "status": status,
    }
