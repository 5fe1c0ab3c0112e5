"""Servers of a few lines on real sockets, for what no decent HTTP server does: drip, stall, cut, talk nonsense."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from gale_tui.core.http.transport import Transport
from gale_tui.core.identifiers import parse_host
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret

__all__ = [
    "KEY",
    "Conversation",
    "WireServer",
    "answer",
    "environment",
    "header",
    "reaching",
    "reply",
    "shown_in_a_crash",
]

KEY = Secret("kg-test-key-0000")


@dataclass
class Conversation:
    """One accepted connection."""

    socket: socket.socket
    server: WireServer
    requests: list[bytes] = field(default_factory=list)

    def request(self) -> bytes:
        """The next request's head, through the blank line; empty where the client closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self.socket.recv(65536)
            if not chunk:
                return b""
            data += chunk
        self.requests.append(data)
        with self.server.lock:
            self.server.requests.append(data)
        return data

    def send(self, data: bytes) -> None:
        """Sends all of it, or what the client takes."""
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def hold(self) -> None:
        """Says nothing more until the client closes or the test ends."""
        self.socket.settimeout(0.05)
        while not self.server.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                try:
                    if not self.socket.recv(65536):
                        return
                except ConnectionError:
                    return

    def drip(self, data: bytes, every: float) -> None:
        """Sends a byte at a time, `every` seconds, until the client closes or the test ends."""
        for index in range(len(data)):
            if self.server.stopping.wait(every):
                return
            try:
                self.socket.sendall(data[index : index + 1])
            except OSError:
                return


class WireServer:
    """Listens on loopback and runs `talk` for each connection on a thread of its own."""

    def __init__(
        self, talk: Callable[[Conversation], None], *, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
    ) -> None:
        self.talk = talk
        self.tls = tls
        self.lock = threading.Lock()
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._listener = socket.create_server((address, 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        """http or https, and the port."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> WireServer:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self.lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self._accepting.join()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        current = connection
        try:
            if self.tls is not None:
                current = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                with self.lock:
                    self._open.discard(connection)
                    self._open.add(current)
                assert isinstance(current, ssl.SSLSocket)
                current.do_handshake()
            self.talk(Conversation(current, self))
        except OSError:
            return
        finally:
            with self.lock:
                self._open.discard(current)
            current.close()


def reply(
    status: int = 200, body: bytes = b"{}", content_type: str = "application/json", *headers: str, length: bool = True
) -> bytes:
    """An HTTP answer as bytes."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {content_type}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answer(*replies: bytes) -> Callable[[Conversation], None]:
    """Gives these answers in turn, the last one again and again, on as many connections as come."""
    lock = threading.Lock()
    turn = iter(range(10**9))

    def talk(conversation: Conversation) -> None:
        while conversation.request():
            with lock:
                index = next(turn)
            conversation.send(replies[min(index, len(replies) - 1)])

    return talk


def header(request: bytes, name: str) -> str | None:
    """The value of a header of a request's head, or None."""
    for line in request.decode("latin-1").split("\r\n")[1:]:
        key, colon, value = line.partition(":")
        if colon and key.lower() == name.lower():
            return value.strip()
    return None


def environment(url: str, **fields: Any) -> Environment:
    """An environment called staging."""
    return Environment("e-1", "staging", parse_host(url), **fields)


@contextlib.contextmanager
def reaching(url: str, key: Secret | None = KEY, **fields: Any) -> Iterator[Transport]:
    """A transport to `url`, closed in the end; nothing of it may be left open then."""
    transport = Transport(environment(url, **fields), lambda: key)
    try:
        yield transport
    finally:
        transport.close()
    assert len(transport.sockets) == 0


def shown_in_a_crash(error: BaseException) -> str:
    """What a crash report that prints the variables of every frame, and every chained exception, would show."""
    texts: list[str] = []
    seen: set[int] = set()
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        links += [link.__cause__, link.__context__]
        frame = link.__traceback__
        while frame is not None and "tests" in Path(frame.tb_frame.f_code.co_filename).parts:
            # The test itself knows the secret.
            frame = frame.tb_next
        texts += traceback.TracebackException(type(link), link, frame, capture_locals=True).format(chain=False)
        texts.append(repr(link.args))
    return "".join(texts)
