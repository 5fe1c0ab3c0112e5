"""The export requests in whatever a person pastes: an address, "Copy as cURL", "Copy as fetch", a HAR file.

"Export a Tool API" tells people to read the ids off the browser's network tab; what they then have on the clipboard
also holds their session. Ids and hosts are taken from it and nothing else.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import clean_key, origin_of
from gale_tui.core.models import Origin
from gale_tui.core.paste.capture_formats import addresses, curl_requests, fetch_requests, har_requests, looks_like_har
from gale_tui.core.paste.capture_powershell import looks_like_powershell, powershell_requests
from gale_tui.core.paste.capture_requests import (
    CapturedRequest,
    RawRequest,
    Reading,
    captured,
    host_of,
    is_flow_id,
    is_tool_id,
)
from gale_tui.core.secret import Secret

__all__ = [
    "HAR_LIMIT",
    "LEFT_OUT",
    "Captured",
    "CapturedKey",
    "CapturedRequest",
    "har_text",
    "is_har_path",
    "recognise",
]

TEXT_LIMIT: Final = 2 << 20
"""Characters of a paste that are read."""
HAR_LIMIT: Final = 50 << 20
"""Bytes of a HAR file that is read."""
REQUEST_LIMIT: Final = 1000
"""Exports that are taken from one paste."""
SEEN_LIMIT: Final = 5000
CALL_LIMIT: Final = 500
RECORDED_LIMIT: Final = 50_000
LEFT_OUT: Final = "Cookies, tokens and keys in it were left out."
_KEY: Final = re.compile(r"\bkg-[0-9A-Za-z][0-9A-Za-z-]{5,}")
_KEY_SHAPE: Final = re.compile(r"kg-[\w-]{5,509}|(?=.*\d)[\w.~+/=-]{8,512}", re.ASCII)
"""What may be a key rather than the word that stands for one in an example."""


@dataclass(frozen=True, slots=True)
class CapturedKey:
    """An API key and the only place that it belongs to."""

    origin: Origin
    secret: Secret


@dataclass(frozen=True, slots=True)
class Captured:
    """What was found in a paste. Cookies and tokens are not in it."""

    requests: tuple[CapturedRequest, ...] = ()
    """Each export once, in the order of the paste."""
    ignored: tuple[str, ...] = ()
    """Sentences about what was not taken; they repeat nothing of the paste."""
    had_key: bool = False
    """True where there was an API key in it."""
    key: CapturedKey | None = None
    """The `x-api-key` that went to the host of the first export, for whoever asks whether to keep it. None where there
    is none, or several; the tokens of a console are no such keys."""


@dataclass(frozen=True, slots=True)
class _Raw:
    requests: list[RawRequest]
    problems: tuple[str, ...] = ()
    many: bool = False
    """True for a recording, which holds requests of all kinds."""


def recognise(text: str, *, read_files: bool = True) -> Captured:
    """The export requests in a text, which may be a paste of any size or the path of a HAR file.

    Args:
        text: What was pasted.
        read_files: Whether a path may be read; it must end in `.har`.
    """
    if not read_files and is_har_path(text):
        return Captured()
    try:
        recorded = har_text(text) if read_files else None
    except ConfigError as error:
        return Captured(ignored=(str(error),))
    if recorded is not None:
        text = recorded
    raw = _raw_requests(text)
    if not raw.requests and not raw.problems:
        pair = _loose_pair(text[:TEXT_LIMIT])
        return Captured((pair,) if pair is not None else (), (), _KEY.search(text[:TEXT_LIMIT]) is not None)
    return _captured(raw, text)


def _raw_requests(text: str) -> _Raw:
    if looks_like_har(text):
        if len(text) > HAR_LIMIT:
            return _Raw([], (f"The HAR has more than {HAR_LIMIT >> 20} MB: record less, or save one request alone.",))
        return _bounded(har_requests(text), RECORDED_LIMIT, many=True)
    problems: tuple[str, ...] = ()
    if len(text) > TEXT_LIMIT:
        problems = (f"The paste has {len(text):,} characters; only the first {TEXT_LIMIT:,} were read.",)
        text = text[:TEXT_LIMIT]
    if re.search(r"(?:^|[\s;&|/\\])curl(?:\.exe)?\s", text):
        found = list(islice(curl_requests(text), SEEN_LIMIT))
        if not all(whole for _, whole in found):
            problems += ("A quote in the curl command is not closed: was it copied whole?",)
        if found:
            return _Raw([each for each, _ in found], problems)
    if looks_like_powershell(text):
        found_there = list(islice(powershell_requests(text), CALL_LIMIT))
        if any(each.url for each in found_there):
            return _Raw(found_there, problems)
    calls = list(islice(fetch_requests(text), CALL_LIMIT))
    if calls:
        return _Raw(calls, problems)
    alone = RawRequest("", {}, text)
    if text.lstrip()[:1] == "{" and captured(alone) is not None:
        # The body of a request, or an answer, copied alone.
        return _Raw([alone], problems)
    return _bounded(addresses(text), SEEN_LIMIT, problems)


def _bounded(requests: Iterator[RawRequest], limit: int, problems: tuple[str, ...] = (), *, many: bool = False) -> _Raw:
    found = list(islice(requests, limit + 1))
    if len(found) > limit:
        problems += (f"Only the first {limit:,} requests in it were looked at.",)
    return _Raw(found[:limit], problems, many)


def _captured(raw: _Raw, text: str) -> Captured:
    readings = [captured(each) for each in raw.requests]
    found = [each for each in readings if each is not None]
    exports = [each for each in found if each.exports]
    if raw.many and not exports:
        # The console's own call may have another name: what has both ids is about a tool and its flow.
        exports = [each for each in found if each.request.flow_id is not None]
    taken = _once(exports or ([] if raw.many else found))
    if not taken and not raw.many:
        pair = _loose_pair(text[:TEXT_LIMIT])
        taken = [pair] if pair is not None else []
    notes = list(raw.problems)
    workflows = sum(1 for each in taken if each.kind == "workflow")
    if workflows:
        notes.append(
            "This is the export of a workflow; gale-tui exports tools."
            if len(taken) == 1
            else f"{workflows} of {len(taken)} are exports of workflows; gale-tui exports tools."
        )
    if len(taken) > REQUEST_LIMIT:
        notes.append(f"There are {len(taken):,} exports in it; only the first {REQUEST_LIMIT:,} were taken.")
    others = len(raw.requests) - sum(1 for each in found if each.request in taken)
    if taken and others > 0:
        requests = "1 other request was" if others == 1 else f"{others:,} other requests were"
        notes.append(f"{requests} left out: no export.")
    elif not taken and raw.many:
        notes.append(f"None of the {len(raw.requests):,} requests in the HAR is the export of a tool.")
    elif not taken and any(each.headers or "?" in each.url for each in raw.requests):
        notes.append("There is no export of a tool in it.")
    guarded = any(each.guarded for each in raw.requests)
    if guarded:
        notes.append(LEFT_OUT)
    had_key = any(each.headers.get("x-api-key") for each in raw.requests)
    had_key = had_key or (not raw.many and _KEY.search(text[:TEXT_LIMIT]) is not None)
    first = next((each for each in taken if each.kind == "tool"), None)
    key = _key_for(first.host, raw.requests) if first is not None else None
    return Captured(tuple(taken[:REQUEST_LIMIT]), tuple(notes), had_key, key)


def _key_for(host: str | None, requests: Iterable[RawRequest]) -> CapturedKey | None:
    """The one key that was sent to that host."""
    if host is None:
        return None
    sent = {each.headers.get("x-api-key", "").strip() for each in requests if host_of(each.url) == host}
    keys = [each for each in sent if _KEY_SHAPE.fullmatch(each)]
    if len(keys) != 1:
        return None
    try:
        return CapturedKey(origin_of(host), clean_key(keys[0]))
    except ConfigError:
        return None


def _once(readings: Iterable[Reading]) -> list[CapturedRequest]:
    """Each request once; one without its flow is dropped where the same tool is there with it."""
    found = list(dict.fromkeys(each.request for each in readings))
    whole = {(each.host, each.tool_id) for each in found if each.flow_id is not None}
    return [each for each in found if each.flow_id is not None or (each.host, each.tool_id) not in whole]


_WORD: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{5,199}")


def _loose_pair(text: str) -> CapturedRequest | None:
    """Two ids without a request: two cells of a table, or one of each kind anywhere in a text."""
    cells = text.strip().split("\t")
    if len(cells) == 2 and all(len(cell.split()) == 1 and len(cell) <= 200 for cell in cells):
        tool_id, flow_id = (cell.strip() for cell in cells)
        if not any(_KEY.search(each) for each in (tool_id, flow_id)):
            return CapturedRequest(None, tool_id, flow_id, "", "tool")
    words = _WORD.findall(text[: 1 << 16])
    tools = {word for word in words if is_tool_id(word)}
    flows = {word for word in words if is_flow_id(word)}
    if len(tools) == len(flows) == 1:
        return CapturedRequest(None, tools.pop(), flows.pop(), "", "tool")
    return None


# Files


def is_har_path(text: str) -> bool:
    """True where a text is the path of a HAR file, whether there is one or not."""
    return _har_path(text) is not None


def har_text(text: str) -> str | None:
    """What is in the HAR file whose path the text is; None where it is no such path. Reads the disk.

    Raises:
        ConfigError: The file cannot be read, is too large, or is no HAR file.
    """
    path = _har_path(text)
    if path is None:
        return None
    content = _read_har(path)
    if not looks_like_har(content):
        raise ConfigError("The file is not a HAR file", "Save the network log as HAR in the browser")
    return content


def _har_path(text: str) -> Path | None:
    """The path of a HAR file, as typed, copied, or dropped on the terminal; None where the text is none."""
    line = text.strip() if len(text) <= 4096 else ""
    if not line.lower().rstrip("\"'").endswith(".har") or "\n" in line or re.match(r"(?i)https?:", line):
        return None
    if line[0] in "\"'" and line[-1] == line[0]:
        line = line[1:-1]
    elif os.sep == "/":
        line = re.sub(r"\\(.)", r"\1", line)
    if line.lower().startswith("file://"):
        line = unquote(urlsplit(line).path)
    try:
        return Path(line).expanduser() if "\0" not in line else None
    except RuntimeError:
        return None


def _read_har(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError("The HAR path is no ordinary file", "Give the path of a saved HAR file")
        with path.open("rb") as file:
            content = file.read(HAR_LIMIT + 1)
    except FileNotFoundError:
        raise ConfigError("There is no such HAR file", "Give its whole path") from None
    except OSError as error:
        raise ConfigError(f"The HAR file cannot be read: {error.strerror}") from None
    if len(content) > HAR_LIMIT:
        raise ConfigError(f"The HAR file has more than {HAR_LIMIT >> 20} MB", "Record less, or save one request alone")
    return content.decode("utf-8-sig", "replace")
