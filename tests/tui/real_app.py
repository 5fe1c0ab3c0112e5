"""The app with its engine against the embedded GALE over real HTTP, on a clock that runs fast."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from gale_tui.cli.main import Wiring, demo_engine
from gale_tui.core.config.paths import Paths
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import DownloadState, ExportRequest, Job
from gale_tui.core.threads import DaemonThreads
from gale_tui.sandbox.script import Script
from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.environments.environments import EnvironmentsScreen
from gale_tui.tui.screens.jobs import JobsScreen
from tests.support.engines import eventually
from tests.support.sandbox import Sandbox

__all__ = [
    "SPEED",
    "FastClock",
    "configured_engine",
    "demo",
    "export",
    "running",
    "saved",
    "screen_text",
    "shows",
    "toasts",
    "until",
]

SPEED = 20.0
"""Seconds of the engine and of the sandbox per second."""


class FastClock:
    """Real time, faster."""

    def __init__(self) -> None:
        self._wall, self._begin = time.time(), time.monotonic()

    def time(self) -> float:
        return self._wall + self.monotonic()

    def monotonic(self) -> float:
        return (time.monotonic() - self._begin) * SPEED

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds / SPEED))


def demo(home: Path, sandbox: Sandbox, *, readonly: bool = False) -> GaleEngine:
    """The engine of `gale-tui --demo`."""
    return demo_engine(home, Wiring(environ={}, clock=FastClock(), sandbox=sandbox), readonly=readonly)[0]


def configured_engine(paths: Paths) -> GaleEngine:
    """An engine as the command line makes it, without a keyring."""
    threads = DaemonThreads("test")
    credentials = Credentials(config_file=paths.config_file, threads=threads, use_keyring=False)
    return GaleEngine(paths=paths, credentials=credentials, threads=threads, clock=FastClock())


@asynccontextmanager
async def running(engine: GaleEngine, size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[GaleApp, Pilot[int]]]:
    """The app from its first screen on."""
    app = GaleApp(engine, signals=False)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: bool(app.screen_stack) and isinstance(app.screen, JobsScreen | EnvironmentsScreen))
        await pilot.pause()
        yield app, pilot


async def until(pilot: Pilot[Any], true: Callable[[], object], pause: float = 0.005) -> None:
    """Lets the app work until something holds. `pilot.pause` alone would send a message to each widget each time."""
    if not true():
        await eventually(true, pause)
        await pilot.pause()


def shows(app: GaleApp, kind: type[object]) -> bool:
    """Whether a screen of that kind is on top."""
    return isinstance(app.screen, kind)


def screen_text(app: GaleApp) -> str:
    """What the terminal shows."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def toasts(app: GaleApp) -> list[str]:
    """What is said in the corner."""
    return [notification.message for notification in app._notifications]


def saved(job: Job) -> bool:
    """Whether its file is on disk."""
    return job.download.state is DownloadState.SAVED


async def export(
    pilot: Pilot[int],
    app: GaleApp,
    sandbox: Sandbox,
    script: Script,
    name: str = "Tested Tool",
    environment: str = "demo",
) -> str:
    """Exports a tool that does what the script says; our id of the job, once its row is there."""
    tool = sandbox.add_tool(name, script)
    job = await app.engine.jobs.export(ExportRequest(environment, tool.tool_id, tool.flow_id, name))
    await until(pilot, lambda: job.id in app.engine.jobs)
    await pilot.pause()
    return job.id
