"""The numbers of polling, and what one question can come to.

The limits follow the vendor's article on rate limits for the neighbouring calls: a status may be asked for 60 times in
60 s and 1,800 times in 3,600 s for each id.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Literal, NamedTuple

__all__ = ["Asked", "Condition", "Outcome", "PollPolicy", "Wait"]

Condition = Literal["fine", "slowed", "offline", "needs key"]
"""How polling of one environment stands."""


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """The monitor's numbers; seconds unless said otherwise."""

    first: float = 1.0
    """From the accepted export to the first question."""
    floor: float = 2.0
    """Shortest interval between two questions for one job, whoever asks."""
    growth: float = 1.4
    """Factor from one interval to the next."""
    ceiling: float = 15.0
    """Longest regular interval."""
    old_after: float = 3600.0
    """A job older than this is asked for every `old_every`."""
    old_every: float = 60.0
    jitter: float = 0.15
    """Share by which an interval is lengthened at random."""
    gap: float = 1.05
    """The same where the floor is less: a little more than the second that the limit of 60
    in 60 s leaves, since one question may travel faster than the one before."""
    burst: int = 60
    """Questions for one job that may come at `gap` before the hourly limit spaces them."""
    hourly: int = 1800
    """Questions for one job in any 3,600 s."""
    in_flight: int = 8
    """Questions under way at once, all environments together."""
    rate: float = 20.0
    """Questions per second for one environment, at most."""
    least_rate: float = 0.5
    """What the budget is halved down to."""
    recovery: float = 30.0
    """Without a 429 for this long, the budget doubles, up to `rate`."""
    limited_jobs: int = 3
    """So many jobs refused with 429 in a row: the limit is the environment's, and all its jobs wait as told."""
    silent: int = 3
    """So many questions without an answer in a row: the environment counts as offline."""
    trouble_ceiling: float = 60.0
    """Longest interval while a job or the network is in trouble."""
    lost_after: float = 120.0
    """A job unknown to the server for this long is lost."""
    lost_every: float = 300.0
    elsewhere_every: float = 15.0
    """How often a job that another process polls is looked at."""
    jump: float = 30.0
    """Woken later than this, the process was stopped or the machine asleep: what is overdue is spread out."""

    @property
    def spacing(self) -> float:
        """Seconds between questions for one job that the hourly limit bears for ever."""
        return 3600.0 / (self.hourly - self.burst)

    def with_floor(self, seconds: float) -> PollPolicy:
        """The same with another shortest interval; the longest is never less."""
        return replace(self, floor=seconds, ceiling=max(self.ceiling, seconds))

    def interval(self, age: float) -> float:
        """The regular interval of a job that has been asked for since it started, `age` seconds ago."""
        return min(self.ceiling, self.floor + max(0.0, age) * (self.growth - 1))

    def backoff(self, times: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return min(self.trouble_ceiling, self.floor * float(2 ** min(times - 1, 10)))


class Wait(NamedTuple):
    """When a question that the user wants will be asked."""

    seconds: float
    """From now; 0.0: at once."""
    limited: bool = False
    """True where GALE's limits are the reason, False where it is the floor."""


class Outcome(Enum):
    """What came of a question."""

    ANSWERED = auto()
    """An answer, and the job goes on."""
    FINISHED = auto()
    """A final status: not asked again."""
    RATE_LIMITED = auto()
    UNAUTHORISED = auto()
    """401, or no key: the environment waits for one."""
    FORBIDDEN = auto()
    """403: this job alone."""
    NOT_FOUND = auto()
    TROUBLE = auto()
    """5xx, or an answer that is none: the job is asked more slowly."""
    UNANSWERED = auto()
    """It was sent and no whole answer came."""
    UNREACHABLE = auto()
    """Nothing could be sent: the network or the host is away."""
    ELSEWHERE = auto()
    """Another process polls this job; nothing was sent."""
    NOT_ASKED = auto()
    """Nothing was sent, for a reason of our own."""

    @property
    def reached(self) -> bool:
        """True where something answered."""
        return self not in (Outcome.UNANSWERED, Outcome.UNREACHABLE, Outcome.ELSEWHERE, Outcome.NOT_ASKED)

    @property
    def key_accepted(self) -> bool:
        """True where the answer shows that the key is known."""
        return self in (Outcome.ANSWERED, Outcome.FINISHED, Outcome.NOT_FOUND, Outcome.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class Asked:
    """An outcome and what the server asked for."""

    outcome: Outcome
    retry_after: float | None = None
    """Seconds."""
