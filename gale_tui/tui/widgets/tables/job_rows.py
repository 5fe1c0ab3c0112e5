"""Which jobs a table shows, and in what order: kept sorted and filtered so that one more job costs next to nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from gale_tui.core.models import Job
from gale_tui.tui.widgets.tables.columns import COLUMNS, SortKey, sort_key


class JobRows:
    """All jobs, and those of them that are shown as rows.

    A job that changes keeps its row: order and filter are applied when either is set, not when a status moves.
    Internally the order is ascending and read from the end where it is reversed, so that the newest is appended.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._keys: dict[str, SortKey] = {}
        self._order: list[str] = []
        self._shown: list[str] = self._order
        self._places: dict[str, int] | None = {}
        self._match: Callable[[Job], bool] | None = None
        self.sort_column = "started"
        self.sort_reverse = True

    def __len__(self) -> int:
        return len(self._shown)

    @property
    def jobs(self) -> Mapping[str, Job]:
        """All jobs by id, shown or not."""
        return MappingProxyType(self._jobs)

    @property
    def shown_jobs(self) -> list[Job]:
        """The jobs that the filter lets through, from the top."""
        return [self.at(row) for row in range(len(self))]

    @property
    def filtered(self) -> bool:
        return self._match is not None

    def at(self, row: int) -> Job:
        """The job of a row, counted from the top.

        Raises:
            IndexError: There is no such row.
        """
        count = len(self._shown)
        if not 0 <= row < count:
            raise IndexError(row)
        return self._jobs[self._shown[count - 1 - row if self.sort_reverse else row]]

    def row_of(self, job_id: str) -> int | None:
        """The row of a job; None where it is not shown."""
        if self._places is None:
            self._places = {shown: place for place, shown in enumerate(self._shown)}
        place = self._places.get(job_id)
        if place is None:
            return None
        return len(self._shown) - 1 - place if self.sort_reverse else place

    def matches(self, job: Job) -> bool:
        return self._match is None or self._match(job)

    def replace_all(self, jobs: Iterable[Job]) -> None:
        """Forgets what was and takes these."""
        self._jobs = {job.id: job for job in jobs}
        self._sort()

    def update(self, job: Job) -> None:
        """Takes a new snapshot of a job that is known; its row stays where it is."""
        self._jobs[job.id] = job

    def add(self, job: Job) -> int | None:
        """Takes a further job; its row, or None where the filter hides it."""
        key = sort_key(job, self.sort_column, self.sort_reverse)
        self._jobs[job.id] = job
        self._keys[job.id] = key
        self._insert(self._order, job.id, key)
        if self._shown is not self._order:
            if not self.matches(job):
                return None
            self._insert(self._shown, job.id, key)
        return self.row_of(job.id)

    def remove(self, job_id: str) -> int | None:
        """Forgets a job; the row that it had, or None."""
        if job_id not in self._jobs:
            return None
        row = self.hide(job_id) if self._shown is not self._order else self.row_of(job_id)
        self._order.remove(job_id)
        self._places = None
        del self._jobs[job_id], self._keys[job_id]
        return row

    def hide(self, job_id: str) -> int | None:
        """Takes a job out of the rows of a filter; the row that it had, or None."""
        row = self.row_of(job_id)
        if row is None or self._shown is self._order:
            return None
        self._shown.remove(job_id)
        self._places = None
        return row

    def reveal(self, job_id: str) -> int | None:
        """Puts a job that now matches among the rows of a filter; its row, or None where it was there already."""
        if self._shown is self._order or self.row_of(job_id) is not None:
            return None
        self._insert(self._shown, job_id, self._keys[job_id])
        return self.row_of(job_id)

    def set_filter(self, match: Callable[[Job], bool] | None) -> None:
        """Shows the jobs that match; all for None."""
        self._match = match
        self._filter()

    def set_sort(self, column: str, reverse: bool) -> None:
        """Sorts all rows.

        Raises:
            ValueError: There is no such column.
        """
        if column not in COLUMNS:
            raise ValueError(f"no column is called {column!r}")
        self.sort_column, self.sort_reverse = column, reverse
        self._sort()

    def _sort(self) -> None:
        column, reverse = self.sort_column, self.sort_reverse
        self._keys = {job.id: sort_key(job, column, reverse) for job in self._jobs.values()}
        self._order = sorted(self._keys, key=self._keys.__getitem__)
        self._filter()

    def _filter(self) -> None:
        match, jobs = self._match, self._jobs
        self._shown = self._order if match is None else [job_id for job_id in self._order if match(jobs[job_id])]
        self._places = None

    def _insert(self, ids: list[str], job_id: str, key: SortKey) -> None:
        place = bisect_left(ids, key, key=self._keys.__getitem__)
        if place == len(ids) and self._places is not None and ids is self._shown:
            self._places[job_id] = place
        elif ids is self._shown:
            self._places = None
        ids.insert(place, job_id)
