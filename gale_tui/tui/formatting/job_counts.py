"""How many jobs run, are saved, have failed: counted as they change, not all each time."""

from __future__ import annotations

from collections.abc import Iterable

from gale_tui.core.models import DownloadState, Job, JobChange, JobState
from gale_tui.tui.formatting.job_text import is_unsaved

_RUNNING = (JobState.REQUESTING, JobState.WAITING, JobState.RUNNING)
_FAILED = (JobState.FAILED, JobState.REJECTED, JobState.UNCONFIRMED, JobState.LOST)


class JobCounts:
    """The counts of the header and the terminal's title."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[bool, bool, bool]] = {}
        self.running = 0
        self.saved = 0
        self.failed = 0

    def count(self, jobs: Iterable[Job]) -> None:
        """Takes in jobs that are not counted yet."""
        for job in jobs:
            self._put(job)

    def apply(self, change: JobChange) -> None:
        if change.removed:
            self._drop(change.job.id)
        else:
            self._put(change.job)

    def _drop(self, job_id: str) -> None:
        running, saved, failed = self._kinds.pop(job_id, (False, False, False))
        self.running -= running
        self.saved -= saved
        self.failed -= failed

    def _put(self, job: Job) -> None:
        self._drop(job.id)
        saved = job.download.state is DownloadState.SAVED
        kinds = (job.state in _RUNNING, saved, job.state in _FAILED or is_unsaved(job))
        self._kinds[job.id] = kinds
        self.running += kinds[0]
        self.saved += kinds[1]
        self.failed += kinds[2]
