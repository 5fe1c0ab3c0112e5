"""The exit codes of `gale-tui export`."""

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


_CODES: Final = {
    Outcome.SAVED: SAVED,
    Outcome.READY: SAVED,
    Outcome.FAILED: FAILED,
    Outcome.UNCONFIRMED: UNCONFIRMED,
    Outcome.LOST: NETWORK,
}


def exit_code(job: Job) -> int:
    """The code of a settled job, or of one that timed out."""
    outcome, download = outcome_of(job), job.download
    if outcome in (Outcome.REJECTED, Outcome.NOT_SENT):
        return _REJECTED.get(job.reason_code, NETWORK)
    if outcome is Outcome.NOT_SAVED:
        # A fault of the disk needs the user first; after a cut connection another try may be enough.
        cut = download.state is DownloadState.RESUMABLE and download.reason_code is not DownloadReason.DISK
        return NETWORK if cut or download.state is DownloadState.EXPIRED else NOT_SAVED
    return _CODES.get(outcome, TIMEOUT)


def account_code(account: BatchAccount) -> int:
    """The highest code of all tools; invalid lines are a usage error."""
    codes = [_entry_code(entry) for entry in account.entries]
    return max([*codes, USAGE if account.bad else SAVED], default=SAVED)


def _entry_code(entry: BatchEntry) -> int:
    if entry.outcome in (None, Outcome.UNFINISHED, Outcome.NOT_STARTED):
        return entry.error.exit_code if entry.error is not None else TIMEOUT
    return exit_code(entry.job) if entry.job is not None else TIMEOUT
