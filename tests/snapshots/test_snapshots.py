"""Each screen as it was looked at and found right: small, without colours, light, and with ASCII alone."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

import pytest
from textual.app import App
from textual.pilot import Pilot

from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.dialogs import KeyDialog
from gale_tui.tui.screens.environments.environment_form import EnvironmentForm
from gale_tui.tui.screens.export_form import ExportForm
from tests.snapshots.stage import Stage, in_ascii
from tests.snapshots.story import (
    ENVIRONMENTS,
    accounted,
    drawn,
    listed,
    look_into_environments,
    morning,
    noon,
    opened,
    paste,
    select,
    shown,
    two_versions,
)

Compare = Callable[..., bool]
Act = Callable[[Stage, Pilot[int], GaleApp], Awaitable[None]]


def looks(compare: Compare, stage: Stage, act: Act, size: tuple[int, int] = (80, 24)) -> bool:
    """Plays an act on a stage and compares what is seen then."""

    async def run(pilot: Pilot[int]) -> None:
        app = await opened(stage, pilot)
        await act(stage, pilot, app)
        await drawn(stage, pilot)

    with stage:
        return compare(stage.app(), terminal_size=size, run_before=run)


async def whole_story(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
    await morning(stage, pilot)
    await noon(stage, pilot)


def test_jobs_in_ascii(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = GaleApp.export_screenshot
    monkeypatch.setattr(GaleApp, "export_screenshot", lambda app, **how: in_ascii(draw(app, **how)))
    assert looks(snap_compare, Stage(glyphs="ascii"), whole_story, (100, 30))


def test_jobs_without_colours(snap_compare: Compare) -> None:
    assert looks(snap_compare, Stage(no_color=True), whole_story)


def test_the_demo_before_the_first_export(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        pass

    assert looks(snap_compare, Stage(), act)


def test_the_first_start(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        pass

    assert looks(snap_compare, Stage(environments=""), act)


# Several pictures of one app


class Picture(App[None]):
    """An app that was drawn before it is compared."""

    def __init__(self, svg: str) -> None:
        super().__init__()
        self._svg = svg

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        return self._svg


async def draw(stage: Stage, pilot: Pilot[int], size: tuple[int, int] = (80, 24)) -> str:
    """What is seen now."""
    await pilot.resize_terminal(*size)
    await drawn(stage, pilot)
    await pilot.wait_for_scheduled_animations()
    return pilot.app.export_screenshot(title=pilot.app.title, simplify=True)


async def back_to_the_jobs(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
    while app.screen is not app.jobs_screen:
        await pilot.press("escape")
        await stage.settle()


BANKING, FRAUD = ("Banking Assistant", "11:57:31"), ("Fraud Watch", "11:55:08")
ABOVE_THE_JOBS = {
    "details": (BANKING, "enter"),
    "copy": (BANKING, "y"),
    "help": (BANKING, "f1"),
    "palette": (BANKING, "ctrl+p"),
    "track": (BANKING, "t"),
    "export-again": (BANKING, "e"),
    "inspect": (BANKING, "i"),
    "settings": (BANKING, "comma"),
    "details of a failure": (FRAUD, "enter"),
}


@functools.cache
def pictures_of_the_demo() -> dict[str, str]:
    """What opens above the jobs of a morning, a filter, the jobs at noon, and the question as they are left."""

    async def draw_all() -> dict[str, str]:
        with Stage() as stage:
            async with stage.app().run_test(size=(80, 24), notifications=True) as pilot:
                app = await opened(stage, pilot)
                await morning(stage, pilot)
                pictures = {}
                for name, (job, key) in ABOVE_THE_JOBS.items():
                    await select(stage, pilot, *job)
                    await pilot.press(key)
                    pictures[name] = await draw(stage, pilot)
                    await back_to_the_jobs(stage, pilot, app)
                await pilot.press("slash")
                await paste(pilot, "failed")
                pictures["filter"] = await draw(stage, pilot)
                await pilot.press("escape", "escape")
                app.jobs_screen.table.select(next(iter(stage.engine.jobs)))
                await noon(stage, pilot)
                pictures["jobs"] = await draw(stage, pilot)
                await pilot.press("q")
                pictures["quit"] = await draw(stage, pilot)
                await back_to_the_jobs(stage, pilot, app)
                app.action_toggle_theme()
                pictures["light and wide"] = await draw(stage, pilot, (160, 40))
                return pictures

    return asyncio.run(draw_all())


@pytest.mark.parametrize("name", [name for name in ABOVE_THE_JOBS if " " not in name])
def test_what_opens_above_the_jobs(snap_compare: Compare, name: str) -> None:
    assert snap_compare(Picture(pictures_of_the_demo()[name]))


def test_details_of_a_failure(snap_compare: Compare) -> None:
    assert snap_compare(Picture(pictures_of_the_demo()["details of a failure"]))


def test_a_filter(snap_compare: Compare) -> None:
    assert snap_compare(Picture(pictures_of_the_demo()["filter"]))


def test_jobs_at_80x24(snap_compare: Compare) -> None:
    assert snap_compare(Picture(pictures_of_the_demo()["jobs"]))


def test_jobs_in_the_light_theme_and_wide(snap_compare: Compare) -> None:
    assert snap_compare(Picture(pictures_of_the_demo()["light and wide"]))


def test_quitting_while_a_file_is_received(snap_compare: Compare) -> None:
    assert snap_compare(Picture(pictures_of_the_demo()["quit"]))


# One picture of an app


def test_what_changed_between_two_exports(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        await two_versions(stage, pilot)

    assert looks(snap_compare, Stage(), act)


def test_a_list_before_it_is_started(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        await listed(stage, pilot)

    assert looks(snap_compare, Stage(), act)


def test_what_became_of_a_batch(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        await accounted(stage, pilot)

    assert looks(snap_compare, Stage(), act)


def test_the_form_with_offers(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        await pilot.press("n")
        await shown(stage, pilot, ExportForm)

    assert looks(snap_compare, Stage(), act)


def test_environments(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        await look_into_environments(stage, pilot)

    assert looks(snap_compare, Stage(environments=ENVIRONMENTS), act)


def test_a_new_environment(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        await pilot.press("c", "n")
        await shown(stage, pilot, EnvironmentForm)

    assert looks(snap_compare, Stage(environments=ENVIRONMENTS), act)


def test_a_key_is_asked_for(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        app.navigation.open_key_dialog("production", "GALE refused the key (401). Enter another one.")
        await shown(stage, pilot, KeyDialog)

    assert looks(snap_compare, Stage(environments=ENVIRONMENTS), act)
