"""Lines that scroll and whose text the mouse selects."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.selection import Selection
from textual.strip import Strip

from gale_tui.tui.formatting.pieces import Line, plain_text
from gale_tui.tui.widgets.line_view import LineView


class SelectableLines(LineView):
    """A view of lines of pieces."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[Line] = ()

    @property
    def text(self) -> str:
        return "\n".join(map(plain_text, self._lines))

    def line_segments(self, y: int) -> list[Segment]:
        return self.segments(self._lines[y])

    def render_line(self, y: int) -> Strip:
        y += self.scroll_offset.y
        if y >= len(self._lines):
            return Strip.blank(self.content_region.width, self.style_of())
        strip = Strip(self.line_segments(y))
        selection = self.text_selection
        span = selection.get_span(y) if selection is not None else None
        if span is not None:
            start, end = span
            style = self.screen.get_component_rich_style("screen--selection")
            head, tail = strip.crop(0, start), strip.crop(end if end >= 0 else strip.cell_length)
            middle = strip.crop(start, end if end >= 0 else None)
            strip = Strip.join([head, Strip(Segment.apply_style(middle, post_style=style), middle.cell_length), tail])
        return strip.adjust_cell_length(self.content_region.width, self.style_of()).simplify().apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract(self.text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()
