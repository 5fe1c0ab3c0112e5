"""Rows under a header that stays, with a cursor that keys move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from gale_tui.tui.actions import Place, bindings
from gale_tui.tui.formatting.pieces import Tone
from gale_tui.tui.formatting.quantities import clip
from gale_tui.tui.widgets.line_view import LineView


class RowScroll(LineView):
    """The geometry of rows, one line each; line 0 of the widget is the header.

    A subclass says how many rows there are and where the cursor is, and moves it.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.TABLE)]

    class Highlighted(Message):
        """The cursor came to another row, or what is under it was removed or replaced."""

    class Opened(Message):
        """Enter or a double click on the row with the cursor."""

    def row_count(self) -> int:
        """How many rows there are, those off screen included."""
        raise NotImplementedError

    def cursor_row(self) -> int | None:
        """The row with the cursor; None if there is none."""
        raise NotImplementedError

    def move_to(self, row: int) -> None:
        """Puts the cursor on a row, the nearest there is, and scrolls it into view."""
        raise NotImplementedError

    @property
    def page_rows(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)

    def visible_rows(self) -> range:
        top = self.scroll_offset.y
        return range(top, min(self.row_count(), top + self.page_rows))

    def scroll_into_view(self, row: int) -> None:
        """Scrolls as little as it takes to see a row; not before there is a size to see it in."""
        if not self.size:
            return
        top = self.scroll_offset.y
        if row < top:
            self.scroll_to(y=row, animate=False)
        elif row >= top + self.page_rows:
            self.scroll_to(y=row - self.page_rows + 1, animate=False)

    def refresh_rows(self, *rows: int | None) -> None:
        """Asks for a repaint of those of the rows that are on screen."""
        top, page, width = self.scroll_offset.y, self.page_rows, self.size.width
        regions = [Region(0, row - top + 1, width, 1) for row in rows if row is not None and top <= row < top + page]
        if regions:
            self.refresh(*regions)

    def on_click(self, event: events.Click) -> None:
        """A click chooses a row, a double click opens it."""
        offset = event.get_content_offset(self)
        if offset is None or event.widget is not self:
            return
        event.stop()
        row = self.scroll_offset.y + offset.y - 1
        if offset.y and row < self.row_count():
            self.move_to(row)
            if event.chain == 2:
                self.action_open()

    def draw_words(self, lines: Sequence[str], y: int, width: int) -> Strip:
        """Line `y` of a table that shows a few words instead of rows; the first line of them is the heading."""
        height = self.content_region.height
        first = max(0, (height - len(lines)) // 2 - 1)
        if not first <= y < first + len(lines):
            return Strip.blank(width, self.style_of())
        base, style = self.style_of(), self.style_of(Tone.TITLE if y == first else Tone.MUTED)
        line = clip(lines[y - first], width)
        left = " " * ((width - cell_len(line)) // 2)
        return Strip([Segment(left, base), Segment(line, style)]).adjust_cell_length(width, base)

    def action_open(self) -> None:
        if self.cursor_row() is not None:
            self.post_message(self.Opened())

    def on_resize(self) -> None:
        row = self.cursor_row()
        if row is not None:
            self.scroll_into_view(row)

    def on_focus(self) -> None:
        self.refresh_rows(self.cursor_row())

    def on_blur(self) -> None:
        self.refresh_rows(self.cursor_row())

    def action_cursor_up(self) -> None:
        self.move_to((self.cursor_row() or 0) - 1)

    def action_cursor_down(self) -> None:
        row = self.cursor_row()
        self.move_to(0 if row is None else row + 1)

    def action_page_up(self) -> None:
        self.move_to((self.cursor_row() or 0) - self.page_rows)

    def action_page_down(self) -> None:
        self.move_to((self.cursor_row() or 0) + self.page_rows)

    def action_cursor_first(self) -> None:
        self.move_to(0)

    def action_cursor_last(self) -> None:
        self.move_to(self.row_count() - 1)
