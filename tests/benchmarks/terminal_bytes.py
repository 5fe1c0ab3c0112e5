"""Bytes to the terminal: idle, for a change of a status, with twenty jobs running, and for the steps of the demo."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyte

from tests.benchmarks.figures import Figure, median
from tests.benchmarks.gale import CHANGING, ENDLESS, Gale, file_tool
from tests.benchmarks.histories import finished_jobs, running_job, write_history
from tests.benchmarks.plan import Plan
from tests.benchmarks.replay import frames, lines
from tests.benchmarks.watched import Watched, account
from tests.support.sandbox import Sandbox

GALE_TUI = [sys.executable, "-m", "gale_tui"]
SMALL, LARGE = (80, 24), (200, 50)
ALL = (100, 24)
"""The smallest terminal that shows header, table and details at once."""
LINE = 9600 / 10
"""Bytes per second of a line of 9,600 bit/s: eight bits, a start and a stop bit."""
AT_MOST = {SMALL: 250, LARGE: 250}
"""Bytes for a status."""
AT_MOST_WITH_ALL = 600
"""The same where the header's counts and the details change with it."""
SMALL_FILE = 64 << 10


def run(plan: Plan) -> list[Figure]:
    """All of it."""
    with tempfile.TemporaryDirectory(prefix="gale-bench-") as name, Gale(SMALL_FILE) as gale:
        folder = Path(name)
        figures = [_idle(plan, folder, gale)]
        for size in (SMALL, LARGE):
            figures += _changes(plan, folder / f"changes-{size[0]}", gale, size)
            if size == LARGE:
                figures += _ends(plan, folder / "ends", gale)
            figures += _running(plan, folder / f"running-{size[0]}", gale, size)
        figures += _demo(folder / "demo")
    return figures


def _idle(plan: Plan, folder: Path, gale: Gale) -> Figure:
    """A history on the screen and nothing going on; then the same with a form open and its field focused."""
    environ = account(folder / "idle", **gale.variables)
    write_history(folder / "idle/gale/jobs.sqlite3", finished_jobs(100, gale.url))
    counts = []
    with Watched(GALE_TUI, environ) as program:
        program.wait_for("99")
        for keys in ("", "n"):
            program.press(keys)
            program.settle(1.5)
            before = program.length
            time.sleep(plan.idle / 2)
            counts.append(program.length - before)
    what = f"Bytes while idle, {plan.idle:.0f} s, table and form"
    return Figure(what, f"{sum(counts)}", reach="0 per second", met=sum(counts) == 0)


def _data_table(plan: Plan, size: tuple[int, int], home: Path) -> float:
    """What one `update_cell` costs in the bare app."""
    counts = []
    argv = [sys.executable, "-m", "tests.benchmarks.bare", "--rows", "40"]
    with Watched(argv, account(home), width=size[0], height=size[1]) as program:
        program.wait_for("Tool 0")
        program.settle()
        for _ in range(plan.repeats):
            before = program.length
            program.press("u")
            program.settle(0.3)
            counts.append(program.length - before)
    return median(counts)


def _changes(plan: Plan, home: Path, gale: Gale, size: tuple[int, int]) -> list[Figure]:
    """The updates that bring another status, and nothing else that is seen at the time."""
    ids = [gale.export(CHANGING)["dock-statusId"] for _ in range(3)]
    jobs = (running_job(n, gale.url, each, tool_id=CHANGING) for n, each in enumerate(ids))
    write_history(home / "gale/jobs.sqlite3", jobs)
    with Watched(GALE_TUI, account(home, **gale.variables), width=size[0], height=size[1]) as program:
        program.wait_for("Running 000")
        program.settle(0.3)
        time.sleep(plan.watched)
        chunks = program.chunks
    screen = pyte.Screen(*size)
    known: dict[str, str] = {}
    counts = []
    for frame in frames(chunks, screen):
        shown = dict(_statuses(lines(screen)))
        changed = [title for title, word in shown.items() if known.get(title, word) != word]
        known.update(shown)
        if len(changed) == 1:
            counts.append(frame.bytes)
    if not counts:
        raise RuntimeError("no status changed alone")
    bare = _data_table(plan, size, home / "bare")
    cost, limit = median(counts), AT_MOST[size]
    what = f"Bytes for a row's status, {size[0]}×{size[1]}"
    reference = f"{bare:,.0f}, one cell of a DataTable"
    return [Figure(what, f"{cost:.0f}", reference, f"{cost / bare:.3f}", f"at most {limit}", cost <= limit)]


def _ends(plan: Plan, home: Path, gale: Gale) -> list[Figure]:
    """The update that tells of the end of the selected job: its row, the header's counts, its details and timeline."""
    counts = []
    for number in range(min(plan.repeats, 3)):
        own = home / str(number)
        tool_id = file_tool(SMALL_FILE, seconds=3.0)
        ending = gale.export(tool_id)["dock-statusId"]
        write_history(own / "gale/jobs.sqlite3", [running_job(0, gale.url, ending, tool_id=tool_id)])
        with Watched(GALE_TUI, account(own, **gale.variables), width=ALL[0], height=ALL[1]) as program:
            program.wait_for("Running 000")
            time.sleep(8)
            chunks = program.chunks
        screen = pyte.Screen(*ALL)
        drawn = []
        for frame in frames(chunks, screen):
            drawn.append((frame, any("SUCCESS" in line for line in lines(screen))))
        first = next(frame.at for frame, ended in drawn if ended)
        # Header, row and details may come one after the other.
        counts.append(sum(frame.bytes for frame, _ in drawn if first - 0.05 <= frame.at <= first + 0.3))
    cost = median(counts)
    what = f"Bytes for a job's end, row, header and details, {ALL[0]}×{ALL[1]}"
    return [Figure(what, f"{cost:.0f}", reach=f"at most {AT_MOST_WITH_ALL}", met=cost <= AT_MOST_WITH_ALL)]


def _statuses(text: list[str]) -> Iterator[tuple[str, str]]:
    """Job and word of the rows that are seen."""
    for line in text:
        _, found, rest = line.partition("Running ")
        words = [word for word in rest.split() if word.startswith(("STEP_", "IN_PROGRESS"))]
        if found and words:
            yield rest[:3], words[0]


def _running(plan: Plan, home: Path, gale: Gale, size: tuple[int, int]) -> list[Figure]:
    ids = [gale.export(ENDLESS)["dock-statusId"] for _ in range(20)]
    jobs = (running_job(n, gale.url, each, tool_id=ENDLESS) for n, each in enumerate(ids))
    write_history(home / "gale/jobs.sqlite3", jobs)
    with Watched(GALE_TUI, account(home, **gale.variables), width=size[0], height=size[1]) as program:
        program.wait_for("Running 0")
        time.sleep(2)
        before = program.length
        time.sleep(plan.watched)
        rate = (program.length - before) / plan.watched
    what = f"Bytes per second, 20 jobs running, {size[0]}×{size[1]}"
    return [Figure(what, f"{rate:.0f}", f"{LINE:.0f}, a line of 9,600 bit/s", f"{rate / LINE:.2f}")]


def _demo(home: Path) -> list[Figure]:
    """The steps of the demo, from the start to the saved file."""
    tool = Sandbox().offered[0]
    steps: list[tuple[str, int]] = []
    with Watched([*GALE_TUI, "--demo", "--keep", str(home)], account(home)) as program:

        def step(what: str, keys: str, quiet: float = 0.6) -> None:
            before = program.length
            program.press(keys)
            program.settle(quiet)
            steps.append((what, program.length - before))

        program.wait_for("No exports yet")
        program.settle(1.0)
        steps.append(("start", program.length))
        step("open the form", "n", 1.0)
        for character in tool.tool_id:
            program.press(character)
            time.sleep(0.03)
        step("type a tool id", "")
        before = program.length
        steps[-1] = ("type a tool id", before - sum(count for _, count in steps[:-1]))
        step("go to the flow id and paste it", f"\t\x1b[200~{tool.flow_id}\x1b[201~")
        # The submit key works from anywhere in the form; the row then changes until the file is saved.
        before = program.length
        program.press("\x13")
        program.wait(lambda: any((home / "downloads").glob("*.zip")), "the saved file")
        program.settle(1.5)
        steps.append(("export, row changes, saved", program.length - before))
    total = sum(count for _, count in steps)
    figures = [
        Figure(f"Demo: {what}", f"{count:,} bytes", f"{count / LINE:.1f} s on 9,600 bit/s") for what, count in steps
    ]
    figures.append(Figure("Demo in all", f"{total:,} bytes", f"{total / LINE:.1f} s on 9,600 bit/s"))
    return figures
