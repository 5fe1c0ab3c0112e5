"""The bodies of the calls: the vendor's shapes ("Export a Tool API"), in every spelling that a script asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gale_tui.sandbox.jobs import Job
from gale_tui.sandbox.script import ABSENT, Script
from gale_tui.sandbox.tools import KINDS

__all__ = ["export_answer", "put", "status_answer"]


def put(answer: dict[str, object], name: str, value: object) -> None:
    """Sets a field; a dot leads into an object, which is made where it is missing. :data:`ABSENT` removes it."""
    *path, last = name.split(".")
    inside = answer
    for part in path:
        deeper = inside.get(part)
        if not isinstance(deeper, dict):
            if value is ABSENT:
                return
            deeper = {}
            inside[part] = deeper
        inside = deeper
    if value is ABSENT:
        inside.pop(last, None)
    else:
        inside[last] = value


def export_answer(job: Job, link: str | None) -> dict[str, object]:
    """The answer to the POST."""
    script = job.script
    answer: dict[str, object] = {}
    _put_all(answer, script.id_as, job.dock_status_id)
    _put_subject(answer, job)
    answer["action"] = "EXPORT"
    answer["status"] = script.export_status
    answer["exportJobId"] = job.export_job_id
    if link is not None:
        _put_all(answer, script.url_as, link)
    _override(answer, script.export_fields)
    return answer


def status_answer(job: Job, now: float, link: str | None) -> dict[str, object]:
    """The answer to the dock status call."""
    script = job.script
    answer: dict[str, object] = {}
    _put_all(answer, script.status_id_as, job.dock_status_id)
    _put_subject(answer, job)
    answer["action"] = "EXPORT"
    answer["status"] = job.status(now)
    if script.percentages:
        answer["percentageComplete"] = job.percentage(now)
    if link is not None:
        _put_all(answer, script.url_as, link)
    if script.reason is not None and job.ended(now):
        _put_reason(answer, script)
    _override(answer, script.status_fields)
    return answer


def _put_subject(answer: dict[str, object], job: Job) -> None:
    kind = KINDS[job.kind]
    answer[job.script.subject_as or kind.subject] = job.tool_id
    answer["jobType"] = job.script.job_type or kind.job_type


def _put_reason(answer: dict[str, object], script: Script) -> None:
    if script.reason_as == "errors":
        answer["errors"] = [{"msg": script.reason, "code": 500}]
    else:
        put(answer, script.reason_as, script.reason)


def _put_all(answer: dict[str, object], names: Iterable[str], value: object) -> None:
    for name in names:
        put(answer, name, value)


def _override(answer: dict[str, object], fields: Mapping[str, object]) -> None:
    for name, value in fields.items():
        put(answer, name, value)
