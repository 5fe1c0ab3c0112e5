"""What `gale-tui export` exits with."""

from __future__ import annotations

from typing import Final

from gale_tui.core.batch.report import BatchAccount, BatchEntry, Outcome, outcome_of
from gale_tui.core.models import DownloadReason, DownloadState, Job, JobReason

SAVED: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NETWORK: Final = 3
AUTHENTICATION: Final = 4
TIMEOUT: Final = 5
NOT_SAVED: Final = 6
UNCONFIRMED: Final = 7
INTERRUPTED: Final = 130

_REJECTED: Final[dict[JobReason | None, int]] = {
    JobReason.KEY_REFUSED: AUTHENTICATION,
    JobReason.KEY_MISSING: AUTHENTICATION,
    JobReason.NOT_ALLOWED: AUTHENTICATION,
    JobReason.NOT_FOUND: USAGE,
    JobReason.NOT_GALE: USAGE,
    JobReason.CONFLICT: USAGE,
    JobReason.BAD_REQUEST: USAGE,
    JobReason.CONFIGURATION: USAGE,
}


def exit_code(job: Job) -> int:
    """The code of a settled job, or of one that was waited for too long."""
    match outcome_of(job):
        case Outcome.SAVED | Outcome.READY:
            return SAVED
        case Outcome.FAILED:
            return FAILED
        case Outcome.REJECTED | Outcome.NOT_SENT:
            return _REJECTED.get(job.reason_code, NETWORK)
        case Outcome.UNCONFIRMED:
            return UNCONFIRMED
        case Outcome.LOST:
            return NETWORK
        case Outcome.NOT_SAVED:
            return _not_saved(job)
    return TIMEOUT


def _not_saved(job: Job) -> int:
    download = job.download
    if download.state is DownloadState.RESUMABLE:
        # The disk's fault asks for something to be done first, a line that dropped only another try.
        return NOT_SAVED if download.reason_code is DownloadReason.DISK else NETWORK
    return NETWORK if download.state is DownloadState.EXPIRED else NOT_SAVED


def account_code(account: BatchAccount) -> int:
    """The highest of all; lines that named no tool are a usage error."""
    codes = [_entry_code(entry) for entry in account.entries]
    return max([*codes, USAGE if account.bad else SAVED], default=SAVED)


def _entry_code(entry: BatchEntry) -> int:
    if entry.outcome in (None, Outcome.UNFINISHED, Outcome.NOT_STARTED):
        return entry.error.exit_code if entry.error is not None else TIMEOUT
    return exit_code(entry.job) if entry.job is not None else TIMEOUT
