"""The list of environments and the form behind it."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from gale_tui.core.credentials.keyring_backend import WITHOUT_KEYRING
from gale_tui.core.errors import ConfigError, KeyringUnavailableError
from gale_tui.core.gale_api.answers import KeyTest
from gale_tui.core.models import Environment, EnvironmentCondition, Origin
from gale_tui.tui.screens.dialogs import ConfirmDialog
from gale_tui.tui.screens.environments.environment_form import EnvironmentForm
from gale_tui.tui.screens.environments.environments import EnvironmentsScreen
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.fields import FieldInput, TextField
from tests.tui.stub_engine import KEY, LIVE, STAGING, KeyringState, Status, StubApp, StubEngine

VARIABLES = Environment("env", "env", Origin("http", "127.0.0.1", 8000), source="variables")


async def finish(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def fill(pilot: Pilot[None], **texts: str) -> None:
    """Replaces the text of fields by pasting."""
    for name, text in texts.items():
        field = pilot.app.screen.query_one(f"#{name.replace('_', '-')}", FieldInput)
        field.focus()
        await pilot.pause()
        field.select_all()
        field.take_paste(text)
        await pilot.pause()


def focus(app: StubApp) -> str | None:
    return app.focused.id if app.focused is not None else None


def top(app: StubApp) -> EnvironmentsScreen:
    """The list, which must be what is seen."""
    screen = app.screen
    assert isinstance(screen, EnvironmentsScreen)
    return screen


def row(app: StubApp, environment_id: str) -> str:
    """What the list says of an environment."""
    return str(app.screen.query_one("#environments", OptionList).get_option(environment_id).prompt)


def said(app: StubApp) -> str:
    return str(app.screen.query_one("#said", Static).render())


def finding(app: StubApp, name: str) -> str:
    return app.screen.query_one(f"#{name}-field", TextField).finding.text


# The list


async def test_a_row_says_what_there_is_to_know() -> None:
    staging = dataclasses.replace(STAGING, ca_file=Path("/etc/ca.pem"), proxy="http://proxy.example.com:8080")
    engine = StubEngine(environments=(staging, LIVE))
    engine.credentials.statuses["live"] = Status("none", "none", "")
    engine.conditions["live"] = EnvironmentCondition("live", "needs key", "The key was refused (401)")
    app = StubApp(engine, EnvironmentsScreen())
    async with app.run_test(size=(80, 24)) as pilot:
        await finish(pilot)
        first, second = row(app, "staging"), row(app, "live")
    assert first.startswith("● staging")
    for part in (STAGING.origin.display, "keyring: Secret Service …1a2b", "CA /etc/ca.pem", "http://proxy.example.com"):
        assert part in first
    assert " PROD " in second
    assert "none: press enter to add it" in second
    assert "needs key: The key was refused (401)" in second


async def test_problems_of_the_file_are_shown() -> None:
    engine = StubEngine(problems=("Unknown setting “colour” is ignored.",))
    app = StubApp(engine, EnvironmentsScreen())
    async with app.run_test(size=(80, 24)):
        assert "“colour”" in str(app.screen.query_one("#problems", Static).render())


async def test_the_first_start_tells_how_to_find_a_key() -> None:
    app = StubApp(StubEngine(environments=()), EnvironmentsScreen())
    async with app.run_test(size=(80, 24)) as pilot:
        shown = app.export_screenshot().replace("&#160;", " ")
        for part in ("Settings", "Security", "Management API keys", "API Scopes", "owner or admin", "once", "press n"):
            assert part in shown, part
        await pilot.press("x", "t", "space")
        assert app.shows(EnvironmentsScreen), "without an environment those do nothing"
        for key in ("n", "enter"):
            await pilot.press(key)
            await pilot.pause()
            assert app.shows(EnvironmentForm), key
            await pilot.press("escape")
            await pilot.pause()
            assert app.shows(EnvironmentsScreen)


async def test_what_is_added_is_in_the_list_and_marked() -> None:
    engine = StubEngine()
    app = StubApp(engine, EnvironmentsScreen())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n")
        await fill(pilot, name="dev", host="dev-agent-platform.kore.ai", api_key=KEY)
        await pilot.press("enter")
        await finish(pilot)
        screen = top(app)
        assert screen.selected is not None
        assert screen.selected.name == "dev"


async def test_deleting_asks_and_says_what_goes_or_why_it_failed() -> None:
    engine = StubEngine()
    app = StubApp(engine, EnvironmentsScreen())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("x")
        assert app.shows(ConfirmDialog)
        question = str(app.screen.query_one("#question", Static).render())
        assert "staging" in question
        assert "API key is deleted too" in question
        assert "jobs" in question
        assert "stay" in question
        await pilot.press("enter")
        await finish(pilot)
        assert not engine.deleted
        engine.error = ConfigError("config.toml cannot be written", "Check it")
        await pilot.press("x", "tab", "enter")
        await finish(pilot)
        assert [note.message for note in app._notifications] == ["config.toml cannot be written. Check it."]
        assert "staging" in row(app, "staging")
        assert not engine.deleted
        engine.error = None
        await pilot.press("x", "tab", "enter")
        await finish(pilot)
        assert engine.deleted == [STAGING]
        screen = top(app)
        assert screen.selected == LIVE


async def test_what_is_not_in_the_file_cannot_be_edited() -> None:
    demo = dataclasses.replace(VARIABLES, id="demo", name="demo", source="demo")
    app = StubApp(StubEngine(environments=(VARIABLES, demo)), EnvironmentsScreen())
    async with app.run_test(size=(80, 24)) as pilot:
        for name in ("env", "demo"):
            for key in ("enter", "x"):
                app.clear_notifications()
                await pilot.press(key)
                await pilot.pause()
                assert app.shows(EnvironmentsScreen)
                assert [note.title for note in app._notifications] == [f"{name} cannot be edited"], key
            await pilot.press("j")


async def test_space_uses_j_k_g_move_a_click_marks_and_a_double_click_opens() -> None:
    engine = StubEngine()
    app = StubApp(engine, EnvironmentsScreen())
    async with app.run_test(size=(80, 24)) as pilot:
        await finish(pilot)
        await pilot.press("j", "space")
        await pilot.pause()
        assert engine.current_id == "live"
        assert row(app, "live").startswith("● ")
        assert not row(app, "staging").startswith("● ")
        await pilot.press("k", "space")
        assert engine.current_id == "staging"
        await pilot.press("G", "space")
        assert engine.current_id == "live"
        await pilot.press("g", "space")
        assert engine.current_id == "staging"
        assert top(app).selected == STAGING
        await pilot.click("#environments", offset=(10, 3))
        await pilot.pause()
        assert top(app).selected == LIVE
        await pilot.click("#environments", offset=(10, 3), times=2)
        await pilot.pause()
        assert app.shows(EnvironmentForm)
        await pilot.press("escape")
        await pilot.pause()
        assert app.results == []
        await pilot.press("escape")
    assert app.results == [None]


async def test_testing_says_so_and_then_what_came_of_it_and_a_condition_that_changes_is_drawn() -> None:
    engine = StubEngine(gate=asyncio.Event(), verdict=KeyTest("refused", "The key was [b]refused[/b] (401)."))
    screen = EnvironmentsScreen()
    app = StubApp(engine, screen)
    async with app.run_test(size=(80, 24)) as pilot:
        await finish(pilot)
        engine.conditions["staging"] = EnvironmentCondition("staging", "offline", "Cannot be reached")
        screen.refresh_rows()
        assert "offline: Cannot be reached" in row(app, "staging")
        await pilot.press("t", "t")
        await pilot.pause()
        assert "testing …" in row(app, "staging")
        assert engine.gate is not None
        engine.gate.set()
        await finish(pilot)
        assert "✗ The key was [b]refused[/b] (401)." in row(app, "staging")
    assert engine.tested == [(STAGING, None)]


# The form


async def test_what_is_typed_is_saved_with_enter_alone() -> None:
    engine = StubEngine(environments=())
    app = StubApp(engine, EnvironmentForm())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"dev", "enter", *"gale.kore.ai/", "enter")
        assert focus(app) == "api-key"
        assert not engine.saved
        await fill(pilot, api_key=f" {KEY} ")
        assert KEY not in app.export_screenshot()
        await pilot.press("enter")
        await finish(pilot)
    environment = Environment("dev", "dev", Origin("https", "gale.kore.ai", 443))
    assert [(env, before, only) for env, before, _, only in engine.saved] == [(environment, None, False)]
    assert engine.saved[0][2] is not None
    assert engine.saved[0][2].reveal() == KEY
    assert app.results == [environment]


async def test_everything_else_is_saved_too(tmp_path: Path) -> None:
    engine = StubEngine()
    app = StubApp(engine, EnvironmentForm())
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(
            pilot,
            name="dev",
            host="dev.example.com:8443",
            proxy="proxy.example.com:8080",
            key_command="pass show 'gale/my dev'",
        )
        app.screen.query_one("#production", FormCheckbox).value = True
        app.screen.query_one("#save").focus()
        await pilot.press("enter")
        await finish(pilot)
    saved, _, key, _ = engine.saved[0]
    assert saved == Environment(
        "dev",
        "dev",
        Origin("https", "dev.example.com", 8443),
        production=True,
        proxy="http://proxy.example.com:8080",
        key_command=("pass", "show", "gale/my dev"),
    )
    assert key is None, "with a key command no key is needed"


UNUSABLE = [
    ("name", "LIVE", "already"),
    ("name", "env", "uses itself"),
    ("host", "http://gale.kore.ai", "plain http"),
    ("host", "a b", "not a host"),
    ("api_key", "kg-1", "4 characters"),
    ("proxy", "http://me:secret@proxy.example.com", "password"),
    ("ca_file", "/nonexistent/ca.pem", "cannot be read"),
    ("key_command", "pass 'show", "quote"),
]
"""A field, what cannot be used there, and words of what is said about it."""


async def test_what_cannot_be_used_is_said_at_its_field_and_not_saved() -> None:
    engine = StubEngine()
    app = StubApp(engine, EnvironmentForm())
    usable = {"name": "dev", "host": "gale.kore.ai", "api_key": KEY}
    seen = {}
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, name="dev", host="gale.kore.ai", api_key=KEY)
        for name, text, words in UNUSABLE:
            await fill(pilot, **{name: text})
            await app.workers.wait_for_complete()
            widget_id = name.replace("_", "-")
            said = finding(app, widget_id)
            # The focus is elsewhere, so that it is the refusal that moves it here.
            app.screen.query_one("#save").focus()
            await pilot.press("ctrl+s")
            await finish(pilot)
            seen[name, text] = (words in said, "secret" in said, focus(app), len(engine.saved))
            # A paste of nothing changes nothing.
            app.screen.query_one(f"#{widget_id}", FieldInput).value = usable.get(name, "")
            await pilot.pause()
    assert seen == {(name, text): (True, False, name.replace("_", "-"), 0) for name, text, _ in UNUSABLE}


async def test_a_new_environment_needs_a_key() -> None:
    engine = StubEngine()
    app = StubApp(engine, EnvironmentForm())
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, name="dev", host="gale.kore.ai")
        await pilot.press("ctrl+s")
        await finish(pilot)
        assert focus(app) == "api-key"
        assert "Paste the key" in finding(app, "api-key")
    assert not engine.saved


async def test_a_kept_key_need_not_be_typed_again() -> None:
    engine = StubEngine()
    app = StubApp(engine, EnvironmentForm(STAGING))
    async with app.run_test(size=(80, 24)) as pilot:
        await finish(pilot)
        assert app.screen.query_one("#api-key-field", TextField).hint.startswith("…1a2b is kept")
        await fill(pilot, name="stage")
        await pilot.press("enter")
        await finish(pilot)
    saved, before, key, _ = engine.saved[0]
    assert (saved.id, saved.name, before, key) == ("staging", "stage", STAGING, None)


async def test_leaving_asks_where_something_was_typed_alone() -> None:
    app = StubApp(StubEngine(), EnvironmentForm(STAGING))
    async with app.run_test(size=(80, 24)) as pilot:
        await finish(pilot)
        await fill(pilot, api_key=KEY)
        await pilot.press("escape")
        assert app.shows(ConfirmDialog)
        assert focus(app) == "cancel"
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.query_one("#api-key", FieldInput).value == KEY
        await pilot.press("escape", "tab", "enter")
        await finish(pilot)
        assert app.results == [None]
        # Untouched, it does not ask.
        await app.push_screen(EnvironmentForm(STAGING), app.results.append)
        await finish(pilot)
        await pilot.press("escape")
        await pilot.pause()
    assert app.results == [None, None]


async def test_another_host_needs_its_own_key() -> None:
    engine = StubEngine()
    app = StubApp(engine, EnvironmentForm(STAGING))
    words = f"The key belongs to {STAGING.origin.display}; paste the key for gale.kore.ai."
    async with app.run_test(size=(80, 24)) as pilot:
        await finish(pilot)
        await fill(pilot, host="gale.kore.ai")
        assert app.screen.query_one("#api-key-field", TextField).hint == words
        await pilot.press("ctrl+s")
        await finish(pilot)
        assert focus(app) == "api-key"
        assert finding(app, "api-key") == words
        assert not engine.saved
        await fill(pilot, host=f"HTTPS://{STAGING.origin.display}/")
        assert "is kept" in app.screen.query_one("#api-key-field", TextField).hint
        await fill(pilot, host="gale.kore.ai", api_key=KEY)
        await pilot.press("enter")
        await finish(pilot)
    assert engine.saved[0][0].origin == LIVE.origin
    assert engine.saved[0][2] is not None


async def test_the_key_can_be_tried_before_it_is_saved_and_a_saving_that_fails_keeps_what_was_typed() -> None:
    engine = StubEngine(verdict=KeyTest("accepted", "The key is accepted."))
    app = StubApp(engine, EnvironmentForm())
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, name="dev", host="gale.kore.ai", api_key=KEY)
        app.screen.query_one("#test").focus()
        await pilot.press("enter")
        await finish(pilot)
        assert said(app) == "The key is accepted."
        assert focus(app) == "test"
        assert not engine.saved
        assert [key.reveal() for _, key in engine.tested if key is not None] == [KEY]
        # Nor is anything saved where the file or the keyring refuses it.
        engine.error = ConfigError("config.toml cannot be written", "Check its permissions")
        app.screen.query_one("#api-key").focus()
        await pilot.press("enter")
        await finish(pilot)
        assert said(app) == "config.toml cannot be written. Check its permissions."
        assert focus(app) == "save"
        assert app.screen.query_one("#host", FieldInput).value == "gale.kore.ai"
        assert app.screen.query_one("#api-key", FieldInput).value == KEY
        engine.error = KeyringUnavailableError("The keyring did not answer")
        await pilot.press("enter")
        await finish(pilot)
        assert "session" in said(app)
        assert not engine.saved
        engine.error = None
        await pilot.press("enter", "enter", "ctrl+s")
        await finish(pilot)
    assert len(engine.saved) == 1, "one press saves once"


async def test_without_a_keyring_the_session_is_preset_and_the_other_ways_named() -> None:
    engine = StubEngine(environments=())
    engine.credentials.state = KeyringState(False, "", f"There is no keyring here. {WITHOUT_KEYRING}.")
    app = StubApp(engine, EnvironmentForm())
    async with app.run_test(size=(80, 24)) as pilot:
        await finish(pilot)
        line = str(app.screen.query_one("#keyring", Static).render())
        assert "There is no keyring here." in line
        assert "GALE_API_KEY" in line
        assert "key_command" in line
        await fill(pilot, name="dev", host="gale.kore.ai", api_key=KEY)
        await pilot.press("enter")
        await finish(pilot)
    assert [only for *_, only in engine.saved] == [True]


async def test_name_host_key_and_save_follow_each_other_and_whatever_has_the_focus_is_in_sight() -> None:
    engine = StubEngine(environments=())
    engine.credentials.state = KeyringState(False, "", "There is no keyring here: " * 4)
    app = StubApp(engine, EnvironmentForm())
    seen: dict[tuple[int, int], list[str | None]] = {}
    async with app.run_test(size=(80, 24)) as pilot:
        await finish(pilot)
        for size in ((80, 24), (100, 30), (140, 40), (60, 16)):
            await pilot.resize_terminal(*size)
            assert app.screen.size == size
            seen[size] = []
            for _ in range(11):
                await pilot.pause()
                focused = app.focused
                assert focused is not None
                seen[size].append(focused.id)
                shown, _region = app.screen.get_widget_at(*focused.region.offset)
                assert focused in (shown, *shown.ancestors), f"{focused.id} is covered at {size}"
                await pilot.press("tab")
    order = ["name", "host", "api-key", "save"]
    order += ["test", "cancel", "production", "session-only", "ca-file", "proxy", "key-command"]
    assert seen == dict.fromkeys(seen, order)
