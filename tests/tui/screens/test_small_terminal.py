"""A terminal without room: it is said, keys do nothing unseen, and all is back when it grows."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.geometry import Size

from gale_tui.tui.screens.dialogs import ConfirmDialog
from gale_tui.tui.screens.help import HelpScreen
from gale_tui.tui.screens.too_small import LEAST_HEIGHT, LEAST_WIDTH, TooSmallScreen, too_small
from tests.tui.demo_app import demo_app
from tests.tui.real_app import until


def lines(screen: object) -> str:
    assert isinstance(screen, TooSmallScreen)
    (words,) = screen.children
    return "\n".join(words.render_line(y).text.rstrip() for y in range(words.size.height))


@pytest.mark.parametrize(
    ("width", "height", "small"),
    [(60, 12, False), (59, 12, True), (60, 11, True), (80, 24, False), (1, 1, True), (200, 11, True)],
)
def test_what_is_too_small(width: int, height: int, small: bool) -> None:
    assert too_small(Size(width, height)) is small


async def test_it_says_so_and_goes_away_when_it_grows(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g") as (app, pilot):
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.resize_terminal(59, 24)
        await until(pilot, lambda: isinstance(app.screen, TooSmallScreen))
        await pilot.pause()
        assert "The terminal is too small." in lines(app.screen)
        assert "It has 59x24; 60x12 are needed." in lines(app.screen)
        # Keys that nobody sees do nothing.
        depth = len(app.screen_stack)
        await pilot.press("n", "escape", "x", "enter", "comma", "f1")
        await pilot.pause()
        assert len(app.screen_stack) == depth
        await pilot.resize_terminal(30, 5)
        await until(pilot, lambda: "30x5" in lines(app.screen))
        await pilot.resize_terminal(LEAST_WIDTH, LEAST_HEIGHT)
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert not any(isinstance(screen, TooSmallScreen) for screen in app.screen_stack)


@pytest.mark.parametrize("size", [(40, 10), (10, 3), (1, 1)])
async def test_it_starts_in_a_small_one(tmp_path: Path, size: tuple[int, int]) -> None:
    async with demo_app(tmp_path / "g", size=size) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, TooSmallScreen))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: app.screen is app.jobs_screen)
        assert app.focused is app.jobs_screen.table


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_it_can_be_left(tmp_path: Path, key: str) -> None:
    async with demo_app(tmp_path / "g", size=(40, 10)) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, TooSmallScreen))
        await pilot.press(key)
        await until(pilot, lambda: app.return_code is not None)
    assert app.return_code == 0


async def test_it_goes_when_the_terminal_grew_behind_a_dialog(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g", size=(40, 10)) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, TooSmallScreen))
        app.push_screen(ConfirmDialog("Delete", "Delete it?"))
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.resize_terminal(80, 24)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.jobs_screen)


async def test_the_least_size_draws_the_jobs(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g", size=(LEAST_WIDTH, LEAST_HEIGHT)) as (app, pilot):
        await pilot.pause()
        assert app.screen is app.jobs_screen
        assert app.jobs_screen.table.size.height >= 5
