"""Whatever happens to jobs while they are asked for: the history, the screen and the monitor agree, and limits hold."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import math
import random
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from gale_tui.core.background import cancel_all
from gale_tui.core.history.store import JobStore
from gale_tui.core.jobs.job_registry import JobRegistry
from gale_tui.core.jobs.rate_limits import PollOutcome, PollPolicy, PollResult
from gale_tui.core.jobs.scheduler import Scheduler
from gale_tui.core.jobs.transitions import final_state
from gale_tui.core.models import Job, JobChange, JobEvent, JobState
from tests.support.clocks import FakeClock, settle
from tests.support.examples import examples
from tests.support.history_samples import sample_job

T = TypeVar("T")

POLICY = PollPolicy()
ANSWERS = ("IN_PROGRESS", "SUCCESS", "FAILED", "PAUSED")
TROUBLES = [outcome for outcome in PollOutcome if outcome not in (PollOutcome.ANSWERED, PollOutcome.FINISHED)]
which = st.sampled_from(["staging", "production"])


class Instance:
    """A gale-tui without its screen: history, jobs in memory, monitor, and a GALE that answers as it is told.

    Args:
        path: The history.
        clock: Moved by hand.
        server: What GALE says of each job.
    """

    def __init__(self, path: Path, clock: FakeClock, server: dict[str, PollResult | str]) -> None:
        self.path = path
        self.clock = clock
        self.server = server
        self.asked: dict[str, list[float]] = {}
        self.under_way = 0
        self.shown: dict[str, Job] = {}

    async def open(self) -> None:
        """Starts: what is in the history and not at its end is asked for."""
        self.store = await JobStore.open(self.path)
        self.registry = JobRegistry(self.clock)
        self.registry.store = self.store
        self.registry.listeners.append(self._changed)
        # The jitter alone is random, and the same in each run.
        self.scheduler = Scheduler(self._ask, clock=self.clock, rng=random.Random(3), policy=POLICY)  # noqa: S311
        self.shown = {job.id: job for job in self.registry.add_loaded(await self.store.load())}
        self.asked = {}
        for job in self.shown.values():
            self._follow(job)
        self.running = asyncio.create_task(self.scheduler.run())

    async def close(self) -> None:
        """Ends."""
        await cancel_all([self.running])
        await self.store.close()

    def _follow(self, job: Job) -> None:
        if job.state.polled:
            self.scheduler.track(job.id, job.environment_id)
        else:
            self.scheduler.forget(job.id)

    def _changed(self, change: JobChange) -> None:
        if change.removed:
            del self.shown[change.job.id]
            self.scheduler.forget(change.job.id)
            return
        before = self.shown.get(change.job.id)
        assert before is None or change.job.revision > before.revision
        self.shown[change.job.id] = change.job
        self._follow(change.job)

    async def _ask(self, job_id: str) -> PollResult:
        answer = self.server.get(job_id, "IN_PROGRESS")
        if not (isinstance(answer, PollResult) and answer.outcome in (PollOutcome.ELSEWHERE, PollOutcome.NOT_SENT)):
            # Of these two nothing is sent.
            self.asked.setdefault(job_id, []).append(self.clock.monotonic())
        self.under_way += 1
        assert self.under_way <= POLICY.in_flight
        try:
            if isinstance(answer, PollResult):
                return answer
            state = final_state(answer)

            def apply(job: Job) -> Job:
                return dataclasses.replace(job, state=state, status=answer)

            await self.registry.change(job_id, apply, lambda old, new: new.status if new.status != old.status else None)
            return PollResult(PollOutcome.FINISHED if state.final else PollOutcome.ANSWERED)
        finally:
            self.under_way -= 1

    async def quiet(self) -> None:
        """Waits until nothing is asked and all is written."""
        await settle(8)
        while self.under_way:
            # A question of the history's own comes after all that was asked of it before.
            await self.store.events("")
            await settle(8)


class StoreAndMonitor(RuleBasedStateMachine):
    """Jobs come, are answered well and badly, are forgotten and brought back, and gale-tui is started again."""

    ids = Bundle("ids")
    forgotten = Bundle("forgotten")

    @initialize()
    def start(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FakeClock()
        self.server: dict[str, PollResult | str] = {}
        self.instance = Instance(self.folder / "jobs.sqlite3", self.clock, self.server)
        self.run(self.instance.open())
        self.count = 0
        self.ended: dict[str, JobState] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @rule(target=ids, environment=which, answer=st.sampled_from(ANSWERS))
    def export(self, environment: str, answer: str) -> str:
        self.count += 1
        job_id = f"job-{self.count}"
        self.server[job_id] = answer
        job = sample_job(job_id, self.clock.time(), environment_id=environment)
        self.run(self.instance.registry.add(job, "requested"))
        return job_id

    @rule(job_id=ids, answer=st.sampled_from(ANSWERS) | st.sampled_from(TROUBLES))
    def server_says(self, job_id: str, answer: str | PollOutcome) -> None:
        self.server[job_id] = PollResult(answer, 7.0) if isinstance(answer, PollOutcome) else answer

    @rule(environment=which, outcome=st.sampled_from([PollOutcome.UNREACHABLE, PollOutcome.UNAUTHORISED, None]))
    def environment_goes_or_comes(self, environment: str, outcome: PollOutcome | None) -> None:
        for job_id, job in self.instance.shown.items():
            if job.environment_id == environment:
                self.server[job_id] = "IN_PROGRESS" if outcome is None else PollResult(outcome)
        if outcome is None:
            self.instance.scheduler.resume_environment(environment)

    @rule(seconds=st.sampled_from([0.3, 1.0, 5.0, 20.0]))
    def time_passes(self, seconds: float) -> None:
        async def pass_by() -> None:
            for _ in range(math.ceil(seconds / 0.5)):
                await self.clock.advance(min(seconds, 0.5))
                await self.instance.quiet()

        self.run(pass_by())

    @rule()
    def stopped_for_an_hour(self) -> None:
        async def jump() -> None:
            await self.clock.jump(3600.0)
            await self.instance.quiet()

        self.run(jump())

    @rule(job_id=ids)
    def refresh(self, job_id: str) -> None:
        wait = self.instance.scheduler.refresh(job_id)
        known = self.instance.shown.get(job_id)
        assert (wait is None) == (known is None or not known.state.polled)

    @rule()
    def press_r_again_and_again(self) -> None:
        async def press() -> None:
            for _ in range(8):
                self.instance.scheduler.refresh_all()
                await self.clock.advance(0.3)
                await self.instance.quiet()

        self.run(press())

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.instance.scheduler.paused = paused

    @rule(target=forgotten, job_id=ids)
    def forget(self, job_id: str) -> Any:
        gone = self.run(self.instance.registry.remove(job_id))
        if gone is None:
            return multiple()
        job, events = gone
        return job, tuple(events)

    @rule(kept=consumes(forgotten))
    def bring_back(self, kept: tuple[Job, tuple[JobEvent, ...]]) -> None:
        job, events = kept
        if job.id not in self.instance.shown:
            self.run(self.instance.registry.restore(job, events))

    @rule()
    def start_again(self) -> None:
        self.run(self.instance.close())
        self.run(self.instance.open())

    @invariant()
    def all_agree(self) -> None:
        if not hasattr(self, "instance"):
            return
        self.run(self.instance.quiet())
        stored = {job.id: job for job in self.run(self.instance.store.load())}
        assert stored == self.instance.shown == dict(self.instance.registry.jobs)
        for job in stored.values():
            assert (job.id in self.instance.scheduler) == job.state.polled
        assert len(self.instance.scheduler) == sum(job.state.polled for job in stored.values())

    @invariant()
    def what_has_ended_stays_so(self) -> None:
        if not hasattr(self, "instance"):
            return
        for job in self.instance.shown.values():
            if job.state.final:
                assert self.ended.setdefault(job.id, job.state) is job.state
            else:
                assert job.id not in self.ended

    @invariant()
    def limits_hold(self) -> None:
        if not hasattr(self, "instance"):
            return
        for times in self.instance.asked.values():
            assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(times))

    def teardown(self) -> None:
        if hasattr(self, "instance"):
            self.run(self.instance.close())
            self.runner.close()
            shutil.rmtree(self.folder)


TestStoreAndMonitor = StoreAndMonitor.TestCase
TestStoreAndMonitor.settings = settings(max_examples=examples(15), stateful_step_count=25)
