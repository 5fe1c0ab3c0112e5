"""Every action can be found: by a key that any terminal sends, in the palette, in the help."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static

from gale_tui.core.batch.report import BatchAccount
from gale_tui.core.history.sets import ToolSet, ToolSets
from gale_tui.core.models import Job
from gale_tui.tui import screens
from gale_tui.tui.actions import ACTIONS, Action, Place, actions_for, find_action, place_of
from gale_tui.tui.app import GaleApp
from gale_tui.tui.key_names import key_text
from gale_tui.tui.palette import GalePalette
from gale_tui.tui.screens.base import GaleModal
from gale_tui.tui.screens.batch.batch import BatchScreen
from gale_tui.tui.screens.batch.line import BatchLineDialog
from gale_tui.tui.screens.batch.report import BatchAccountDialog
from gale_tui.tui.screens.batch.sets import SetNameDialog, SetPicker
from gale_tui.tui.screens.copy_menu import CopyMenu
from gale_tui.tui.screens.dialogs import ConfirmDialog, EnvironmentPicker, KeyDialog, TrackDialog
from gale_tui.tui.screens.form_dialog import FormDialog
from gale_tui.tui.screens.help import HelpScreen
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.screens.saved_file.unpack import UnpackDialog
from gale_tui.tui.screens.too_small import TooSmallScreen
from tests.support.sandbox import Sandbox
from tests.tui.jobs_for_tests import job
from tests.tui.real_app import demo, running, screen_text, shows, until

KNOWN = {key for each in ACTIONS for key in each.keys}
DIALOG_KEYS = {"escape", "q", "enter", "i", "j", "k", "f1", "question_mark"}
"""Keys that close a dialog or move in its list; they need no action of their own."""


def own_screens() -> list[type[Screen[object]]]:
    """Every screen of the package."""
    found: list[type[Screen[object]]] = []
    for module in pkgutil.walk_packages(screens.__path__, f"{screens.__name__}."):
        loaded = importlib.import_module(module.name)
        found += [
            each
            for each in vars(loaded).values()
            if isinstance(each, type) and issubclass(each, Screen) and each.__module__ == loaded.__name__
        ]
    return found


@pytest.mark.parametrize("each", ACTIONS, ids=lambda each: each.id)
def test_an_action_has_a_plain_key_or_is_in_the_palette(each: Action) -> None:
    plain = [key for key in each.keys if not key.startswith("ctrl+")]
    assert plain or each.palette or each.id == "copy_hint"
    assert each.title
    assert each.help.endswith(".")


def test_ids_of_actions_are_unique() -> None:
    ids = [each.id for each in ACTIONS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("screen", [*own_screens(), GaleApp], ids=lambda screen: screen.__name__)
def test_every_binding_is_an_action_that_help_knows(screen: type[object]) -> None:
    ids = {each.id for each in ACTIONS}
    for binding in vars(screen).get("BINDINGS", []):
        assert isinstance(binding, Binding)
        keys = {key.strip() for key in binding.key.split(",")}
        assert binding.id in ids or keys <= DIALOG_KEYS | KNOWN, f"{binding.key} of {screen.__name__}"


SAME = {
    "form_submit": "form_enter",
    "environment_save": "environment_enter",
    "quit": "quit_jobs",
    "suspend": "suspend_jobs",
}
"""Actions with a ctrl chord alone, and the one with a plain key that does the same."""
CHORD_ITSELF = {"copy_hint"}


def test_nothing_needs_a_ctrl_chord() -> None:
    by_id = {each.id: each for each in ACTIONS}
    chords = {each.id for each in ACTIONS if all(key.startswith("ctrl+") for key in each.keys)}
    assert chords == set(SAME) | CHORD_ITSELF
    for chord, plain in SAME.items():
        assert any(not key.startswith("ctrl+") for key in by_id[plain].keys), chord


PLAIN_SCREENS = [each for each in own_screens() if not issubclass(each, GaleModal) and not each.__subclasses__()]
DIALOGS = [each for each in own_screens() if issubclass(each, GaleModal) and each not in (GaleModal, HelpScreen)]


def test_every_screen_is_a_place_with_actions_of_its_own() -> None:
    places = {each.__name__: place_of(stand_in(each)) for each in PLAIN_SCREENS if each is not TooSmallScreen}
    assert len(set(places.values())) == len(places) >= 9
    assert Place.DIALOG not in places.values(), places
    for place in places.values():
        assert any(each.place is place and each.footer for each in ACTIONS), place


def stand_in(kind: type[object]) -> Any:
    """What looks like a screen of that kind from outside."""
    return type(kind.__name__, (kind,), {"__init__": lambda self: None, "__module__": kind.__module__})()


async def help_about(app: GaleApp, pilot: Pilot[int], screen: Any) -> str:
    """The help that is shown on that screen."""
    page = HelpScreen(screen)
    await app.push_screen(page)
    text = str(page.query_one("#page", Static).content)
    await pilot.press("escape")
    await until(pilot, lambda: app.screen is app.jobs_screen)
    return text


async def test_every_action_is_in_the_help_of_its_screen_with_its_keys_and_in_the_palette(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox), (80, 24)) as (app, pilot):
            found: set[str] = set()
            for kind in PLAIN_SCREENS:
                if kind is TooSmallScreen:
                    continue
                screen = stand_in(kind)
                lines = [" ".join(line.split()) for line in (await help_about(app, pilot, screen)).splitlines()]
                offered = {each.id for each in actions_for(screen)}
                for each in ACTIONS:
                    line = f"{' '.join(key_text(key) for key in each.keys)} {each.help}"
                    if line in lines:
                        found.add(each.id)
                    own = each.place in (place_of(screen), Place.EVERYWHERE)
                    assert not own or line in lines, f"help on {kind.__name__} is without {each.id}"
                    assert not (own and each.palette) or each.id in offered, f"palette of {kind.__name__}: {each.id}"
            assert found == {each.id for each in ACTIONS}


async def test_the_help_of_a_dialog_names_its_own_keys_and_those_of_the_filter_where_there_is_one(
    tmp_path: Path,
) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox), (80, 24)) as (app, pilot):
            for dialog in DIALOGS:
                text = await help_about(app, pilot, stand_in(dialog))
                kinds = (kind for kind in dialog.__mro__ if kind.__module__.startswith("gale_tui."))
                bindings = [binding for kind in kinds for binding in vars(kind).get("BINDINGS", [])]
                assert bindings, dialog.__name__
                for binding in bindings:
                    assert binding.description, f"{binding.key} of {dialog.__name__} has no words"
                    assert f"{binding.description}." in text, dialog.__name__
            assert Place.FILTER.value in await help_about(app, pilot, stand_in(JobsScreen))
            assert Place.FILTER.value not in await help_about(app, pilot, stand_in(BatchScreen))


def dialogs(app: GaleApp) -> list[Screen[Any]]:
    """One of each dialog."""
    environment = app.engine.environments.current
    assert environment is not None
    return [
        ConfirmDialog("Delete", "Delete it?"),
        KeyDialog(environment),
        TrackDialog(),
        EnvironmentPicker(),
        CopyMenu([job()]),
        BatchLineDialog(),
        SetNameDialog("nightly"),
        SetPicker([ToolSet("nightly", ())]),
        BatchAccountDialog(BatchAccount("nightly", ())),
        UnpackDialog([job()]),
    ]


async def test_f1_shows_the_help_of_a_dialog_and_comes_back_to_it_as_it_was(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox), (80, 24)) as (app, pilot):
            shown = dialogs(app)
            assert {type(each) for each in shown} == {*DIALOGS} - {TooSmallScreen, FormDialog}
            for dialog in shown:
                answers: list[object] = []
                await app.push_screen(dialog, answers.append)
                await pilot.pause()
                focused = app.focused
                for field in dialog.query(Input):
                    field.focus()
                    await pilot.press("a", "question_mark", "b")
                    assert field.value.endswith("a?b")
                    focused = field
                await pilot.press("f1")
                await until(pilot, lambda: shows(app, HelpScreen))
                text = str(app.screen.query_one("#page", Static).content)
                assert {"Help", "Quit"} <= {each.title for each in ACTIONS if each.help in text}
                assert find_action("settings").help not in text, "a key that does nothing here"
                await pilot.press("f1")
                await until(pilot, lambda: app.screen in shown)
                assert (app.screen, app.focused) == (dialog, focused)
                assert all(field.value.endswith("a?b") for field in dialog.query(Input))
                await pilot.press("escape")
                await until(pilot, lambda: app.screen is app.jobs_screen)
                assert answers == [None]
            await app.push_screen(TrackDialog())
            await pilot.press("ctrl+q")
            await until(pilot, lambda: app.return_value == 0)


async def test_work_that_ends_behind_the_help_closes_its_dialog_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked, ready = job(), asyncio.Event()

    async def track(environment_id: str, dock_status_id: str) -> Job:
        await ready.wait()
        return tracked

    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
            monkeypatch.setattr(app.engine.jobs, "track", track)
            answers: list[Job | None] = []
            await app.push_screen(TrackDialog(), answers.append)
            await pilot.press(*"ds-1", "enter", "f1")
            await until(pilot, lambda: shows(app, HelpScreen))
            ready.set()
            await app.workers.wait_for_complete([each for each in app.workers if each.group == "submit"])
            await pilot.pause()
            assert shows(app, HelpScreen)
            assert not answers
            await pilot.press("f1")
            await until(pilot, lambda: app.screen is app.jobs_screen)
            assert answers == [tracked]


async def test_help_names_every_key_of_the_jobs_and_of_everywhere(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox), (120, 100)) as (app, pilot):
            await pilot.press("f1")
            await until(pilot, lambda: shows(app, HelpScreen))
            await pilot.pause()
            text = screen_text(app)
            here = [each for each in ACTIONS if str(each.place) in ("Export jobs", "Everywhere")]
            assert [each.id for each in here if each.help not in text] == []
            assert "UNCONFIRMED" in text
            await pilot.press("escape")
            await until(pilot, lambda: not shows(app, HelpScreen))


async def test_help_is_searched_and_knows_the_ids_of_actions(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
            await pilot.press("f1")
            await until(pilot, lambda: shows(app, HelpScreen))
            await pilot.press("slash", *"export_again")
            await until(pilot, lambda: "REQUESTING" not in screen_text(app))
            assert "export_again" in screen_text(app)
            await pilot.press("escape")
            await until(pilot, lambda: "New export" in screen_text(app))
            await pilot.press("escape")
            await until(pilot, lambda: not shows(app, HelpScreen))


async def test_the_palette_finds_and_runs_an_action(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
            await pilot.press("colon")
            await until(pilot, lambda: shows(app, GalePalette))
            await until(pilot, lambda: "Open the export form" in screen_text(app))
            await pilot.press(*"pause")
            await until(pilot, lambda: "Open the export form" not in screen_text(app))
            await until(pilot, lambda: "Pause polling" in screen_text(app))
            await pilot.press("enter")
            await until(pilot, lambda: app.engine.scheduler.paused)


async def test_the_palette_offers_actions_while_the_history_is_held_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(sets: ToolSets) -> list[ToolSet]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(ToolSets, "all", never)
    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
            await pilot.press("colon")
            await until(pilot, lambda: "Open the export form" in screen_text(app))


async def test_palette_and_theme_work_in_a_dialog_that_stays_as_it_was(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
            dialog, theme = TrackDialog(), app.theme
            await app.push_screen(dialog)
            await pilot.press("a", "colon", "b", "f2")
            await until(pilot, lambda: app.theme != theme)
            field = app.focused
            await pilot.press("ctrl+p")
            await until(pilot, lambda: shows(app, GalePalette))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is dialog)
            assert isinstance(field, Input)
            assert (app.focused, field.value) == (field, "a:b")
