"""How many jobs run, are saved, have failed: counted as they change, not all each time."""

from __future__ import annotations

from collections.abc import Iterable

from gale_tui.core.models import DownloadState, Job, JobChange, JobState
from gale_tui.tui.formatting.job_text import is_unsaved

_RUNNING = (JobState.REQUESTING, JobState.WAITING, JobState.RUNNING)
_FAILED = (JobState.FAILED, JobState.REJECTED, JobState.UNCONFIRMED, JobState.LOST)


_NONE = (False, False, False)


class JobCounts:
    """The counts of the header and the terminal's title."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[bool, bool, bool]] = {}
        self.running = 0
        self.saved = 0
        self.failed = 0

    def count(self, jobs: Iterable[Job]) -> None:
        """Adds jobs that are not counted yet."""
        for job in jobs:
            self._set(job.id, _kinds(job))

    def apply(self, change: JobChange) -> None:
        self._set(change.job.id, _NONE if change.removed else _kinds(change.job))

    def _set(self, job_id: str, kinds: tuple[bool, bool, bool]) -> None:
        before, self._kinds[job_id] = self._kinds.get(job_id, _NONE), kinds
        self.running += kinds[0] - before[0]
        self.saved += kinds[1] - before[1]
        self.failed += kinds[2] - before[2]


def _kinds(job: Job) -> tuple[bool, bool, bool]:
    """The counts that a job belongs to: running, saved, failed."""
    saved = job.download.state is DownloadState.SAVED
    return job.state in _RUNNING, saved, job.state in _FAILED or is_unsaved(job)
