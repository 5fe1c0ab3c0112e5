"""The main journeys on a system without POSIX: with a screen, without one, and as source."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gale_tui.sandbox.script import Script
from tests.support.sandbox import Sandbox

PROGRAM = (sys.executable, "-W", "error", "-m", "tests.portability.without_posix")
ROOT = Path(__file__).parents[2]
TOOL = "a-00000001-1111-4111-8111-111111111111"
FLOW = "cf-00000001-2222-4222-8222-222222222222"
LIMIT = 120
"""Seconds after which a program hangs."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=1) as running:
        running.script(TOOL, Script(duration=0.2))
        yield running


class Program:
    """gale-tui with one home."""

    def __init__(self, home: Path, sandbox: Sandbox | None = None) -> None:
        self.home = home
        self.environ = {**os.environ, "GALE_TUI_HOME": str(home / "gale")}
        if sandbox is not None:
            self.environ |= {"GALE_HOST": sandbox.url, "GALE_API_KEY": sandbox.key}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            env=self.environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, err
        assert "Traceback" not in err
        return out


def test_from_n_and_enter_to_a_saved_zip(tmp_path: Path) -> None:
    program = Program(tmp_path)
    first, *second = program.run("app", str(tmp_path / "demo"), str(tmp_path / "demo")).splitlines()
    # What the first one did, the second reads in the history.
    assert first in second
    assert len(second) == 2
    for line in second:
        assert line.startswith("SUCCESS saved ")
        assert zipfile.ZipFile(line.split(" ", 2)[2]).testzip() is None


def test_export_without_a_screen_and_the_file_as_source(tmp_path: Path, sandbox: Sandbox) -> None:
    program = Program(tmp_path, sandbox)
    export = ("export", "--tool-id", TOOL, "--flow-id", FLOW, "--output", str(tmp_path))
    out = program.run("cli", *export, "+", *export)
    first, second = (line for line in out.splitlines() if line.endswith(".zip"))
    assert first != second
    folder, packed = str(tmp_path / "source"), str(tmp_path / "packed.zip")
    commands = (
        ("unpack", first, folder),
        ("unpack", second, folder),
        ("pack", folder, packed),
        ("diff", second, packed),
        ("diff", folder, packed),
        ("info",),
        ("prune", "--help"),
    )
    out = program.run("cli", *(word for command in commands for word in ("+", *command)))
    assert str(tmp_path / "gale") in out
    assert "usage: gale-tui prune" in out


@pytest.mark.skipif(sys.platform == "win32", reason="ctrl+c cannot be sent to one process there")
def test_ctrl_c_without_handlers_of_the_loop(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.script(TOOL, Script(duration=600))
    process = Program(tmp_path, sandbox).start("cli", "export", "--tool-id", TOOL, "--flow-id", FLOW)
    while not sandbox.posts(TOOL):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LIMIT)
    assert "interrupted" in err
    assert process.returncode == 130
