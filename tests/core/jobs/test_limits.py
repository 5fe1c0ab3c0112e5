"""What holds whoever asks and however often: questions about one job, exports under way, Retry-After, two instances."""

from __future__ import annotations

import asyncio

import pytest

from gale_tui.core.errors import SendingError
from gale_tui.core.jobs.rate_limits import PollOutcome, PollResult
from gale_tui.core.models import JobState
from gale_tui.sandbox.script import Fault
from tests.support import faults
from tests.support.clocks import FakeClock
from tests.support.engines import Bench, Watch, bench, eventually

__all__ = ["bench"]


async def test_d_held_down_asks_no_faster_than_polling_does(bench: Bench) -> None:
    bench.script(duration=1.0, url_in="neither")
    async with bench.engine() as watch:
        job = await bench.export(watch, save_when_ready=False)
        await watch.state(job.id, JobState.SUCCEEDED)
        dock = job.dock_status_id or ""
        before, began = len(bench.sandbox.status_calls(dock)), bench.clock.monotonic()
        for _ in range(100):
            await watch.engine.jobs.download(job.id)
            await bench.clock.sleep(0.2)
        passed = bench.clock.monotonic() - began
        asked = len(bench.sandbox.status_calls(dock)) - before
        assert 0 < asked <= passed / watch.engine.scheduler.policy.floor + 1


async def test_a_job_whose_post_is_under_way_stays(bench: Bench) -> None:
    bench.script(duration=1.0, on_export=(Fault(delay=20.0),))
    async with bench.engine() as first, bench.engine() as second:
        form = asyncio.create_task(bench.export(first))
        await eventually(lambda: bench.posts == 1)
        (job_id,) = first.engine.jobs
        await second.state(job_id, JobState.REQUESTING)
        for watch in (first, second):
            with pytest.raises(SendingError):
                await watch.engine.jobs.remove(job_id)
        await form
        await first.saved(job_id)
        assert await first.engine.jobs.remove(job_id) is not None
    assert bench.posts == 1


async def test_a_clock_that_is_set_shortens_no_retry_after(bench: Bench) -> None:
    bench.script(on_export=(faults.rate_limited(7200),))
    async with bench.engine() as first, bench.engine() as second:
        job = await bench.export(first)
        await second.state(job.id, JobState.WAITING)
        assert job.resume_at is not None
        assert job.resume_at - bench.clock.time() > 7000
        bench.clock._wall += 7200  # the wall clock is set
        await bench.clock.sleep(60)
        assert {first.engine.jobs[job.id].state, second.engine.jobs[job.id].state} == {JobState.WAITING}
    assert bench.posts == 1


async def test_two_hours_of_retry_after_are_two_hours_for_both_instances(bench: Bench) -> None:
    bench.script(on_export=(faults.rate_limited(7200),))
    clock = FakeClock()

    async def follow(watch: Watch, seconds: float) -> None:
        for _ in range(int(seconds / 60)):
            await clock.advance(60)
            # The history answers on its own threads.
            await watch.engine.registry.store.events("")

    async with bench.engine(clock=clock) as first, bench.engine(clock=clock) as second:
        exporting = asyncio.create_task(bench.export(first))
        await eventually(lambda: bench.posts == 1)
        job = await exporting
        await follow(second, 7140)
        assert bench.posts == 1
        async with asyncio.timeout(60):
            while bench.posts == 1:
                await follow(second, 60)
                await asyncio.sleep(0.02)
        assert clock.monotonic() - 1000.0 >= 7200
        await follow(second, 120)
        assert bench.posts == 2
        assert job.id in second.engine.jobs


async def test_a_retry_after_of_a_status_holds_for_whoever_polls_next(bench: Bench) -> None:
    bench.script(duration=20.0, on_status=(faults.rate_limited(300),))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        await watch.until(job.id, lambda job: job.resume_at is not None)
    asked = len(bench.sandbox.status_calls(job.dock_status_id or ""))
    async with bench.engine():
        await bench.clock.sleep(60)
        assert len(bench.sandbox.status_calls(job.dock_status_id or "")) == asked


async def test_a_job_that_changes_hands_is_read_again_and_left_alone_for_a_moment(bench: Bench) -> None:
    bench.script(duration=5.0)
    async with bench.engine() as late:
        late.engine.scheduler.paused = True
        poller = late.engine._poller
        async with bench.engine() as first:
            job = await bench.export(first)
            dock = job.dock_status_id or ""
            await eventually(lambda: len(bench.sandbox.status_calls(dock)) > 0)
            assert (await poller.poll(job.id)).outcome is PollOutcome.ELSEWHERE
        taken = await poller.poll(job.id)
        if taken.outcome is not PollOutcome.FINISHED:
            assert taken == PollResult(PollOutcome.NOT_SENT)


async def test_who_takes_a_job_that_has_ended_does_not_ask(bench: Bench) -> None:
    bench.script(duration=5.0)
    async with bench.engine() as first:
        job = await bench.export(first, save_when_ready=False)
        # The other one's clock stands still: it hears of nothing.
        async with bench.engine(clock=FakeClock()) as late:
            await eventually(lambda: job.id in late.engine.jobs)
            await first.state(job.id, JobState.SUCCEEDED)
            await eventually(lambda: job.id not in first.engine._poller._leased)
            asked = len(bench.sandbox.status_calls(job.dock_status_id or ""))
            result = await late.engine._poller.poll(job.id)
            assert result.outcome in (PollOutcome.FINISHED, PollOutcome.ELSEWHERE)
            assert len(bench.sandbox.status_calls(job.dock_status_id or "")) == asked
