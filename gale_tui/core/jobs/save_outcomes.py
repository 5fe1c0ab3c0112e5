"""What a download's end makes of the job: pure functions of the job in the history."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from gale_tui.core.jobs.hints import hint
from gale_tui.core.models import DownloadState, Job, JobState

if TYPE_CHECKING:
    from gale_tui.core.downloads.download import SavedFile

__all__ = [
    "EXPORT_AGAIN",
    "GO_ON",
    "THEN_SAVE",
    "broken",
    "left_behind",
    "running",
    "saved",
    "unwanted",
    "waits",
    "wanted_again",
    "without_link",
]

EXPORT_AGAIN = f"Export again{hint('export_again')}"
GO_ON = f"The download can go on{hint('download')}"
THEN_SAVE = f"Then save it again{hint('download')}"
"""Ends what is said of a file that the disk did not take."""

Change = Callable[[Job], Job]

_OVER = (DownloadState.NONE, DownloadState.SAVED, DownloadState.FAILED)


def unwanted(job: Job) -> bool:
    """True where nobody waits for the file (any more)."""
    return job.state is not JobState.SUCCEEDED or job.download.state in _OVER


def running(job: Job) -> Job:
    """The file is being received."""
    if unwanted(job):
        return job
    return job.with_download(state=DownloadState.RUNNING, error="", next_try_at=None)


def wanted_again(job: Job) -> Job:
    """The user asks for the file; a saved one is fetched once more, under another name."""
    if job.download.state is DownloadState.SAVED:
        return job.with_download(
            state=DownloadState.WANTED, part=None, received=0, size=None, validator=None, error="", next_try_at=None
        )
    return job.with_download(state=DownloadState.WANTED, error="", next_try_at=None)


def waits(state: DownloadState, error: str, next_try_at: float | None) -> Change:
    """It is not here yet; the part is kept."""
    return lambda job: job if unwanted(job) else job.with_download(state=state, error=error, next_try_at=next_try_at)


def left_behind(job: Job) -> Job:
    """The process that received it has ended; the user may go on with it."""
    if job.download.state is not DownloadState.RUNNING:
        return job
    error = f"gale-tui ended before it was whole. {GO_ON}"
    return job.with_download(state=DownloadState.RESUMABLE, error=error, next_try_at=None)


def broken(error: str) -> Change:
    """It will not work by trying again as it is, and nothing of it is kept."""

    def change(job: Job) -> Job:
        if unwanted(job):
            return job
        job = job.with_download(
            state=DownloadState.FAILED, error=error, part=None, received=0, validator=None, next_try_at=None
        )
        return _still_saved(job)

    return change


def without_link(state: DownloadState, error: str) -> Change:
    """There is no link that works."""

    def change(job: Job) -> Job:
        if unwanted(job):
            return job
        job = job.with_download(state=state, error=error, next_try_at=None)
        return _still_saved(dataclasses.replace(job, download_url=None))

    return change


def _still_saved(job: Job) -> Job:
    """A file that was saved before is still there, when fetching it once more has failed."""
    download = job.download
    if download.sha256 is None or download.path is None:
        return job
    return job.with_download(state=DownloadState.SAVED, error=f"not saved again: {download.error}", part=None)


def saved(file: SavedFile, now: float) -> Change:
    """The file is verified and has its name."""

    def change(job: Job) -> Job:
        job = job.with_download(
            state=DownloadState.SAVED,
            path=file.path,
            part=None,
            received=file.size,
            size=file.size,
            validator=None,
            sha256=file.sha256,
            error="",
            next_try_at=None,
            saved_at=now,
        )
        # The signed link has done its work: it is a secret that is no longer needed.
        return dataclasses.replace(job, name=job.name or file.name or None, download_url=None, note="")

    return change
