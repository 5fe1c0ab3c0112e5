"""Unpacking a saved export from the screens, with a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input

from gale_tui.core.source.tree import read_files
from gale_tui.core.source.unpack import unpack
from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.screens.saved_file.inspect import InspectScreen
from gale_tui.tui.screens.saved_file.unpack import UnpackDialog
from tests.support.sandbox import Sandbox
from tests.tui.real_app import until
from tests.tui.saved_jobs import export_versions, page_text, running, sandboxed


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    yield from sandboxed()


def asks_for_folder(app: GaleApp) -> bool:
    return isinstance(app.screen, UnpackDialog) and bool(app.screen.query("#unpack-folder"))


async def test_u_unpacks_from_the_jobs_and_the_folder_is_remembered(tmp_path: Path, sandbox: Sandbox) -> None:
    repository = tmp_path / "repository"
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        await export_versions(pilot, engine, sandbox, 1)
        await until(pilot, lambda: app.jobs_screen.table.current is not None)
        await pilot.press("U")
        await until(pilot, lambda: asks_for_folder(app))
        assert app.screen.query_one(".dialog").styles.border_top[0] == "round", "it is drawn as the other dialogs are"
        app.screen.query_one("#unpack-folder", Input).value = str(repository)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))
        (manifest,) = repository.glob("*/*/gale-tool.json")
        assert manifest.parent.parent.name == "sandbox"
        await pilot.press("U")
        await until(
            pilot,
            lambda: (
                isinstance(app.screen, UnpackDialog)
                and app.screen.query_one("#unpack-folder", Input).value == str(repository)
            ),
        )
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))


async def test_u_in_the_inspector_unpacks_and_shows_the_folder(tmp_path: Path, sandbox: Sandbox) -> None:
    repository = tmp_path / "repository"
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        (job,) = await export_versions(pilot, engine, sandbox, 1)
        app.push_screen(InspectScreen(job))
        await until(pilot, lambda: isinstance(app.screen, InspectScreen) and "SHA-256" in page_text(app))
        await pilot.press("U")
        await until(pilot, lambda: asks_for_folder(app))
        app.screen.query_one("#unpack-folder", Input).value = str(repository)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, InspectScreen) and "repository" in page_text(app))
        assert "flow_definition.json" in page_text(app)
        assert "Prompt injection" in page_text(app)


async def test_edits_are_not_overwritten_and_the_dialog_says_which(tmp_path: Path, sandbox: Sandbox) -> None:
    repository = tmp_path / "repository"
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        (job,) = await export_versions(pilot, engine, sandbox, 1)
        await until(pilot, lambda: app.jobs_screen.table.current is not None)
        app.navigation.open_unpack([job])
        await until(pilot, lambda: asks_for_folder(app))
        app.screen.query_one("#unpack-folder", Input).value = str(repository)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))
        (edited,) = repository.glob("*/*/app_definition.json")
        edited.write_text("mine")
        await pilot.press("U")
        await until(pilot, lambda: asks_for_folder(app))
        await until(pilot, lambda: app.screen.query_one("#unpack-folder", Input).value == str(repository))
        await pilot.press("enter")
        await until(pilot, lambda: "Edited since the last unpack" in str(app.screen.query_one("#said").render()))
        assert edited.read_text() == "mine"


async def test_of_several_marked_exports_of_a_tool_the_newest_is_unpacked(tmp_path: Path, sandbox: Sandbox) -> None:
    repository = tmp_path / "repository"
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        _, newest = await export_versions(pilot, engine, sandbox, 1, 2)
        await until(pilot, lambda: app.jobs_screen.table.row_count() == 2)
        await pilot.press("a", "U")
        await until(pilot, lambda: asks_for_folder(app))
        app.screen.query_one("#unpack-folder", Input).value = str(repository)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))
    (manifest,) = repository.glob("*/*/gale-tool.json")
    assert newest.download.path is not None
    unpack(newest.download.path, tmp_path / "alone")
    assert read_files(manifest.parent) == read_files(tmp_path / "alone")
