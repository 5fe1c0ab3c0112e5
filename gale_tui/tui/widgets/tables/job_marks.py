"""Which jobs of the table are marked."""

from __future__ import annotations

from collections.abc import Callable

from gale_tui.core.models import Job
from gale_tui.tui.widgets.tables.job_rows import JobRows


class JobMarks:
    """The marks of a table's jobs.

    Args:
        changed: Called with the ids of jobs that are marked or unmarked.
    """

    def __init__(self, rows: JobRows, changed: Callable[[frozenset[str]], None]) -> None:
        self._rows = rows
        self._changed = changed
        self._last: str | None = None
        self.ids: frozenset[str] = frozenset()
        """Of all marked jobs, those that the filter hides included."""

    @property
    def jobs(self) -> list[Job]:
        """The marked jobs that the filter lets through, from the top."""
        return [job for job in self._rows.shown_jobs if job.id in self.ids] if self.ids else []

    def toggle(self, job_id: str) -> None:
        if job_id in self._rows.jobs:
            self._last = job_id
            self._set(self.ids ^ {job_id})

    def mark_all(self) -> None:
        """Marks all jobs shown; none if they all are marked."""
        shown = {job.id for job in self._rows.shown_jobs}
        self._set(self.ids - shown if shown <= self.ids else self.ids | shown)

    def mark_range(self, job_id: str) -> None:
        """Marks from the job that was marked last to this one."""
        here = self._rows.row_of(job_id)
        if here is None:
            return
        last = self._rows.row_of(self._last) if self._last is not None else None
        first, end = sorted((here, here if last is None else last))
        self._last = job_id
        self._set(self.ids | {self._rows.at(row).id for row in range(first, end + 1)})

    def clear(self) -> None:
        self._set(frozenset())

    def drop_unknown(self) -> None:
        self.ids &= self._rows.jobs.keys()

    def _set(self, ids: frozenset[str]) -> None:
        changed, self.ids = self.ids ^ ids, ids
        self._changed(changed)
