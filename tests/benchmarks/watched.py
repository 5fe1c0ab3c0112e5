"""A program on a pty, and everything that it writes with the time at which it came."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["ROOT", "Chunk", "Watched", "account"]

ROOT = Path(__file__).parents[2]
LIMIT = 60.0
"""Seconds after which a wait is given up."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one read gave."""

    at: float
    """`time.perf_counter` when it was read."""
    data: bytes


def account(home: Path, **more: str) -> dict[str, str]:
    """The variables of a fresh account with gale-tui's files in `home`, and some more."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPATH": str(ROOT),
        "GALE_TUI_HOME": str(home / "gale"),
        **more,
    }


class Watched:
    """Runs a program on a pty.

    Args:
        argv: The program with its arguments.
        environ: All of its environment variables.
        width: Columns.
        height: Rows.
    """

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], *, width: int = 80, height: int = 24) -> None:
        self.width, self.height = width, height
        self._news = threading.Condition()
        self._chunks: list[Chunk] = []
        self._length = 0
        self._ended = False
        self._master, slave = pty.openpty()
        try:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            self.started = time.perf_counter()
            """When the program was started."""
            self.process = subprocess.Popen(
                list(argv),
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=dict(environ),
                cwd=ROOT,
                start_new_session=True,
            )
        finally:
            os.close(slave)
        threading.Thread(target=self._read, name="pty reader", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # nobody has the terminal open any more
                data = b""
            with self._news:
                if not data:
                    self._ended = True
                    self._news.notify_all()
                    return
                self._chunks.append(Chunk(time.perf_counter(), data))
                self._length += len(data)
                self._news.notify_all()

    @property
    def chunks(self) -> list[Chunk]:
        """Everything so far, in order."""
        with self._news:
            return list(self._chunks)

    @property
    def length(self) -> int:
        """How many bytes have come."""
        with self._news:
            return self._length

    def wait_for(self, text: str, *, since: float = 0.0, limit: float = LIMIT) -> float:
        """When the text was there in full, counting what came from `since` on (both `time.perf_counter`).

        Raises:
            TimeoutError: It did not come, or the program ended.
        """
        wanted = text.encode()
        deadline = time.monotonic() + limit
        seen, index = bytearray(), 0
        with self._news:
            while True:
                while index < len(self._chunks):
                    chunk = self._chunks[index]
                    index += 1
                    if chunk.at < since:
                        continue
                    seen += chunk.data
                    if wanted in seen:
                        return chunk.at
                    del seen[: -len(wanted)]
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    tail = b"".join(chunk.data for chunk in self._chunks)[-2000:]
                    raise TimeoutError(f"{text!r} did not come; the end of what came: {tail!r}")
                self._news.wait(left)

    def settle(self, seconds: float = 0.5, *, limit: float = LIMIT) -> float:
        """Waits from now on until nothing has come for so many seconds; when the last thing came."""
        deadline, now = time.monotonic() + limit, time.perf_counter()
        with self._news:
            while time.monotonic() < deadline and not self._ended:
                last = self._chunks[-1].at if self._chunks else self.started
                quiet = time.perf_counter() - max(last, now)
                if quiet >= seconds:
                    return last
                self._news.wait(seconds - quiet)
        raise TimeoutError(f"it was never quiet for {seconds} s")

    def wait(self, true: Callable[[], object], what: str, *, limit: float = LIMIT) -> None:
        """Waits until `true()` is.

        Raises:
            TimeoutError: It never was.
        """
        deadline = time.monotonic() + limit
        while not true():
            if time.monotonic() > deadline or self._ended:
                raise TimeoutError(f"waited in vain: {what}")
            time.sleep(0.05)

    def press(self, keys: str) -> float:
        """Sends keys as a keyboard would; when that was."""
        at = time.perf_counter()
        os.write(self._master, keys.encode())
        return at

    def cpu(self) -> float:
        """Seconds of processor time so far, all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self) -> int:
        """Bytes in main memory now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise TimeoutError("the program has ended")

    def end(self) -> None:
        """Ends the program as a closed window does, by force where that is not enough."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)
        # The reader ends by itself once nobody has the other side open.
        with self._news:
            self._news.wait_for(lambda: self._ended, 10)
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
