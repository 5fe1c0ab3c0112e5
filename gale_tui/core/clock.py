"""Time, as something that is handed in: the real one here, faster or hand-driven ones in tests."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """What the engine asks of time."""

    def time(self) -> float:
        """Seconds since the epoch; may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds since some start; never jumps back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits that many seconds of this clock."""
        ...


class SystemClock:
    """The machine's own time."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits that many seconds."""
        await asyncio.sleep(max(0.0, seconds))
