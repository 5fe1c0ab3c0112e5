"""GaleEngine: everything that gale-tui does, without a screen. The app and `gale-tui export` both drive it.

It belongs to one event loop and composes the parts, each with its own verbs: `jobs`, `environments`, `batches`, `sets`,
`drafts`, `registry`, `scheduler`, `downloads`, `connection_status`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gale_tui.core.background import Background
from gale_tui.core.clock import Clock, SystemClock
from gale_tui.core.config.config_file import ConfigFile
from gale_tui.core.config.environment_registry import EnvironmentRegistry
from gale_tui.core.config.paths import Paths
from gale_tui.core.config.settings import Settings
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.errors import GaleError, NewerStoreError
from gale_tui.core.gale_api.connections import Connections
from gale_tui.core.history.schema import MIGRATIONS
from gale_tui.core.history.store import JobStore
from gale_tui.core.jobs import recovery
from gale_tui.core.jobs.commands import JobCommands
from gale_tui.core.jobs.connection_status import ConnectionStatus
from gale_tui.core.jobs.context import JobContext
from gale_tui.core.jobs.download_queue import DownloadQueue
from gale_tui.core.jobs.exporter import Exporter
from gale_tui.core.jobs.job_download import LEASE
from gale_tui.core.jobs.job_registry import JobRegistry
from gale_tui.core.jobs.poller import POLL_LEASE, Poller
from gale_tui.core.jobs.rate_limits import Deadlines, PollPolicy
from gale_tui.core.jobs.scheduler import Scheduler
from gale_tui.core.models import DownloadState, Environment, Job, JobChange, ToolChoice
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert

if TYPE_CHECKING:
    from gale_tui.core.history.batches import BatchRecords
    from gale_tui.core.history.drafts import Drafts
    from gale_tui.core.history.sets import ToolSets

FIRST_SCREENFUL = 300
"""Jobs loaded before the first frame; the rest of the history follows."""
SYNC_EVERY = 1.0
"""Seconds between two checks for changes of other processes."""
CLOSING = 1.7
"""Real seconds in which everything is ended."""

log = logging.getLogger(__name__)


class GaleEngine:
    """Composes history, scheduler, clients and downloads. The jobs of the history are available from `start` on.

    Args:
        extra_environments: From the variables, or the demo's; never written anywhere.
        offered: Tools that the form offers besides those of the history.
        readonly: Nothing that changes the server can be started.
        demo: The embedded GALE is the environment.
        download_dir: The folder of the command line, above that of the settings.
        policy: Polling's numbers.
        new_id: Makes our own id of a job.
        stall: Seconds without a byte after which a download counts as cut.
        step: For tests: called with each write to the history, each disk operation of a download, and "request sent"
            right before a POST.
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
        self._threads = threads
        self._download_dir = download_dir
        self._policy = policy
        self._step = step
        self._background = Background(self._notify)
        self._store: JobStore | None = None
        self._closing: asyncio.Task[None] | None = None
        self.notices: list[str] = []
        """Sentences to show once: a history that was set aside, for example."""
        self.on_notice: list[Callable[[str], None]] = []
        """Called with each further sentence while the engine runs."""
        self.on_loaded: list[Callable[[Sequence[Job]], None]] = []
        """Called with older jobs as they are read after the start."""
        self.connection_status = ConnectionStatus()
        self._connections = Connections(credentials, threads)
        self.environments = EnvironmentRegistry(
            ConfigFile(paths.config_file),
            credentials,
            self._connections,
            extra=extra_environments,
            demo=demo,
            on_key=lambda environment_id: self.scheduler.resume_environment(environment_id),
        )
        self.registry = JobRegistry(self.clock, self._notify)
        self.registry.listeners.append(self._job_changed)
        rng = rng or random.Random()  # noqa: S311  # spreads requests, guards nothing
        self._compose(rng, new_id or (lambda: uuid.uuid4().hex), stall, offered)

    def _compose(
        self, rng: random.Random, new_id: Callable[[], str], stall: float, offered: Sequence[ToolChoice]
    ) -> None:
        self.scheduler = Scheduler(
            lambda job_id: self._poller.poll(job_id),
            clock=self.clock,
            rng=rng,
            policy=self._polling(),
            on_condition=self.connection_status.update,
            usual=self._usual_seconds,
        )
        self._context = context = JobContext(
            registry=self.registry,
            environments=self.environments,
            connections=self._connections,
            scheduler=self.scheduler,
            connection_status=self.connection_status,
            deadlines=Deadlines(self.clock),
            credentials=self.credentials,
            threads=self._threads,
            clock=self.clock,
            rng=rng,
            new_id=new_id,
            folder=self.default_folder,
            stall=stall,
            readonly=self.readonly,
            step=self._step,
        )
        self._poller = Poller(context)
        self._exporter = Exporter(context)
        self.downloads = DownloadQueue(context)
        self.jobs = JobCommands(context, self._poller, self._exporter, self.downloads, offered)

    # Configuration

    @property
    def settings(self) -> Settings:
        return self.environments.config.settings

    @property
    def problems(self) -> tuple[str, ...]:
        """Problems of `config.toml`, a sentence each."""
        return self.environments.config.problems

    def save_settings(self, **changes: object) -> None:
        """Changes settings, at once and for the next start.

        Raises:
            ConfigError: They could not be written.
        """
        self.environments.save_settings(**changes)
        if "poll_floor" in changes:
            self.scheduler.policy = self._polling()

    def default_folder(self) -> Path:
        """Where files go: the command line's folder, else that of the settings, else the platform's."""
        return self._download_dir or self.settings.download_dir or self.paths.downloads

    def _polling(self) -> PollPolicy:
        return self._policy or PollPolicy().with_floor(self.settings.poll_floor)

    # The history beside the jobs

    @property
    def batches(self) -> BatchRecords:
        return self.registry.store.batches

    @property
    def sets(self) -> ToolSets:
        return self.registry.store.sets

    @property
    def drafts(self) -> Drafts:
        return self.registry.store.drafts

    # Start and end

    async def start(self) -> None:
        """Opens the history, resumes what an earlier run left unfinished and starts polling.

        Raises:
            StoreError: The history cannot be used.
        """
        self._store = self.registry.store = store = await self._open_history()
        newest = await store.load(limit=FIRST_SCREENFUL)
        self.registry.add_loaded(newest)
        self.registry.add_loaded(await store.unfinished())
        self._background.start(self.scheduler.run(), "scheduler")
        self._background.start(self._load_rest(store, newest), "load history")
        self._background.start(self._follow_others(), "follow others")
        self._background.start(self._keep_leases(store), "keep leases")

    async def _open_history(self) -> JobStore:
        path = self.paths.store_file
        try:
            return await JobStore.open(path, step=self._step, on_notice=self._notify)
        except NewerStoreError as error:
            own_path = path.with_name(f"{path.stem}-version-{len(MIGRATIONS)}{path.suffix}")
            store = await JobStore.open(own_path, step=self._step, on_notice=self._notify)
            self._notify(f"{error.what}. It is left alone; this older gale-tui keeps its jobs in {own_path.name}.")
            return store

    def _notify(self, text: str) -> None:
        log.warning("%s", text)
        self.notices.append(text)
        for listener in tuple(self.on_notice):
            listener(text)

    async def _load_rest(self, store: JobStore, newest: Sequence[Job]) -> None:
        if len(newest) == FIRST_SCREENFUL:
            last = newest[-1]
            older = self.registry.add_loaded(await store.load(before=(last.created_at, last.id)))
            for listener in tuple(self.on_loaded):
                listener(older)

    async def _follow_others(self) -> None:
        while True:
            await self.clock.sleep(SYNC_EVERY)
            with contextlib.suppress(GaleError):
                await self.registry.sync()
                await self.registry.write_pending()

    async def _keep_leases(self, store: JobStore) -> None:
        """Resumes what an earlier run left, then renews the leases and resumes what other processes leave."""
        patience = 0.0
        while True:
            with contextlib.suppress(GaleError):
                jobs = self.registry.jobs.values()
                await recovery.resume(self._context, self._exporter, self.downloads, jobs, patience)
                patience = recovery.PATIENCE
            await self.clock.sleep(POLL_LEASE / 3)
            with contextlib.suppress(GaleError):
                lost = await store.renew_all(seconds=max(POLL_LEASE, LEASE))
                self._poller.record_renewal([job_id for job_id, kind in lost if kind == "poll"])
                self.downloads.abandon([job_id for job_id, kind in lost if kind == "download"])

    def warm_up(self) -> None:
        """Loads what the first request needs, off the loop; to be called once the first frame is drawn."""
        self._connections.warm_up()

    async def close(self) -> None:
        """Stops everything, keeps what can be resumed later, closes the history. Safe to call twice.

        Takes less than two seconds, whatever hangs.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="close")
        await asyncio.shield(self._closing)
        self._threads.close()

    async def _close(self) -> None:
        store = self._store
        if store is None:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + CLOSING
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
        await self._background.end()
        with contextlib.suppress(GaleError):
            await self.registry.write_pending()
        within = CLOSING / 3
        ended = await asyncio.gather(self._exporter.close(within), self.downloads.close(within), return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                # An unwritten change is marked at the next start.
                log.error("not ended in order: %r", error)

    # Reactions to changes

    def _usual_seconds(self, job_id: str) -> float | None:
        job = self.registry.jobs.get(job_id)
        return None if job is None else self.registry.durations.usual(job)

    def _job_changed(self, change: JobChange) -> None:
        job, before = change.job, change.previous
        if before is None or (before.status, before.download.state) != (job.status, job.download.state):
            what = "removed" if change.removed else "added" if before is None else "changed"
            words = f"{inert(job.status, 40)}, file {job.download.state.value}"
            log.info("job %s %s %s: %s", job.id, what, "elsewhere" if change.elsewhere else "here", words)
        # From now on its time counts by the monotonic clock.
        self._context.deadlines.remaining(job)
        if change.removed or not job.state.polled:
            if job.id in self.scheduler:
                self.scheduler.forget(job.id)
                if self._closing is None:
                    self._background.start(self._poller.release(job.id), f"release {job.id}")
        else:
            self._context.track(job)
        if change.removed:
            self.downloads.stop(job.id)
        elif job.download.state is DownloadState.WANTED and not change.elsewhere and self._closing is None:
            self.downloads.start(job.id)
