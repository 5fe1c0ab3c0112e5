"""Writes to a terminal or a pipe that may have no reader, without ever waiting for it."""

from __future__ import annotations

import io
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable


def open_outputs() -> tuple[OutputThread, OutputThread]:
    """Puts `OutputThread`s below `sys.stdout` and `sys.stderr`, and returns them.

    A standard stream that is closed is opened so that nothing else takes its place: reading gives nothing, writing
    fails.
    """
    for fileno in range(3):
        try:
            os.fstat(fileno)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  # as long as the process
    outputs = OutputThread(1), OutputThread(2)
    sys.stdout, sys.stderr = (
        # A locale may be plain ASCII; a label is no reason to stop.
        io.TextIOWrapper(output, getattr(stream, "encoding", None), "backslashreplace", write_through=True)  # type: ignore[type-var]
        for output, stream in zip(outputs, (sys.__stdout__, sys.__stderr__), strict=True)
    )
    return outputs


class OutputThread(io.RawIOBase):
    """A file descriptor that is written on a daemon thread.

    `write` takes everything at once. A stalled reader holds up the thread alone, and the program ends without it. After
    an error everything is dropped.

    Args:
        fileno: The descriptor; it stays open.
        on_failure: Called on the thread after the first error.
    """

    def __init__(self, fileno: int, on_failure: Callable[[], None] | None = None) -> None:
        self._fileno = fileno
        self._on_failure = on_failure
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._thread: threading.Thread | None = None
        self._when_sent: Callable[[], None] | None = None
        self.pending = 0
        """Bytes that are not written yet."""
        self.failure: OSError | None = None
        """The first error; what was written since is lost."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fileno

    def isatty(self) -> bool:
        return os.isatty(self._fileno)

    def write(self, data: bytes) -> int:  # type: ignore[override]  # no other buffers come here
        """Takes the bytes; never blocks."""
        data = bytes(data)
        with self._changed:
            if data and self.failure is None:
                self._waiting.append(data)
                self.pending += len(data)
                self._changed.notify_all()
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="output", daemon=True)
                    self._thread.start()
        return len(data)

    def when_sent(self, call: Callable[[], None]) -> None:
        """Calls once, on some thread, when nothing is pending any more."""
        with self._changed:
            if self.pending:
                self._when_sent = call
                return
        call()

    def drain(self, seconds: float | None = None) -> bool:
        """Waits until everything is written.

        Args:
            seconds: How long at most; None for as long as it takes.

        Returns:
            False if something is still pending, or was lost.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self.pending, seconds) and self.failure is None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                data = b"".join(self._waiting)
                self._waiting.clear()
            try:
                _write_all(self._fileno, data)
            except OSError as error:
                self._fail(error)
                return
            with self._changed:
                self.pending -= len(data)
                self._changed.notify_all()
                call, self._when_sent = (None, self._when_sent) if self.pending else (self._when_sent, None)
            if call is not None:
                call()

    def _fail(self, error: OSError) -> None:
        with self._changed:
            self.failure = error
            self._waiting.clear()
            self.pending = 0
            self._changed.notify_all()
        if self._on_failure is not None:
            self._on_failure()


def _write_all(fileno: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(fileno, left) :]
        except BlockingIOError:
            # Somebody who shares the descriptor made it non-blocking.
            select.select([], [fileno], [], 1.0)
