"""A client made of the standard library alone, and a clock that is moved by hand."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gale_tui.sandbox.jobs import Tool
from gale_tui.sandbox.script import Script
from tests.support.sandbox import Sandbox

__all__ = ["HandClock", "Reply", "ask", "dock_status", "export", "export_path", "fetch", "raw", "started", "talk"]


class HandClock:
    """Seconds that pass only when told to."""

    def __init__(self, at: float = 1000.0) -> None:
        self._at = at
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            return self._at

    def move(self, seconds: float) -> None:
        """Lets seconds pass."""
        with self._lock:
            self._at += seconds


@dataclass(frozen=True)
class Reply:
    """An answer, read whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """`errors[0].msg`, which must agree with the status."""
        (error,) = self.json["errors"]
        assert error["code"] == self.status
        assert isinstance(error["msg"], str)
        return error["msg"]


def talk(url: str, tls: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
    """A connection to the origin of a URL; close it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=20, context=tls)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)


def fetch(
    url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", tls: ssl.SSLContext | None = None
) -> Reply:
    """One request on a connection of its own; nothing is followed or repeated."""
    parts = urlsplit(url)
    line = talk(url, tls)
    try:
        line.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), headers=dict(headers or {}))
        answer = line.getresponse()
        return Reply(answer.status, answer.headers, answer.read())
    finally:
        line.close()


def ask(sandbox: Sandbox, method: str, path: str, headers: Mapping[str, str] | None = None) -> Reply:
    """One call with the sandbox's key."""
    return fetch(sandbox.url + path, {"x-api-key": sandbox.key, **(headers or {})}, method=method)


def export_path(tool: Tool) -> str:
    """Path and query of an export."""
    return f"/api/public/tools/{tool.tool_id}/export?flowId={tool.flow_id}"


def export(sandbox: Sandbox, tool: Tool) -> Reply:
    """Asks for an export."""
    return ask(sandbox, "POST", export_path(tool), {"Content-Type": "application/json"})


def dock_status(sandbox: Sandbox, dock_status_id: str) -> Reply:
    """Asks how a job stands."""
    return ask(sandbox, "GET", f"/api/public/dock-status/{dock_status_id}")


def started(sandbox: Sandbox, script: Script) -> tuple[str, str]:
    """Starts an export of a new tool and returns dock status id and link."""
    answer = export(sandbox, sandbox.add_tool("Scripted", script)).json
    return answer["dock-statusId"], answer["response"]["downloadUrl"]


def raw(url: str, data: bytes) -> bytes:
    """What comes back until the line ends, by a close or a reset, for bytes sent as they are."""
    parts = urlsplit(url)
    received = bytearray()
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as line:
        line.sendall(data)
        try:
            while piece := line.recv(65536):
                received += piece
        except ConnectionResetError:
            received += b"<reset>"
    return bytes(received)
