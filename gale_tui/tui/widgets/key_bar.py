"""The bottom line: the keys that matter here, each to be clicked as well."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from gale_tui.tui.key_names import ascii_key

_STAY = 2
"""Entries at the end that always stay."""


class KeyBar(Widget):
    """Keys and words on one line. What does not fit is left out from the right, the last entries staying.

    Args:
        entries: Key as shown, words, and the screen's action that a click runs.
    """

    auto_links = False

    COMPONENT_CLASSES = {"key-bar--key", "key-bar--words"}  # noqa: RUF012  # the framework's own way to declare them
    DEFAULT_CSS = """
    KeyBar {
        dock: bottom; height: 1; width: 100%;
        background: $panel; color: $footer-description-foreground;
        & > .key-bar--key { color: $footer-key-foreground; background: $panel; text-style: bold; }
        & > .key-bar--words { color: $footer-description-foreground; background: $panel; }
    }
    """

    def __init__(self, entries: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self._entries = tuple(entries)

    def show(self, entries: Sequence[tuple[str, str, str]]) -> None:
        if tuple(entries) != self._entries:
            self._entries = tuple(entries)
            self.refresh()

    def _fitting(self, width: int) -> list[tuple[str, str, str]]:
        ascii_only = getattr(self.app, "ascii", False)
        entries = [(ascii_key(key) if ascii_only else key, words, action) for key, words, action in self._entries]

        def total() -> int:
            return sum(cell_len(key) + cell_len(words) + 3 for key, words, _ in entries)

        while len(entries) > _STAY and total() > width:
            entries.pop(-_STAY - 1)
        return entries

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        key_style = self.get_component_rich_style("key-bar--key")
        word_style = self.get_component_rich_style("key-bar--words")
        segments: list[Segment] = []
        for key, words, action in self._fitting(width):
            click = Style.from_meta({"@click": action if "." in action else f"screen.{action}"})
            segments += [Segment(f" {key}", key_style + click), Segment(f" {words} ", word_style + click)]
        return Strip(segments).adjust_cell_length(width, word_style if segments else Style())
