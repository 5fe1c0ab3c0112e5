"""A second, independent GALE, written from the vendor's page "Export a Tool API" alone and sharing no code with the
sandbox: what the two do not agree about, one of them has wrong."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

__all__ = ["KEY", "SIGNATURE", "Answer", "MiniGale", "Request", "Tool", "tool_zip"]

KEY = "kg-test-key-0000-mini-gale-0000"
SIGNATURE = "X-Signature=signed-for-the-test-0000"
"""The secret part of its download links."""


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    at: float
    """Monotonic seconds."""
    method: str
    target: str
    """Path and query, not decoded."""
    headers: tuple[tuple[str, str], ...]
    """In their order, names as they were sent."""
    body: bytes

    def header(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def json(cls, document: object, status: int = 200) -> Answer:
        """A JSON answer."""
        return cls(status, json.dumps(document).encode(), (("Content-Type", "application/json; charset=utf-8"),))

    @classmethod
    def html(cls, page: str, status: int) -> Answer:
        """A page, as a proxy sends it."""
        return cls(status, page.encode(), (("Content-Type", "text/html"),))


def tool_zip(name: str) -> bytes:
    """A small export with the three files that the platform writes; the same bytes every time."""
    files = {
        "flow_definition.json": {"nodes": [{"id": "n1", "type": "start"}]},
        "app_definition.json": {"name": name, "version": "1.0.0"},
        "env_variables.json": [],
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file, document in files.items():
            archive.writestr(zipfile.ZipInfo(file, (2026, 11, 23, 12, 0, 0)), json.dumps(document))
    return content.getvalue()


@dataclass
class Tool:
    """How the export of one tool goes."""

    flow_id: str
    name: str = "Banking Assistant"
    polls: int = 2
    """Status questions that are answered IN_PROGRESS; less than 0: all, until `finish` is called."""
    id_field: str = "dock-statusId"
    """How the export's answer spells the dock status id."""
    status_id_field: str = "_id"
    link_in: str = "response.downloadUrl"
    """Where the link stands; beginning with `status:` in the finished status instead of the first answer."""
    link: Callable[[str, str], str] = lambda url, path: f"{url}{path}"
    """Makes the link out of the server's URL and the path with its signature."""
    early: tuple[int, ...] = ()
    """What the first questions for the file after SUCCESS are answered with."""
    subject_field: str = "toolId"
    refusal: Answer | None = None
    """What the export is answered with instead."""
    failure: str = ""
    """The reason where the job ends FAILED."""
    content: bytes | None = None
    """What the file has in it instead of a tool."""
    asked: int = 0
    dock_status_id: str = ""
    finished: threading.Event = field(default_factory=threading.Event)
    fetched: int = 0

    def finish(self) -> None:
        """From now on the job is done."""
        self.finished.set()


class MiniGale:
    """The server, on a free port of loopback.

    Args:
        tools: By tool id.
        key: The only key that it takes.
    """

    def __init__(self, tools: Mapping[str, Tool], key: str = KEY) -> None:
        self.tools = dict(tools)
        self.key = key
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        gale = self

        class Connection(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(time.monotonic(), self.command, self.path, tuple(self.headers.items()), body)
                answer = gale.answer(request)
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Connection)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(120)

    def requests(self, method: str = "", path: str = "") -> list[Request]:
        """What was asked, in order; of one method and under one path, where these are given."""
        with self._lock:
            return [each for each in self._requests if each.method.startswith(method) and each.target.startswith(path)]

    def answer(self, request: Request) -> Answer:
        """Answers one request."""
        with self._lock:
            self._requests.append(request)
            return self._answer(request)

    def _answer(self, request: Request) -> Answer:
        parts = urlsplit(request.target)
        steps = parts.path.strip("/").split("/")
        if steps[:1] == ["files"] and request.method == "GET" and len(steps) == 2:
            return self._file(steps[1], parts.query)
        if request.header("x-api-key") != [self.key]:
            return Answer.json({"errors": [{"msg": "Invalid API key", "code": "UNAUTHORIZED"}]}, 401)
        if request.method == "POST" and steps[:3] == ["api", "public", "tools"] and steps[4:] == ["export"]:
            return self._export(steps[3], parts.query)
        if request.method == "GET" and steps[:3] == ["api", "public", "dock-status"] and len(steps) == 4:
            return self._status(steps[3])
        return Answer.json({"message": "Not found"}, 404)

    def _export(self, tool_id: str, query: str) -> Answer:
        tool = self.tools.get(tool_id)
        if tool is None:
            return Answer.json({"errors": [{"msg": "Tool not found", "code": "NOT_FOUND"}]}, 404)
        if tool.refusal is not None:
            return tool.refusal
        if parse_qs(query) != {"flowId": [tool.flow_id]}:
            return Answer.json({"errors": [{"msg": "flowId is required", "code": "BAD_REQUEST"}]}, 400)
        tool.dock_status_id = f"ds-{tool_id.removeprefix('a-')}"
        document: dict[str, object] = {
            tool.id_field: tool.dock_status_id,
            tool.subject_field: tool_id,
            "jobType": "TOOLS",
            "action": "EXPORT",
            "status": "IN_PROGRESS",
            "exportJobId": f"agent-ej-{tool_id.removeprefix('a-')}",
        }
        if not tool.link_in.startswith("status:"):
            _put(document, tool.link_in, self._link(tool_id, tool))
        return Answer.json(document)

    def _status(self, dock_status_id: str) -> Answer:
        found = [(key, each) for key, each in self.tools.items() if each.dock_status_id == dock_status_id]
        if not found:
            return Answer.json({"errors": [{"msg": "Dock status not found", "code": "NOT_FOUND"}]}, 404)
        tool_id, tool = found[0]
        tool.asked += 1
        done = tool.finished.is_set() or 0 <= tool.polls < tool.asked
        if done:
            tool.finished.set()
        document: dict[str, object] = {
            tool.status_id_field: dock_status_id,
            tool.subject_field: tool_id,
            "jobType": "TOOLS",
            "action": "EXPORT",
            "status": ("FAILED" if tool.failure else "SUCCESS") if done else "IN_PROGRESS",
        }
        if done and tool.failure:
            document["statusMessage"] = tool.failure
        if done and tool.link_in.startswith("status:"):
            _put(document, tool.link_in.removeprefix("status:"), self._link(tool_id, tool))
        return Answer.json(document)

    def _link(self, tool_id: str, tool: Tool) -> str:
        return tool.link(self.url, f"/files/{tool_id}?{SIGNATURE}")

    def _file(self, tool_id: str, query: str) -> Answer:
        tool = self.tools.get(tool_id)
        if tool is None or query != SIGNATURE:
            return Answer.html("<html><title>Access denied</title></html>", 403)
        if not tool.finished.is_set():
            return Answer(404, b"")
        tool.fetched += 1
        if tool.fetched <= len(tool.early):
            return Answer(tool.early[tool.fetched - 1], b"")
        return Answer(
            200,
            tool_zip(tool.name) if tool.content is None else tool.content,
            (
                ("Content-Type", "application/zip"),
                ("Content-Disposition", f'attachment; filename="{tool.name}.zip"'),
            ),
        )


def _put(document: dict[str, object], place: str, link: str) -> None:
    outer, dot, inner = place.partition(".")
    document[outer] = {inner: link} if dot else link
