"""What a captured HTTP request says about an export: environment, tool and flow.

The public call is that of "Export a Tool API"; the console's own differs and is not documented, so ids are known by
their shape and by the names of the fields that hold them as well as by their place in the path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import origin_of

__all__ = ["CapturedRequest", "RawRequest", "captured", "host_of", "is_flow_id", "is_tool_id", "secret_header"]

_TOOL_SHAPE: Final = re.compile(r"a-[0-9A-Za-z]{4,}(?:-[0-9A-Za-z]{2,}){2,8}")
_FLOW_SHAPE: Final = re.compile(r"cf-[0-9A-Za-z]{4,}(?:-[0-9A-Za-z]{2,}){1,8}")
_IN_PATH: Final = re.compile(r"/(tools|agents|workflows?)/:?([^/?#]+)/exports?(?:/|$)", re.IGNORECASE)
_TOOL_NAMES: Final = frozenset({"toolid", "agentid"})
_FLOW_NAMES: Final = frozenset({"flowid", "callflowid"})
_WORKFLOW_NAMES: Final = frozenset({"workflowid"})
_ADDRESS_LIMIT: Final = 8192
_BODY_LIMIT: Final = 1 << 18
_ID_LIMIT: Final = 200
_SECRET_HEADER: Final = re.compile(
    r"cookie|authori[sz]ation|\bauth\b|token|secret|session|csrf|xsrf|api-?key|jwt|signature"
)
_WORTH: Final = 8
"""Characters from which on a word is a secret rather than a part of one."""
_NO_ID: Final = re.compile(r"kg-|eyJ|Bearer", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CapturedRequest:
    """An export request, as far as it was understood. Never anything that opens a door."""

    host: str | None
    """Scheme, host and port; None where the paste does not say or has a user name before it."""
    tool_id: str | None
    flow_id: str | None
    label: str
    """What else tells it from others, for a list; often empty."""
    kind: Literal["tool", "workflow"]
    """gale-tui exports tools; a workflow is only recognised."""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it was pasted; shows nothing of itself, since it may hold cookies and keys."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""
    body: str = field(default="", repr=False)

    @property
    def secrets(self) -> list[str]:
        """What must not be kept: the words of secret headers, and a user name or password in the address."""
        values = [value for name, value in self.headers.items() if secret_header(name)]
        authority = re.match(r"[A-Za-z]+://([^/?#]*)@", self.url)
        if authority is not None:
            values.append(authority[1])
        return [word for value in values for word in re.split(r"[\s;,=:\"]+", value) if len(word) >= _WORTH]

    @property
    def guarded(self) -> bool:
        """True where there is something secret in it."""
        return any(secret_header(name) for name in self.headers) or bool(self.secrets)


def secret_header(name: str) -> bool:
    """True for headers that carry cookies, tokens or keys."""
    return _SECRET_HEADER.search(name.lower()) is not None


def is_tool_id(text: str) -> bool:
    """True for `a-` and a UUID, or what looks like it."""
    return _TOOL_SHAPE.fullmatch(text) is not None


def is_flow_id(text: str) -> bool:
    """True for `cf-` and a UUID, or what looks like it."""
    return _FLOW_SHAPE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a request was read as."""

    request: CapturedRequest
    exports: bool
    """True where it is an export by its path or body, not by its ids alone."""


def captured(raw: RawRequest) -> Reading | None:
    """The ids in a request; None where it has none of a tool's."""
    url = raw.url[:_ADDRESS_LIMIT]
    try:
        parts = urlsplit(url)
        path = parts.path
        query = parse_qsl(parts.query, keep_blank_values=False, max_num_fields=100)
    except ValueError:
        return None
    segments = [unquote(each).removeprefix(":") for each in path.split("/") if each]
    fields = [*query, *_body_fields(raw.body)]
    secrets = raw.secrets
    exports = any(each.lower() in ("export", "exports", "exporttool") for each in segments) or any(
        name.lower() == "action" and value.upper() == "EXPORT" for name, value in fields
    )
    place = _IN_PATH.search(path)
    if place is not None and place[1].lower().startswith("workflow"):
        label = _usable(unquote(place[2]), secrets) or ""
        return Reading(
            CapturedRequest(host_of(url), None, _flow_id(segments, fields, secrets), label, "workflow"), True
        )
    named = [unquote(place[2]).removeprefix(":")] if place is not None else []
    named += [value for name, value in fields if _plain(name) in _TOOL_NAMES]
    named += [each for each in segments if is_tool_id(each)]
    named += [value for _, value in fields if is_tool_id(value)]
    tool_id = next((each for each in (_usable(text, secrets) for text in named) if each), None)
    if tool_id is None:
        workflow = next((value for name, value in fields if _plain(name) in _WORKFLOW_NAMES), None)
        if workflow is None or not exports:
            return None
        label = _usable(workflow, secrets) or ""
        return Reading(
            CapturedRequest(host_of(url), None, _flow_id(segments, fields, secrets), label, "workflow"), True
        )
    if not exports and not is_tool_id(tool_id):
        return None
    return Reading(CapturedRequest(host_of(url), tool_id, _flow_id(segments, fields, secrets), "", "tool"), exports)


def _workflow(url: str, name: str, flow_id: str | None, secrets: list[str]) -> Reading:
    return Reading(CapturedRequest(host_of(url), None, flow_id, _usable(name, secrets) or "", "workflow"), True)


def _flow_id(segments: Iterable[str], fields: Iterable[tuple[str, str]], secrets: list[str]) -> str | None:
    fields = list(fields)
    named = [value for name, value in fields if _plain(name) in _FLOW_NAMES]
    named += [each for each in segments if is_flow_id(each)]
    named += [value for _, value in fields if is_flow_id(value)]
    return next((each for each in (_usable(text, secrets) for text in named) if each), None)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _usable(text: str, secrets: list[str]) -> str | None:
    """The id, unless it is none, or something that the request guards."""
    text = text.strip()
    if is_tool_id(text) or is_flow_id(text):
        return text
    if not text or len(text) > _ID_LIMIT or not text.isprintable() or _NO_ID.search(text):
        return None
    return None if any(secret in text for secret in secrets) else text


def host_of(url: str) -> str | None:
    """Scheme, host and port of an address; None where it has none, or a user name before it."""
    try:
        return str(origin_of(url))
    except ConfigError:
        return None


def _body_fields(body: str) -> Iterator[tuple[str, str]]:
    """Texts of a JSON or form body by the names of their fields, a few levels down."""
    body = body.strip()
    if not body or len(body) > _BODY_LIMIT:
        return
    if body[0] not in "{[":
        try:
            yield from parse_qsl(body, max_num_fields=100)
        except ValueError:
            return
        return
    try:
        level = [json.loads(body)]
    except (ValueError, RecursionError):
        return
    for _ in range(5):
        below: list[object] = []
        for each in level:
            if isinstance(each, dict):
                for name, value in each.items():
                    if isinstance(value, str):
                        yield name, value
                    else:
                        below.append(value)
            elif isinstance(each, list):
                below.extend(each[:1000])
        level = below[:10_000]
