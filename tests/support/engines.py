"""A real engine on a real sandbox: HTTP over loopback, files on disk, both clocks fifty times as fast."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gale_tui.core.config.config_file import ConfigFile
from gale_tui.core.config.paths import Paths
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.identifiers import parse_host
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import DownloadState, Environment, ExportRequest, Job, JobChange, JobState
from gale_tui.core.secret import Secret
from gale_tui.core.threads import DaemonThreads
from gale_tui.sandbox.script import Script
from tests.support.clocks import ScaledClock
from tests.support.sandbox import Sandbox

__all__ = ["FACTOR", "FLOW", "TOOL", "Bench", "Watch", "bench", "eventually"]

FACTOR = 50.0
TOOL = "a-11111111-1111-4111-8111-111111111111"
FLOW = "cf-22222222-2222-4222-8222-222222222222"
PATIENCE = 120.0
"""Real seconds after which something that never happens fails a test."""


async def eventually(true: Callable[[], object], pause: float = 0.005) -> None:
    """Waits for something that no event tells of; `pause` are the seconds between two looks."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110  # no event tells it
            await asyncio.sleep(pause)


class Watch:
    """What happens to the jobs of an engine."""

    def __init__(self, engine: GaleEngine) -> None:
        self.engine = engine
        self.changes: list[JobChange] = []
        self._happened = asyncio.Event()
        engine.registry.listeners.append(self._changed)

    def _changed(self, change: JobChange) -> None:
        self.changes.append(change)
        self._happened.set()

    def states(self, job_id: str) -> list[JobState]:
        """The states that a job went through."""
        states: list[JobState] = []
        for change in self.changes:
            if change.job.id == job_id and states[-1:] != [change.job.state]:
                states.append(change.job.state)
        return states

    async def until(self, job_id: str, true: Callable[[Job], bool]) -> Job:
        """Waits until something is true of a job, and gives the job."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    job = self.engine.jobs.get(job_id)
                    if job is not None and true(job):
                        return job
                    self._happened.clear()
                    await self._happened.wait()
        except TimeoutError:
            raise AssertionError(f"never: {self.engine.jobs.get(job_id)}") from None

    async def saved(self, job_id: str) -> Job:
        """Waits for the saved file."""
        return await self.until(job_id, lambda job: job.download.state is DownloadState.SAVED)

    async def download(self, job_id: str, *states: DownloadState) -> Job:
        """Waits for a state of the download."""
        return await self.until(job_id, lambda job: job.download.state in states)

    async def state(self, job_id: str, *states: JobState) -> Job:
        """Waits for a state of the job."""
        return await self.until(job_id, lambda job: job.state in states)


class Bench:
    """A home, a sandbox and an environment `staging` in config.toml; engines are made on demand."""

    def __init__(self, sandbox: Sandbox, paths: Paths, clock: ScaledClock) -> None:
        self.sandbox = sandbox
        self.paths = paths
        self.clock = clock
        self.environment = Environment("staging", "staging", parse_host(sandbox.url))
        self.config = ConfigFile(paths.config_file)
        self.config.save_environment(self.environment)
        self.files = paths.downloads

    def make(self, *, key: str | None = None, paths: Paths | None = None, **more: Any) -> GaleEngine:
        """An engine that is not yet started; its key is kept for the session."""
        paths = paths or self.paths
        threads = DaemonThreads("test")
        credentials = Credentials(config_file=paths.config_file, threads=threads, use_keyring=False)
        credentials.keep_for_session(self.environment, Secret(key or self.sandbox.key))
        more.setdefault("clock", self.clock)
        more.setdefault("stall", 0.3)
        rng = random.Random(7)  # noqa: S311  # jitter, the same each time
        return GaleEngine(paths=paths, credentials=credentials, threads=threads, rng=rng, **more)

    @contextlib.asynccontextmanager
    async def engine(self, **more: Any) -> AsyncIterator[Watch]:
        """A started engine, closed at the end; no fault may have gone unheard."""
        faults: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, report: faults.append(report))
        engine = self.make(**more)
        await engine.start()
        try:
            yield Watch(engine)
        finally:
            await engine.close()
        assert faults == []

    def script(self, **script: Any) -> None:
        """What the tool does."""
        self.sandbox.script(TOOL, Script(**script))

    def request(self, **more: Any) -> ExportRequest:
        """An export of the tool."""
        return ExportRequest("staging", TOOL, FLOW, **more)

    async def export(self, watch: Watch, **more: Any) -> Job:
        """Exports the tool."""
        return await watch.engine.jobs.export(self.request(**more))

    @property
    def posts(self) -> int:
        """How many exports were asked for."""
        return len(self.sandbox.posts(TOOL))

    @property
    def zips(self) -> list[Path]:
        """What is in the download folder."""
        return sorted(self.files.iterdir()) if self.files.is_dir() else []


@pytest.fixture
def bench(paths: Paths) -> Iterator[Bench]:
    """A bench of its own for each test."""
    with Sandbox(speed=FACTOR) as sandbox:
        one = Bench(sandbox, paths, ScaledClock(FACTOR))
        one.script()
        yield one
