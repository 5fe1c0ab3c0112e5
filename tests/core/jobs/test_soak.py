"""500 jobs over six minutes of a clock that is moved by hand: limits, memory, file descriptors."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import heapq
import itertools
import math
import os
import random
import sys
from bisect import bisect_left
from collections import Counter, defaultdict
from pathlib import Path

from gale_tui.core.background import cancel_all
from gale_tui.core.history.store import JobStore
from gale_tui.core.jobs.job_registry import JobRegistry
from gale_tui.core.jobs.rate_limits import PollOutcome, PollPolicy, PollResult
from gale_tui.core.jobs.scheduler import Scheduler
from gale_tui.core.jobs.transitions import final_state
from gale_tui.core.models import Job, JobState
from tests.support.clocks import FakeClock, settle
from tests.support.history_samples import sample_job

JOBS = 500
UNENDING = 100
"""The last of them run on beyond the six minutes."""
ENVIRONMENTS = ("staging", "production", "customer")
BLOCKS = 600
"""Blocks of memory that may be in use at the end and were not at the beginning of the last four minutes."""


class PatientClock(FakeClock):
    """Moves on only while nothing is being written: the history has a thread of its own, which no clock moves."""

    def __init__(self) -> None:
        super().__init__()
        self.writing = 0
        self.quiet = asyncio.Event()
        self.quiet.set()

    def writes(self, more: int) -> None:
        """Counts the writes under way."""
        self.writing += more
        if self.writing:
            self.quiet.clear()
        else:
            self.quiet.set()

    async def advance(self, seconds: float) -> None:
        """Moves on, stopping at each moment at which something is due."""
        until = self._now + seconds
        while True:
            await settle(6)
            while self.writing:
                await self.quiet.wait()
                await settle(6)
            if not self._sleepers or self._sleepers[0][0] > until:
                break
            at, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self._now = max(self._now, at)
                future.set_result(None)
        self._now = until


class Servers:
    """Three GALEs that answer well, badly or not at all, and note who asked when.

    Args:
        clock: When it is asked.
        registry: Where the answers are written.
    """

    def __init__(self, clock: PatientClock, registry: JobRegistry) -> None:
        self.clock = clock
        self.registry = registry
        self.rng = random.Random(7)  # noqa: S311  # the same six minutes each time
        self.asked: dict[str, list[float]] = defaultdict(list)
        self.outcomes: Counter[PollOutcome] = Counter()
        self.in_flight = 0
        self.most_in_flight = 0
        self.told_until: dict[str, float] = {}
        self.too_early: list[str] = []
        ends = [self.rng.uniform(5, 300) for _ in range(JOBS - UNENDING)] + [math.inf] * UNENDING
        self.ends = {f"job-{number}": end for number, end in enumerate(ends)}
        self.began = clock.monotonic()

    def count_asked(self) -> int:
        """The moments that were noted."""
        return sum(map(len, self.asked.values()))

    async def ask(self, job_id: str) -> PollResult:
        """Answers as GALE would, some time later."""
        now = self.clock.monotonic()
        self.asked[job_id].append(now)
        if now < self.told_until.get(job_id, -math.inf):
            self.too_early.append(job_id)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.clock.sleep(self.rng.choice((0.05, 0.1, 0.4)))
            asked = await self._answer(job_id, self.clock.monotonic() - self.began)
        finally:
            self.in_flight -= 1
        self.outcomes[asked.outcome] += 1
        if asked.retry_after is not None:
            self.told_until[job_id] = self.clock.monotonic() + asked.retry_after
        return asked

    async def _answer(self, job_id: str, second: float) -> PollResult:
        environment = self.registry.jobs[job_id].environment_id
        if environment == "customer" and 60 <= second < 120:
            return PollResult(PollOutcome.UNREACHABLE)
        chance = self.rng.randrange(100)
        if environment == "staging" and 150 <= second < 240 and chance < 30:
            return PollResult(PollOutcome.RATE_LIMITED, retry_after=20.0)
        if chance < 4:
            troubles = (PollOutcome.TROUBLE, PollOutcome.UNANSWERED, PollOutcome.NOT_FOUND, PollOutcome.FORBIDDEN)
            return PollResult(troubles[chance])
        ended = second >= self.ends[job_id]
        status = "SUCCESS" if ended else "IN_PROGRESS"

        def change(job: Job) -> Job:
            # A tenth every half minute: most answers say nothing new, and cost no write.
            percentage = 100.0 if ended else 10.0 * (second // 30 % 10)
            return dataclasses.replace(job, state=final_state(status), status=status, percentage=percentage)

        self.clock.writes(1)
        try:
            await self.registry.change(
                job_id, change, lambda old, new: new.status if new.status != old.status else None
            )
        finally:
            self.clock.writes(-1)
        return PollResult(PollOutcome.FINISHED if ended else PollOutcome.ANSWERED)


def descriptors() -> int:
    """Open file descriptors of this process."""
    return len(os.listdir("/dev/fd"))


def most_within(times: list[float], seconds: float) -> int:
    """The most moments within so many seconds; `times` in order."""
    return max((number + 1 - bisect_left(times, at - seconds) for number, at in enumerate(times)), default=0)


async def test_500_jobs_over_six_minutes(tmp_path: Path) -> None:
    clock = PatientClock()
    store = await JobStore.open(tmp_path / "jobs.sqlite3")
    registry = JobRegistry(clock)
    registry.store = store
    servers = Servers(clock, registry)
    policy = PollPolicy()
    monitor = Scheduler(servers.ask, clock=clock, rng=random.Random(5), policy=policy)  # noqa: S311  # jitter alone
    for number, job_id in enumerate(servers.ends):
        environment = ENVIRONMENTS[number % len(ENVIRONMENTS)]
        await registry.add(sample_job(job_id, clock.time() + number / 1000, environment_id=environment), "requested")
        monitor.track(job_id, environment)
    running = asyncio.create_task(monitor.run())
    await clock.advance(120)

    open_before = descriptors()
    gc.collect()
    before = sys.getallocatedblocks() - servers.count_asked()
    for _ in range(16):
        # Somebody asks for all jobs at once, four times a minute.
        monitor.refresh_all()
        await clock.advance(15)
    gc.collect()
    assert sys.getallocatedblocks() - servers.count_asked() - before < BLOCKS
    assert descriptors() == open_before
    assert len(asyncio.all_tasks()) <= policy.in_flight + 5

    assert servers.most_in_flight == 8
    assert not servers.too_early
    for times in servers.asked.values():
        assert min((later - earlier for earlier, later in itertools.pairwise(times)), default=math.inf) >= 1.0
        assert most_within(times, 60) <= 60
    for environment in ENVIRONMENTS:
        of_all = sorted(
            at
            for job_id, times in servers.asked.items()
            for at in times
            if registry.jobs[job_id].environment_id == environment
        )
        assert most_within(of_all, 1.0) <= policy.rate * 1.25 + 2
    away = [
        at
        for job_id, times in servers.asked.items()
        for at in times
        if registry.jobs[job_id].environment_id == "customer"
    ]
    # A dead network is asked again by one job now and then, not by all of them.
    assert sum(servers.began + 65 <= at < servers.began + 120 for at in away) < 30

    seen = (outcome for outcome in PollOutcome if outcome.reached and outcome is not PollOutcome.UNAUTHORISED)
    assert min(servers.outcomes[outcome] for outcome in seen) > 0
    states = Counter(job.state for job in await store.load())
    assert states == {JobState.SUCCEEDED: JOBS - UNENDING, JobState.RUNNING: UNENDING}
    assert len(monitor) == UNENDING
    await cancel_all([running])
    await store.close()
