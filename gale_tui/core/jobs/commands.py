"""The commands of `engine.jobs`: export, track, refresh, download, remove; some answer with a sentence to show."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial

from gale_tui.core.errors import ConfigError, SendingError, StoreError
from gale_tui.core.jobs import recovery, transitions
from gale_tui.core.jobs.context import JobContext
from gale_tui.core.jobs.download_queue import DownloadQueue
from gale_tui.core.jobs.exporter import Exporter
from gale_tui.core.jobs.job_download import LEASE
from gale_tui.core.jobs.poller import Poller
from gale_tui.core.jobs.reasons import Sentence
from gale_tui.core.kinds import TOOL, Kind
from gale_tui.core.models import DownloadState, Environment, ExportRequest, Job, JobEvent, JobState, ToolChoice

GONE = Sentence("This job is gone.")
MOST_CHOICES = 50
"""Tools that the export form offers at most."""


class JobCommands(Mapping[str, Job]):
    """All known jobs by their id, and what a user does with them.

    Args:
        offered: Tools that are offered besides those of the history.
    """

    def __init__(
        self,
        context: JobContext,
        poller: Poller,
        exporter: Exporter,
        downloads: DownloadQueue,
        offered: Sequence[ToolChoice],
    ) -> None:
        self._context = context
        self._registry = context.registry
        self._scheduler = context.scheduler
        self._poller = poller
        self._exporter = exporter
        self._downloads = downloads
        self._offered = tuple(offered)

    def __getitem__(self, job_id: str) -> Job:
        return self._registry.jobs[job_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry.jobs)

    def __len__(self) -> int:
        return len(self._registry.jobs)

    def recent_tools(self, environment_id: str) -> list[ToolChoice]:
        """Tools to offer: the demo's, then those of an environment's jobs, newest first, each tool and flow once."""
        choices = {(choice.tool_id, choice.flow_id): choice for choice in self._offered}
        for job in sorted(self.values(), key=lambda job: job.created_at, reverse=True):
            if job.environment_id != environment_id or not job.exportable:
                continue
            choice = ToolChoice(job.tool_id, job.flow_id, job.title, f"last {job.status}", job.kind)
            choices.setdefault((job.tool_id, job.flow_id), choice)
            if len(choices) >= MOST_CHOICES:
                break
        return list(choices.values())

    def last_kind(self, environment_id: str) -> Kind:
        """The kind that was exported last from an environment; at first a tool."""
        exports = (job for job in self.values() if job.environment_id == environment_id and not job.tracked)
        last = max(exports, key=lambda job: job.created_at, default=None)
        return last.kind if last is not None else TOOL

    def _find_environment(self, environment_id: str) -> Environment:
        environment = self._context.environments.find(environment_id)
        if environment is None:
            raise ConfigError("This environment is gone", "Choose another one")
        return environment

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
        if self._context.readonly:
            raise ConfigError("Read-only: no export can be started", "Start gale-tui without --readonly")
        environment = self._find_environment(request.environment_id)
        return await self._exporter.export(environment, request, keep_rejected=keep_rejected)

    def refresh(self, job_id: str) -> Sentence:
        """Polls a job as soon as its limits allow."""
        job = self._registry.jobs.get(job_id)
        if job is None:
            return GONE
        if job.state is JobState.WAITING:
            return Sentence(f"{job.title} waits for the rate limit and is sent automatically.")
        wait = self._scheduler.refresh(job_id)
        if wait is None:
            return Sentence(f"{job.title} has finished ({job.status}); nothing to refresh.")
        if self._poller.is_polled_elsewhere(job_id):
            return Sentence(f"{job.title} is polled by another gale-tui; its answers are shown here too.")
        if wait.seconds < 1:
            return Sentence(f"Refreshing {job.title} …")
        floor = self._scheduler.policy.floor
        why = "rate limit" if wait.limited else f"at least {floor:g} s between polls, see the settings"
        return Sentence(f"Refreshing {job.title} in {math.ceil(wait.seconds)} s ({why}).")

    def refresh_all(self) -> Sentence:
        """Polls every unfinished job as soon as the limits allow."""
        count = len(self._scheduler)
        if not count:
            return Sentence("No unfinished jobs.")
        wait = self._scheduler.refresh_all()
        when = " …" if wait < 1 else f" within {math.ceil(wait)} s, each as soon as its limits allow."
        return Sentence(f"Refreshing {count} job{'s' if count != 1 else ''}{when}")

    async def download(self, job_id: str) -> Sentence:
        """Downloads a job's file, resumes the download, or downloads it again.

        Raises:
            StoreError: The history could not be written.
        """
        job = self._registry.jobs.get(job_id)
        if job is None:
            return GONE
        if job.state in (JobState.REQUESTING, JobState.WAITING, JobState.RUNNING, JobState.LOST):
            await self._registry.change(job_id, transitions.request_file)
            return Sentence(f"{job.title} has not finished; its file is saved when it is ready.")
        if job.state is not JobState.SUCCEEDED:
            return Sentence(f"{job.title} has no file ({job.status}). Export again", "export_again")
        if job_id in self._downloads.running():
            return Sentence(f"{job.title} is already being saved.")
        store = self._registry.store
        if not await store.acquire(job_id, "download", seconds=LEASE):
            return Sentence(f"Another gale-tui is saving {job.title}.")
        again = job.download.state is DownloadState.SAVED
        try:
            event = "download again" if again else None
            await self._registry.change(job_id, transitions.request_file, event, again=again)
        except StoreError:
            if not self._downloads.is_under_way(job_id):
                await store.release(job_id, "download")
            raise
        self._downloads.start(job_id)
        return Sentence(f"Saving {job.title} …")

    async def track(self, environment_id: str, dock_status_id: str) -> Job:
        """Follows a job that was started elsewhere; one that is known already is returned as it is.

        Raises:
            ConfigError: The environment is gone.
            StoreError: It could not be written.
        """
        environment = self._find_environment(environment_id)
        now = self._context.clock.time()
        wanted = (dock_status_id, environment.id, str(environment.origin))
        for job in self._registry.jobs.values():
            if (job.dock_status_id, job.environment_id, job.origin) == wanted:
                return job
        job = Job(
            id=self._context.new_id(),
            environment_id=environment.id,
            environment_name=environment.name,
            origin=str(environment.origin),
            production=environment.production,
            tool_id="",
            flow_id="",
            created_at=now,
            save_when_ready=self._context.environments.config.settings.save_when_ready,
            tracked=True,
            state=JobState.RUNNING,
            status="TRACKING",
            dock_status_id=dock_status_id,
            started_at=now,
        )
        return await self._registry.add(job, "tracked")

    async def remove(self, job_id: str) -> Callable[[], Awaitable[Job]] | None:
        """Removes a job from the history; returns what brings it back, None if it was gone already.

        Raises:
            SendingError: Its POST is under way: GALE's answer would be lost.
            StoreError: It could not be removed.
        """
        job = self._registry.jobs.get(job_id)
        if job is not None and job.state is JobState.REQUESTING:
            # The lease is free where the process that sent it has ended.
            sending = self._exporter.is_under_way(job_id)
            if sending or not await self._registry.store.acquire(job_id, "post", seconds=5):
                raise SendingError(f"{job.title} is being requested", "Remove it once GALE has answered")
        self._downloads.stop(job_id)
        removed = await self._registry.remove(job_id)
        return partial(self._restore, *removed) if removed is not None else None

    async def _restore(self, job: Job, events: Sequence[JobEvent]) -> Job:
        await self._registry.restore(job, events)
        restored = self._registry.jobs[job.id]
        await recovery.resume(self._context, self._exporter, self._downloads, [restored])
        return self._registry.jobs[job.id]

    async def restore_last(self) -> Job | None:
        """Restores the job that was removed last, by this or an earlier run; None if there is none.

        Raises:
            StoreError: It could not be restored.
        """
        for job, events in (await self._registry.store.removed())[:1]:
            return await self._restore(job, events)
        return None
