"""The HTTP library's exceptions as errors of our tree.

A name that is not found, a refused connection and a bad certificate are one class there, a time-out has no text, and
some texts repeat the header that they complain about, key and all. So nothing of its texts is shown.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator

import httpcore

from gale_tui.core.errors import (
    ConfigError,
    GaleError,
    NameNotFoundError,
    NotSentError,
    ProxyRefusedError,
    RefusedError,
    TlsError,
    UnansweredError,
)
from gale_tui.core.http.proxies import redact_proxy
from gale_tui.core.http.request_context import HANDSHAKE, Exchange
from gale_tui.core.http.tls import certificate_problem
from gale_tui.core.models import Origin

_NETWORK = "Check the host of the environment and this machine's network"
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def request_failure(error: Exception, exchange: Exchange, method: str, origin: Origin) -> GaleError:
    """The error of the tree for an exception of the HTTP library.

    Args:
        exchange: How far the request came.
        method: GET or POST: only after a POST something may have started.
    """
    host, seconds = origin.display, exchange.seconds or 0.0
    for link in _causes(error):
        if isinstance(link, ConfigError):
            return link
    if exchange.sent and not isinstance(error, httpcore.LocalProtocolError):
        return _unanswered_error(error, exchange, method, host, seconds)
    if exchange.stopped:
        return NotSentError(f"The connection to {host} was given up before anything was sent")
    if isinstance(error, httpcore.LocalProtocolError):
        return NotSentError(f"The request to {host} could not be written", "Check the API key and the ids")
    if exchange.proxy is not None and exchange.phase in ("name", "connect", "proxy"):
        return _proxy_error(error, exchange, redact_proxy(exchange.proxy), host, seconds)
    return _not_sent_error(error, exchange, host, seconds)


def _unanswered_error(error: Exception, exchange: Exchange, method: str, host: str, seconds: float) -> GaleError:
    advice = "The export may have started anyway" if method == "POST" else ""
    if exchange.stopped:
        return UnansweredError(f"The wait for the answer of {host} was given up", advice)
    if isinstance(error, httpcore.TimeoutException):
        return UnansweredError(f"{host} gave no whole answer within {seconds:g} seconds", advice)
    if isinstance(error, httpcore.RemoteProtocolError):
        if exchange.ended:
            return UnansweredError(f"{host} closed the connection before its answer was whole", advice)
        return UnansweredError(f"What came from {host} is not HTTP", advice or _NETWORK)
    return UnansweredError(f"The connection to {host} was cut before the answer was whole", advice)


def _proxy_error(error: Exception, exchange: Exchange, proxy: str, host: str, seconds: float) -> GaleError:
    advice = "Check the proxy of the environment, or HTTPS_PROXY and NO_PROXY where it has none"
    if isinstance(error, httpcore.ProxyError):
        status = re.match(r"(\d{3})\b", str(error))
        if (status and status[1] == "407") or "username" in str(error).lower():
            return ProxyRefusedError(
                f"The proxy {proxy} wants a user name and password (407)",
                "Use one that wants none, for example a local proxy that signs in for you",
            )
        said = f" ({status[1]})" if status else ""
        return ProxyRefusedError(f"The proxy {proxy} would not connect to {host}{said}", advice)
    reason = "closed the connection" if exchange.ended else "does not answer like a proxy"
    for link in _causes(error):
        match link:
            case ssl.SSLCertVerificationError():
                problem, advice = certificate_problem(link)
                return ProxyRefusedError(f"The certificate of the proxy {proxy} {problem}", advice)
            case ssl.SSLError() if not isinstance(link, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
                reason = "does not speak TLS"
                break
            case socket.gaierror():
                reason = "has a name that is not found (DNS)"
            case ConnectionRefusedError():
                reason = "refused the connection: nothing listens there"
            case TimeoutError():
                reason = f"did not answer within {min(seconds, HANDSHAKE):g} seconds"
    if exchange.phase == "proxy":
        advice = f"Check whether it is an http, https or socks5 proxy. {advice}"
    return ProxyRefusedError(f"The proxy {proxy} {reason}", advice)


def _not_sent_error(error: Exception, exchange: Exchange, host: str, seconds: float) -> GaleError:
    for link in _causes(error):
        match link:
            case ssl.SSLCertVerificationError():
                problem, advice = certificate_problem(link)
                return TlsError(f"The certificate of {host} {problem}", advice)
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
                break
            case ssl.SSLError():
                return _tls_error(link, host)
            case socket.gaierror():
                return NameNotFoundError(f"The name {host} is not found (DNS)", _NETWORK)
            case ConnectionRefusedError():
                return RefusedError(f"{host} refused the connection: nothing listens there", _NETWORK)
            case TimeoutError():
                return _timeout_error(exchange, host, seconds)
            case OSError() if link.errno in _NO_ROUTE:
                return RefusedError(f"No network route to {host}", "Check this machine's network")
    if exchange.phase == "tls":
        return NotSentError(
            f"{host} cut the connection during the TLS handshake", "A firewall may be in between; check the host"
        )
    return RefusedError(f"{host} could not be reached", _NETWORK)


def _timeout_error(exchange: Exchange, host: str, seconds: float) -> GaleError:
    if exchange.phase == "name":
        return NameNotFoundError(f"The name look-up of {host} took longer than {seconds:g} seconds", _NETWORK)
    if exchange.phase == "tls":
        return NotSentError(
            f"{host} did not finish the TLS handshake within {min(seconds, HANDSHAKE):g} seconds",
            "Check the host and its port",
        )
    return RefusedError(f"{host} did not answer the connection attempt within {seconds:g} seconds", _NETWORK)


def _tls_error(error: ssl.SSLError, host: str) -> GaleError:
    reason = (getattr(error, "reason", "") or "").upper()
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"):
        return TlsError(f"{host} does not speak TLS", "Check the port; a plain http port was reached")
    if "VERSION" in reason or "PROTOCOL" in reason:
        return TlsError(f"{host} offers no TLS version that is still safe", "Whoever runs the host must update it")
    said = reason.replace("_", " ").lower()
    return TlsError(f"The TLS handshake with {host} failed{f': {said}' if said else ''}", "Check the host and its port")


def proxy_failure(error: Exception, proxy: str) -> ProxyRefusedError:
    """The error for a proxy that cannot even be set up."""
    if isinstance(error, ImportError):
        return ProxyRefusedError(
            f"{proxy} is a SOCKS proxy, and the package socksio that speaks it is not installed",
            "Install it beside gale-tui (pip install socksio), or use an http proxy",
        )
    return ProxyRefusedError(f"{proxy} is not a proxy that can be used", "It looks like http://proxy.example:3128")
