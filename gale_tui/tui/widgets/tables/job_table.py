"""The table of export jobs, whose rows on screen are drawn from snapshots."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.strip import Strip

from gale_tui.core.models import Job, JobChange
from gale_tui.tui.formatting.job_text import JobFacts
from gale_tui.tui.formatting.pieces import Piece
from gale_tui.tui.widgets.tables.columns import Column, columns_for, header_pieces, row_pieces
from gale_tui.tui.widgets.tables.job_rows import JobRows
from gale_tui.tui.widgets.tables.row_scroll import RowScroll

OTHERS_TICK = 5
"""Seconds between two repaints of the rows without the cursor."""


class JobTable(RowScroll):
    """Export jobs, one a row, under a header whose titles run the screen's action `sort_by` when clicked.

    The cursor belongs to a job, not to a row: it stays on it whatever is inserted, forgotten, sorted or filtered.
    """

    auto_links = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Details", show=False)]

    empty_text = reactive("No exports yet\nPress n to start one.")
    """The text of a table without jobs; its first line is the heading."""
    no_match_text = reactive("Nothing matches the filter\nesc clears it.")
    """The text if the filter hides every job."""

    def __init__(self, *, id: str | None = None, facts_of: Callable[[Job, float], JobFacts] = JobFacts) -> None:
        """Makes a table without jobs.

        Args:
            facts_of: Returns the facts that a job's row is drawn from at a time.
        """
        super().__init__(id=id)
        self._facts_of = facts_of
        self.rows = JobRows()
        self._now = time.time()
        self._current: str | None = None
        self.marked: frozenset[str] = frozenset()
        """Ids of all marked jobs, those that the filter hides included."""
        self._last_marked = ""

    # Display

    @property
    def current(self) -> Job | None:
        return self.rows.jobs.get(self._current) if self._current is not None else None

    @property
    def cursor_in_view(self) -> bool:
        """Returns False if the cursor's row was scrolled out of sight."""
        return self.cursor_row() in self.visible_rows()

    def set_jobs(self, jobs: Iterable[Job]) -> None:
        """Takes a whole set of jobs in place of the present one."""
        self.rows.replace_all(jobs)
        self.marked &= self.rows.jobs.keys()
        self._rows_replaced()

    def set_filter(self, match: Callable[[Job], bool] | None) -> None:
        """Shows only the jobs that match; all for None."""
        self.rows.set_filter(match)
        self._rows_replaced()

    def set_sort(self, column: str, reverse: bool) -> None:
        self.rows.set_sort(column, reverse)
        self._rows_replaced()

    def apply(self, change: JobChange) -> None:
        """Applies one change: repaints, inserts or removes its row."""
        job = change.job
        if change.removed:
            row = self.rows.remove(job.id)
            self.marked -= {job.id}
            self._removed(row)
            return
        if job.id not in self.rows.jobs:
            self._inserted(self.rows.add(job))
            return
        # Its row stays where it is.
        self.rows.jobs[job.id] = job
        row = self.rows.row_of(job.id)
        if row is None:
            if self.rows.matches(job):
                self._inserted(self.rows.reveal(job.id))
        elif job.id != self._current and not self.rows.matches(job):
            self._removed(self.rows.hide(job.id))
        else:
            self.refresh_rows(row)

    def tick(self, now: float) -> None:
        """Takes the time (seconds since the epoch) and repaints the row with the cursor, or all on screen."""
        before, self._now = self._now, now
        if int(before) // OTHERS_TICK != int(now) // OTHERS_TICK:
            self.refresh_rows(*self.visible_rows())
        elif self.current is not None and not self.current.state.final:
            self.refresh_rows(self.cursor_row())

    def repaint_jobs(self, job_ids: Iterable[str]) -> None:
        self.refresh_rows(*map(self.rows.row_of, job_ids))

    def select(self, job_id: str) -> None:
        """Puts the cursor on a job and scrolls it into view; nothing if the job is not shown."""
        row = self.rows.row_of(job_id)
        if row is not None:
            self.move_to(row)

    # Marks

    @property
    def marked_jobs(self) -> list[Job]:
        """The marked jobs that the filter lets through, from the top."""
        return [job for job in self.rows.shown_jobs if job.id in self.marked] if self.marked else []

    def toggle_mark(self, job_id: str) -> None:
        self._last_marked = job_id
        self._set_marks(self.marked ^ {job_id})

    def mark_all(self) -> None:
        """Marks all jobs shown; none if they all are marked."""
        shown = {job.id for job in self.rows.shown_jobs}
        self._set_marks(self.marked - shown if shown <= self.marked else self.marked | shown)

    def mark_range(self, job_id: str) -> None:
        """Marks from the job that was marked last to this one."""
        rows = [row for row in map(self.rows.row_of, (self._last_marked, job_id)) if row is not None]
        self._last_marked = job_id
        self._set_marks(self.marked | {self.rows.at(row).id for row in range(min(rows), max(rows) + 1)})

    def clear_marks(self) -> None:
        self._set_marks(frozenset())

    def _set_marks(self, marked: frozenset[str]) -> None:
        changed, self.marked = self.marked ^ marked, marked
        self.repaint_jobs(changed)

    # Rows that come and go

    def _rows_replaced(self) -> None:
        self.set_line_count(len(self.rows) + 1)
        before = self._current
        if self.cursor_row() is None:
            self._current = self.rows.at(0).id if len(self.rows) else None
        row = self.cursor_row()
        if row is not None:
            self.scroll_into_view(row)
        self.refresh()
        if before or self._current:
            self.post_message(self.Highlighted())

    def _inserted(self, row: int | None) -> None:
        if row is None:
            return
        first = self._current is None
        if first:
            self._current = self.rows.at(row).id
        top = self.scroll_offset.y
        cursor = self.cursor_row()
        self.set_line_count(len(self.rows) + 1)
        # A row above what is on screen must not move it; at the very top the new row is what one wants to see.
        if row < top or (row == top and top > 0):
            self.scroll_to(y=top + 1, animate=False)
        elif cursor is not None and top <= cursor - (row <= cursor) < top + self.page_rows:
            self.scroll_into_view(cursor)
        self.refresh()
        if first:
            self.post_message(self.Highlighted())

    def _removed(self, row: int | None) -> None:
        if row is None:
            return
        under_cursor = self.current is None
        if under_cursor:
            last = len(self.rows) - 1
            self._current = self.rows.at(min(row, last)).id if last >= 0 else None
        top = self.scroll_offset.y
        self.set_line_count(len(self.rows) + 1)
        if row < top == self.scroll_offset.y:
            self.scroll_to(y=top - 1, animate=False)
        self.refresh()
        if under_cursor:
            self.post_message(self.Highlighted())

    # The cursor

    def row_count(self) -> int:
        return len(self.rows)

    def cursor_row(self) -> int | None:
        return None if self._current is None else self.rows.row_of(self._current)

    def move_to(self, row: int) -> None:
        if not len(self.rows):
            return
        row = min(len(self.rows) - 1, max(0, row))
        job, left = self.rows.at(row), self.current
        if job.id != self._current:
            old_row = self.cursor_row()
            self._current = job.id
            if left is not None and not self.rows.matches(left):
                # The filter hides it; it stayed only while the cursor was on it.
                self._removed(self.rows.hide(left.id))
                row = self.cursor_row() or 0
            else:
                self.refresh_rows(old_row)
            self.refresh_rows(row)
            self.post_message(self.Highlighted())
        self.scroll_into_view(row)

    # Painting

    @property
    def _columns(self) -> tuple[Column, ...]:
        return columns_for(self.scrollable_content_region.width)

    def render_line(self, y: int) -> Strip:
        """One line of the widget: the header, a row, or a line of what stands there instead of rows."""
        if not len(self.rows):
            text = self.no_match_text if self.rows.jobs else self.empty_text
            return self.draw_words(text.split("\n"), y, self.content_region.width)
        if y == 0:
            titles = header_pieces(self._columns, self.rows.sort_column, self.rows.sort_reverse)
            return self._strip(titles, "header")
        row = self.scroll_offset.y + y - 1
        if row >= len(self.rows):
            return Strip.blank(self.content_region.width, self.style_of())
        job = self.rows.at(row)
        pieces = row_pieces(self._facts_of(job, self._now), self._columns, marked=job.id in self.marked)
        return self._strip(pieces, "row" if job.id != self._current else "cursor" if self.has_focus else "blurred")

    def _strip(self, pieces: Sequence[Piece], ground: str) -> Strip:
        """A row's cells. Blanks take the colours of what is left of them, so that there are few segments."""
        width = self.content_region.width
        segments: list[Segment] = []
        text, style, x = "", self.style_of(pieces[0].tone, ground), 0
        for column, piece in zip(self._columns, pieces, strict=True):
            wanted = self.style_of(piece.tone, ground)
            if ground == "header":
                wanted += Style.from_meta({"@click": f"screen.sort_by({column.name!r})"})
            text += " " * (column.x - x)
            x = column.x + column.width
            if wanted != style and not piece.text.isspace():
                if text:
                    segments.append(Segment(text, style))
                text, style = "", wanted
            text += piece.text
        segments.append(Segment(text + " " * (width - x), style))
        return Strip(segments, width)
