"""Measures gale-tui: `.venv/bin/python -m tests.benchmarks`, a few minutes, this machine only.

It drives the real program in a real pty. What it is compared with is measured in the same run. Let nothing else run.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from tests.benchmarks.figures import Figure, machine, table
from tests.benchmarks.plan import FULL, QUICK

NAMES = ("start", "bytes", "keys", "downloads", "latency", "history", "polling", "idle", "source")


def main() -> None:
    """Runs what was asked for and ends with a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure gale-tui.")
    parser.add_argument("--quick", action="store_true", help="small numbers: to see that it works")
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else FULL
    where = machine()
    figures: list[Figure] = []
    for name in arguments.only or NAMES:
        began = time.monotonic()
        sys.stdout.write(f"\n{name}\n")
        module = importlib.import_module(f"tests.benchmarks.{_MODULES.get(name, name)}")
        for figure in module.run(plan):
            figures.append(figure)
            sys.stdout.write(f"  {figure.line()}\n")
            sys.stdout.flush()
        sys.stdout.write(f"  ({time.monotonic() - began:.0f} s)\n")
    sys.stdout.write(f"\n{where}{', quick run' if arguments.quick else ''}\n\n{table(figures)}\n")


_MODULES = {"bytes": "terminal_bytes", "idle": "idling"}

if __name__ == "__main__":
    main()
