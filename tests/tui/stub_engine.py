"""An app with an engine of plain values, for tests of the forms alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.app import App
from textual.screen import Screen

from gale_tui.core.clock import Clock, SystemClock
from gale_tui.core.config.settings import Settings
from gale_tui.core.gale_api.answers import KeyTest
from gale_tui.core.kinds import TOOL as TOOL_KIND
from gale_tui.core.kinds import Kind
from gale_tui.core.models import Environment, EnvironmentCondition, ExportRequest, Job, JobState, Origin, ToolChoice
from gale_tui.core.secret import Secret
from gale_tui.tui import theme

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

    async def key_status(self, environment: Environment) -> Status:
        return self.statuses.get(environment.id, Status())

    def cached(self, environment: Environment) -> Secret | None:
        return self.keys.get(environment.id)

    async def keyring_state(self) -> KeyringState:
        return self.state


class StubDrafts:
    """Stands for what is kept of a form that was not sent."""

    async def find(self) -> None:
        return None

    async def save(self, draft: object) -> None:
        pass

    async def clear(self) -> None:
        pass


class StubEnvironments:
    """The environments of a stub engine."""

    def __init__(self, engine: StubEngine, environments: tuple[Environment, ...]) -> None:
        self._engine = engine
        self.all = environments

    def __iter__(self) -> Iterator[Environment]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    @property
    def current(self) -> Environment | None:
        current_id = self._engine.current_id
        return (self.find(current_id) if current_id else None) or next(iter(self.all), None)

    def find(self, environment_id: str) -> Environment | None:
        return next((each for each in self.all if each.id == environment_id), None)

    def use(self, environment_id: str) -> None:
        self._engine.current_id = environment_id

    async def save(
        self, environment: Environment, *, previous: Environment | None, key: Secret | None, session_only: bool
    ) -> None:
        self._engine.fail()
        self._engine.saved.append((environment, previous, key, session_only))
        kept = tuple(each for each in self.all if previous is None or each.id != previous.id)
        self.all = (*kept, environment)

    async def delete(self, environment: Environment) -> None:
        self._engine.fail()
        self._engine.deleted.append(environment)
        self.all = tuple(each for each in self.all if each.id != environment.id)

    async def test(self, environment: Environment, key: Secret | None = None) -> KeyTest:
        self._engine.tested.append((environment, key))
        await self._engine.wait()
        return self._engine.verdict

    async def provide_key(self, environment: Environment, key: Secret, *, session_only: bool) -> None:
        self._engine.fail()
        self._engine.provided.append((environment, key, session_only))


class StubJobs:
    """The commands of a stub engine."""

    def __init__(self, engine: StubEngine) -> None:
        self._engine = engine

    def recent_tools(self, environment_id: str) -> list[ToolChoice]:
        return self._engine.choices

    def last_kind(self, environment_id: str) -> Kind:
        return TOOL_KIND

    async def export(self, request: ExportRequest, *, keep_rejected: bool = False) -> Job:
        self._engine.exports.append(request)
        await self._engine.wait()
        self._engine.fail()
        return a_job(request)

    async def track(self, environment_id: str, dock_status_id: str) -> Job:
        self._engine.fail()
        self._engine.tracked.append((environment_id, dock_status_id))
        return a_job(ExportRequest(environment_id, "", ""))


class StubStatus:
    """How polling stands."""

    def __init__(self, conditions: dict[str, EnvironmentCondition]) -> None:
        self._conditions = conditions

    def of(self, environment_id: str) -> EnvironmentCondition:
        return self._conditions.get(environment_id, EnvironmentCondition(environment_id))


class StubEngine:
    """Remembers what a form requested."""

    def __init__(
        self,
        environments: tuple[Environment, ...] = (STAGING, LIVE),
        *,
        demo: bool = False,
        settings: Settings | None = None,
        problems: tuple[str, ...] = (),
        credentials: StubCredentials | None = None,
        choices: list[ToolChoice] | None = None,
        folder: Path = Path("/nonexistent/downloads"),
        current_id: str | None = None,
        verdict: KeyTest | None = None,
        error: Exception | None = None,
        gate: asyncio.Event | None = None,
    ) -> None:
        self.demo = demo
        self.readonly = False
        self.settings = settings or Settings()
        self.problems = problems
        self.credentials = credentials or StubCredentials()
        self.choices = choices or []
        self.folder = folder
        self.gate = gate
        """Where set, an export waits for it."""
        self.error = error
        self.verdict = verdict or KeyTest("accepted", "The key is accepted.")
        self.exports: list[ExportRequest] = []
        self.saved: list[tuple[Environment, Environment | None, Secret | None, bool]] = []
        self.deleted: list[Environment] = []
        self.provided: list[tuple[Environment, Secret, bool]] = []
        self.tracked: list[tuple[str, str]] = []
        self.tested: list[tuple[Environment, Secret | None]] = []
        self.conditions: dict[str, EnvironmentCondition] = {}
        self.setting_changes: dict[str, object] = {}
        self.current_id = current_id
        self.clock: Clock = SystemClock()
        self.environments = StubEnvironments(self, environments)
        self.jobs = StubJobs(self)
        self.drafts = StubDrafts()
        self.connection_status = StubStatus(self.conditions)

    def fail(self) -> None:
        """Raises `error` where there is one."""
        if self.error is not None:
            raise self.error

    async def wait(self) -> None:
        """Waits for `gate` where there is one."""
        if self.gate is not None:
            await self.gate.wait()

    def default_folder(self) -> Path:
        return self.folder

    def save_settings(self, **changes: object) -> None:
        self.setting_changes.update(changes)


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
        kind=request.kind,
    )


class StubApp(App[None]):
    """Shows one screen and keeps what it was dismissed with."""

    def __init__(self, engine: StubEngine, first: Screen[Any]) -> None:
        super().__init__()
        self.engine = engine
        self.first = first
        self.results: list[object] = []
        self.ascii = False
        for each in theme.gale_themes("truecolor"):
            self.register_theme(each)
        self.theme = theme.DARK

    def on_mount(self) -> None:
        self.push_screen(self.first, self.results.append)

    def shows(self, kind: type[Screen[Any]]) -> bool:
        """Whether a screen of that kind is on top."""
        return isinstance(self.screen, kind)

    def environments_changed(self) -> None:
        """What the real app is told."""
