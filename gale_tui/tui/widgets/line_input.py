"""A line at the bottom of a screen to type words into: a filter, a search. It shows its keys while it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import BindingType
from textual.widgets import Input

from gale_tui.tui.actions import Place, bindings, place_of

if TYPE_CHECKING:
    from gale_tui.tui.screens.base import GaleScreen

__all__ = ["FilterInput", "SearchInput"]


class _LineInput(Input):
    """One line; what its keys do is the screen's affair."""

    PLACE: ClassVar[Place]

    def __init__(self, *, id: str, placeholder: str) -> None:
        super().__init__(id=id, placeholder=placeholder, compact=True)
        self.cursor_blink = False
        self.display = False

    @property
    def _gale_screen(self) -> GaleScreen[object]:
        return cast("GaleScreen[object]", self.screen)

    def on_focus(self) -> None:
        """Its own keys stand at the bottom now."""
        self._gale_screen.show_keys(self.PLACE)

    def on_blur(self) -> None:
        """Those of the screen stand there again."""
        if self.is_attached:
            self._gale_screen.show_keys(place_of(self.screen))


class FilterInput(_LineInput):
    """Words that jobs are filtered by."""

    PLACE = Place.FILTER
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.FILTER)]


class SearchInput(_LineInput):
    """Words that are searched for on a page."""

    PLACE = Place.SEARCH
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.SEARCH)]
