"""What became of a job and its file, once nothing more happens by itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from gale_tui.core.models import DownloadState, Job, JobState


class Outcome(StrEnum):
    """What an account counts."""

    SAVED = "saved"
    READY = "ready"
    """It succeeded; its file was not wanted by itself."""
    FAILED = "failed"
    """GALE said FAILED."""
    REJECTED = "rejected"
    """GALE refused the export: nothing was started."""
    NOT_SENT = "not sent"
    """GALE was not reached, or there was no key: nothing was started."""
    UNCONFIRMED = "unconfirmed"
    LOST = "lost"
    """GALE no longer knows the job."""
    NOT_SAVED = "not saved"
    """It succeeded, and the file could not be kept."""
    UNFINISHED = "unfinished"
    """It goes on; nobody waits for it any longer."""
    NOT_STARTED = "not started"
    """Nothing was sent."""


GOOD: Final = (Outcome.SAVED, Outcome.READY)
"""What needs nobody's attention."""


def is_settled(job: Job) -> bool:
    """True where nothing more will happen to the job and its file by itself."""
    if job.state in (JobState.FAILED, JobState.REJECTED, JobState.UNCONFIRMED, JobState.LOST):
        return True
    if job.state is not JobState.SUCCEEDED:
        return False
    download = job.download
    if download.state is DownloadState.RESUMABLE:
        return download.next_try_at is None
    if download.state is DownloadState.NONE:
        return not job.save_when_ready
    return download.state in (DownloadState.SAVED, DownloadState.EXPIRED, DownloadState.FAILED)


def outcome_of(job: Job) -> Outcome:
    """What became of a settled job; of any other that it is unfinished."""
    if not is_settled(job):
        return Outcome.UNFINISHED
    match job.state:
        case JobState.FAILED:
            return Outcome.FAILED
        case JobState.REJECTED:
            return Outcome.NOT_SENT if job.unsent else Outcome.REJECTED
        case JobState.UNCONFIRMED:
            return Outcome.UNCONFIRMED
        case JobState.LOST:
            return Outcome.LOST
    if job.download.state is DownloadState.NONE:
        return Outcome.READY
    return Outcome.SAVED if job.download.state is DownloadState.SAVED else Outcome.NOT_SAVED
