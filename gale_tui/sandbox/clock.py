"""The sandbox's time: any clock, any speed, and waits that end when the sandbox stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

LOOK_AGAIN: Final = 0.005
"""Real seconds between two checks of a clock that is moved by hand."""


class SandboxTime:
    """Seconds since the sandbox was made, `speed` times as fast as `clock`.

    Args:
        clock: Monotonic seconds; the machine's own, or one that a test moves by hand.
        wall: Seconds since the epoch, for dates in headers and links.
        speed: Seconds of the sandbox per second of `clock`.
    """

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float], speed: float) -> None:
        if speed <= 0:
            raise ValueError("speed must be more than 0")
        self.clock = clock
        self.wall = wall
        self.speed = speed
        self._begin = clock()
        self._runs_by_itself = clock is time.monotonic
        self.stopping = threading.Event()
        """Set from the sandbox's stop until its next start."""

    def now(self) -> float:
        """Seconds of the sandbox."""
        return (self.clock() - self._begin) * self.speed

    def wait_until(self, moment: float) -> bool:
        """Waits for a moment of :meth:`now`; False if the sandbox stops before."""
        while (left := moment - self.now()) > 0:
            real = left / self.speed
            if self.stopping.wait(real if self._runs_by_itself else min(real, LOOK_AGAIN)):
                return False
        return not self.stopping.is_set()
