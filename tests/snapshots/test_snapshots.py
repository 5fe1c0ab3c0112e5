"""Each screen as it was looked at and found right: small, without colours, light, and with ASCII alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.dialogs import KeyDialog
from gale_tui.tui.screens.environments.environment_form import EnvironmentForm
from gale_tui.tui.screens.export_form import ExportForm
from tests.snapshots.stage import Stage
from tests.snapshots.story import (
    ENVIRONMENTS,
    accounted,
    drawn,
    listed,
    look_into_environments,
    morning,
    noon,
    opened,
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


def test_jobs_at_80x24(snap_compare: Compare) -> None:
    assert looks(snap_compare, Stage(), whole_story)


def test_jobs_in_ascii(snap_compare: Compare) -> None:
    assert looks(snap_compare, Stage(glyphs="ascii"), whole_story, (100, 30))


def test_jobs_without_colours(snap_compare: Compare) -> None:
    assert looks(snap_compare, Stage(no_color=True), whole_story)


def test_jobs_in_the_light_theme_and_wide(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        await whole_story(stage, pilot, app)
        app.action_toggle_theme()

    assert looks(snap_compare, Stage(), act, (160, 40))


def test_the_demo_before_the_first_export(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        pass

    assert looks(snap_compare, Stage(), act)


def test_the_first_start(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        pass

    assert looks(snap_compare, Stage(environments=""), act)


def test_a_filter(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        await morning(stage, pilot)
        await pilot.press("slash", *"failed")

    assert looks(snap_compare, Stage(), act)


OPENED = {
    "details": "enter",
    "copy": "y",
    "help": "f1",
    "palette": "ctrl+p",
    "track": "t",
    "export again": "e",
    "inspect": "i",
    "settings": "comma",
}


@pytest.mark.parametrize("key", OPENED.values(), ids=[name.replace(" ", "-") for name in OPENED])
def test_what_opens_above_the_jobs(snap_compare: Compare, key: str) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        await morning(stage, pilot)
        await select(stage, pilot, "Banking Assistant", "11:57:31")
        await pilot.press(key)

    assert looks(snap_compare, Stage(), act)


def test_details_of_a_failure(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        await morning(stage, pilot)
        await select(stage, pilot, "Fraud Watch", "11:55:08")
        await pilot.press("enter")

    assert looks(snap_compare, Stage(), act)


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


def test_quitting_while_a_file_is_received(snap_compare: Compare) -> None:
    async def act(stage: Stage, pilot: Pilot[int], app: GaleApp) -> None:
        await whole_story(stage, pilot, app)
        await pilot.press("q")

    assert looks(snap_compare, Stage(), act)
