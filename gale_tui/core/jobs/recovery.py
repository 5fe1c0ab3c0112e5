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


async def resume(
    context: JobContext, exporter: Exporter, downloads: DownloadQueue, jobs: Iterable[Job], patience: float = 0.0
) -> None:
    """Resumes unfinished jobs that no other process works on.

    Args:
        patience: Seconds that another process has for its own jobs before they count as abandoned; 0.0 at the start,
            when a download continues that an error had stopped.

    Raises:
        StoreError: The history could not be read or written.
    """
    for job in tuple(jobs):
        if exporter.is_under_way(job.id) or downloads.is_under_way(job.id):
            continue
        if job.state is JobState.REQUESTING:
            if not patience or context.clock.time() - job.created_at > patience:
                await exporter.mark_abandoned(job)
        elif job.state is JobState.WAITING and not context.readonly:
            if not patience or context.deadlines.remaining(job) < -patience:
                exporter.resume(job)
        elif job.state is JobState.SUCCEEDED:
            await _resume_download(context, downloads, job, job.save_when_ready and not patience)
        context.track(job)


async def _resume_download(context: JobContext, downloads: DownloadQueue, job: Job, goes_on: bool) -> None:
    download = job.download
    resumes = download.state is DownloadState.RESUMABLE and (goes_on or download.next_try_at is not None)
    if download.state is DownloadState.RUNNING and not job.save_when_ready:
        event = "gale-tui ended before the file was whole"
        await context.registry.change_if_free(job.id, "download", transitions.mark_download_left, event)
    elif resumes or download.state in (DownloadState.WANTED, DownloadState.NOT_READY, DownloadState.RUNNING):
        downloads.start(job.id)
