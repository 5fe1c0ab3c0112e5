"""From a host's name to a connected socket: every step under the request's deadline, and stoppable."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import selectors
import socket
import threading
import time
from typing import Any

from gale_tui.core.http.request_context import Exchange, shut_down

HEAD_START = 0.25
"""Seconds that one address has for itself before the next is tried beside it."""
LOOK = 0.1
"""Seconds between two checks whether to stop."""

Address = tuple[socket.AddressFamily, Any]


def look_up(host: str, port: int, exchange: Exchange) -> list[Address]:
    """Addresses of a host. The system's look-up knows no time-out, so it runs on a thread that may be left behind."""
    if host == "localhost":
        # This name never leads to another machine, whatever a resolver answers.
        return [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET6, ("::1", port, 0, 0))]
    with contextlib.suppress(ValueError):
        literal = ipaddress.ip_address(host)
        if literal.version == 4:
            return [(socket.AF_INET, (host, port))]
        return [(socket.AF_INET6, (host, port, 0, 0))]
    found: list[Address] = []
    failed: list[OSError] = []
    done = threading.Event()

    def ask() -> None:
        try:
            for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                found.append((family, address))
        except OSError as error:
            failed.append(error)
        except UnicodeError:
            failed.append(socket.gaierror(socket.EAI_NONAME, "not a host name"))
        finally:
            done.set()

    threading.Thread(target=ask, name="gale-name", daemon=True).start()
    while not done.wait(exchange.remaining(LOOK)):
        exchange.check()
    if failed:
        raise failed[0]
    return found


def connect(addresses: list[Address], exchange: Exchange) -> socket.socket:
    """The first connection that succeeds; a slow address does not delay the next one (RFC 8305)."""
    waiting = list(addresses)
    failed: OSError = OSError(errno.EADDRNOTAVAIL, "no address")
    with selectors.DefaultSelector() as selector:
        next_at = 0.0
        try:
            while waiting or selector.get_map():
                exchange.check()
                now = time.monotonic()
                if waiting and (not selector.get_map() or now >= next_at):
                    try:
                        selector.register(_begin(*waiting.pop(0)), selectors.EVENT_WRITE)
                        next_at = now + HEAD_START
                    except OSError as error:
                        failed = error
                    continue
                for key, _ in selector.select(exchange.remaining(LOOK)):
                    connection = key.fileobj
                    assert isinstance(connection, socket.socket)  # noqa: S101  # narrows what was registered above
                    selector.unregister(connection)
                    problem = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if problem == 0:
                        return connection
                    connection.close()
                    failed = OSError(problem, os.strerror(problem))
        finally:
            for key in list(selector.get_map().values()):
                if isinstance(key.fileobj, socket.socket):
                    shut_down(key.fileobj)
                    key.fileobj.close()
    raise failed


def _begin(family: socket.AddressFamily, address: Any) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.setblocking(False)
    code = connection.connect_ex(address)
    if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)):
        connection.close()
        raise OSError(code, os.strerror(code))
    return connection
