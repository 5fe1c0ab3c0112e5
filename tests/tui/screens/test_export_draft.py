"""What is typed in the export form is kept until it is exported or cleared, and nothing secret with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from gale_tui.core.history.drafts import Drafts, ExportDraft
from gale_tui.core.history.store import JobStore
from gale_tui.sandbox.script import Script
from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.widgets.forms.fields import FieldInput
from tests.support.sandbox import Sandbox
from tests.tui.real_app import SPEED, demo, running, shows, until

TOOL, FLOW = "a-4f19b2c0-1111-4111-8111-111111111111", "cf-71d0a0b2-2222-4222-8222-222222222222"
KEY = "kg-0123456789abcdef0123456789abcdef"


async def form(app: GaleApp, pilot: Pilot[int]) -> ExportForm:
    await pilot.press("n")
    await until(pilot, lambda: shows(app, ExportForm) and app.screen.is_mounted)
    await pilot.pause()
    assert isinstance(app.screen, ExportForm)
    return app.screen


def put(app: GaleApp, **values: str) -> None:
    for name, value in values.items():
        app.screen.query_one(f"#{name.replace('_', '-')}", FieldInput).value = value


def value(app: GaleApp, name: str) -> str:
    return app.screen.query_one(f"#{name}", FieldInput).value


def said(app: GaleApp) -> str:
    return str(app.screen.query_one("#said", Static).render())


async def kept(app: GaleApp) -> ExportDraft | None:
    return await app.engine.drafts.find()


async def test_what_is_typed_is_offered_at_the_next_start(tmp_path: Path) -> None:
    with Sandbox(speed=SPEED) as sandbox:
        async with running(demo(tmp_path, sandbox)) as (app, pilot):
            await form(app, pilot)
            put(app, tool_id=TOOL, flow_id=FLOW[:9], label="Büro", folder=str(tmp_path / "there"))
            while await kept(app) is None:
                await pilot.pause(0.02)
        async with running(demo(tmp_path, sandbox)) as (app, pilot):
            await form(app, pilot)
            await until(pilot, lambda: "Draft not exported: Büro" in said(app))
            assert value(app, "tool-id") == "", "it is offered, not pressed on anybody"
            await pilot.press("f5")
            await pilot.pause()
            assert (value(app, "tool-id"), value(app, "flow-id")) == (TOOL, FLOW[:9])
            assert (value(app, "label"), value(app, "folder")) == ("Büro", str(tmp_path / "there"))
            await pilot.press("f5")
            await pilot.pause()
            assert value(app, "tool-id") == "", "and can be taken back"


async def test_after_esc_it_is_offered_again_and_gone_once_it_is_exported(tmp_path: Path) -> None:
    with Sandbox(speed=SPEED) as sandbox:
        sandbox.script(TOOL, Script(duration=1.0))
        async with running(demo(tmp_path, sandbox)) as (app, pilot):
            await form(app, pilot)
            put(app, tool_id=TOOL, flow_id=FLOW)
            await pilot.press("escape", "escape")
            await until(pilot, lambda: shows(app, JobsScreen))
            await form(app, pilot)
            await until(pilot, lambda: "Draft not exported" in said(app))
            await pilot.press("f5", "ctrl+s")
            await until(pilot, lambda: shows(app, JobsScreen))
            while await kept(app) is not None:
                await pilot.pause(0.02)
            assert len(sandbox.posts(TOOL)) == 1
            await form(app, pilot)
            await app.screen.workers.wait_for_complete()
            assert "Draft not exported" not in said(app)


async def test_what_is_cleared_is_kept_no_longer_and_nothing_is_written_while_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    keep, drop = Drafts.save, Drafts.clear

    async def counted_keep(self: Drafts, draft: ExportDraft) -> None:
        written.append(draft.tool_id)
        await keep(self, draft)

    async def counted_drop(self: Drafts) -> None:
        written.append("dropped")
        await drop(self)

    monkeypatch.setattr(Drafts, "save", counted_keep)
    monkeypatch.setattr(Drafts, "clear", counted_drop)
    with Sandbox(speed=SPEED) as sandbox:
        async with running(demo(tmp_path, sandbox)) as (app, pilot):
            screen = await form(app, pilot)
            await pilot.press(*"a-12")
            await until(pilot, lambda: written == ["a-12"])
            screen._draft.flush()
            await pilot.press("left")
            screen._draft.flush()
            put(app, tool_id="")
            await until(pilot, lambda: written == ["a-12", "dropped"])
            assert await kept(app) is None


async def test_no_key_lands_in_the_history(tmp_path: Path) -> None:
    with Sandbox(speed=SPEED) as sandbox:
        async with running(demo(tmp_path, sandbox)) as (app, pilot):
            await form(app, pilot)
            put(app, tool_id=TOOL, label=f"my {KEY}", folder=str(tmp_path / KEY), flow_id=KEY[:7])
            while await kept(app) is None:
                await pilot.pause(0.02)
            found = await kept(app)
            assert found is not None
            assert (found.tool_id, found.flow_id, found.label, found.folder) == (TOOL, "", "", "")
        files = b"".join(path.read_bytes() for path in tmp_path.rglob("jobs.sqlite3*"))  # noqa: ASYNC240  # the test's own
        assert TOOL.encode() in files
        assert KEY[:7].encode() not in files


@pytest.mark.parametrize(
    "text",
    [
        KEY, f"x {KEY}", "x-api-key: abcdef0123456789", "https://e.com/x?sig=secret", "a" * 2000,
        "-H 'cookie: sid=1234567890'", "authorization: Bearer abc", "eyJhbGciOiJub25lIn0.e30.x", "access_token=1234",
    ],
)  # fmt: skip
def test_what_may_be_a_secret_is_left_out(text: str) -> None:
    draft = ExportDraft(text, text, text, text, "e").without_secrets()
    assert draft == ExportDraft("", "", "", "", "e")


async def test_one_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    import contextlib
    import sqlite3

    path = tmp_path / "jobs.sqlite3"
    store = await JobStore.open(path)
    await store.drafts.save(ExportDraft("a-1", "cf-1", "\ud800", "", "e", 5.0))
    assert await store.drafts.find() == ExportDraft("a-1", "cf-1", "\ud800", "", "e", 5.0)
    for text in ("{", "5", "[1]"):
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE drafts SET text = ?", (text,))
        assert await store.drafts.find() is None
    await store.close()


async def test_one_that_is_saved_while_the_last_is_cleared_stays(tmp_path: Path) -> None:
    store = await JobStore.open(tmp_path / "jobs.sqlite3")
    await store.drafts.save(ExportDraft("a-1", "cf-1", "sent", "", "e"))
    new = ExportDraft("a-2", "cf-2", "typed since", "", "e")
    await asyncio.gather(store.drafts.clear(), store.drafts.save(new))
    assert await store.drafts.find() == new
    clearing = asyncio.create_task(store.drafts.clear())
    await asyncio.sleep(0)
    await store.close()
    await clearing
    store = await JobStore.open(tmp_path / "jobs.sqlite3")
    assert await store.drafts.find() is None
    await store.close()
