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


_ENDED: Final = {
    JobState.FAILED: Outcome.FAILED,
    JobState.UNCONFIRMED: Outcome.UNCONFIRMED,
    JobState.LOST: Outcome.LOST,
}


def outcome_of(job: Job) -> Outcome:
    """What became of a settled job; of any other that it is unfinished."""
    if job.state is JobState.REJECTED:
        return Outcome.NOT_SENT if job.unsent else Outcome.REJECTED
    if job.state is not JobState.SUCCEEDED:
        return _ENDED.get(job.state, Outcome.UNFINISHED)
    download = job.download
    match download.state:
        case DownloadState.SAVED:
            return Outcome.SAVED
        case DownloadState.NONE:
            return Outcome.UNFINISHED if job.save_when_ready else Outcome.READY
        case DownloadState.RESUMABLE:
            return Outcome.NOT_SAVED if download.next_try_at is None else Outcome.UNFINISHED
        case DownloadState.EXPIRED | DownloadState.FAILED:
            return Outcome.NOT_SAVED
    return Outcome.UNFINISHED


def is_settled(job: Job) -> bool:
    """True where nothing more will happen to the job and its file by itself."""
    return outcome_of(job) is not Outcome.UNFINISHED
