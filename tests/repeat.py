"""Runs the whole suite again and again, beside busy processes: `python -m tests.repeat [N] [--load K]`.

A line for each run, and in the end each test that ever failed with how often. Exits with 1 where one did.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
USUAL = "-n 4 --dist worksteal"
MOST = 100
"""Runs, and busy processes, at most."""
LIMIT = 3600.0
"""Seconds after which a run is ended, and counts as failed."""
BUSY = "import os\nwhile os.getppid() == {parent}: sum(range(100_000))"


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Keeps that many processors busy; ends with this process, whatever ends it."""
    command = [sys.executable, "-c", BUSY.format(parent=os.getpid())]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for each in processes:
            each.kill()
            each.wait()


def processor_seconds() -> float:
    """Seconds, user and system, of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_once(folder: Path, arguments: list[str]) -> tuple[int, list[str]]:
    """Runs the suite; returns how many tests there were and the names of those that failed."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *arguments]
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
        try:
            code = process.wait(LIMIT)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return 0, [f"the run itself: not done in {LIMIT:.0f} s"]
    if not report.exists():
        return 0, [f"the run itself: exit code {code}"]
    cases = ElementTree.parse(report).getroot().findall(".//testcase")  # noqa: S314  # our own
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    names = [f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}" for case in failed]
    return len(cases), names if names or code == 0 else [f"the run itself: exit code {code}"]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.repeat", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=3, metavar="N", help="how often; 3 by default")
    parser.add_argument("--load", type=int, default=0, metavar="K", help="busy processes beside it; none by default")
    parser.add_argument(
        "--pytest", default="-n 4 --dist worksteal", help="arguments of pytest, `%(default)s` by default"
    )
    arguments = parser.parse_args()
    if not (1 <= arguments.runs <= MOST and 0 <= arguments.load <= MOST):
        parser.error(f"N is 1 to {MOST}, K is 0 to {MOST}")
    failures: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="gale-repeat-") as folder:
        for number in range(1, arguments.runs + 1):
            began = time.monotonic()
            with busy(arguments.load):
                before = processor_seconds()
                tests, failed = run_once(Path(folder), shlex.split(arguments.pytest))
                used = processor_seconds() - before
            failures.update(failed)
            wall = time.monotonic() - began
            sys.stdout.write(
                f"run {number}: {tests} tests, {len(failed)} failed, {wall:.0f} s, {used:.0f} s of processor time\n"
            )
            if failed:
                sys.stdout.write((Path(folder) / "output.txt").read_text("utf-8", "replace"))
            sys.stdout.flush()
    for name, times in failures.most_common():
        sys.stdout.write(f"failed {times} of {arguments.runs}: {name}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
