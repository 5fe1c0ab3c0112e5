"""The bottom line offers what can be done where one is, and the palette shows it whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from gale_tui.core.config.paths import Paths
from gale_tui.tui.actions import ACTIONS
from gale_tui.tui.app import GaleApp
from gale_tui.tui.palette import GalePalette
from gale_tui.tui.screens.environments.environments import EnvironmentsScreen
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.screens.help import HelpScreen
from gale_tui.tui.screens.saved_file.inspect import InspectScreen
from gale_tui.tui.widgets.key_bar import KeyBar
from tests.support.sandbox import Sandbox
from tests.tui.demo_app import demo_app, saved_job
from tests.tui.real_app import configured_engine, demo, running, screen_text, shows, until
from tests.tui.saved_jobs import page_text


def bottom(app: GaleApp) -> str:
    return screen_text(app).splitlines()[-1].strip()


async def test_the_keys_of_the_filter_and_of_the_environments_are_offered_and_words_can_be_clicked(
    tmp_path: Path,
) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox), (80, 24)) as (app, pilot):
            usual = bottom(app)
            assert usual.startswith("n New export")
            await pilot.press("slash", "n")
            assert app.screen.query_one("#filter", Input).value == "n"
            assert bottom(app) == "enter Keep  esc Clear filter  ↓ Next job  ↑ Previous job  F1 Help"
            await pilot.press("enter")
            assert app.focused is app.jobs_screen.table
            assert bottom(app) == usual
            await pilot.press("slash", "escape")
            assert app.screen.query_one("#filter", Input).value == ""
            assert bottom(app) == usual

            await pilot.press("c")
            await until(pilot, lambda: shows(app, EnvironmentsScreen))
            await pilot.pause()
            assert bottom(app) == "n Add  enter Edit  x Remove  t Test  space Use  esc Back  F1 Help"
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.jobs_screen)

            await pilot.click(KeyBar, offset=(78, 0))
            assert app.screen is app.jobs_screen
            await pilot.click(KeyBar, offset=(bottom(app).index("Help") + 1, 0))
            await until(pilot, lambda: shows(app, HelpScreen))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.jobs_screen)
            await pilot.click(KeyBar, offset=(2, 0))
            await until(pilot, lambda: shows(app, ExportForm))


async def test_the_mark_moves_while_a_filter_is_typed(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "demo") as (app, pilot):
        for _ in range(2):
            await pilot.press("n")
            await until(pilot, lambda: type(app.screen).__name__ == "ExportForm")
            await pilot.pause()
            await pilot.press("enter")
            await until(pilot, lambda: app.screen is app.jobs_screen)
        await pilot.press("g", "slash", *"banking")
        table = app.jobs_screen.table
        first = table.current
        assert first is not None
        await pilot.press("down")
        assert table.current not in (None, first)
        await pilot.press("up")
        assert table.current is not None
        assert table.current.id == first.id
        assert app.screen.query_one("#filter", Input).value == "banking"


async def test_while_words_are_searched_their_keys_are_offered(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "demo") as (app, pilot):
        await saved_job(app, pilot)
        await pilot.press("i")
        await until(pilot, lambda: shows(app, InspectScreen) and "SHA-256" in page_text(app))
        usual = bottom(app)
        await pilot.press("slash", *"node")
        assert bottom(app) == "enter Keep  esc Clear  ↓ Next hit  ↑ Previous hit  F1 Help"
        assert app.screen.query_one("#page").border_subtitle == "1 of 2 lines"
        await pilot.press("down")
        assert app.screen.query_one("#page").border_subtitle == "2 of 2 lines"
        await pilot.press("up", "enter")
        assert app.screen.query_one("#page").border_subtitle == "1 of 2 lines"
        assert bottom(app) == "tab Next part  / Search  n Next hit  N Previous hit  esc Back  F1 Help"
        await pilot.press("escape")
        await until(pilot, lambda: bottom(app) == usual)


async def test_the_first_start_offers_what_can_be_done_without_an_environment(tmp_path: Path) -> None:
    async with running(configured_engine(Paths.under(tmp_path)), (80, 24)) as (app, pilot):
        await until(pilot, lambda: shows(app, EnvironmentsScreen))
        await pilot.pause()
        assert bottom(app) == "n Add  esc Back  F1 Help"


@pytest.mark.parametrize("size", [(80, 24), (100, 30)])
async def test_the_palette_shows_every_help_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(demo(tmp_path / "demo", sandbox), size) as (app, pilot):
            await pilot.press("ctrl+p")
            await until(pilot, lambda: shows(app, GalePalette) and "Open the export form" in screen_text(app))
            longest = max((each.help for each in ACTIONS if each.palette), key=len)
            room = next(line for line in screen_text(app).splitlines() if "Open the export form" in line)
            assert room.rindex("│") - room.index("Open the export form") > len(longest), longest


async def test_where_the_terminal_is_small_the_first_start_can_be_read_to_its_end(tmp_path: Path) -> None:
    async with running(configured_engine(Paths.under(tmp_path)), (60, 12)) as (app, pilot):
        await until(pilot, lambda: shows(app, EnvironmentsScreen))
        await pilot.pause()
        assert "An environment is one GALE" in screen_text(app)
        await pilot.press(*["down"] * 12)
        await until(pilot, lambda: "Add an environment" in screen_text(app))
        await pilot.press(*["up"] * 12)
        await until(pilot, lambda: "An environment is one GALE" in screen_text(app))


async def test_where_the_terminal_is_small_the_copy_menu_shows_what_is_copied(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "demo", size=(60, 12)) as (app, pilot):
        job = await saved_job(app, pilot)
        await pilot.press("y")
        await until(pilot, lambda: str(job.dock_status_id) in screen_text(app))
