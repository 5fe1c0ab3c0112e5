"""HTTP/1.1 as the sandbox reads and frames it: strict where a client could be wrong, raw where a test looks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO, Final
from urllib.parse import parse_qsl, unquote

HEAD_LIMIT: Final = 64 << 10
BODY_LIMIT: Final = 8 << 20


class MalformedRequestError(Exception):
    """A request that HTTP/1.1 does not allow; the connection cannot be used further."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came."""

    method: str
    target: str
    """The request target, raw."""
    encoded_path: str
    query: dict[str, str] = field(hash=False)
    """Decoded; of a name that came twice, the last value."""
    headers: tuple[tuple[str, str], ...]
    """In their order, names as they were written."""
    body_length: int
    """Bytes of body, 0 without one."""
    keep_alive: bool
    origin: str
    """Origin of the listener it came in at."""

    def header(self, name: str) -> str | None:
        """The first value of a header, in any case."""
        return next(iter(self.header_values(name)), None)

    def header_values(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header.lower() == name.lower()]

    @property
    def path(self) -> str:
        return unquote(self.encoded_path)

    @property
    def segments(self) -> list[str]:
        """The decoded parts of the path between its slashes."""
        return [unquote(part) for part in self.encoded_path.split("/")[1:]]


@dataclass(slots=True)
class Response:
    """An answer, before faults."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | memoryview = b""
    framing: str = "given"
    """`given` (Content-Length), `absent` (ends with the connection) or `chunked`."""
    length_off: int = 0
    """Added to the true number in `Content-Length`."""
    pace: float | None = None
    """Bytes of body per second."""
    head_only: bool = False

    def set(self, name: str, value: str | None) -> None:
        """Sets or replaces a header; None removes it."""
        self.headers = [(header, old) for header, old in self.headers if header.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))


def json_response(status: int, value: object) -> Response:
    """An answer with JSON in UTF-8, or all ASCII where a lone surrogate leaves no other way."""
    try:
        body = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        body = json.dumps(value).encode()
    return Response(status, [("Content-Type", "application/json; charset=utf-8")], body)


def errors_json(status: int, message: str | None = None) -> Response:
    """An error as the API family words it: `{"errors": [{"msg": …, "code": …}]}`."""
    text = message if message is not None else reason_phrase(status)
    return json_response(status, {"errors": [{"msg": text, "code": status}]})


def reason_phrase(status: int) -> str:
    """The reason phrase of a status code; `Status` for an unknown code."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"


def http_date(at: float) -> str:
    from email.utils import formatdate  # late: no answer is made before the first frame of the demo

    return formatdate(at, usegmt=True)


def parse_target(target: str) -> tuple[str, dict[str, str]]:
    """Path (still encoded) and decoded query of a request target in origin or absolute form."""
    if not target.startswith("/"):
        _, _, rest = target.partition("://")
        target = "/" + rest.partition("/")[2]
    path, _, query = target.partition("#")[0].partition("?")
    return path, dict(parse_qsl(query, keep_blank_values=True))


def read_request(stream: BinaryIO, origin: str) -> Request | None:
    """The next request of a connection, or None if the client is done.

    Raises:
        MalformedRequestError: It is no HTTP/1.1, or too large.
        OSError: The connection went away.
    """
    first = stream.readline(HEAD_LIMIT)
    while first in (b"\r\n", b"\n"):
        first = stream.readline(HEAD_LIMIT)
    if not first:
        return None
    parts = first.decode("latin-1").rstrip("\r\n").split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise MalformedRequestError(400, "Bad request line")
    method, target, version = parts
    headers = _read_headers(stream, HEAD_LIMIT - len(first))
    found = [(name.lower(), value) for name, value in headers]
    hosts = [value for name, value in found if name == "host"]
    if version == "HTTP/1.1" and len(hosts) != 1:
        raise MalformedRequestError(400, "Exactly one Host header is needed")
    connection = ",".join(value for name, value in found if name == "connection").lower()
    body_length = _skip_body(stream, dict(found))
    path, query = parse_target(target)
    return Request(
        method=method,
        target=target,
        encoded_path=path,
        query=query,
        headers=tuple(headers),
        body_length=body_length,
        keep_alive="close" not in connection and (version == "HTTP/1.1" or "keep-alive" in connection),
        origin=origin,
    )


def _read_headers(stream: BinaryIO, left: int) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    while True:
        line = stream.readline(left + 1)
        left -= len(line)
        if left <= 0:
            raise MalformedRequestError(431, "Too many header bytes")
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not line.endswith(b"\n") or not colon or not name or name != name.strip():
            raise MalformedRequestError(400, "Bad header line")
        headers.append((name, value.strip()))


def _skip_body(stream: BinaryIO, headers: Mapping[str, str]) -> int:
    """Reads the body off the connection, which no call of this API has, and returns its length."""
    if "transfer-encoding" in headers:
        raise MalformedRequestError(411, "Send a Content-Length")
    length = headers.get("content-length", "0")
    if not length.isdigit():
        raise MalformedRequestError(400, "Bad Content-Length")
    if int(length) > BODY_LIMIT:
        raise MalformedRequestError(413, "Too large")
    return len(stream.read(int(length)))
