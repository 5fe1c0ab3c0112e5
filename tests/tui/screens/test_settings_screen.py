"""The settings screen: what is changed is kept and in effect at once, what cannot be used is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from gale_tui.core.config.config_file import ConfigFile
from gale_tui.core.config.paths import Paths
from gale_tui.tui import theme
from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.environments.environments import EnvironmentsScreen
from gale_tui.tui.screens.settings import SettingsScreen
from gale_tui.tui.widgets.forms.choice import Choice
from gale_tui.tui.widgets.forms.fields import FieldInput, TextField
from tests.tui.demo_app import Demo, demo_app, kept
from tests.tui.real_app import until
from tests.tui.screens.test_forms_for_real import engine_of


async def opened(demo: Demo) -> None:
    app, pilot = demo
    await pilot.press("comma")
    await until(pilot, lambda: isinstance(app.screen, SettingsScreen))
    await pilot.pause()


def chosen(app: GaleApp, widget_id: str) -> str:
    return app.screen.query_one(f"#{widget_id}", Choice).value


def line(app: GaleApp, widget_id: str) -> str:
    return str(app.screen.query_one(f"#{widget_id}-field", TextField).query_one(".field--line", Static).render())


async def choose(demo: Demo, widget_id: str, *keys: str) -> None:
    app, pilot = demo
    app.screen.query_one(f"#{widget_id}").focus()
    await pilot.press(*keys)
    await pilot.pause()


async def type_in(demo: Demo, widget_id: str, text: str) -> None:
    app, pilot = demo
    field = app.screen.query_one(f"#{widget_id}", FieldInput)
    field.focus()
    field.value = text
    await pilot.pause()


async def is_said(demo: Demo, widget_id: str, words: str) -> None:
    app, pilot = demo
    await until(pilot, lambda: words in line(app, widget_id))


async def test_every_setting_is_on_the_screen_at_80_by_24(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g", size=(80, 24)) as demo:
        app, _ = demo
        await opened(demo)
        for widget in app.screen.query("Choice, FieldInput, #said, #file"):
            region = widget.region
            assert region.height >= 1
            assert region.bottom <= 23, widget
            assert region.right <= 79, widget
        assert app.focused is app.screen.query_one("#theme")


async def test_choices_are_kept_and_in_effect_at_once(tmp_path: Path) -> None:
    home = tmp_path / "g"
    async with demo_app(home) as demo:
        app, _ = demo
        await opened(demo)
        await choose(demo, "theme", "right")
        assert app.theme == theme.LIGHT
        await choose(demo, "glyphs", "left")
        assert app.ascii
        await choose(demo, "notifications", "space", "l")
        await choose(demo, "clipboard", "enter")
        await choose(demo, "terminal-title", "right")
        await choose(demo, "mouse", "right")
        said = str(app.screen.query_one("#said", Static).render())
        assert said.startswith("Saved. ")
        settings = app.engine.settings
        assert (settings.notifications, settings.clipboard, settings.terminal_title) == ("both", "off", False)
    assert kept(home) == {
        "theme": theme.LIGHT,
        "glyphs": "ascii",
        "notifications": "both",
        "clipboard": "off",
        "terminal_title": False,
        "mouse": False,
    }
    # And it starts that way.
    async with demo_app(home) as demo:
        app, _ = demo
        await opened(demo)
        assert app.theme == theme.LIGHT
        values = [chosen(app, name) for name in ("theme", "glyphs", "mouse", "notifications", "clipboard")]
        assert values == [theme.LIGHT, "ascii", "off", "both", "off"]


async def test_the_mouse_chooses_a_word(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g") as demo:
        app, pilot = demo
        await opened(demo)
        await pilot.click("#notifications", offset=(20, 0))
        await pilot.pause()
        assert chosen(app, "notifications") == app.engine.settings.notifications == "both"


async def test_what_is_typed_is_kept_when_the_field_is_left(tmp_path: Path) -> None:
    home = tmp_path / "g"
    async with demo_app(home) as demo:
        app, pilot = demo
        await opened(demo)
        await type_in(demo, "poll-floor", "4,5")
        await pilot.press("enter")
        await until(pilot, lambda: app.engine.settings.poll_floor == 4.5)
        assert app.engine.scheduler.policy.floor == 4.5
        await type_in(demo, "filename-pattern", "{environment} {name}")
        assert "For example staging Leave Bot.zip" in line(app, "filename-pattern")
        await pilot.press("tab")
        await until(pilot, lambda: app.engine.settings.filename_pattern == "{environment} {name}")
        folder = tmp_path / "exports"
        await type_in(demo, "download-dir", str(folder))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.jobs_screen)
        assert app.engine.default_folder() == folder
    assert kept(home) == {
        "poll_floor": 4.5,
        "filename_pattern": "{environment} {name}",
        "download_dir": str(folder),
    }


SECONDS = "It must be a number of seconds from 1 to 60."
UNUSABLE = [
    {
        "poll-floor": ("0", SECONDS),
        "filename-pattern": ("{nmae}", "It may use {name}, {environment}"),
        "download-dir": ("/dev/null", "is a file"),
    },
    {
        "poll-floor": ("soon", SECONDS),
        "filename-pattern": ("a/b", "It must be a file name, without a folder."),
    },
    {
        "poll-floor": ("nan", SECONDS),
        "filename-pattern": ("{name", "It has a brace"),
    },
]
"""What cannot be used in the fields, and words of what is said about it."""


async def test_what_cannot_be_used_is_said_and_not_kept(tmp_path: Path) -> None:
    home = tmp_path / "g"
    async with demo_app(home) as demo:
        app, pilot = demo
        before = app.engine.settings
        for typed in UNUSABLE:
            app.clear_notifications()
            await opened(demo)
            for widget_id, (text, words) in typed.items():
                assert words not in line(app, widget_id)
                await type_in(demo, widget_id, text)
                await is_said(demo, widget_id, words)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.jobs_screen)
            assert app.engine.settings == before, typed
            left = [shown.message for shown in app._notifications if shown.message.startswith("Left as it was")]
            assert len(left) == len(typed), left
    assert not (home / "config.toml").exists()


async def test_an_empty_field_means_the_default(tmp_path: Path) -> None:
    home = tmp_path / "g"
    lines = f'download_dir = "{tmp_path}"\nfilename_pattern = "{{name}}"'
    async with demo_app(home, lines) as demo:
        app, pilot = demo
        await opened(demo)
        await type_in(demo, "download-dir", "")
        await type_in(demo, "filename-pattern", "")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.jobs_screen)
        assert app.engine.settings.download_dir is None
        assert app.engine.settings.filename_pattern == "{name}--{environment}--{time}"


async def test_a_file_that_cannot_be_changed_is_said(tmp_path: Path) -> None:
    home = tmp_path / "g"
    async with demo_app(home, "mouse = true") as demo:
        app, _ = demo
        await opened(demo)
        (home / "config.toml").write_text("this is not TOML", "utf-8")
        await choose(demo, "notifications", "right")
        assert chosen(app, "notifications") == app.engine.settings.notifications == "bell"
        assert str(app.screen.query_one("#said", Static).render()) == "Not saved."
        assert any("not valid TOML" in shown.message for shown in app._notifications)
    assert (home / "config.toml").read_text("utf-8") == "this is not TOML"


async def test_the_palette_and_a_second_press_open_it_once(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g") as demo:
        app, pilot = demo
        await opened(demo)
        app.action_settings()
        await pilot.pause()
        assert sum(isinstance(screen, SettingsScreen) for screen in app.screen_stack) == 1


async def test_the_switches_of_theme_and_mouse_are_remembered(tmp_path: Path) -> None:
    home = tmp_path / "g"
    async with demo_app(home) as demo:
        app, pilot = demo
        await pilot.press("f2", "f3")
        await pilot.pause()
        assert app.theme == theme.LIGHT
        assert not app.mouse_on
        assert any("F3 takes it back" in shown.message for shown in app._notifications)
        assert kept(home) == {"theme": theme.LIGHT, "mouse": False}
        await pilot.press("f3")
        await pilot.pause()
        assert app.mouse_on


@pytest.mark.parametrize("again", [False, True])
async def test_the_first_page_is_shown_once(paths: Paths, again: bool) -> None:
    if again:
        ConfigFile(paths.config_file).save_settings(seen_welcome=True)
    app = GaleApp(engine_of(paths), signals=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.jobs_screen in app.screen_stack and app.jobs_screen.is_mounted)
        await until(pilot, lambda: again or isinstance(app.screen, EnvironmentsScreen))
        await pilot.pause(0.1)
        assert isinstance(app.screen, EnvironmentsScreen) is not again
    assert ConfigFile(paths.config_file).load().settings.seen_welcome
