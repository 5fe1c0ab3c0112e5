"""The forms in the app itself, with its engine, against the embedded GALE over real HTTP."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from gale_tui.cli.main import Wiring, demo_engine
from gale_tui.core.config.paths import Paths
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import DownloadState, Environment
from gale_tui.core.threads import DaemonThreads
from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.dialogs import ConfirmDialog, KeyDialog
from gale_tui.tui.screens.environments.environment_form import EnvironmentForm
from gale_tui.tui.screens.environments.environments import EnvironmentsScreen
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.fields import FieldInput
from tests.support.sandbox import Sandbox
from tests.tui.real_app import until

WRONG_KEY = "kg-test-key-0000-wrong"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=1, speed=20.0) as running:
        yield running


def engine_of(paths: Paths) -> GaleEngine:
    """An engine as the command line makes it, without a keyring."""
    threads = DaemonThreads("test")
    return GaleEngine(
        paths=paths,
        credentials=Credentials(config_file=paths.config_file, threads=threads, use_keyring=False),
        threads=threads,
    )


@asynccontextmanager
async def running(engine: GaleEngine) -> AsyncIterator[tuple[GaleApp, Pilot[int]]]:
    app = GaleApp(engine, signals=False)
    async with app.run_test() as pilot:
        await until(pilot, lambda: bool(app.screen_stack) and isinstance(app.screen, JobsScreen | EnvironmentsScreen))
        yield app, pilot


def shows(app: GaleApp, kind: type[object]) -> bool:
    return isinstance(app.screen, kind)


def posts(sandbox: Sandbox) -> list[tuple[str, str, str | None]]:
    return [(each.path, each.method, each.query.get("flowId")) for each in sandbox.requests if each.method == "POST"]


def fill(app: GaleApp, **texts: str) -> None:
    for name, text in texts.items():
        field = app.screen.query_one(f"#{name.replace('_', '-')}", FieldInput)
        field.select_all()
        field.take_paste(text)


def said(app: GaleApp) -> str:
    return str(app.screen.query_one("#said", Static).render())


async def add_environment(app: GaleApp, pilot: Pilot[int], host: str, key: str, *, production: bool = False) -> None:
    """Through the form, as a person does it at the first start."""
    await until(pilot, lambda: shows(app, EnvironmentsScreen))
    await pilot.press("n")
    await until(pilot, lambda: shows(app, EnvironmentForm))
    await until(pilot, lambda: app.screen.query_one("#session-only", FormCheckbox).value)
    fill(app, name="local", host=host, api_key=key)
    app.screen.query_one("#production", FormCheckbox).value = production
    await pilot.press("ctrl+s")
    await until(pilot, lambda: shows(app, EnvironmentsScreen))


async def open_form(app: GaleApp, pilot: Pilot[int]) -> None:
    await pilot.press("escape")
    await until(pilot, lambda: shows(app, JobsScreen))
    await pilot.press("n")
    await until(pilot, lambda: shows(app, ExportForm))


async def test_the_demo_exports_with_n_and_enter(tmp_path: Path, sandbox: Sandbox) -> None:
    engine, _ = demo_engine(tmp_path / "demo", Wiring(environ={}, sandbox=sandbox))
    async with running(engine) as (app, pilot):
        await pilot.press("n")
        await until(pilot, lambda: shows(app, ExportForm))
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, JobsScreen))
        await until(pilot, lambda: len(engine.jobs) == 1)
        offered = sandbox.offered[0]
        assert [(job.tool_id, job.flow_id) for job in engine.jobs.values()] == [(offered.tool_id, offered.flow_id)]
    assert len(posts(sandbox)) == 1


async def test_from_the_first_start_to_a_saved_file(paths: Paths, sandbox: Sandbox) -> None:
    engine = engine_of(paths)
    offered = sandbox.offered[0]
    async with running(engine) as (app, pilot):
        await add_environment(app, pilot, sandbox.url.removeprefix("http://"), sandbox.key)
        assert sandbox.key.encode() not in paths.config_file.read_bytes()
        assert stat.S_IMODE(paths.config_file.stat().st_mode) == 0o600
        assert not sandbox.requests, "saving asks nobody"
        await pilot.press("t")
        listed = app.screen.query_one("#environments", OptionList)
        await until(pilot, lambda: "✓" in str(listed.get_option("local").prompt))
        assert not posts(sandbox)
        await open_form(app, pilot)
        fill(app, tool_id=offered.tool_id, flow_id=offered.flow_id)
        app.screen.query_one("#flow-id").focus()
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, JobsScreen))
        await until(pilot, lambda: [job.download.state for job in engine.jobs.values()] == [DownloadState.SAVED])
    assert posts(sandbox) == [(f"/api/public/tools/{offered.tool_id}/export", "POST", offered.flow_id)]


async def test_a_wrong_tool_and_a_wrong_key_leave_the_form_open(paths: Paths, sandbox: Sandbox) -> None:
    engine = engine_of(paths)
    offered = sandbox.offered[0]
    async with running(engine) as (app, pilot):
        await add_environment(app, pilot, sandbox.url, sandbox.key)
        await open_form(app, pilot)
        fill(app, tool_id="a-00000000-0000-4000-8000-00000000dead", flow_id=offered.flow_id)
        app.screen.query_one("#flow-id").focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "tool-id")
        assert said(app) != ""
        assert app.screen.query_one("#flow-id", FieldInput).value == offered.flow_id
        assert not engine.jobs
        sandbox.key = "kg-test-key-0000-rotated-key"
        fill(app, tool_id=offered.tool_id)
        app.screen.query_one("#submit").focus()
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, KeyDialog) or (app.focused is not None and app.focused.id == "give-key"))
        assert not engine.jobs
        if not shows(app, KeyDialog):
            await pilot.press("enter")
            await until(pilot, lambda: shows(app, KeyDialog))
        await until(pilot, lambda: app.screen.query_one("#session-only", FormCheckbox).value)
        fill(app, api_key=sandbox.key)
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, ExportForm))
        app.screen.query_one("#submit").focus()
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, JobsScreen))
        await until(pilot, lambda: len(engine.jobs) == 1)
    assert len(posts(sandbox)) == 3


async def test_production_is_asked_about_before_anything_is_sent(paths: Paths, sandbox: Sandbox) -> None:
    engine = engine_of(paths)
    offered = sandbox.offered[0]
    async with running(engine) as (app, pilot):
        await add_environment(app, pilot, sandbox.url, sandbox.key, production=True)
        await open_form(app, pilot)
        fill(app, tool_id=offered.tool_id, flow_id=offered.flow_id)
        app.screen.query_one("#flow-id").focus()
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, ConfirmDialog))
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, ExportForm))
        assert not sandbox.requests
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: shows(app, ConfirmDialog))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: shows(app, JobsScreen))
    assert len(posts(sandbox)) == 1


async def test_deleting_an_environment_forgets_its_key(paths: Paths, sandbox: Sandbox) -> None:
    engine = engine_of(paths)
    async with running(engine) as (app, pilot):
        await add_environment(app, pilot, sandbox.url, sandbox.key)
        environment: Environment = engine.environments.all[0]
        assert engine.credentials.cached(environment) is not None
        await pilot.press("x", "tab", "enter")
        await until(pilot, lambda: not engine.environments)
        await until(pilot, lambda: app.focused is not None and app.focused.id == "add")
        assert engine.credentials.cached(environment) is None


async def test_testing_a_wrong_key_in_the_form_says_refused(paths: Paths, sandbox: Sandbox) -> None:
    engine = engine_of(paths)
    async with running(engine) as (app, pilot):
        await until(pilot, lambda: shows(app, EnvironmentsScreen))
        await pilot.press("n")
        await until(pilot, lambda: shows(app, EnvironmentForm))
        fill(app, name="local", host=sandbox.url, api_key=WRONG_KEY)
        app.screen.query_one("#test").focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query_one("#said").has_class("-problem"))
        assert WRONG_KEY not in said(app)
    assert not engine.environments
    assert not posts(sandbox)
