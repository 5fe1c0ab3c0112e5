"""One line with the views that a screen has, the present one standing out; each can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gale_tui.tui.formatting.quantities import clip

_NAME_CELLS = 28


class ViewBar(Widget):
    """Names of views on one line. Where they do not all fit, those around the present one are shown."""

    COMPONENT_CLASSES = {"view-bar--view", "view-bar--present"}  # noqa: RUF012  # the framework's own way to declare them
    DEFAULT_CSS = """
    ViewBar {
        height: 1; width: 1fr; padding: 0 1; background: $background; color: $gale-muted;
        & > .view-bar--view { color: $gale-muted; background: $background; }
        & > .view-bar--present {
            color: $block-cursor-foreground; background: $block-cursor-background; text-style: bold underline;
        }
    }
    """

    @dataclass
    class Chosen(Message):
        """A view was clicked."""

        index: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names: tuple[str, ...] = ()
        self._present = 0
        self._spans: list[tuple[int, int, int]] = []

    def show(self, names: Sequence[str], present: int) -> None:
        """Takes names, inert already, and which of them is present."""
        self._names, self._present = tuple(clip(name, _NAME_CELLS) for name in names), present
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        plain = self.get_component_rich_style("view-bar--view")
        standing_out = self.get_component_rich_style("view-bar--present")
        first = 0
        while first < self._present and sum(cell_len(n) + 3 for n in self._names[first : self._present + 1]) > width:
            first += 1
        segments: list[Segment] = []
        self._spans = []
        at = 0
        for index, name in enumerate(self._names[first:], first):
            self._spans.append((at, at + cell_len(name) + 2, index))
            segments += [Segment(f" {name} ", standing_out if index == self._present else plain), Segment(" ", plain)]
            at += cell_len(name) + 3
        return Strip(segments, at).adjust_cell_length(width, plain)

    def on_click(self, event: events.Click) -> None:
        for start, end, index in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(index))
                return
