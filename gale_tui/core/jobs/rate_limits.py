"""How fast one job and one environment may be asked: counters alone, without a clock of their own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from gale_tui.core.jobs.polling import Condition, Outcome, PollPolicy

__all__ = ["Budget", "Pace"]

NEVER = -math.inf


@dataclass(slots=True)
class Pace:
    """How one job is asked for. Times are monotonic seconds."""

    job_id: str
    environment_id: str
    created: float
    due: float
    interval: float
    """Until the question after the next one."""
    asking: bool = False
    manual: bool = False
    """The user asked for it: pauses do not count."""
    last_asked: float = NEVER
    theoretical: float = NEVER
    """Theoretical arrival time (GCRA) of the hourly limit."""
    embargo: float = NEVER
    """Until then the server asked to be left alone about this job."""
    troubles: int = 0
    unknown_since: float | None = None

    def allowed_at(self, policy: PollPolicy) -> float:
        """When the limits allow the next question: the vendor's, the server's own word, and the user's floor."""
        return max(self.spaced_at(policy), self.limited_until(policy))

    def spaced_at(self, policy: PollPolicy) -> float:
        """When the least time since the last question is over."""
        return self.last_asked + max(policy.gap, policy.floor)

    def limited_until(self, policy: PollPolicy) -> float:
        """Until when the hourly limit or the server's word forbids a question."""
        return max(self.theoretical - (policy.burst - 1) * policy.spacing, self.embargo)

    def ask(self, now: float, policy: PollPolicy) -> None:
        """Counts a question."""
        self.asking = True
        self.manual = False
        self.last_asked = now
        self.theoretical = max(self.theoretical, now) + policy.spacing

    def not_asked(self, before: tuple[float, float]) -> None:
        """Takes a question back that was not sent after all; `before` is what `counted` was."""
        self.last_asked, self.theoretical = before

    @property
    def counted(self) -> tuple[float, float]:
        """What `ask` counts up."""
        return self.last_asked, self.theoretical

    def lost(self, now: float, policy: PollPolicy) -> bool:
        """True where the server has not known the job for long."""
        return self.unknown_since is not None and now - self.unknown_since >= policy.lost_after

    def next_wait(self, now: float, policy: PollPolicy) -> float:
        """Seconds to the next question after a proper answer."""
        if now - self.created > policy.old_after:
            return policy.old_every
        wait, self.interval = self.interval, min(policy.ceiling, self.interval * policy.growth)
        return wait

    def backoff(self, policy: PollPolicy) -> float:
        """Seconds to the next question after a failure."""
        self.troubles += 1
        return policy.backoff(self.troubles)


@dataclass(slots=True)
class Budget:
    """What one environment bears. Times are monotonic seconds."""

    rate: float
    next_at: float = NEVER
    """When the rate allows the next question."""
    slot: float = NEVER
    """The last moment given to a job that has to wait for the rate."""
    limited_at: float = NEVER
    limited_jobs: set[str] = field(default_factory=set)
    """Refused with 429 since the last answer."""
    limited_until: float = NEVER
    """Nobody is asked before: the server's word."""
    offline_until: float | None = None
    """While nothing is reached: when it is tried again."""
    failures: int = 0
    failed_at: float = NEVER
    silent: int = 0
    needs_key: bool = False
    probe: str | None = None
    """The one job that is asked for while the environment is offline or waits for a key."""

    @property
    def closed(self) -> bool:
        """True where one job alone may try whether it works again."""
        return self.needs_key or self.offline_until is not None

    def condition(self, policy: PollPolicy) -> tuple[Condition, float | None]:
        """What to tell of it, and until when."""
        if self.needs_key:
            return "needs key", None
        if self.offline_until is not None:
            return "offline", self.offline_until
        if self.rate < policy.rate:
            return "slowed", self.limited_at + policy.recovery
        return "fine", None

    def take_turn(self, now: float, policy: PollPolicy) -> None:
        """Counts a question, and recovers some time after a 429."""
        if self.rate < policy.rate and now - self.limited_at >= policy.recovery:
            self.rate = min(policy.rate, self.rate * 2)
            self.limited_at = now
        # After a quiet time, up to a quarter of a second's questions may go together.
        self.next_at = max(self.next_at, now - 0.25) + 1 / self.rate

    def turn_at(self, now: float) -> float:
        """When the rate allows the next question: `now`, or a moment that is given to nobody else."""
        if self.next_at <= now:
            return now
        self.slot = max(self.next_at, self.slot + 1 / self.rate)
        return self.slot

    def limited(self, job_id: str, now: float, wait: float, policy: PollPolicy) -> None:
        """After a 429: half the rate, and a pause for all where it is not one job's own limit."""
        self.rate = max(policy.least_rate, self.rate / 2)
        self.limited_at = now
        self.limited_jobs.add(job_id)
        if len(self.limited_jobs) >= policy.limited_jobs:
            self.limited_until = max(self.limited_until, now + wait)

    def unreached(self, outcome: Outcome, asked_at: float, now: float, policy: PollPolicy) -> None:
        """After a question that nothing answered."""
        self.silent += 1
        if outcome is Outcome.UNANSWERED and self.silent < policy.silent and self.offline_until is None:
            return
        if self.offline_until is None or asked_at >= self.failed_at:
            # Questions that were under way together fail together: that is one failure.
            self.failures += 1
            self.failed_at = now
            self.offline_until = now + policy.backoff(self.failures)

    def reached(self, outcome: Outcome) -> bool:
        """After an answer; True where the environment was closed and is open again."""
        was_closed = self.closed
        self.failures = self.silent = 0
        self.offline_until = None
        if outcome is not Outcome.RATE_LIMITED:
            self.limited_jobs.clear()
        if outcome is Outcome.UNAUTHORISED:
            self.needs_key = True
        elif outcome.key_accepted:
            self.needs_key = False
        return was_closed and not self.closed
