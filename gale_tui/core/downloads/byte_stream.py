"""The bytes of a download: off the socket, into the part, through SHA-256 on a second thread.

The HTTP library costs more than everything else together, so after the first chunk the socket is read directly where
that is possible. A few buffers go round, so that memory does not grow with the file; they are large and begin at a
page, so that they reach the disk as they are.
"""

from __future__ import annotations

import hashlib
import mmap
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from queue import SimpleQueue

from gale_tui.core.downloads.direct_io import BLOCK, LARGE
from gale_tui.core.downloads.part_file import PartFile
from gale_tui.core.downloads.stored_entries import StoredEntries
from gale_tui.core.errors import CorruptFileError, InterruptedDownloadError
from gale_tui.core.http.responses import OpenResponse

BUFFER = 4 << 20
BUFFERS = 4
PIECE = 1 << 20
"""Bytes of a write while the part is not `LARGE`: what a crash can cost."""
FLUSH_SECONDS = 1.0
"""Between two writes on a slow line."""


class Checksum:
    """SHA-256 and :class:`StoredEntries` on a second thread. To be closed."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._entries = StoredEntries()
        self._free: SimpleQueue[memoryview] = SimpleQueue()
        self._filled: SimpleQueue[tuple[memoryview, int] | None] = SimpleQueue()
        self._made = 0
        self._thread = threading.Thread(target=self._run, name="gale-checksum", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (item := self._filled.get()) is not None:
            buffer, count = item
            self._digest.update(buffer[:count])
            self._entries.update(buffer[:count])
            self._free.put(buffer)

    def take(self) -> memoryview:
        """A buffer to fill; waits where all are in use."""
        if self._made < BUFFERS and self._free.empty():
            self._made += 1
            return memoryview(mmap.mmap(-1, BUFFER))
        return self._free.get()

    def put(self, buffer: memoryview, count: int) -> None:
        """Hands in a buffer with `count` bytes in it; it must not be touched any more."""
        self._filled.put((buffer, count))

    def close(self) -> None:
        """Ends the thread; may be called twice."""
        self._filled.put(None)
        self._thread.join()

    def hexdigest(self) -> str:
        """Of everything that was handed in."""
        self.close()
        return self._digest.hexdigest()

    @property
    def stored(self) -> Mapping[int, tuple[int, int]]:
        """Size and CRC-32 of stored entries by the offset of their header; complete once it is closed."""
        return self._entries.found


class Body:
    """The body of a response. :meth:`start` comes first.

    Args:
        response: Its headers are there.
        length: Bytes that its headers announce, or None.
        stall: Seconds without a byte after which it is given up.
    """

    def __init__(self, response: OpenResponse, length: int | None, stall: float) -> None:
        self._response = response
        self._chunks = _unpack(response) if response.packed else response.iter_raw()
        self._left = length
        self._stall = stall
        self._rest = memoryview(b"")
        self._socket: socket.socket | None = None

    def start(self, count: int) -> bytes:
        """At least `count` bytes from the beginning, or all where it is shorter; they are given again later.

        Raises:
            InterruptedDownloadError: As :meth:`read_into`.
        """
        data = bytearray()
        while len(data) < count and (chunk := next(self._chunks, None)) is not None:
            data += chunk
        self._rest = memoryview(bytes(data))
        # After the last byte the library closes the socket itself.
        if self._left is not None and 0 < len(data) < self._left and (found := self._response.socket) is not None:
            found.settimeout(self._stall)
            self._socket = found
        return bytes(data)

    def read_into(self, view: memoryview) -> int:
        """Reads some bytes, at most as many as there is room for; returns their number, 0 at the end of the body.

        Raises:
            InterruptedDownloadError: The connection was cut, stalled or shut down, or the body is too short.
        """
        if self._left is not None:
            view = view[: self._left]
            if not view:
                return 0
        if not self._rest and self._socket is not None:
            count = self._receive(self._socket, view)
        else:
            if not self._rest:
                self._rest = memoryview(next(self._chunks, b""))
            count = min(len(view), len(self._rest))
            view[:count] = self._rest[:count]
            self._rest = self._rest[count:]
        if self._left is not None:
            if not count:
                raise InterruptedDownloadError("The server closed the connection before the file was whole")
            self._left -= count
        return count

    def _receive(self, connection: socket.socket, view: memoryview) -> int:
        try:
            return connection.recv_into(view)
        except TimeoutError:
            failure = f"Nothing came for {self._stall:g} seconds"
        except OSError:
            failure = "The connection was cut before the file was whole"
        raise InterruptedDownloadError(failure)


def _unpack(response: OpenResponse) -> Iterator[bytes]:
    """The body without its gzip.

    Raises:
        CorruptFileError: It is damaged or ends too early.
        InterruptedDownloadError: As :meth:`OpenResponse.iter_raw`.
    """
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for chunk in response.iter_raw():
        pending = chunk
        while pending and not unpacker.eof:
            try:
                unpacked = unpacker.decompress(pending, PIECE)
            except zlib.error:
                raise CorruptFileError("The file came as gzip and is damaged", "Download it again") from None
            pending = unpacker.unconsumed_tail
            if unpacked:
                yield unpacked
    if not unpacker.eof:
        raise CorruptFileError("The file came as gzip and was cut short", "Download it again")


def receive(body: Body, part: PartFile, checksum: Checksum, received: Callable[[int], None]) -> None:
    """Appends the rest of a body to a part. Whatever ends it, the part has every byte that came.

    Args:
        checksum: Gets every byte as well.
        received: Called with the number of bytes each time some came.

    Raises:
        InterruptedDownloadError: As :meth:`Body.read_into`.
        OSError: The part cannot be written.
    """
    more = True
    while more:
        buffer = checksum.take()
        # After a write that was cut short by the clock, the next one ends at the end of a block.
        room = buffer[: (BUFFER if part.size >= LARGE else PIECE) - part.size % BLOCK]
        filled = 0
        until = time.monotonic() + FLUSH_SECONDS
        try:
            while filled < len(room) and time.monotonic() < until:
                count = body.read_into(room[filled:])
                if not count:
                    more = False
                    break
                filled += count
                received(count)
        finally:
            if filled:
                part.append(buffer[:filled])
        checksum.put(buffer, filled)
