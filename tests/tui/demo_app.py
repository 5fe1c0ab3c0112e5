"""The demo's app under a pilot, with settings as `config.toml` has them."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from gale_tui.cli.main import Wiring, demo_engine
from gale_tui.core.models import DownloadState, Job
from gale_tui.tui.app import GaleApp
from tests.support.sandbox import Sandbox
from tests.tui.real_app import until

__all__ = ["Demo", "demo_app", "kept", "saved_job"]

Demo = tuple[GaleApp, Pilot[int]]


@asynccontextmanager
async def demo_app(home: Path, settings: str = "", *, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Demo]:
    """The demo in a folder, its screen drawn; `settings` are the lines of the table `[settings]`."""
    _write(home, settings)
    with Sandbox(seed=1, speed=40.0) as sandbox:
        engine, _ = demo_engine(home, Wiring(environ={}, sandbox=sandbox))
        app = GaleApp(engine, signals=False)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.jobs_screen in app.screen_stack and app.jobs_screen.is_mounted)
            await pilot.pause()
            yield app, pilot


def _write(home: Path, settings: str) -> None:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings:
        (home / "config.toml").write_text(f"[settings]\n{settings}\n", "utf-8")


async def saved_job(app: GaleApp, pilot: Pilot[int]) -> Job:
    """Exports the tool that the form offers first, and waits for its file."""
    await pilot.press("n")
    await until(pilot, lambda: type(app.screen).__name__ == "ExportForm")
    await pilot.pause()
    await pilot.press("enter")
    await until(pilot, lambda: any(job.download.state is DownloadState.SAVED for job in app.engine.jobs.values()))
    await until(pilot, lambda: app.screen is app.jobs_screen)
    (job,) = app.engine.jobs.values()
    return job


def kept(home: Path) -> dict[str, Any]:
    """The settings as the file has them now."""
    settings: dict[str, Any] = tomllib.loads((home / "config.toml").read_text("utf-8")).get("settings", {})
    return settings
