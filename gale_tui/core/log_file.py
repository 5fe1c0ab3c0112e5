"""The file that the log is written to."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import stat
import sys
from io import TextIOWrapper
from pathlib import Path

from gale_tui.core.filesystem import make_private_folder

__all__ = ["PrivateFile"]


class PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotating file that only its owner reads, and that never writes to the terminal when it fails."""

    def _open(self) -> TextIOWrapper:
        make_private_folder(Path(self.baseFilename).parent)
        return open(self.baseFilename, "a", encoding="utf-8", errors="backslashreplace", opener=_private)

    def emit(self, record: logging.LogRecord) -> None:
        self._follow()
        super().emit(record)

    def _follow(self) -> None:
        # Another gale-tui may have begun the next file: go on there instead of in the renamed one.
        if self.stream is None:
            return
        try:
            there, ours = os.stat(self.baseFilename), os.fstat(self.stream.fileno())
            same = (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
        except (OSError, ValueError):
            same = False
        if not same:
            with contextlib.suppress(OSError):
                self.stream.close()
            self.stream = None  # opened again by the next record, as at the start

    def close(self) -> None:
        """Closes the file; what a full disk did not take is lost."""
        with contextlib.suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:
        """Nothing: a full disk must neither break the screen nor print the record, arguments included, on it."""


def _private(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0), 0o600)
    if sys.platform != "win32":
        # One that was there before may be open to others. By descriptor: never the target of a link, never a device.
        with contextlib.suppress(OSError):
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, 0o600)
    return descriptor
