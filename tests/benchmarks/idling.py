"""The processor while nothing is going on."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.figures import Figure
from tests.benchmarks.histories import finished_jobs, write_history
from tests.benchmarks.plan import Plan
from tests.benchmarks.start import ORIGIN, VARIABLES
from tests.benchmarks.watched import Watched, account


def run(plan: Plan) -> list[Figure]:
    """A long history, no job running; the bare app with a table beside it."""
    count = max(plan.histories)
    with tempfile.TemporaryDirectory(prefix="gale-bench-") as name:
        home = Path(name) / "long"
        write_history(home / "gale/jobs.sqlite3", finished_jobs(count, ORIGIN))
        ours = _share(plan, [sys.executable, "-m", "gale_tui"], account(home, **VARIABLES), f"{count - 1}")
        bare = [sys.executable, "-m", "tests.benchmarks.bare"]
        reference = _share(plan, bare, account(Path(name) / "bare"), "Tool 0")
    return [
        Figure(
            f"Processor while idle, {count:,} jobs, {plan.idle:.0f} s",
            f"{ours:.2f} % of a core",
            f"{reference:.2f} %, bare app",
            reach="at most 1 %",
            met=ours <= 1,
        )
    ]


def _share(plan: Plan, argv: list[str], environ: dict[str, str], text: str) -> float:
    """Percent of one processor."""
    with Watched(argv, environ) as program:
        program.wait_for(text)
        program.settle(2.0)
        before, began = program.cpu(), time.perf_counter()
        time.sleep(plan.idle)
        return (program.cpu() - before) / (time.perf_counter() - began) * 100
