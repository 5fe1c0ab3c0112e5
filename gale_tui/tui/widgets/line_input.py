"""A line at the bottom of a screen to type words into: a filter, a search. The screen shows its keys meanwhile."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.widgets import Input

from gale_tui.tui.actions import Place, bindings


class LineInput(Input):
    """One line, hidden until it is used."""

    PLACE: ClassVar[Place]

    def __init__(self, *, id: str, placeholder: str) -> None:
        super().__init__(id=id, placeholder=placeholder, compact=True)
        self.cursor_blink = False
        self.display = False


class FilterInput(LineInput):
    """Words that jobs are filtered by."""

    PLACE = Place.FILTER
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.FILTER)]


class SearchInput(LineInput):
    """Words that are searched for on a page."""

    PLACE = Place.SEARCH
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.SEARCH)]
