"""Draws the lines of the job table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from gale_tui.tui.formatting.glyphs import Glyphs
from gale_tui.tui.formatting.pieces import Piece, Tone
from gale_tui.tui.formatting.quantities import clip
from gale_tui.tui.formatting.styles import ToneStyles
from gale_tui.tui.widgets.tables.columns import Layout, header_pieces

__all__ = ["RowPainter"]


class RowPainter:
    """Turns pieces into strips of few segments, in the theme's colours."""

    def __init__(self, widget: Widget) -> None:
        self._tone_styles = ToneStyles(widget)

    def forget_colors(self) -> None:
        """The theme changed."""
        self._tone_styles.clear()

    def blank(self, width: int) -> Strip:
        """A line with nothing on it."""
        return Strip.blank(width, self._tone_styles.style(Tone.TEXT))

    def header(self, layout: Layout, width: int, sort_key: str, reverse: bool, glyphs: Glyphs) -> Strip:
        """The line with the columns' titles."""
        return self.row(layout, header_pieces(layout, sort_key, reverse, glyphs), width, "header")

    def row(self, layout: Layout, pieces: Sequence[Piece], width: int, ground: str) -> Strip:
        """A row's cells. Blanks take the colours of what is left of them, so that there are few segments."""
        segments: list[Segment] = []
        text, style, x = "", self._tone_styles.style(pieces[0].tone, ground), 0
        for column, piece in zip(layout.columns, pieces, strict=True):
            wanted = self._tone_styles.style(piece.tone, ground)
            text += " " * (column.x - x)
            x = column.x + column.width
            if wanted != style and not piece.text.isspace():
                if text:
                    segments.append(Segment(text, style))
                text, style = "", wanted
            text += piece.text
        segments.append(Segment(text + " " * (width - x), style))
        return Strip(segments, width)

    def words(self, text: str, y: int, width: int, height: int, glyphs: Glyphs) -> Strip:
        """Line `y` of a table that shows a few words instead of rows: the first line of them is the heading."""
        lines = text.split("\n")
        first = max(0, (height - len(lines)) // 2 - 1)
        if not first <= y < first + len(lines):
            return self.blank(width)
        base = self._tone_styles.style(Tone.TEXT)
        style = self._tone_styles.style(Tone.TITLE if y == first else Tone.MUTED)
        line = clip(lines[y - first], width, glyphs.ellipsis)
        left = (width - cell_len(line)) // 2
        right = width - left - cell_len(line)
        segments = [Segment(" " * left, base), Segment(line, style), Segment(" " * right, base)]
        return Strip([segment for segment in segments if segment.text], width)
