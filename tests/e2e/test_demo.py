"""The demo as a new user has it: in a real terminal, with keys, to a zip on disk."""

from __future__ import annotations

import json
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.e2e.terminal import GALE_TUI, Terminal, environ_for
from tests.support.needs import needs

pytestmark = pytest.mark.needs_tmux

SAVED = re.compile(r"SUCCESS .*saved +\d")
SIZES = [(80, 24), (100, 30)]
Demo = Callable[[int, int], Terminal]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The demo's own folder."""
    return tmp_path / "demo"


@pytest.fixture
def demo(tmp_path: Path, folder: Path) -> Iterator[Demo]:
    """Starts the demo in a terminal of that size, again and again on the same folder."""
    needs("tmux")
    environ = environ_for(tmp_path / "account")
    with ExitStack() as open_terminals:

        def start(width: int, height: int) -> Terminal:
            argv = [*GALE_TUI, "--demo", "--keep", str(folder)]
            terminal = open_terminals.enter_context(Terminal(argv, environ, width=width, height=height))
            terminal.wait_for("DEMO")
            return terminal

        yield start


def choose(terminal: Terminal, tool: str) -> None:
    """Opens the form and exports one of the offered tools, found by its name."""
    terminal.keys("n")
    terminal.wait_for("Tool ID")
    terminal.type(tool.split()[0])
    # Once it is the only one left in the list.
    terminal.wait_for(re.compile(rf"Offered tools[^\n]*\n[^\n]*{tool}[^\n]*\n[^\n]*enter take"))
    terminal.keys("Down", "Enter")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_from_n_and_enter_to_a_saved_zip(demo: Demo, folder: Path, width: int, height: int) -> None:
    terminal = demo(width, height)
    terminal.wait_for("No exports yet")
    terminal.keys("n")
    terminal.wait_for("Tool ID")
    terminal.keys("Enter")
    terminal.wait_for("IN_PROGRESS")
    # Not another key until the file is saved.
    screen = terminal.wait_for(SAVED)
    assert all(len(line) <= width for line in screen.splitlines())
    (file,) = (folder / "downloads").iterdir()
    assert re.fullmatch(r"Banking Assistant--sandbox--\d{8}T\d{6}Z\.zip", file.name)
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["app_definition.json", "env_variables.json", "flow_definition.json"]
        assert json.loads(archive.read("app_definition.json"))["name"] == "Banking Assistant"
    terminal.keys("q")
    assert terminal.exit_code() == 0


def test_a_tool_that_fails_says_why(demo: Demo, folder: Path) -> None:
    terminal = demo(100, 30)
    choose(terminal, "Claims Triage")
    terminal.wait_for("FAILED")
    terminal.wait_for("has no model")
    assert not (folder / "downloads").exists()
    terminal.keys("C-q")
    assert terminal.exit_code() == 0


def test_a_start_with_the_same_folder_goes_on(demo: Demo, folder: Path) -> None:
    first = demo(100, 30)
    choose(first, "Leave Bot")
    first.wait_for("IN_PROGRESS")
    first.keys("q")
    assert first.exit_code() == 0
    with closing(sqlite3.connect(folder / "jobs.sqlite3")) as history:
        assert history.execute("select count(*) from jobs").fetchone() == (1,)
    second = demo(100, 30)
    # Followed to its end and saved without a key: it was asked for when the first one ended.
    second.wait_for(SAVED)
    (file,) = (folder / "downloads").iterdir()
    assert zipfile.is_zipfile(file)
    second.keys("q")
    assert second.exit_code() == 0


def test_help_and_the_way_back(demo: Demo) -> None:
    terminal = demo(80, 24)
    terminal.keys("F1")
    terminal.wait_for("Help: Export jobs")
    terminal.keys("Escape")
    terminal.wait_gone("Help: Export jobs")
    terminal.keys("C-c")
    # It never quits; it says what does.
    terminal.wait_for("ctrl+q")
    terminal.keys("C-q")
    assert terminal.exit_code() == 0


@pytest.mark.parametrize("bracketed", [True, False], ids=["bracketed", "as keys"])
def test_a_paste_on_the_list_of_jobs_acts_on_nothing(demo: Demo, folder: Path, bracketed: bool) -> None:
    terminal = demo(100, 30)
    terminal.keys("n")
    terminal.wait_for("Tool ID")
    terminal.keys("Enter")
    terminal.wait_for(SAVED)
    # Each of these letters is a key here: x forgets, p pauses, d saves again, s sorts, q quits.
    terminal.paste("x pdsq\nxxq sdxp xpdsq", bracketed=bracketed)
    # It is taken for the ids of an export; nothing is sent without a look.
    terminal.wait_for("Tool ID")
    terminal.wait_for("pdsq")
    terminal.keys("Escape")
    screen = terminal.wait_for("Export jobs")
    assert SAVED.search(screen)
    assert "PAUSED" not in screen
    assert len(list((folder / "downloads").iterdir())) == 1
    terminal.keys("C-q")
    assert terminal.exit_code() == 0
