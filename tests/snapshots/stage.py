"""Where pictures are taken: the demo itself, with a clock moved by hand, a home called ~ and no port in its address.

The app, the engine, the sandbox and the HTTP between them are the real ones. Time passes only between two moments at
which nothing is under way, so that the same story leaves the same picture on any machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import os
import random
import re
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from rich.style import Style
from textual._compositor import Compositor

from gale_tui.cli.main import Wiring, demo_engine
from gale_tui.core.config.paths import Paths
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.downloads.download import DownloadTask
from gale_tui.core.http import network_backend as network
from gale_tui.core.http.connect import Address, look_up
from gale_tui.core.http.request_context import Exchange
from gale_tui.core.jobs import engine
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import DownloadState, JobState
from gale_tui.core.threads import DaemonThreads
from gale_tui.sandbox import server
from gale_tui.sandbox.clock import SandboxTime
from gale_tui.sandbox.listener import Listener
from gale_tui.tui.app import GaleApp
from gale_tui.tui.terminal.ascii_fallback import ascii_text
from tests.support.sandbox import Sandbox

__all__ = ["DAY", "HandClock", "Stage", "moment"]

DAY = datetime(2026, 11, 23, tzinfo=UTC)
HOPS = 40
"""Turns of the event loop after which whatever follows from a moment has begun."""


def moment(text: str) -> float:
    """A time of that day, `12:00:33`, as seconds since the epoch."""
    hour, minute, second = map(int, text.split(":"))
    return DAY.replace(hour=hour, minute=minute, second=second).timestamp()


class HandClock:
    """The engine's clock, and the sandbox's. It stands still until it is moved."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self._start + self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # At least so long that the clock moves: what remains after rounding must not be slept over and over.
        heapq.heappush(self._sleepers, (self._now + max(seconds, 0.001), next(self._order), future))
        await future

    def next_waking(self) -> float | None:
        """When the first of those that sleep wakes, in seconds of `monotonic`; None where nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def move_to(self, at: float) -> None:
        """Makes it that moment of `monotonic`, and wakes those whose time has come."""
        self._now = max(self._now, at)
        while (waking := self.next_waking()) is not None and waking <= self._now:
            heapq.heappop(self._sleepers)[2].set_result(None)


def in_ascii(picture: str) -> str:
    """A screenshot's letters as a terminal gets them that has ASCII alone."""

    def letters(found: re.Match[str]) -> str:
        return found[1] + ascii_text(found[2].replace("&#160;", " "), "ascii").replace(" ", "&#160;")

    return re.sub("(<text[^>]*>)([^<]*)", letters, picture)


class EvenJitter(random.Random):
    """Always the middle, so that the order of answers does not matter."""

    def random(self) -> float:
        return 0.5


class _PortlessListener(Listener):
    """Believes that it has http's own port."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.url = "http://127.0.0.1"


class Stage:
    """The demo, ready to be started; use it as a context.

    Args:
        start: The time of day at which it begins.
        glyphs: The characters to draw with.
        no_color: Whether `NO_COLOR` is set.
        readonly: Whether nothing can be started.
        environments: TOML of environments to have instead of the demo's.
    """

    def __init__(
        self,
        start: str = "11:40:00",
        *,
        glyphs: str = "unicode",
        no_color: bool = False,
        readonly: bool = False,
        environments: str | None = None,
    ) -> None:
        self.clock = HandClock(moment(start))
        self.paced = False
        """True where downloads wait for the clock: they do not count as under way."""
        self._glyphs = glyphs
        self._no_color = no_color
        self._readonly = readonly
        self._environments = environments
        self._under_way = 0
        self._received = 0
        """Paced downloads that run."""
        self._waiting = 0
        """Threads of the sandbox that wait for the clock."""
        self._inside = contextlib.ExitStack()

    def __enter__(self) -> Self:
        enter = self._inside.enter_context
        home = Path(enter(tempfile.TemporaryDirectory(prefix="gale-tui-stage-"))).resolve()
        variables = {"HOME": str(home), "TZ": "UTC", "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        if self._no_color:
            variables["NO_COLOR"] = "1"
        enter(patch.dict(os.environ, variables))
        if not self._no_color:
            os.environ.pop("NO_COLOR", None)
        time.tzset()
        self._inside.callback(time.tzset)
        self._patch()
        folder = home / "gale-tui"
        folder.mkdir(mode=0o700)
        config = folder / "config.toml"
        config.write_text(f'[settings]\nglyphs = "{self._glyphs}"\n{self._environments or ""}', encoding="utf-8")
        config.chmod(0o600)
        self.sandbox = Sandbox(clock=self.clock.monotonic, wall=self.clock.time, seed=2026)
        self._inside.callback(self.sandbox.stop)
        numbers = itertools.count(1)
        wiring = Wiring(
            environ={},
            clock=self.clock,
            rng=EvenJitter(),
            new_id=lambda: f"job-{next(numbers):03}",
            sandbox=self.sandbox,
        )
        if self._environments is None:
            self.engine, _ = demo_engine(folder, wiring, readonly=self._readonly)
        else:
            self.sandbox.start()
            self.engine = self._engine(Paths.under(folder), wiring)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._inside.close()
        time.tzset()

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock.time()

    def _engine(self, paths: Paths, wiring: Wiring) -> GaleEngine:
        threads = DaemonThreads("stage")
        return GaleEngine(
            paths=paths,
            credentials=Credentials(config_file=paths.config_file, threads=threads, use_keyring=False),
            threads=threads,
            clock=wiring.clock,
            rng=wiring.rng,
        )

    def app(self, engine: GaleEngine | None = None) -> GaleApp:
        """The app on this stage."""
        return GaleApp(engine or self.engine, signals=False)

    def _patch(self) -> None:
        call = DaemonThreads.call
        wait_until = SandboxTime.wait_until

        def to_the_sandbox(host: str, port: int, exchange: Exchange) -> list[Address]:
            assert (host, port) == ("127.0.0.1", 80), "nothing but the sandbox is asked"
            return look_up(host, self._port, exchange)

        async def counted(threads: DaemonThreads, function: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
            if self.paced and isinstance(getattr(function, "__self__", None), DownloadTask):
                self._received += 1
                try:
                    return await call(threads, function, *arguments, **more)
                finally:
                    self._received -= 1
            self._under_way += 1
            try:
                return await call(threads, function, *arguments, **more)
            finally:
                self._under_way -= 1

        def waited(time: SandboxTime, at: float) -> bool:
            self._waiting += 1
            try:
                return wait_until(time, at)
            finally:
                self._waiting -= 1

        render_update = Compositor.render_update

        def whole_or_nothing(compositor: Compositor, full: bool = False, **more: Any) -> Any:
            return render_update(compositor, full, **more) if full else None

        from_meta = Style.from_meta

        def without_clicks(meta: dict[str, Any] | None) -> Style:
            return Style() if meta and "@click" in meta else from_meta(meta)

        enter = self._inside.enter_context
        # A picture's text is broken where styles differ, though what a click does is not seen.
        enter(patch.object(Style, "from_meta", without_clicks))
        # Nobody sees what is painted between the pictures, each of which is painted whole.
        enter(patch.object(Compositor, "render_update", whole_or_nothing))
        enter(patch.object(server, "Listener", _PortlessListener))
        enter(patch.object(network, "look_up", to_the_sandbox))
        enter(patch.object(DaemonThreads, "call", counted))
        enter(patch.object(SandboxTime, "wait_until", waited))
        # Nobody else writes this history: time would stop each second to look into it.
        enter(patch.object(engine, "SYNC_EVERY", 60.0))

    @property
    def _port(self) -> int:
        return self.sandbox._listeners["own"].port

    # Time

    async def settle(self) -> None:
        """Waits until all that follows from the present moment has come to rest."""
        quiet = 0
        while quiet < HOPS:
            if self._under_way or self._waiting < self._received:
                quiet = 0
                await asyncio.sleep(0.001)
            else:
                quiet += 1
                await asyncio.sleep(0)

    @property
    def _all_done(self) -> bool:
        saved = (DownloadState.SAVED, DownloadState.NONE)
        return not any(
            job.state.polled or job.state is JobState.WAITING or job.download.state not in saved
            for job in self.engine.jobs.values()
        )

    async def until(self, true: Callable[[], bool]) -> None:
        """Lets time pass until something holds, waking everybody in their turn."""
        await self.settle()
        while not true():
            waking = self.clock.next_waking()
            assert waking is not None, "nobody will ever wake"
            self.clock.move_to(waking)
            await self.settle()

    async def leap(self, text: str) -> None:
        """Makes it that time of day at once; who sleeps until then wakes late."""
        await self.settle()
        self.clock.move_to(moment(text) - self.clock.time() + self.clock.monotonic())
        await self.settle()

    async def to(self, text: str) -> None:
        """Lets time pass until that time of day, waking everybody in their turn."""
        at = moment(text) - self.clock.time() + self.clock.monotonic()
        await self.settle()
        if self._all_done:
            # What sleeps only looks whether there is anything to do.
            self.clock.move_to(at)
        while (waking := self.clock.next_waking()) is not None and waking <= at:
            self.clock.move_to(waking)
            await self.settle()
        self.clock.move_to(at)
        await self.settle()
