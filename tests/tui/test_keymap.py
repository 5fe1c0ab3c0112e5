"""Changed keys: what can be changed, what is said of the rest, and that every text names the key as it is now."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from gale_tui.tui.actions import ACTIONS, Place, find_action
from gale_tui.tui.key_names import key_name, key_text
from gale_tui.tui.keymap import NO_CHANGES, KeyMap, read_keys
from gale_tui.tui.screens.help import HelpScreen
from gale_tui.tui.widgets.key_bar import KeyBar
from tests.tui.demo_app import demo_app
from tests.tui.real_app import until


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a", "a"),
        ("A", "A"),
        ("?", "question_mark"),
        ("/", "slash"),
        ("-", "minus"),
        ("^", "circumflex_accent"),
        ("ä", "ä"),
        ("F5", "f5"),
        ("esc", "escape"),
        ("space", "space"),
        ("Ctrl+K", "ctrl+k"),
        ("ctrl+shift+left", "ctrl+shift+left"),
        ("slash", "slash"),
        (" n ", "n"),
        ("", None),
        ("ctrl+", None),
        ("nonsense", None),
        ("f99", None),
        ("\x1b", None),
        ("ctrl+nonsense", None),
    ],
)
def test_keys_are_read_as_people_write_them(text: str, name: str | None) -> None:
    assert key_name(text) == name


def test_every_key_of_an_action_can_be_written_as_it_is_shown() -> None:
    arrows = {"↓": "down", "↑": "up", "←": "left", "→": "right", "page up": "pageup", "page down": "pagedown"}
    for each in ACTIONS:
        for key in each.keys:
            shown = key_text(key)
            assert shown.isprintable()
            assert key_name(arrows.get(shown, shown)) == key, each.id
            assert key_name(key) == key


def test_changes_that_hold() -> None:
    keys = read_keys({"new_export": "m", "refresh_all": "f5, ctrl+r", "form_submit": "f6", "filter": ","})
    assert keys.problems == ("keys in config.toml: “,” for “filter” is the key of “settings” already; / stays.",)
    assert keys.changed == {"new_export": ("m",), "refresh_all": ("f5", "ctrl+r"), "form_submit": ("f6",)}
    assert keys.for_framework() == {"new_export": "m", "refresh_all": "f5,ctrl+r", "form_submit": "f6"}
    assert keys.keys(find_action("new_export")) == ("m",)
    assert keys.keys(find_action("download")) == ("d",)


def test_two_actions_can_change_places() -> None:
    keys = read_keys({"new_export": "e", "export_again": "n"})
    assert keys.problems == ()
    assert keys.changed == {"new_export": ("e",), "export_again": ("n",)}


def test_a_key_that_became_free_can_be_taken() -> None:
    assert read_keys({"download": "D", "refresh": "d"}).problems == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nosuch": "a"}, "unknown action “nosuch”"),
        ({"pause": "zz"}, "“zz” for “pause” is not a key"),
        ({"form_enter": "f5"}, "cannot be changed"),
        ({"form_submit": "x"}, "“x” for “form_submit” is text in the fields there"),
        ({"environment_save": "space"}, "is text in the fields"),
        ({"refresh": "d"}, "“d” for “refresh” is the key of “download” already; r stays"),
        # The table moves with it, whichever place the action is of.
        ({"new_export": "j"}, "the key of “cursor_down” already"),
        ({"help": "n"}, "“n” for “help” is the key of “new_export” already; F1 stays"),
        ({"inspect_values": "pagedown"}, "the key of “page_screen_down” already"),
        ({"undo": "f", "filter": "f"}, "“f” for “filter” is the key of “undo” already"),
        # What is given up by one that does not hold is its own again.
        ({"download": "q", "refresh": "d"}, "“d” for “refresh” is the key of “download” already"),
    ],
)
def test_what_does_not_hold_is_said(changes: dict[str, str], words: str) -> None:
    keys = read_keys(changes)
    assert words in " ".join(keys.problems)
    assert set(keys.changed) < set(changes)


def test_the_keys_as_they_come_have_no_clash() -> None:
    # Each given again as a change, so that all are looked at.
    changes = {each.id: ",".join(each.keys) for each in ACTIONS if each.bound and each.keys}
    texts = [problem for problem in read_keys(changes).problems if "is text in" not in problem]
    assert texts == []


def test_every_place_is_looked_at() -> None:
    for place in {each.place for each in ACTIONS if each.bound and each.keys} - {Place.EVERYWHERE}:
        actions = [each for each in ACTIONS if each.place is place and each.bound and each.keys]
        # ctrl+q ends the program wherever one is.
        problems = " ".join(read_keys({actions[0].id: "ctrl+q"}).problems)
        assert "the key of “quit” already" in problems, place


def test_without_changes_nothing_is_done() -> None:
    assert read_keys({}) is NO_CHANGES


def test_the_bottom_line_names_the_changed_key() -> None:
    entries = KeyMap({"new_export": ("m",), "help": ("f9",)}).entries(Place.JOBS)
    assert entries[0] == ("m", "New export", "new_export")
    assert entries[-1] == ("F9", "Help", "app.help")


SETTINGS = 'keys = { new_export = "m", download = "w,D", help = "f9", nosuch = "b", refresh = "y" }'


async def test_the_app_goes_by_the_changed_keys_and_names_them(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g", SETTINGS, size=(100, 30)) as (app, pilot):
        said = " ".join(shown.message for shown in app._notifications)
        assert "unknown action “nosuch”" in said
        assert "“y” for “refresh” is the key of “copy” already" in said
        assert "Press m, then enter" in app.jobs_screen.table.empty_text
        assert app.jobs_screen.key("download") == "w"
        bar = app.jobs_screen.query_one(KeyBar).render_line(0).text
        assert bar.startswith(" m New export  w Download")
        assert "F9 Help" in bar
        await pilot.press("n")
        await pilot.pause()
        assert app.screen is app.jobs_screen
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        page = " ".join(str(app.screen.query_one("#page", Static).render()).split())
        assert " m Open the export form." in page
        assert " w D Download, resume" in page
        assert "interrupted; w resumes it" in page
        await pilot.press("escape")
        await pilot.press("ctrl+c")
        await pilot.pause()
        await pilot.press("m")
        await until(pilot, lambda: type(app.screen).__name__ == "ExportForm")
