"""gale-tui as it is, on a clock that stands still until it is told to go on, and with a line to ask it things.

The line is the Unix socket named by `GALE_TEST_STEER`: a JSON object per line each way. Before each answer a mark is
written to the terminal, so that what came before it is known to the byte.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from gale_tui.cli import main as cli
from tests.support.clocks import START

if TYPE_CHECKING:
    from gale_tui.tui.app import GaleApp

VARIABLE = "GALE_TEST_STEER"


def mark(number: int) -> bytes:
    """What is written to the terminal before the answer with that number; terminals ignore it."""
    return f"\x1b]777;gale-mark;{number}\x1b\\".encode()


class StandingClock:
    """Time that passes when :meth:`go_on` is called; it begins at a noon, far from any midnight."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._began = START
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._began + self._passed

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._passed

    async def sleep(self, seconds: float) -> None:
        """Waits until so much has passed."""
        woken = asyncio.Event()
        self._sleepers.append((self._passed + max(0.0, seconds), woken))
        if seconds <= 0:
            self.go_on(0.0)
        await woken.wait()

    def go_on(self, seconds: float) -> None:
        """Lets time pass."""
        self._passed += seconds
        due = [each for each in self._sleepers if each[0] <= self._passed]
        self._sleepers = [each for each in self._sleepers if each[0] > self._passed]
        for _, woken in due:
            woken.set()


class Steering:
    """What can be asked; each method is a command."""

    def __init__(self, app: GaleApp, clock: StandingClock, modules: list[str]) -> None:
        self._app = app
        self._clock = clock
        self._modules = modules

    async def modules(self) -> list[str]:
        """What was imported when the first frame was there."""
        return self._modules

    async def settle(self) -> None:
        """Waits until nothing is left to be painted."""

    async def pause(self) -> None:
        """Polls nothing from now on, so that no answer mixes with what is measured."""
        self._app.engine.scheduler.paused = True

    async def tick(self, times: int) -> None:
        """Lets so many seconds pass, and does each time what the screen does once a second."""
        for _ in range(times):
            self._clock.go_on(1.0)
            self._app.jobs_screen._tick()
            await self.painted()

    async def change(self, job_id: str, **fields: Any) -> None:
        """Writes a change of a job, as an answer of the server does."""
        await self._app.engine.registry.change(job_id, lambda job: dataclasses.replace(job, **fields))

    async def finish(self, job_id: str) -> None:
        """The server says SUCCESS."""
        from gale_tui.core.models import JobState

        at = self._clock.time()
        ended = {"state": JobState.SUCCEEDED, "status": "SUCCESS", "ended_at": at}
        await self.change(job_id, **ended)

    async def tell_again(self, job_id: str) -> None:
        """Tells the screen of a job in which nothing is different."""
        from gale_tui.core.models import JobChange

        job = self._app.engine.jobs[job_id]
        self._app._job_changed(JobChange(job, job))

    async def focused(self) -> dict[str, Any]:
        """The widget that has the focus, and whether its cursor blinks."""
        widget = self._app.focused
        return {"id": widget.id if widget else None, "blinks": getattr(widget, "cursor_blink", False)}

    async def painted(self) -> None:
        """Returns once everything that was asked for is on the terminal."""
        for _ in range(3):
            drawn = asyncio.Event()
            self._app.screen.call_after_refresh(drawn.set)
            await drawn.wait()

    async def serve(self) -> None:
        """Answers until the line is closed."""
        reader, writer = await asyncio.open_unix_connection(os.environ[VARIABLE])
        number = 0
        while line := await reader.readline():
            command, arguments = json.loads(line)
            work: Callable[..., Awaitable[object]] = getattr(self, command)
            result = await work(**arguments)
            await self.painted()
            number += 1
            driver = self._app._driver
            assert driver is not None
            driver.write(mark(number).decode())
            driver.flush()
            writer.write(json.dumps([number, result]).encode() + b"\n")
            await writer.drain()
        writer.close()


def main() -> int:
    """The program, its arguments as always."""
    from gale_tui.tui.app import GaleApp

    clock = StandingClock()
    drawn = GaleApp._first_frame_drawn

    def first_frame_drawn(app: GaleApp) -> None:
        modules = sorted(sys.modules)
        drawn(app)
        app.run_worker(Steering(app, clock, modules).serve(), name="steering")

    GaleApp._first_frame_drawn = first_frame_drawn  # type: ignore[method-assign,assignment]  # to be there when it is called
    return cli.main(wiring=cli.Wiring(environ=os.environ, clock=clock))


if __name__ == "__main__":
    sys.exit(main())
