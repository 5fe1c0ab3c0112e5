"""GaleEngine: everything that gale-tui does, without a screen. The app and `gale-tui export` both drive it.

Its methods belong to one event loop. What changes is told to listeners as `JobChange`, after it is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from gale_tui.core.background import Background
from gale_tui.core.clock import Clock, SystemClock
from gale_tui.core.config.environment_registry import KnownEnvironments
from gale_tui.core.config.environments import ConfigFile
from gale_tui.core.config.paths import Paths
from gale_tui.core.config.settings import Settings
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.errors import ConfigError, GaleError, NewerStoreError, StoreError
from gale_tui.core.gale_api.connections import Connections
from gale_tui.core.history.schema import MIGRATIONS
from gale_tui.core.history.store import JobStore
from gale_tui.core.jobs.commands import JobWishes
from gale_tui.core.jobs.connection_status import Conditions
from gale_tui.core.jobs.download_queue import LEASE, Saves
from gale_tui.core.jobs.exporter import Exports
from gale_tui.core.jobs.job_registry import JobBook
from gale_tui.core.jobs.poller import POLL_LEASE, Asking
from gale_tui.core.jobs.polling import Asked, PollPolicy
from gale_tui.core.jobs.recovery import TakingUp
from gale_tui.core.jobs.scheduler import Monitor
from gale_tui.core.jobs.tool_choices import ToolChoice, tool_choices
from gale_tui.core.models import (
    Change,
    DownloadProgress,
    DownloadState,
    Environment,
    EnvironmentCondition,
    ExportRequest,
    Job,
    JobChange,
    JobEvent,
    JobState,
    KeyTest,
)
from gale_tui.core.secret import Secret
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert

__all__ = ["GaleEngine", "ToolChoice"]

FIRST_SCREENFUL = 300
"""Jobs loaded before the first frame; the rest of the history follows."""
LOOK_AGAIN = 1.0
"""Seconds between two looks at what other processes wrote."""
CLOSING = 1.7
"""Real seconds in which everything is ended."""

log = logging.getLogger(__name__)


class GaleEngine:
    """Composes store, monitor, clients and downloads.

    Args:
        paths: Where configuration, history and downloads are.
        credentials: Where keys come from.
        threads: Where blocking calls run.
        extra_environments: From the variables, or the demo's; never written anywhere.
        offered: Tools that the form offers besides those of the history.
        readonly: Nothing that changes the server can be started.
        demo: The embedded GALE is the environment.
        download_dir: The folder of the command line, above that of the settings.
        clock: Time and waiting.
        rng: Jitter.
        policy: Polling's numbers.
        new_id: Makes our own id of a job.
        stall: Seconds without a byte after which a download counts as cut.
        step: For tests: told of each write to the history, each thing done to the disk by a download, and "request
            sent" right before a POST.
    """

    def __init__(
        self,
        *,
        paths: Paths,
        credentials: Credentials,
        threads: DaemonThreads,
        extra_environments: Sequence[Environment] = (),
        offered: Sequence[ToolChoice] = (),
        readonly: bool = False,
        demo: bool = False,
        download_dir: Path | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        policy: PollPolicy | None = None,
        new_id: Callable[[], str] | None = None,
        stall: float = 30.0,
        step: Callable[[str], None] | None = None,
    ) -> None:
        self.paths = paths
        self.credentials = credentials
        self.readonly = readonly
        self.demo = demo
        self.clock = clock or SystemClock()
        self._rng = rng or random.Random()  # noqa: S311  # spreads requests, guards nothing
        self._threads = threads
        self._offered = tuple(offered)
        self._download_dir = download_dir
        self._policy = policy
        self._new_id = new_id or (lambda: uuid.uuid4().hex)
        self._stall = stall
        self._step = step
        self._conditions = Conditions(self.clock)
        self._background = Background(self._notify)
        self._store: JobStore | None = None
        self._started = False
        self._closing: asyncio.Task[None] | None = None
        self.notices: list[str] = []
        """Sentences to show once: a history that was set aside, for example."""
        self.on_notice: list[Callable[[str], None]] = []
        """Told of each further sentence while the engine runs."""
        self.on_condition = self._conditions.listeners
        """Told when the polling of an environment changes."""
        self.on_loaded: list[Callable[[Sequence[Job]], None]] = []
        """Told of older jobs as they are read after the start."""
        self._connections = Connections(credentials, threads)
        self._known = KnownEnvironments(
            ConfigFile(paths.config_file),
            credentials,
            self._connections,
            extra=extra_environments,
            demo=demo,
            on_key=self._key_provided,
        )

    # Configuration

    def reload_config(self) -> None:
        """Reads `config.toml` again, after it was changed."""
        self._known.reload()

    @property
    def environments(self) -> tuple[Environment, ...]:
        """All environments, those of the variables or the demo first."""
        return self._known.all

    @property
    def settings(self) -> Settings:
        """The settings of `config.toml`."""
        return self._known.config.settings

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with `config.toml`, a sentence each."""
        return self._known.config.problems

    def environment(self, environment_id: str) -> Environment | None:
        """The environment with that id; None where it is gone."""
        return self._known.find(environment_id)

    @property
    def current(self) -> Environment | None:
        """The environment for new exports."""
        return self._known.current

    def use(self, environment_id: str) -> None:
        """Chooses the environment for new exports and remembers it."""
        self._known.use(environment_id)

    def choose(self, name: str | None) -> None:
        """Chooses at start: by name, else the one of the variables, else the last one used.

        Raises:
            ConfigError: There is no environment of that name.
        """
        self._known.choose(name)

    def save_settings(self, **changes: object) -> None:
        """Changes settings, at once and for the next start.

        Raises:
            ConfigError: They could not be written.
        """
        self._known.save_settings(**changes)
        if self._started and "poll_floor" in changes:
            self.monitor.use(self._polling())

    async def save_environment(
        self, environment: Environment, *, previous: Environment | None, key: Secret | None, session_only: bool
    ) -> None:
        """Writes an environment and keeps its key; what fails leaves both as they were.

        Args:
            environment: As it shall be.
            previous: As it was; None for a new one.
            key: A new key; None to leave the kept one.
            session_only: Keep the key in memory alone.

        Raises:
            ConfigError: It cannot be written.
            CredentialError: The key could not be kept.
        """
        await self._known.save(environment, previous=previous, key=key, session_only=session_only)

    async def delete_environment(self, environment: Environment) -> None:
        """Deletes an environment and its key; its jobs stay in the history.

        Raises:
            CredentialError: The key could not be deleted; nothing is deleted then.
            ConfigError: The file could not be written.
        """
        await self._known.delete(environment)

    async def provide_key(self, environment: Environment, key: Secret, *, session_only: bool) -> None:
        """Keeps a new key and goes on with what waited for it.

        Raises:
            CredentialError: It could not be kept.
        """
        await self._known.provide_key(environment, key, session_only=session_only)

    async def test_environment(self, environment: Environment, key: Secret | None = None) -> KeyTest:
        """Asks for a dock status that cannot exist, with the key and without; creates nothing.

        Args:
            environment: Whom.
            key: The key to try; None for the kept one.

        Raises:
            CredentialError: There is no key to try.
        """
        return await self._known.test(environment, key)

    def _key_provided(self, environment_id: str) -> None:
        if self._started:
            self.monitor.key_provided(environment_id)

    # Life

    async def start(self) -> None:
        """Opens the history, takes up what was left unfinished and begins to ask.

        Raises:
            StoreError: The history cannot be used.
        """
        self._store = store = await self._open_history()
        if store.notice:
            self.notices.append(store.notice)
        self.book = JobBook(store, self.clock, self._notify)
        self.book.listeners.append(self._job_changed)
        self._compose()
        self._started = True
        self.book.take_in(await store.load(limit=FIRST_SCREENFUL))
        unfinished = await store.unfinished()
        self.book.take_in(unfinished)
        self.monitor.start()
        self._background.start(self._take_up(unfinished), "take up")
        self._background.start(self._load_rest(store), "load history")
        self._background.start(self._follow_others(), "follow others")
        self._background.start(self._keep_leases(store), "keep leases")

    def _polling(self) -> PollPolicy:
        return self._policy or PollPolicy().with_floor(self.settings.poll_floor)

    async def _open_history(self) -> JobStore:
        path = self.paths.store_file
        try:
            return await JobStore.open(path, step=self._step)
        except NewerStoreError as error:
            beside = path.with_name(f"{path.stem}-version-{len(MIGRATIONS)}{path.suffix}")
            store = await JobStore.open(beside, step=self._step)
            self.notices.append(f"{error.what}. It is left alone; this older gale-tui keeps its jobs in {beside.name}.")
            return store

    def _compose(self) -> None:
        self.monitor = Monitor(
            self._ask, clock=self.clock, rng=self._rng, policy=self._polling(), on_condition=self._conditions.told
        )
        self._asking = Asking(
            self.book,
            self._connections,
            self.credentials,
            clock=self.clock,
            environment=self.environment,
            lost=self.monitor.lost,
            on_key_trouble=self._conditions.key_trouble,
        )
        self._exports = Exports(
            self.book,
            self._connections,
            clock=self.clock,
            rng=self._rng,
            environment=self.environment,
            new_id=self._new_id,
            step=self._step,
        )
        self._saves = Saves(
            self.book,
            self._connections,
            self._threads,
            clock=self.clock,
            rng=self._rng,
            environment=self.environment,
            folder=self.default_folder,
            pattern=lambda: self.settings.filename_pattern,
            stall=self._stall,
            step=self._step,
        )
        self._taking_up = TakingUp(
            self.book, self._exports, self._saves, clock=self.clock, readonly=self.readonly, track=self._track
        )
        self._wishes = JobWishes(self.book, self.monitor, self._asking, self._saves, self._taking_up)

    def _notify(self, text: str) -> None:
        log.warning("%s", text)
        self.notices.append(text)
        for listener in tuple(self.on_notice):
            listener(text)

    async def _load_rest(self, store: JobStore) -> None:
        if len(self.jobs) < FIRST_SCREENFUL:
            return
        newest = sorted(self.jobs.values(), key=lambda job: (job.created_at, job.id), reverse=True)
        first = newest[FIRST_SCREENFUL - 1]
        older = self.book.take_in(await store.load(before=(first.created_at, first.id)))
        for listener in tuple(self.on_loaded):
            listener(older)

    async def _take_up(self, jobs: Sequence[Job]) -> None:
        """Goes on with what an earlier run left; where the history cannot be written, a little later."""
        while True:
            try:
                return await self._taking_up.all(jobs)
            except StoreError as error:
                log.warning("not taken up yet: %s", error)
                await self.clock.sleep(POLL_LEASE)
                jobs = [self.jobs[job.id] for job in jobs if job.id in self.jobs]

    async def _follow_others(self) -> None:
        while True:
            await self.clock.sleep(LOOK_AGAIN)
            with contextlib.suppress(GaleError):
                await self.book.sync()
                await self.book.pay()

    async def _keep_leases(self, store: JobStore) -> None:
        while True:
            await self.clock.sleep(POLL_LEASE / 3)
            with contextlib.suppress(GaleError):
                lost = await store.renew_all(seconds=max(POLL_LEASE, LEASE))
                self._asking.renewed([job_id for job_id, kind in lost if kind == "poll"])
                self._saves.lost([job_id for job_id, kind in lost if kind == "download"])
                await self._taking_up.abandoned()

    def warm_up(self) -> None:
        """Loads what the first request needs, off the loop; to be called once the first frame is drawn."""
        self._connections.warm_up()

    async def close(self) -> None:
        """Stops everything, keeps what can go on later, closes the history. Safe to call twice.

        Takes less than two seconds, whatever hangs.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        store = self._store
        if store is None:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + CLOSING
        if self._started:
            # A history that another process holds must not use up all the time.
            ending = asyncio.create_task(self._end(), name="end")
            await asyncio.wait({ending}, timeout=CLOSING / 2)
            self._connections.close()
            if not ending.done():
                ending.cancel()
                await asyncio.wait({ending}, timeout=0.1)
        closing = asyncio.create_task(store.close(), name="close history")
        await asyncio.wait({closing}, timeout=max(0.2, until - loop.time()))

    async def _end(self) -> None:
        parts = (self._background.end(), self.monitor.close())
        await asyncio.gather(*parts, return_exceptions=True)
        with contextlib.suppress(GaleError):
            await self.book.pay()
        within = CLOSING / 3
        ended = await asyncio.gather(self._exports.close(within), self._saves.close(within), return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                # What could not be written is marked at the next start.
                log.error("not ended in order: %r", error)

    # Jobs

    @property
    def jobs(self) -> Mapping[str, Job]:
        """All known jobs by their id."""
        return self.book.jobs

    async def events(self, job_id: str) -> list[JobEvent]:
        """A job's timeline, oldest first."""
        return await self.book.store.events(job_id)

    async def export(self, request: ExportRequest, *, keep_rejected: bool = False) -> Job:
        """Starts an export with one POST.

        Args:
            request: What to export.
            keep_rejected: Keep a row of what the server refused, instead of raising alone.

        Returns:
            The job: accepted, waiting after a 429, or unconfirmed.

        Raises:
            GaleError: Certainly nothing was started, and why.
        """
        if self.readonly:
            raise ConfigError("Read-only: no export can be started", "Start gale-tui without --readonly")
        environment = self.environment(request.environment_id)
        if environment is None:
            raise ConfigError("This environment is gone", "Choose another one")
        return await self._exports.export(environment, request, keep_rejected=keep_rejected)

    async def track(self, environment_id: str, dock_status_id: str) -> Job:
        """Follows a job that was started elsewhere; one that is known already is returned as it is.

        Raises:
            ConfigError: The environment is gone.
            StoreError: It could not be written.
        """
        environment = self.environment(environment_id)
        if environment is None:
            raise ConfigError("This environment is gone", "Choose another one")
        return await self._wishes.track(
            environment,
            dock_status_id,
            job_id=self._new_id(),
            now=self.clock.time(),
            save_when_ready=self.settings.save_when_ready,
        )

    def refresh(self, job_id: str) -> str:
        """Asks for a job now, within its limits; returns a sentence to show."""
        return self._wishes.refresh(job_id)

    def refresh_all(self) -> str:
        """Asks for every unfinished job now, within the limits; returns a sentence to show."""
        return self._wishes.refresh_all()

    @property
    def paused(self) -> bool:
        """True while nothing is polled."""
        return self.monitor.paused

    def pause(self, paused: bool) -> None:
        """Stops or goes on polling."""
        self.monitor.paused = paused

    async def download(self, job_id: str) -> str:
        """Saves a job's file, goes on with it, or saves it again; returns a sentence to show.

        Raises:
            StoreError: The wish could not be written.
        """
        return await self._wishes.download(job_id)

    def stop_download(self, job_id: str) -> None:
        """Stops a running download; its part is kept."""
        self._saves.stop(job_id)

    async def forget(self, job_id: str) -> Callable[[], Awaitable[None]] | None:
        """Removes a job from the history; files stay.

        Returns:
            What brings it back, or None where it was gone already.

        Raises:
            StoreError: It could not be removed.
        """
        return await self._wishes.forget(job_id)

    def progress(self, job_id: str) -> DownloadProgress | None:
        """A reading of a running download; None where it does not run here."""
        return self._saves.progress(job_id)

    def downloading(self) -> tuple[str, ...]:
        """The ids of jobs whose files are being received here."""
        return self._saves.running()

    def recent(self, environment_id: str) -> list[ToolChoice]:
        """Tools to offer: what the demo offers, then those of the history, newest first."""
        return tool_choices(self._offered, self.jobs.values(), environment_id)

    def curl(self, environment: Environment, tool_id: str, flow_id: str) -> str:
        """The export's exact request as a shell line, `$GALE_API_KEY` in place of the key."""
        from gale_tui.core.gale_api.client import curl_line

        return curl_line(environment, tool_id, flow_id)

    def default_folder(self) -> Path:
        """Where files go: the command line's folder, else that of the settings, else the platform's."""
        return self._download_dir or self.settings.download_dir or self.paths.downloads

    # Conditions

    def condition(self, environment_id: str) -> EnvironmentCondition:
        """How polling of an environment stands."""
        return self._conditions.of(environment_id)

    # What follows from changes

    async def _ask(self, job_id: str) -> Asked:
        return await self._asking.ask(job_id)

    def _track(self, job: Job) -> None:
        if job.state.polled and job.dock_status_id is not None:
            age = max(0.0, self.clock.time() - (job.started_at or job.created_at))
            lost = job.state is JobState.LOST
            self.monitor.track(job.id, job.environment_id, age=age, lost=lost)

    def _job_changed(self, change: JobChange) -> None:
        job, before = change.job, change.previous
        if before is None or (before.status, before.download.state) != (job.status, job.download.state):
            where = "elsewhere" if change.elsewhere else "here"
            words = f"{inert(job.status, 40)}, file {job.download.state.value}"
            log.info("job %s %s %s: %s", job.id, change.kind.value, where, words)
        if change.kind is Change.FORGOTTEN or not job.state.polled:
            if job.id in self.monitor:
                self.monitor.forget(job.id)
                if self._closing is None:
                    self._background.start(self._asking.let_go(job.id), f"let go of {job.id}")
        else:
            self._track(job)
        if change.kind is Change.FORGOTTEN:
            self._saves.stop(job.id)
        elif job.download.state is DownloadState.WANTED and not change.elsewhere and self._closing is None:
            self._saves.want(job.id)
