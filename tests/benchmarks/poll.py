"""The engine without a screen, polling as fast as it can. Tells as JSON what that cost.

Arguments: folder with the history, how many answers to wait for.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from pathlib import Path

from gale_tui.core.config.environments import environment_from_variables
from gale_tui.core.config.paths import Paths
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.jobs.rate_limits import PollPolicy, PollResult
from gale_tui.core.threads import DaemonThreads

UNBOUND = PollPolicy(
    first=0.0, floor=0.001, ceiling=0.001, jitter=0.0, gap=0.0, burst=10**9, hourly=2 * 10**9, rate=1e6
)
"""No limit but what the program itself can do; eight questions under way at once, as always."""

WARM = 50
"""Answers before the count begins: by then everything is loaded and connected."""


async def measure(home: Path, wanted: int) -> dict[str, float]:
    """Counts answers once it is warm."""
    given = environment_from_variables(os.environ)
    assert given is not None
    environment, key = given
    threads = DaemonThreads("gale")
    paths = Paths.under(home)
    fixed = {environment.id: key}
    engine = GaleEngine(
        paths=paths,
        credentials=Credentials(config_file=paths.config_file, threads=threads, use_keyring=False, fixed=fixed),
        threads=threads,
        extra_environments=(environment,),
        policy=UNBOUND,
    )
    counted = 0
    warm, done = asyncio.Event(), asyncio.Event()

    async def counting(job_id: str) -> PollResult:
        nonlocal counted
        result = await poll_once(job_id)
        counted += 1
        if counted >= WARM:
            warm.set()
        if counted >= wanted + WARM:
            done.set()
        return result

    await engine.start()
    poll_once, engine.scheduler._poll = engine.scheduler._poll, counting
    async with asyncio.timeout(120):
        await warm.wait()
    at, used, first = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF), counted
    async with asyncio.timeout(120):
        await done.wait()
    seconds = time.perf_counter() - at
    after = resource.getrusage(resource.RUSAGE_SELF)
    polls = counted - first
    await engine.close()
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return {"rate": polls / seconds, "cpu": cpu / polls * 1000}


def main() -> None:
    """Polls and tells."""
    told = asyncio.run(measure(Path(sys.argv[1]), int(sys.argv[2])))
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
