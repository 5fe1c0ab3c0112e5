"""One port of the sandbox: a thread that accepts, a thread for each connection, and an end that comes at once."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Any

from gale_tui.sandbox.clock import SandboxTime
from gale_tui.sandbox.jobs import PROPER
from gale_tui.sandbox.script import Fault
from gale_tui.sandbox.sending import ConnectionEndsError, hang_up, send, shut_down
from gale_tui.sandbox.wire import MalformedRequestError, Request, Response, errors_json, read_request

if TYPE_CHECKING:
    import ssl


class Listener(ThreadingTCPServer):
    """Has its port from its making on, answers from :meth:`begin` until :meth:`close`.

    Args:
        port: 0 for one that is free.
        answer: Called on connection threads for each request.
        tls: Server side context; plain http without.

    Raises:
        OSError: The port is not available.
    """

    allow_reuse_address = os.name == "posix"
    request_queue_size = 512

    def __init__(
        self,
        port: int,
        answer: Callable[[Request], tuple[Response, Fault]],
        time: SandboxTime,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._answer = answer
        self._time = time
        self._tls = tls
        self._closing = False
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), BaseRequestHandler)
        self.port: int = self.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._acceptor = threading.Thread(target=self._accept, name=f"gale-sandbox-{self.port}", daemon=True)

    def begin(self) -> None:
        """Accepts connections, on a daemon thread."""
        self._acceptor.start()

    def cut_all(self) -> None:
        """Closes every connection; new ones are accepted."""
        with self._lock:
            for connection in self._connections:
                shut_down(connection)

    def close(self) -> None:
        """Closes the port and every connection, and waits for their threads."""
        self._closing = True
        # Portable way to wake a blocked accept(): give it something.
        with contextlib.suppress(OSError):
            socket.create_connection(self.socket.getsockname()[:2], timeout=1.0).close()
        self._acceptor.join(2.0)
        self.cut_all()
        self.server_close()

    def _accept(self) -> None:
        # Not serve_forever(), which wakes up again and again for nothing and ends only then.
        while not self._closing:
            self.handle_request()

    def get_request(self) -> tuple[socket.socket, object]:
        try:
            connection, address = super().get_request()
        except OSError:
            # Out of file descriptors. The connection waits, so that the next try would follow at once.
            self._time.wait_until(self._time.now() + 0.05)
            raise
        if self._tls is not None:
            # The handshake comes with the first read, on the connection's own thread.
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._connections.add(connection)
        return connection, address

    def finish_request(self, request: Any, client_address: object) -> None:
        connection: socket.socket = request
        reset = False
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._converse(connection)
        except ConnectionEndsError as ends:
            reset = ends.reset
        except OSError:
            # The client went away, or did not like the certificate; neither is an error of the sandbox.
            pass
        finally:
            hang_up(connection, reset=reset)
            with self._lock:
                self._connections.discard(connection)

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while not self._time.stopping.is_set():
                try:
                    request = read_request(stream, self.url)
                except MalformedRequestError as malformed:
                    answer = errors_json(malformed.status, str(malformed))
                    send(connection, answer, PROPER, self._time, asked_at=self._time.now(), keep_alive=False)
                    return
                if request is None:
                    return
                # Before the request is announced: a test that waits for it may move the clock at once.
                asked_at = self._time.now()
                answer, fault = self._answer(request)
                send(connection, answer, fault, self._time, asked_at=asked_at, keep_alive=request.keep_alive)
