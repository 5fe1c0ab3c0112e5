"""An output that nobody reads, is full, closed or gone holds up nothing; the exit code tells of what is lost."""

from __future__ import annotations

import asyncio
import fcntl
import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gale_tui.cli.export import export as export_command
from gale_tui.core.jobs.engine import GaleEngine
from tests.e2e.crash_runner import FACTOR, Steps, export_arguments, make_engine
from tests.e2e.mini_gale import KEY, MiniGale, Tool
from tests.e2e.terminal import GALE_TUI, LIMIT, ROOT, PtyProgram, environ_for, wait_until
from tests.support.forked import Forked
from tests.support.sandbox import Sandbox

TOOL = "a-11111111-2222-4333-8444-555555555555"
FLOW = "cf-66666666-7777-4888-9999-aaaaaaaaaaaa"
EXPORT = ("export", "--tool-id", TOOL, "--flow-id", FLOW)
AT_ONCE = 10.0
"""Seconds that a test waits for what takes less than two on a machine that does nothing else."""


@pytest.fixture
def gale() -> Iterator[MiniGale]:
    with MiniGale({TOOL: Tool(FLOW, polls=-1)}) as gale:
        yield gale


@pytest.fixture
def account(tmp_path: Path, gale: MiniGale) -> dict[str, str]:
    return environ_for(
        tmp_path / "account", GALE_TUI_HOME=str(tmp_path / "gale"), GALE_HOST=gale.host, GALE_API_KEY=KEY
    )


# A terminal that is not read


@pytest.fixture
def stalled(account: dict[str, str], gale: MiniGale) -> Iterator[PtyProgram]:
    """The app with a running export, having drawn what the terminal takes and more that nobody reads."""
    with PtyProgram(GALE_TUI, account) as program:
        program.wait_for("Export jobs")
        program.export(TOOL, FLOW)
        program.wait_for("IN_PROGRESS")
        program.reading.clear()
        keys = itertools.cycle("?\x1b")

        def press_until_full() -> bool:
            program.type(next(keys))
            return program.is_full()

        wait_until(press_until_full, "a terminal that takes no more")
        for _ in range(6):
            press_until_full()
            time.sleep(0.05)
        program.type("\x1b")
        yield program


def test_it_polls_on_and_the_screen_is_right_when_the_line_moves_again(
    stalled: PtyProgram, gale: MiniGale, tmp_path: Path
) -> None:
    asked = len(gale.requests("GET"))
    wait_until(lambda: len(gale.requests("GET")) > asked + 1, "further questions")
    gale.tools[TOOL].finish()
    folder = tmp_path / "gale/downloads"
    wait_until(lambda: list(folder.glob("*.zip")), "the saved file")
    stalled.reading.set()
    stalled.wait_for(re.compile(r"SUCCESS .*saved"))
    stalled.wait_for("q Quit")
    stalled.type("q")
    assert stalled.exit_code() == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGABRT"])
def test_a_signal_ends_it(stalled: PtyProgram, name: str) -> None:
    number = getattr(signal, name)
    stalled.process.send_signal(number)
    assert stalled.process.wait(AT_ONCE) == 128 + number


def test_quitting_ends_it(stalled: PtyProgram) -> None:
    stalled.type("q")
    # It comes after the keys before it, each of which draws a screen.
    assert stalled.process.wait(LIMIT) == 0


# A terminal that is gone


def test_it_ends_with_its_terminal_where_a_wrapper_ignores_the_hangup(account: dict[str, str], tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    wrapper = f"trap '' HUP; {' '.join(GALE_TUI)}; echo $? > {ended}"
    with PtyProgram(["/bin/sh", "-c", wrapper], account) as program:
        program.wait_for("Export jobs")
        program.hang_up()
        wait_until(lambda: ended.exists() and ended.read_text(), "the program's end", AT_ONCE)
        assert ended.read_text() == "129\n"


def test_a_signal_that_dumps_core_leaves_the_terminal_restored(account: dict[str, str]) -> None:
    for number in (signal.SIGQUIT, signal.SIGABRT):
        with PtyProgram(GALE_TUI, account) as program:
            program.wait_for("Export jobs")
            program.process.send_signal(number)
            assert program.exit_code() == 128 + number
            assert program.modes == program.modes_before
            assert program.raw.rindex(b"\x1b[?1049l") > program.raw.rindex(b"\x1b[?1049h")


# Pipes

Export = Callable[..., Forked]


@pytest.fixture
def export(account: dict[str, str]) -> Iterator[Export]:
    """Starts `gale-tui export`; what is not given is dropped."""
    with ExitStack() as started:

        def run(*arguments: str, stdout: int = subprocess.DEVNULL, stderr: int = subprocess.DEVNULL) -> Forked:
            process = Forked([*GALE_TUI, *EXPORT, *arguments], env=account, stdout=stdout, stderr=stderr)
            started.callback(process.wait)
            started.callback(process.kill)
            return process

        yield run


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """The writing end of a pipe that has room for nothing."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    size = 1 << 16
    if sys.platform == "linux":
        size = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, b"x" * size)
    os.set_blocking(writing, True)
    yield writing
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_an_export_with_a_full_pipe_ends_on_a_signal(
    export: Export, gale: MiniGale, full_pipe: int, stream: str, name: str, code: int
) -> None:
    process = export("--json", **{stream: full_pipe})
    wait_until(lambda: len(gale.requests("GET")) > 1, "questions")
    process.send_signal(getattr(signal, name))
    assert process.wait(AT_ONCE) == code


def test_an_export_is_saved_although_nobody_reads(
    export: Export, gale: MiniGale, full_pipe: int, tmp_path: Path
) -> None:
    process = export(stdout=full_pipe, stderr=full_pipe)
    gale.tools[TOOL].finish()
    wait_until(lambda: list((tmp_path / "gale/downloads").glob("*.zip")), "the saved file")
    # Whoever reads standard output may be slow; whoever waits for the program may interrupt it.
    process.send_signal(signal.SIGINT)
    assert process.wait(AT_ONCE) == 130


async def test_an_interruption_while_the_engine_is_closed_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = GaleEngine.close

    async def interrupted(self: GaleEngine) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
        await close(self)

    monkeypatch.setattr(GaleEngine, "close", interrupted)
    with Sandbox(speed=FACTOR) as sandbox:
        tool = sandbox.offered[0]
        engine = make_engine(tmp_path / "gale", sandbox.url, sandbox.key, Steps(0))
        arguments = export_arguments("--tool-id", tool.tool_id, "--flow-id", tool.flow_id)
        assert await export_command(engine, arguments, io.StringIO(), io.StringIO()) == 130
    assert list((tmp_path / "gale/downloads").glob("*.zip"))


def sh(account: dict[str, str], line: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs gale-tui as `"$@"` within a line of the shell."""
    return subprocess.run(
        ["/bin/sh", "-c", line, "sh", *GALE_TUI, *arguments],
        env=account,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('"$@" >/dev/full', 6),
        ('"$@" >&-', 6),
        ('"$@" 2>/dev/full', 0),
        ('"$@" 2>&-', 0),
        ('"$@" <&-', 0),
    ],
)
def test_the_exit_code_tells_of_lost_results_and_of_nothing_else(
    account: dict[str, str], gale: MiniGale, tmp_path: Path, line: str, code: int
) -> None:
    gale.tools[TOOL].finish()
    done = sh(account, line, *EXPORT, "--json")
    assert done.returncode == code, done.stderr
    assert len(list((tmp_path / "gale/downloads").glob("*.zip"))) == 1
    if code == 0:
        assert json.loads(done.stdout)["download"] == "saved"


@pytest.mark.parametrize("command", ["--version", "--help", "info"])
def test_every_command_says_that_its_output_was_lost(account: dict[str, str], command: str) -> None:
    assert sh(account, '"$@" >/dev/full', command).returncode == 6
    assert sh(account, '"$@" >&-', command).returncode == 6
    assert sh(account, '"$@" 2>&-', command).returncode == 0


def test_help_needs_no_letter_beyond_ascii(account: dict[str, str]) -> None:
    plain = {**account, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for arguments in (["--help"], ["export", "--help"]):
        done = sh(plain, '"$@"', *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert "usage:" in done.stdout


def test_no_core_is_dumped_while_a_key_is_in_memory(account: dict[str, str]) -> None:
    code = (
        "import ctypes, resource; from gale_tui.core.secret import Secret, register_secret; "
        "register_secret(Secret('kg-1234567890123456'));"
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run([GALE_TUI[0], "-c", code], env=account, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "0 0\n", done.stderr


def test_the_running_program_has_no_core(account: dict[str, str], gale: MiniGale) -> None:
    with PtyProgram(GALE_TUI, account) as program:
        program.wait_for("Export jobs")
        limits = Path(f"/proc/{program.process.pid}/limits").read_text()
        assert re.search(r"Max core file size +0 ", limits)


# The end of the process

LATE = """
import atexit, gc, sys, threading
from gale_tui.__main__ import run
from gale_tui.cli import main

class Late:
    def __del__(self):
        print("late", file=sys.stderr)

def end():
    held = threading.Event()
    def hold():
        with output._changed:
            held.set()
            threading.Event().wait()
    threading.Thread(target=hold, daemon=True).start()
    held.wait()
    gc.enable()
    late = Late()
    late.itself = late

def start():
    global output
    output = sys.stderr.buffer
    atexit.register(end)
    return 3

main.main = start
run()
"""
"""Something that is said while Python takes itself down, when the thread that writes has ended with its lock."""


def test_what_is_said_last_of_all_holds_up_nothing() -> None:
    assert subprocess.run([sys.executable, "-c", LATE], cwd=ROOT, timeout=AT_ONCE, check=False).returncode == 3
