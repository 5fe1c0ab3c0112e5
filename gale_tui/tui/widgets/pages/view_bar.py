"""One line with the views that a screen has, the present one standing out; each can be clicked."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from gale_tui.tui.formatting.quantities import clip

_NAME_CELLS = 28


class ViewBar(Widget):
    """Names of views on one line. Where they do not all fit, those around the present one are shown.

    A click runs the screen's action `go_to_view`.
    """

    auto_links = False

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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names: tuple[str, ...] = ()
        self._present = 0

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
        for index, name in enumerate(self._names[first:], first):
            click = Style.from_meta({"@click": f"screen.go_to_view({index})"})
            style = standing_out if index == self._present else plain
            segments += [Segment(f" {name} ", style + click), Segment(" ", plain)]
        return Strip(segments).adjust_cell_length(width, plain)
