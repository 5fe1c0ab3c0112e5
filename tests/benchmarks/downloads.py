"""Throughput, memory and processor time of downloads, against `curl -o`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.figures import Figure, median, size
from tests.benchmarks.gale import Gale, file_tool
from tests.benchmarks.plan import Plan
from tests.benchmarks.watched import ROOT

MEMORY = 32 << 20
SMALL = 64 << 10


def run(plan: Plan) -> list[Figure]:
    """Each size, in turn with curl."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="gale-bench-") as name, Gale(SMALL, *plan.sizes) as gale:
        small = gale.export(file_tool(SMALL))["response"]["downloadUrl"]
        for count in plan.sizes:
            figures += _size(plan, Path(name), gale, count, small)
    return figures


def _size(plan: Plan, folder: Path, gale: Gale, count: int, small: str) -> list[Figure]:
    link = gale.export(file_tool(count))["response"]["downloadUrl"]
    curls: list[tuple[float, float]] = []
    ours: list[dict[str, float]] = []
    for number in range(plan.repeats + 1):
        pair = _curl(link, folder / "curl.zip"), _fetch(link, folder, small)
        # The first round makes the file and warms the disk's cache.
        if number:
            curls.append(pair[0])
            ours.append(pair[1])
    curl_s, curl_cpu = (median([each[index] for each in curls]) for index in (0, 1))
    seconds, received, cpu, memory = (
        median([each[key] for each in ours]) for key in ("seconds", "received", "cpu", "memory")
    )
    large = count >= 1 << 30
    speed, speed_in, speed_curl = (count / each / 2**20 for each in (seconds, received, curl_s))
    what, against = f"Download, {size(count)}", f"{speed_curl:,.0f} MiB/s, curl -o"
    ratio = speed / speed_curl
    whole = Figure(
        f"{what}, hashed, verified, on disk",
        f"{speed:,.0f} MiB/s",
        against,
        f"{ratio:.2f}",
        "at least 0.6 ×" if large else "",
        ratio >= 0.6 if large else None,
    )
    line = Figure(f"{what}, received and hashed", f"{speed_in:,.0f} MiB/s", against, f"{speed_in / speed_curl:.2f}")
    used = Figure(f"{what}, processor time", f"{cpu:.2f} s", f"{curl_cpu:.2f} s, curl -o", f"{cpu / curl_cpu:.1f}")
    more = Figure(
        f"{what}, more memory than before",
        size(int(memory)),
        reach="at most 32 MiB" if large else "",
        met=memory <= MEMORY if large else None,
    )
    return [whole, line, used, more]


def _curl(link: str, target: Path) -> tuple[float, float]:
    """Seconds and processor seconds of curl's own transfer, its start not counted."""
    process = subprocess.Popen(
        ["curl", "-s", "-o", str(target), "-w", "%{time_total}", link], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = process.stdout.read()
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"curl ended with {process.returncode}")
    target.unlink()
    return float(told), max(used.ru_utime + used.ru_stime, 0.001)


def _fetch(link: str, folder: Path, small: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.fetch", link, str(folder), small],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
        text=True,
    )
    for file in folder.glob("*.zip"):
        file.unlink()
    # What was written is on its way to the disk; the next one shall not pay for it.
    os.sync()
    time.sleep(0.2)
    told: dict[str, float] = json.loads(done.stdout)
    return told
