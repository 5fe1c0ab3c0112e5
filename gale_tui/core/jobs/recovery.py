"""Resumes what an earlier run, or a process that has ended since, left unfinished. Leases decide who does it."""

from __future__ import annotations

from collections.abc import Iterable

from gale_tui.core.jobs import transitions
from gale_tui.core.jobs.context import JobContext
from gale_tui.core.jobs.download_queue import DownloadQueue
from gale_tui.core.jobs.exporter import Exporter
from gale_tui.core.models import DownloadState, Job, JobState

PATIENCE = 10.0
"""Seconds that another process has for its own jobs before they count as abandoned."""


class Recovery:
    """Resumes waiting and abandoned POSTs and unfinished downloads."""

    def __init__(self, context: JobContext, exporter: Exporter, downloads: DownloadQueue) -> None:
        self._context = context
        self._exporter = exporter
        self._downloads = downloads

    async def resume(self, jobs: Iterable[Job]) -> None:
        """Resumes unfinished jobs at once; for the start.

        Raises:
            StoreError: The history could not be read or written.
        """
        for job in jobs:
            if self._exporter.is_under_way(job.id):
                continue
            if job.state is JobState.REQUESTING:
                await self._exporter.mark_abandoned(job)
            elif job.state is JobState.WAITING and not self._context.readonly:
                self._exporter.resume(job)
            self._context.track(job)
            await self._resume_download(job)
            if job.download.state is DownloadState.RESUMABLE and job.save_when_ready:
                self._downloads.start(job.id)

    async def resume_abandoned(self) -> None:
        """Resumes what belonged to a process that is no longer there; to be called from time to time.

        Raises:
            StoreError: The history could not be read or written.
        """
        for job in list(self._context.registry.jobs.values()):
            if self._exporter.is_under_way(job.id) or self._downloads.is_under_way(job.id):
                continue
            if job.state is JobState.REQUESTING and self._context.clock.time() - job.created_at > PATIENCE:
                await self._exporter.mark_abandoned(job)
            elif job.state is JobState.WAITING and not self._context.readonly:
                if self._context.deadlines.remaining(job) < -PATIENCE:
                    self._exporter.resume(job)
            elif job.state is JobState.SUCCEEDED:
                await self._resume_download(job)

    async def _resume_download(self, job: Job) -> None:
        if job.state is not JobState.SUCCEEDED or self._downloads.is_under_way(job.id):
            return
        download = job.download
        if download.state in (DownloadState.WANTED, DownloadState.NOT_READY):
            self._downloads.start(job.id)
        elif download.state is DownloadState.RUNNING:
            if job.save_when_ready:
                self._downloads.start(job.id)
            else:
                event = "gale-tui ended before the file was whole"
                registry = self._context.registry
                await registry.change_if_free(job.id, "download", transitions.mark_download_left, event)
        elif download.state is DownloadState.RESUMABLE and download.next_try_at is not None:
            self._downloads.start(job.id)
