"""Finds the export requests in a paste: an address, a copied command, a HAR file, two ids.

"Export a Tool API" tells people to read the ids off the browser's network tab; what they then have on the clipboard
also holds their session. Ids and hosts are read from it and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import clean_id, clean_key, is_id, origin_of, shaped_ids
from gale_tui.core.kinds import TOOL, Kind
from gale_tui.core.models import Origin
from gale_tui.core.paste.har import HAR_LIMIT, har_requests, looks_like_har
from gale_tui.core.paste.scanner import RawRequest, common_host, find_requests, has_secrets, subject_of
from gale_tui.core.paste.text import quotes_closed, unescape
from gale_tui.core.secret import Secret
from gale_tui.core.untrusted_text import contains_key

TEXT_LIMIT: Final = 2 << 20
"""Characters of a paste that are read."""
LEFT_OUT: Final = "Cookies, tokens and keys in it were left out."
_KEY_HEADER: Final = re.compile(
    r"x-api-key(?:['\"]\s{0,9}[=:,]|\s{0,9}:)\s{0,9}['\"]?(kg-[\w.-]{5,509}|(?=[^\s'\"]*\d)[\w.~+/=-]{8,512})(?=['\"\s]|$)",
    re.IGNORECASE | re.ASCII,
)
"""The header with a value that may be a key, not the placeholder of an example."""


@dataclass(frozen=True, slots=True)
class CapturedKey:
    """An API key and the only place that it belongs to."""

    origin: Origin
    secret: Secret


@dataclass(frozen=True, slots=True)
class CapturedRequest:
    """An export request, as far as it was understood. Never anything that opens a door."""

    host: str | None
    """Scheme, host and port; None if the paste does not say."""
    tool_id: str | None
    """Id of the tool, the workflow or the model."""
    flow_id: str | None
    """Always None if the kind has none."""
    kind: Kind
    line: int = field(default=0, compare=False)
    """Line of the paste, or place among the requests of a HAR; from 1."""


@dataclass(frozen=True, slots=True)
class Captured:
    """The findings in a paste, without its cookies and tokens."""

    requests: tuple[CapturedRequest, ...] = ()
    """Each export once, in the order of the paste; also those whose ids were not understood."""
    ignored: tuple[str, ...] = ()
    """Sentences about what was left out; they repeat nothing of the paste."""
    had_key: bool = False
    """True if there was an API key in it."""
    key: CapturedKey | None = None
    """The one `x-api-key` that went to the host of the first export; tokens of a console are not among them."""
    unread: str = ""
    """Why a part was not read, without a full stop."""
    loose: bool = False
    """True if the ids stand in a text that is no request."""

    @property
    def understood(self) -> tuple[CapturedRequest, ...]:
        """The exports whose ids were found, though perhaps not their flows."""
        return tuple(each for each in self.requests if each.tool_id)


def recognise(text: str) -> Captured:
    """The export requests in a text, in time that grows with its length."""
    if looks_like_har(text):
        return _read_har(text)
    unread = ""
    if len(text) > TEXT_LIMIT:
        unread = f"The paste has {len(text):,} characters; only the first {TEXT_LIMIT:,} were read"
        text = text[:TEXT_LIMIT]
    plain = unescape(text)
    read = [(raw, _read(raw)) for raw in find_requests(plain)]
    found = _exports(read) or _deduplicate(request for _, request in read if request is not None and request.tool_id)
    if any(each.host is None for each in found):
        # The host may be a variable that is set above.
        host = common_host(plain)
        found = [replace(each, host=each.host or host) for each in found]
    loose = _loose_pair(text, plain) if not found else None
    if loose is not None:
        found = [CapturedRequest(None, *loose, TOOL, 1)]
    notes = [f"{unread}."] if unread else []
    if re.search(r"(?:^|[\s;&|/\\])curl(?:\.exe)?\s", text) and not quotes_closed(text):
        notes.append("A quote in the curl command is not closed: was it copied whole?")
    taken = {(each.tool_id, each.flow_id) for each in found}
    others = [
        raw
        for raw, request in read
        if raw.sent and (request is None or (request.tool_id, request.flow_id) not in taken)
    ]
    if found and others:
        notes.append(_note_others(others))
    elif not found and any(raw.sent for raw, _ in read):
        notes.append("It contains no export.")
    if has_secrets(plain):
        notes.append(LEFT_OUT)
    key = _find_key(found, (raw for raw, _ in read))
    return Captured(tuple(found), tuple(notes), _has_key(plain), key, unread, loose is not None)


def _read_har(text: str) -> Captured:
    if len(text) > HAR_LIMIT:
        return Captured(
            ignored=(f"The HAR has more than {HAR_LIMIT >> 20} MB: record less, or save one request alone.",)
        )
    raws = list(har_requests(text))
    read = [(raw, _read(raw)) for raw in raws if raw is not None]
    # The console's own call may have another name: what has both ids is about a tool and its flow.
    found = _exports(read) or _deduplicate(
        request for _, request in read if request is not None and request.tool_id and request.flow_id
    )
    unread = "The HAR is cut off in the middle of a request" if len(read) < len(raws) else ""
    notes = [f"{unread}."] if unread else []
    others = len(read) - len(found)
    if not found and not unread:
        notes.append(f"None of the {len(read):,} requests in the HAR is an export.")
    elif found and others > 0:
        notes.append(
            f"{'1 other request was' if others == 1 else f'{others:,} other requests were'} left out: no export."
        )
    if any(has_secrets(raw.text) or has_secrets(raw.url) for raw, _ in read):
        notes.append(LEFT_OUT)
    had_key = any(_has_key(raw.text) for raw, _ in read)
    return Captured(tuple(found), tuple(notes), had_key, _find_key(found, (raw for raw, _ in read)), unread)


def _has_key(text: str) -> bool:
    return contains_key(text) or _KEY_HEADER.search(text) is not None


def _read(raw: RawRequest) -> CapturedRequest | None:
    """The export that a request may be, understood or not; None for any other request."""
    subject = subject_of(raw)
    if subject is not None:
        kind, tool_id, flow_id = subject
        return CapturedRequest(raw.host, tool_id, flow_id, kind, raw.line)
    if raw.exports and raw.sent:
        return CapturedRequest(raw.host, None, None, TOOL, raw.line)
    return None


def _exports(read: Iterable[tuple[RawRequest, CapturedRequest | None]]) -> list[CapturedRequest]:
    return _deduplicate(request for raw, request in read if request is not None and raw.exports)


def _note_others(others: Sequence[RawRequest]) -> str:
    if len(others) == 1:
        return f"1 other request was left out (line {others[0].line}): no export."
    lines = ", ".join(str(each.line) for each in others[:10]) + (", …" if len(others) > 10 else "")
    return f"{len(others):,} other requests were left out (lines {lines}): no export."


def _find_key(found: Sequence[CapturedRequest], raws: Iterable[RawRequest]) -> CapturedKey | None:
    """The one key that was sent to the host of the first export."""
    host = next((each.host for each in found), None)
    if host is None:
        return None
    keys = {match[1] for raw in raws if raw.sent and raw.host == host for match in _KEY_HEADER.finditer(raw.text)}
    if len(keys) != 1:
        return None
    try:
        return CapturedKey(origin_of(host), clean_key(keys.pop()))
    except ConfigError:
        return None


def _deduplicate(requests: Iterable[CapturedRequest]) -> list[CapturedRequest]:
    """Each export once; one without its flow gives way to the same tool with it."""
    found = list(dict.fromkeys(requests))
    whole = {(each.host, each.tool_id) for each in found if each.flow_id is not None}
    return [
        each
        for each in found
        if each.flow_id is not None or each.tool_id is None or (each.host, each.tool_id) not in whole
    ]


def _loose_pair(text: str, plain: str) -> tuple[str, str] | None:
    """Two ids without a request: two cells of a table, or one of each kind anywhere in a text."""
    cells = text.strip().split("\t") if len(text) < 1000 else []
    if len(cells) == 2 and all(len(cell.split()) == 1 for cell in cells):
        try:
            tool_id, flow_id = (clean_id(cell) for cell in cells)
        except ConfigError:
            return None
        return (flow_id, tool_id) if is_id(flow_id, "tool") and is_id(tool_id, "flow") else (tool_id, flow_id)
    tools, flows = shaped_ids(plain, "tool"), shaped_ids(plain, "flow")
    return (tools[0], flows[0]) if len(tools) == len(flows) == 1 else None
