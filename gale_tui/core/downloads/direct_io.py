"""A part's way to the disk: past the system's memory once it is large, and forced there while it grows.

A tool's export is kilobytes, a model's is gigabytes. Bytes that are only handed to the system pile up in memory until
it writes all of them at once and holds up everybody: with a GiB on loopback that was more than half of the time. The
file is not read again soon, so a copy in memory only drives out what other programs need.
"""

from __future__ import annotations

import errno
import os
import threading
from queue import SimpleQueue
from typing import Final

from gale_tui.core.filesystem import set_file_flag

BLOCK: Final = 4096
"""Bytes; a direct write begins and ends at a multiple of it."""
LARGE: Final = 32 << 20
"""Bytes from which on a file grows past the system's memory."""
STEP: Final = 32 << 20
"""Bytes that come together before they are forced to the disk."""
_WORTH: Final = 1 << 20
"""Least bytes of a direct write."""
_DIRECT: Final[int] = getattr(os, "O_DIRECT", 0)


class Flusher:
    """Forces a file to the disk, on a thread that begins with the first `STEP` bytes or with :meth:`finish`.

    Args:
        descriptor: Of the file; closed by :meth:`close`.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._forced = 0
        self._failure: OSError | None = None
        self._idle = True
        self._thread: threading.Thread | None = None
        self._wanted: SimpleQueue[bool | None] = SimpleQueue()
        self._finished: SimpleQueue[bool] = SimpleQueue()

    def grown(self, size: int) -> None:
        """Notes the file's size in bytes; forces it as it is where the thread is idle.

        Raises:
            OSError: Something written before did not reach the disk.
        """
        if self._failure is not None:
            raise self._failure
        self._forced = min(self._forced, size)
        if self._idle and size - self._forced >= STEP:
            self._forced = size
            self._idle = False
            self._begin(last=False)

    def finish(self) -> None:
        """Begins to force all of the file, its size and times included."""
        self._begin(last=True)

    def wait(self) -> bool:
        """Waits until :meth:`finish` is done; False if :meth:`abandon` came first.

        Raises:
            OSError: Not all of the file reached the disk.
        """
        done = self._finished.get()
        if done and self._failure is not None:
            raise self._failure
        return done

    def abandon(self) -> None:
        """Makes :meth:`wait` return at once; from any thread."""
        self._finished.put(False)

    def close(self) -> None:
        """Closes the descriptor once the disk is done with it, without waiting for that. Only once."""
        if self._thread is None:
            os.close(self._descriptor)
        else:
            self._wanted.put(None)

    def _begin(self, *, last: bool) -> None:
        self._wanted.put(last)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="gale-flush", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        data_only = getattr(os, "fdatasync", os.fsync)
        try:
            while (last := self._wanted.get()) is not None:
                try:
                    # The system reports a failure once: a later call may succeed and mean nothing.
                    (os.fsync if last else data_only)(self._descriptor)
                except OSError as error:
                    self._failure = self._failure or error
                self._idle = True
                if last:
                    self._finished.put(True)
        finally:
            os.close(self._descriptor)


class DirectFile:
    """An open file that is appended to.

    Args:
        descriptor: Open for reading and writing; closed by :meth:`close`.

    Attributes:
        size: Bytes in it.
        flusher: Forces it to the disk.
    """

    def __init__(self, descriptor: int) -> None:
        self.size = os.fstat(descriptor).st_size
        self.flusher = Flusher(os.dup(descriptor))
        self.closed = False
        self._fd = descriptor
        self._direct = False
        self._may_be_direct = bool(_DIRECT)

    def append(self, data: memoryview) -> None:
        """Writes all of it. Bytes written before an error count in :attr:`size`.

        Raises:
            OSError: The disk refused it, or an earlier write that had seemed to succeed.
        """
        os.lseek(self._fd, self.size, os.SEEK_SET)
        while data:
            count = self._write(data)
            self.size += count
            data = data[count:]
        self.flusher.grown(self.size)

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Reads from `offset` on; returns the number of bytes, 0 at the end."""
        self._set_direct(False)
        os.lseek(self._fd, offset, os.SEEK_SET)
        data = os.read(self._fd, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def truncate(self) -> None:
        os.ftruncate(self._fd, 0)
        self.size = 0

    def close(self) -> None:
        """Closes it; only once."""
        self.closed = True
        self.flusher.close()
        os.close(self._fd)

    def _write(self, data: memoryview) -> int:
        large = self.size >= LARGE and len(data) >= _WORTH
        self._set_direct(large and not self.size % BLOCK and not len(data) % BLOCK)
        try:
            return os.write(self._fd, data)
        except OSError as error:
            if not self._direct or error.errno != errno.EINVAL:
                raise
        # The disk's blocks are larger, or it only claimed that it can.
        self._may_be_direct = False
        self._set_direct(False)
        return os.write(self._fd, data)

    def _set_direct(self, wanted: bool) -> None:
        wanted = wanted and self._may_be_direct
        if wanted == self._direct:
            return
        try:
            set_file_flag(self._fd, _DIRECT, on=wanted)
        except OSError:
            if not wanted:
                raise
            self._may_be_direct = False
        else:
            self._direct = wanted
