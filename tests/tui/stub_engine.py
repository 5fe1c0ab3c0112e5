"""An app with an engine of plain values, for tests of the forms alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from textual.app import App
from textual.screen import Screen

from gale_tui.core.clock import Clock, SystemClock
from gale_tui.core.config.settings import Settings
from gale_tui.core.jobs.engine import ToolChoice
from gale_tui.core.models import Environment, EnvironmentCondition, ExportRequest, Job, JobState, KeyTest, Origin
from gale_tui.core.secret import Secret
from gale_tui.tui import theme
from gale_tui.tui.formatting.job_text import UNICODE

STAGING = Environment("staging", "staging", Origin("https", "staging-agent-platform.kore.ai", 443))
LIVE = Environment("live", "live", Origin("https", "gale.kore.ai", 443), production=True)
TOOL = "a-1f6f7a52-93f4-5c3e-9a7b-0d2f3f1f9b01"
FLOW = "cf-77a0c8de-2a53-5d5c-8a93-6a1a6d0e7702"
KEY = "kg-test-key-0000-not-a-real-one"


@dataclass
class Status:
    """What a form shows of where a key lives."""

    place: str = "keyring"
    text: str = "keyring: Secret Service"
    hint: str = "…1a2b"


@dataclass
class KeyringState:
    """Whether there is a keyring."""

    available: bool = True
    name: str = "Secret Service"
    explanation: str = ""


@dataclass
class StubCredentials:
    """Says where keys live."""

    statuses: dict[str, Status] = field(default_factory=dict)
    state: KeyringState = field(default_factory=KeyringState)
    keys: dict[str, Secret] = field(default_factory=dict)
    """What is in memory, by the environment's id."""

    async def where(self, environment: Environment) -> Status:
        return self.statuses.get(environment.id, Status())

    def cached(self, environment: Environment) -> Secret | None:
        return self.keys.get(environment.id)

    async def keyring_state(self) -> KeyringState:
        return self.state


class StubDrafts:
    """Stands for what is kept of a form that was not sent."""

    async def find(self) -> None:
        return None

    async def keep(self, draft: object) -> None:
        pass

    async def drop(self) -> None:
        pass


@dataclass
class StubEngine:
    """Remembers what a form asked for; `answer` is what an export gives, or raises."""

    environments: tuple[Environment, ...] = (STAGING, LIVE)
    demo: bool = False
    settings: Settings = field(default_factory=Settings)
    problems: tuple[str, ...] = ()
    credentials: StubCredentials = field(default_factory=StubCredentials)
    choices: list[ToolChoice] = field(default_factory=list)
    folder: Path = Path("/nonexistent/downloads")
    answer: Callable[[ExportRequest], Job] | None = None
    gate: asyncio.Event | None = None
    """Where set, an export waits for it."""
    error: Exception | None = None
    verdict: KeyTest = field(default_factory=lambda: KeyTest("accepted", "The key is accepted."))
    exports: list[ExportRequest] = field(default_factory=list)
    saved: list[tuple[Environment, Environment | None, Secret | None, bool]] = field(default_factory=list)
    deleted: list[Environment] = field(default_factory=list)
    provided: list[tuple[Environment, Secret, bool]] = field(default_factory=list)
    tracked: list[tuple[str, str]] = field(default_factory=list)
    tested: list[tuple[Environment, Secret | None]] = field(default_factory=list)
    conditions: dict[str, EnvironmentCondition] = field(default_factory=dict)
    setting_changes: dict[str, object] = field(default_factory=dict)
    current_id: str | None = None
    clock: Clock = field(default_factory=SystemClock)
    book: Any = field(default_factory=lambda: SimpleNamespace(store=SimpleNamespace(drafts=StubDrafts())))

    @property
    def current(self) -> Environment | None:
        return (self.environment(self.current_id) if self.current_id else None) or next(iter(self.environments), None)

    def environment(self, environment_id: str) -> Environment | None:
        return next((each for each in self.environments if each.id == environment_id), None)

    def use(self, environment_id: str) -> None:
        self.current_id = environment_id

    def condition(self, environment_id: str) -> EnvironmentCondition:
        return self.conditions.get(environment_id, EnvironmentCondition(environment_id))

    def recent(self, environment_id: str) -> list[ToolChoice]:
        return self.choices

    def default_folder(self) -> Path:
        return self.folder

    def curl(self, environment: Environment, tool_id: str, flow_id: str) -> str:
        return (
            f"curl --location --request POST '{environment.origin}/api/public/tools/{tool_id}/export?flowId={flow_id}'"
            " --header \"x-api-key: $GALE_API_KEY\" --header 'Content-Type: application/json'"
        )

    def save_settings(self, **changes: object) -> None:
        self.setting_changes.update(changes)

    async def export(self, request: ExportRequest, *, keep_rejected: bool = False) -> Job:
        self.exports.append(request)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return a_job(request)

    async def save_environment(
        self, environment: Environment, *, previous: Environment | None, key: Secret | None, session_only: bool
    ) -> None:
        if self.error is not None:
            raise self.error
        self.saved.append((environment, previous, key, session_only))
        kept = tuple(each for each in self.environments if previous is None or each.id != previous.id)
        self.environments = (*kept, environment)

    async def delete_environment(self, environment: Environment) -> None:
        if self.error is not None:
            raise self.error
        self.deleted.append(environment)
        self.environments = tuple(each for each in self.environments if each.id != environment.id)

    async def test_environment(self, environment: Environment, key: Secret | None = None) -> KeyTest:
        self.tested.append((environment, key))
        if self.gate is not None:
            await self.gate.wait()
        return self.verdict

    async def provide_key(self, environment: Environment, key: Secret, *, session_only: bool) -> None:
        if self.error is not None:
            raise self.error
        self.provided.append((environment, key, session_only))

    async def track(self, environment_id: str, dock_status_id: str) -> Job:
        if self.error is not None:
            raise self.error
        self.tracked.append((environment_id, dock_status_id))
        return a_job(ExportRequest(environment_id, "", ""))


def a_job(request: ExportRequest) -> Job:
    """What an export gives."""
    return Job(
        id="job-1",
        environment_id=request.environment_id,
        environment_name=request.environment_id,
        origin="https://staging-agent-platform.kore.ai",
        tool_id=request.tool_id,
        flow_id=request.flow_id,
        created_at=1_795_000_000.0,
        state=JobState.RUNNING,
        status="IN_PROGRESS",
        dock_status_id="ds-0",
    )


class StubApp(App[None]):
    """Shows one screen and keeps what it was dismissed with."""

    def __init__(self, engine: StubEngine, first: Screen[Any]) -> None:
        super().__init__()
        self.engine = engine
        self.first = first
        self.results: list[object] = []
        self.glyphs = UNICODE
        for each in (theme.GALE_DARK, theme.GALE_LIGHT):
            self.register_theme(each)
        self.theme = theme.DARK

    def on_mount(self) -> None:
        self.push_screen(self.first, self.results.append)

    def shows(self, kind: type[Screen[Any]]) -> bool:
        """Whether a screen of that kind is on top."""
        return isinstance(self.screen, kind)

    def environments_changed(self) -> None:
        """What the real app is told."""
