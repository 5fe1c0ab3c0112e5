"""A gale-tui at work on an embedded GALE, with everything that its user sees and what it leaves on the disk.

The engine is the real one over real sockets, files and SQLite. Only time runs faster, for it and for GALE alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import sqlite3
import time
import unicodedata
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from gale_tui.core.config.paths import Paths
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.errors import GaleError
from gale_tui.core.gale_api import client
from gale_tui.core.http import transport
from gale_tui.core.identifiers import parse_host
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.logs import close_logging, setup_logging
from gale_tui.core.models import (
    DownloadState,
    Environment,
    EnvironmentCondition,
    ExportRequest,
    Job,
    JobChange,
    JobState,
)
from gale_tui.core.secret import Secret
from gale_tui.core.threads import DaemonThreads
from gale_tui.sandbox.script import Script
from gale_tui.tui.formatting.job_text import JobFacts, file_text, glyph_text, status_text
from tests.support.clocks import ScaledClock
from tests.support.sandbox import Sandbox

__all__ = ["QUICK", "Injected", "Outcome", "World", "bring_about", "inactive", "normalised", "settled"]

LIMIT = 120.0
"""Real seconds after which a wait is given up; only a failing test waits that long."""
LONGEST = 2000
"""Characters of a line that a user may be shown at most."""
TOOL = "a-0f000000-0000-4000-8000-00000000cafe"
FLOW = "cf-0f000000-0000-4000-8000-00000000cafe"


QUICK = Script(duration=2.0)
"""A job without a fault."""


class JumpingClock(ScaledClock):
    """A fast clock whose time of day can be set.

    Attributes:
        jumped: Seconds by which it was set forward, or back.
    """

    jumped = 0.0

    def time(self) -> float:
        """Seconds since the epoch."""
        return super().time() + self.jumped


@dataclass(frozen=True, kw_only=True)
class Injected:
    """A fault, and what comes of it."""

    name: str
    """What it hits, a colon, what it is."""
    how: str
    """How it is brought about."""
    sees: tuple[str, ...]
    """What the user sees, each in one line: where it is and the codes of its sentence, or words of the server."""
    disk: tuple[str, ...]
    """What is on the disk once gale-tui has ended; see `World.on_disk`."""
    posts: int = 1
    """Exports that GALE was asked for."""
    script: Script = QUICK
    story: Callable[[World], Awaitable[None]]
    """What the user does."""
    speed: float = 40.0
    """Seconds of gale-tui and of GALE in one of the machine's."""
    patience: float | None = None
    """Real seconds after which an answer or a download counts as stalled, in place of the half minute."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Outcome:
    """What came of a fault, as it was observed."""

    seen: tuple[str, ...]
    """Every different line that the user could read, in order."""
    disk: tuple[str, ...]
    posts: int


def inactive(text: str) -> bool:
    """True where no character of the text steers a terminal, hides, or turns the text round."""
    return not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in text)


def normalised(text: str, home: Path) -> str:
    """The text without what differs from run to run: places, ports, times, ids, checksums."""
    text = text.replace(str(home), "~")
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:PORT", text)
    text = re.sub(r"\b\d\d:\d\d:\d\d\b", "hh:mm:ss", text)
    text = re.sub(r"\d{8}T\d{6}Z", "TIME", text)
    text = re.sub(r"sha256 [0-9a-f]+", "sha256 …", text)
    return re.sub(r"\b(ds|a|cf|agent-ej)-[0-9a-f]{8}-[0-9a-f-]{27}", r"\1-…", text)


def settled(job: Job) -> bool:
    """True where nothing more happens by itself."""
    if job.state in (JobState.FAILED, JobState.REJECTED, JobState.UNCONFIRMED, JobState.LOST):
        return True
    download = job.download
    if job.state is not JobState.SUCCEEDED:
        return False
    if download.state in (DownloadState.SAVED, DownloadState.EXPIRED, DownloadState.FAILED):
        return True
    return download.state is DownloadState.RESUMABLE and download.next_try_at is None


@dataclass
class World:
    """One run: GALE, gale-tui, and its user."""

    fault: Injected
    home: Path
    sandbox: Sandbox
    clock: JumpingClock
    paths: Paths
    key: str
    """What the environment is given as its key."""
    host: str
    """What the environment is given as its host."""
    engine: GaleEngine = field(init=False)
    seen: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """Everything that must be found nowhere."""
    environment_fields: dict[str, Any] = field(default_factory=dict)
    cleanup: ExitStack = field(default_factory=ExitStack)
    """Undone in the end, after gale-tui has ended and the disk was looked at."""
    step: Callable[[str], None] | None = None
    """Told of each step on the disk and of each POST."""
    posted_elsewhere: int = 0
    """Exports that another server than the sandbox was asked for."""

    def look(self, where: str, text: str, code: str = "") -> None:
        """Notes a line that the user can read, and what it is made from: a state, or reason codes."""
        assert inactive(text.replace("\n", "")), f"acts upon a terminal: {text!r}"
        assert len(text) <= LONGEST, f"not bounded: {len(text)} characters"
        line = f"{where}, {code}: {' '.join(text.split())}" if code else f"{where}: {' '.join(text.split())}"
        if line not in self.seen[-1:]:
            self.seen.append(line)

    def look_at_row(self, job: Job) -> None:
        """Notes the row of a job, on a wide screen."""
        facts = JobFacts(job, self.clock.time(), self.engine.downloads.progress(job.id))
        pieces = (glyph_text(job), status_text(job, 80), file_text(facts, 400))
        reasons = (job.reason_code, job.download.reason_code, "unwritten" if job.unwritten else None)
        self.look("row", " ".join(piece.text for piece in pieces), " ".join(reason for reason in reasons if reason))

    def _job_changed(self, change: JobChange) -> None:
        if change.job.id in self.engine.jobs:
            self.look_at_row(change.job)

    def _condition_changed(self, condition: EnvironmentCondition) -> None:
        if condition.text:
            self.look("header", condition.text, condition.state)

    async def start(self) -> None:
        """Starts gale-tui.

        Raises:
            GaleError: It cannot start.
        """
        self.make_engine()
        try:
            await self.engine.start()
        except GaleError as error:
            self.look("terminal", str(error), type(error).__name__)
            raise
        await self.started()

    def make_engine(self) -> None:
        """Makes gale-tui's engine, not yet started."""
        threads = DaemonThreads("fault")
        self.engine = GaleEngine(
            paths=self.paths,
            credentials=Credentials(config_file=self.paths.config_file, threads=threads, use_keyring=False),
            threads=threads,
            clock=self.clock,
            rng=random.Random(1),  # noqa: S311  # the same jitter each time
            stall=self.fault.patience or 30.0,
            step=self.step,
        )
        self.engine.on_notice.append(lambda text: self.look("notification", text))
        self.engine.connection_status.listeners.append(self._condition_changed)

    async def started(self) -> None:
        """Listens to the engine, which has been started, and gives it its environment."""
        self.engine.registry.listeners.append(self._job_changed)
        for notice in self.engine.notices:
            self.look("notification", notice)
        environment = Environment("e-1", "staging", parse_host(self.host), **self.environment_fields)
        self.keys.append(self.key)
        await self.engine.environments.save(environment, previous=None, key=Secret(self.key), session_only=True)
        self.engine.environments.use("e-1")
        for job in tuple(self.engine.jobs.values()):
            self.look_at_row(job)

    @property
    def environment(self) -> Environment:
        """The environment that everything happens in."""
        found = self.engine.environments.find("e-1")
        assert found is not None
        return found

    async def stop(self) -> None:
        """Ends gale-tui as `q` does."""
        await self.engine.close()

    async def restart(self) -> None:
        """Ends gale-tui and starts it again."""
        await self.stop()
        await self.start()

    async def export(self, **fields: Any) -> Job | None:
        """Submits the form; None where the form stays, with the sentence noted."""
        fields = {"environment_id": "e-1", "tool_id": TOOL, "flow_id": FLOW, **fields}
        try:
            return await self.engine.jobs.export(ExportRequest(**fields))
        except GaleError as error:
            self.look("form", str(error), error.reason)
            return None

    @property
    def job(self) -> Job:
        """The one job that there is."""
        (job,) = self.engine.jobs.values()
        return job

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Waits until something holds."""
        deadline = time.monotonic() + LIMIT
        while not true():
            seen = "\n".join(self.seen[-12:])
            assert time.monotonic() < deadline, f"waited in vain{what and ': '}{what}; what the user saw:\n{seen}"
            await asyncio.sleep(0.004)

    async def until_settled(self) -> None:
        """Waits until nothing more happens by itself."""
        await self.until(lambda: all(settled(job) for job in self.engine.jobs.values()), "an end of all jobs")

    async def until_seen(self, words: str) -> None:
        """Waits until the user sees some words."""
        await self.until(lambda: any(words in line for line in self.seen), f"{words!r}")

    # What is left

    def on_disk(self) -> tuple[str, ...]:
        """The history and the files below the download folder, a line each, without what differs from run to run."""
        folder = self.paths.store_file.parent
        beside = sorted(path for path in folder.glob("jobs-*.sqlite3")) if folder.is_dir() else []
        return (
            f"history: {self._history(self.paths.store_file)}",
            *(f"{path.name}: {self._history(path)}" for path in beside),
            *sorted(self._set_aside()),
            *sorted(self._files(self.paths.downloads)),
        )

    def _set_aside(self) -> list[str]:
        folder = self.paths.store_file.parent
        return [normalised(path.name, self.home) for path in folder.glob("*.damaged-*")]

    def _history(self, path: Path) -> str:
        if not path.exists():
            return "none"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            rows = database.execute("select state, download_state from jobs order by created_at, id").fetchall()
        jobs = [f"{state}" + (f", file {download}" if download != "none" else "") for state, download in rows]
        return "; ".join(jobs) or "no job"

    def _files(self, folder: Path) -> list[str]:
        if not folder.is_dir():
            return []
        found = []
        for path in folder.rglob("*"):
            if path.is_dir():
                continue
            name = normalised(str(path.relative_to(folder)), self.home)
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    bad = archive.testzip()
                assert bad is None, f"{path} is damaged at {bad}"
                assert path.stat().st_mode & 0o777 == 0o600
                found.append(f"{name}, whole")
            else:
                found.append(f"{name}, {'empty' if not path.stat().st_size else 'some bytes'}")
        return found

    def check_secrets(self) -> None:
        """The key is in no file, the signature of a link only in the private history, and not there once it is saved.

        Raises:
            AssertionError: One of them is found.
        """
        signatures = {record.query["signature"] for record in self.sandbox.requests if "signature" in record.query}
        jobs = "; ".join(
            line.partition(": ")[2] for line in self.on_disk() if "sqlite3: " in line or "history: " in line
        )
        all_saved = all("file saved" in job or job == "no job" for job in jobs.split("; "))
        for path in self.home.rglob("*"):
            if not path.is_file():
                continue
            data = path.read_bytes()
            for key in self.keys:
                assert key.encode() not in data, f"the key is in {path}"
            if path.name.startswith("jobs") and ".sqlite3" in path.name:
                assert path.stat().st_mode & 0o777 == 0o600
                if not all_saved:
                    continue
            for signature in signatures:
                assert signature.encode() not in data, f"a link's signature is in {path}"
        for line in self.seen:
            assert not any(secret in line for secret in (*self.keys, *signatures)), line


@contextlib.contextmanager
def _less_patience(seconds: float | None) -> Any:
    """Half a minute of silence is a time-out; in a test a moment is."""
    if seconds is None:
        yield
        return
    with (
        mock.patch.object(client, "EXPORT_SECONDS", seconds),
        mock.patch.object(client, "STATUS_SECONDS", seconds),
        mock.patch.object(transport, "HEADER_SECONDS", seconds),
    ):
        yield


@contextlib.asynccontextmanager
async def world_of(fault: Injected, home: Path) -> AsyncIterator[World]:
    """GALE and gale-tui's place, not started."""
    with Sandbox(seed=11, speed=fault.speed) as sandbox:
        sandbox.script(TOOL, fault.script)
        paths = Paths.under(home)
        setup_logging(paths.log_file, "DEBUG")
        world = World(fault, home, sandbox, JumpingClock(fault.speed), paths, sandbox.key, sandbox.url)
        try:
            with _less_patience(fault.patience), world.cleanup:
                yield world
        finally:
            close_logging()


async def bring_about(fault: Injected, home: Path) -> Outcome:
    """Runs a fault's story in a world of its own; says what was seen and what is left."""
    async with world_of(fault, home) as world:
        try:
            await fault.story(world)
        finally:
            if hasattr(world, "engine"):
                await world.stop()
        posts = [record for record in world.sandbox.requests if record.method == "POST"]
        world.check_secrets()
        seen = tuple(dict.fromkeys(normalised(line, home) for line in world.seen))
        return Outcome(seen, world.on_disk(), len(posts) + world.posted_elsewhere)
