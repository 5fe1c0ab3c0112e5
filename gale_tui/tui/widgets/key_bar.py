"""The bottom line: the keys that matter here, each to be clicked as well."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from gale_tui.tui.formatting.glyphs import ASCII, glyphs_of
from gale_tui.tui.key_names import ascii_key

_STAY = 2
"""Entries at the end that always stay."""


class KeyBar(Widget):
    """Keys and words on one line. What does not fit is left out from the right, the last entries staying.

    Args:
        entries: Key as shown, words, and the action that a click runs.
    """

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
        self._spans: list[tuple[int, int, str]] = []

    def show(self, entries: Sequence[tuple[str, str, str]]) -> None:
        if tuple(entries) != self._entries:
            self._entries = tuple(entries)
            self.refresh()

    def _fitting(self, width: int) -> list[tuple[str, str, str]]:
        arrows = glyphs_of(self.app) is not ASCII
        entries = [(key if arrows else ascii_key(key), words, action) for key, words, action in self._entries]

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
        spans: list[tuple[int, int, str]] = []
        at = 0
        for key, words, action in self._fitting(width):
            start = at
            segments.append(Segment(f" {key}", key_style))
            segments.append(Segment(f" {words} ", word_style))
            at += cell_len(key) + cell_len(words) + 3
            spans.append((start, at, action))
        self._spans = spans
        strip = Strip(segments, at)
        return strip.adjust_cell_length(width, word_style if at else Style())

    async def on_click(self, event: events.Click) -> None:
        for start, end, action in self._spans:
            if start <= event.x < end:
                await self.screen.run_action(action)
                return
