"""Bell, notification, title and mouse in a real terminal: every byte that the program writes is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from gale_tui.tui.terminal.notifications import RESTORE_TITLE, SAVE_TITLE
from tests.e2e.terminal import GALE_TUI, PtyProgram, environ_for

BELL = "\x07"


class Start(Protocol):
    """Starts the demo."""

    def __call__(self, settings: str, *options: str) -> PtyProgram: ...


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the demo on a pty with such settings."""
    environ = environ_for(tmp_path / "account")
    folder = tmp_path / "demo"
    with ExitStack() as open_programs:

        def run(settings: str, *options: str) -> PtyProgram:
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / "config.toml").write_text(f"[settings]\n{settings}\n", "utf-8")
            argv = [*GALE_TUI, *options, "--demo", "--keep", str(folder)]
            program = open_programs.enter_context(PtyProgram(argv, environ))
            program.wait_for("No exports yet")
            return program

        yield run


FOCUS_OUT, FOCUS_IN = b"\x1b[O", b"\x1b[I"
SAVED = re.compile(r"SUCCESS .*saved +\d")


def export_and_leave(program: PtyProgram, looks: bytes) -> bytes:
    """Exports the first tool, then looks away or back; quits once its file is saved and gives all that was written."""
    program.write(b"n")
    program.wait_for("Tool ID")
    program.write(b"\r")
    program.wait_for("IN_PROGRESS")
    # After the last key: whoever presses one looks.
    program.write(looks)
    program.wait_for(SAVED)
    program.write(b"q")
    assert program.exit_code() == 0
    # The shape of the mouse pointer ends in the same byte as a bell.
    return re.sub(rb"\x1b\]22;[^\x07]*\x07", b"", program.raw)


def test_an_ending_rings_while_nobody_looks_and_the_title_counts(start: Start) -> None:
    program = start('notifications = "both"')
    raw = export_and_leave(program, FOCUS_OUT)
    assert raw.count(b"\x1b]9;gale-tui: Banking Assistant: saved\x1b\\") == 1
    assert raw.count(b"\x1b]777;notify;gale-tui;Banking Assistant: saved\x1b\\") == 1
    assert raw.count(BELL.encode()) == 1
    titles = re.findall(rb"\x1b\]2;([^\x1b]*)\x1b\\", raw)
    assert titles == [b"gale-tui", b"gale-tui: 1 running", b"gale-tui"]
    assert raw.count(SAVE_TITLE.encode()) == 1
    assert raw.rindex(RESTORE_TITLE.encode()) > raw.rindex(b"\x1b]2;")


def test_an_ending_is_quiet_while_somebody_looks(start: Start) -> None:
    program = start('notifications = "both"\nterminal_title = false')
    raw = export_and_leave(program, FOCUS_OUT + FOCUS_IN)
    assert BELL.encode() not in raw
    assert b"\x1b]9;" not in raw
    assert b"\x1b]2;" not in raw


MOUSE_ON, MOUSE_OFF = b"\x1b[?1000h", b"\x1b[?1000l"


def test_no_mouse_leaves_it_to_the_terminal_until_it_is_switched(start: Start) -> None:
    program = start("", "--no-mouse")
    assert MOUSE_ON not in program.raw
    program.write(b"\x1bOR")
    program.wait_for("The mouse is back")
    assert MOUSE_ON in program.raw
    program.write(b"q")
    assert program.exit_code() == 0
    # And it is given back at the end.
    assert program.raw.rindex(MOUSE_OFF) > program.raw.rindex(MOUSE_ON)


def test_the_mouse_can_be_left_to_the_terminal(start: Start) -> None:
    program = start("")
    assert MOUSE_ON in program.raw
    before = program.raw.count(MOUSE_OFF)
    program.write(b"\x1bOR")
    program.wait_for("Mouse released")
    assert program.raw.count(MOUSE_OFF) == before + 1
    program.write(b"q")
    assert program.exit_code() == 0
