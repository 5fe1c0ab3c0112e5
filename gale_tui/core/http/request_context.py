"""A request as the sockets see it: its deadline, whether it is to stop, whether it was sent.

The HTTP library runs a request on the caller's thread and knows time-outs per read only. The network code finds what
belongs to the whole request through that thread.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, Literal

Phase = Literal["name", "connect", "proxy", "tls", "request"]
"""`proxy`: with the proxy itself, until its tunnel stands."""

HANDSHAKE = 10.0
"""Seconds for a TLS handshake, and for each step of reaching a proxy."""


def shut_down(connection: socket.socket) -> None:
    """Makes every call that waits on the socket, in whatever thread, return at once. The owner still closes it."""
    with contextlib.suppress(OSError):
        # Not SSLSocket.shutdown: that drops the TLS layer under the feet of the thread that reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class Cancellation:
    """Stops one download from another thread: its connection attempt, its wait, its read."""

    def __init__(self) -> None:
        self.cancelled = False
        self.sockets: OpenSockets | None = None
        """Those of the transport that it runs on, once it does."""

    def cancel(self) -> None:
        """Shuts the connection down now, and any that is made later."""
        self.cancelled = True
        if self.sockets is not None:
            self.sockets.shut_stopped()


class Exchange:
    """One request under way.

    Args:
        seconds: How long it may take in all, from the name look-up to the last byte; None for no limit.
        cancellation: Stops it from another thread.
    """

    def __init__(self, seconds: float | None, cancellation: Cancellation | None = None) -> None:
        self.seconds = seconds
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._phase_deadline: float | None = None
        self.cancellation = cancellation
        self.phase: Phase = "connect"
        self.proxy: str | None = None
        """URL of the proxy that it goes through."""
        self.sent = False
        """True once the first byte of the request itself may have left."""
        self.fresh = False
        """True if a connection was made for it, not one that was kept."""
        self.ended = False
        """True if the other side closed the connection."""
        self.aborted = False

    @property
    def stopped(self) -> bool:
        return self.aborted or (self.cancellation is not None and self.cancellation.cancelled)

    def check(self) -> None:
        """Raises ConnectionAbortedError after it was cancelled or aborted."""
        if self.stopped:
            raise ConnectionAbortedError(errno.ECONNABORTED, "stopped")

    def remaining(self, limit: float | None = None) -> float | None:
        """Seconds that the next step may take: `limit` or what is left of the whole, whichever is less.

        Raises:
            TimeoutError: Nothing is left.
        """
        for deadline in (self._deadline, self._phase_deadline):
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                limit = left if limit is None else min(limit, left)
        return limit

    def enter(self, phase: Phase) -> None:
        """Begins the next phase; handshakes, and whatever a proxy does, have `HANDSHAKE` seconds."""
        self.phase = phase
        limited = phase in ("proxy", "tls") or (self.proxy is not None and phase != "request")
        self._phase_deadline = time.monotonic() + HANDSHAKE if limited else None

    def without_deadline(self) -> None:
        """From now on only the limit of each single step counts."""
        self._deadline = None

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Called by the HTTP library (its ``trace`` extension) at each step."""
        if event == "http11.send_request_headers.started":
            if info["request"].method == b"CONNECT":
                self.enter("proxy")
            else:
                self.enter("request")
                self.sent = True


_local = threading.local()


def current_exchange() -> Exchange:
    """The exchange of this thread; nothing is connected, read or written without one."""
    exchange: Exchange = _local.exchange
    return exchange


@contextlib.contextmanager
def as_current(exchange: Exchange) -> Iterator[None]:
    """Makes it the exchange of this thread."""
    _local.exchange = exchange
    try:
        yield
    finally:
        del _local.exchange


class OpenSockets:
    """Every open socket and every exchange of a transport, so that all can be stopped at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: dict[socket.socket, Exchange] = {}
        """Each with the exchange that it was made for."""
        self._exchanges: set[Exchange] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._sockets)

    def add(self, connection: socket.socket) -> None:
        """Adds a connected socket; shuts it down at once if its exchange was stopped meanwhile."""
        with self._lock:
            self._sockets[connection] = current_exchange()
        self.shut_stopped()

    def discard(self, connection: socket.socket) -> None:
        """Removes a socket, before it is closed."""
        with self._lock:
            self._sockets.pop(connection, None)

    def shut_stopped(self) -> None:
        """Shuts the sockets down whose exchange is to stop."""
        with self._lock:
            for connection, exchange in self._sockets.items():
                if exchange.stopped:
                    shut_down(connection)

    def begin(self, exchange: Exchange) -> None:
        """Adds an exchange; after :meth:`close` it is aborted from the start."""
        if exchange.cancellation is not None:
            exchange.cancellation.sockets = self
        with self._lock:
            self._exchanges.add(exchange)
            exchange.aborted = exchange.aborted or self._closed

    def end(self, exchange: Exchange) -> None:
        with self._lock:
            self._exchanges.discard(exchange)

    def abort_unsent(self) -> bool:
        """Stops the exchanges whose request has not begun to leave, so that it never does; False if there are none."""
        with self._lock:
            unsent = [exchange for exchange in self._exchanges if not exchange.sent]
            for exchange in unsent:
                exchange.aborted = True
        self.shut_stopped()
        return bool(unsent)

    def close(self) -> None:
        """Stops every exchange, those under way and those to come, and shuts every socket down."""
        with self._lock:
            self._closed = True
            for exchange in self._exchanges:
                exchange.aborted = True
            for connection in self._sockets:
                shut_down(connection)
