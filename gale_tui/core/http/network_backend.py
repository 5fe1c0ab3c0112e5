"""Sockets for the HTTP library: connection, TLS and every read under one deadline, and stoppable.

The library's own backend takes a time-out per step, looks names up without any, and cannot be stopped.
"""

from __future__ import annotations

import contextlib
import importlib.util
import selectors
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpcore
import httpx

from gale_tui.core.http.connect import connect, look_up
from gale_tui.core.http.request_context import Exchange, OpenSockets, current_exchange
from gale_tui.core.http.response_framing import ResponseFraming
from gale_tui.core.http.tls import TrustedContexts
from gale_tui.core.identifiers import split_url
from gale_tui.core.secret import SignedUrl


class PoolTransport(httpx.BaseTransport):
    """A pool of connections on sockets of ours; httpx's own transport takes no `network_backend`."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; errors are those of httpcore."""
        url, extensions = request.url, dict(request.extensions)
        # Left among the extensions, it would also become the target of a proxy's CONNECT.
        path = extensions.pop("target", url.raw_path)
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=path)
        response = self._pool.handle_request(
            httpcore.Request(request.method, target, headers=request.headers.raw, extensions=extensions)
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def make_transport(
    sockets: OpenSockets, contexts: TrustedContexts, proxy: str | None, keep_alive: bool
) -> PoolTransport:
    """Connections of one kind: through one proxy or none, kept for the next request or not.

    Raises:
        ImportError: A SOCKS proxy without the package for it.
        ValueError: A proxy of an unknown kind, or one that is no URL.
    """
    # Stands for the real ones, which are made at the first handshake.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings: dict[str, Any] = {
        "ssl_context": context,
        "max_connections": None,
        "max_keepalive_connections": 16 if keep_alive else 0,
        "keepalive_expiry": 30,
        "network_backend": _Backend(sockets, contexts),
    }
    if proxy is None:
        return PoolTransport(httpcore.ConnectionPool(**settings))
    url, user = _proxy_url(proxy)
    if url.scheme in (b"socks5", b"socks5h"):
        if importlib.util.find_spec("socksio") is None:
            # The pool would miss it at its first request only.
            raise ImportError("socksio")
        return PoolTransport(httpcore.SOCKSProxy(url, proxy_auth=user, **settings))
    to_proxy = context if url.scheme == b"https" else None
    return PoolTransport(httpcore.HTTPProxy(url, proxy_auth=user, proxy_ssl_context=to_proxy, **settings))


def _proxy_url(proxy: str) -> tuple[httpcore.URL, tuple[str, str] | None]:
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https", "socks5", "socks5h") or not parts.hostname:
        raise ValueError("not a proxy")
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 1080)
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return httpcore.URL(scheme=parts.scheme, host=parts.hostname, port=port, target="/"), user


def send(
    transport: PoolTransport,
    method: str,
    url: SignedUrl,
    headers: Mapping[str, str],
    exchange: Exchange,
    step: float | None,
) -> httpx.Response:
    """Sends one request without a body and returns when the headers are there; must run `as_current`.

    Args:
        step: Seconds that a single read or write may take.

    Raises:
        ConfigError: `url` is no http or https address.
        UnicodeError: `url` or a header cannot be sent.
        Exception: Those of httpcore: no answer, or a broken one.
    """
    # Host and port come from the origin, so that the connection goes to what was compared with the key's origin.
    origin, path = split_url(url.reveal())
    timeouts = {"connect": None, "read": step, "write": step, "pool": None}
    fields = {"Host": str(origin).partition("://")[2], **headers}
    if method == "POST":
        fields["Content-Length"] = "0"
    # httpx would write some characters of a signed link in another way; `target` is sent as it is.
    target = quote(path, safe=_LEGAL).encode("ascii")
    extensions = {"timeout": timeouts, "trace": exchange.trace, "target": target}
    return transport.handle_request(httpx.Request(method, str(origin), headers=fields, extensions=extensions))


_LEGAL = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"<>\\^`{|}')


def raw_socket(response: httpx.Response) -> socket.socket | None:
    """The socket that the body comes from, where it can be read directly."""
    stream = response.extensions.get("network_stream")
    found = stream.get_extra_info("socket") if isinstance(stream, _Stream) else None
    return found if isinstance(found, socket.socket) else None


class _Backend(httpcore.NetworkBackend):
    def __init__(self, sockets: OpenSockets, contexts: TrustedContexts) -> None:
        self._sockets = sockets
        self._contexts = contexts

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        exchange = current_exchange()
        with _translate_errors(httpcore.ConnectTimeout, httpcore.ConnectError):
            exchange.enter("name")
            addresses = look_up(host, port, exchange)
            exchange.enter("connect")
            connection = connect(addresses, exchange)
        exchange.fresh = True
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return _Stream(connection, self._sockets, self._contexts)


class _Stream(httpcore.NetworkStream):
    """A connection, plain or TLS; `tunnel` is TLS inside the TLS of a proxy."""

    def __init__(
        self,
        connection: socket.socket,
        sockets: OpenSockets,
        contexts: TrustedContexts,
        tunnel: httpcore.NetworkStream | None = None,
    ) -> None:
        self._socket = connection
        self._sockets = sockets
        self._contexts = contexts
        self._tunnel = tunnel
        self._framing: ResponseFraming | None = None
        sockets.add(connection)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            data = self._read(max_bytes, timeout)
            if not data or self._framing is None:
                return data
            passed = self._framing.feed(data)
            if passed or self._framing.overrun:
                return passed

    def _read(self, max_bytes: int, timeout: float | None) -> bytes:
        with _translate_errors(httpcore.ReadTimeout, httpcore.ReadError):
            limit = _limit(timeout)
            if self._tunnel is not None:
                data = self._tunnel.read(max_bytes, limit)
            else:
                self._socket.settimeout(limit)
                data = self._socket.recv(max_bytes)
        if not data:
            exchange = current_exchange()
            # A socket that we shut down ourselves ends like one that the server closed.
            if exchange.stopped:
                raise httpcore.ReadError("stopped")
            exchange.ended = True
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if current_exchange().phase in ("proxy", "request"):
            self._framing = ResponseFraming()
        view = memoryview(buffer)
        with _translate_errors(httpcore.WriteTimeout, httpcore.WriteError):
            while view:
                limit = _limit(timeout)
                if self._tunnel is not None:
                    self._tunnel.write(bytes(view), limit)
                    return
                self._socket.settimeout(limit)
                view = view[self._socket.send(view) :]

    def close(self) -> None:
        self._sockets.discard(self._socket)
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        exchange = current_exchange()
        to_proxy = exchange.phase == "connect" and (exchange.proxy or "").startswith("https:")
        exchange.enter("proxy" if to_proxy else "tls")
        wrapped: socket.socket | None = None
        try:
            with (
                _translate_errors(httpcore.ConnectTimeout, httpcore.ConnectError),
                self._contexts.lend() as context,
            ):
                if isinstance(self._socket, ssl.SSLSocket):
                    return self._start_tunnel(context, server_hostname, timeout)
                self._sockets.discard(self._socket)
                wrapped = context.wrap_socket(
                    self._socket, server_hostname=server_hostname, do_handshake_on_connect=False
                )
                stream = _Stream(wrapped, self._sockets, self._contexts)
                wrapped.settimeout(_limit(timeout))
                wrapped.do_handshake()
        except BaseException:
            for connection in (self._socket, wrapped):
                if connection is not None:
                    self._sockets.discard(connection)
                    connection.close()
            raise
        return stream

    def _start_tunnel(self, context: ssl.SSLContext, name: str | None, timeout: float | None) -> httpcore.NetworkStream:
        # Private: without it, only a proxy that is reached by https is lost.
        from httpcore._backends.sync import TLSinTLSStream

        tunnel = TLSinTLSStream(self._socket, context, name, _limit(timeout))
        return _Stream(self._socket, self._sockets, self._contexts, tunnel)

    def get_extra_info(self, info: str) -> Any:
        if info == "socket":
            return None if self._tunnel is not None else self._socket
        if info == "ssl_object":
            if self._tunnel is not None:
                return self._tunnel.get_extra_info(info)
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        if info == "is_readable":
            return (self._framing is not None and self._framing.overrun) or _readable(self._socket)
        return None


@contextlib.contextmanager
def _translate_errors(timeout: type[Exception], failure: type[Exception]) -> Iterator[None]:
    """Errors of a socket as those of the library."""
    try:
        yield
    except TimeoutError as error:
        raise timeout from error
    except OSError as error:
        raise failure from error


def _readable(connection: socket.socket) -> bool:
    """True if there is something to read, or it is closed: no use for the next request."""
    if connection.fileno() < 0:
        return True
    # Not epoll, whose descriptor would be opened and closed each time.
    with getattr(selectors, "PollSelector", selectors.SelectSelector)() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0))


def _limit(timeout: float | None) -> float | None:
    """Seconds left for this step; see :meth:`Exchange.remaining`."""
    exchange = current_exchange()
    exchange.check()
    return exchange.remaining(timeout)
