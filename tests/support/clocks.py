"""Clocks for tests: one that is moved by hand, and one that runs faster than the machine's."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from collections.abc import Iterator, Sized

__all__ = ["START", "FakeClock", "ScaledClock", "settle"]

START = 1_795_435_200.0
"""2026-11-23 12:00:00 UTC."""


async def settle(turns: int = 20) -> None:
    """Lets everything that is ready in the loop run."""
    ready: Sized = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # nobody else knows who waits
    for _ in range(turns):
        await asyncio.sleep(0)
        if not ready:
            return


class FakeClock:
    """Stands still until `advance` moves it.

    Attributes:
        wall_offset: Seconds by which the wall clock has been set forward.
    """

    def __init__(self, monotonic: float = 1000.0) -> None:
        self._now = monotonic
        self._began = monotonic
        self.wall_offset = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def time(self) -> float:
        """Seconds since the epoch."""
        return START + self._now - self._began + self.wall_offset

    def monotonic(self) -> float:
        """Seconds since some start."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Returns once the clock was moved that far."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + max(0.0, seconds), next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Moves on, stopping at each moment at which something is due."""
        await settle()
        until = self._now + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            at, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue
            self._now = max(self._now, at)
            future.set_result(None)
            await settle()
        self._now = max(self._now, until)
        await settle()

    async def jump(self, seconds: float) -> None:
        """Moves on at once, as a process sees it that was stopped meanwhile."""
        await settle()
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
        await settle()


class ScaledClock:
    """The machine's clock, so many times as fast.

    Args:
        factor: Seconds of this clock per real second.
    """

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self._wall = time.time()
        self._began = time.monotonic()
        self._held: float | None = None

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._wall + self.monotonic() - self._began

    def monotonic(self) -> float:
        """Seconds since some start."""
        if self._held is not None:
            return self._held
        return self._began + (time.monotonic() - self._began) * self.factor

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Whatever takes place meanwhile takes no time."""
        self._held = self.monotonic()
        try:
            yield
        finally:
            self._held = None

    async def sleep(self, seconds: float) -> None:
        """Waits that many seconds of this clock."""
        await asyncio.sleep(max(0.0, seconds) / self.factor)
