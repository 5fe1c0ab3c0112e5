"""The whole app as a person uses it, against the embedded GALE."""

from __future__ import annotations

import math
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from gale_tui.core.config.paths import Paths
from gale_tui.core.jobs.reasons import describe
from gale_tui.core.models import Environment, ExportRequest, JobState
from gale_tui.core.secret import Secret
from gale_tui.sandbox.script import File, Script
from gale_tui.tui import theme
from gale_tui.tui.screens.copy_menu import CopyMenu
from gale_tui.tui.screens.dialogs import ConfirmDialog, KeyDialog, TrackDialog
from gale_tui.tui.screens.environments.environments import EnvironmentsScreen
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.screens.job_details import JobDetailsScreen
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.fields import FieldInput
from tests.support.faults import HOSTILE, cut
from tests.support.sandbox import Sandbox
from tests.tui.real_app import (
    SPEED,
    configured_engine,
    demo,
    export,
    running,
    saved,
    screen_text,
    shows,
    toasts,
    until,
)

RUNNING = Script(duration=math.inf)
QUICK = Script(duration=0.5)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=1, speed=SPEED) as running:
        yield running


async def test_from_n_and_enter_to_a_file(tmp_path: Path, sandbox: Sandbox) -> None:
    engine = demo(tmp_path / "demo", sandbox)
    async with running(engine, (100, 30)) as (app, pilot):
        assert "No exports yet" in screen_text(app)
        await pilot.press("n")
        await until(pilot, lambda: shows(app, ExportForm))
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, JobsScreen))
        await until(pilot, lambda: any(map(saved, engine.jobs.values())))
        await until(pilot, lambda: "1 saved" in screen_text(app))
        (job,) = engine.jobs.values()
        assert sandbox.offered[0].name in screen_text(app)
        assert "SUCCESS" in screen_text(app)
        assert job.download.path is not None
        with zipfile.ZipFile(job.download.path) as opened:
            assert "flow_definition.json" in opened.namelist()
            assert opened.testzip() is None
    assert len(sandbox.posts(job.tool_id)) == 1


async def test_a_failure_is_said_with_its_reason(tmp_path: Path, sandbox: Sandbox) -> None:
    script = Script(duration=0.5, outcome="FAILED", reason="node n3 has no model")
    async with running(demo(tmp_path / "demo", sandbox), (100, 30)) as (app, pilot):
        job_id = await export(pilot, app, sandbox, script)
        await until(pilot, lambda: app.engine.jobs[job_id].state is JobState.FAILED)
        await until(pilot, lambda: "1 failed" in screen_text(app))
        row = next(line for line in screen_text(app).splitlines() if "Tested Tool" in line)
        assert "FAILED" in row
        assert "node n3 has no model" in row
        assert toasts(app) == ["Tested Tool: FAILED. node n3 has no model"]


async def test_an_export_that_may_have_started_keeps_its_row(tmp_path: Path, sandbox: Sandbox) -> None:
    script = Script(on_export=(cut("answer", started=True),))
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        job_id = await export(pilot, app, sandbox, script)
        await until(pilot, lambda: "UNCONFIRMED" in screen_text(app))
        assert app.engine.jobs[job_id].state is JobState.UNCONFIRMED
        await pilot.press("enter")
        sentence = describe(app.engine.jobs[job_id]).text
        await until(pilot, lambda: sentence[-15:] in screen_text(app))
    assert len(sandbox.posts(app.engine.jobs[job_id].tool_id)) == 1


async def test_a_key_refused_while_polling_is_asked_for_and_polling_goes_on(paths: Paths, sandbox: Sandbox) -> None:
    paths.config_file.parent.mkdir(parents=True)
    paths.config_file.write_text(f'[environments.local]\nhost = "{sandbox.url}"\n', encoding="utf-8")
    engine = configured_engine(paths)
    environment: Environment = engine.environments.all[0]
    engine.credentials.keep_for_session(environment, Secret(sandbox.key))
    async with running(engine) as (app, pilot):
        job_id = await export(pilot, app, sandbox, Script(duration=30.0), environment="local")
        sandbox.key = "kg-test-key-0000-another"
        await until(pilot, lambda: shows(app, KeyDialog))
        await until(pilot, lambda: "NEEDS KEY" in screen_text(app))
        asked = len(sandbox.status_calls(engine.jobs[job_id].dock_status_id or ""))
        await until(pilot, lambda: app.screen.query_one("#session-only", FormCheckbox).value)
        app.screen.query_one("#api-key", FieldInput).take_paste(sandbox.key)
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, JobsScreen))
        await until(pilot, lambda: saved(engine.jobs[job_id]))
        assert len(sandbox.status_calls(engine.jobs[job_id].dock_status_id or "")) > asked
        await until(pilot, lambda: "NEEDS KEY" not in screen_text(app))
        assert sandbox.key not in screen_text(app)


async def test_polling_pauses_and_goes_on(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        job_id = await export(pilot, app, sandbox, RUNNING)
        dock = app.engine.jobs[job_id].dock_status_id or ""
        await until(pilot, lambda: len(sandbox.status_calls(dock)) > 0)
        await pilot.press("p")
        await until(pilot, lambda: "PAUSED" in screen_text(app))
        assert app.engine.scheduler.paused
        sandbox.script_job(dock, QUICK)
        await pilot.press("p")
        await until(pilot, lambda: "PAUSED" not in screen_text(app))
        await until(pilot, lambda: saved(app.engine.jobs[job_id]))


async def test_r_asks_for_one_job_even_while_paused(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        job_id = await export(pilot, app, sandbox, RUNNING)
        dock = app.engine.jobs[job_id].dock_status_id or ""
        await pilot.press("p", "r")
        await until(pilot, lambda: any(text.startswith("Refreshing Tested Tool") for text in toasts(app)))
        await until(pilot, lambda: len(sandbox.status_calls(dock)) > 0)
        await pilot.press("R")
        assert "Refreshing 1 job …" in toasts(app)


async def test_a_filter_hides_what_does_not_match(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        await export(pilot, app, sandbox, RUNNING, "Alpha")
        await export(pilot, app, sandbox, RUNNING, "Beta")
        await pilot.press("slash", *"alp")
        await until(pilot, lambda: "Beta" not in screen_text(app))
        assert "Alpha" in screen_text(app)
        await pilot.press("enter")
        assert app.focused is app.jobs_screen.table
        assert "Beta" not in screen_text(app)
        await pilot.press("slash", *"zz")
        await until(pilot, lambda: "Nothing matches the filter" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Alpha" in screen_text(app) and "Beta" in screen_text(app))
        assert not app.jobs_screen.query_one("#filter", Input).display


async def test_a_click_on_a_title_sorts(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        for name in ("Beta", "Alpha", "Gamma"):
            await export(pilot, app, sandbox, RUNNING, name)
        table = app.jobs_screen.table

        def names() -> list[str]:
            order = ("Alpha", "Beta", "Gamma")
            places = {name: screen_text(app).find(f" {name} ") for name in order}
            return sorted(order, key=places.__getitem__)

        await until(pilot, lambda: "Gamma" in screen_text(app))
        assert names() == ["Gamma", "Alpha", "Beta"]
        await pilot.click(table, offset=(6, 1))
        await until(pilot, lambda: names() == ["Alpha", "Beta", "Gamma"])
        assert (table.rows.sort_column, table.rows.sort_reverse) == ("tool", False)
        await pilot.click(table, offset=(6, 1))
        await until(pilot, lambda: names() == ["Gamma", "Beta", "Alpha"])


async def test_a_forgotten_job_can_be_brought_back(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        job_id = await export(pilot, app, sandbox, QUICK)
        await until(pilot, lambda: saved(app.engine.jobs[job_id]))
        path = app.engine.jobs[job_id].download.path
        await pilot.press("x")
        await until(pilot, lambda: job_id not in app.engine.jobs)
        await until(pilot, lambda: "No exports yet" in screen_text(app))
        assert path is not None
        assert path.exists()
        await pilot.press("u")
        await until(pilot, lambda: job_id in app.engine.jobs)
        await until(pilot, lambda: "SUCCESS" in screen_text(app))
        assert (await app.engine.registry.store.events(job_id))[0].text == "requested"


async def test_undo_survives_a_restart(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        job_id = await export(pilot, app, sandbox, QUICK)
        await until(pilot, lambda: saved(app.engine.jobs[job_id]))
        await pilot.press("x")
        await until(pilot, lambda: job_id not in app.engine.jobs)
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        assert job_id not in app.engine.jobs
        await pilot.press("u")
        await until(pilot, lambda: job_id in app.engine.jobs)
        await until(pilot, lambda: "SUCCESS" in screen_text(app))
        await pilot.press("u")
        await until(pilot, lambda: "Nothing to undo" in screen_text(app))


async def test_an_export_started_elsewhere_is_tracked(tmp_path: Path, sandbox: Sandbox) -> None:
    other = demo(tmp_path / "other", sandbox)
    await other.start()
    tool = sandbox.add_tool("Elsewhere", Script(duration=2.0))
    started = await other.jobs.export(ExportRequest("demo", tool.tool_id, tool.flow_id, save_when_ready=False))
    await other.close()
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: shows(app, TrackDialog))
        await pilot.press(*(started.dock_status_id or ""), "enter")
        await until(pilot, lambda: shows(app, JobsScreen))
        await until(pilot, lambda: any(job.state is JobState.SUCCEEDED for job in app.engine.jobs.values()))
        (job,) = app.engine.jobs.values()
        assert (job.tool_id, job.tracked) == (tool.tool_id, True)
    assert len(sandbox.posts(tool.tool_id)) == 1


async def test_the_copy_menu_sends_to_the_terminal_and_says_so(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        job_id = await export(pilot, app, sandbox, RUNNING)
        dock = app.engine.jobs[job_id].dock_status_id or ""
        await pilot.press("y")
        await until(pilot, lambda: shows(app, CopyMenu))
        listed = app.screen.query_one(OptionList)
        at = next(
            at for at in range(listed.option_count) if "Dock status" in str(listed.get_option_at_index(at).prompt)
        )
        listed.highlighted = at
        await until(pilot, lambda: dock in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, JobsScreen))
        assert app.clipboard == dock
        assert any("through the terminal" in text for text in toasts(app))


async def test_details_follow_their_job(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox), (80, 24)) as (app, pilot):
        job_id = await export(pilot, app, sandbox, RUNNING)
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, JobDetailsScreen) and "IN_PROGRESS" in screen_text(app))
        sandbox.script_job(app.engine.jobs[job_id].dock_status_id or "", QUICK)
        await until(pilot, lambda: "SUCCESS" in screen_text(app))
        await until(pilot, lambda: "SHA-256" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, JobsScreen))
        assert app.focused is app.jobs_screen.table


async def test_quitting_asks_while_a_file_is_received(tmp_path: Path, sandbox: Sandbox) -> None:
    script = Script(duration=0.5, file=File(size=8 << 20, pace=float(64 << 10)))
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        job_id = await export(pilot, app, sandbox, script)
        await until(pilot, lambda: job_id in app.engine.downloads.running())
        await pilot.press("q")
        await until(pilot, lambda: shows(app, ConfirmDialog))
        await until(pilot, lambda: "1 download will be cut short" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, JobsScreen))
        assert app.return_value is None
        await pilot.press("ctrl+q")
        await until(pilot, lambda: shows(app, ConfirmDialog))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.return_value == 0)


async def test_quitting_does_not_ask_where_nothing_is_lost(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        await export(pilot, app, sandbox, RUNNING)
        await pilot.press("q")
        await until(pilot, lambda: app.return_value == 0)


async def test_ctrl_c_never_quits(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        await pilot.press("ctrl+c")
        assert any("does not end gale-tui" in text for text in toasts(app))
        assert app.return_value is None


async def test_the_first_start_opens_the_environments(paths: Paths) -> None:
    async with running(configured_engine(paths)) as (app, pilot):
        await until(pilot, lambda: shows(app, EnvironmentsScreen))
        assert "Where to find a key" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, JobsScreen))
        assert "No environment yet" in screen_text(app)
        await pilot.press("n")
        await until(pilot, lambda: shows(app, EnvironmentsScreen))


async def test_read_only_starts_nothing_and_says_so(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox, readonly=True)) as (app, pilot):
        assert "READ-ONLY" in screen_text(app)
        assert "New export" not in screen_text(app)
        await pilot.press("n")
        await pilot.pause()
        assert shows(app, JobsScreen)
        await pilot.press("e")
        await pilot.pause()
        assert shows(app, JobsScreen)
        assert not [request for request in sandbox.requests if request.method == "POST"]


async def test_hostile_text_of_the_server_does_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox), (140, 40)) as (app, pilot):

        async def does_nothing(kind: str) -> None:
            name, said = f"Tool {kind}", f"Tool {kind}: FAILED. begins"
            script = Script(duration=0.5, outcome="FAILED", reason=f"begins {HOSTILE[kind]} ends")
            job_id = await export(pilot, app, sandbox, script, name)
            await until(pilot, lambda: app.engine.jobs[job_id].state is JobState.FAILED)
            await until(pilot, lambda: any(said in text for text in toasts(app)))
            await until(pilot, lambda: said in screen_text(app))
            harmless(screen_text(app), kind)
            app.clear_notifications()
            await pilot.press("g", "enter")
            await until(pilot, lambda: shows(app, JobDetailsScreen) and "Reason" in screen_text(app))
            assert name in screen_text(app)
            harmless(screen_text(app), kind)
            assert app.return_value is None
            await pilot.press("escape")
            await until(pilot, lambda: shows(app, JobsScreen))

        for kind in HOSTILE:
            if kind != "megabyte":
                await does_nothing(kind)


def harmless(text: str, kind: str) -> None:
    """Nothing that a terminal acts on, that turns the writing round or that cannot be seen."""
    bad = {
        character
        for character in text.replace("\n", "")
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    }
    assert not bad, kind


async def test_the_cursor_stays_on_its_job(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
        first = await export(pilot, app, sandbox, RUNNING, "First")
        second = await export(pilot, app, sandbox, Script(duration=4.0), "Second")
        table = app.jobs_screen.table
        await pilot.press("j")
        await until(pilot, lambda: table.current is not None and table.current.id == first)
        await export(pilot, app, sandbox, RUNNING, "Third")
        await until(pilot, lambda: saved(app.engine.jobs[second]))
        await until(pilot, lambda: "1 saved" in screen_text(app))
        assert table.current is not None
        assert table.current.id == first
        assert table.row_count() == 3


async def test_the_theme_is_remembered(paths: Paths) -> None:
    async with running(configured_engine(paths)) as (app, pilot):
        assert app.theme == theme.DARK
        app.action_toggle_theme()
        await pilot.pause()
        assert app.theme == theme.LIGHT
    async with running(configured_engine(paths)) as (app, _):
        assert app.theme == theme.LIGHT
