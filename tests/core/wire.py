"""Servers of a few lines on real sockets, for what no decent HTTP server does: drip, stall, cut, talk nonsense."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType

__all__ = ["Conversation", "WireServer", "answer", "reply"]


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


@contextlib.contextmanager
def served(talk: Callable[[Conversation], None], **options: ssl.SSLContext) -> Iterator[WireServer]:
    """A server for the length of a ``with``."""
    with WireServer(talk, **options) as server:
        yield server
