"""Takes the pictures in `screenshots/`: `python tests/snapshots/make_screenshots.py [FOLDER]`.

They show the program itself, on the demo's own GALE, at a fixed time with fixed ids: the same bytes each time.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

if __name__ == "__main__":
    # Where the program is not installed, it is the one that these tests belong to.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


from gale_tui.tui.screens.dialogs import ConfirmDialog, KeyDialog
from gale_tui.tui.screens.saved_file.unpack import UnpackDialog
from gale_tui.tui.theme import gale_themes
from tests.snapshots.moving import moving_picture
from tests.snapshots.stage import Stage, in_ascii
from tests.snapshots.story import (
    ENVIRONMENTS,
    accounted,
    drawn,
    journey,
    line_opened,
    listed,
    look_into_environments,
    morning,
    noon,
    opened,
    paste,
    select,
    sets_offered,
    shown,
    two_versions,
)
from tests.support.stylesheets import parse_style_sheets_once
from tests.tui.real_app import until

FOLDER = Path(__file__).resolve().parents[2] / "screenshots"


async def demo_pictures(keep: Callable[[str, str], None]) -> None:
    """All that the demo shows, in one go."""
    with Stage() as stage:
        app = stage.app()

        async with app.run_test(size=(100, 30), notifications=True) as pilot:

            async def picture(
                name: str, width: int = 100, height: int = 30, letters: Callable[[str], str] = lambda svg: svg
            ) -> None:
                await pilot.resize_terminal(width, height)
                await drawn(stage, pilot)
                keep(name, letters(app.export_screenshot()))

            await opened(stage, pilot)
            await morning(stage, pilot)
            await noon(stage, pilot, form=lambda: picture("form-offers"))
            await picture("jobs")
            await picture("jobs-wide", 160, 40)
            await picture("jobs-80x24", 80, 24)
            app.save_settings(glyphs="ascii")
            await picture("jobs-ascii", letters=in_ascii)
            app.save_settings(glyphs="unicode")
            app.action_toggle_theme()
            await picture("jobs-light")
            app.action_toggle_theme()
            for name, colors in (("jobs-256-colours", "256"), ("jobs-16-colours", "standard"), ("jobs", "truecolor")):
                for theme in gale_themes(colors):
                    app.register_theme(theme)
                # A theme is in effect once it is chosen.
                app.action_toggle_theme()
                app.action_toggle_theme()
                await picture(name)
            await pilot.press("f1")
            await picture("help")
            await pilot.press("escape", "ctrl+p")
            await picture("palette")
            await pilot.press("escape")
            await select(stage, pilot, "Banking Assistant", "11:57:31")
            await pilot.press("e")
            await picture("form")
            await pilot.press("escape", "enter")
            await picture("details", 100, 40)
            await pilot.press("i")
            await picture("inspect")
            await pilot.press("escape", "escape", "y")
            await picture("copy")
            await pilot.press("escape", "comma")
            await picture("settings")
            await pilot.press("escape", "slash")
            await paste(pilot, "status:saved leave")
            await picture("filter")
            await pilot.press("escape")
            await marked_pictures(stage, pilot, picture)
            keep("toast", app.export_screenshot())


async def marked_pictures(stage: Stage, pilot: Pilot[int], picture: Callable[[str], Awaitable[None]]) -> None:
    """Marked jobs: where they are unpacked, a question before they are removed, and what is said afterwards."""
    await select(stage, pilot, "Banking Assistant", "11:57:31")
    await pilot.press("space", "space", "U")
    await shown(stage, pilot, UnpackDialog)
    await paste(pilot, "~/gale-tools")
    await picture("unpack")
    await pilot.press("escape", "x")
    await shown(stage, pilot, ConfirmDialog)
    await picture("confirm")
    await pilot.press("y")
    await until(pilot, lambda: pilot.app.screen.query("Toast"))
    await stage.settle()
    await pilot.pause()


async def whole_morning(stage: Stage, pilot: Pilot[int]) -> None:
    """Jobs that have ended, and some that have not."""
    await morning(stage, pilot)
    await noon(stage, pilot)


async def single_pictures(keep: Callable[[str, str], None]) -> None:
    """One of each stage: two exports compared, a batch and lists that were kept, no colours, no environment yet."""
    for name, made, act in (
        ("compare", Stage(), two_versions),
        ("batch", Stage(), listed),
        ("batch-line", Stage(), line_opened),
        ("batch-account", Stage(), accounted),
        ("sets", Stage(), sets_offered),
        ("jobs-no-colour", Stage(no_color=True), whole_morning),
        ("first-start", Stage(environments=""), None),
    ):
        with made as stage:
            app = stage.app()
            async with app.run_test(size=(100, 30)) as pilot:
                await opened(stage, pilot)
                if act is not None:
                    await act(stage, pilot)
                await drawn(stage, pilot)
                keep(name, app.export_screenshot())


async def journey_picture(keep: Callable[[str, str], None]) -> None:
    """From a pasted request to the saved file, as it moves."""
    frames: list[tuple[str, float]] = []
    with Stage() as stage:
        app = stage.app()
        async with app.run_test(size=(80, 24)) as pilot:

            async def frame(seconds: float) -> None:
                await drawn(stage, pilot)
                frames.append((app.export_screenshot(), seconds))

            await opened(stage, pilot)
            await journey(stage, pilot, frame)
    keep("journey", moving_picture(frames))


async def environment_pictures(keep: Callable[[str, str], None]) -> None:
    """The environments of a real installation."""
    with Stage(environments=ENVIRONMENTS) as stage:
        app = stage.app()
        async with app.run_test(size=(100, 30)) as pilot:
            await opened(stage, pilot)
            await look_into_environments(stage, pilot)
            await drawn(stage, pilot)
            keep("environments", app.export_screenshot())
            app.navigation.open_key_dialog("staging", "GALE refused the API key of staging (401).")
            await shown(stage, pilot, KeyDialog)
            await drawn(stage, pilot)
            keep("key", app.export_screenshot())


def make(folder: Path) -> list[Path]:
    """Writes all pictures into a folder and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    parse_style_sheets_once()
    made: list[Path] = []

    def keep(name: str, svg: str) -> None:
        path = folder / f"{name}.svg"
        path.write_text(svg, encoding="utf-8")
        made.append(path)

    for pictures in (demo_pictures, single_pictures, journey_picture, environment_pictures):
        asyncio.run(pictures(keep))
    return made


if __name__ == "__main__":
    for path in make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER):
        sys.stdout.write(f"{path}\n")
