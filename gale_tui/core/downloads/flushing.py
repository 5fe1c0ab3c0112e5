"""A file forced to the disk while it grows, so that little is left to do at its end.

Bytes that are only handed to the system pile up in memory until it writes them all at once, and holds up everyone who
writes meanwhile. Of a GiB received on loopback that was more than half of the time.
"""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import Final

__all__ = ["Flusher"]

STEP: Final = 32 << 20
"""Bytes that come together before they are forced to the disk."""


class Flusher:
    """Works on a thread of its own, which begins with the first `STEP` bytes or with :meth:`finish`.

    A disk that takes its time holds up nobody: the file is only ever forced as it is when the thread comes to it.

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
        """To be told of the file's size, in bytes, after each write.

        Raises:
            OSError: What was written before did not reach the disk.
        """
        if self._failure is not None:
            raise self._failure
        if size < self._forced:
            self._forced = 0
        if self._idle and size - self._forced >= STEP:
            self._forced = size
            self._idle = False
            self._ask(last=False)

    def finish(self) -> None:
        """Begins to force all that is not on the disk yet, with what is known of the file (its size, its times)."""
        self._ask(last=True)

    def wait(self) -> bool:
        """Waits for what :meth:`finish` began; False where :meth:`abandon` came first.

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
        """Closes the descriptor, once the disk has done what it is at; does not wait for that. Only once."""
        if self._thread is None:
            os.close(self._descriptor)
        else:
            self._wanted.put(None)

    def _ask(self, *, last: bool) -> None:
        self._wanted.put(last)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="gale-flush", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        data_only = getattr(os, "fdatasync", os.fsync)
        try:
            while (last := self._wanted.get()) is not None:
                try:
                    # The system tells of a failure once: what comes later may succeed and mean nothing.
                    (os.fsync if last else data_only)(self._descriptor)
                except OSError as error:
                    self._failure = self._failure or error
                self._idle = True
                if last:
                    self._finished.put(True)
        finally:
            os.close(self._descriptor)
