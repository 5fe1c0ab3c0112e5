"""When to ask whom for a dock status: one scheduler for all jobs of all environments.

It knows nothing of HTTP or of the history. It calls `ask(job_id)` and learns from the `Outcome` when to ask again. All
times are monotonic seconds of the injected clock.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gale_tui.core.clock import Clock
from gale_tui.core.polling import Asked, Condition, Outcome, PollPolicy

__all__ = ["Monitor"]


@dataclass(slots=True)
class _Track:
    """How one job is asked for."""

    job_id: str
    environment_id: str
    created: float
    due: float
    interval: float
    asking: bool = False
    again: bool = False
    last_asked: float = float("-inf")
    theoretical: float = float("-inf")
    """Theoretical arrival time of the hourly limit."""
    troubles: int = 0
    unknown_since: float | None = None
    lost: bool = False
    manual: bool = False


@dataclass(slots=True)
class _Budget:
    """What one environment bears."""

    rate: float
    next_at: float = float("-inf")
    limited_at: float = float("-inf")
    limited_jobs: int = 0
    failures: int = 0
    blocked_until: float = float("-inf")
    needs_key: bool = False
    probing: bool = False

    @property
    def offline(self) -> bool:
        return self.failures > 0 and self.blocked_until > float("-inf")


class Monitor:
    """Asks for each tracked job when its time has come.

    Args:
        ask: Asks once; must not raise.
        clock: Time and waiting.
        rng: Where jitter comes from.
        policy: The numbers.
        on_condition: Told when an environment's polling changes: its id, what it is, the monotonic time until then.
    """

    def __init__(
        self,
        ask: Callable[[str], Awaitable[Asked]],
        *,
        clock: Clock,
        rng: random.Random,
        policy: PollPolicy | None = None,
        on_condition: Callable[[str, Condition, float | None], None] | None = None,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._rng = rng
        self.policy = policy or PollPolicy()
        self._on_condition = on_condition
        self._tracks: dict[str, _Track] = {}
        self._budgets: dict[str, _Budget] = {}
        self._queue: list[tuple[float, int, str]] = []
        self._order = itertools.count()
        self._wake = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._paused = False

    # What is tracked

    def track(self, job_id: str, environment_id: str, *, age: float = 0.0, after: float | None = None) -> None:
        """Begins to ask for a job.

        Args:
            job_id: Whom.
            environment_id: Whose budget it uses.
            age: Seconds since the job was started.
            after: Seconds until the first question; by default the policy's.
        """
        if job_id in self._tracks:
            return
        now = self._clock.monotonic()
        first = self.policy.first if after is None else after
        self._tracks[job_id] = track = _Track(
            job_id, environment_id, created=now - age, due=now + first, interval=self.policy.floor
        )
        self._push(track, track.due)

    def forget(self, job_id: str) -> None:
        """No longer asks for a job."""
        self._tracks.pop(job_id, None)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._tracks

    def __len__(self) -> int:
        return len(self._tracks)

    def last_asked(self, job_id: str) -> float | None:
        """When a job was last asked for, monotonic; None if not yet."""
        track = self._tracks.get(job_id)
        return None if track is None or track.last_asked == float("-inf") else track.last_asked

    def next_ask(self, job_id: str) -> float | None:
        """Seconds until a job is asked for again; None where it is not tracked."""
        track = self._tracks.get(job_id)
        return None if track is None else max(0.0, track.due - self._clock.monotonic())

    def lost(self, job_id: str) -> bool:
        """True where the server has not known a job for so long that it counts as lost."""
        track = self._tracks.get(job_id)
        if track is None or track.unknown_since is None:
            return False
        return self._clock.monotonic() - track.unknown_since >= self.policy.lost_after

    # What the user does

    def refresh(self, job_id: str) -> float | None:
        """Asks for a job as soon as its limits allow, even while paused.

        Returns:
            Seconds until it is asked, 0.0 for at once; None where it is not tracked.
        """
        track = self._tracks.get(job_id)
        if track is None:
            return None
        track.manual = True
        budget = self._budget(track.environment_id)
        if budget.offline:
            budget.blocked_until = float("-inf")
        if track.asking:
            return 0.0
        now = self._clock.monotonic()
        at = max(now, self._allowed_at(track))
        if at < track.due or budget.needs_key:
            self._push(track, at)
        return max(0.0, at - now)

    def refresh_all(self) -> None:
        """Asks for every job as soon as the limits allow."""
        for job_id in list(self._tracks):
            self.refresh(job_id)

    @property
    def paused(self) -> bool:
        """True while nothing is asked except by `refresh`."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        if not paused:
            self._spread(None)
        self._wake.set()

    def key_provided(self, environment_id: str) -> None:
        """Goes on with an environment that waited for a key."""
        budget = self._budget(environment_id)
        budget.needs_key = False
        budget.blocked_until = float("-inf")
        self._tell(environment_id, "fine", None)
        self._spread(environment_id)
        self._wake.set()

    # Running

    def start(self) -> None:
        """Starts the scheduler in the running loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="monitor")

    async def close(self) -> None:
        """Ends the scheduler and what is under way."""
        tasks = [*self._in_flight, *([self._task] if self._task else [])]
        self._task = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The scheduler, so that its owner hears of a crash."""
        return self._task

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            wait = self._ask_those_due()
            if self._wake.is_set():
                continue
            await self._wait(wait)

    async def _wait(self, seconds: float | None) -> None:
        if seconds is None:
            await self._wake.wait()
            return
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        wake = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleep, wake), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            wake.cancel()

    def _ask_those_due(self) -> float | None:
        """Starts what may start now; returns the seconds to the next that may, None where nothing waits."""
        now = self._clock.monotonic()
        while self._queue:
            due, _, job_id = self._queue[0]
            track = self._tracks.get(job_id)
            if track is None or track.asking or due != track.due:
                heapq.heappop(self._queue)
                continue
            if due > now:
                return due - now
            if len(self._in_flight) >= self.policy.in_flight:
                return None
            heapq.heappop(self._queue)
            later = self._not_before(track, now)
            if later > now:
                if later == float("inf"):
                    track.due = later
                else:
                    self._push(track, later, wake=False)
                continue
            self._start(track, now)
        return None

    def _not_before(self, track: _Track, now: float) -> float:
        """When this job may be asked for, as far as pauses, budget and limits go; infinity: when told."""
        budget = self._budget(track.environment_id)
        if (self._paused or budget.needs_key) and not track.manual:
            return float("inf")
        allowed = self._allowed_at(track)
        if allowed > now:
            return allowed
        if budget.offline and budget.probing:
            return now + self.policy.floor
        if budget.blocked_until > now and not track.manual:
            return budget.blocked_until + self._rng.random() * self.policy.floor
        if budget.next_at > now:
            return budget.next_at
        return now

    def _start(self, track: _Track, now: float) -> None:
        policy = self.policy
        budget = self._budget(track.environment_id)
        if budget.rate < policy.rate and now - budget.limited_at >= policy.recovery:
            budget.rate = min(policy.rate, budget.rate * 2)
            budget.limited_at = now
            if budget.rate == policy.rate:
                self._tell(track.environment_id, "fine", None)
        budget.next_at = max(budget.next_at, now - 0.25) + 1 / budget.rate
        if budget.offline:
            budget.probing = True
        track.asking = True
        track.manual = False
        track.last_asked = now
        spacing = 3600.0 / (policy.hourly - policy.burst)
        track.theoretical = max(track.theoretical, now) + spacing
        task = asyncio.create_task(self._ask_once(track), name=f"ask {track.job_id}")
        self._in_flight.add(task)
        task.add_done_callback(self._asked)

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._wake.set()

    async def _ask_once(self, track: _Track) -> None:
        try:
            asked = await self._ask(track.job_id)
        finally:
            track.asking = False
        if self._tracks.get(track.job_id) is not track:
            self._budget(track.environment_id).probing = False
            return
        self._learn(track, asked)

    def _learn(self, track: _Track, asked: Asked) -> None:
        """Sets when to ask again, and what the environment bears."""
        policy, now = self.policy, self._clock.monotonic()
        budget = self._budget(track.environment_id)
        outcome = asked.outcome
        budget.probing = False
        if outcome in (Outcome.ANSWERED, Outcome.FINISHED, Outcome.NOT_FOUND, Outcome.FORBIDDEN):
            self._reached(track.environment_id, budget)
        if outcome in (Outcome.ANSWERED, Outcome.FINISHED):
            track.unknown_since = None
            track.troubles = 0
        if outcome is Outcome.FINISHED:
            self._tracks.pop(track.job_id, None)
        elif outcome is Outcome.ANSWERED:
            wait = track.interval
            track.interval = min(policy.ceiling, track.interval * policy.growth)
            if now - track.created > policy.old_after:
                wait = policy.old_every
            self._schedule(track, wait)
        elif outcome is Outcome.NOT_FOUND:
            if track.unknown_since is None:
                track.unknown_since = now
            lost = now - track.unknown_since >= policy.lost_after
            self._schedule(track, policy.lost_every if lost else self._backoff(track))
        elif outcome is Outcome.RATE_LIMITED:
            self._limited(track, budget, asked.retry_after, now)
        elif outcome is Outcome.UNAUTHORISED:
            budget.needs_key = True
            track.due = float("inf")
            self._tell(track.environment_id, "needs key", None)
        elif outcome is Outcome.UNREACHABLE:
            self._unreached(track.environment_id, budget, now)
            self._push(track, budget.blocked_until + self._rng.random() * policy.floor)
        elif outcome is Outcome.ELSEWHERE:
            self._schedule(track, policy.elsewhere_every)
        else:
            self._schedule(track, max(self._backoff(track), asked.retry_after or 0.0))
        if track.manual and outcome is not Outcome.FINISHED:
            self._push(track, max(now, self._allowed_at(track)))

    def _limited(self, track: _Track, budget: _Budget, retry_after: float | None, now: float) -> None:
        policy = self.policy
        wait = self._backoff(track) if retry_after is None else retry_after
        budget.rate = max(policy.least_rate, budget.rate / 2)
        budget.limited_at = now
        budget.limited_jobs += 1
        if budget.limited_jobs >= 3:
            # The limit is not one job's own: everybody waits as told.
            budget.blocked_until = max(budget.blocked_until, now + wait)
        self._tell(track.environment_id, "slowed", now + wait)
        # Asked earlier than the server allows would be asked for nothing: never before `wait` is over.
        track.theoretical = max(track.theoretical, now + wait + self._burst_credit())
        self._schedule(track, wait)

    def _reached(self, environment_id: str, budget: _Budget) -> None:
        budget.limited_jobs = 0
        if budget.failures or budget.needs_key:
            budget.failures = 0
            budget.needs_key = False
            budget.blocked_until = float("-inf")
            self._tell(environment_id, "fine", None)
            self._spread(environment_id)

    def _unreached(self, environment_id: str, budget: _Budget, now: float) -> None:
        budget.failures += 1
        wait = self._doubled(budget.failures)
        budget.blocked_until = max(budget.blocked_until, now + wait)
        self._tell(environment_id, "offline", budget.blocked_until)

    def _backoff(self, track: _Track) -> float:
        track.troubles += 1
        return self._doubled(track.troubles)

    def _doubled(self, times: int) -> float:
        return min(self.policy.trouble_ceiling, self.policy.floor * float(2 ** min(times - 1, 10)))

    def _schedule(self, track: _Track, wait: float) -> None:
        now = self._clock.monotonic()
        wait *= 1 + self.policy.jitter * self._rng.random()
        self._push(track, max(now + wait, self._allowed_at(track)))

    def _burst_credit(self) -> float:
        return self.policy.burst * 3600.0 / (self.policy.hourly - self.policy.burst)

    def _allowed_at(self, track: _Track) -> float:
        """When the per-job limits allow the next question."""
        return max(track.last_asked + self.policy.gap, track.theoretical - self._burst_credit())

    def _budget(self, environment_id: str) -> _Budget:
        budget = self._budgets.get(environment_id)
        if budget is None:
            budget = self._budgets[environment_id] = _Budget(rate=self.policy.rate)
        return budget

    def _push(self, track: _Track, due: float, *, wake: bool = True) -> None:
        track.due = due
        heapq.heappush(self._queue, (due, next(self._order), track.job_id))
        if wake:
            self._wake.set()

    def _spread(self, environment_id: str | None) -> None:
        """Brings forward those that waited for a pause to end, not all in the same instant."""
        now = self._clock.monotonic()
        for track in self._tracks.values():
            if track.asking or (environment_id is not None and track.environment_id != environment_id):
                continue
            soon = now + self._rng.random() * self.policy.floor
            if track.due > soon + self.policy.ceiling * 2 or track.due == float("inf"):
                self._push(track, max(soon, self._allowed_at(track)))

    def _tell(self, environment_id: str, condition: Condition, until: float | None) -> None:
        if self._on_condition is not None:
            self._on_condition(environment_id, condition, until)
