"""The suggestions below a field that keeps the focus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from gale_tui.core.untrusted_text import inert
from gale_tui.tui.formatting.quantities import clip, fit

if TYPE_CHECKING:
    from gale_tui.core.models import ToolChoice

_NAME = 3
"""Letters that are enough to mean a name."""
_WIDEST_TITLE = 26
_LONG_NOTE = 18
"""Characters; a longer note leaves no room for an id."""


class Suggestions(OptionList, can_focus=False):
    """The tools whose id, title or note has the typed text in it; drawn over what stands below.

    Nothing is highlighted before the user moves into the list, unless the form asks for it, so that ``enter`` behind a
    typed id never takes something else. Who types the beginning of a tool's name means that tool: it is highlighted.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._all: Sequence[ToolChoice] = ()
        self._shown: list[ToolChoice] = []

    def on_mount(self) -> None:
        self.border_subtitle = "↑↓ choose · enter take · esc close"

    @property
    def open(self) -> bool:
        return self.has_class("-open")

    @property
    def chosen(self) -> ToolChoice | None:
        return self._shown[self.highlighted] if self.open and self.highlighted is not None else None

    def offer(self, choices: Sequence[ToolChoice], title: str) -> None:
        self._all = choices
        self.border_title = title
        self.close()

    def narrow(self, text: str, *, mark: bool = False) -> None:
        """Opens the list with what matches the text; closes it where nothing does.

        Args:
            mark: Highlight the first tool where nothing is typed, else the one whose name begins so.
        """
        wanted = text.strip().casefold()
        shown = [
            choice
            for choice in self._all
            if any(wanted in part.casefold() for part in (choice.tool_id, choice.flow_id, choice.title, choice.note))
        ]
        if shown != self._shown or not self.option_count:
            self._shown = shown
            widest = max((cell_len(inert(choice.title)) for choice in shown), default=0)
            self.set_options(Option(_line(choice, min(widest, _WIDEST_TITLE))) for choice in shown)
        self.highlighted = _first_named(shown, wanted) if mark else None
        self.set_class(bool(shown), "-open")

    def close(self) -> bool:
        """Closes the list; returns False if it was closed."""
        was_open = self.open
        self.highlighted = None
        self.remove_class("-open")
        return was_open

    def move(self, by: int) -> None:
        """Moves the highlight; up from the first returns to the field."""
        if by > 0:
            self.action_cursor_down()
        elif self.highlighted == 0:
            self.highlighted = None
        elif self.highlighted is not None:
            self.action_cursor_up()


def _first_named(shown: Sequence[ToolChoice], wanted: str) -> int | None:
    """The index of the first tool with a word that begins with `wanted` in its name; None if an id matches."""
    if not wanted and shown:
        return 0
    if len(wanted) < _NAME or any(wanted in choice.tool_id.casefold() for choice in shown):
        return None
    for place, choice in enumerate(shown):
        title = choice.title.casefold()
        if title.startswith(wanted) or f" {wanted}" in title:
            return place
    return None


def _line(choice: ToolChoice, width: int) -> Content:
    title = fit(clip(inert(choice.title), width), width)
    rest = [inert(choice.note)] if choice.note else []
    if choice.title != choice.tool_id and len(choice.note) < _LONG_NOTE:
        rest.append(inert(choice.tool_id))
    return Content.assemble((title, "bold"), ("  " + " · ".join(rest), "$gale-muted") if rest else "")
