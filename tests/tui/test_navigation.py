"""The ways between screens, as keys take them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import events

from gale_tui.core.models import ExportRequest
from gale_tui.sandbox.script import Fault, Script
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.screens.saved_file.inspect import InspectScreen
from gale_tui.tui.widgets.key_bar import KeyBar
from tests.support.sandbox import Sandbox
from tests.tui.real_app import screen_text, shows, toasts, until
from tests.tui.saved_jobs import export_versions, page_text, running

ELSEWHERE = (
    "curl -X POST 'https://gale.example.com/api/public/tools/a-4f19c2aa-1111-4222-8333-444444444444/export"
    "?flowId=cf-4f19c2aa-1111-4222-8333-444444444444'"
)


async def test_a_form_just_opened_closes_with_one_escape(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(tmp_path, sandbox) as (app, pilot, _):
            await pilot.press("n")
            await until(pilot, lambda: shows(app, ExportForm) and "Offered tools" in screen_text(app))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.jobs_screen)


async def test_what_is_typed_stays_when_escape_closes_the_suggestions(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(tmp_path, sandbox) as (app, pilot, _):
            await pilot.press("n")
            await until(pilot, lambda: shows(app, ExportForm) and "Offered tools" in screen_text(app))
            await pilot.press("b", "escape")
            await pilot.pause()
            assert isinstance(app.screen, ExportForm)
            assert app.screen.fields.tool.value == "b"


async def test_a_request_of_an_unknown_host_leaves_no_environment_chosen(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(tmp_path, sandbox) as (app, pilot, _):
            app.post_message(events.Paste(ELSEWHERE))
            await until(pilot, lambda: shows(app, ExportForm) and "gale.example.com" in screen_text(app))
            assert isinstance(app.screen, ExportForm)
            assert app.screen.fields.environment is None
            await pilot.press("ctrl+s")
            await until(pilot, lambda: "Choose an environment" in screen_text(app))
            assert sandbox.requests == []


async def test_a_search_shows_the_keys_to_its_hits(tmp_path: Path) -> None:
    with Sandbox(seed=1, speed=50.0) as sandbox:
        async with running(tmp_path, sandbox, (120, 30)) as (app, pilot, engine):
            await export_versions(pilot, engine, sandbox, 1)
            await pilot.press("i")
            await until(pilot, lambda: shows(app, InspectScreen) and "Contents" in page_text(app))
            keys = app.screen.query_one(KeyBar)
            assert "Next hit" not in keys.render_line(0).text
            await pilot.press("slash", *"json", "enter")
            await until(pilot, lambda: "n Next hit  N Previous hit" in keys.render_line(0).text)


async def test_quitting_says_what_goes_on(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        sandbox.script(sandbox.offered[0].tool_id, Script(duration=600.0))
        async with running(tmp_path, sandbox) as (app, pilot, _):
            await pilot.press("n", "enter")
            await until(pilot, lambda: app.job_counts.running == 1 and app.screen is app.jobs_screen)
            await pilot.press("q")
            await until(pilot, lambda: app.return_value == 0)
            assert [str(each) for each in app._exit_renderables] == ["1 export goes on at GALE."]


async def test_x_on_a_job_whose_request_is_out_says_when_it_can_be_removed(tmp_path: Path) -> None:
    with Sandbox(seed=1, speed=50.0) as sandbox:
        async with running(tmp_path, sandbox) as (app, pilot, engine):
            tool = sandbox.add_tool("Slow", Script(duration=1.0, on_export=(Fault(delay=100.0),)))
            exporting = asyncio.create_task(
                engine.jobs.export(ExportRequest("demo", tool.tool_id, tool.flow_id, "Slow"))
            )
            await until(pilot, lambda: sandbox.posts(tool.tool_id) and app.jobs_screen.table.current is not None)
            await pilot.press("x")
            await until(pilot, lambda: toasts(app))
            assert toasts(app) == ["Slow is being requested. Remove it once GALE has answered."]
            job = await exporting
            assert job.id in engine.jobs
