"""Requests out of "Copy as PowerShell"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gale_tui.core.paste.capture_requests import RawRequest

__all__ = ["looks_like_powershell", "powershell_requests"]

_CALL: Final = re.compile(r"\b(?:Invoke-WebRequest|Invoke-RestMethod|iwr|irm)\b", re.IGNORECASE)
_STRING: Final = r"""(?:"(?:[^"`]|`.|"")*+"|'(?:[^']|'')*+')"""
_PARAMETER: Final = re.compile(rf"-(Uri|Body)\s{{1,100}}({_STRING}|[^\s`]+)", re.IGNORECASE | re.DOTALL)
_ADDRESS: Final = re.compile(r"https?://[^\s\"'`]+")
_HEADER: Final = re.compile(rf"({_STRING})\s{{0,20}}=\s{{0,20}}({_STRING})", re.DOTALL)
_COOKIE: Final = re.compile(rf"System\.Net\.Cookie\(\s{{0,20}}({_STRING})\s{{0,20}},\s{{0,20}}({_STRING})", re.DOTALL)
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


def looks_like_powershell(text: str) -> bool:
    """True where there is a PowerShell command that sends a request."""
    return _CALL.search(text) is not None


def powershell_requests(text: str) -> Iterator[RawRequest]:
    """The request of each command; the cookies of a session before it belong to it."""
    calls = list(_CALL.finditer(text))
    begin = 0
    for at, call in enumerate(calls):
        end = calls[at + 1].start() if at + 1 < len(calls) else len(text)
        part = text[call.end() : end]
        found = {match[1].lower(): _text(match[2]) for match in reversed(list(_PARAMETER.finditer(part)))}
        headers = {_text(name).lower(): _text(value) for name, value in _HEADER.findall(part)}
        cookies = [_text(value) for _, value in _COOKIE.findall(text[begin : call.start()])]
        if cookies:
            headers.setdefault("cookie", "; ".join(cookies))
        # Without the name of its parameter the address may stand anywhere.
        address = _ADDRESS.search(part)
        url = found.get("uri") or (address[0] if address is not None else "")
        begin = call.end()
        yield RawRequest(url, headers, found.get("body", ""))


def _text(literal: str) -> str:
    if literal[:1] == '"':
        unescaped = re.sub(r"`(.)", lambda match: _LETTERS.get(match[1], match[1]), literal[1:-1], flags=re.DOTALL)
        return unescaped.replace('""', '"')
    return literal[1:-1].replace("''", "'") if literal[:1] == "'" else literal
