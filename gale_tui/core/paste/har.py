"""Requests out of a HAR file, whole or cut off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from gale_tui.core.paste.scanner import RawRequest
from gale_tui.core.paste.text import unescape

HAR_LIMIT: Final = 50 << 20
"""Bytes of a HAR file that are read."""
_REQUEST_NAME: Final = '"request"'
_REQUEST: Final = re.compile(r'"request"\s{0,100}:\s{0,100}(?=\{)')
_BROKEN_LIMIT: Final = 20
_BODY_LIMIT: Final = 1 << 18


def looks_like_har(text: str) -> bool:
    """Returns True for a HAR file, whole or cut off."""
    start = text[:4096].lstrip("\ufeff \t\r\n")
    if re.match(r'\{\s*"(?:log|entries|startedDateTime)"', start) is not None:
        return True
    return start.startswith("{") and next(_places(text[: 1 << 20]), None) is not None


def _places(text: str, at: int = 0) -> Iterator[int]:
    """The places where the objects of requests begin."""
    while (at := text.find(_REQUEST_NAME, at)) >= 0:
        match = _REQUEST.match(text, at)
        # Inside a JSON text every quote is escaped, so this is structure and not contents.
        if match is not None and text[at - 1 : at] != "\\":
            yield match.end()
        at += len(_REQUEST_NAME)


def har_requests(text: str) -> Iterator[RawRequest | None]:
    """The requests of a HAR file in its order, None for one that is cut off; answers are passed over unread."""
    decoder = json.JSONDecoder(strict=False)
    broken = end = number = 0
    for at in _places(text):
        if at < end:
            continue
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            broken += 1
            yield None
            if broken >= _BROKEN_LIMIT:
                return
            continue
        number += 1
        yield _request(found, number)


def _request(found: dict[str, object], number: int) -> RawRequest:
    data = found.get("postData")
    body = _string(data.get("text")) if isinstance(data, dict) else ""
    lines = [
        f'"{name}": "{value}"'
        for name, value in [*_pairs(found.get("headers")), *_pairs(found.get("cookies"), "cookie ")]
    ]
    address = found.get("url")
    # A collection of Postman has the parts of an address as well.
    url = _string(address.get("raw")) if isinstance(address, dict) else _string(address)
    text = "\n".join([*lines, unescape(body[:_BODY_LIMIT])])
    return RawRequest(url, text, number, _string(found.get("method")).upper())


def _pairs(found: object, before: str = "") -> list[tuple[str, str]]:
    pairs = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return [(before + _string(each.get("name")), _string(each.get("value")).replace("\n", " ")) for each in pairs]


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
