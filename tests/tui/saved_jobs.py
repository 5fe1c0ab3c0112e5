"""Jobs with saved files in a real app, its engine and the embedded GALE."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from gale_tui.cli.main import Wiring, demo_engine
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import DownloadState, ExportRequest, Job
from gale_tui.sandbox.script import Script
from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.widgets.pages.text_page import TextPage
from tests.support.sandbox import Sandbox
from tests.support.saved_exports import write_zip
from tests.tui.real_app import until

__all__ = ["export_versions", "page_text", "replace_file", "running", "sandboxed"]


def sandboxed() -> Iterator[Sandbox]:
    """A sandbox in a hurry."""
    with Sandbox(seed=1, speed=50.0) as sandbox:
        yield sandbox


@asynccontextmanager
async def running(
    folder: Path, sandbox: Sandbox, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[GaleApp, Pilot[int], GaleEngine]]:
    """The demo's app, with the jobs on screen."""
    engine, _ = demo_engine(folder / "demo", Wiring(environ={}, sandbox=sandbox))
    app = GaleApp(engine, signals=False)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))
        yield app, pilot, engine


async def export_versions(pilot: Pilot[int], engine: GaleEngine, sandbox: Sandbox, *versions: int) -> list[Job]:
    """Exports the first offered tool once for each version, one after the other, and waits for the files."""
    offered = sandbox.offered[0]
    ids: list[str] = []
    for version in versions:
        sandbox.script(offered.tool_id, Script(duration=0.1, version=version))
        job = await engine.jobs.export(ExportRequest("demo", offered.tool_id, offered.flow_id))
        ids.append(job.id)
        await until(pilot, lambda: engine.jobs[ids[-1]].download.state is DownloadState.SAVED)
    return [engine.jobs[each] for each in ids]


def replace_file(job: Job, contents: Mapping[str, Any]) -> None:
    """Puts other contents into the job's saved file."""
    assert job.download.path is not None
    write_zip(job.download.path, contents)


def page_text(app: GaleApp) -> str:
    """All lines of the page on screen; none while there is no page yet."""
    return "".join(page.text for page in app.screen.query(TextPage))
