"""Answers as the transport hands them out: read whole, or open for a download."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gale_tui.core.errors import InterruptedDownloadError, StoppedDownloadError
from gale_tui.core.http.request_context import Exchange, OpenSockets, as_current
from gale_tui.core.secret import SignedUrl, without_secrets

if TYPE_CHECKING:
    import socket

    import httpx

BODY_LIMIT = 1024 * 1024
"""Bytes of an answer to a call that are read."""


def read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The values by name in lower case, as sent, without known secrets; not to be trusted."""
    headers: dict[str, str] = {}
    for name, raw in pairs:
        key = name.decode("latin-1").lower()
        try:
            value = raw.decode()
        except UnicodeDecodeError:
            value = raw.decode("latin-1")
        if key != "location":
            value = without_secrets(value)
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer to a call, read whole."""

    status: int
    headers: dict[str, str] = field(repr=False)
    """As :func:`read_headers`."""
    body: bytes = field(repr=False)
    """At most `BODY_LIMIT` bytes."""
    url: SignedUrl
    abandon: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)
    """Closes the connection that it came on, which is not used again."""
    unread: str = ""
    """Why `body` is not the whole body: "larger than …", "compressed …", "cut off"; empty if it is."""


class OpenResponse:
    """A download whose headers are there and whose body is read as wanted. To be closed, best by ``with``.

    Attributes:
        status: HTTP status, never a redirect that could be followed.
        url: Where the last redirect led.
    """

    def __init__(
        self, response: httpx.Response, exchange: Exchange, url: SignedUrl, sockets: OpenSockets, stall: float
    ) -> None:
        self.status = response.status_code
        self.headers = read_headers(response.headers.raw)
        self.url = url
        self._response = response
        self._chunks = response.iter_raw()
        self._exchange = exchange
        self._sockets = sockets
        self._stall = stall

    def __enter__(self) -> OpenResponse:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def encoding(self) -> str:
        """How the body is encoded, in lower case; empty if it is not."""
        encoding = self.headers.get("content-encoding", "").strip().lower()
        return "" if encoding == "identity" else encoding

    @property
    def packed(self) -> bool:
        """True if the body comes as gzip, which some stores send unasked."""
        return self.encoding in ("gzip", "x-gzip")

    @property
    def socket(self) -> socket.socket | None:
        """The connected socket (plain or TLS) where the body can be read from it directly.

        That is HTTP/1.1 with a ``Content-Length`` and nothing encoded, once the first chunk of :meth:`iter_raw` is
        taken: everything after that chunk is still in the socket. Else None.
        """
        if (
            self._response.extensions.get("http_version") != b"HTTP/1.1"
            or self.encoding
            or "transfer-encoding" in self.headers
            or not self.headers.get("content-length", "").isdecimal()
        ):
            return None
        from gale_tui.core.http.network_backend import raw_socket

        return raw_socket(self._response)

    def iter_raw(self) -> Iterator[bytes]:
        """The body as it comes, never decompressed; a second call continues where the first stopped.

        Raises:
            InterruptedDownloadError: Cut, stalled, cancelled, or shorter than announced.
        """
        while True:
            failure: InterruptedDownloadError | None = None
            chunk: bytes | None = None
            with as_current(self._exchange):
                try:
                    chunk = next(self._chunks, None)
                except Exception as error:  # the library's, its backend's or the socket's own: all mean the same
                    failure = self._interruption_error(error)
            if failure is not None:
                raise failure
            if chunk is None:
                return
            yield chunk

    def _interruption_error(self, error: Exception) -> InterruptedDownloadError:
        import httpcore

        if self._exchange.stopped:
            return StoppedDownloadError()
        if isinstance(error, httpcore.TimeoutException):
            return InterruptedDownloadError(f"Nothing came for {self._stall:g} seconds")
        if isinstance(error, httpcore.RemoteProtocolError):
            return InterruptedDownloadError("The server closed the connection before the file was whole")
        return InterruptedDownloadError("The connection was cut before the file was whole")

    def read_capped(self, limit: int) -> bytes:
        """The first `limit` bytes of the body, or all where it is shorter.

        Raises:
            InterruptedDownloadError: As :meth:`iter_raw`.
        """
        data = bytearray()
        chunks = self.iter_raw()
        while len(data) < limit and (chunk := next(chunks, None)) is not None:
            data += chunk
        return bytes(data[:limit])

    def close(self) -> None:
        """Closes the connection; may be called twice."""
        self._sockets.end(self._exchange)
        with contextlib.suppress(Exception):  # nothing can be done about a socket that will not close
            self._response.close()
