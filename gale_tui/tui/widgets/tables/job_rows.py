"""Which jobs a table shows, and in what order: kept sorted and filtered so that one more job costs next to nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable

from gale_tui.core.models import Job
from gale_tui.tui.widgets.tables.columns import SortKey, sort_key


class JobRows:
    """All jobs, and those of them that are shown as rows.

    A job that changes keeps its row: order and filter are applied when either is set, not when a status moves.
    Internally the order is ascending and read from the end where it is reversed, so that the newest is appended.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        """All jobs by id, shown or not."""
        self._keys: dict[str, SortKey] = {}
        self._order: list[str] = []
        self._shown: list[str] = []
        self._match: Callable[[Job], bool] | None = None
        self.sort_column = "started"
        self.sort_reverse = True

    def __len__(self) -> int:
        return len(self._shown)

    @property
    def shown_jobs(self) -> list[Job]:
        """The jobs that the filter lets through, from the top."""
        return [self.at(row) for row in range(len(self))]

    def at(self, row: int) -> Job:
        """The job of a row, counted from the top."""
        return self.jobs[self._shown[-1 - row if self.sort_reverse else row]]

    def row_of(self, job_id: str) -> int | None:
        """The row of a job; None if it is not shown."""
        place = self._place(self._shown, job_id) if job_id in self.jobs else len(self)
        if self._shown[place : place + 1] != [job_id]:
            return None
        return len(self) - 1 - place if self.sort_reverse else place

    def matches(self, job: Job) -> bool:
        return self._match is None or self._match(job)

    def replace_all(self, jobs: Iterable[Job]) -> None:
        """Replaces all jobs by these."""
        self.jobs = {job.id: job for job in jobs}
        self._sort()

    def add(self, job: Job) -> int | None:
        """Adds a job; returns its row, or None if the filter hides it."""
        self.jobs[job.id] = job
        self._keys[job.id] = sort_key(job, self.sort_column, self.sort_reverse)
        self._order.insert(self._place(self._order, job.id), job.id)
        return self.reveal(job.id) if self.matches(job) else None

    def remove(self, job_id: str) -> int | None:
        """Removes a job; returns the row that it had, or None."""
        if job_id not in self.jobs:
            return None
        row = self.hide(job_id)
        del self._order[self._place(self._order, job_id)]
        del self.jobs[job_id], self._keys[job_id]
        return row

    def hide(self, job_id: str) -> int | None:
        """Hides a job's row; returns the row that it had, or None."""
        row = self.row_of(job_id)
        if row is not None:
            del self._shown[self._place(self._shown, job_id)]
        return row

    def reveal(self, job_id: str) -> int | None:
        """Shows a hidden job as a row; returns that row."""
        self._shown.insert(self._place(self._shown, job_id), job_id)
        return self.row_of(job_id)

    def set_filter(self, match: Callable[[Job], bool] | None) -> None:
        """Shows the jobs that match; all for None."""
        self._match = match
        self._filter()

    def set_sort(self, column: str, reverse: bool) -> None:
        self.sort_column, self.sort_reverse = column, reverse
        self._sort()

    def _sort(self) -> None:
        column, reverse = self.sort_column, self.sort_reverse
        self._keys = {job.id: sort_key(job, column, reverse) for job in self.jobs.values()}
        self._order = sorted(self._keys, key=self._keys.__getitem__)
        self._filter()

    def _filter(self) -> None:
        self._shown = [job_id for job_id in self._order if self.matches(self.jobs[job_id])]

    def _place(self, ids: list[str], job_id: str) -> int:
        """The place of a job among the sorted ones, or where to insert it."""
        return bisect_left(ids, self._keys[job_id], key=self._keys.__getitem__)
