"""How many questions a second the monitor sustains, and what a thousand of them cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.figures import Figure, median
from tests.benchmarks.gale import ENDLESS, Gale
from tests.benchmarks.histories import running_job, write_history
from tests.benchmarks.plan import Plan
from tests.benchmarks.watched import ROOT


def run(plan: Plan) -> list[Figure]:
    """The engine in a process of its own, in turn with bare requests over one kept connection."""
    rates, cpus, bare_rates, bare_cpus = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="gale-bench-") as name, Gale() as gale:
        ids = [gale.export(ENDLESS)["dock-statusId"] for _ in range(plan.polled)]
        for number in range(plan.repeats):
            home = Path(name) / str(number)
            jobs = (running_job(n, gale.url, each, tool_id=ENDLESS) for n, each in enumerate(ids))
            write_history(home / "jobs.sqlite3", jobs)
            told = _engine(home, gale, plan.polls)
            rates.append(told["rate"])
            cpus.append(told["cpu"])
            cpu, at = time.process_time(), time.perf_counter()
            for index in range(plan.polls // 4):
                gale.ask(ids[index % len(ids)])
            share = 1000 / (plan.polls // 4)
            bare_rates.append((plan.polls // 4) / (time.perf_counter() - at))
            bare_cpus.append((time.process_time() - cpu) * share)
    rate, cpu, bare_rate, bare_cpu = (median(each) for each in (rates, cpus, bare_rates, bare_cpus))
    # What it asks at most by its own rules is 20 a second for one environment.
    return [
        Figure(
            f"Questions per second, {plan.polled} jobs",
            f"{rate:.0f}",
            f"{bare_rate:.0f}, http.client, one after the other",
            f"{rate / bare_rate:.2f}",
        ),
        Figure(
            "Processor time for 1,000 questions",
            f"{cpu:.2f} s",
            f"{bare_cpu:.2f} s, http.client",
            f"{cpu / bare_cpu:.1f}",
        ),
    ]


def _engine(home: Path, gale: Gale, polls: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.poll", str(home), str(polls)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, **gale.variables},
        check=True,
        text=True,
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told
