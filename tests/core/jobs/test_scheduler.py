"""When the scheduler asks whom, on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gale_tui.core.background import cancel_all
from gale_tui.core.jobs.rate_limits import Condition, PollOutcome, PollPolicy, PollResult, Wait
from gale_tui.core.jobs.scheduler import Scheduler
from tests.support.clocks import FakeClock, settle
from tests.support.examples import examples

ANSWERED = PollResult(PollOutcome.ANSWERED)
POLICY = PollPolicy()


class Server:
    """Answers the scheduler's questions and remembers when each came."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.asked: list[tuple[float, str]] = []
        self.answer: Callable[[str], PollResult] = lambda job_id: ANSWERED
        self.takes = 0.0
        self.under_way = 0
        self.most_under_way = 0

    async def ask(self, job_id: str) -> PollResult:
        self.asked.append((self.clock.monotonic(), job_id))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            answer = self.answer(job_id)
            if self.takes:
                await self.clock.sleep(self.takes)
            return answer
        finally:
            self.under_way -= 1

    def times(self, job_id: str = "a") -> list[float]:
        """When a job was asked for, from the start of the test."""
        return [at - 1000.0 for at, asked in self.asked if asked == job_id]

    def gaps(self, job_id: str = "a") -> list[float]:
        times = self.times(job_id)
        return [later - earlier for earlier, later in itertools.pairwise(times)]


class Bench:
    """A running scheduler with its clock and server."""

    running: asyncio.Task[None]

    def __init__(self, seed: int = 1, usual: float | None = None, **numbers: Any) -> None:
        self.clock = FakeClock()
        self.server = Server(self.clock)
        self.conditions: list[tuple[str, Condition]] = []
        self.scheduler = Scheduler(
            self.server.ask,
            clock=self.clock,
            rng=random.Random(seed),  # noqa: S311  # jitter, the same each time
            policy=PollPolicy(**numbers),
            on_condition=lambda environment, condition: self.conditions.append((environment, condition)),
            usual=lambda job_id: usual,
        )


@contextlib.asynccontextmanager
async def bench(seed: int = 1, **numbers: Any) -> AsyncIterator[Bench]:
    one = Bench(seed, **numbers)
    one.running = asyncio.create_task(one.scheduler.run())
    try:
        yield one
    finally:
        await cancel_all([one.running])


def most_within(times: list[float], seconds: float) -> int:
    """The most events in any window of so many seconds, its end excluded."""
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= seconds - 1e-9:
            first += 1
        most = max(most, last - first + 1)
    return most


async def test_a_young_job_is_polled_at_the_floor_and_an_older_one_at_a_share_of_its_age() -> None:
    async with bench() as b:
        b.scheduler.track("a", "e")
        await b.clock.advance(400)
        times = b.server.times()
    assert times[0] == 1.0
    for before, after in itertools.pairwise(times):
        wait = 2.0 if before < 60 else min(15.0, before * 0.08)
        assert wait - 1e-6 <= after - before <= wait * 1.15 + 1e-6
    assert times[-1] - times[-2] >= 15.0


async def test_a_tool_that_is_known_is_polled_at_the_floor_around_its_usual_end() -> None:
    async with bench(usual=40.0) as b:
        b.scheduler.track("a", "e")
        await b.clock.advance(100)
        times = b.server.times()
    early = [at for at in times if at < 24]
    around = [at for at in times if 27 <= at <= 60]
    assert len(early) <= 4
    assert all(after - before <= 2.3 + 1e-6 for before, after in itertools.pairwise(around))
    assert len(around) >= 14


async def test_the_job_that_is_looked_at_is_polled_at_the_floor() -> None:
    async with bench() as b:
        b.scheduler.track("a", "e", age=600)
        b.scheduler.track("b", "e", age=600)
        await b.clock.advance(30)
        b.scheduler.watch("a")
        await b.clock.advance(0.1)
        assert b.clock.monotonic() - 1000.0 - b.server.times("a")[-1] <= 2.0
        await b.clock.advance(60)
        assert max(b.server.gaps("a")[-20:]) <= 2.3 + 1e-6
        assert min(b.server.gaps("b")) >= 15.0
        b.scheduler.watch(None)
        await b.clock.advance(60)
        assert b.server.gaps("a")[-1] >= 15.0


async def test_jitter_differs_from_job_to_job() -> None:
    async with bench() as b:
        for name in "abcd":
            b.scheduler.track(name, "e")
        await b.clock.advance(60)
        assert len({round(b.server.gaps(name)[2], 6) for name in "abcd"}) == 4


async def test_a_job_older_than_an_hour_is_asked_for_each_minute() -> None:
    async with bench() as b:
        b.scheduler.track("a", "e", age=3601)
        await b.clock.advance(600)
        assert all(60.0 <= gap <= 60.0 * 1.15 for gap in b.server.gaps())


async def test_a_job_taken_up_later_is_not_asked_for_as_if_it_were_new() -> None:
    async with bench() as b:
        b.scheduler.track("a", "e", age=600)
        await b.clock.advance(60)
        assert b.server.gaps()[0] >= 15.0


@pytest.mark.parametrize("floor", [1.0, POLICY.floor])
async def test_mashed_refresh_stays_within_the_limits_over_an_hour(floor: float) -> None:
    async with bench(floor=floor) as b:
        b.scheduler.track("a", "e")
        for _ in range(14_500):
            b.scheduler.refresh("a")
            await b.clock.advance(0.25)
        times = b.server.times()
    assert most_within(times, 60) <= 60
    assert most_within(times, 3600) <= 1800
    assert len(times) > 1000


async def test_mashed_refresh_keeps_to_the_floor() -> None:
    async with bench() as b:
        b.scheduler.policy = POLICY.with_floor(30.0)
        b.scheduler.track("a", "e")
        await b.clock.advance(1.1)
        assert len(b.server.times()) == 1
        for _ in range(1200):
            wait = b.scheduler.refresh("a")
            await b.clock.advance(0.25)
        assert wait is not None
        assert not wait.limited
        gaps = b.server.gaps()
    assert len(gaps) >= 8
    assert all(30.0 <= gap < 31.0 for gap in gaps)


async def test_no_more_than_eight_are_under_way() -> None:
    async with bench() as b:
        b.server.takes = 5.0
        for number in range(40):
            b.scheduler.track(str(number), "e")
        await b.clock.advance(20)
        assert b.server.most_under_way == 8


async def test_the_rate_of_one_environment_is_bounded_and_every_job_has_its_turn() -> None:
    async with bench() as b:
        for number in range(500):
            b.scheduler.track(str(number), "e")
        await b.clock.advance(60)
        times = [at for at, _ in b.server.asked]
        counts = Counter(job for _, job in b.server.asked)
    assert most_within(times, 1.0) <= 20 + 6
    assert len(counts) == 500
    assert max(counts.values()) - min(counts.values()) <= 2


async def test_another_environment_does_not_wait_for_a_crowded_one() -> None:
    async with bench() as b:
        for number in range(400):
            b.scheduler.track(str(number), "crowded")
        await b.clock.advance(2)
        b.scheduler.track("a", "quiet")
        await b.clock.advance(1.1)
        assert len(b.server.times("a")) == 1


async def test_retry_after_is_obeyed_in_spite_of_refresh() -> None:
    async with bench() as b:
        b.server.answer = lambda job_id: PollResult(PollOutcome.RATE_LIMITED, 40.0)
        b.scheduler.track("a", "e")
        await b.clock.advance(1)
        for _ in range(39):
            wait = b.scheduler.refresh("a")
            await b.clock.advance(1)
        assert wait is not None
        assert 1.0 <= wait.seconds <= 2.5
        assert wait.limited
        assert len(b.server.times()) == 1
        await b.clock.advance(10)
        assert len(b.server.times()) == 2


async def test_retry_after_of_an_error_counts_too() -> None:
    async with bench() as b:
        b.server.answer = lambda job_id: PollResult(PollOutcome.TROUBLE, 50.0)
        b.scheduler.track("a", "e")
        await b.clock.advance(2)
        b.scheduler.refresh("a")
        await b.clock.advance(48)
        assert len(b.server.times()) == 1


async def test_the_budget_halves_on_429_and_recovers() -> None:
    async with bench() as b:
        b.scheduler.track("a", "e")
        for number in range(300):
            b.scheduler.track(str(number), "e")
        b.server.answer = lambda job_id: PollResult(PollOutcome.RATE_LIMITED, 1.0) if job_id == "a" else ANSWERED
        await b.clock.advance(2)
        b.server.answer = lambda job_id: ANSWERED
        before = len(b.server.asked)
        await b.clock.advance(10)
        slowed = len(b.server.asked) - before
        await b.clock.advance(60)
        before = len(b.server.asked)
        await b.clock.advance(10)
        recovered = len(b.server.asked) - before
    assert 90 <= slowed <= 115
    assert 180 <= recovered <= 215
    assert [condition for _, condition in b.conditions] == ["slowed", "fine"]


async def test_refreshing_a_slowed_environment_again_and_again_keeps_nobody_waiting_afterwards() -> None:
    async with bench() as b:
        for number in range(150):
            b.scheduler.track(str(number), "e")
        b.server.answer = lambda job_id: PollResult(PollOutcome.RATE_LIMITED, 20.0)
        await b.clock.advance(30)
        b.server.answer = lambda job_id: ANSWERED
        for _ in range(12):
            b.scheduler.refresh_all()
            await b.clock.advance(15)
        before = len(b.server.asked)
        await b.clock.advance(30)
        asked = {job_id for _, job_id in b.server.asked[before:]}
    assert len(asked) == 150


async def test_three_jobs_refused_in_a_row_make_all_wait_even_when_asked_by_hand() -> None:
    async with bench() as b:
        b.server.answer = lambda job_id: PollResult(PollOutcome.RATE_LIMITED, 30.0)
        for name in "abc":
            b.scheduler.track(name, "e")
        await b.clock.advance(4)
        b.scheduler.track("d", "e")
        await b.clock.advance(2)
        b.scheduler.refresh("d")
        await b.clock.advance(20)
        assert b.server.times("d") == []
        await b.clock.advance(10)
        assert len(b.server.times("d")) == 1


async def test_a_question_for_a_link_waits_with_all_others() -> None:
    async with bench() as b:
        for name in "abc":
            b.scheduler.track(name, "e")
            b.scheduler.record_limit(name, "e", 30.0)
        turn = asyncio.create_task(b.scheduler.wait_turn("d", "e"))
        await b.clock.advance(29)
        assert not turn.done()
        await b.clock.advance(2)
        assert turn.done()


async def test_one_job_refused_again_and_again_does_not_hold_up_the_others() -> None:
    async with bench() as b:
        b.server.answer = lambda job_id: PollResult(PollOutcome.RATE_LIMITED, 60.0) if job_id == "a" else ANSWERED
        b.scheduler.track("a", "e")
        b.scheduler.track("b", "e")
        await b.clock.advance(400)
        assert max(b.server.gaps("b")) < 20


async def test_a_dead_network_is_tried_by_one_job_alone_and_ever_more_slowly() -> None:
    async with bench() as b:
        b.server.answer = lambda job_id: PollResult(PollOutcome.UNREACHABLE)
        b.server.takes = 0.5
        for number in range(50):
            b.scheduler.track(str(number), "e")
        await b.clock.advance(10)
        begun = len(b.server.asked)
        b.server.most_under_way = 0
        await b.clock.advance(600)
        probes = [at for at, _ in b.server.asked[begun:]]
        assert b.server.most_under_way == 1
        assert 9 <= len(probes) <= 16
        assert all(56 <= later - earlier <= 66 for earlier, later in itertools.pairwise(probes[5:]))
        assert b.conditions[-1] == ("e", "offline")

        b.server.answer = lambda job_id: ANSWERED
        begun = len(b.server.asked)
        await b.clock.advance(90)
        returned = [at for at, _ in b.server.asked[begun:]]
    assert len({job for _, job in b.server.asked[begun:]}) == 50
    assert most_within(returned, 1.0) <= 26
    assert b.conditions[-1] == ("e", "fine")


async def test_eight_failures_at_once_are_one_failure() -> None:
    async with bench() as b:
        b.server.answer = lambda job_id: PollResult(PollOutcome.UNREACHABLE)
        b.server.takes = 0.5
        for number in range(8):
            b.scheduler.track(str(number), "e")
        await b.clock.advance(2)
        assert len(b.server.asked) == 8
        await b.clock.advance(4)
        assert len(b.server.asked) >= 9


async def test_refreshing_all_of_a_dead_environment_sends_one_probe() -> None:
    async with bench() as b:
        b.server.answer = lambda job_id: PollResult(PollOutcome.UNREACHABLE)
        for number in range(50):
            b.scheduler.track(str(number), "e")
        await b.clock.advance(200)
        before = len(b.server.asked)
        b.scheduler.refresh_all()
        await b.clock.advance(5)
        assert len(b.server.asked) - before == 1


async def test_silence_makes_an_environment_offline_a_single_lost_answer_does_not() -> None:
    async with bench() as b:
        for name in "abc":
            b.scheduler.track(name, "e")
        b.server.answer = lambda job_id: PollResult(PollOutcome.UNANSWERED) if job_id == "a" else ANSWERED
        await b.clock.advance(60)
        assert b.conditions == []
        b.server.answer = lambda job_id: PollResult(PollOutcome.UNANSWERED)
        await b.clock.advance(60)
        assert b.conditions == [("e", "offline")]


async def test_the_last_answer_of_an_environment_ends_its_being_offline() -> None:
    async with bench() as b:
        b.server.answer = lambda job_id: PollResult(PollOutcome.UNREACHABLE)
        b.scheduler.track("a", "e")
        await b.clock.advance(5)

        def finish(job_id: str) -> PollResult:
            # As the engine does: the job is forgotten before its last question has returned.
            b.scheduler.forget(job_id)
            return PollResult(PollOutcome.FINISHED)

        b.server.answer = finish
        await b.clock.advance(60)
        assert b.conditions[-1] == ("e", "fine")
        assert len(b.scheduler) == 0
        b.scheduler.track("b", "e")
        b.server.answer = lambda job_id: ANSWERED
        await b.clock.advance(1.5)
        assert len(b.server.times("b")) == 1


async def test_a_refused_key_pauses_the_environment_until_there_is_another() -> None:
    async with bench() as b:
        b.server.answer = lambda job_id: PollResult(PollOutcome.UNAUTHORISED)
        for number in range(20):
            b.scheduler.track(str(number), "e")
        b.scheduler.track("other", "f")
        await b.clock.advance(3)
        asked = len([job for _, job in b.server.asked if job != "other"])
        assert 1 <= asked <= 8
        await b.clock.advance(600)
        assert len([job for _, job in b.server.asked if job != "other"]) == asked
        assert ("e", "needs key") in b.conditions

        b.scheduler.refresh_all()
        await b.clock.advance(5)
        assert len([job for _, job in b.server.asked if job != "other"]) == asked + 1

        b.server.answer = lambda job_id: ANSWERED
        b.scheduler.resume_environment("e")
        await b.clock.advance(4)
        assert {str(number) for number in range(20)} <= {job for _, job in b.server.asked[-30:]}
        assert [each for each in b.conditions if each[0] == "e"][-1] == ("e", "fine")


async def test_403_concerns_its_job_alone() -> None:
    async with bench() as b:
        b.server.answer = lambda job_id: PollResult(PollOutcome.FORBIDDEN, 60.0) if job_id == "a" else ANSWERED
        b.scheduler.track("a", "e")
        b.scheduler.track("b", "e")
        await b.clock.advance(130)
        assert len(b.server.times("a")) == 3
        assert max(b.server.gaps("b")) < 18
        assert b.conditions == []


async def test_404_for_two_minutes_makes_a_job_lost_and_an_answer_finds_it() -> None:
    async with bench() as b:
        lost_when_asked: list[tuple[float, bool]] = []

        def unknown(job_id: str) -> PollResult:
            lost_when_asked.append((b.clock.monotonic() - 1000, b.scheduler.is_lost(job_id)))
            return PollResult(PollOutcome.NOT_FOUND)

        b.server.answer = unknown
        b.scheduler.track("a", "e")
        await b.clock.advance(300)
        assert all(lost == (at >= 121) for at, lost in lost_when_asked)
        assert any(lost for _, lost in lost_when_asked)
        slow = len(b.server.times())
        await b.clock.advance(290)
        assert len(b.server.times()) - slow <= 1

        before = len(b.server.times())
        b.scheduler.refresh("a")
        await b.clock.advance(0.1)
        assert len(b.server.times()) == before + 1
        b.server.answer = lambda job_id: ANSWERED
        b.scheduler.refresh("a")
        await b.clock.advance(2)
        assert not b.scheduler.is_lost("a")


async def test_a_lost_job_stays_lost_over_a_restart() -> None:
    async with bench() as b:
        b.scheduler.track("a", "e", lost=True)
        assert b.scheduler.is_lost("a")
        b.server.answer = lambda job_id: PollResult(PollOutcome.NOT_FOUND)
        await b.clock.advance(250)
        assert len(b.server.times()) == 1


async def test_paused_nothing_is_asked_but_by_hand() -> None:
    async with bench() as b:
        for name in "abc":
            b.scheduler.track(name, "e")
        b.scheduler.paused = True
        await b.clock.advance(100)
        assert b.server.asked == []
        assert b.scheduler.refresh("b") == Wait(0.0)
        await b.clock.advance(100)
        assert [job for _, job in b.server.asked] == ["b"]
        b.scheduler.paused = False
        await b.clock.advance(3)
        assert {job for _, job in b.server.asked} == set("abc")


async def test_a_process_that_was_stopped_for_an_hour_does_not_stampede() -> None:
    async with bench() as b:
        for number in range(300):
            b.scheduler.track(str(number), "e")
        await b.clock.advance(60)
        before = len(b.server.asked)
        await b.clock.jump(3600)
        assert len(b.server.asked) - before <= 3
        await b.clock.advance(40)
        times = [at for at, _ in b.server.asked[before:]]
    assert most_within(times, 1.0) <= 26
    assert len({job for _, job in b.server.asked[before:]}) == 300


async def test_a_wall_clock_that_jumps_changes_nothing() -> None:
    async def run(jump: float) -> list[float]:
        async with bench() as b:
            b.scheduler.track("a", "e")
            await b.clock.advance(20)
            b.clock.wall_offset = jump
            await b.clock.advance(100)
            return b.server.times()

    assert await run(0) == await run(7200) == await run(-7200)


async def test_a_fault_in_asking_ends_neither_the_job_nor_the_scheduler() -> None:
    async with bench() as b:
        reports: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, report: reports.append(report))

        def broken(job_id: str) -> PollResult:
            if job_id == "a" and len(b.server.times("a")) < 3:
                raise ZeroDivisionError
            return ANSWERED

        b.server.answer = broken
        b.scheduler.track("a", "e")
        b.scheduler.track("b", "e")
        await b.clock.advance(60)
        assert len(b.server.times("a")) > 5
        assert len(b.server.times("b")) > 5
        assert [type(report["exception"]) for report in reports] == [ZeroDivisionError] * 2
        assert not b.running.done()


async def test_a_job_that_was_forgotten_and_brought_back_keeps_to_its_limits() -> None:
    async with bench() as b:
        for _ in range(400):
            b.scheduler.track("a", "e")
            b.scheduler.refresh("a")
            await b.clock.advance(0.25)
            b.scheduler.forget("a")
        times = b.server.times()
    assert most_within(times, 60) <= 60
    assert len(times) > 20


async def test_a_forgotten_job_is_asked_for_no_more() -> None:
    async with bench() as b:
        b.scheduler.track("a", "e")
        await b.clock.advance(1.5)
        b.scheduler.forget("a")
        assert "a" not in b.scheduler
        assert b.scheduler.refresh("a") is None
        await b.clock.advance(100)
        assert len(b.server.times()) == 1


async def test_refresh_while_it_is_being_asked_asks_once_more() -> None:
    async with bench() as b:
        b.server.takes = 3.0
        b.scheduler.track("a", "e")
        await b.clock.advance(2)
        b.scheduler.refresh("a")
        b.scheduler.refresh("a")
        await b.clock.advance(2.5)
        assert b.server.times() == pytest.approx([1.0, 4.0])


async def test_a_job_that_another_process_polls_is_looked_at_seldom() -> None:
    async with bench() as b:
        b.server.answer = lambda job_id: PollResult(PollOutcome.ELSEWHERE)
        b.scheduler.track("a", "e")
        await b.clock.advance(100)
        assert all(15.0 <= gap <= 15.0 * 1.15 for gap in b.server.gaps())


OUTCOMES = st.sampled_from(
    [
        ANSWERED,
        PollResult(PollOutcome.RATE_LIMITED),
        PollResult(PollOutcome.RATE_LIMITED, 7.0),
        PollResult(PollOutcome.RATE_LIMITED, 90.0),
        PollResult(PollOutcome.UNREACHABLE),
        PollResult(PollOutcome.UNANSWERED),
        PollResult(PollOutcome.TROUBLE),
        PollResult(PollOutcome.TROUBLE, 20.0),
        PollResult(PollOutcome.NOT_FOUND),
        PollResult(PollOutcome.FORBIDDEN, 60.0),
        PollResult(PollOutcome.UNAUTHORISED),
    ]
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("advance"), st.floats(0.0, 90.0)),
        st.tuples(st.just("jump"), st.floats(0.0, 4000.0)),
        st.tuples(st.just("refresh"), st.integers(0, 11)),
        st.tuples(st.just("refresh all"), st.just(0)),
        st.tuples(st.just("mash"), st.integers(1, 80)),
        st.tuples(st.just("pause"), st.booleans()),
        st.tuples(st.just("key"), st.just(0)),
        st.tuples(st.just("answers"), st.lists(OUTCOMES, min_size=1, max_size=4)),
        st.tuples(st.just("takes"), st.sampled_from([0.0, 0.3, 4.0])),
    ),
    max_size=25,
)


@given(steps=STEPS, seed=st.integers(0, 1000))
@settings(max_examples=examples(25))
def test_whatever_happens_the_limits_hold(steps: list[tuple[str, Any]], seed: int) -> None:
    asyncio.run(_play(steps, seed))


async def _play(steps: list[tuple[str, Any]], seed: int) -> None:
    async with bench(seed) as b:
        told: dict[str, float] = {}
        answers = [ANSWERED]
        pick = random.Random(seed)  # noqa: S311  # which answer comes, the same each time

        def answer(job_id: str) -> PollResult:
            now = b.clock.monotonic()
            assert now >= told.get(job_id, 0.0) - 1e-6, "asked before Retry-After was over"
            asked = pick.choice(answers)
            if asked.retry_after is not None:
                told[job_id] = now + asked.retry_after
            return asked

        b.server.answer = answer
        for number in range(12):
            b.scheduler.track(str(number), "e" if number < 8 else "f")
        for what, value in steps:
            if what == "advance":
                await b.clock.advance(value)
            elif what == "jump":
                await b.clock.jump(value)
            elif what == "refresh":
                b.scheduler.refresh(str(value))
            elif what == "refresh all":
                b.scheduler.refresh_all()
            elif what == "mash":
                for _ in range(value):
                    b.scheduler.refresh("3")
                    await b.clock.advance(0.2)
            elif what == "pause":
                b.scheduler.paused = value
            elif what == "key":
                b.scheduler.resume_environment("e")
            elif what == "answers":
                answers[:] = value
            else:
                b.server.takes = value
            await settle()
        # Whatever came before: in the end everybody is asked again.
        answers[:] = [ANSWERED]
        # What is under way still gets its old answer.
        await b.clock.advance(5)
        b.scheduler.paused = False
        b.scheduler.resume_environment("e")
        b.scheduler.resume_environment("f")
        before = len(b.server.asked)
        await b.clock.advance(400)
        assert {job for _, job in b.server.asked[before:]} == {str(number) for number in range(12)}
        for number in range(12):
            times = b.server.times(str(number))
            assert most_within(times, 60) <= 60
            assert most_within(times, 3600) <= 1800
            assert all(gap >= POLICY.gap - 1e-6 for gap in b.server.gaps(str(number)))
        assert b.server.most_under_way <= 8
