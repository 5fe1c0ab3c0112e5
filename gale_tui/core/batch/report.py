"""The account of a batch: the outcome of each of its tools, and a sentence about all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gale_tui.core.batch.tools import BadLine, BatchTool
from gale_tui.core.errors import GaleError
from gale_tui.core.models import DownloadState, Job, JobState


class Outcome(StrEnum):
    """The outcomes that an account counts."""

    SAVED = "saved"
    READY = "ready"
    """It succeeded; its file was not to be saved automatically."""
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
    """It is still running; the wait for it timed out."""
    NOT_STARTED = "not started"
    """Nothing was sent."""


GOOD: Final = (Outcome.SAVED, Outcome.READY)
"""Outcomes that need nobody's attention."""


_ENDED: Final = {
    JobState.FAILED: Outcome.FAILED,
    JobState.UNCONFIRMED: Outcome.UNCONFIRMED,
    JobState.LOST: Outcome.LOST,
}


def outcome_of(job: Job) -> Outcome:
    """The outcome of a settled job; UNFINISHED for any other."""
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
    """True if nothing more happens to the job and its file without the user."""
    return outcome_of(job) is not Outcome.UNFINISHED


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """One tool of a batch, and its outcome so far."""

    tool: BatchTool
    outcome: Outcome | None = None
    """None while it is not yet known."""
    job: Job | None = None
    """None if there is no row: not started yet, or never."""
    unchanged: bool | None = None
    """True if its saved file holds the same as the one saved before; None if nothing can be compared."""
    why: str = ""
    """Why it was not started, or why the wait for it ended: a sentence."""
    error: GaleError | None = None
    """The error that kept it from being started."""


@dataclass(frozen=True, slots=True)
class BatchAccount:
    """The state of a batch; at its end, the exact account."""

    name: str
    """Of the set, or of the batch; may be empty."""
    entries: tuple[BatchEntry, ...]
    bad: tuple[BadLine, ...] = ()
    """Invalid lines."""
    stopped: str = ""
    """Why no more are started, a sentence; empty if all were."""

    def count(self, outcome: Outcome) -> int:
        return sum(1 for entry in self.entries if entry.outcome is outcome)

    @property
    def unchanged(self) -> int:
        """How many saved files hold the same as the ones before."""
        return sum(1 for entry in self.entries if entry.unchanged)

    @property
    def sentence(self) -> str:
        """The whole account in a line: `37 saved (35 unchanged) · 1 failed · 2 lines wrong`."""
        counts = Counter(entry.outcome for entry in self.entries)
        parts = [_saved(counts[Outcome.SAVED], self.unchanged)]
        waiting = sum(1 for entry in self.entries if entry.outcome is None and entry.job is None)
        if running := counts[None] - waiting:
            parts.append(f"{running} running")
        counts[Outcome.NOT_STARTED] += waiting
        parts += [f"{counts[each]} {each}" for each in Outcome if each is not Outcome.SAVED and counts[each]]
        if self.bad:
            parts.append(f"{len(self.bad)} line{'s' if len(self.bad) != 1 else ''} invalid")
        return " · ".join(parts)

    @property
    def progress(self) -> str:
        """One line while it runs: `17 of 40 · 12 saved · 1 failed`."""
        counts = Counter(entry.outcome for entry in self.entries)
        parts = [f"{len(self.entries) - counts[None]} of {len(self.entries)}"]
        if counts[Outcome.SAVED]:
            parts.append(_saved(counts[Outcome.SAVED], self.unchanged))
        parts += [f"{counts[each]} {each}" for each in Outcome if each is not Outcome.SAVED and counts[each]]
        return " · ".join(parts)

    @property
    def not_good(self) -> Iterable[BatchEntry]:
        """The tools that are known not to be saved, in the order of the list."""
        return (entry for entry in self.entries if entry.outcome is not None and entry.outcome not in GOOD)


def _saved(saved: int, unchanged: int) -> str:
    return f"{saved} saved ({unchanged} unchanged)" if unchanged else f"{saved} saved"
