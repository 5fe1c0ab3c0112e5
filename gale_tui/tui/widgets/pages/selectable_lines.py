"""Lines that scroll and whose text the mouse selects."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from gale_tui.tui.terminal.steady_scroll import SteadyScroll

__all__ = ["SelectableLines"]


class SelectableLines(SteadyScroll):
    """A scroll view of text lines."""

    @property
    def text(self) -> str:
        """All of the lines."""
        raise NotImplementedError

    def finish(self, strip: Strip, y: int, width: int, base: Style) -> Strip:
        """The strip of line `y` with what is selected in it, filled to a width."""
        selection = self.text_selection
        span = selection.get_span(y) if selection is not None else None
        if span is not None:
            start, end = span
            style = self.screen.get_component_rich_style("screen--selection")
            head, tail = strip.crop(0, start), strip.crop(end if end >= 0 else strip.cell_length)
            middle = strip.crop(start, end if end >= 0 else None)
            strip = Strip.join([head, Strip(Segment.apply_style(middle, post_style=style), middle.cell_length), tail])
        return strip.adjust_cell_length(width, base).simplify().apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract(self.text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()
