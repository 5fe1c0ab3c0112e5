"""The real program in a real terminal: killed at random moments, stopped and continued, and beside another one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import re
import signal
import sqlite3
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gale_tui.sandbox.jobs import Tool
from gale_tui.sandbox.script import File, Script
from tests.e2e.terminal import LIMIT, PtyProgram, environ_for, wait_until
from tests.support.sandbox import Sandbox

KILLS = 20
FACTOR = 10.0
SIZE = 1_000_000
SAVED = re.compile(r"SUCCESS .*saved +\d")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Jobs of 4 s and downloads of 3 s, ten times as fast."""
    with Sandbox(seed=21, speed=FACTOR, catalogue=()) as running:
        yield running


def tool(sandbox: Sandbox, name: str, duration: float = 4.0) -> Tool:
    """A tool that succeeds and has a file that takes some seconds."""
    return sandbox.add_tool(name, Script(duration=duration, file=File(size=SIZE, pace=SIZE / 3)))


def program(sandbox: Sandbox, home: Path, factor: float = FACTOR) -> PtyProgram:
    """gale-tui as a person starts it, on an environment of the variables."""
    environ = environ_for(
        home.parent / "account", GALE_HOST=sandbox.url, GALE_API_KEY=sandbox.key, GALE_TUI_HOME=str(home)
    )
    return PtyProgram([sys.executable, "-m", "tests.faults.fast_program", str(factor)], environ, width=110, height=44)


def rows(home: Path) -> list[sqlite3.Row]:
    """The jobs of the history, as another process reads them; none while there is no history."""
    path = home / "jobs.sqlite3"
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
        database.row_factory = sqlite3.Row
        try:
            return database.execute("select * from jobs order by created_at").fetchall()
        except sqlite3.OperationalError:
            # The tables are not there yet.
            return []


def over(row: sqlite3.Row) -> bool:
    """True where nothing more happens by itself."""
    return bool(row["state"] in ("unconfirmed", "failed") or row["download_state"] == "saved")


def check_files(home: Path) -> None:
    """Every file is whole and every part is known."""
    folder = home / "downloads"
    known = {Path(row["download_part"]).name for row in rows(home) if row["download_part"]}
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.suffix != ".zip":
            assert path.name in known, f"a part that nobody knows of: {path.name}"
            continue
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
        assert path.stat().st_size == SIZE
    for row in rows(home):
        if row["download_state"] == "saved":
            assert hashlib.sha256(Path(row["download_path"]).read_bytes()).hexdigest() == row["download_sha256"]


def press_until(running: PtyProgram, offered: Tool, reached: Callable[[], object], more: float) -> bool:
    """Exports a tool with keys and kills the program `more` seconds after something is reached, or at its end.

    Returns:
        Whether the last key was pressed.
    """
    # Pasted, so that the form is not drawn for each letter.
    ids = f"\x1b[200~{offered.tool_id},{offered.flow_id}\x1b[201~"
    steps = [("Export jobs", "n"), ("Tool ID", ids), (offered.flow_id[:20], "\r")]
    pause = threading.Event()
    deadline: float | None = None
    given_up = time.monotonic() + LIMIT
    while deadline is None or time.monotonic() < deadline:
        assert time.monotonic() < given_up, f"never reached; the screen:\n{running.screen()}"
        if deadline is None and reached():
            deadline = time.monotonic() + more
        if steps and steps[0][0] in running.screen():
            running.type(steps.pop(0)[1])
        pause.wait(0.01)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    return not steps


def phases(sandbox: Sandbox, home: Path, running: PtyProgram, offered: Tool) -> list[Callable[[], object]]:
    """What the way from the first key to the file goes through; each is looked at until it is so."""

    def row_says(column: str, value: str) -> bool:
        return any(row["tool_id"] == offered.tool_id and row[column] == value for row in rows(home))

    return [
        lambda: "Export jobs" in running.screen(),
        lambda: "Tool ID" in running.screen(),
        lambda: any(row["tool_id"] == offered.tool_id for row in rows(home)),
        lambda: sandbox.posts(offered.tool_id),
        lambda: row_says("state", "running"),
        lambda: row_says("state", "succeeded"),
        lambda: row_says("download_state", "running"),
        lambda: row_says("download_state", "saved"),
    ]


def test_killed_at_random_moments_nothing_is_lost(sandbox: Sandbox, tmp_path: Path) -> None:
    home = tmp_path / "gale"
    moments = random.Random(2026)  # noqa: S311  # the same moments each time
    pressed: dict[str, Tool] = {}
    for number in range(KILLS):
        offered = tool(sandbox, f"Journey {number}")
        with program(sandbox, home) as running:
            running.wait_for("Export jobs")
            # What the last one left is known, on the screen and to the end.
            for each in pressed.values():
                if sandbox.posts(each.tool_id):
                    running.wait_for(re.compile(f"{each.name} |{each.tool_id[:10]}"))
            wait_until(lambda: all(over(row) for row in rows(home)), "an end of all jobs")
            ways = phases(sandbox, home, running, offered)
            if press_until(running, offered, ways[number % len(ways)], moments.uniform(0.0, 0.25)):
                pressed[offered.tool_id] = offered
        check_files(home)
        for tool_id in (each.tool_id for each in sandbox.offered):
            posts, known = len(sandbox.posts(tool_id)), [row for row in rows(home) if row["tool_id"] == tool_id]
            assert posts <= len(known) <= int(tool_id in pressed) <= 1, f"{posts} exports, {len(known)} rows"
    with program(sandbox, home) as running:
        running.wait_for("Export jobs")
        wait_until(lambda: all(over(row) for row in rows(home)), "an end of all jobs")
        running.type("q")
        running.exit_code()
    check_files(home)
    assert not list((home / "downloads").glob("*.part"))
    started = {view.dock_status_id for view in sandbox.jobs}
    followed = {row["dock_status_id"] for row in rows(home) if row["state"] == "succeeded"}
    unconfirmed = [row for row in rows(home) if row["state"] == "unconfirmed"]
    # What GALE has started is followed, or is on a row that says that it may have started.
    assert followed <= started
    assert len(started - followed) <= len(unconfirmed)
    assert sum(len(sandbox.posts(each.tool_id)) for each in sandbox.offered) == len(started)
    # The moments reach from before the press to after the file: eleven are after the POST for certain.
    assert 11 <= len(started) < KILLS


def test_stopped_and_continued_it_asks_no_more_than_before(sandbox: Sandbox, tmp_path: Path) -> None:
    offered = tool(sandbox, "Long Journey", duration=60.0)
    home = tmp_path / "gale"
    with program(sandbox, home) as running:
        for count in range(1, 4):
            running.wait_for("Export jobs")
            running.export(offered.tool_id, offered.flow_id)
            wait_until(lambda count=count: len(sandbox.jobs) == count, "the export")  # type: ignore[misc]  # bound here
            running.wait_gone("Tool ID")
        os.kill(running.process.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        # Forty seconds of its own clock.
        wait_until(lambda: time.monotonic() - stopped > 40 / FACTOR, "forty seconds")
        before = len(sandbox.requests)
        os.kill(running.process.pid, signal.SIGCONT)
        wait_until(lambda: all(over(row) for row in rows(home)) and len(rows(home)) == 3, "an end of all jobs")
        screen = running.wait_for(re.compile(r"(SUCCESS .*saved +\d(.*\n)+.*){3}"))
        assert screen.count("SUCCESS") >= 3
        running.type("q")
        assert running.exit_code() == 0
        assert running.modes == running.modes_before
    assert len(sandbox.requests) > before
    for view in sandbox.jobs:
        asked = sandbox.status_calls(view.dock_status_id)
        # The vendor's limit, once a second, over each stretch that begins with the first question.
        for number, each in enumerate(asked):
            assert number <= (each.at - asked[0].at) * FACTOR + 1
    assert len(sandbox.posts(offered.tool_id)) == 3
    check_files(home)


def test_two_side_by_side_show_each_others_changes(sandbox: Sandbox, tmp_path: Path) -> None:
    offered = tool(sandbox, "Shared Journey", duration=20.0)
    home = tmp_path / "gale"
    with program(sandbox, home, 1.0) as first, program(sandbox, home, 1.0) as second:
        first.wait_for("Export jobs")
        second.wait_for("Export jobs")
        first.export(offered.tool_id, offered.flow_id)
        first.wait_for("IN_PROGRESS")
        second.wait_for("IN_PROGRESS")
        first.wait_for(SAVED)
        second.wait_for(SAVED)
        # And the other way round.
        second.type("x")
        second.wait_gone(SAVED)
        first.wait_gone(SAVED)
        for each in (first, second):
            each.type("q")
            assert each.exit_code() == 0
    assert rows(home) == []
    (view,) = sandbox.jobs
    asked = sandbox.status_calls(view.dock_status_id)
    # One of them asks, not both.
    assert len(asked) <= (asked[-1].at - asked[0].at) / 2.0 + 2
    assert len(sandbox.downloads(view.dock_status_id)) == 1
    check_files(home)
