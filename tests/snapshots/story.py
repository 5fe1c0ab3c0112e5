"""What happens in the pictures: a morning of exports, and half a minute in which everything goes on at once."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Awaitable, Callable
from typing import Any

from textual.events import Paste
from textual.pilot import Pilot
from textual.screen import Screen

from gale_tui.core.batch.parser import parse_batch
from gale_tui.core.models import DownloadState, ExportRequest, Job
from gale_tui.core.secret import Secret
from gale_tui.sandbox.jobs import Tool
from gale_tui.sandbox.script import File, Script
from gale_tui.sandbox.tools import DEMO
from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.batch.batch import BatchScreen
from gale_tui.tui.screens.batch.line import BatchLineDialog
from gale_tui.tui.screens.batch.report import BatchAccountDialog
from gale_tui.tui.screens.batch.sets import SetNameDialog, SetPicker
from gale_tui.tui.screens.environments.environments import EnvironmentsScreen
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.screens.saved_file.compare import CompareScreen
from gale_tui.tui.screens.saved_file.inspect import InspectScreen
from tests.snapshots.stage import Stage, moment
from tests.support.faults import cut, rate_limited
from tests.support.sandbox import Sandbox
from tests.tui.real_app import until

__all__ = [
    "ENVIRONMENTS",
    "accounted",
    "drawn",
    "journey",
    "line_opened",
    "listed",
    "look_into_environments",
    "morning",
    "noon",
    "opened",
    "paste",
    "select",
    "shown",
    "two_versions",
]

ENVIRONMENTS = """
[environments.local]
host = "http://127.0.0.1"

[environments.staging]
host = "staging-agent-platform.kore.ai"

[environments.production]
host = "gale.kore.ai"
production = true
key_command = ["pass", "show", "gale/production"]

[environments.dev]
host = "dev-agent-platform.kore.ai"
proxy = "http://proxy.example:3128"
"""
"""As a person may have them; only the first is asked anything."""

PACE = 6 << 20
"""Bytes per second of the download that is seen under way."""
PIECE = 256 << 10
"""Bytes that the sandbox sends at once."""
NOON = "12:00:10"


def tools(sandbox: Sandbox) -> dict[str, Tool]:
    """What the demo offers, by name."""
    return {tool.name: tool for tool in sandbox.offered}


def at_once(sandbox: Sandbox) -> None:
    """Files come in one piece: what they are paced at would need the clock to move while they come."""
    for tool, sample in zip(sandbox.offered, DEMO, strict=False):
        script = sample.script
        sandbox.script(tool.tool_id, dataclasses.replace(script, file=dataclasses.replace(script.file, pace=None)))


async def opened(stage: Stage, pilot: Pilot[int]) -> GaleApp:
    """The app with its first screen."""
    app = pilot.app
    assert isinstance(app, GaleApp)
    await until(pilot, lambda: isinstance(app.screen, JobsScreen | EnvironmentsScreen))
    await stage.settle()
    await pilot.pause()
    return app


async def export(stage: Stage, at: str, tool: Tool) -> Job:
    """Exports a tool at a time of day."""
    await stage.to(at)
    job = await stage.engine.jobs.export(ExportRequest("demo", tool.tool_id, tool.flow_id, tool.name))
    await stage.settle()
    return job


async def morning(stage: Stage, pilot: Pilot[int]) -> None:
    """What the table remembers: files saved, two failures, a job that GALE forgot and one that may not have begun."""
    sandbox = stage.sandbox
    at_once(sandbox)
    offered = tools(sandbox)
    await export(stage, "11:42:10", offered["Leave Bot"])
    await export(stage, "11:44:02", offered["Order Tracker"])
    lost = await export(stage, "11:45:40", sandbox.add_tool("KYC Onboarding", Script(duration=math.inf)))
    await stage.to("11:46:00")
    assert lost.dock_status_id is not None
    sandbox.forget_job(lost.dock_status_id)
    await export(stage, "11:50:31", offered["Policy Library"])
    await export(stage, "11:51:12", offered["Claims Triage"])
    await export(stage, "11:52:40", offered["Invoice Reader"])
    await export(stage, "11:53:55", offered["Support Copilot"])
    doubtful = sandbox.add_tool("Fraud Watch", Script(on_export=(cut("answer", started=True),)))
    await export(stage, "11:55:08", doubtful)
    await export(stage, "11:57:31", offered["Banking Assistant"])
    await export(stage, "11:58:47", sandbox.add_tool("Returns Desk", Script(outcome="FAILED")))
    await stage.to("11:59:30")
    pilot.app.clear_notifications()


async def noon(stage: Stage, pilot: Pilot[int], form: Callable[[], Awaitable[None]] | None = None) -> None:
    """Several exports at once: one without percentages, one that is received, one that waits, one just begun.

    Args:
        stage: Where.
        pilot: Presses the keys of the last of them.
        form: Called while the form of the last of them is open.
    """
    sandbox, engine = stage.sandbox, stage.engine
    offered = tools(sandbox)
    await export(stage, "11:59:58", offered["Leave Bot"])
    orders = offered["Order Tracker"]
    sandbox.script(orders.tool_id, Script(duration=8.0, percentages=True, on_export=(rate_limited(30),)))
    await export(stage, "12:00:00", orders)
    library = offered["Policy Library"]
    sandbox.script(library.tool_id, Script(duration=4.0, percentages=True, file=File(size=24 << 20, pace=float(PACE))))
    received = await export(stage, "12:00:02", library)
    await stage.to("12:00:05")
    await pilot.press("n")
    await stage.settle()
    await pilot.pause()
    if form is not None:
        await form()
    known = len(engine.jobs)
    await pilot.press("enter")
    await until(pilot, lambda: len(engine.jobs) > known)
    stage.paced = True
    await stage.until(lambda: received.id in engine.downloads.running())
    began = stage.clock.monotonic()
    # The speed is reckoned from here on; the next reading is that of the picture.
    reading = engine.downloads.progress(received.id)
    assert reading is not None
    assert reading.received == 0
    await stage.leap(NOON)
    pilot.app.clear_notifications()
    due = int((stage.clock.monotonic() - began) * PACE / PIECE) * PIECE
    while reading is None or reading.received < due:
        await asyncio.sleep(0.01)
        reading = engine.downloads.progress(received.id)
    assert engine.jobs[received.id].download.state is DownloadState.RUNNING


async def drawn(stage: Stage, pilot: Pilot[int]) -> None:
    """Lets everything that is known be on the screen, and what was said be gone."""
    app = pilot.app
    assert isinstance(app, GaleApp)
    await stage.settle()
    await pilot.pause()
    for screen in app.screen_stack:
        # Dialogs let what is below them shine through.
        if isinstance(screen, JobsScreen):
            screen.table.tick(stage.now)
            screen.table.refresh()
            screen.details.draw()
    app.clear_notifications()
    await pilot.pause()
    await stage.settle()
    await pilot.pause()


async def shown(stage: Stage, pilot: Pilot[int], kind: type[Screen[Any]]) -> None:
    """Waits for a screen."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    await stage.settle()
    await pilot.pause()


async def select(stage: Stage, pilot: Pilot[int], name: str, at: str) -> Job:
    """Puts the cursor on the job of that name and time."""
    app = pilot.app
    assert isinstance(app, GaleApp)
    job = next(job for job in stage.engine.jobs.values() if job.title == name and job.created_at == moment(at))
    app.jobs_screen.table.select(job.id)
    await pilot.pause()
    await stage.settle()
    return job


async def paste(pilot: Pilot[int], text: str) -> None:
    """Pastes into the field that has the focus."""
    field = pilot.app.focused
    assert field is not None
    field.post_message(Paste(text))
    await pilot.pause()


async def two_versions(stage: Stage, pilot: Pilot[int]) -> None:
    """Exports a tool, and again once somebody has edited it, and compares the two."""
    leave = tools(stage.sandbox)["Leave Bot"]
    for at in ("11:42:10", "11:57:31"):
        await export(stage, at, leave)
    await stage.to("11:59:30")
    pilot.app.clear_notifications()
    await select(stage, pilot, "Leave Bot", "11:57:31")
    await pilot.press("i")
    await shown(stage, pilot, InspectScreen)
    await pilot.press("equals_sign")
    await shown(stage, pilot, CompareScreen)


async def listed(stage: Stage, pilot: Pilot[int]) -> None:
    """Opens the batch with a pasted list in which a line is wrong."""
    at_once(stage.sandbox)
    offered = tools(stage.sandbox)
    names = ("Banking Assistant", "Order Tracker", "Claims Triage", "Invoice Reader")
    lines = [f"{offered[name].tool_id},{offered[name].flow_id},{name}" for name in names]
    lines.insert(2, "a-774401d5-9836-496e-af6e-c141095430b3,,Returns Desk")
    app = pilot.app
    assert isinstance(app, GaleApp)
    app.batch.open(parse_batch("\n".join(("tool_id,flow_id,label", *lines))))
    await shown(stage, pilot, BatchScreen)


async def line_opened(stage: Stage, pilot: Pilot[int]) -> None:
    """Opens the wrong line of that list."""
    await listed(stage, pilot)
    await pilot.press("enter")
    await shown(stage, pilot, BatchLineDialog)


async def accounted(stage: Stage, pilot: Pilot[int]) -> None:
    """Starts what is right in that list, lets it end and its account come."""
    await listed(stage, pilot)
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.screen, JobsScreen))
    app = pilot.app
    assert isinstance(app, GaleApp)
    await stage.settle()
    await stage.until(lambda: not app.batch.running)
    await pilot.press("B")
    await shown(stage, pilot, BatchAccountDialog)


async def sets_offered(stage: Stage, pilot: Pilot[int]) -> None:
    """Keeps that list, and a shorter one, as sets, and looks at what there is."""
    await listed(stage, pilot)
    for name in ("nightly", "before a release"):
        await pilot.press("g", "x", "s")
        await shown(stage, pilot, SetNameDialog)
        await pilot.press("ctrl+u")
        await paste(pilot, name)
        await pilot.press("enter")
        await shown(stage, pilot, BatchScreen)
        await stage.settle()
    await pilot.press("o")
    await shown(stage, pilot, SetPicker)


async def journey(stage: Stage, pilot: Pilot[int], frame: Callable[[float], Awaitable[None]]) -> None:
    """From a request copied in the browser to the saved file.

    Args:
        stage: Where.
        pilot: Pastes and presses.
        frame: Called at each step with the seconds that it is worth looking at.
    """
    sandbox = stage.sandbox
    at_once(sandbox)
    offered = tools(sandbox)
    await export(stage, "11:42:10", offered["Leave Bot"])
    await export(stage, "11:51:12", offered["Claims Triage"])
    await stage.to("11:59:58")
    pilot.app.clear_notifications()
    await frame(1.6)
    tool = offered["Banking Assistant"]
    address = f"{sandbox.url}/api/public/tools/{tool.tool_id}/export?flowId={tool.flow_id}"
    pilot.app.screen.post_message(Paste(f"curl '{address}' -X POST -H 'Content-Type: application/json'"))
    await shown(stage, pilot, ExportForm)
    await frame(2.8)
    known = len(stage.engine.jobs)
    await pilot.press("enter")
    await until(pilot, lambda: len(stage.engine.jobs) > known)
    for at, seconds in (("11:59:58", 0.8), ("12:00:00", 1.0), ("12:00:02", 1.0), ("12:00:04", 1.0), ("12:00:09", 1.6)):
        await stage.to(at)
        await frame(seconds)
    await pilot.press("i")
    await shown(stage, pilot, InspectScreen)
    await frame(2.6)


async def look_into_environments(stage: Stage, pilot: Pilot[int]) -> None:
    """Opens the environments and tests the first."""
    engine = stage.engine
    keys = {"local": stage.sandbox.key, "staging": "kg-test-key-0000-0000"}
    for name, key in keys.items():
        environment = engine.environments.find(name)
        assert environment is not None
        engine.credentials.keep_for_session(environment, Secret(key))
    await pilot.press("c")
    await stage.settle()
    await pilot.pause()
    await pilot.press("t")
    await stage.settle()
    await pilot.pause()
