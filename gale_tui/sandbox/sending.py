"""Answers on their way out: framing, pace, and the faults that concern the connection itself."""

from __future__ import annotations

import contextlib
import math
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final

from gale_tui.sandbox.clock import SandboxTime
from gale_tui.sandbox.script import Fault, Place
from gale_tui.sandbox.wire import BytesBody, FileBody, Response, errors_json, http_date, reason_phrase

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
        _close_body(response)
        if fault.body is None:
            spoiled = errors_json(status, fault.message)
        else:
            body = fault.body if isinstance(fault.body, bytes) else fault.body.encode("utf-8", "surrogatepass")
            spoiled = Response(status, [("Content-Type", "application/json; charset=utf-8")], BytesBody(body))
        spoiled.head_only = response.head_only
        response = spoiled
    if isinstance(fault.retry_after, str):
        response.set("Retry-After", fault.retry_after)
    elif fault.retry_after is not None:
        # Rounded up: a client that obeys it must not come too early.
        seconds = math.ceil(fault.retry_after)
        at = math.ceil(time.wall() + fault.retry_after)
        response.set("Retry-After", http_date(at) if fault.retry_after_as_date else str(seconds))
    for name, value in fault.headers:
        response.set(name, value)
    if fault.gzipped and isinstance(response.body, BytesBody):
        import gzip

        response.body = BytesBody(gzip.compress(response.body.data, mtime=0))
        response.set("Content-Encoding", "gzip")
    return response


def send(
    connection: socket.socket, response: Response, fault: Fault, time: SandboxTime, *, asked_at: float, keep_alive: bool
) -> None:
    """Writes an answer to the connection, late or dripping as counted from `asked_at`, a second of the sandbox.

    Raises:
        ConnectionEndsError: The connection ends here, as the fault or the framing wants it.
        OSError: The client went away.
    """
    try:
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
            data = head + b"".join(_pieces(response, response.body.size))
            _drip(connection, data, asked_at + fault.delay, fault.drip, time)
        else:
            _body(connection, head, response, fault, time)
    finally:
        _close_body(response)
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
    """Ends both directions of a connection; who waits on it returns."""
    with contextlib.suppress(OSError):
        # Not the connection's own method: that of a TLS socket drops its state under a thread that still reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _head(response: Response, time: SandboxTime, *, keep_alive: bool) -> bytes:
    fields = [("Date", http_date(time.wall())), ("Server", "gale-sandbox"), *response.headers]
    named = {name.lower() for name, _ in response.headers}
    if response.framing == "chunked":
        fields.append(("Transfer-Encoding", "chunked"))
    elif response.framing == "given" and "content-length" not in named:
        fields.append(("Content-Length", str(response.body.size + response.length_off)))
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
    end = min([response.body.size, *places])
    if response.framing == "chunked":
        connection.sendall(head)
        for piece in _pieces(response, end):
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        if not places:
            connection.sendall(b"0\r\n\r\n")
    elif response.pace is not None:
        _paced(connection, head, response, end, response.pace, time)
    elif isinstance(response.body, BytesBody):
        connection.sendall(head + response.body.data[:end])
    else:
        connection.sendall(head)
        if end:
            _send_stretch(connection, response.body, 0, end)
    for place in places:
        _break_off(connection, place, fault)


def _paced(
    connection: socket.socket, head: bytes, response: Response, end: int, pace: float, time: SandboxTime
) -> None:
    # Before the head: who has seen it may move the clock and count on the bytes.
    begin = time.now()
    connection.sendall(head)
    sent = 0
    piece = max(1, int(min(PIECE, pace * SLICE * time.speed)))
    while sent < end:
        count = min(piece, end - sent)
        if not time.wait_until(begin + (sent + count) / pace):
            raise ConnectionEndsError
        _send_stretch(connection, response.body, sent, count)
        sent += count


def _drip(connection: socket.socket, data: bytes, begin: float, seconds: float, time: SandboxTime) -> None:
    for index in range(len(data)):
        if not time.wait_until(begin + index * seconds):
            raise ConnectionEndsError
        connection.sendall(data[index : index + 1])


def _pieces(response: Response, end: int) -> Iterator[bytes]:
    body = response.body
    for start in range(0, end, PIECE):
        count = min(PIECE, end - start)
        if isinstance(body, BytesBody):
            yield body.data[start : start + count]
        else:
            body.file.seek(body.offset + start)
            yield body.file.read(count)


def _send_stretch(connection: socket.socket, body: BytesBody | FileBody, start: int, count: int) -> None:
    if isinstance(body, BytesBody):
        connection.sendall(memoryview(body.data)[start : start + count])
    elif type(connection) is socket.socket:
        connection.sendfile(body.file, body.offset + start, count)
    else:
        # A TLS socket's own sendfile reads 8 KiB at a time.
        for piece in _pieces(Response(200, body=FileBody(body.file, body.offset + start, count)), count):
            connection.sendall(piece)


def _close_body(response: Response) -> None:
    if isinstance(response.body, FileBody):
        response.body.file.close()
