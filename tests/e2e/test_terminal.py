"""How gale-tui meets and leaves a terminal: none, a dumb one, signals, a line that drops, ctrl+z."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gale_tui import __version__
from tests.e2e.mini_gale import KEY, MiniGale, Tool
from tests.e2e.terminal import GALE_TUI, LIMIT, ROOT, PtyProgram, Terminal, environ_for
from tests.support.needs import needs

TOOL = "a-11111111-2222-4333-8444-555555555555"
FLOW = "cf-66666666-7777-4888-9999-aaaaaaaaaaaa"

LEFT_BEHIND = {
    "alternate screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
    "mouse": (b"\x1b[?1000h", b"\x1b[?1000l"),
    "mouse movement": (b"\x1b[?1003h", b"\x1b[?1003l"),
    "mouse positions": (b"\x1b[?1006h", b"\x1b[?1006l"),
    "bracketed paste": (b"\x1b[?2004h", b"\x1b[?2004l"),
    "focus reports": (b"\x1b[?1004h", b"\x1b[?1004l"),
    "hidden cursor": (b"\x1b[?25l", b"\x1b[?25h"),
}
"""What the program switches on, and how it is switched off again."""


@pytest.fixture
def account(tmp_path: Path) -> dict[str, str]:
    """Environment variables of a fresh account with one folder for gale-tui."""
    return environ_for(tmp_path / "account", GALE_TUI_HOME=str(tmp_path / "gale"))


def run(account: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs gale-tui with its output in pipes."""
    return subprocess.run(
        [*GALE_TUI, *arguments],
        env=account,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )


# Without a usable terminal


@pytest.mark.parametrize("arguments", [(), ("--demo",)])
def test_output_that_is_no_terminal_gets_one_line(account: dict[str, str], arguments: tuple[str, ...]) -> None:
    done = run(account, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "terminal" in line
    assert "gale-tui export" in line
    assert not Path(account["GALE_TUI_HOME"]).exists()


def test_a_dumb_terminal_gets_one_line(account: dict[str, str]) -> None:
    with PtyProgram(GALE_TUI, {**account, "TERM": "dumb"}) as program:
        assert program.exit_code() == 2
        assert b"TERM=dumb" in program.raw
        assert b"gale-tui export" in program.raw
        assert program.raw.count(b"\n") == 1
        assert b"\x1b" not in program.raw


# Lines on standard output


def test_the_version(account: dict[str, str]) -> None:
    done = run(account, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"gale-tui {__version__}\n", "")


def test_info_names_files_and_no_secret(account: dict[str, str]) -> None:
    secret = "proxy-password-0000"  # noqa: S105  # it guards nothing
    proxied = {"HTTPS_PROXY": f"http://user:{secret}@proxy.example.com:8080"}
    done = run({**account, **proxied, "GALE_HOST": "staging.example.com", "GALE_API_KEY": KEY}, "info")
    assert done.returncode == 0
    assert done.stderr == ""
    for name in ("config.toml", "jobs.sqlite3", "gale-tui.log", "downloads"):
        assert str(Path(account["GALE_TUI_HOME"]) / name) in done.stdout
    assert "staging.example.com" in done.stdout
    assert "GALE_API_KEY" in done.stdout
    assert KEY not in done.stdout
    assert secret not in done.stdout
    assert not Path(account["GALE_TUI_HOME"]).exists()


@pytest.mark.parametrize(
    ("variables", "arguments", "named"),
    [
        ({"GALE_HOST": "staging.example.com"}, ("export", "--tool-id", "a-1", "--flow-id", "cf-1"), "GALE_API_KEY"),
        ({"GALE_API_KEY": KEY}, ("export", "--tool-id", "a-1", "--flow-id", "cf-1"), "GALE_HOST"),
        ({}, ("--keep", "somewhere"), "--demo"),
        ({}, ("export", "--tool-id", "a-1"), "--flow-id"),
        ({}, ("--log-level", "loud"), "--log-level"),
        ({}, ("--env", "nowhere", "export", "--tool-id", "a-1", "--flow-id", "cf-1"), "nowhere"),
        (
            {"GALE_HOST": "http://staging.example.com", "GALE_API_KEY": KEY},
            ("export", "--tool-id", "a-1", "--flow-id", "cf-1"),
            "GALE_HOST",
        ),
    ],
    ids=["host alone", "key alone", "keep without demo", "no flow", "log level", "unknown environment", "plain http"],
)
def test_wrong_usage(
    account: dict[str, str], variables: dict[str, str], arguments: tuple[str, ...], named: str
) -> None:
    done = run({**account, **variables}, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert named in done.stderr
    assert KEY not in done.stderr
    assert "Traceback" not in done.stderr


def test_one_variable_alone_is_said_in_a_terminal_too(account: dict[str, str]) -> None:
    with PtyProgram(GALE_TUI, {**account, "GALE_HOST": "staging.example.com"}) as program:
        assert program.exit_code() == 2
        assert b"GALE_API_KEY" in program.raw
        assert b"\x1b[?1049h" not in program.raw


# Ends

Start = Callable[[], PtyProgram]


@pytest.fixture
def gale() -> Iterator[MiniGale]:
    with MiniGale({TOOL: Tool(FLOW, polls=-1)}) as gale:
        yield gale


@pytest.fixture
def start(account: dict[str, str], gale: MiniGale) -> Iterator[Start]:
    """Starts gale-tui at the server; again and again with the same home."""
    with ExitStack() as programs:

        def run() -> PtyProgram:
            environ = {**account, "GALE_HOST": gale.host, "GALE_API_KEY": KEY}
            program = programs.enter_context(PtyProgram(GALE_TUI, environ))
            program.wait_for("Export jobs")
            return program

        yield run


def begin_job(program: PtyProgram) -> None:
    """Starts an export that goes on until the server is told otherwise."""
    program.export(TOOL, FLOW)
    program.wait_for("IN_PROGRESS")


def check_restored(program: PtyProgram) -> None:
    """The terminal is as it was, by every byte that was sent and by its own settings."""
    raw = program.raw
    for what, (on, off) in LEFT_BEHIND.items():
        assert on in raw, f"{what} was never on: this test looks for the wrong bytes"
        assert raw.rindex(off) > raw.rindex(on), f"{what} is left on"
    # Nothing is drawn once the alternate screen is left, except a line for the user.
    assert b"\x1b[48;" not in raw[raw.rindex(b"\x1b[?1049l") :]
    assert program.modes == program.modes_before


def check_goes_on(start: Start, gale: MiniGale) -> None:
    """The next start knows the job, follows it to its end and saves it; it was asked for once."""
    program = start()
    program.wait_for("IN_PROGRESS")
    gale.tools[TOOL].finish()
    program.wait_for(re.compile(r"SUCCESS .*saved +\d"))
    program.type("q")
    assert program.exit_code() == 0
    assert len(gale.requests("POST")) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["SIGTERM", "SIGHUP"])
def test_a_signal_ends_it_in_order(start: Start, gale: MiniGale, number: signal.Signals, code: int) -> None:
    program = start()
    begin_job(program)
    program.process.send_signal(number)
    assert program.exit_code() == code
    check_restored(program)
    check_goes_on(start, gale)


def test_a_line_that_drops_ends_it_in_order(start: Start, gale: MiniGale) -> None:
    program = start()
    begin_job(program)
    program.hang_up()
    assert program.exit_code() == 129
    check_goes_on(start, gale)


def test_quitting_ends_it_in_order(start: Start, gale: MiniGale) -> None:
    program = start()
    begin_job(program)
    program.type("q")
    assert program.exit_code() == 0
    check_restored(program)
    check_goes_on(start, gale)


def test_a_kill_loses_nothing(start: Start, gale: MiniGale) -> None:
    program = start()
    begin_job(program)
    program.process.kill()
    assert program.exit_code() == -signal.SIGKILL
    check_goes_on(start, gale)


def test_ctrl_c_ends_nothing(start: Start) -> None:
    program = start()
    program.type("\x03")
    program.wait_for("ctrl+q")
    program.type("?")
    program.wait_for("Help: Export jobs")
    program.type("\x1b")
    program.wait_gone("Help: Export jobs")
    program.type("q")
    assert program.exit_code() == 0


def test_a_new_size_is_drawn(start: Start) -> None:
    program = start()
    program.resize(140, 40)
    program.wait_for(re.compile(r"^.{139}[╮┐]", re.MULTILINE))
    program.resize(60, 15)
    program.wait_gone(re.compile(r"^.{61}", re.MULTILINE))
    program.type("q")
    assert program.exit_code() == 0


def test_ctrl_z_and_fg(account: dict[str, str]) -> None:
    needs("tmux", "bash")
    command = " ".join(GALE_TUI)
    with Terminal(["bash", "--norc", "--noprofile", "-i"], {**account, "PS1": "shell> "}) as terminal:
        terminal.wait_for("shell>")
        terminal.type(f"{command} --demo")
        terminal.keys("Enter")
        terminal.wait_for("No exports yet")
        terminal.keys("C-z")
        terminal.wait_for("Stopped")
        terminal.wait_gone("No exports yet")
        terminal.type("fg")
        terminal.keys("Enter")
        terminal.wait_for("No exports yet")
        terminal.keys("F1")
        terminal.wait_for("Help: Export jobs")
        terminal.keys("Escape", "C-q")
        terminal.wait_gone("Help: Export jobs")
        terminal.type("echo code $?")
        terminal.keys("Enter")
        terminal.wait_for("code 0")


def test_no_mouse(account: dict[str, str]) -> None:
    with PtyProgram([*GALE_TUI, "--demo", "--no-mouse"], account) as program:
        program.wait_for("No exports yet")
        program.type("q")
        assert program.exit_code() == 0
        assert b"\x1b[?1000h" not in program.raw
        assert b"\x1b[?1003h" not in program.raw
