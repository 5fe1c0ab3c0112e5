"""The numbers of polling, and how fast one job and one environment may be polled: counters without a clock.

The limits follow the vendor's article on rate limits for the neighbouring calls: 60 status requests in 60 s and 1,800
in 3,600 s for each id.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Literal, NamedTuple

from gale_tui.core.clock import Clock
from gale_tui.core.models import Job

Condition = Literal["fine", "slowed", "offline", "needs key"]
"""How polling of one environment stands."""

NEVER = -math.inf


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """The scheduler's numbers; seconds unless said otherwise."""

    first: float = 1.0
    """From the accepted export to the first poll."""
    floor: float = 2.0
    """Shortest interval between polls of a job, manual refreshes included."""
    young: float = 60.0
    """A job younger than this is polled at the floor."""
    share: float = 0.08
    """Afterwards the interval is this share of the job's age."""
    early: float = 0.6
    """If the usual duration of a tool's exports is known, a job is not polled for this share of it, …"""
    late: float = 1.5
    """… and then at the floor until this multiple of it has passed."""
    ceiling: float = 15.0
    """Longest regular interval."""
    old_after: float = 3600.0
    """A job older than this is polled every `old_every`."""
    old_every: float = 60.0
    jitter: float = 0.15
    """Share by which an interval is lengthened at random."""
    gap: float = 1.05
    """Least interval if the floor is shorter: a little over the second that 60 in 60 s leaves, as requests may
    overtake."""
    burst: int = 60
    """Requests for one job that may come at `gap` before the hourly limit spaces them."""
    hourly: int = 1800
    """Requests for one job in any 3,600 s."""
    in_flight: int = 8
    """Polls under way at once, all environments together."""
    rate: float = 20.0
    """Polls per second for one environment, at most."""
    least_rate: float = 0.5
    """Lower limit when the rate is halved."""
    recovery: float = 30.0
    """Without a 429 for this long, the budget doubles, up to `rate`."""
    limited_jobs: int = 3
    """After this many jobs refused with 429 in a row the limit counts as the environment's, and all its jobs wait."""
    silent: int = 3
    """After this many polls without an answer in a row the environment counts as offline."""
    trouble_ceiling: float = 60.0
    """Longest interval while a job or the network is in trouble."""
    lost_after: float = 120.0
    """A job unknown to the server for this long is lost."""
    lost_every: float = 300.0
    elsewhere_every: float = 15.0
    """How often a job that another process polls is tried."""
    jump: float = 30.0
    """Woken this late, the process was stopped or the machine asleep: overdue polls are spread out."""

    @property
    def spacing(self) -> float:
        """Seconds between requests for one job that the hourly limit always allows."""
        return 3600.0 / (self.hourly - self.burst)

    def with_floor(self, seconds: float) -> PollPolicy:
        """The same with another shortest interval; the longest is never less."""
        return replace(self, floor=seconds, ceiling=max(self.ceiling, seconds))

    def interval(self, age: float, usual: float | None = None) -> float:
        """Seconds to the next poll of a job.

        Args:
            age: Seconds since it was started.
            usual: Seconds that earlier exports of its tool took, if known.
        """
        if age > self.old_after:
            return self.old_every
        if usual is not None and age < usual * self.late:
            return max(self.floor, min(self.ceiling, usual * self.early - age))
        if age < self.young:
            return self.floor
        return max(self.floor, min(self.ceiling, age * self.share))

    def backoff(self, times: int) -> float:
        """Seconds to wait after `times` failures in a row."""
        return min(self.trouble_ceiling, self.floor * float(2 ** min(times - 1, 10)))


class Wait(NamedTuple):
    """When a refresh takes place."""

    seconds: float
    """From now; 0.0: at once."""
    limited: bool = False
    """True if GALE's limits are the reason, False if it is the floor."""


class PollOutcome(Enum):
    ANSWERED = auto()
    """An answer; the job is still running."""
    FINISHED = auto()
    """A final status: not polled again."""
    RATE_LIMITED = auto()
    UNAUTHORISED = auto()
    """401, or no key: the environment waits for one."""
    FORBIDDEN = auto()
    """403: this job alone."""
    NOT_FOUND = auto()
    TROUBLE = auto()
    """5xx, or an answer that is none: the job is polled more slowly."""
    UNANSWERED = auto()
    """Sent, but no whole answer came."""
    UNREACHABLE = auto()
    """Nothing could be sent: the network or the host is away."""
    ELSEWHERE = auto()
    """Another process polls this job; nothing was sent."""
    NOT_SENT = auto()
    """Nothing was sent, for a reason of our own."""

    @property
    def reached(self) -> bool:
        """True if something answered."""
        silent = (PollOutcome.UNANSWERED, PollOutcome.UNREACHABLE, PollOutcome.ELSEWHERE, PollOutcome.NOT_SENT)
        return self not in silent

    @property
    def key_accepted(self) -> bool:
        """True if the answer shows that the key is known."""
        return self in (PollOutcome.ANSWERED, PollOutcome.FINISHED, PollOutcome.NOT_FOUND, PollOutcome.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class PollResult:
    """An outcome, and how long the server wants to be left alone."""

    outcome: PollOutcome
    retry_after: float | None = None
    """Seconds."""


@dataclass(slots=True)
class Limits:
    """When a request about one job is allowed, also once it is no longer polled. Times are monotonic seconds."""

    last_request: float = NEVER
    theoretical: float = NEVER
    """Theoretical arrival time (GCRA) of the hourly limit."""
    embargo: float = NEVER
    """Until then the server wants no request about this job."""

    def allowed_at(self, policy: PollPolicy) -> float:
        """When the next request is allowed by the vendor's limits, the server's `Retry-After` and the floor."""
        return max(self.spaced_at(policy), self.limited_until(policy))

    def spaced_at(self, policy: PollPolicy) -> float:
        """When the floor since the last request is over."""
        return self.last_request + max(policy.gap, policy.floor)

    def limited_until(self, policy: PollPolicy) -> float:
        """Until when the hourly limit or the server's `Retry-After` forbids a request."""
        return max(self.theoretical - (policy.burst - 1) * policy.spacing, self.embargo)

    def count(self, now: float, policy: PollPolicy) -> None:
        self.last_request = now
        self.theoretical = max(self.theoretical, now) + policy.spacing


@dataclass(slots=True)
class Pace:
    """How fast one job is polled. Times are monotonic seconds."""

    job_id: str
    environment_id: str
    limits: Limits
    created: float
    due: float
    polling: bool = False
    manual: bool = False
    """The user wants it: pauses do not count."""
    troubles: int = 0
    unknown_since: float | None = None

    def is_lost(self, now: float, policy: PollPolicy) -> bool:
        """True if GALE has not known the job for long."""
        return self.unknown_since is not None and now - self.unknown_since >= policy.lost_after

    def backoff(self, policy: PollPolicy) -> float:
        self.troubles += 1
        return policy.backoff(self.troubles)


@dataclass(slots=True)
class Budget:
    """How fast one environment is polled. Times are monotonic seconds."""

    rate: float
    next_at: float = NEVER
    """When the rate allows the next poll."""
    waiting: dict[str, None] = field(default_factory=dict)
    """The jobs that are due and wait for the rate, first come, first served."""
    limited_at: float = NEVER
    limited_jobs: set[str] = field(default_factory=set)
    """Refused with 429 since the last answer."""
    limited_until: float = NEVER
    """No poll before this, by the server's `Retry-After`."""
    offline_until: float | None = None
    """While nothing is reached: the next try."""
    failures: int = 0
    failed_at: float = NEVER
    silent: int = 0
    needs_key: bool = False
    probe: str | None = None
    """The one job that is polled while the environment is offline or waits for a key."""

    @property
    def closed(self) -> bool:
        """True if one job alone may try whether it works again."""
        return self.needs_key or self.offline_until is not None

    def condition(self, policy: PollPolicy) -> Condition:
        if self.needs_key:
            return "needs key"
        if self.offline_until is not None:
            return "offline"
        return "slowed" if self.rate < policy.rate else "fine"

    def take_turn(self, now: float, policy: PollPolicy) -> None:
        """Counts a poll, and recovers some time after a 429."""
        if self.rate < policy.rate and now - self.limited_at >= policy.recovery:
            self.rate = min(policy.rate, self.rate * 2)
            self.limited_at = now
        # After a quiet time, up to a quarter of a second's polls may go together.
        self.next_at = max(self.next_at, now - 0.25) + 1 / self.rate

    def record_rate_limit(self, job_id: str, now: float, wait: float, policy: PollPolicy) -> None:
        """After a 429: half the rate, and a pause for all where it is not one job's own limit."""
        self.rate = max(policy.least_rate, self.rate / 2)
        self.limited_at = now
        self.limited_jobs.add(job_id)
        if len(self.limited_jobs) >= policy.limited_jobs:
            self.limited_until = max(self.limited_until, now + wait)

    def record_no_answer(self, outcome: PollOutcome, asked_at: float, now: float, policy: PollPolicy) -> None:
        self.silent += 1
        if outcome is PollOutcome.UNANSWERED and self.silent < policy.silent and self.offline_until is None:
            return
        if self.offline_until is None or asked_at >= self.failed_at:
            # Polls that were under way together fail together: that is one failure.
            self.failures += 1
            self.failed_at = now
            self.offline_until = now + policy.backoff(self.failures)

    def record_answer(self, outcome: PollOutcome) -> bool:
        """After an answer; True if the environment was closed and is open again."""
        was_closed = self.closed
        self.failures = self.silent = 0
        self.offline_until = None
        if outcome is not PollOutcome.RATE_LIMITED:
            self.limited_jobs.clear()
        if outcome is PollOutcome.UNAUTHORISED:
            self.needs_key = True
        elif outcome.key_accepted:
            self.needs_key = False
        return was_closed and not self.closed


class Deadlines:
    """Times of day of the history as moments of the monotonic clock: a clock that is set shortens no wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, float]] = {}

    def remaining(self, job: Job) -> float:
        """Seconds until the job's `resume_at`, as it was when that time was first seen.

        Negative after it; 0.0 if the job waits for no time.
        """
        if job.resume_at is None:
            self._known.pop(job.id, None)
            return 0.0
        now = self._clock.monotonic()
        known = self._known.get(job.id)
        if known is None or known[0] != job.resume_at:
            known = self._known[job.id] = (job.resume_at, now + job.resume_at - self._clock.time())
        return known[1] - now
