"""When to poll which job: one scheduler for all jobs of all environments.

It knows nothing of HTTP or of the history. It calls `poll(job_id)` and decides by the `PollOutcome` when to poll again.
Times are monotonic seconds of the injected clock.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable

from gale_tui.core.background import cancel_all
from gale_tui.core.clock import Clock, wait_for_event
from gale_tui.core.jobs.rate_limits import Budget, Condition, Limits, Pace, PollOutcome, PollPolicy, PollResult, Wait


class Scheduler:
    """Polls each tracked job when its time has come.

    Args:
        poll: Polls a job once. An exception is reported to the loop and counts as trouble of that job.
        on_condition: Called when an environment's polling changes: its id and what it is.
        usual: Returns the seconds that exports of a job's tool usually take, None if none is known.
    """

    def __init__(
        self,
        poll: Callable[[str], Awaitable[PollResult]],
        *,
        clock: Clock,
        rng: random.Random,
        policy: PollPolicy,
        on_condition: Callable[[str, Condition], None] = lambda environment_id, condition: None,
        usual: Callable[[str], float | None] = lambda job_id: None,
    ) -> None:
        self._poll = poll
        self._clock = clock
        self._rng = rng
        self.policy = policy
        """May be replaced; each job's next wait follows the new one."""
        self._on_condition = on_condition
        self._usual = usual
        self._paces: dict[str, Pace] = {}
        self._limits: defaultdict[str, Limits] = defaultdict(Limits)
        """Of all jobs polled so far, removed ones included: the server keeps counting if one is restored."""
        self._budgets: defaultdict[str, Budget] = defaultdict(lambda: Budget(rate=self.policy.rate))
        self._announced: dict[str, Condition] = {}
        self._queue: list[tuple[float, int, str]] = []
        self._order = itertools.count()
        self._wake = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._paused = False
        self._watched: str | None = None

    def watch(self, job_id: str | None) -> None:
        """Polls the selected job at the shortest interval, and the one selected before as usual again."""
        if job_id == self._watched:
            return
        self._watched = job_id
        pace = self._paces.get(job_id) if job_id is not None else None
        if pace is not None and not pace.polling and pace.limits.last_request > -math.inf and not pace.troubles:
            due = max(self._clock.monotonic(), pace.limits.allowed_at(self.policy))
            if due < pace.due < math.inf and pace.unknown_since is None:
                self._push(pace, due)

    # What is tracked

    def track(self, job_id: str, environment_id: str, *, age: float = 0.0, lost: bool = False) -> None:
        """Starts polling a job; one that is polled already is left as it is.

        Args:
            environment_id: Whose budget it uses.
            age: Seconds since the job was started.
            lost: GALE no longer knew the job at the last poll.
        """
        if job_id in self._paces:
            return
        now, policy = self._clock.monotonic(), self.policy
        self._paces[job_id] = pace = Pace(
            job_id,
            environment_id,
            self._limits[job_id],
            created=now - age,
            due=now + policy.first,
            unknown_since=now - policy.lost_after if lost else None,
        )
        self._push(pace, pace.due)

    def forget(self, job_id: str) -> None:
        """Stops polling a job; its limits are remembered."""
        pace = self._paces.pop(job_id, None)
        if pace is not None:
            self._budgets[pace.environment_id].waiting.pop(job_id, None)
            self._announce(pace.environment_id)

    async def wait_turn(self, job_id: str, environment_id: str) -> None:
        """Waits until the limits allow a request about a job that is not polled, and counts it."""
        limits, budget = self._limits[job_id], self._budgets[environment_id]
        while True:
            now = self._clock.monotonic()
            allowed = max(limits.allowed_at(self.policy), budget.limited_until)
            if allowed <= now:
                turn = max(now, budget.next_at)
                budget.take_turn(now, self.policy)
                limits.count(turn, self.policy)
                if turn > now:
                    await self._clock.sleep(turn - now)
                return
            await self._clock.sleep(allowed - now)

    def record_limit(self, job_id: str, environment_id: str, seconds: float) -> None:
        """GALE answered such a request with 429 and wants no other for `seconds`."""
        now = self._clock.monotonic()
        limits = self._limits[job_id]
        limits.embargo = max(limits.embargo, now + seconds)
        self._budgets[environment_id].record_rate_limit(job_id, now, seconds, self.policy)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._paces

    def __len__(self) -> int:
        return len(self._paces)

    def is_lost(self, job_id: str) -> bool:
        """True if GALE has not known a job for so long that it counts as lost."""
        pace = self._paces.get(job_id)
        return pace is not None and pace.is_lost(self._clock.monotonic(), self.policy)

    # What the user does

    def refresh(self, job_id: str) -> Wait | None:
        """Polls a job as soon as its limits allow, even while paused.

        Returns:
            When; None if it is not tracked.
        """
        pace = self._paces.get(job_id)
        if pace is None:
            return None
        pace.manual = True
        if pace.polling:
            return Wait(0.0)
        now, spaced = self._clock.monotonic(), pace.limits.spaced_at(self.policy)
        limited = max(pace.limits.limited_until(self.policy), self._budgets[pace.environment_id].limited_until)
        at = max(now, spaced, limited)
        if at < pace.due:
            self._push(pace, at)
        return Wait(at - now, limited > spaced)

    def refresh_all(self) -> float:
        """Polls every job as soon as the limits allow.

        Returns:
            Seconds until the limits of the last of them allow it; 0.0: at once.
        """
        waits = [self.refresh(job_id) for job_id in list(self._paces)]
        return max((wait.seconds for wait in waits if wait is not None), default=0.0)

    @property
    def paused(self) -> bool:
        """True while only `refresh` polls."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        if not paused:
            self._bring_forward(None)
        self._wake.set()

    def resume_environment(self, environment_id: str) -> None:
        """Resumes an environment that waited for a key."""
        budget = self._budgets[environment_id]
        budget.needs_key = False
        budget.offline_until = None
        budget.failures = budget.silent = 0
        self._announce(environment_id)
        self._bring_forward(environment_id)
        self._wake.set()

    # Running

    async def run(self) -> None:
        """Polls until it is cancelled, which ends the polls under way as well."""
        try:
            while True:
                self._wake.clear()
                wait = self._poll_due()
                if self._wake.is_set():
                    continue
                if wait is None:
                    await self._wake.wait()
                    continue
                planned = self._clock.monotonic() + wait
                await wait_for_event(self._wake, self._clock, wait)
                if self._clock.monotonic() - planned > self.policy.jump:
                    self._spread_overdue()
        finally:
            await cancel_all(self._in_flight)

    def _poll_due(self) -> float | None:
        """Polls the jobs that may be polled now; returns the seconds to the next, None if nothing waits."""
        now = self._clock.monotonic()
        while (first := self._next_due()) is not None:
            at, pace = first
            if at > now:
                return at - now
            if len(self._in_flight) >= self.policy.in_flight:
                return None
            budget = self._budgets[pace.environment_id]
            has_turn = pace.job_id in budget.waiting
            if has_turn:
                del budget.waiting[pace.job_id]
            else:
                heapq.heappop(self._queue)
            later = self._allowed_at(pace, now)
            if later > now:
                pace.due = later
                if later < math.inf:
                    self._push(pace, later, wake=False)
            elif budget.next_at <= now and (has_turn or not budget.waiting):
                self._start(pace, now)
            else:
                budget.waiting[pace.job_id] = None
        return None

    def _next_due(self) -> tuple[float, Pace] | None:
        """The next poll: its time and its job, of the jobs that wait for the rate and of those not yet due."""
        turns = [(budget.next_at, next(iter(budget.waiting))) for budget in self._budgets.values() if budget.waiting]
        while self._queue:
            due, _, job_id = self._queue[0]
            pace = self._paces.get(job_id)
            if pace is not None and not pace.polling and due == pace.due:
                turns.append((due, job_id))
                break
            heapq.heappop(self._queue)
        first = min(turns, default=None)
        return None if first is None else (first[0], self._paces[first[1]])

    def _allowed_at(self, pace: Pace, now: float) -> float:
        """When pauses and limits allow a poll; infinity while only the user can bring it forward."""
        policy, budget = self.policy, self._budgets[pace.environment_id]
        if (self._paused or budget.needs_key) and not pace.manual:
            return math.inf
        allowed = max(pace.limits.allowed_at(policy), budget.limited_until)
        if allowed > now:
            return allowed
        if budget.closed and budget.probe is not None:
            return now + policy.floor
        if budget.offline_until is not None and budget.offline_until > now and not pace.manual:
            return budget.offline_until + self._rng.random() * policy.floor
        return now

    def _start(self, pace: Pace, now: float) -> None:
        budget = self._budgets[pace.environment_id]
        counted = pace.limits.last_request, pace.limits.theoretical
        budget.take_turn(now, self.policy)
        self._announce(pace.environment_id)
        if budget.closed:
            budget.probe = pace.job_id
        pace.limits.count(now, self.policy)
        pace.polling, pace.manual = True, False
        task = asyncio.create_task(self._poll_once(pace, counted), name=f"poll {pace.job_id}")
        self._in_flight.add(task)
        task.add_done_callback(self._on_polled)

    def _on_polled(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._wake.set()

    async def _poll_once(self, pace: Pace, counted: tuple[float, float]) -> None:
        try:
            result = await self._poll(pace.job_id)
        except Exception as error:
            # A fault in this program must not end the polling of this job or of the others.
            report = {"message": f"polling {pace.job_id} failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(report)
            result = PollResult(PollOutcome.TROUBLE)
        finally:
            pace.polling = False
            budget = self._budgets[pace.environment_id]
            if budget.probe == pace.job_id:
                budget.probe = None
        now = self._clock.monotonic()
        self._apply_to_environment(pace, result, now)
        if self._paces.get(pace.job_id) is pace:
            if result.outcome in (PollOutcome.ELSEWHERE, PollOutcome.NOT_SENT):
                # Nothing was sent.
                pace.limits.last_request, pace.limits.theoretical = counted
            self._apply_to_job(pace, result, now)
        self._announce(pace.environment_id)

    def _apply_to_environment(self, pace: Pace, result: PollResult, now: float) -> None:
        budget, outcome = self._budgets[pace.environment_id], result.outcome
        if outcome.reached:
            if budget.record_answer(outcome):
                self._bring_forward(pace.environment_id)
        elif outcome in (PollOutcome.UNREACHABLE, PollOutcome.UNANSWERED):
            budget.record_no_answer(outcome, pace.limits.last_request, now, self.policy)
        if budget.closed:
            # A refresh of all jobs tests whether it works again: it does not.
            for other in self._paces.values():
                if other.environment_id == pace.environment_id:
                    other.manual = False

    def _apply_to_job(self, pace: Pace, result: PollResult, now: float) -> None:
        policy, outcome = self.policy, result.outcome
        budget = self._budgets[pace.environment_id]
        if result.retry_after is not None and outcome.reached:
            pace.limits.embargo = max(pace.limits.embargo, now + result.retry_after)
        if outcome is PollOutcome.ANSWERED:
            pace.unknown_since = None
            pace.troubles = 0
            self._schedule(pace, self._interval(pace, now))
        elif outcome is PollOutcome.FINISHED:
            self.forget(pace.job_id)
        elif outcome is PollOutcome.NOT_FOUND:
            if pace.unknown_since is None:
                pace.unknown_since = now
            self._schedule(pace, policy.lost_every if pace.is_lost(now, policy) else pace.backoff(policy))
        elif outcome is PollOutcome.RATE_LIMITED:
            wait = pace.backoff(policy) if result.retry_after is None else result.retry_after
            pace.limits.embargo = max(pace.limits.embargo, now + wait)
            budget.record_rate_limit(pace.job_id, now, wait, policy)
            self._schedule(pace, wait)
        elif outcome is PollOutcome.UNAUTHORISED:
            pace.due = math.inf
        elif outcome is PollOutcome.UNREACHABLE and budget.offline_until is not None:
            self._push(pace, budget.offline_until + self._rng.random() * policy.floor)
        elif outcome is PollOutcome.ELSEWHERE:
            self._schedule(pace, policy.elsewhere_every)
        else:
            self._schedule(pace, max(pace.backoff(policy), result.retry_after or 0.0))
        if pace.manual and outcome is not PollOutcome.FINISHED:
            self._push(pace, max(now, pace.limits.allowed_at(policy)))

    def _interval(self, pace: Pace, now: float) -> float:
        if pace.job_id == self._watched:
            return self.policy.floor
        return self.policy.interval(now - pace.created, self._usual(pace.job_id))

    def _schedule(self, pace: Pace, wait: float) -> None:
        now = self._clock.monotonic()
        wait *= 1 + self.policy.jitter * self._rng.random()
        self._push(pace, max(now + wait, pace.limits.allowed_at(self.policy)))

    def _push(self, pace: Pace, due: float, *, wake: bool = True) -> None:
        pace.due = due
        self._budgets[pace.environment_id].waiting.pop(pace.job_id, None)
        heapq.heappush(self._queue, (due, next(self._order), pace.job_id))
        if wake:
            self._wake.set()

    def _bring_forward(self, environment_id: str | None) -> None:
        """Brings forward those that waited for a pause to end, not all in the same instant."""
        now, policy = self._clock.monotonic(), self.policy
        for pace in self._paces.values():
            if pace.polling or (environment_id is not None and pace.environment_id != environment_id):
                continue
            soon = now + self._rng.random() * policy.floor
            late = pace.due > soon + policy.ceiling * 2 and not pace.is_lost(now, policy)
            if late or pace.due == math.inf:
                self._push(pace, max(soon, pace.limits.allowed_at(policy)))

    def _spread_overdue(self) -> None:
        """After a long stop everything is overdue: the jobs are polled one after the other."""
        now, policy = self._clock.monotonic(), self.policy
        overdue = [pace for pace in self._paces.values() if pace.due <= now and not pace.polling]
        window = min(policy.ceiling, max(policy.floor, 2 * len(overdue) / policy.rate))
        for pace in overdue:
            self._push(pace, now + self._rng.random() * window)

    def _announce(self, environment_id: str) -> None:
        budget = self._budgets[environment_id]
        condition = budget.condition(self.policy)
        if not budget.needs_key and not any(pace.environment_id == environment_id for pace in self._paces.values()):
            # Nothing is polled there, so nothing is known of it either.
            condition = "fine"
        if self._announced.get(environment_id, "fine") != condition:
            self._announced[environment_id] = condition
            self._on_condition(environment_id, condition)
