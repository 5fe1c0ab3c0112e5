"""Going on with what an earlier run, or a process that has died since, left unfinished."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gale_tui.core.clock import Clock
from gale_tui.core.jobs.download_queue import DownloadQueue
from gale_tui.core.jobs.exporter import Exporter
from gale_tui.core.jobs.job_registry import JobRegistry
from gale_tui.core.models import DownloadState, Job, JobState

__all__ = ["Recovery"]

PATIENCE = 10.0
"""Seconds that another process has to go on with what is its own before it is looked at."""


class Recovery:
    """Takes up waiting and abandoned POSTs and unfinished downloads. Leases decide who does what.

    Args:
        registry: The jobs.
        exporter: Sends and waits.
        downloads: Fetches files.
        clock: The time.
        readonly: Nothing is sent that changes the server.
        track: Begins to poll a job.
    """

    def __init__(
        self,
        registry: JobRegistry,
        exporter: Exporter,
        downloads: DownloadQueue,
        *,
        clock: Clock,
        readonly: bool,
        track: Callable[[Job], None],
    ) -> None:
        self._registry = registry
        self._exporter = exporter
        self._downloads = downloads
        self._clock = clock
        self._readonly = readonly
        self._track = track

    async def resume(self, jobs: Iterable[Job]) -> None:
        """At the start: what is unfinished goes on at once.

        Raises:
            StoreError: The history could not be read or written.
        """
        for job in jobs:
            if self._exporter.under_way(job.id):
                continue
            if job.state is JobState.REQUESTING:
                await self._exporter.left_behind(job)
            elif job.state is JobState.WAITING and not self._readonly:
                self._exporter.go_on(job)
            self._track(job)
            await self._download(job)
            if job.download.state is DownloadState.RESUMABLE and job.save_when_ready:
                self._downloads.start(job.id)

    async def resume_abandoned(self) -> None:
        """From time to time: what belonged to a process that is no longer there.

        Raises:
            StoreError: The history could not be read or written.
        """
        now = self._clock.time()
        for job in list(self._registry.jobs.values()):
            if self._exporter.under_way(job.id) or self._downloads.under_way(job.id):
                continue
            if job.state is JobState.REQUESTING and now - job.created_at > PATIENCE:
                await self._exporter.left_behind(job)
            elif job.state is JobState.WAITING and not self._readonly and now - (job.resume_at or now) > PATIENCE:
                self._exporter.go_on(job)
            elif job.state is JobState.SUCCEEDED:
                await self._download(job)

    async def _download(self, job: Job) -> None:
        if job.state is not JobState.SUCCEEDED or self._downloads.under_way(job.id):
            return
        download = job.download
        if download.state in (DownloadState.WANTED, DownloadState.NOT_READY):
            self._downloads.start(job.id)
        elif download.state is DownloadState.RUNNING:
            if job.save_when_ready:
                self._downloads.start(job.id)
            else:
                await self._downloads.left_behind(job.id)
        elif download.state is DownloadState.RESUMABLE and download.next_try_at is not None:
            self._downloads.start(job.id)
