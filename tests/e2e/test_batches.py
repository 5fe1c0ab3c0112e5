"""Batches in the real program: forty tools with an exact account, and what was cut short by kill -9 or a signal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gale_tui.cli.export import entry_as_json
from gale_tui.core.batch.report import BatchEntry, Outcome
from gale_tui.core.batch.tools import BatchTool
from gale_tui.core.history.batches import BatchRecord
from gale_tui.core.identifiers import parse_host
from gale_tui.core.models import Environment
from gale_tui.sandbox.script import Script
from tests.e2e.terminal import LIMIT, PtyProgram, environ_for, wait_until
from tests.support import faults
from tests.support.forked import Forked, run_forked
from tests.support.sandbox import Sandbox

FACTOR = 15.0
QUICK = Script(duration=1.0)
SIX_SAVED = re.compile(r"(?<!\d)6 saved")
"""Not the row of a job that took 0:06."""
FAST = (sys.executable, "-m", "tests.faults.fast_program", str(FACTOR))


def tool_id(number: int) -> str:
    return f"a-{number:08d}-1111-4111-8111-111111111111"


def line(number: int) -> str:
    return f'{tool_id(number)},cf-{number:08d}-2222-4222-8222-222222222222,"Tool, {number}"'


def csv(count: int) -> str:
    return "\n".join(["tool_id,flow_id,label", *map(line, range(count))]) + "\n"


def forty() -> str:
    """Forty lines, of which two are wrong."""
    lines = [line(number) for number in range(38)]
    lines.insert(6, tool_id(90))
    lines.insert(20, "no id,cf-1")
    return "\n".join(["tool_id,flow_id,label", *lines]) + "\n"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=3, speed=FACTOR) as running:
        for number in range(38):
            running.script(tool_id(number), QUICK)
        running.script(tool_id(9), Script(duration=1.0, outcome="FAILED", reason="Node n3 has no model"))
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def environ(sandbox: Sandbox, home: Path) -> dict[str, str]:
    return environ_for(
        home.parent / "account", GALE_HOST=sandbox.url, GALE_API_KEY=sandbox.key, GALE_TUI_HOME=str(home)
    )


def app(sandbox: Sandbox, home: Path, width: int = 80, height: int = 24) -> PtyProgram:
    """gale-tui in a terminal, its clock faster."""
    return PtyProgram(FAST, environ(sandbox, home), width=width, height=height)


def export(sandbox: Sandbox, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`gale-tui export`, its clock faster."""
    return run_forked([*FAST, "export", *arguments], env=environ(sandbox, home))


def zips(home: Path) -> int:
    return len(list((home / "downloads").glob("*.zip")))


def exports(sandbox: Sandbox) -> Counter[str]:
    """How many jobs GALE began of each tool."""
    return Counter(job.tool_id for job in sandbox.jobs)


def test_forty_tools_in_the_app_and_again(sandbox: Sandbox, home: Path) -> None:
    with app(sandbox, home) as terminal:
        terminal.wait_for("No exports yet")
        for times, sentence in (
            (1, "37 saved · 1 failed · 2 lines invalid"),
            (2, "37 saved (37 unchanged) · 1 failed"),
        ):
            terminal.paste(forty())
            terminal.wait_for("38 exports · 2 invalid, skipped")
            assert len(sandbox.jobs) == 38 * (times - 1), "looking starts nothing"
            terminal.type("e")
            terminal.wait_gone("38 exports")
            # The report is opened at the end: below a dialog each change of a row draws the whole screen.
            wait_until(lambda: zips(home) == 37 * times, "the files")  # noqa: B023  # waited for here
            terminal.wait_for("shows")
            terminal.type("B")
            terminal.wait_for(sentence)
            terminal.wait_for(re.compile(r"failed +Tool, 9 +Node n3 has no model"))
            terminal.wait_for(re.compile(r"line 8 +no Flow ID"))
            assert zips(home) == 37 * times
            terminal.type("\r")
            terminal.wait_gone("Close")
    assert set(exports(sandbox).values()) == {2}
    assert len(exports(sandbox)) == 38


def test_forty_tools_without_a_screen_and_again(sandbox: Sandbox, home: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools.csv"
    tools.write_text(forty())
    refused = export(sandbox, home, "--from", str(tools))
    assert refused.returncode == 2
    assert "line 8: no Flow ID" in refused.stderr
    assert "line 22: " in refused.stderr
    assert not sandbox.jobs
    for times, sentence in ((1, "37 saved · 1 failed · 2 lines invalid"), (2, "37 saved (37 unchanged) · 1 failed")):
        done = export(sandbox, home, "--from", str(tools), "--skip-invalid", "--json")
        assert done.returncode == 2, "of all, the highest: two lines name no tool"
        assert sentence in done.stderr
        rows = [json.loads(row) for row in done.stdout.splitlines()]
        assert Counter(row["outcome"] for row in rows) == {"saved": 37, "failed": 1}
        assert [row["reason"] for row in rows if row["outcome"] == "failed"] == ["Node n3 has no model"]
        assert Counter(row["unchanged"] for row in rows) == ({None: 38} if times == 1 else {True: 37, None: 1})
        assert all(Path(row["path"]).is_file() for row in rows if row["outcome"] == "saved")
        assert zips(home) == 37 * times


def in_the_middle(sandbox: Sandbox) -> None:
    """The third of the tools is to wait: while it does, the batch stands at a place that is known."""
    sandbox.script(tool_id(2), Script(duration=1.0, on_export=(faults.rate_limited(90),)))


def test_killed_in_the_middle_it_goes_on_when_it_is_told_to(sandbox: Sandbox, home: Path) -> None:
    in_the_middle(sandbox)
    with app(sandbox, home) as terminal:
        terminal.wait_for("No exports yet")
        terminal.paste(csv(6))
        terminal.wait_for("6 exports")
        terminal.type("e")
        terminal.wait_for("WAITING")
        wait_until(lambda: zips(home) == 2, "the first two on disk")
        os.kill(terminal.process.pid, signal.SIGKILL)
        terminal.process.wait()
    assert sorted(exports(sandbox)) == [tool_id(0), tool_id(1)]
    with app(sandbox, home) as terminal:
        terminal.wait_for("3 of its 6 tools are not started")
        terminal.wait_for("Continue (3)")
        assert len(sandbox.posts(tool_id(3))) == 0, "it does not go on by itself"
        terminal.type("\t\r")
        terminal.wait_for(SIX_SAVED)
    assert exports(sandbox) == {tool_id(number): 1 for number in range(6)}
    assert zips(home) == 6
    with app(sandbox, home) as terminal:
        terminal.wait_for(SIX_SAVED)
        terminal.wait_for("Tool, 5")
        assert "not started" not in terminal.screen()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_without_a_screen_it_is_resumed(
    sandbox: Sandbox, home: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    in_the_middle(sandbox)
    tools = tmp_path / "tools.csv"
    tools.write_text(csv(6))
    process = Forked([*FAST, "export", "--from", str(tools)], env=environ(sandbox, home))
    wait_until(lambda: len(sandbox.posts(tool_id(2))) == 1 and zips(home) == 2, "the middle of it")
    process.send_signal(number)
    _, said = process.communicate(timeout=LIMIT)
    assert process.returncode == code
    if code > 0:
        assert b"3 not started. Continue with gale-tui export --resume" in said
    done = export(sandbox, home, "--resume", "--json")
    assert done.returncode == 0, done.stderr
    assert [json.loads(row)["outcome"] for row in done.stdout.splitlines()] == ["saved"] * 6
    assert exports(sandbox) == {tool_id(number): 1 for number in range(6)}
    again = export(sandbox, home, "--resume")
    assert again.returncode == 2
    assert "Nothing to resume" in again.stderr


def test_a_tool_that_was_not_started_names_its_environment_as_it_is_called_now() -> None:
    origin = parse_host("https://gale.example")
    record = BatchRecord.new(
        Environment("e-1", "before", origin), [BatchTool("a-1", "cf-1")], name="six", created_at=1.0
    )
    entry = BatchEntry(record.tools[0], Outcome.NOT_STARTED, why="Stopped")
    found = entry_as_json(entry, (Environment("e-1", "now", origin), record))
    assert (found["environment"], found["batch"], found["outcome"]) == ("now", "six", "not started")
