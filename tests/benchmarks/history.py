"""How start, filter, sort and memory grow with the history."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.figures import Figure, median, size
from tests.benchmarks.histories import finished_jobs, write_history
from tests.benchmarks.plan import Plan
from tests.benchmarks.start import ORIGIN, VARIABLES, start_seconds
from tests.benchmarks.watched import Watched, account

ROUNDS = 3
WORDS = "bot 7"
"""Typed into the filter: its first letters match many jobs, all of it few."""


def run(plan: Plan) -> list[Figure]:
    """Each length."""
    figures: list[Figure] = []
    smallest = 0
    with tempfile.TemporaryDirectory(prefix="gale-bench-") as name:
        for count in plan.histories:
            home = Path(name) / str(count)
            write_history(home / "gale/jobs.sqlite3", finished_jobs(count, ORIGIN))
            argv = [sys.executable, "-m", "gale_tui"]
            # The first start writes bytecode and warms the disk's cache.
            start_seconds(argv, account(home, **VARIABLES), f"{count - 1}")
            begin, narrowed, sorted_, memory = _measure(plan, argv, home, count)
            smallest = smallest or memory
            bare = [sys.executable, "-m", "tests.benchmarks.bare", "--rows", str(count)]
            bare_start, bare_filter = _bare(plan, bare, Path(name) / "bare")
            what = f"{count:,} jobs"
            figures += [
                _compared(f"{what}: start", begin, bare_start, "DataTable of as many rows"),
                _compared(f"{what}: filter, a key press", narrowed, bare_filter, "half of its rows put back", 0.05),
                Figure(f"{what}: sort", f"{sorted_ * 1000:.0f} ms"),
                Figure(f"{what}: memory", size(memory), f"{size(smallest)}, {plan.histories[0]:,} jobs"),
            ]
    return figures


def _compared(what: str, seconds: float, reference: float, against: str, limit: float | None = None) -> Figure:
    return Figure(
        what,
        f"{seconds * 1000:.0f} ms",
        f"{reference * 1000:.0f} ms, {against}",
        f"{seconds / reference:.2f}",
        "" if limit is None else f"at most {limit * 1000:.0f} ms",
        None if limit is None else seconds <= limit,
    )


def _answered(program: Watched, keys: str) -> float:
    """Seconds from a press to the end of what it made the program write."""
    at = program.press(keys)
    before = program.length
    program.wait(lambda: program.length > before, f"an answer to {keys!r}", limit=20)
    last = program.settle(0.25)
    return last - at


def _measure(plan: Plan, argv: list[str], home: Path, count: int) -> tuple[float, float, float, int]:
    """Start, filter per key and sort in seconds (medians), and bytes of memory."""
    starts, narrowed, sorts = [], [], []
    memory = 0
    for _ in range(min(plan.repeats, ROUNDS)):
        with Watched(argv, account(home, **VARIABLES)) as program:
            starts.append(program.wait_for(f"{count - 1}") - program.started)
            program.settle(1.0)
            time.sleep(0.5)
            memory = program.memory()
            program.press("/")
            program.settle()
            narrowed += [_answered(program, key) for key in WORDS]
            program.press("\x1b")
            program.settle()
            sorts += [_answered(program, "s") for _ in range(3)]
    return median(starts), median(narrowed), median(sorts), memory


def _bare(plan: Plan, argv: list[str], home: Path) -> tuple[float, float]:
    starts, narrowed = [], []
    for _ in range(min(plan.repeats, ROUNDS)):
        with Watched(argv, account(home)) as program:
            starts.append(program.wait_for("Tool 0") - program.started)
            program.settle(1.0)
            narrowed.append(_answered(program, "/"))
    return median(starts), median(narrowed)
