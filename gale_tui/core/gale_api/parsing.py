"""JSON answers of GALE as models, in every spelling of the vendor's pages.

Follows "Export a Tool API" (Sample Response, Response Parameters) and its neighbours, which spell the same fields
differently. Whatever cannot be used counts as absent; texts come out inert, bounded and without secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gale_tui.core.errors import ConfigError, MalformedAnswerError, WrongAnswerError
from gale_tui.core.gale_api.answers import DockStatus, ExportStarted, ResponseNote
from gale_tui.core.identifiers import clean_id
from gale_tui.core.kinds import KINDS, Kind, kind_of
from gale_tui.core.secret import SignedUrl, register_secret, without_keys, without_secrets
from gale_tui.core.untrusted_text import inert, inert_block, message_in, redact_links

NOTE_LIMIT = 16384
"""Characters of an answer that are kept for the details."""
LINK_LIMIT = 16384
"""Characters of a download link; signed ones are long."""
DEPTH = 60
"""Levels of nesting that are looked at."""

# Names as `_plain` makes them: dock-statusId, dockStatusId and dockstatusId are one.
_DOCK_ID = ("dockstatusid",)
_EXPORT_JOB = ("exportjobid",)
_SUBJECT = tuple(kind.subject.lower() for kind in KINDS.values())
_OTHER_SUBJECT = ("agentid", "appid")
_LINK = ("downloadurl", "downloadlink")
_PERCENTAGE = ("percentagecomplete", "percentage", "progress")
_NAME = (*(f"{kind.word}name" for kind in KINDS.values()), "agentname", "appname", "name")
_INNER = ("response", "data", "result")


@dataclass(frozen=True, slots=True)
class ExpectedIds:
    """The ids that an answer must have; an empty one is unknown and not compared."""

    tool_id: str = ""
    dock_status_id: str = ""
    export_job_id: str = ""
    kind: Kind | None = None
    """Names the field that has `tool_id`; None for any kind's."""


_ANYTHING = ExpectedIds()


def _check_ids(
    value: Mapping[str, Any], places: list[dict[str, Any]], expected: ExpectedIds, note: ResponseNote
) -> None:
    """Raises WrongAnswerError where the answer names another job."""
    dock = _ids(places, _DOCK_ID)
    record = value.get("_id")
    if not dock and isinstance(record, str) and record.strip().lower().startswith("ds-"):
        # Other records have an `_id` as well; the database's own shows nothing.
        dock = [record.strip()]
    kind = expected.kind
    own = _ids(places, (kind.subject.lower(),)) if kind is not None else []
    for what, wanted, given in (
        ("dock status", expected.dock_status_id, dock),
        # Newest pages mix the names: where the kind's own field is missing, any other's counts.
        (kind.word if kind is not None else "tool", expected.tool_id, own or _ids(places, _SUBJECT)),
        ("export job", expected.export_job_id, _ids(places, _EXPORT_JOB)),
    ):
        if wanted and given and wanted.lower() not in (each.lower() for each in given):
            raise WrongAnswerError(
                f"The answer is about another {what}, {inert(given[0], 60)}",
                "A gateway mixes up its answers; nothing in this one counts",
                **_answer_fields(note),
            )


def _answer_fields(note: ResponseNote) -> dict[str, Any]:
    """The fields of an error that describe the answer."""
    return {"status": note.status, "from_gale": True, "body": note.text}


def _ids(places: list[dict[str, Any]], names: tuple[str, ...]) -> list[str]:
    return [found for value in _each(places, names) if (found := _clean_id(value)) is not None]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name[:60].lower())


def _fields(value: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, content in value.items():
        # Of two spellings of one field, the one with a value counts.
        if content is not None and fields.get(_plain(name)) in (None, ""):
            fields[_plain(name)] = content
    return fields


def _places(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answer itself and the objects in it that may hold its fields."""
    top = _fields(value)
    return [top, *(_fields(inner) for name in _INNER if isinstance(inner := top.get(name), dict))]


def _each(places: list[dict[str, Any]], names: tuple[str, ...]) -> Iterator[Any]:
    return (place[name] for place in places for name in names if name in place)


def _clean_id(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return clean_id(value)
    except ConfigError:
        return None


def _id(places: list[dict[str, Any]], names: tuple[str, ...]) -> str | None:
    return next(iter(_ids(places, names)), None)


def _kind(places: list[dict[str, Any]]) -> Kind | None:
    """The kind that an answer is about: by its job type, else by its id, else by the name of the id's field."""
    types = [each.strip().upper() for each in _each(places, ("jobtype",)) if isinstance(each, str)]
    subject = _id(places, _SUBJECT) or ""
    named = [kind for kind in KINDS.values() if _id(places, (kind.subject.lower(),)) is not None]
    return (
        next((kind for kind in KINDS.values() if kind.job_type in types), None)
        or kind_of(subject)
        or next(iter(named), None)
    )


def _dock_id(value: Mapping[str, Any], places: list[dict[str, Any]]) -> str | None:
    # `_id` is a dock status id only where no better name is there, and never inside another object.
    return _id(places, _DOCK_ID) or _id([{"id": value.get("_id")}], ("id",))


def _status(places: list[dict[str, Any]]) -> str | None:
    for value in _each(places, ("status",)):
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and (word := inert(value, 60)):
            return word
    return None


def _text(places: list[dict[str, Any]], names: tuple[str, ...], limit: int) -> str | None:
    for value in _each(places, names):
        if isinstance(value, str) and (line := inert(value, limit)):
            return line
    return None


def _percentage(places: list[dict[str, Any]]) -> float | None:
    for value in _each(places, _PERCENTAGE):
        if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,9})?)\s*%?\s*", value, re.ASCII)):
            value = float(match[1])
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 100:
            return float(value)
    return None


def _link(places: list[dict[str, Any]]) -> SignedUrl | None:
    for value in _each([*places[1:], places[0]], _LINK):
        if isinstance(value, str):
            # Line breaks and tabs get in by copying; browsers drop them too.
            link = without_keys(re.sub(r"[\t\r\n]", "", value.strip()))
            if link.isascii():
                link = link.replace(" ", "%20")
            if 0 < len(link) <= LINK_LIMIT and not re.search(r"[\x00-\x20\x7f\ud800-\udfff]", link):
                return SignedUrl(link)
    return None


def _reason(value: Mapping[str, Any]) -> str | None:
    """Why something failed: statusMessage, message, error, errors[].msg or response.message, in this order."""
    top = _fields(value)
    inner = top.get("response")
    for candidate in (
        top.get("statusmessage"),
        top.get("message"),
        top.get("error"),
        top.get("errors"),
        _fields(inner).get("message") if isinstance(inner, dict) else None,
        _fields(inner).get("errors") if isinstance(inner, dict) else None,
    ):
        if not isinstance(candidate, (int, float)) and (line := message_in(candidate)):
            return inert(line[:4000], 500)
    return None


def read_json(body: bytes) -> object:
    """The value of a JSON body.

    Raises:
        ValueError: It is not JSON, or nested deeper than anybody means.
    """
    try:
        value = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if isinstance(value, dict) and (link := _link(_places(value))) is not None:
        # Before any text of the answer is used: it may repeat the link's signature.
        register_secret(link)
    return value


def answer_text(body: bytes) -> str:
    """A body as text for the details: JSON indented, without secrets and queries of links, inert, at most 16 KiB."""
    try:
        text = json.dumps(_redacted(read_json(body), DEPTH, keep_links=False), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        # Cut before the redaction, which reads all of it, but far enough behind what is kept.
        text = redact_links(body[: 4 * NOTE_LIMIT].decode("utf-8", "replace"))
    return inert_block(text, NOTE_LIMIT)


def _redacted(value: Any, depth: int, *, keep_links: bool) -> Any:
    """The value without secrets. Download links may stay as they are; what signs them appears nowhere else."""
    if depth <= 0 and isinstance(value, (list, dict)):
        return "…"
    if isinstance(value, str):
        return redact_links(value[: 4 * NOTE_LIMIT])
    if isinstance(value, list):
        return [_redacted(item, depth - 1, keep_links=keep_links) for item in value]
    if isinstance(value, dict):
        return {
            redact_links(name): (item if keep_links else without_secrets(SignedUrl(item).redacted))
            if isinstance(item, str) and _plain(name) in _LINK
            else _redacted(item, depth - 1, keep_links=keep_links)
            for name, item in value.items()
        }
    return value


def _object(value: object, what: str, note: ResponseNote) -> Mapping[str, Any]:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        answer: dict[str, Any] = _redacted(value, DEPTH, keep_links=True)
        return answer
    raise MalformedAnswerError(f"GALE's answer to {what} is JSON, but not an object", _REPORT, **_answer_fields(note))


_REPORT = "The details of the job have the answer itself; the API may have changed"


def parse_export(value: object, note: ResponseNote, expected: ExpectedIds = _ANYTHING) -> ExportStarted:
    """The answer to an export. See "Export a Tool API", Sample Response.

    Raises:
        WrongAnswerError: It names another job.
        MalformedAnswerError: It is no object, or has no usable dock status id, so that the job cannot be followed.
    """
    answer = _object(value, "the export", note)
    places = _places(answer)
    _check_ids(answer, places, expected, note)
    dock_status_id = _dock_id(answer, places)
    if dock_status_id is None:
        reason = _reason(answer) or ""
        raise MalformedAnswerError(
            f"GALE answered the export without a dock status id{f': {reason}' if reason else ''}",
            "The export may have started anyway; check the console before exporting again",
            detail=reason,
            **_answer_fields(note),
        )
    return ExportStarted(
        dock_status_id=dock_status_id, **_values(answer, places, _status(places) or "IN_PROGRESS", note)
    )


def parse_dock_status(value: object, note: ResponseNote, expected: ExpectedIds = _ANYTHING) -> DockStatus:
    """The answer to a dock status call.

    Raises:
        WrongAnswerError: It names another job.
        MalformedAnswerError: It is no object, or has no status.
    """
    answer = _object(value, "the dock status call", note)
    places = _places(answer)
    _check_ids(answer, places, expected, note)
    status = _status(places)
    if status is None:
        raise MalformedAnswerError("GALE's answer has no status", _REPORT, **_answer_fields(note))
    return DockStatus(**_values(answer, places, status, note))


def _values(answer: Mapping[str, Any], places: list[dict[str, Any]], status: str, note: ResponseNote) -> dict[str, Any]:
    """The fields of both answers."""
    return {
        "status": status,
        "percentage": _percentage(places),
        "reason": _reason(answer),
        "download_url": _link(places),
        "export_job_id": _id(places, _EXPORT_JOB),
        "tool_id": _id(places, _SUBJECT + _OTHER_SUBJECT),
        "name": _text(places, _NAME, 200),
        "response": note,
        "kind": _kind(places),
    }
