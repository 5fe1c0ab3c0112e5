"""Real terminals for tests: tmux with a server of its own, and a bare pty whose every byte is kept.

Both are driven as a person does: keys go in, the screen is read. Every wait is for something that is on the screen or
has happened, looked at again and again up to a generous limit.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

from tests.support.forked import Forked, can_fork

__all__ = ["GALE_TUI", "LIMIT", "ROOT", "Process", "PtyProgram", "Terminal", "environ_for", "wait_until"]

ROOT = Path(__file__).parents[2]
GALE_TUI = (sys.executable, "-m", "gale_tui")
"""The program under test, as it is here in the source."""
LIMIT = 180.0
"""Seconds after which a wait is given up; only a failing test waits that long."""
LOOKS = 0.25
"""Seconds between two looks at a screen of tmux that stays as it is: each starts a process."""

_BYTECODE = {name: os.environ[name] for name in ("PYTHONPYCACHEPREFIX",) if name in os.environ}
# Makes the pty on standard input the controlling terminal, so that its end reaches the program as SIGHUP.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


def environ_for(home: Path, **more: str) -> dict[str, str]:
    """The environment variables of a fresh account whose home is the folder, and some more."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPATH": str(ROOT),
        **_BYTECODE,
        **more,
    }


def wait_until(true: Callable[[], object], what: str, limit: float = LIMIT, longest: float = 0.05) -> None:
    """Returns once `true()` is.

    Args:
        what: What is waited for.
        limit: Seconds after which the wait is given up.
        longest: Seconds between two looks in the end; they become fewer while nothing happens.

    Raises:
        AssertionError: It was not within the limit.
    """
    never = threading.Event()
    pause = 0.05
    deadline = time.monotonic() + limit
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        never.wait(pause)
        pause = min(1.2 * pause, longest)


def _found(text: str | re.Pattern[str], screen: str) -> bool:
    return bool(text.search(screen)) if isinstance(text, re.Pattern) else text in screen


class Terminal:
    """A program in tmux, on a tmux server that nobody else uses.

    Args:
        argv: The program with its arguments.
        environ: All of its environment variables; TERM is tmux's own.
        width: Columns.
        height: Rows.
    """

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], *, width: int = 80, height: int = 24) -> None:
        # Not in the test's own folder: the path of a socket has at most 107 characters.
        self._folder = tempfile.TemporaryDirectory(prefix="gale-tmux-", ignore_cleanup_errors=True)
        self._environ = {**environ, "TERM": "tmux-256color"}
        self._ended = Path(self._folder.name) / "ended"
        command = shlex.join(["env", "-i", *(f"{name}={value}" for name, value in self._environ.items()), *argv])
        # The code is written to a file because tmux itself now and then never learns of it.
        self._tmux(
            "-f", os.devnull, "start-server", ";", "set-option", "-g", "remain-on-exit", "on", ";",
            "set-option", "-g", "status", "off", ";", "set-option", "-g", "default-terminal", "tmux-256color", ";",
            "new-session", "-d", "-s", "test", "-x", str(width), "-y", str(height),
            f"{command}; echo $? > {shlex.quote(str(self._ended))}",
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", f"{self._folder.name}/socket", *arguments],
            env=self._environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        assert done.returncode == 0, f"tmux {arguments[0]}: {done.stderr}"
        return done.stdout

    def keys(self, *names: str) -> None:
        """Presses keys, by tmux's names: `n`, `Enter`, `C-z`."""
        for name in names:
            self._tmux("send-keys", "-t", "test", name)

    def type(self, text: str) -> None:
        """Types text into a field."""
        self._tmux("send-keys", "-t", "test", "-l", text)

    def paste(self, text: str, *, bracketed: bool) -> None:
        """Pastes a buffer of tmux; unless bracketed it reaches the program as keys (`paste-buffer` without -p)."""
        self._tmux("set-buffer", text)
        self._tmux("paste-buffer", *(["-p"] if bracketed else []), "-t", "test")

    def screen(self) -> str:
        """What is on the screen, line by line."""
        return self._tmux("capture-pane", "-p", "-t", "test")

    def wait_for(self, text: str | re.Pattern[str], limit: float = LIMIT) -> str:
        """The screen, once the text is on it; where it does not come, the error shows the screen."""
        shown = [""]

        def there() -> bool:
            shown[0] = self.screen()
            return _found(text, shown[0])

        with _showing(self.screen):
            wait_until(there, f"{text!r} on the screen", limit, LOOKS)
        return shown[0]

    def wait_gone(self, text: str | re.Pattern[str], limit: float = LIMIT) -> None:
        """Returns once the text is no longer on the screen."""
        with _showing(self.screen):
            wait_until(lambda: not _found(text, self.screen()), f"{text!r} gone from the screen", limit, LOOKS)

    def exit_code(self, limit: float = LIMIT) -> int:
        """The program's exit code, once it has ended."""
        with _showing(self.screen):
            wait_until(lambda: self._ended.exists() and self._ended.read_text(), "the program's end", limit)
        return int(self._ended.read_text())

    def close(self) -> None:
        """Ends the program and its tmux server."""
        with contextlib.suppress(AssertionError):
            self._tmux("kill-server")
        self._folder.cleanup()


@contextlib.contextmanager
def _showing(screen: Callable[[], str]) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{error}; the screen:\n{screen()}") from None


def _size(width: int, height: int) -> bytes:
    return struct.pack("HHHH", height, width, 0, 0)


Process = Forked | subprocess.Popen[bytes]
"""A program that was started, forked or with an exec."""


def _start(argv: Sequence[str], environ: Mapping[str, str], cwd: Path, terminal: int, fresh: bool) -> Process:
    if not fresh:
        return Forked(argv, env=environ, cwd=cwd, stdin=terminal, stdout=terminal, stderr=terminal, terminal=True)
    return subprocess.Popen(
        [sys.executable, "-ISE", "-c", _TAKE_TERMINAL, *argv],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=dict(environ),
        cwd=cwd,
        start_new_session=True,
    )


class PtyProgram:
    """A program on a pty. What it writes is kept byte by byte in `raw` and drawn on a screen in memory.

    Args:
        argv: The program with its arguments; the first is a path.
        environ: All of its environment variables.
        width: Columns.
        height: Rows.
        cwd: Its working folder.
        fresh: Whether it is started with an exec even where it could be forked, see `tests.support.forked`.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        *,
        width: int = 80,
        height: int = 24,
        cwd: Path = ROOT,
        fresh: bool = False,
    ) -> None:
        self._lock = threading.Lock()
        self._raw = bytearray()
        self._drawn: str | None = None
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        try:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, _size(width, height))
            self.modes_before = termios.tcgetattr(slave)
            """The terminal's settings before the program changed them."""
            self._name = os.ttyname(slave)
            self.process = _start(argv, environ, cwd, slave, fresh or not can_fork(argv))
        finally:
            os.close(slave)
        self.reading = threading.Event()
        """Cleared, nobody reads what the program writes, as on a line that stalls."""
        self.reading.set()
        self._closed, self._close = os.pipe()
        self._reader = threading.Thread(target=self._read, name="pty reader", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._master, self._closed], [], [])
            if self._closed in ready:
                return
            if not self.reading.wait(0.05):
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the program's side is closed
                return
            if not data:
                return
            with self._lock:
                self._raw += data
                self._stream.feed(data)
                self._drawn = None

    @property
    def raw(self) -> bytes:
        """Everything that the program has written to the terminal so far."""
        with self._lock:
            return bytes(self._raw)

    @property
    def modes(self) -> list[Any]:
        """The terminal's settings now."""
        return termios.tcgetattr(self._master)

    def is_full(self) -> bool:
        """Whether the terminal takes no more because nobody reads it."""
        slave = os.open(self._name, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            return not select.select([], [slave], [], 0)[1]
        finally:
            os.close(slave)

    def write(self, data: bytes) -> None:
        """Sends bytes as a keyboard would."""
        os.write(self._master, data)

    def type(self, text: str) -> None:
        """Types text."""
        self.write(text.encode())

    def paste(self, text: str) -> None:
        """Pastes text as terminals do that bracket it."""
        self.write(b"\x1b[200~" + text.encode() + b"\x1b[201~")

    def export(self, tool_id: str, flow_id: str) -> None:
        """Opens the export form and sends it. The ids are pasted: typed, they would be drawn letter by letter."""
        self.type("n")
        self.wait_for("Tool ID")
        self.paste(f"{tool_id},{flow_id}")
        self.type("\r")

    def screen(self) -> str:
        """What is on the screen, line by line."""
        with self._lock:
            if self._drawn is None:
                self._drawn = "\n".join(line.rstrip() for line in self._screen.display)
            return self._drawn

    def wait_for(self, text: str | re.Pattern[str], limit: float = LIMIT) -> str:
        """The screen, once the text is on it."""
        with _showing(self.screen):
            wait_until(lambda: _found(text, self.screen()), f"{text!r} on the screen", limit)
        return self.screen()

    def wait_gone(self, text: str | re.Pattern[str], limit: float = LIMIT) -> None:
        """Returns once the text is no longer on the screen."""
        with _showing(self.screen):
            wait_until(lambda: not _found(text, self.screen()), f"{text!r} gone from the screen", limit)

    def resize(self, width: int, height: int) -> None:
        """Gives the terminal another size, of which the program is told by SIGWINCH."""
        with self._lock:
            self._screen.resize(height, width)
            self._drawn = None
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, _size(width, height))

    def hang_up(self) -> None:
        """Closes the terminal under the program, as an SSH line that drops does."""
        self._stop_reading()
        os.close(self._master)
        self._master = -1

    def _stop_reading(self) -> None:
        if self._close >= 0:
            os.close(self._close)
            self.reading.set()
            self._reader.join(LIMIT)
            os.close(self._closed)
            self._close = -1

    def exit_code(self, limit: float = LIMIT) -> int:
        """The program's exit code, once it has ended and all that it wrote is read."""
        with _showing(self.screen):
            wait_until(lambda: self.process.poll() is not None, "the program's end", limit)
        if self._master >= 0:
            # The read fails once nobody has the terminal open.
            self._reader.join(limit)
        return self.process.wait(limit)

    def close(self) -> None:
        """Ends the program, if it has not ended, and gives the terminal back."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LIMIT)
        self._stop_reading()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
