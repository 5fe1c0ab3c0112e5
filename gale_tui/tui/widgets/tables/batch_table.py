"""The lines of a batch before it starts: which are exported, which are wrong and why, with a cursor to edit them."""

from __future__ import annotations

from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip

from gale_tui.core.batch.editor import BatchList, ListLine
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.formatting import glyphs
from gale_tui.tui.formatting.pieces import Piece, Tone, wrap
from gale_tui.tui.formatting.quantities import count_text, fit
from gale_tui.tui.widgets.tables.row_scroll import RowScroll

MARK = 2
NUMBER = 5
LABEL = 24
"""Cells of a label, if there is no room for more."""
WHOLE_ID = 40
GAP = 2


def _columns(width: int) -> tuple[int, int]:
    """Cells of a label and of an id in a row of `width`: ids are cut before labels, and whole if there is room."""
    room = max(20, width - MARK - NUMBER - GAP)
    label = min(LABEL, room // 3)
    ids = min(WHOLE_ID, (room - label - 2 * GAP) // 2)
    return room - 2 * (ids + GAP), ids


def line_pieces(line: ListLine, width: int) -> list[Piece]:
    """The pieces of a row, of `width` cells together."""
    label, ids = _columns(width)
    number = Piece(f"{line.number:>{NUMBER}}" + " " * GAP, Tone.MUTED)
    if line.problem:
        return [
            Piece(fit(glyphs.ERROR, MARK), Tone.FAILURE),
            number,
            Piece(fit(inert(line.title, 200), label) + " " * GAP),
            Piece(fit(inert(line.problem, 300), ids * 2 + GAP), Tone.ERROR),
        ]
    named = line.tool or line
    name = inert(line.label or "no label", 200)
    return [
        Piece(fit("!" if line.warning else "", MARK), Tone.WARNING),
        number,
        Piece(fit(name, label) + " " * GAP, Tone.TEXT if line.label else Tone.MUTED),
        Piece(fit(inert(named.tool_id, 200), ids) + " " * GAP),
        Piece(fit(inert(named.flow_id, 200), ids), Tone.MUTED),
    ]


class BatchTable(RowScroll):
    """One line of the list a row, under a header. `enter` is the screen's, a double click opens."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._list = BatchList()
        self._place = 0
        self.empty_text = ""
        """The text while the list is empty; its first line is the heading."""

    def show(self, shown: BatchList, place: int | None = None) -> None:
        """Shows other lines.

        Args:
            place: Where the cursor goes; None to leave it where it is.
        """
        self._list = shown
        self.border_subtitle = Content(_counts(shown))
        if place is not None:
            self._place = place
        self._place = max(0, min(self._place, len(shown.lines) - 1))
        self.set_line_count(len(shown.lines) + 1 if shown.lines else 0)
        self.scroll_into_view(self._place)
        self.refresh()
        self.post_message(self.Highlighted())

    def row_count(self) -> int:
        return len(self._list.lines)

    def cursor_row(self) -> int | None:
        return self._place if self._list.lines else None

    def move_to(self, row: int) -> None:
        if not self._list.lines:
            return
        before, self._place = self._place, max(0, min(row, len(self._list.lines) - 1))
        if before != self._place:
            self.refresh_rows(before, self._place)
            self.post_message(self.Highlighted())
        self.scroll_into_view(self._place)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if not self._list.lines:
            return self.draw_words(wrap(self.empty_text, max(10, min(76, width - 4))), y, width)
        if y == 0:
            return self._strip(self._header(width), width, "header")
        row = self.scroll_offset.y + y - 1
        if row >= len(self._list.lines):
            return Strip.blank(width, self.style_of())
        ground = "row" if row != self._place else "cursor" if self.has_focus else "blurred"
        return self._strip(line_pieces(self._list.lines[row], width), width, ground)

    def _header(self, width: int) -> list[Piece]:
        label, ids = _columns(width)
        cells = {"": MARK, " Line": NUMBER + GAP, "Label": label + GAP, "Tool ID": ids + GAP, "Flow ID": ids}
        return [Piece(fit(title, count), Tone.MUTED) for title, count in cells.items()]

    def _strip(self, pieces: list[Piece], width: int, ground: str) -> Strip:
        strip = Strip(Segment(piece.text, self.style_of(piece.tone, ground)) for piece in pieces)
        return strip.adjust_cell_length(width, self.style_of(Tone.TEXT, ground)).simplify()


def _counts(shown: BatchList) -> str:
    if not shown.lines:
        return ""
    unusual = sum(1 for line in shown.lines if line.warning)
    words = (
        count_text(len(shown.tools), "export"),
        f"{len(shown.bad)} invalid, skipped" if shown.bad else "",
        f"{unusual} unusual" if unusual else "",
    )
    return " · ".join(filter(None, words))
