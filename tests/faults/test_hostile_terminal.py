"""Hostile text of the server in a real terminal: rows, details, notifications, file names, log and title stay inert."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import PtyProgram, environ_for, wait_until
from tests.faults.on_text import hostile_script
from tests.faults.test_killed_terminal import over, rows
from tests.faults.world import inactive
from tests.support.faults import HOSTILE
from tests.support.sandbox import Sandbox

FACTOR = 10.0
TEXTS = (
    HOSTILE["ansi"] + HOSTILE["osc"] + HOSTILE["c1"] + HOSTILE["controls"],
    HOSTILE["bidi"] + HOSTILE["zero width"] + HOSTILE["newlines"] + HOSTILE["surrogate"] + HOSTILE["markup"],
)
OURS = re.compile(r"(22;\w+$|2;gale-tui|9;gale-tui: |777;notify;gale-tui;)")
"""How the operating system commands begin that gale-tui sends: pointer, title, a desktop's notification twice."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=31, speed=FACTOR, catalogue=()) as running:
        yield running


def until_over(running: PtyProgram, home: Path, count: int) -> None:
    """Waits until there are so many jobs and all are at their end."""
    try:
        wait_until(lambda: len(rows(home)) == count and all(over(row) for row in rows(home)), "an end of all jobs", 20)
    except AssertionError as error:
        found = [(row["state"], row["download_state"], row["download_error"]) for row in rows(home)]
        raise AssertionError(f"{error}; {found}; the screen:\n{running.screen()}") from None


def test_nothing_of_it_reaches_the_terminal(sandbox: Sandbox, tmp_path: Path) -> None:
    home = tmp_path / "gale"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text('[settings]\nnotifications = "both"\nterminal_title = true\n')
    (home / "config.toml").chmod(0o600)
    environ = environ_for(
        tmp_path / "account", GALE_HOST=sandbox.url, GALE_API_KEY=sandbox.key, GALE_TUI_HOME=str(home)
    )
    argv = [sys.executable, "-m", "tests.faults.fast_program", str(FACTOR), "--log-level", "debug"]
    with PtyProgram(argv, environ, width=110, height=44) as running:
        running.wait_for("Export jobs")
        for text in TEXTS:
            for outcome in ("FAILED", "SUCCESS"):
                offered = sandbox.add_tool("Hostile", hostile_script(text, outcome, 20.0))
                running.export(offered.tool_id, offered.flow_id)
                running.wait_gone("Tool ID")
                # The terminal loses the focus: the end of the job is told outside the picture.
                running.type("\x1b[O")
                until_over(running, home, len(sandbox.offered))
                # All of it, and back.
                running.type("\r")
                running.wait_for("esc Back")
                running.wait_for("Last answer")
                running.type("\x1b")
                running.wait_gone("esc Back")
        running.type("q")
        assert running.exit_code() == 0
        raw = running.raw.decode("utf-8", "surrogateescape")
    for sequence in ("\x1b[31;5mred", "\x1b]0;", "\x1b]52;", "evil.invalid\x1b", "stolen title\x07"):
        assert sequence not in raw
    commands = re.findall(r"\x1b\](.*?)(?:\x07|\x1b\\)", raw, re.DOTALL)
    assert all(OURS.match(command) and inactive(command) for command in commands), commands
    assert any(command.startswith("9;") for command in commands)
    # Everything that is not one of the framework's own sequences, of the kinds that it uses.
    shown = re.sub(
        r"\x1b(\][^\x07\x1b]*(\x07|\x1b\\)|\[[0-?]*[ -/]*[@-~]|[=>78]|P[^\x1b]*\x1b\\|_[^\x1b]*\x1b\\)", "", raw
    )
    assert inactive(re.sub(r"[\r\n\x07\x0f]", "", shown)), sorted({letter for letter in shown if not inactive(letter)})
    for path in (home / "downloads").iterdir():
        assert inactive(path.name)
    for log in home.glob("*.log"):
        assert inactive(log.read_text("utf-8").replace("\n", ""))
