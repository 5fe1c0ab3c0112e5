"""What keys act on: the marked jobs that are shown, else the row that is seen selected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from gale_tui.core.jobs.commands import JobCommands
from gale_tui.core.jobs.reasons import describe_download
from gale_tui.core.models import Job
from gale_tui.sandbox.script import Script
from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.batch.batch import BatchScreen
from gale_tui.tui.screens.copy_menu import CopyMenu
from gale_tui.tui.screens.dialogs import ConfirmDialog, EnvironmentPicker
from gale_tui.tui.screens.saved_file.compare import CompareScreen
from tests.support.bad_files import bad_file
from tests.support.sandbox import Sandbox
from tests.tui.real_app import screen_text, toasts, until
from tests.tui.saved_jobs import export_versions, running


@asynccontextmanager
async def three_saved(
    tmp_path: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[GaleApp, Pilot[int], list[Job]]]:
    """Three saved exports of one tool, the newest on top and selected."""
    with Sandbox(seed=1, speed=50.0) as sandbox:
        async with running(tmp_path, sandbox, size) as (app, pilot, engine):
            jobs = await export_versions(pilot, engine, sandbox, 1, 2, 3)
            await until(pilot, lambda: app.jobs_screen.table.row_count() == 3)
            await pilot.press("g")
            yield app, pilot, jobs


def marked(app: GaleApp) -> set[str]:
    return set(app.jobs_screen.table.marked)


async def test_all_and_a_range_can_be_marked_and_only_shown_marks_count(tmp_path: Path) -> None:
    async with three_saved(tmp_path) as (app, pilot, jobs):
        ids = [job.id for job in reversed(jobs)]
        await pilot.press("space", "A")
        assert marked(app) == set(ids[:2])
        await pilot.press("a")
        assert marked(app) == set(ids)
        assert "3 marked" in str(app.jobs_screen.table.border_title)
        await pilot.press("a")
        assert marked(app) == set()
        await pilot.press("g", "space", "G", "A")
        assert marked(app) == set(ids)
        await pilot.press("a")
        assert marked(app) == set()

        await pilot.press("a", "slash", *"nosuch")
        await until(pilot, lambda: "0 of 3 match" in str(app.jobs_screen.table.border_title))
        assert "3 marked (3 hidden)" in str(app.jobs_screen.table.border_title)
        await pilot.press("enter", "x")
        assert len(app.engine.jobs) == 3
        # First the filter is cleared, then the marks.
        await pilot.press("escape")
        assert len(marked(app)) == 3
        assert app.jobs_screen.table.row_count() == 3
        await pilot.press("escape")
        assert marked(app) == set()


async def test_a_click_on_the_badge_switches_the_environment(tmp_path: Path) -> None:
    with Sandbox(seed=1) as sandbox:
        async with running(tmp_path, sandbox) as (app, pilot, _):
            await pilot.click("HeaderBar", offset=(14, 0))
            await until(pilot, lambda: isinstance(app.screen, EnvironmentPicker))


async def test_marked_jobs_and_all_finished_are_removed_at_once_and_come_back_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with three_saved(tmp_path) as (app, pilot, jobs):
        await pilot.press("space", "space", "x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "Remove 2 marked jobs" in screen_text(app)
        await pilot.press("n")
        await until(pilot, lambda: app.screen is app.jobs_screen)
        assert len(app.engine.jobs) == 3
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: set(app.engine.jobs) == {jobs[0].id})
        await until(pilot, lambda: any("Removed 2 jobs" in text for text in toasts(app)))
        await pilot.press("u")
        await until(pilot, lambda: len(app.engine.jobs) == 3)

        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: not app.engine.jobs)
        await pilot.press("u")
        await until(pilot, lambda: len(app.engine.jobs) == 3)
        await until(pilot, lambda: "Restored 3 jobs." in toasts(app))

        # Undo pressed while jobs are still being removed brings all of them back.
        app.clear_notifications()
        going_on = asyncio.Event()
        remove = JobCommands.remove

        async def slow(self: JobCommands, job_id: str) -> Callable[[], Awaitable[Job]] | None:
            undo = await remove(self, job_id)
            await going_on.wait()
            return undo

        monkeypatch.setattr(JobCommands, "remove", slow)
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: len(app.engine.jobs) == 2)
        await pilot.press("u")
        going_on.set()
        await until(pilot, lambda: "Restored 3 jobs." in toasts(app))
        assert len(app.engine.jobs) == 3


async def test_copy_compare_refresh_download_and_export_again_take_the_marks(tmp_path: Path) -> None:
    async with three_saved(tmp_path) as (app, pilot, jobs):
        await pilot.press("space", "space", "y")
        await until(pilot, lambda: isinstance(app.screen, CopyMenu))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.jobs_screen)
        assert app.clipboard.split("\n") == [jobs[2].dock_status_id, jobs[1].dock_status_id]
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.jobs_screen)
        await pilot.press("r")
        assert toasts(app)[-1] == "Refreshing 0 jobs; 2 finished already."
        await pilot.press("d")
        # This GALE gives the link of an export once, so that what was asked for shows in the reason.
        tried = {jobs[1].id, jobs[2].id}
        await until(pilot, lambda: {job.id for job in app.engine.jobs.values() if job.download.reason_code} == tried)
        assert "Downloading 2 files." in toasts(app)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))
        await until(pilot, lambda: "1 marked export of the same tool and flow left out" in screen_text(app))


async def test_a_file_that_cannot_be_saved_again_stays_and_that_is_told(tmp_path: Path) -> None:
    with Sandbox(seed=1, speed=50.0) as sandbox:
        async with running(tmp_path, sandbox, (150, 30)) as (app, pilot, engine):
            [job] = await export_versions(pilot, engine, sandbox, 1)
            assert job.dock_status_id is not None
            sandbox.script_job(job.dock_status_id, Script(duration=0.1, file=bad_file("html")))
            await until(pilot, lambda: app.jobs_screen.table.row_count() == 1)
            await pilot.press("g", "d")
            await until(pilot, lambda: engine.jobs[job.id].download.reason_code is not None)
            again = engine.jobs[job.id].download
            assert (again.state, again.path, again.size) == (job.download.state, job.download.path, job.download.size)
            assert again.path is not None
            assert again.path.exists()
            why = describe_download(engine.jobs[job.id]).text
            await until(pilot, lambda: any(why in text for text in toasts(app)))
            await until(pilot, lambda: why[:15] in screen_text(app))


async def test_keys_go_to_the_row_that_is_seen_selected_after_tab(tmp_path: Path) -> None:
    async with three_saved(tmp_path, (150, 40)) as (app, pilot, jobs):
        await pilot.press("tab", "j")
        await pilot.pause()
        assert app.focused is app.jobs_screen.table
        current = app.jobs_screen.table.current
        assert current is not None
        assert current.id == jobs[1].id


async def test_a_row_out_of_sight_is_shown_before_anything_is_done_with_it(tmp_path: Path) -> None:
    async with three_saved(tmp_path, (80, 12)) as (app, pilot, _):
        table = app.jobs_screen.table
        await pilot.resize_terminal(80, 12)
        app.jobs_screen.query_one("#list").styles.max_height = 4
        await pilot.pause()
        assert table.page_rows == 1
        table.scroll_to(y=2, animate=False)
        await pilot.pause()
        assert not table.cursor_in_view
        await pilot.press("x")
        await pilot.pause()
        assert len(app.engine.jobs) == 3
        assert table.cursor_in_view
