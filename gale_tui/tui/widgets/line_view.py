"""The base of tables and pages: lines that scroll, drawn in tones."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

from gale_tui.tui.formatting.pieces import Piece, Tone
from gale_tui.tui.formatting.styles import ToneStyles
from gale_tui.tui.terminal.steady_scroll import SteadyScroll


class LineView(SteadyScroll):
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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tone_styles = ToneStyles(self)

    def style_of(self, tone: Tone = Tone.TEXT, ground: str = "row") -> Style:
        return self._tone_styles.style(tone, ground)

    def segments(self, pieces: Iterable[Piece], ground: str = "row") -> list[Segment]:
        return [Segment(piece.text, self.style_of(piece.tone, ground)) for piece in pieces if piece.text]

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._tone_styles.clear()
