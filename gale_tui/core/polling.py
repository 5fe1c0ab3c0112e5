"""The numbers of polling, and what one question can come to.

The limits follow the vendor's article on rate limits for the neighbouring calls: a status may be asked for 60 times in
60 s and 1,800 times in 3,600 s for each id.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

__all__ = ["Asked", "Condition", "Outcome", "PollPolicy"]

Condition = Literal["fine", "slowed", "offline", "needs key"]
"""How polling of one environment stands."""


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """The monitor's numbers; seconds unless said otherwise."""

    first: float = 1.0
    """From the accepted export to the first question."""
    floor: float = 2.0
    """Shortest regular interval."""
    growth: float = 1.4
    """Factor from one interval to the next."""
    ceiling: float = 15.0
    """Longest regular interval."""
    old_after: float = 3600.0
    """A job older than this is asked for every `old_every`."""
    old_every: float = 60.0
    jitter: float = 0.15
    """Share by which an interval is lengthened at random."""
    gap: float = 1.0
    """Least time between two questions for one job, whoever asks."""
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
    trouble_ceiling: float = 60.0
    """Longest interval while a job or the network is in trouble."""
    lost_after: float = 120.0
    """A job unknown to the server for this long is lost."""
    lost_every: float = 300.0
    elsewhere_every: float = 15.0
    """How often a job that another process polls is looked at."""


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
    """5xx, an answer that is none, or no answer: the job is asked more slowly."""
    UNREACHABLE = auto()
    """Nothing could be sent: the network or the host is away."""
    ELSEWHERE = auto()
    """Another process polls this job."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An outcome and what the server asked for."""

    outcome: Outcome
    retry_after: float | None = None
    """Seconds."""
