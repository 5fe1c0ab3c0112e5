"""The dialogs: what they ask, what they hand back, and what happens where it fails."""

from __future__ import annotations

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import OptionList, Select, Static

from gale_tui.core.errors import KeyringLockedError, StoreError
from gale_tui.core.models import Job
from gale_tui.tui.screens.dialogs import ConfirmDialog, EnvironmentPicker, KeyDialog, TrackDialog
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.fields import FieldInput, TextField
from tests.tui.stub_engine import KEY, LIVE, STAGING, KeyringState, StubApp, StubEngine


def said(app: StubApp) -> str:
    return str(app.screen.query_one("#said", Static).render())


def focus(app: StubApp) -> str | None:
    return app.focused.id if app.focused is not None else None


async def paste(pilot: Pilot[None], widget_id: str, text: str) -> None:
    pilot.app.screen.query_one(f"#{widget_id}", FieldInput).take_paste(text)
    await pilot.pause()


async def finish(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


# Confirming


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["enter"], False),
        (["escape"], None),
        (["tab", "enter"], True),
        (["right", "enter"], True),
        (["right", "left", "enter"], False),
    ],
)
async def test_cancel_has_the_focus(keys: list[str], answer: bool | None) -> None:
    app = StubApp(StubEngine(), ConfirmDialog("Delete", "Delete it?", confirm="Delete"))
    async with app.run_test(size=(80, 24)) as pilot:
        assert focus(app) == "cancel"
        await pilot.press(*keys)
        await pilot.pause()
    assert app.results == [answer]


async def test_a_question_is_no_markup() -> None:
    app = StubApp(StubEngine(), ConfirmDialog("[b]Title", "Delete [red]it[/red]?", confirm="[Yes]"))
    async with app.run_test(size=(80, 24)):
        assert str(app.screen.query_one("#question", Static).render()) == "Delete [red]it[/red]?"
        shown = app.export_screenshot()
    assert "[b]Title" in shown
    assert "[Yes]" in shown


async def test_a_click_confirms() -> None:
    app = StubApp(StubEngine(), ConfirmDialog("Delete", Content("Delete it?")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click("#confirm")
        await pilot.pause()
    assert app.results == [True]


# A key


async def test_a_key_is_handed_to_the_engine_and_not_shown() -> None:
    engine = StubEngine()
    app = StubApp(engine, KeyDialog(STAGING, "The key was refused (401)."))
    async with app.run_test(size=(80, 24)) as pilot:
        assert str(app.screen.query_one("#question", Static).render()) == "The key was refused (401)."
        await paste(pilot, "api-key", f"  '{KEY}'\n")
        assert KEY not in app.export_screenshot()
        await pilot.press("enter")
        await finish(pilot)
    assert app.results == [True]
    assert [(env.id, key.reveal(), only) for env, key, only in engine.provided] == [("staging", KEY, False)]


async def test_what_cannot_be_a_key_is_said_and_not_handed_on() -> None:
    engine = StubEngine()
    app = StubApp(engine, KeyDialog(STAGING))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        assert "Paste the key" in app.screen.query_one("#api-key-field", TextField).finding.text
        await paste(pilot, "api-key", "kg with spaces in it")
        await pilot.press("enter")
        assert app.screen.query_one("#api-key-field", TextField).finding.level == "problem"
        assert focus(app) == "api-key"
        await pilot.press("escape")
    assert app.results == [None]
    assert not engine.provided


async def test_a_keyring_that_fails_leaves_the_dialog_open() -> None:
    engine = StubEngine(error=KeyringLockedError("The keyring is locked", "Unlock it and try again"))
    app = StubApp(engine, KeyDialog(STAGING))
    async with app.run_test(size=(80, 24)) as pilot:
        await paste(pilot, "api-key", KEY)
        await pilot.press("enter")
        await finish(pilot)
        assert said(app) == "The keyring is locked. Unlock it and try again."
        assert focus(app) == "api-key"
        engine.error = None
        app.screen.query_one("#session-only", FormCheckbox).value = True
        await pilot.press("enter")
        await finish(pilot)
    assert app.results == [True]
    assert [only for _, _, only in engine.provided] == [True]


async def test_without_a_keyring_the_session_is_offered() -> None:
    engine = StubEngine()
    engine.credentials.state = KeyringState(False, "", "There is no keyring here.")
    app = StubApp(engine, KeyDialog(STAGING))
    async with app.run_test(size=(80, 24)) as pilot:
        await finish(pilot)
        assert app.screen.query_one("#session-only", FormCheckbox).value
        assert said(app) == "There is no keyring here."


# Tracking


async def test_a_dock_status_id_is_tracked_where_it_is_chosen() -> None:
    engine = StubEngine()
    app = StubApp(engine, TrackDialog())
    async with app.run_test(size=(80, 24)) as pilot:
        await paste(pilot, "dock-status-id", " :ds-1 ")
        app.screen.query_one("#environment", Select).value = LIVE.id
        await pilot.press("enter")
        await finish(pilot)
    assert engine.tracked == [("live", "ds-1")]
    assert isinstance(app.results[0], Job)


async def test_a_dock_status_id_that_is_none_is_not_tracked() -> None:
    engine = StubEngine()
    app = StubApp(engine, TrackDialog())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        assert focus(app) == "dock-status-id"
        await pilot.press("d", "space", "s", "enter")
        assert app.screen.query_one("#dock-status-id-field", TextField).finding.level == "problem"
        await pilot.press("ctrl+u", *"a-1")
        assert app.screen.query_one("#dock-status-id-field", TextField).finding.level == "warning"
        await pilot.press("escape")
    assert app.results == [None]
    assert not engine.tracked


async def test_what_goes_wrong_while_tracking_is_said() -> None:
    engine = StubEngine(error=StoreError("The history cannot be written", "Make room on the disk"))
    app = StubApp(engine, TrackDialog())
    async with app.run_test(size=(80, 24)) as pilot:
        await paste(pilot, "dock-status-id", "ds-1")
        await pilot.press("enter")
        await finish(pilot)
        assert said(app) == "The history cannot be written. Make room on the disk."
        assert focus(app) == "dock-status-id"


# Choosing


@pytest.mark.parametrize(("keys", "chosen"), [(["enter"], "live"), (["k", "enter"], "staging"), (["escape"], None)])
async def test_the_present_environment_is_marked_first(keys: list[str], chosen: str | None) -> None:
    app = StubApp(StubEngine(current_id="live"), EnvironmentPicker())
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.screen.query_one(OptionList).highlighted == 1
        await pilot.press(*keys)
        await pilot.pause()
    assert app.results == [chosen]
