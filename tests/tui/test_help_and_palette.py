"""Every action can be found: by a key that any terminal sends, in the palette, in the help."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.screen import Screen

from gale_tui.sandbox.server import Sandbox
from gale_tui.tui import screens
from gale_tui.tui.actions import ACTIONS, Action
from gale_tui.tui.app import GaleApp
from gale_tui.tui.palette import GalePalette
from gale_tui.tui.screens.help import HelpScreen
from tests.tui.real_app import demo, running, screen_text, shows, until

KNOWN = {key for each in ACTIONS for key in each.keys}
DIALOG_KEYS = {"escape", "q", "enter", "i", "j", "k", "f1", "question_mark"}
"""Keys that close a dialog or move in its list; they need no action of their own."""


def own_screens() -> list[type[Screen[object]]]:
    """Every screen of the package."""
    found: list[type[Screen[object]]] = []
    for module in pkgutil.iter_modules(screens.__path__):
        loaded = importlib.import_module(f"{screens.__name__}.{module.name}")
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


async def test_the_palette_finds_and_runs_an_action(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox)) as (app, pilot):
            await pilot.press("colon")
            await until(pilot, lambda: shows(app, GalePalette))
            await until(pilot, lambda: "Start an export" in screen_text(app))
            await pilot.press(*"pause")
            await until(pilot, lambda: "Start an export" not in screen_text(app))
            await until(pilot, lambda: "Pause polling" in screen_text(app))
            await pilot.press("enter")
            await until(pilot, lambda: app.engine.paused)
