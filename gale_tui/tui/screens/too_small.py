"""The screen of a terminal that is too small."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.widgets import Static

from gale_tui.tui.screens.base import GaleModal

LEAST_WIDTH = 60
LEAST_HEIGHT = 12


def too_small(size: Size) -> bool:
    """Returns True if a terminal of that size has no room for the screens."""
    return size.width < LEAST_WIDTH or size.height < LEAST_HEIGHT


class TooSmallScreen(GaleModal[None]):
    """Covers everything while the terminal is too small, and closes by itself when it grows.

    Keys do nothing here, except the one that quits: nobody should act on what is not visible.
    """

    CSS_PATH = "too_small.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,ctrl+q", "app.quit", "Quit", show=False, priority=True)]

    def compose(self) -> ComposeResult:
        yield Static(markup=False)

    @on(events.Resize)
    @on(events.ScreenResume)
    def _look(self) -> None:
        """Closes once the terminal has grown, perhaps behind a dialog."""
        if not self.is_active:
            return
        size = self.app.size
        if too_small(size):
            lines = (
                "The terminal is too small.",
                f"It has {size.width}x{size.height}; {LEAST_WIDTH}x{LEAST_HEIGHT} are needed.",
                "Jobs continue meanwhile.",
                "q ends gale-tui.",
            )
            self.query_one(Static).update("\n".join(lines))
        else:
            self.dismiss(None)
