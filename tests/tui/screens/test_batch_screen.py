"""Batches in the app itself, with its engine, against the embedded GALE over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from gale_tui.cli.main import Wiring, demo_engine
from gale_tui.core.batch.report import BatchAccount
from gale_tui.core.batch.tools import BatchTool
from gale_tui.core.history.batches import BatchRecord
from gale_tui.core.history.sets import ToolSet
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import DownloadState
from gale_tui.sandbox.script import Script
from gale_tui.tui.app import GaleApp
from gale_tui.tui.formatting.pieces import plain_text
from gale_tui.tui.screens.batch.batch import BatchScreen
from gale_tui.tui.screens.batch.line import BatchLineDialog
from gale_tui.tui.screens.batch.report import BatchAccountDialog
from gale_tui.tui.screens.batch.sets import SetNameDialog, SetPicker
from gale_tui.tui.screens.dialogs import ConfirmDialog
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.fields import FieldInput, FormButton, TextField
from gale_tui.tui.widgets.pages.text_page import TextPage
from gale_tui.tui.widgets.tables.batch_table import BatchTable, line_pieces
from tests.support import faults
from tests.support.clocks import ScaledClock
from tests.support.sandbox import Sandbox
from tests.tui.real_app import toasts, until

SPEED = 30.0


def tool_id(number: int) -> str:
    return f"a-{number:08d}-1111-4111-8111-111111111111"


def flow_id(number: int) -> str:
    return f"cf-{number:08d}-2222-4222-8222-222222222222"


LINES = "\n".join(
    [
        "tool_id,flow_id,label",
        f"{tool_id(1)},{flow_id(1)},First",
        f"{tool_id(2)},",
        f"{tool_id(3)},{flow_id(3)},Third",
    ]
)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=1, speed=SPEED) as running:
        for number in range(1, 5):
            running.script(tool_id(number), Script(duration=1.0))
        yield running


@asynccontextmanager
async def opened(
    home: Path, sandbox: Sandbox, *, production: bool = False, readonly: bool = False
) -> AsyncIterator[tuple[GaleApp, Pilot[int]]]:
    engine, _ = demo_engine(home, Wiring(environ={}, sandbox=sandbox, clock=ScaledClock(SPEED)), readonly=readonly)
    if production:
        (environment,) = engine.environments
        known = engine.environments
        known._extra = (replace(environment, name="live", production=True),)
        known.reload()
    app = GaleApp(engine, signals=False)
    async with app.run_test() as pilot:
        await until(pilot, lambda: bool(app.screen_stack) and isinstance(app.screen, JobsScreen))
        yield app, pilot


async def shown(app: GaleApp, pilot: Pilot[int], kind: type[object]) -> None:
    await until(pilot, lambda: isinstance(app.screen, kind) and app.screen.is_mounted)
    await pilot.pause()


async def paste(app: GaleApp, pilot: Pilot[int], text: str) -> None:
    (app.focused or app.screen).post_message(events.Paste(text))
    await pilot.pause()


def page(app: GaleApp) -> str:
    """The account."""
    return app.screen.query_one("#page", TextPage).text


async def report(app: GaleApp, pilot: Pilot[int], exports: int) -> None:
    """Opens the report once the batch has ended, with so many exports in all."""
    await until(pilot, lambda: len(app.engine.jobs) == exports and not app.batch.running)
    assert isinstance(app.screen, JobsScreen), "the end opens nothing"
    await pilot.press("B")
    await shown(app, pilot, BatchAccountDialog)


def listed(app: GaleApp) -> str:
    """The list, with what its border says."""
    screen = app.screen
    assert isinstance(screen, BatchScreen)
    table = screen.table
    rows = [plain_text(line_pieces(line, table.size.width)).rstrip() for line in screen.listed.lines]
    return "\n".join([*(rows or [table.empty_text]), str(table.border_title), str(table.border_subtitle)])


def about(app: GaleApp) -> str:
    return str(app.screen.query_one("#about", Static).render())


def said(app: GaleApp) -> str:
    return str(app.screen.query_one("#said", Static).render())


def posts(sandbox: Sandbox) -> list[str]:
    return [each.path.split("/")[4] for each in sandbox.requests if each.method == "POST"]


def slow(sandbox: Sandbox) -> None:
    """Lets the first job take a while, so that what is shown meanwhile can be seen."""
    sandbox.script(tool_id(1), Script(duration=40.0))


def saved(engine: GaleEngine) -> int:
    return sum(1 for job in engine.jobs.values() if job.download.state is DownloadState.SAVED)


async def test_pasted_lines_are_shown_started_and_accounted_for(tmp_path: Path, sandbox: Sandbox) -> None:
    slow(sandbox)
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        assert "2 exports · 1 invalid, skipped" in listed(app)
        assert "    3  a-00000002" in listed(app)
        assert "no Flow ID" in listed(app)
        assert "    2  First" in listed(app)
        assert "Line 3: no Flow ID. enter edits it" in about(app), "the cursor is on what is wrong"
        assert posts(sandbox) == [], "looking starts nothing"
        await pilot.press("e")
        await shown(app, pilot, JobsScreen)
        await until(pilot, lambda: "batch 1 of 2 · 1 saved" in str(app.jobs_screen.table.border_title))
        await report(app, pilot, 2)
        assert toasts(app) == ["Batch: 2 saved · 1 line invalid. B shows the report."]
        assert "2 saved · 1 line invalid" in page(app)
        assert "line 3" in page(app)
        assert posts(sandbox) == [tool_id(1), tool_id(3)]
        await pilot.press("enter")
        await shown(app, pilot, JobsScreen)
        assert str(app.jobs_screen.table.border_title) == "Export jobs"


async def test_several_requests_go_to_the_batch_one_of_many_lines_to_the_form_and_leaving_starts_nothing(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    urls = [f"{sandbox.url}/api/public/tools/{tool_id(n)}/export?flowId={flow_id(n)}" for n in (1, 2)]
    curl = f"curl 'https://gale.kore.ai/api/public/tools/{tool_id(1)}/export?flowId={flow_id(1)}' \\\n  -X POST \\\n"
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        for text in (LINES, "\n".join(urls)):
            await paste(app, pilot, text)
            await shown(app, pilot, BatchScreen)
            assert "2 exports" in listed(app)
            assert ("invalid" in listed(app)) is (text is LINES)
            await pilot.press("escape")
            await shown(app, pilot, JobsScreen)
            assert posts(sandbox) == []
        await paste(app, pilot, curl + "  -H 'x-api-key: kg-test-key-0000'")
        await shown(app, pilot, ExportForm)


async def test_a_list_pasted_into_the_form_becomes_a_batch_but_loses_nothing_typed(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await pilot.press("n")
        await shown(app, pilot, ExportForm)
        app.screen.query_one("#tool-id", FieldInput).take_paste(LINES)
        await shown(app, pilot, BatchScreen)
        await until(pilot, lambda: "2 exports" in listed(app))
        await pilot.press("escape")
        await shown(app, pilot, JobsScreen)
        await pilot.press("n")
        await shown(app, pilot, ExportForm)
        field = app.screen.query_one("#flow-id", FieldInput)
        field.value = "cf-typed"
        field.take_paste(LINES)
        await until(pilot, lambda: "several exports" in said(app))
        assert isinstance(app.screen, ExportForm)
        assert field.value == "cf-typed"


async def test_a_second_paste_is_added_its_lines_counted_on(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        await paste(app, pilot, f"{tool_id(1)} {flow_id(1)}\n{tool_id(4)} {flow_id(4)} Fourth")
        await until(pilot, lambda: "3 exports" in listed(app))
        assert "the same tool and flow as line 2" in listed(app)
        assert "    6  Fourth" in listed(app)
        assert "Line 5" in about(app)
        assert "Added 2 lines" in said(app)
        await pilot.press("X")
        assert "Paste the tools" in listed(app)
        await pilot.press("u")
        assert "3 exports" in listed(app)
        await pilot.press("u")
        assert "2 exports" in listed(app)


async def test_production_is_confirmed_once_with_the_count(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path / "home", sandbox, production=True) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        assert "PROD" in str(app.screen.query_one("#where", Static).render())
        await pilot.press("e")
        await shown(app, pilot, ConfirmDialog)
        question = str(app.screen.query_one("#question", Static).render())
        assert "2 tools" in question
        assert "PROD" in question
        await pilot.press("enter")
        await shown(app, pilot, BatchScreen)
        assert posts(sandbox) == [], "Cancel has the focus"
        await pilot.press("e")
        await shown(app, pilot, ConfirmDialog)
        await pilot.press("tab", "enter")
        await report(app, pilot, 2)
        assert len(posts(sandbox)) == 2


async def test_what_failed_is_retried_in_its_place(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.script(tool_id(3), Script(duration=1.0, outcome="FAILED"))
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, f"{LINES}\n{tool_id(2)},{flow_id(2)},Second")
        await shown(app, pilot, BatchScreen)
        await pilot.press("e")
        await report(app, pilot, 3)
        assert "2 saved · 1 failed · 1 line invalid" in page(app)
        sandbox.script(tool_id(3), Script(duration=1.0))
        retry = app.screen.query_one("#retry", FormButton)
        assert str(retry.label) == "Retry failed (1)"
        retry.focus()
        await pilot.press("enter")
        await shown(app, pilot, JobsScreen)
        await report(app, pilot, 4)
        assert "3 saved · 1 line invalid" in page(app)
        account = app.batch.account
        assert account is not None
        assert [entry.tool.label for entry in account.entries] == ["First", "Third", "Second"]
        assert posts(sandbox) == [tool_id(1), tool_id(3), tool_id(2), tool_id(3)]
        assert not app.screen.query_one("#retry").display
        assert await app.engine.batches.interrupted() == []


async def test_what_failed_of_one_batch_is_not_retried_from_the_report_of_another(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.script(tool_id(3), Script(duration=1.0, outcome="FAILED"))
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        await pilot.press("e")
        await report(app, pilot, 2)
        assert app.screen.query_one("#retry").display
        await pilot.press("enter")
        await shown(app, pilot, JobsScreen)
        environment = app.engine.environments.require_current()
        tools = (BatchTool(tool_id(1), flow_id(1)),)
        kept = BatchRecord("other", environment.id, environment.name, str(environment.origin), tools)
        await app.engine.batches.add(kept)
        await app.engine.batches.release(kept.id)
        await app.batch.find_interrupted()
        await shown(app, pilot, BatchAccountDialog)
        assert app.screen.query_one("#continue").display
        assert not app.screen.query_one("#retry").display


async def test_a_set_is_kept_opened_run_and_deleted(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        sets = app.engine.sets
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        await pilot.press("s")
        await shown(app, pilot, SetNameDialog)
        app.screen.query_one("#set-name", FieldInput).take_paste("nightly")
        await pilot.press("enter")
        await shown(app, pilot, BatchScreen)
        await until(pilot, lambda: "--set nightly" in said(app))
        (kept,) = await sets.all()
        assert [tool.label for tool in kept.tools] == ["First", "Third"]
        assert kept.environment_id == "demo"
        await pilot.press("escape")
        await shown(app, pilot, JobsScreen)

        await pilot.press("b")
        await shown(app, pilot, BatchScreen)
        await pilot.press("o")
        await shown(app, pilot, SetPicker)
        await pilot.press("enter")
        await shown(app, pilot, BatchScreen)
        await until(pilot, lambda: "2 exports" in listed(app))
        await pilot.press("e")
        await report(app, pilot, 2)
        assert {job.batch for job in app.engine.jobs.values()} == {"nightly"}
        found = await sets.find("nightly")
        assert found is not None
        assert found.used_at is not None
        await pilot.press("enter")
        await shown(app, pilot, JobsScreen)

        await pilot.press("b")
        await shown(app, pilot, BatchScreen)
        await pilot.press("o")
        await shown(app, pilot, SetPicker)
        await pilot.press("x")
        await shown(app, pilot, ConfirmDialog)
        await pilot.press("tab", "enter")
        await shown(app, pilot, BatchScreen)
        assert await sets.all() == []
        assert len(app.engine.jobs) == 2


async def test_a_set_is_run_from_the_palette(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        await app.engine.sets.save(ToolSet("nightly", app.screen.listed.plain, "demo"))  # type: ignore[attr-defined]  # the batch screen
        await pilot.press("escape")
        await shown(app, pilot, JobsScreen)
        await pilot.press("colon")
        await pilot.pause()
        await pilot.press(*"nightly")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 1)
        await pilot.press("enter")
        await shown(app, pilot, BatchScreen)
        await until(pilot, lambda: "2 exports" in listed(app))


async def test_marked_rows_are_exported_together(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        await pilot.press("e")
        await until(pilot, lambda: saved(app.engine) == 2 and not app.batch.running)
        await pilot.press("g", "space", "space")
        await until(pilot, lambda: "2 marked" in str(app.jobs_screen.table.border_title))
        await pilot.press("escape")
        assert app.jobs_screen.table.marked == frozenset()
        await pilot.press("g", "space", "space", "e")
        await shown(app, pilot, BatchScreen)
        assert "2 exports" in listed(app)
        assert "Third" in listed(app)
        await pilot.press("e")
        await report(app, pilot, 4)
        assert "2 saved (2 unchanged)" in page(app)
        assert saved(app.engine) == 4
        assert app.jobs_screen.table.marked == frozenset()


async def test_the_end_of_a_batch_is_told_over_another_screen(tmp_path: Path, sandbox: Sandbox) -> None:
    slow(sandbox)
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        await pilot.press("e")
        await shown(app, pilot, JobsScreen)
        await pilot.press("n")
        await shown(app, pilot, ExportForm)
        await until(pilot, lambda: bool(toasts(app)))
        assert isinstance(app.screen, ExportForm)
        assert toasts(app)[-1] == "Batch: 2 saved · 1 line invalid. B shows the report."
        await pilot.press("escape")
        await report(app, pilot, 2)


async def test_it_can_be_stopped_and_says_what_was_not_started(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.script(tool_id(1), Script(duration=1.0, on_export=(faults.rate_limited(3000),)))
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        await pilot.press("e")
        await shown(app, pilot, JobsScreen)
        await until(pilot, lambda: posts(sandbox) == [tool_id(1)] and app.batch.unstarted == 1)
        assert app.batch.quit_reason == "1 of the batch not started; the demo keeps nothing."
        await pilot.press("q")
        await shown(app, pilot, ConfirmDialog)
        await pilot.press("escape")
        await shown(app, pilot, JobsScreen)
        await pilot.press("B")
        await shown(app, pilot, BatchAccountDialog)
        assert "1 running · 1 not started" in page(app)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "1 not started" in page(app))
        assert app.batch.unstarted == 0
        assert posts(sandbox) == [tool_id(1)]


async def test_progress_may_come_while_the_report_is_being_opened(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        dialog = BatchAccountDialog(BatchAccount("nightly", ()))
        app.push_screen(dialog)
        while not dialog.is_mounted:
            dialog.show(BatchAccount("nightly", ()))
            await asyncio.sleep(0)
        await pilot.pause()
        assert dialog.query_one("#close").has_focus


@asynccontextmanager
async def started_again(
    tmp_path: Path, sandbox: Sandbox, *, production: bool = False, readonly: bool = False
) -> AsyncIterator[tuple[GaleApp, Pilot[int]]]:
    """The app, started again after it was ended while the second tool of a batch was not started yet."""
    sandbox.script(tool_id(1), Script(duration=1.0, on_export=(faults.rate_limited(60),)))
    home = tmp_path / "home"
    async with opened(home, sandbox) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        await pilot.press("e")
        await shown(app, pilot, JobsScreen)
        await until(pilot, lambda: posts(sandbox) == [tool_id(1)] and app.batch.unstarted == 1)
    async with opened(home, sandbox, production=production, readonly=readonly) as (app, pilot):
        yield app, pilot


async def test_a_batch_that_was_cut_short_is_offered_at_the_next_start(tmp_path: Path, sandbox: Sandbox) -> None:
    async with started_again(tmp_path, sandbox) as (app, pilot):
        await shown(app, pilot, BatchAccountDialog)
        assert "1 of its 2 tools are not started" in page(app)
        await pilot.press("enter")
        await shown(app, pilot, JobsScreen)
        assert tool_id(3) not in posts(sandbox), "it never goes on by itself"
        assert "batch: 1 not started, B continues" in str(app.jobs_screen.table.border_title)
        await pilot.press("B")
        await shown(app, pilot, BatchAccountDialog)
        app.screen.query_one("#continue").focus()
        await pilot.press("enter")
        await report(app, pilot, 2)
        assert "2 saved · 1 line invalid" in page(app)
        assert posts(sandbox).count(tool_id(3)) == 1
        assert not app.screen.query_one("#continue").display
        assert await app.engine.batches.interrupted() == []


async def test_a_production_batch_is_confirmed_again_before_it_goes_on_and_can_be_dropped(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    async with started_again(tmp_path, sandbox, production=True) as (app, pilot):
        await shown(app, pilot, BatchAccountDialog)
        app.screen.query_one("#continue").focus()
        await pilot.press("enter")
        await shown(app, pilot, ConfirmDialog)
        assert "1 tool from" in str(app.screen.query_one("#question", Static).render())
        await pilot.press("enter")
        await shown(app, pilot, JobsScreen)
        assert tool_id(3) not in posts(sandbox), "Cancel has the focus"
        assert app.batch.pending is not None
        await pilot.press("B")
        await shown(app, pilot, BatchAccountDialog)
        app.screen.query_one("#discard").focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.batch.pending is None)
        assert await app.engine.batches.interrupted() == []
        assert str(app.jobs_screen.table.border_title) == "Export jobs"


async def test_read_only_offers_to_start_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    async with started_again(tmp_path, sandbox, readonly=True) as (app, pilot):
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, JobsScreen)
        assert app.batch.pending is None


async def test_readonly_opens_none(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path / "home", sandbox, readonly=True) as (app, pilot):
        await pilot.press("b")
        await pilot.pause()
        assert isinstance(app.screen, JobsScreen)
        await paste(app, pilot, LINES)
        await pilot.pause()
        assert isinstance(app.screen, JobsScreen)


async def test_hostile_text_is_shown_as_text(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, f"{tool_id(1)},{flow_id(1)},[red]\x1b]0;x\x07\n{tool_id(2)},{flow_id(2)},b\n[/bold]")
        await shown(app, pilot, BatchScreen)
        assert "[red]" in listed(app)
        assert "[/bold]" in listed(app)
        assert "\x1b" not in listed(app)


async def edit(app: GaleApp, pilot: Pilot[int], **fields: str) -> None:
    """Types into the fields of the open line, and keeps it with enter."""
    await shown(app, pilot, BatchLineDialog)
    for name, value in fields.items():
        app.screen.query_one(f"#line-{name.replace('_', '-')}-field", TextField).input.value = value
    app.screen.query_one("#line-label", FieldInput).focus()
    await pilot.press("enter")
    await shown(app, pilot, BatchScreen)


async def test_a_wrong_line_is_mended_where_it_stands_or_made_the_same_as_another(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        await pilot.press("enter")
        await shown(app, pilot, BatchLineDialog)
        assert "No Flow ID" in str(app.screen.query_one("#was", Static).render())
        assert app.focused is app.screen.query_one("#line-flow-id"), "the focus is on what is wrong"
        assert app.screen.query_one("#line-tool-id", FieldInput).value == tool_id(2)
        await pilot.press("enter")
        assert isinstance(app.screen, BatchLineDialog), "it is not kept while it is wrong"
        await edit(app, pilot, flow_id=flow_id(2), label="Second")
        await until(pilot, lambda: "3 exports" in listed(app))
        assert "invalid" not in listed(app)
        assert [tool.label for tool in app.screen.listed.tools] == ["First", "Second", "Third"]  # type: ignore[attr-defined]  # the batch screen
        await pilot.press("u")
        await until(pilot, lambda: "2 exports · 1 invalid" in listed(app))
        assert posts(sandbox) == []

        # The same as another, it is wrong until the other is out.
        await pilot.press("enter")
        await edit(app, pilot, tool_id=tool_id(1), flow_id=flow_id(1))
        await until(pilot, lambda: "the same tool and flow as line 2" in listed(app))
        await pilot.press("k", "x")
        await until(pilot, lambda: "2 exports" in listed(app))
        assert "First" not in listed(app)
        assert "invalid" not in listed(app)
        await pilot.press("u")
        await until(pilot, lambda: "First" in listed(app))
        assert "First" not in about(app)
        assert tool_id(1) in about(app), "the cursor is on the line that came back"


async def test_a_line_is_added_and_moving_finds_the_wrong_ones(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await pilot.press("b")
        await shown(app, pilot, BatchScreen)
        await pilot.press("a")
        await edit(app, pilot, tool_id=tool_id(1), flow_id=flow_id(1), label="By hand")
        await until(pilot, lambda: "1 export" in listed(app))
        await paste(app, pilot, f"{tool_id(2)}\n{tool_id(3)} {flow_id(3)}\n{tool_id(4)}")
        await until(pilot, lambda: "2 invalid" in listed(app))
        assert "Line 2" in about(app)
        await pilot.press("n")
        assert "Line 4" in about(app)
        await pilot.press("n")
        assert "Line 2" in about(app)
        await pilot.press("g")
        assert tool_id(1) in about(app)
        await pilot.click(BatchTable, offset=(20, 4))
        await until(pilot, lambda: tool_id(3) in about(app))


async def test_a_list_that_was_left_is_there_again_and_a_new_paste_does_not_destroy_it(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        await pilot.press("x", "q")
        await shown(app, pilot, JobsScreen)
        await pilot.press("b")
        await shown(app, pilot, BatchScreen)
        assert "2 exports" in listed(app)
        assert "was not started" in said(app)
        await pilot.press("escape")
        await shown(app, pilot, JobsScreen)
        await paste(app, pilot, f"{tool_id(4)} {flow_id(4)}\n{tool_id(2)} {flow_id(2)}")
        await shown(app, pilot, BatchScreen)
        assert "First" not in listed(app)
        await pilot.press("u")
        await until(pilot, lambda: "First" in listed(app))


async def test_a_set_replaces_a_list_or_is_replaced_only_when_that_is_confirmed(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        sets = app.engine.sets
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        await sets.save(ToolSet("nightly", app.screen.listed.plain[:1], "demo"))  # type: ignore[attr-defined]  # the batch screen
        await pilot.press("s")
        await shown(app, pilot, SetNameDialog)
        app.screen.query_one("#set-name", FieldInput).take_paste("nightly")
        await pilot.press("enter")
        await shown(app, pilot, ConfirmDialog)
        await pilot.press("enter")
        await shown(app, pilot, BatchScreen)
        found = await sets.find("nightly")
        assert found is not None
        assert len(found.tools) == 1

        await pilot.press("o")
        await shown(app, pilot, SetPicker)
        await pilot.press("enter")
        await shown(app, pilot, ConfirmDialog)
        await pilot.press("enter")
        await shown(app, pilot, BatchScreen)
        assert "2 exports" in listed(app), "Cancel has the focus"
        await pilot.press("o")
        await shown(app, pilot, SetPicker)
        await pilot.press("enter")
        await shown(app, pilot, ConfirmDialog)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen) and "1 export\n" not in listed(app))
        await until(pilot, lambda: "Batch: nightly" in listed(app))
        await pilot.press("u")
        await until(pilot, lambda: "2 exports" in listed(app))


async def test_the_folder_and_the_switch_are_those_of_the_jobs(tmp_path: Path, sandbox: Sandbox) -> None:
    async with opened(tmp_path / "home", sandbox) as (app, pilot):
        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        folder = app.screen.query_one("#folder-field", TextField)
        (tmp_path / "file").touch()
        folder.input.value = str(tmp_path / "file")
        await pilot.press("e")
        await until(pilot, lambda: folder.finding.level == "problem")
        await until(pilot, lambda: app.focused is folder.input)
        assert posts(sandbox) == []
        folder.input.value = str(tmp_path / "backup")
        await pilot.press("escape")
        assert isinstance(app.screen, BatchScreen), "back to the list first"
        await pilot.press("e")
        await report(app, pilot, 2)
        assert len(list((tmp_path / "backup").glob("*.zip"))) == 2
        assert "2 saved" in page(app)
        await pilot.press("enter")
        await shown(app, pilot, JobsScreen)

        await paste(app, pilot, LINES)
        await shown(app, pilot, BatchScreen)
        app.screen.query_one("#save-when-ready", FormCheckbox).value = False
        app.screen.query_one("#start").focus()
        await pilot.press("enter")
        await report(app, pilot, 4)
        assert "2 ready · 1 line invalid" in page(app)
        assert saved(app.engine) == 2
        assert not app.engine.settings.save_when_ready, "as the export form remembers it"
