"""The base of tables and pages: lines that scroll, drawn in tones."""

from __future__ import annotations

from gale_tui.tui.terminal.steady_scroll import SteadyScroll
from gale_tui.tui.widgets.toned import TonedWidget


class LineView(SteadyScroll, TonedWidget):
    """A scroll view of lines in the theme's colours."""

    DEFAULT_CSS = """
    LineView {
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """
