"""Ready-made faults for scripts, and text that a careless program would act upon."""

from __future__ import annotations

import functools
import gzip
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gale_tui.sandbox.script import Fault, Place
from gale_tui.sandbox.wire import Response, http_date

PROXY_PAGE: Final = """<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title><style>body{font-family:sans-serif}</style></head>
<body><center><h1>502 Bad Gateway</h1></center><hr><center>edge-proxy</center>
<script>window.ticket = "a-00000000";</script></body></html>
"""

HOSTILE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ansi": "\x1b[31;5mred\x1b[0m \x1b[2J\x1b[H\x1b[?1049l",
        "osc": "\x1b]0;stolen title\x07 \x1b]52;c;c3RvbGVu\x07 \x1b]8;;http://evil.invalid\x1b\\link\x1b]8;;\x1b\\",
        "c1": "\x9b31mred\x9d0;title\x9c \x85 \x90q\x9c",
        "markup": "[bold red]markup[/bold red] [/] [@click=app.quit]press[/] [link=http://evil.invalid]x",
        "bidi": "fdp.\u202eexe\u202c \u2066isolated\u2069 \u200f",
        "zero width": "pass\u200bword\u200d\ufeff\u2060\u00ad",
        "newlines": "one\r\ntwo\nthree\rfour\u2028five\u2029six\x0b\x0c",
        "controls": "".join(map(chr, range(32))) + "\x7f",
        "combining": "Z" + "\u0301\u0323" * 400,
        "wide": "\U0001f468\u200d\U0001f469\u200d\U0001f467\ufe0f 日本語 \u3000",
        "surrogate": "\ud800lone\udfff",
        "percent": "%s %n %(key)s {0} {key!r} $HOME `id` ;rm -rf ~",
        "path": "../../../../etc/passwd\x00.zip",
        "megabyte": "M" * (1 << 20),
    }
)


def media_type(value: str) -> tuple[tuple[str, str], ...]:
    """The headers of a fault whose body is not JSON in UTF-8."""
    return (("Content-Type", value),)


_JSON: Final = media_type("application/json")


def proper(times: int | None = 1) -> Fault:
    """Nothing wrong with so many answers."""
    return Fault(times=times)


def rate_limited(retry_after: float | str | None = None, *, as_date: bool = False, times: int | None = 1) -> Fault:
    """429 with the vendor's message; `retry_after` in seconds, or text as it is."""
    text = retry_after if isinstance(retry_after, str) else None
    seconds = retry_after if not isinstance(retry_after, str) else None

    def edit(response: Response, now: float) -> None:
        # Rounded up: a client that obeys it must not come too early.
        if seconds is not None:
            response.set("Retry-After", http_date(math.ceil(now + seconds)) if as_date else str(math.ceil(seconds)))

    return Fault(
        times=times,
        status=429,
        message="Rate limit for this API has been reached. Please try again later",
        headers=(("Retry-After", text),),
        edit=edit,
    )


def refused(status: int, message: str | None = None, *, times: int | None = None) -> Fault:
    """A JSON error, 401, 403, 404 or 409 for example; always by default."""
    return Fault(times=times, status=status, message=message)


def server_error(
    status: int = 503, message: str | None = None, *, times: int | None = 1, started: bool = False
) -> Fault:
    """A 5xx with a JSON body."""
    return Fault(times=times, status=status, message=message, started=started)


def html_page(status: int = 502, page: str = PROXY_PAGE, *, times: int | None = 1, started: bool = False) -> Fault:
    """A page of something in front of GALE; with status 200, a log-in page for example."""
    return Fault(times=times, status=status, body=page, headers=media_type("text/html; charset=utf-8"), started=started)


def bad_json(times: int | None = 1) -> Fault:
    """200 with JSON that breaks off."""
    return Fault(
        times=times,
        status=200,
        body='{"dock-statusId": "ds-',
        headers=_JSON,
        started=True,
    )


def empty_body(times: int | None = 1) -> Fault:
    """An answer without a byte of body."""
    return Fault(times=times, status=200, body=b"", headers=_JSON, started=True)


@functools.cache
def oversized(size: int = 4 << 20, *, times: int | None = 1) -> Fault:
    """200 with valid JSON of about `size` bytes."""
    return Fault(
        times=times,
        status=200,
        body=b'{"status": "IN_PROGRESS", "padding": "' + b"x" * size + b'"}',
        headers=_JSON,
        started=True,
    )


def gzipped(times: int | None = 1) -> Fault:
    """The proper answer, compressed unasked."""

    def edit(response: Response, now: float) -> None:
        response.body = gzip.compress(response.body, mtime=0)
        response.set("Content-Encoding", "gzip")

    return Fault(times=times, edit=edit)


def cut(where: Place = "answer", *, reset: bool = False, times: int | None = 1, started: bool = False) -> Fault:
    """The connection goes: before the answer, in its head, or after so many bytes of its body."""
    return Fault(times=times, cut=where, reset=reset, started=started)


def stalled(where: Place = "answer", *, times: int | None = 1, started: bool = False) -> Fault:
    """The answer stops and the connection stays open."""
    return Fault(times=times, stall=where, started=started)


def dripping(seconds: float = 0.2) -> Fault:
    """The proper answer, a byte at a time, `seconds` apart."""
    return Fault(drip=seconds)


def late(seconds: float) -> Fault:
    """The proper answer after so many seconds."""
    return Fault(delay=seconds)
