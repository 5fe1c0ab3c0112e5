"""`python -m tests.campaign [SEED] [COUNT]`: COUNT journeys from SEED on, a line for each that violates something."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.campaign.journey import ENDS, Journey, travel

MOST = 2000
"""Journeys of one call."""


def main() -> int:
    """Travels; 1 where anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description="Random journeys with random faults.")
    parser.add_argument("seed", nargs="?", type=int, default=1, help="the first seed (1)")
    parser.add_argument("count", nargs="?", type=int, default=20, help=f"how many journeys, at most {MOST} (20)")
    parser.add_argument("--beside", type=int, default=2, metavar="N", help="journeys at the same time (2)")
    parser.add_argument("--ends", type=float, default=ENDS, metavar="S", help=f"seconds to an end ({ENDS:g})")
    parser.add_argument("--keep", action="store_true", help="keep the folders of journeys with violations")
    arguments = parser.parse_args()
    began = time.monotonic()
    violated: list[Journey] = []
    slowest = 0.0

    def one(seed: int) -> Journey:
        with tempfile.TemporaryDirectory(prefix="gale-campaign-", ignore_cleanup_errors=True) as name:
            journey = travel(seed, Path(name), ends=arguments.ends)
            if journey.violations and arguments.keep:
                kept = Path(tempfile.gettempdir()) / f"gale-campaign-kept-{seed}"
                Path(name).rename(kept)
                Path(name).mkdir()
                journey.violations.append(f"kept in {kept}")
            return journey

    count = min(arguments.count, MOST)
    with ThreadPoolExecutor(arguments.beside) as pool:
        for journey in pool.map(one, range(arguments.seed, arguments.seed + count)):
            slowest = max(slowest, journey.slowest_end)
            if journey.violations:
                violated.append(journey)
                sys.stdout.write(f"seed {journey.seed}: {'; '.join(journey.violations)}\n")
                sys.stdout.flush()
    sys.stdout.write(
        f"{count} journeys in {time.monotonic() - began:.0f} s: {len(violated)} with violations; "
        f"the slowest end took {slowest:.2f} s\n"
    )
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
