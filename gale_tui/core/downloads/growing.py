"""An open file that grows by large pieces, on a disk that may be slow."""

from __future__ import annotations

import errno
import os
from typing import Final

from gale_tui.core.downloads.flushing import Flusher

__all__ = ["BLOCK", "LARGE", "GrowingFile"]

BLOCK: Final = 4096
"""Bytes; what goes to the disk past the system's memory begins and ends at a multiple of it."""
LARGE: Final = 32 << 20
"""Bytes from which on a file grows past the system's memory."""
_WORTH: Final = 1 << 20
"""Bytes that are written so."""
_DIRECT: Final[int] = getattr(os, "O_DIRECT", 0)


class GrowingFile:
    """What is appended is forced to the disk meanwhile.

    A large one is written past the system's memory (``O_DIRECT``) where the system and the folder's disk allow it and
    the line is fast enough to fill whole blocks. The file is not read again soon, so a copy there only drives out what
    other programs need, and making it costs more than receiving.

    Args:
        descriptor: Open for reading and writing; closed by :meth:`close`.

    Attributes:
        size: Bytes in it.
    """

    def __init__(self, descriptor: int) -> None:
        self.size = os.fstat(descriptor).st_size
        self._fd = descriptor
        self._flusher = Flusher(os.dup(descriptor))
        self._direct = False
        self._may_be_direct = bool(_DIRECT)

    def append(self, data: memoryview) -> None:
        """Writes all of it. What was written before an error counts in :attr:`size`.

        Raises:
            OSError: The disk refused it, or something earlier that it seemed to have taken.
        """
        os.lseek(self._fd, self.size, os.SEEK_SET)
        while data:
            count = self._write(data)
            self.size += count
            data = data[count:]
        self._flusher.grown(self.size)

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Reads from `offset` on; returns the number of bytes, 0 at the end."""
        self._go_direct(False)
        os.lseek(self._fd, offset, os.SEEK_SET)
        data = os.read(self._fd, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def truncate(self) -> None:
        """Takes everything out."""
        os.ftruncate(self._fd, 0)
        self.size = 0

    def force(self) -> Flusher:
        """Begins to force all of it to the disk; what is returned tells when that is done."""
        self._flusher.finish()
        return self._flusher

    def close(self) -> None:
        """Closes it; only once."""
        self._flusher.close()
        os.close(self._fd)

    def _write(self, data: memoryview) -> int:
        large = self.size >= LARGE and len(data) >= _WORTH
        self._go_direct(large and not self.size % BLOCK and not len(data) % BLOCK)
        try:
            return os.write(self._fd, data)
        except OSError as error:
            if not self._direct or error.errno != errno.EINVAL:
                raise
        # Its blocks are larger, or it only said that it can.
        self._may_be_direct = False
        self._go_direct(False)
        return os.write(self._fd, data)

    def _go_direct(self, wanted: bool) -> None:
        """Has the next reads and writes go past the system's memory, or not."""
        wanted = wanted and self._may_be_direct
        if wanted == self._direct:
            return
        import fcntl

        flags = fcntl.fcntl(self._fd, fcntl.F_GETFL)
        try:
            fcntl.fcntl(self._fd, fcntl.F_SETFL, flags | _DIRECT if wanted else flags & ~_DIRECT)
        except OSError:
            if not wanted:
                raise
            self._may_be_direct = False
        else:
            self._direct = wanted
