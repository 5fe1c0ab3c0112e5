"""Answers on their way out: framing, pace, and the faults that concern the connection itself."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import Final

from gale_tui.sandbox.clock import SandboxTime
from gale_tui.sandbox.script import Fault, Place
from gale_tui.sandbox.wire import Response, errors_json, http_date, reason_phrase

PIECE: Final = 256 << 10
SLICE: Final = 0.05
"""Real seconds between two pieces of a paced body."""


class ConnectionEndsError(Exception):
    """The connection is not used any further; `reset` asks for a RST."""

    def __init__(self, reset: bool = False) -> None:
        super().__init__("the connection ends here")
        self.reset = reset


def apply_fault(response: Response, fault: Fault, time: SandboxTime) -> Response:
    """The answer with the fault's status, body and headers in place of its own."""
    if fault.status is not None or fault.body is not None:
        status = fault.status if fault.status is not None else response.status
        if fault.body is None:
            spoiled = errors_json(status, fault.message)
        else:
            body = fault.body if isinstance(fault.body, bytes) else fault.body.encode("utf-8", "surrogatepass")
            spoiled = Response(status, [("Content-Type", "application/json; charset=utf-8")], body)
        response = spoiled
    for name, value in fault.headers:
        response.set(name, value)
    if fault.edit is not None:
        fault.edit(response, time.wall())
    return response


def send(
    connection: socket.socket, response: Response, fault: Fault, time: SandboxTime, *, asked_at: float, keep_alive: bool
) -> None:
    """Writes an answer to the connection, late or dripping as counted from `asked_at`, a second of the sandbox.

    Raises:
        ConnectionEndsError: The connection ends here, as the fault or the framing wants it.
        OSError: The client went away.
    """
    if fault.delay and not time.wait_until(asked_at + fault.delay):
        raise ConnectionEndsError
    _break_off(connection, "answer", fault)
    head = _head(response, time, keep_alive=keep_alive)
    if "head" in (fault.cut, fault.stall):
        connection.sendall(head[: len(head) // 2])
        _break_off(connection, "head", fault)
    if response.head_only:
        connection.sendall(head)
    elif fault.drip is not None:
        _drip(connection, head + response.body, asked_at + fault.delay, fault.drip, time)
    else:
        _body(connection, head, response, fault, time)
    if not keep_alive or response.length_off or (response.framing == "absent" and not response.head_only):
        raise ConnectionEndsError


def hang_up(connection: socket.socket, *, reset: bool) -> None:
    """Closes a connection; with `reset` the client sees a connection reset instead of an end."""
    if reset:
        with contextlib.suppress(OSError):
            layout = "hh" if os.name == "nt" else "ii"
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))
    else:
        shut_down(connection)
    connection.close()


def shut_down(connection: socket.socket) -> None:
    """Ends both directions of a connection, so that blocked calls return."""
    with contextlib.suppress(OSError):
        # Not the connection's own method: that of a TLS socket drops its state under a thread that still reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _head(response: Response, time: SandboxTime, *, keep_alive: bool) -> bytes:
    fields = [("Date", http_date(time.wall())), ("Server", "gale-sandbox"), *response.headers]
    named = {name.lower() for name, _ in response.headers}
    if response.framing == "chunked":
        fields.append(("Transfer-Encoding", "chunked"))
    elif response.framing == "given" and "content-length" not in named:
        fields.append(("Content-Length", str(len(response.body) + response.length_off)))
    ends = not keep_alive or response.framing == "absent" or bool(response.length_off)
    if "connection" not in named:
        fields.append(("Connection", "close" if ends else "keep-alive"))
    text = [f"HTTP/1.1 {response.status} {reason_phrase(response.status)}"]
    text += [f"{name}: {value}" for name, value in fields]
    return "\r\n".join(text).encode("utf-8", "surrogatepass") + b"\r\n\r\n"


def _break_off(connection: socket.socket, place: Place, fault: Fault) -> None:
    if fault.cut == place and fault.cut is not None:
        raise ConnectionEndsError(fault.reset)
    if fault.stall == place and fault.stall is not None:
        while connection.recv(4096):
            pass
        raise ConnectionEndsError(fault.reset)


def _body(connection: socket.socket, head: bytes, response: Response, fault: Fault, time: SandboxTime) -> None:
    places = [place for place in (fault.cut, fault.stall) if isinstance(place, int)]
    body = response.body[: min([len(response.body), *places])]
    if response.framing == "chunked":
        connection.sendall(head)
        for start in range(0, len(body), PIECE):
            piece = body[start : start + PIECE]
            connection.sendall(b"%x\r\n" % len(piece) + piece + b"\r\n")
        if not places:
            connection.sendall(b"0\r\n\r\n")
    elif response.pace is not None:
        _paced(connection, head, body, response.pace, time)
    else:
        connection.sendall(head + body[:PIECE])
        connection.sendall(body[PIECE:])
    for place in places:
        _break_off(connection, place, fault)


def _paced(connection: socket.socket, head: bytes, body: bytes | memoryview, pace: float, time: SandboxTime) -> None:
    # Before the head: a test that has seen it may move the clock and count on the bytes.
    begin = time.now()
    connection.sendall(head)
    sent = 0
    size = max(1, int(min(PIECE, pace * SLICE * time.speed)))
    while piece := body[sent : sent + size]:
        if not time.wait_until(begin + (sent + len(piece)) / pace):
            raise ConnectionEndsError
        connection.sendall(piece)
        sent += len(piece)


def _drip(connection: socket.socket, data: bytes, begin: float, seconds: float, time: SandboxTime) -> None:
    for index in range(len(data)):
        if not time.wait_until(begin + index * seconds):
            raise ConnectionEndsError
        connection.sendall(data[index : index + 1])
