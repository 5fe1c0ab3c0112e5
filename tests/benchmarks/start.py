"""From the command to the first usable frame, against a bare app of the same framework with a table."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.figures import Figure, at_most, median
from tests.benchmarks.histories import finished_jobs, write_history
from tests.benchmarks.plan import Plan
from tests.benchmarks.watched import Watched, account

ORIGIN = "http://127.0.0.1:9"
"""Nobody is asked there: no job of these histories is unfinished."""
VARIABLES = {"GALE_HOST": ORIGIN, "GALE_API_KEY": "kg-benchmark-0000"}
LONG = 10_000


def start_seconds(argv: list[str], environ: dict[str, str], text: str, *, width: int = 80, height: int = 24) -> float:
    """Seconds until the text is on the terminal."""
    with Watched(argv, environ, width=width, height=height) as program:
        return program.wait_for(text) - program.started


def run(plan: Plan) -> list[Figure]:
    """Empty home and long history, in turn with the reference, so that each sees the same machine."""
    gale_tui = [sys.executable, "-m", "gale_tui"]
    bare = [sys.executable, "-m", "tests.benchmarks.bare"]
    with tempfile.TemporaryDirectory(prefix="gale-bench-") as name:
        folder = Path(name)
        plain, empty, long = (account(folder / each, **VARIABLES) for each in ("bare", "empty", "long"))
        write_history(folder / "long/gale/jobs.sqlite3", finished_jobs(LONG, ORIGIN))
        newest = f"{LONG - 1}"
        reference: list[float] = []
        with_none: list[float] = []
        with_many: list[float] = []
        for number in range(plan.starts + 1):
            taken = (
                start_seconds(bare, plain, "Tool 0"),
                start_seconds(gale_tui, empty, "No exports yet"),
                start_seconds(gale_tui, long, newest),
            )
            # The first round writes bytecode and warms the disk's cache.
            if number:
                for times, seconds in zip((reference, with_none, with_many), taken, strict=True):
                    times.append(seconds)
    bare_s, none_s, many_s = median(reference), median(with_none), median(with_many)
    against = f"{bare_s:.3f} s, bare app with a table"
    return [
        at_most("Start to first frame, empty home", f"{none_s:.3f} s", none_s / bare_s, 1.3, against, "at most 1.3 ×"),
        Figure(
            f"Start to first frame, {LONG:,} jobs",
            f"{many_s:.3f} s",
            f"{none_s:.3f} s, empty home",
            f"{many_s / none_s:.2f}",
            "at most 0.2 s later",
            many_s - none_s <= 0.2,
        ),
    ]
