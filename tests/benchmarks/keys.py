"""From a press of a key to the repaint that it brings, while nothing, polling, downloads or both go on."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pyte

from tests.benchmarks.figures import Figure, percentile, size
from tests.benchmarks.gale import ENDLESS, Gale, file_tool
from tests.benchmarks.histories import finished_jobs, running_job, wanted_job, write_history
from tests.benchmarks.plan import Plan
from tests.benchmarks.replay import frames, highlighted
from tests.benchmarks.watched import Watched, account

DOWN, UP = "\x1b[B", "\x1b[A"
STEPS = 10
"""Rows that the cursor goes down before it goes up again."""
TOP, BARE_TOP = 3, 1
"""The line of the table's first row, in gale-tui and in the bare app."""
GAP = 0.06
"""Seconds between two presses: an eager hand, and about half a key's repeat rate."""


def run(plan: Plan) -> list[Figure]:
    """Idle, polling, downloading, both; and the bare app idle."""
    largest = max(plan.sizes)
    with tempfile.TemporaryDirectory(prefix="gale-bench-") as name, Gale(largest) as gale:
        folder = Path(name)
        bare = [sys.executable, "-m", "tests.benchmarks.bare", "--rows", "500"]
        reference = _pressed(plan, bare, account(folder / "bare"), "Tool 0", BARE_TOP, lambda: False)
        against = f"{_both(reference)}, bare app idle"
        figures = []
        for number, (polled, downloads) in enumerate(((0, 0), (plan.polled, 0), (0, 4), (plan.polled, 4))):
            home = folder / f"case-{number}"
            waits = _case(plan, home, gale, polled, downloads, largest)
            parts = [f"{polled} jobs polled"] if polled else []
            parts += [f"{size(largest)} downloads"] if downloads else []
            p99 = percentile(waits, 0.99)
            ratio = f"{p99 / percentile(reference, 0.99):.1f}"
            what = f"Key to repaint, {', '.join(parts) or 'idle'}"
            figures.append(
                Figure(f"{what} ({len(waits)} keys)", _both(waits), against, ratio, "p99 at most 50 ms", p99 <= 0.05)
            )
    return figures


def _both(waits: list[float]) -> str:
    return f"p50 {percentile(waits, 0.5) * 1000:.0f} ms, p99 {percentile(waits, 0.99) * 1000:.0f} ms"


def _case(plan: Plan, home: Path, gale: Gale, polled: int, downloads: int, largest: int) -> list[float]:
    target = home / "files"
    environ = account(home, **gale.variables)
    target.mkdir()
    jobs = list(finished_jobs(50, gale.url))
    jobs += [running_job(n, gale.url, gale.export(ENDLESS)["dock-statusId"], tool_id=ENDLESS) for n in range(polled)]
    for number in range(downloads):
        answer = gale.export(file_tool(largest))
        link = answer["response"]["downloadUrl"]
        jobs.append(wanted_job(number, gale.url, answer["dock-statusId"], link, target))
    write_history(home / "gale/jobs.sqlite3", jobs)

    def over() -> bool:
        done = list(target.glob("*.zip"))
        for file in done[:-1]:
            file.write_bytes(b"")
        return len(done) == downloads

    text = "Running" if polled else "49"
    argv = [sys.executable, "-m", "gale_tui"]
    waits = _pressed(plan, argv, environ, text, TOP, over if downloads else lambda: False, settle=not downloads)
    for file in target.iterdir():
        file.unlink()
    return waits


def _pressed(
    plan: Plan,
    argv: list[str],
    environ: dict[str, str],
    text: str,
    top: int,
    over: Callable[[], bool],
    *,
    settle: bool = True,
) -> list[float]:
    """Moves the cursor down and up; seconds from each press to the update that shows it in its new row."""
    rng = random.Random(7)  # noqa: S311  # spreads presses over the frames
    down = [*range(1, STEPS + 1), *range(STEPS - 1, -1, -1)]
    pressed: list[tuple[float, int]] = []
    with Watched(argv, environ) as program:
        program.wait_for(text)
        time.sleep(2.0 if settle else 0.3)
        row = 0
        for wanted in cycle(down):
            if len(pressed) >= plan.keys or over():
                break
            pressed.append((program.press(DOWN if wanted > row else UP), wanted))
            row = wanted
            time.sleep(GAP + rng.random() * 0.02)
        time.sleep(1.0)
        chunks = program.chunks
        screen = pyte.Screen(program.width, program.height)
    return _waits(pressed, [(frame.at, highlighted(screen, top)) for frame in frames(chunks, screen)])


def _waits(pressed: list[tuple[float, int]], shown: list[tuple[float, int | None]]) -> list[float]:
    waits = []
    for at, row in pressed:
        seen = next((when for when, found in shown if when >= at and found == row), None)
        if seen is None:
            raise RuntimeError(f"the cursor was never seen in row {row} after it was sent there")
        waits.append(seen - at)
    return waits
