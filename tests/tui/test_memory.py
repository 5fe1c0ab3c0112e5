"""What a screen used goes with it: nothing is left of five openings."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from textual.dom import DOMNode
from textual.pilot import Pilot

from gale_tui.tui.app import GaleApp
from tests.support.engines import eventually
from tests.support.sandbox import Sandbox
from tests.tui.real_app import until
from tests.tui.saved_jobs import export_versions, running

OPENINGS = 5
PER_OPENING = 300
"""Objects that an opening may leave for a while, as the last screen's are; a form has thousands."""


async def open_and_close(app: GaleApp, pilot: Pilot[int], key: str) -> None:
    """Opens a screen with its key, waits until it is drawn, and closes it."""
    await pilot.press(key)
    await until(pilot, lambda: app.screen is not app.jobs_screen)
    await app.workers.wait_for_complete([worker for worker in app.workers if worker.node is app.screen])
    await pilot.pause()
    while app.screen is not app.jobs_screen:
        # A list of suggestions that has just opened takes the first one.
        await pilot.press("escape")
        await pilot.pause()
    await pilot.pause()


def count_objects() -> tuple[int, int]:
    """All that the garbage collector follows, and the widgets that are on no screen."""
    gc.collect()
    objects = gc.get_objects()
    return len(objects), sum(1 for each in objects if isinstance(each, DOMNode) and not each.is_attached)


@pytest.mark.parametrize(
    "key", ["n", "enter", "f1", "i", "c"], ids=["form", "details", "help", "inspector", "environments"]
)
async def test_a_closed_screen_leaves_nothing_behind(tmp_path: Path, key: str) -> None:
    with Sandbox(seed=1, speed=50.0) as sandbox:
        async with running(tmp_path, sandbox) as (app, pilot, engine):
            await export_versions(pilot, engine, sandbox, 1)
            await until(pilot, lambda: app.jobs_screen.table.current is not None)
            for _ in range(2):
                # What is made once and kept: imports, caches, styles.
                await open_and_close(app, pilot, key)
            objects, widgets = count_objects()
            for _ in range(OPENINGS):
                await open_and_close(app, pilot, key)

            def gone() -> bool:
                objects_after, widgets_after = count_objects()
                return widgets_after < widgets + OPENINGS and objects_after - objects <= PER_OPENING * OPENINGS

            # A worker or timer of the last one may be ending still.
            await eventually(gone)
