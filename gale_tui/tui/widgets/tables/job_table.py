"""The table of export jobs: draws the rows on screen from snapshots, and of a changed row the changed cells only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from gale_tui.core.models import ChangeKind, DownloadProgress, Job, JobChange
from gale_tui.tui.actions import default_key
from gale_tui.tui.formatting.glyphs import Glyphs, choose_glyphs
from gale_tui.tui.formatting.pieces import Piece
from gale_tui.tui.widgets.tables.columns import Layout, layout_for, row_pieces
from gale_tui.tui.widgets.tables.job_rows import JobRows
from gale_tui.tui.widgets.tables.row_painter import RowPainter
from gale_tui.tui.widgets.tables.row_scroll import RowScroll

__all__ = ["JobTable"]

OTHERS_TICK = 5
"""Seconds between two looks at the elapsed times of rows without the cursor."""
PROGRESS_SECONDS = 0.5
"""Least time between two repaints of a row for a download's progress."""


class JobTable(RowScroll):
    """Export jobs, one a row, under a header.

    The cursor belongs to a job, not to a row: it stays on it whatever is inserted, forgotten, sorted or filtered.
    """

    DEFAULT_CSS = """
    JobTable {
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Details", show=False)]

    @dataclass
    class Highlighted(Message):
        """The cursor came to another job, or the job under it was forgotten or replaced."""

        job: Job | None

    @dataclass
    class Opened(Message):
        """Enter or a double click on a job."""

        job: Job

    @dataclass
    class SortRequested(Message):
        """A click on a column's title."""

        column: str

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows = JobRows()
        self._glyphs = glyphs or choose_glyphs()
        self._now = time.time()
        self._current: str | None = None
        self._marked: frozenset[str] = frozenset()
        self._last_mark: str | None = None
        self._progress: dict[str, DownloadProgress] = {}
        self._late: set[str] = set()
        self._drawn: dict[str, tuple[Layout, list[Piece]]] = {}
        self._painter = RowPainter(self)
        self._empty = "No exports yet\nPress n to start one."
        self._no_match = "Nothing matches the filter\nesc clears it."
        self._key_of: Callable[[str], str] = default_key
        self.usual_of: Callable[[Job], float | None] = lambda job: None
        """Gives the seconds that exports of a job's tool usually take."""

    # What is shown

    @property
    def current(self) -> Job | None:
        """The job under the cursor."""
        return self._rows.jobs.get(self._current) if self._current is not None else None

    @property
    def marked(self) -> frozenset[str]:
        """Ids of the marked jobs."""
        return self._marked

    @property
    def shown_jobs(self) -> list[Job]:
        """The jobs that the filter lets through, from the top."""
        return [self._rows.at(row) for row in range(len(self._rows))]

    @property
    def marked_jobs(self) -> list[Job]:
        """The marked jobs that the filter lets through, from the top."""
        return [job for job in self.shown_jobs if job.id in self._marked] if self._marked else []

    @property
    def job_count(self) -> int:
        """All jobs, shown or not."""
        return len(self._rows.jobs)

    @property
    def cursor_in_view(self) -> bool:
        """Returns False if the cursor's row was scrolled out of sight."""
        return self.cursor_row() in self.visible_rows()

    @property
    def sort_key(self) -> str:
        """The column it is sorted by."""
        return self._rows.sort_column

    @property
    def sort_reverse(self) -> bool:
        """True where the largest, for times the newest, comes first."""
        return self._rows.sort_reverse

    @property
    def empty_text(self) -> str:
        """What stands in a table without jobs; the first line is the heading."""
        return self._empty

    @empty_text.setter
    def empty_text(self, text: str) -> None:
        if text != self._empty:
            self._empty = text
            if not self._rows:
                self.refresh()

    @property
    def no_match_text(self) -> str:
        """What stands there where the filter hides every job."""
        return self._no_match

    @no_match_text.setter
    def no_match_text(self, text: str) -> None:
        if text != self._no_match:
            self._no_match = text
            if not self._rows:
                self.refresh()

    @property
    def key_of(self) -> Callable[[str], str]:
        """Gives the key of an action, for what a row says of it."""
        return self._key_of

    @key_of.setter
    def key_of(self, key_of: Callable[[str], str]) -> None:
        self._key_of = key_of
        self._repaint_visible()

    @property
    def glyphs(self) -> Glyphs:
        """The characters it draws with."""
        return self._glyphs

    @glyphs.setter
    def glyphs(self, glyphs: Glyphs) -> None:
        if glyphs != self._glyphs:
            self._glyphs = glyphs
            self._repaint_all()

    def set_jobs(self, jobs: Iterable[Job]) -> None:
        """Takes a whole set of jobs in place of the present one."""
        self._rows.replace_all(jobs)
        known = self._rows.jobs
        self._marked = frozenset(job_id for job_id in self._marked if job_id in known)
        self._progress = {job_id: reading for job_id, reading in self._progress.items() if job_id in known}
        self._rows_replaced()

    def set_filter(self, match: Callable[[Job], bool] | None) -> None:
        """Shows only the jobs that match; all for None."""
        self._rows.set_filter(match)
        self._rows_replaced()

    def set_sort(self, column: str, reverse: bool) -> None:
        """Sorts by a column.

        Raises:
            ValueError: There is no such column.
        """
        self._rows.set_sort(column, reverse)
        self._rows_replaced()

    def apply(self, change: JobChange) -> None:
        """Takes one change: repaints what differs in its row, or puts in or takes out the row."""
        job = change.job
        if change.kind is ChangeKind.REMOVED:
            self._forget(job.id)
            return
        if job.id not in self._rows.jobs:
            self._inserted(self._rows.add(job))
            return
        self._rows.update(job)
        row = self._rows.row_of(job.id)
        if row is None:
            if self._rows.matches(job):
                self._inserted(self._rows.reveal(job.id))
        elif job.id != self._current and not self._rows.matches(job):
            self._removed(self._rows.hide(job.id))
        else:
            self._repaint_row(row)

    def set_progress(self, job_id: str, progress: DownloadProgress | None) -> None:
        """Takes a reading of a running download; its row is repainted at most twice a second."""
        if progress is None:
            self._progress.pop(job_id, None)
        else:
            self._progress[job_id] = progress
        if not self.is_mounted or self._rows.row_of(job_id) is None:
            return
        if not self._late:
            self.set_timer(PROGRESS_SECONDS, self._repaint_late)
        self._late.add(job_id)

    def tick(self, now: float) -> None:
        """Takes the time (seconds since the epoch) and repaints rows on screen whose text it changes."""
        before, self._now = self._now, now
        others = int(before) // OTHERS_TICK != int(now) // OTHERS_TICK
        for row in self.visible_rows():
            job = self._rows.at(row)
            if others or job.id == self._current:
                self._repaint_row(row)

    def toggle_mark(self, job_id: str) -> None:
        """Marks a job, or unmarks it."""
        if job_id in self._rows.jobs:
            self._last_mark = job_id
            self._set_marked(self._marked ^ {job_id})

    def mark_all(self) -> None:
        """Marks all jobs shown; none if they all are marked."""
        shown = {job.id for job in self.shown_jobs}
        self._set_marked(self._marked - shown if shown <= self._marked else self._marked | shown)

    def mark_range(self) -> None:
        """Marks from the job that was marked last to the one under the cursor."""
        here = self.cursor_row()
        if here is None:
            return
        last = self._rows.row_of(self._last_mark) if self._last_mark is not None else None
        first, end = sorted((here, here if last is None else last))
        self._last_mark = self._current
        self._set_marked(self._marked | {self._rows.at(row).id for row in range(first, end + 1)})

    def clear_marks(self) -> None:
        """Unmarks all jobs."""
        self._set_marked(frozenset())

    def _set_marked(self, marked: frozenset[str]) -> None:
        changed, self._marked = self._marked ^ marked, marked
        for row in self.visible_rows():
            if self._rows.at(row).id in changed:
                self._repaint_row(row)

    def select(self, job_id: str) -> None:
        """Puts the cursor on a job and scrolls it into view; nothing where the job is not shown."""
        row = self._rows.row_of(job_id)
        if row is not None:
            self.move_to(row)

    # Rows that come and go

    def _rows_replaced(self) -> None:
        self._drawn.clear()
        self.set_line_count(len(self._rows) + 1)
        before = self._current
        if self._current is None or self._rows.row_of(self._current) is None:
            self._current = self._rows.at(0).id if len(self._rows) else None
        row = self.cursor_row()
        if row is not None:
            self.scroll_into_view(row)
        self.refresh()
        if before != self._current or before is not None:
            self.post_message(self.Highlighted(self.current))

    def _inserted(self, row: int | None) -> None:
        if row is None:
            return
        first = self._current is None
        if first:
            self._current = self._rows.at(row).id
        top = self.scroll_offset.y
        cursor = self.cursor_row()
        self.set_line_count(len(self._rows) + 1)
        # A row above what is on screen must not move it; at the very top the new row is what one wants to see.
        if row < top or (row == top and top > 0):
            self.scroll_to(y=top + 1, animate=False)
        elif cursor is not None and top <= cursor - (row <= cursor) < top + self.page_rows:
            self.scroll_into_view(cursor)
        self._keep_visible()
        self.refresh_from(row)
        if first:
            self.post_message(self.Highlighted(self.current))

    def _forget(self, job_id: str) -> None:
        self._marked -= {job_id}
        self._progress.pop(job_id, None)
        self._drawn.pop(job_id, None)
        under_cursor = job_id == self._current
        self._removed(self._rows.remove(job_id), under_cursor=under_cursor)

    def _removed(self, row: int | None, *, under_cursor: bool = False) -> None:
        if row is None:
            return
        if under_cursor:
            last = len(self._rows) - 1
            self._current = self._rows.at(min(row, last)).id if last >= 0 else None
        top = self.scroll_offset.y
        self.set_line_count(len(self._rows) + 1)
        if row < top == self.scroll_offset.y:
            self.scroll_to(y=top - 1, animate=False)
        self._keep_visible()
        self.refresh_from(row)
        if under_cursor:
            self.post_message(self.Highlighted(self.current))

    # The cursor

    def row_count(self) -> int:
        """How many rows there are, those off screen included."""
        return len(self._rows)

    def cursor_row(self) -> int | None:
        """The row of the job under the cursor."""
        return None if self._current is None else self._rows.row_of(self._current)

    def move_to(self, row: int) -> None:
        """Puts the cursor on a row, the nearest there is, and scrolls it into view."""
        if not len(self._rows):
            return
        row = min(len(self._rows) - 1, max(0, row))
        job = self._rows.at(row)
        before = self._current
        if job.id != before:
            old_row = self.cursor_row()
            self._current = job.id
            left = self._rows.jobs.get(before) if before is not None else None
            if left is not None and not self._rows.matches(left):
                # It was kept only because the cursor was on it.
                self._removed(self._rows.hide(left.id))
                row = self.cursor_row() or 0
            else:
                self.refresh_rows(old_row)
            self.refresh_rows(row)
            self.post_message(self.Highlighted(job))
        self.scroll_into_view(row)

    def action_open(self) -> None:
        """Opens the job under the cursor."""
        job = self.current
        if job is not None:
            self.post_message(self.Opened(job))

    def on_click(self, event: events.Click) -> None:
        """A click chooses a job or a column to sort by, a double click opens."""
        offset = event.get_content_offset(self)
        if offset is None or event.widget is not self:
            return
        event.stop()
        if offset.y == 0:
            column = self._layout.column_at(offset.x)
            if column is not None and len(self._rows):
                self.post_message(self.SortRequested(column.name))
            return
        row = self.scroll_offset.y + offset.y - 1
        if row < len(self._rows):
            self.move_to(row)
            if event.chain == 2:
                self.action_open()

    # Painting

    @property
    def _layout(self) -> Layout:
        return layout_for(self.scrollable_content_region.width)

    def _draw(self, job: Job) -> list[Piece]:
        """Works out a job's cells. They stay as they are until this is called again, whatever the clock says."""
        pieces = row_pieces(
            job,
            self._layout,
            self._glyphs,
            now=self._now,
            progress=self._progress.get(job.id),
            marked=job.id in self._marked,
            key=self._key_of,
            usual=self.usual_of(job),
        )
        self._drawn[job.id] = (self._layout, pieces)
        return pieces

    def _keep_visible(self) -> None:
        """Forgets what was drawn of rows that are off screen: they are drawn anew when they come into view."""
        visible = [self._rows.at(row).id for row in self.visible_rows()]
        self._drawn = {job_id: self._drawn[job_id] for job_id in visible if job_id in self._drawn}

    def _repaint_late(self) -> None:
        late, self._late = self._late, set()
        for job_id in late:
            row = self._rows.row_of(job_id)
            if row is not None:
                self._repaint_row(row)

    def _repaint_row(self, row: int) -> None:
        """Draws a row, and repaints it if it looks different."""
        job = self._rows.at(row)
        if row not in self.visible_rows():
            return
        layout, old = self._drawn.get(job.id, (None, []))
        new = self._draw(job)
        if layout is not self._layout or new != old:
            self.refresh_rows(row)

    def _repaint_visible(self) -> None:
        for row in self.visible_rows():
            self._repaint_row(row)

    def _repaint_all(self) -> None:
        self._drawn.clear()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draws the rows that come into view."""
        super().watch_scroll_y(old_value, new_value)
        self._keep_visible()

    def notify_style_update(self) -> None:
        """Takes on another theme."""
        super().notify_style_update()
        self._painter.forget_colors()

    def on_resize(self) -> None:
        """Keeps the cursor in view."""
        self._keep_visible()
        row = self.cursor_row()
        if row is not None:
            self.scroll_into_view(row)

    def render_line(self, y: int) -> Strip:
        """One line of the widget: the header, a row, or a line of what stands there instead of rows."""
        size = self.content_region.size
        if not len(self._rows):
            text = self._no_match if self._rows.filtered and self._rows.jobs else self._empty
            return self._painter.words(text, y, size.width, size.height, self._glyphs)
        if y == 0:
            return self._painter.header(self._layout, size.width, self.sort_key, self.sort_reverse, self._glyphs)
        row = self.scroll_offset.y + y - 1
        if row >= len(self._rows):
            return self._painter.blank(size.width)
        job = self._rows.at(row)
        layout, pieces = self._drawn.get(job.id, (None, []))
        if layout is not self._layout:
            pieces = self._draw(job)
        ground = "row" if job.id != self._current else "cursor" if self.has_focus else "blurred"
        return self._painter.row(self._layout, pieces, size.width, ground)
