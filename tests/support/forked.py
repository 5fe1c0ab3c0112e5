"""Programs of this repository as processes that cost no imports: each is forked from a parent that has done them.

A fresh interpreter spends a quarter of a second of processor time before gale-tui's first line. The parent, one for
all pytest processes of a run, runs no thread; what it forks has the arguments, variables, folder, files, session and
terminal that an exec would give it, and runs and ends as `python -m MODULE` or `python -c CODE` does. Three things
differ: `ps` shows the parent's command line, every module and every parsed style sheet is there already, and none is
taken apart at the end. A test of these starts the program with `subprocess`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

__all__ = ["Forked", "can_fork", "run_forked", "warm_up"]

ROOT = Path(__file__).parents[2]
LATE = (
    "asyncio.unix_events",
    "ctypes",
    "email.policy",
    "encodings.cp437",
    "encodings.idna",
    "encodings.utf_8_sig",
    "httpcore",
    "httpx",
    "keyring.backends.SecretService",
    "keyring.backends.fail",
    "resource",
    "secrets",
    "secretstorage",
    "textual.drivers.linux_driver",
    "textual.layouts.factory",
    "textual.layouts.horizontal",
    "textual.layouts.stream",
    "textual.scrollbar",
    "textual.widgets._data_table",
    "textual.widgets._markdown",
    "textual.widgets._text_area",
    "tomlkit",
    "truststore",
)
"""Modules of others that are imported only when they are needed."""


def can_fork(argv: Sequence[str]) -> bool:
    """Whether a command line is this Python's, with a module or with code."""
    return len(argv) > 2 and argv[0] == sys.executable and argv[1] in ("-m", "-c")


def warm_up() -> None:
    """Imports all of gale-tui and what it needs, runs its app once, and leaves nothing to the garbage collector."""
    import gale_tui

    for found in pkgutil.walk_packages(gale_tui.__path__, "gale_tui."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in LATE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _run_app()
    for thread in {*threading.enumerate()} - {threading.main_thread()}:
        thread.join(10.0)
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()


def _run_app() -> None:
    """Shows the jobs and the export form once, so that the style sheets are parsed and texts and colours are known."""
    from gale_tui.core import secret
    from gale_tui.tui.screens.export_form import ExportForm
    from tests.support.sandbox import Sandbox
    from tests.support.stylesheets import parse_style_sheets_once
    from tests.tui.real_app import demo, running, shows, until

    async def show() -> None:
        with tempfile.TemporaryDirectory() as folder, Sandbox(speed=20.0) as sandbox:
            async with running(demo(Path(folder), sandbox)) as (app, pilot):
                await pilot.press("n")
                await until(pilot, lambda: shows(app, ExportForm))

    parse_style_sheets_once()
    asyncio.run(show())
    secret._known = secret._Known()


class _Parent:
    """The process that forks the others; the first pytest process that needs it starts it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
        address = Path(tempfile.gettempdir(), f"gale-tui-{run}")
        while (line := _connect(address)) is None:
            # It ends with 0 if it finds another one there.
            code = 0 if self._process is None else self._process.poll()
            assert not code, "the process that forks did not start"
            if code == 0:
                self._process = _start_parent(address)
            time.sleep(0.02)
        self._line = line
        atexit.register(self.close)

    def fork(self, order: dict[str, Any], files: Sequence[int]) -> None:
        """Hands over an order and the files 0, 1 and 2 of the new process, then the one that tells of it."""
        data = json.dumps(order).encode()
        with self._lock:
            socket.send_fds(self._line, [struct.pack("!I", len(data))], files)
            self._line.sendall(data)

    def close(self) -> None:
        """Ends it once all pytest processes have; what it has forked is left alone."""
        self._line.close()
        if self._process is not None:
            self._process.wait()


def _start_parent(address: Path) -> subprocess.Popen[bytes]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("GALE_", "TEXTUAL_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.forked", str(address)],
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        env={**environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )


def _connect(address: Path) -> socket.socket | None:
    """A line to the parent; None while there is none."""
    line = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(OSError):
        line.connect(str(address))
        if line.recv(1):
            return line
    line.close()
    return None


_parent: _Parent | None = None


class Forked:
    """A program, started at once; as far as it goes, used like `subprocess.Popen`.

    Args:
        argv: A command line that `can_fork` accepts.
        env: All of its environment variables.
        cwd: Its working folder.
        stdin: A file or its number, `subprocess.PIPE` or `subprocess.DEVNULL`; so are the next two.
        stdout: Where it writes.
        stderr: Where it complains.
        terminal: Whether its standard input is a terminal that becomes its own.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path = ROOT,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        terminal: bool = False,
    ) -> None:
        global _parent
        assert can_fork(argv), argv
        if _parent is None:
            _parent = _Parent()
        self.returncode: int | None = None
        order = {"argv": list(argv[1:]), "environ": dict(env), "cwd": str(cwd), "terminal": terminal}
        opened: list[int] = []
        self.stdin, first = _end(stdin, "wb", opened)
        self.stdout, second = _end(stdout, "rb", opened)
        self.stderr, third = _end(stderr, "rb", opened)
        self._report, theirs = os.pipe()
        opened.append(theirs)
        try:
            _parent.fork(order, (first, second, third, theirs))
        finally:
            for each in opened:
                os.close(each)
        self.pid = self._read()
        """Its number."""

    def _read(self) -> int:
        data = os.read(self._report, 4)
        assert len(data) == 4, "the process that forks is gone"
        return int(struct.unpack("!i", data)[0])

    def poll(self) -> int | None:
        """The exit code, or minus the signal's number; None while it runs."""
        if self.returncode is None and select.select([self._report], [], [], 0)[0]:
            self._ended()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end.

        Raises:
            subprocess.TimeoutExpired: It took longer than so many seconds.
        """
        if self.returncode is None:
            if not select.select([self._report], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("forked", timeout or 0.0)
            self._ended()
        assert self.returncode is not None
        return self.returncode

    def _ended(self) -> None:
        self.returncode = os.waitstatus_to_exitcode(self._read())
        os.close(self._report)

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills it."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, data: bytes = b"", timeout: float = 60.0) -> tuple[bytes, bytes]:
        """Writes `data` to its input, reads both outputs to their ends and waits for the process.

        Raises:
            subprocess.TimeoutExpired: It took longer than so many seconds; the process is killed.
        """
        deadline = time.monotonic() + timeout
        if self.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.stdin.write(data)
            with contextlib.suppress(BrokenPipeError):
                self.stdin.close()
        read: dict[IO[bytes], bytearray] = {each: bytearray() for each in (self.stdout, self.stderr) if each}
        waiting = {each for each in read if not each.closed}
        while waiting:
            ready, _, _ = select.select(list(waiting), [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self.kill()
                raise subprocess.TimeoutExpired("forked", timeout)
            for each in ready:
                piece = os.read(each.fileno(), 65536)
                read[each] += piece
                if not piece:
                    waiting.discard(each)
                    each.close()
        self.wait(max(0.0, deadline - time.monotonic()))
        out, err = (bytes(read.get(each, b"")) if each else b"" for each in (self.stdout, self.stderr))
        return out, err


def _end(wanted: int, mode: str, opened: list[int]) -> tuple[IO[bytes] | None, int]:
    """Our end where there is one, and the process's, noted in `opened` where it is ours to close."""
    if wanted == subprocess.DEVNULL:
        opened.append(os.open(os.devnull, os.O_RDWR))
        return None, opened[-1]
    if wanted != subprocess.PIPE:
        return None, wanted
    reading, writing = os.pipe()
    ours, theirs = (writing, reading) if mode == "wb" else (reading, writing)
    opened.append(theirs)
    return open(ours, mode, buffering=0), theirs


def run_forked(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path = ROOT, text: str | None = None, timeout: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, both outputs in pipes and `text` on its input; see `Forked`."""
    process = Forked(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL if text is None else subprocess.PIPE)
    out, err = process.communicate((text or "").encode(), timeout)
    assert process.returncode is not None
    return subprocess.CompletedProcess(list(argv), process.returncode, out.decode(), err.decode())


# The parent


def _receive(line: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    data, files, _, _ = socket.recv_fds(line, 4, 4)
    if not data:
        return None
    (length,) = struct.unpack("!I", data)
    order = bytearray()
    while len(order) < length:
        order += line.recv(length - len(order))
    return json.loads(order), files


class _Server:
    """Forks for each order of each line, and tells the number and the end of each process."""

    def __init__(self, listener: socket.socket) -> None:
        self._lines = {listener}
        self._listener = listener
        self._reports: dict[int, int] = {}
        """Where the end of a process is told, by its number."""
        self._ended, self._wake = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for each in (listener, self._ended):
            self._selector.register(each, selectors.EVENT_READ)
        for each in (self._ended, self._wake):
            each.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)

    def run(self) -> tuple[dict[str, Any], list[int]] | None:
        """Returns in each new process with what it is to be, and in the parent once all lines are closed."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._ended:
                    self._tell_ends()
                elif key.fileobj is self._listener:
                    line, _ = self._listener.accept()
                    line.sendall(b"!")
                    self._lines.add(line)
                    self._selector.register(line, selectors.EVENT_READ)
                elif isinstance(key.fileobj, socket.socket) and (received := self._serve(key.fileobj)) is not None:
                    return received
            if self._lines == {self._listener}:
                return None

    def _serve(self, line: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
        received = _receive(line)
        if received is None:
            self._selector.unregister(line)
            self._lines.discard(line)
            line.close()
            return None
        files = received[1]
        pid = os.fork()
        if not pid:
            self._forget()
            return received
        os.write(files[3], struct.pack("!i", pid))
        self._reports[pid] = files[3]
        for each in files[:3]:
            os.close(each)
        return None

    def _forget(self) -> None:
        """In a new process: it is no parent."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for each in (*self._lines, self._ended, self._wake):
            each.close()
        for report in self._reports.values():
            os.close(report)

    def _tell_ends(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._ended.recv(4096):
                pass
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                report = self._reports.pop(ended[0])
                with contextlib.suppress(BrokenPipeError):
                    os.write(report, struct.pack("!i", ended[1]))
                os.close(report)


def _become(order: dict[str, Any], files: list[int]) -> None:
    """Takes on everything that an exec would bring."""
    os.setsid()
    for number, each in enumerate(files[:3]):
        os.dup2(each, number)
    os.closerange(3, 64)
    if order["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environ"])
    time.tzset()
    sys.stdin = os.fdopen(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    for name in ("stdin", "stdout", "stderr"):
        setattr(sys, f"__{name}__", getattr(sys, name))
    sys.argv = order["argv"] if order["argv"][0] == "-c" else order["argv"][1:]


def _run() -> int:
    """Runs the program; any exception but that of its end goes all the way up."""
    try:
        if sys.argv[0] != "-c":
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            exec(compile(sys.argv.pop(1), "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102  # a test's own
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        return int(end.code or 0)
    return 0


def _end_at_once(code: int) -> NoReturn:
    """Ends as Python does, but does not take hundreds of modules apart: that is a third of a short program's time."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    # What cannot be written any more is Python's to report.
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _main() -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(sys.argv[1])
        except OSError:
            # Another one is there already.
            return
        listener.listen()
        warm_up()
        received = _Server(listener).run()
        if received is None:
            os.unlink(sys.argv[1])
            return
    _become(*received)
    _end_at_once(_run())


if __name__ == "__main__":
    _main()
