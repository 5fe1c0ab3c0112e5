"""What a screen used goes with it: nothing is left of three openings."""

from __future__ import annotations

import contextlib
import gc
from collections import Counter
from pathlib import Path

from textual.dom import DOMNode
from textual.pilot import Pilot

from gale_tui.tui.app import GaleApp
from tests.support.engines import eventually
from tests.support.sandbox import Sandbox
from tests.tui.real_app import until
from tests.tui.saved_jobs import export_versions, running

OPENINGS = 3
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


def count_objects() -> tuple[int, Counter[str]]:
    """All that the garbage collector follows, and the kinds of widgets that are on no screen."""
    gc.collect()
    objects = gc.get_objects()
    detached = (each for each in objects if isinstance(each, DOMNode) and not each.is_attached)
    return len(objects), Counter(type(each).__name__ for each in detached)


KEYS = ("n", "enter", "f1", "i", "c")
"""For the form, the details, the help, the inspector and the environments."""


async def open_and_close_all(app: GaleApp, pilot: Pilot[int], times: int) -> None:
    """Opens and closes each screen that many times."""
    for _ in range(times):
        for key in KEYS:
            await open_and_close(app, pilot, key)


async def test_closed_screens_leave_nothing_behind(tmp_path: Path) -> None:
    with Sandbox(seed=1, speed=50.0) as sandbox:
        async with running(tmp_path, sandbox) as (app, pilot, engine):
            await export_versions(pilot, engine, sandbox, 1)
            await until(pilot, lambda: app.jobs_screen.table.current is not None)
            # What is made once and kept: imports, caches, styles.
            await open_and_close_all(app, pilot, 2)
            objects, widgets = count_objects()
            await open_and_close_all(app, pilot, OPENINGS)
            left = ""

            def gone() -> bool:
                nonlocal left
                objects_after, widgets_after = count_objects()
                more = widgets_after - widgets
                left = f"{objects_after - objects} objects; of the widgets {more}"
                few = widgets_after.total() < widgets.total() + OPENINGS and max(more.values(), default=0) < OPENINGS
                return few and objects_after - objects <= PER_OPENING * OPENINGS

            # A worker or timer of the last one may be ending still.
            with contextlib.suppress(TimeoutError):
                await eventually(gone)
            assert gone(), left
