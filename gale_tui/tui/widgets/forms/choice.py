"""A choice on one line, the chosen word in brackets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget


class Choice(Widget, can_focus=True):
    """Some words, one of them chosen: ``[bell] desktop  both  off``."""

    COMPONENT_CLASSES = {"choice--word", "choice--chosen", "choice--cursor"}  # noqa: RUF012  # the framework's own way
    auto_links = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "choose(-1)", "Before", show=False),
        Binding("right,l,space,enter", "choose(1)", "After", show=False),
        Binding("up,k", "app.focus_previous", "Previous", show=False),
        Binding("down,j", "app.focus_next", "Next", show=False),
    ]

    @dataclass
    class Changed(Message):
        """Another one was chosen."""

        choice: Choice

    def __init__(self, options: Sequence[tuple[str, str]], value: str, *, id: str) -> None:
        super().__init__(id=id)
        self._options = tuple(options)
        self._at = 0
        self.value = value

    @property
    def value(self) -> str:
        return self._options[self._at][0]

    @value.setter
    def value(self, value: str) -> None:
        self._at = next((at for at, (each, _) in enumerate(self._options) if each == value), 0)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        chosen = self.get_component_rich_style("choice--cursor" if self.has_focus else "choice--chosen")
        plain = self.get_component_rich_style("choice--word")
        segments = []
        for at, (_, word) in enumerate(self._options):
            if at == self._at:
                segments.append(Segment(f"[{word}]", chosen))
            else:
                click = Style.from_meta({"@click": f"choose({at - self._at})"})
                segments.append(Segment(f" {word} ", plain + click))
        return Strip(segments).adjust_cell_length(self.size.width, plain)

    def action_choose(self, by: int) -> None:
        """Moves the choice by a number of words, wrapping round; back if negative."""
        self._at = (self._at + by) % len(self._options)
        self.refresh()
        self.post_message(self.Changed(self))
