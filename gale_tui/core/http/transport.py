"""The one place that talks HTTP: trust, proxies, deadlines, redirects by hand, and the key to its own origin only."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urljoin

from gale_tui import __version__
from gale_tui.core.errors import (
    ConfigError,
    GaleError,
    InterruptedDownloadError,
    LinkRefusedError,
    NoKeyError,
    RedirectError,
    StoppedDownloadError,
    UnansweredError,
)
from gale_tui.core.http.proxies import proxy_for, redact_proxy
from gale_tui.core.http.request_context import Cancellation, Exchange, OpenSockets, as_current
from gale_tui.core.http.responses import BODY_LIMIT, Answer, OpenResponse, read_headers
from gale_tui.core.http.tls import TrustedContexts
from gale_tui.core.identifiers import origin_of
from gale_tui.core.models import Environment, Origin
from gale_tui.core.secret import Secret, SignedUrl, register_secret, without_secrets
from gale_tui.core.untrusted_text import inert

if TYPE_CHECKING:
    import httpx

    from gale_tui.core.http.network_backend import PoolTransport

MAX_REDIRECTS = 5
HEADER_SECONDS = 30.0
"""Until a download's headers are there."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Transport:
    """Requests to one environment and downloads on its behalf. Safe to use from several threads; every call blocks.

    Args:
        environment: Where to, which CA file, which proxy.
        key: Gives the key at the moment it is needed; must not block.
    """

    def __init__(self, environment: Environment, key: Callable[[], Secret | None]) -> None:
        self.environment = environment
        self.origin: Origin = environment.origin
        self.sockets = OpenSockets()
        self._key = key
        self._contexts = TrustedContexts(environment.ca_file)
        self._lock = threading.Lock()
        self._transports: dict[tuple[str | None, bool], PoolTransport] = {}

    def owns(self, url: SignedUrl) -> bool:
        """True for an address on the environment's own origin."""
        with contextlib.suppress(ConfigError):
            return origin_of(url.reveal()) == self.origin
        return False

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        deadline: float,
        with_key: bool = True,
    ) -> Answer:
        """Calls the environment's own origin and reads the answer, whatever its status.

        Args:
            method: GET or POST. A POST has no body and its own connection, and is sent once.
            path: Absolute path, percent-encoded.
            query: Names and values, not encoded.
            deadline: Seconds for everything together: look-up, connection, TLS, headers, body.
            with_key: Whether the key goes along.

        Raises:
            NotSentError: Certainly nothing reached the server (its children say why).
            UnansweredError: It was sent and no whole answer came.
            RedirectError: A redirect that is not followed: of a POST, or away from the origin.
            NoKeyError: There is no key.
            ConfigError: The CA file cannot be read.
        """
        target = str(self.origin) + path
        if query:
            target += "?" + urlencode(query, quote_via=quote, safe="")
        exchange = Exchange(deadline)
        self.sockets.begin(exchange)
        try:
            with as_current(exchange):
                return self._call(method, SignedUrl(target), exchange, with_key)
        except GaleError as error:
            raise error.bare() from None
        finally:
            self.sockets.end(exchange)

    def _call(self, method: str, url: SignedUrl, exchange: Exchange, with_key: bool) -> Answer:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        for _ in range(MAX_REDIRECTS + 1):
            keep_alive = method == "GET"
            response = self._send(method, url, headers, exchange, exchange.seconds, with_key, keep_alive=keep_alive)
            status = response.status_code
            if status not in _REDIRECTS:
                return self._read(response, method, url, exchange)
            response.close()
            url = _redirect_target(url, response)
            what = f"{self.origin.display} redirects to {_shown_url(url)} ({status})"
            if method != "GET":
                raise RedirectError(f"{what}; an export is not sent elsewhere on its own", _MOVED, status=status)
            if not self.owns(url):
                raise RedirectError(f"{what}; the API key does not go there", _MOVED, status=status)
        raise RedirectError(f"{self.origin.display} redirects in a loop", _MOVED, status=status)

    def _read(self, response: httpx.Response, method: str, url: SignedUrl, exchange: Exchange) -> Answer:
        headers = read_headers(response.headers.raw)
        success = 200 <= response.status_code < 300
        encoding = headers.get("content-encoding", "").strip().lower()
        body = bytearray()
        unread = ""
        try:
            if encoding not in ("", "identity"):
                unread = f"compressed ({inert(encoding, 20)})"
            else:
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > BODY_LIMIT:
                        unread = "larger than 1 MiB"
                        break
        except Exception as error:  # the library's, its backend's or the socket's own
            if success:
                from gale_tui.core.http.http_errors import request_failure

                raise request_failure(error, exchange, method, origin_of(url.reveal())) from None
            unread = "cut off"
        finally:
            response.close()
        stream = response.extensions["network_stream"]
        return Answer(response.status_code, headers, bytes(body[:BODY_LIMIT]), url, stream.close, unread)

    def open(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        with_key: bool = False,
        cancel: Cancellation | None = None,
        stall: float = 30.0,
    ) -> OpenResponse:
        """Requests a file and returns once its headers are there, whatever the status.

        Redirects are followed, at most five, never from https to http, and without the key once the origin is left.

        Args:
            url: Absolute URL.
            headers: Further headers, for example ``Range``.
            with_key: Whether the key goes along where the URL is on the environment's own origin.
            cancel: Stops connecting, waiting and reading, from another thread.
            stall: Seconds without a byte after which reading is given up.

        Raises:
            LinkRefusedError: The link, or one it redirects to, is not followed.
            RedirectError: More than five redirects, or one without a target.
            NotSentError: No connection came about (its children say why).
            InterruptedDownloadError: Sent, but no headers came within 30 seconds, or it was cancelled.
            NoKeyError: The key is wanted and there is none.
            ConfigError: The CA file cannot be read.
        """
        link = SignedUrl(url)
        del url  # a crash report shows the variables of each frame
        exchange = Exchange(HEADER_SECONDS, cancel)
        self.sockets.begin(exchange)
        opened: OpenResponse | None = None
        try:
            with as_current(exchange):
                opened = self._open(link, dict(headers or {}), with_key, exchange, stall)
                return opened
        except GaleError as error:
            raise error.bare() from None
        finally:
            if opened is None:
                self.sockets.end(exchange)

    def _open(
        self, url: SignedUrl, wanted: dict[str, str], with_key: bool, exchange: Exchange, stall: float
    ) -> OpenResponse:
        headers = {"Accept": "*/*"} | {name: value for name, value in wanted.items() if name.lower() != "x-api-key"}
        secure = False
        for _ in range(MAX_REDIRECTS + 1):
            origin = check_link(url, self.origin)
            if secure and origin.scheme != "https":
                raise LinkRefusedError(
                    f"The download leads from https to plain http ({_shown_url(url)})",
                    "The host needs https; the file would travel unencrypted",
                )
            register_secret(url)
            secure = origin.scheme == "https"
            with_key = with_key and origin == self.origin
            try:
                response = self._send("GET", url, headers, exchange, stall, with_key, keep_alive=False)
            except UnansweredError as error:
                raise (StoppedDownloadError() if exchange.stopped else InterruptedDownloadError(error.what)) from None
            status = response.status_code
            if status not in _REDIRECTS:
                exchange.without_deadline()
                return OpenResponse(response, exchange, url, self.sockets, stall)
            response.close()
            url = _redirect_target(url, response)
        raise RedirectError(f"The download redirects more than {MAX_REDIRECTS} times", status=status)

    def _send(
        self,
        method: str,
        url: SignedUrl,
        headers: Mapping[str, str],
        exchange: Exchange,
        step: float | None,
        with_key: bool,
        *,
        keep_alive: bool,
    ) -> httpx.Response:
        """Sends once; a GET on a kept connection that turns out to be closed is sent again on a new one."""
        import httpcore

        from gale_tui.core.http.http_errors import proxy_failure, request_failure
        from gale_tui.core.http.network_backend import send

        origin = origin_of(url.reveal())
        proxy = proxy_for(origin, self.environment.proxy)
        try:
            transport = self._transport(proxy, keep_alive)
        except (ImportError, ValueError) as error:
            raise proxy_failure(error, redact_proxy(proxy or "")) from None
        outgoing = self._request_headers(headers, with_key and origin == self.origin)
        exchange.fresh = exchange.sent = False
        exchange.proxy = proxy
        try:
            return send(transport, method, url, outgoing, exchange, step)
        except UnicodeError:
            raise LinkRefusedError(f"{_shown_url(url)} is not a usable address") from None
        except (httpcore.RemoteProtocolError, httpcore.NetworkError) as error:
            if method != "GET" or exchange.fresh or exchange.stopped or not keep_alive:
                raise request_failure(error, exchange, method, origin) from None
        except Exception as error:  # whatever the library lets through means the same: no answer
            raise request_failure(error, exchange, method, origin) from None
        return self._send(method, url, headers, exchange, step, with_key, keep_alive=False)

    def _request_headers(self, headers: Mapping[str, str], with_key: bool) -> dict[str, str]:
        """The headers of a request. The only place where the key is added; who calls it has compared the origins."""
        outgoing = {**headers, "Accept-Encoding": "identity", "User-Agent": f"gale-tui/{__version__}"}
        if with_key:
            name = self.environment.name
            key = self._key()
            if key is None:
                raise NoKeyError(f"There is no API key for {name}", "Enter one under Environments")
            if not re.fullmatch(r"[\x21-\x7e]+", key.reveal()):
                raise NoKeyError(f"The API key of {name} has characters that no key has", "Enter it again")
            register_secret(key)
            outgoing["x-api-key"] = key.reveal()
        return outgoing

    def _transport(self, proxy: str | None, keep_alive: bool) -> PoolTransport:
        from gale_tui.core.http.network_backend import make_transport

        with self._lock:
            kind = proxy, keep_alive
            if kind not in self._transports:
                self._transports[kind] = make_transport(self.sockets, self._contexts, *kind)
            return self._transports[kind]

    def close(self) -> None:
        """Makes every call under way return at once with an error and closes every connection; later calls fail."""
        self.sockets.close()
        with self._lock:
            transports = list(self._transports.values())
            self._transports.clear()
        for transport in transports:
            transport.close()


_MOVED = "Check the host of the environment; a login page or a proxy may be in between"


def _redirect_target(url: SignedUrl, response: httpx.Response) -> SignedUrl:
    location = read_headers(response.headers.raw).get("location", "").strip()
    with contextlib.suppress(ValueError):
        if location:
            return SignedUrl(urljoin(url.reveal(), location))
    origin, status = origin_of(url.reveal()), response.status_code
    raise RedirectError(f"{origin.display} redirects without saying where ({status})", status=status)


def _shown_url(url: SignedUrl) -> str:
    return inert(without_secrets(url.redacted), 120)


def check_link(url: SignedUrl, own: Origin) -> Origin:
    """The origin of a download link that may be followed.

    Raises:
        LinkRefusedError: Not http or https, with a user name, plain http to another machine, or loopback although
            the environment is not on loopback.
    """
    shown = _shown_url(url)
    origin: Origin | None = None
    problem = ""
    try:
        origin = origin_of(url.reveal())
    except ConfigError as error:
        problem = error.what
    if origin is None:
        # Not raised above: the chained exception's frames hold the link.
        raise LinkRefusedError(f"The download link {shown} is not followed: {problem}")
    if origin.loopback and not own.loopback:
        raise LinkRefusedError(f"The download link {shown} points at this machine itself and is not followed")
    if origin.scheme == "http" and not origin.loopback:
        raise LinkRefusedError(
            f"The download link {shown} is plain http and is not followed",
            "The file holds environment variables; the host needs https",
        )
    return origin
