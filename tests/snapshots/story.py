"""What happens in the pictures: a morning of exports, and half a minute in which everything goes on at once."""

from __future__ import annotations

import dataclasses
import math

from textual.pilot import Pilot

from gale_tui.core.models import DownloadState, ExportRequest, Job
from gale_tui.sandbox.faults import cut, rate_limited
from gale_tui.sandbox.script import File, Script
from gale_tui.sandbox.server import Sandbox
from gale_tui.sandbox.tools import DEMO, OfferedTool
from gale_tui.tui.app import GaleApp
from tests.snapshots.stage import Stage

__all__ = ["drawn", "morning", "noon", "opened"]

PACE = 4 << 20
"""Bytes per second of the download that is seen under way."""
NOON = "12:00:10"


def tools(sandbox: Sandbox) -> dict[str, OfferedTool]:
    """What the demo offers, by name."""
    return {tool.name: tool for tool in sandbox.offered}


def at_once(sandbox: Sandbox) -> None:
    """Files come in one piece: what they are paced at would need the clock to move while they come."""
    for tool, sample in zip(sandbox.offered, DEMO.tools, strict=False):
        script = sample.script
        sandbox.script(tool.tool_id, dataclasses.replace(script, file=dataclasses.replace(script.file, pace=None)))


async def opened(stage: Stage, pilot: Pilot[int]) -> GaleApp:
    """The app with its first screen."""
    app = pilot.app
    assert isinstance(app, GaleApp)
    while not app.jobs_screen.is_running or not app.jobs_screen.is_current:
        await pilot.pause(0.01)
    await stage.settle()
    await pilot.pause()
    return app


async def export(stage: Stage, at: str, tool: OfferedTool) -> Job:
    """Exports a tool at a time of day."""
    await stage.to(at)
    job = await stage.engine.export(ExportRequest("demo", tool.tool_id, tool.flow_id, tool.name))
    await stage.settle()
    return job


async def morning(stage: Stage) -> None:
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


async def noon(stage: Stage, pilot: Pilot[int]) -> None:
    """Five exports at once: one without percentages, one that is received, one that waits, one just begun."""
    sandbox, engine = stage.sandbox, stage.engine
    offered = tools(sandbox)
    await export(stage, "11:59:58", offered["Leave Bot"])
    library = offered["Policy Library"]
    sandbox.script(
        library.tool_id, Script(duration=4.0, percentages=True, file=File(size=24 << 20, pace=float(PACE)))
    )
    received = await export(stage, "12:00:00", library)
    orders = offered["Order Tracker"]
    sandbox.script(orders.tool_id, Script(duration=8.0, percentages=True, on_export=(rate_limited(30),)))
    await export(stage, "12:00:03", orders)
    await stage.to("12:00:05")
    await pilot.press("n")
    await stage.settle()
    await pilot.press("enter")
    while len(engine.jobs) < 14:
        await pilot.pause(0.01)
    await stage.settle()
    stage.paced = True
    while engine.jobs[received.id].download.part is None:
        await stage.next()
    began = stage.clock.monotonic()
    engine.progress(received.id)
    await stage.to(NOON)
    piece = PACE // 20
    due = int((stage.clock.monotonic() - began) * PACE) // piece * piece
    while (reading := engine.progress(received.id)) is None or reading.received < due:
        await pilot.pause(0.01)
    assert engine.jobs[received.id].download.state is DownloadState.RUNNING


async def drawn(stage: Stage, pilot: Pilot[int]) -> None:
    """Lets everything that is known be on the screen, and what was said be gone."""
    app = pilot.app
    assert isinstance(app, GaleApp)
    await stage.settle()
    await pilot.pause()
    table = app.jobs_screen.table
    for job_id in stage.engine.downloading():
        table.set_progress(job_id, stage.engine.progress(job_id))
    table.tick(stage.now)
    table.refresh()
    app.clear_notifications()
    await pilot.pause()
    await stage.settle()
    await pilot.pause()
