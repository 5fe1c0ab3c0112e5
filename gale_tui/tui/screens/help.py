"""Help for where one is: its keys and its words."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from gale_tui.tui.actions import Place, actions_at, place_of
from gale_tui.tui.formatting.glyphs import ASCII
from gale_tui.tui.key_names import key_text, key_word
from gale_tui.tui.screens.base import GaleModal

__all__ = ["HelpScreen"]

STATES = (
    ("REQUESTING", "the export request is on its way"),
    ("IN_PROGRESS", "GALE works on it; asked every 2 to 15 seconds"),
    ("SUCCESS", "GALE has finished; the File column tells about the file"),
    ("FAILED", "GALE gave up; the reason is GALE's own, where it gives one"),
    ("WAITING", "rate limit: sent again by itself at the time shown"),
    ("REJECTED", "GALE refused the export; nothing was started"),
    ("NOT SENT", "GALE could not be reached; nothing was started"),
    ("UNCONFIRMED", "no answer to the request: GALE may have started it or not"),
    ("LOST", "GALE no longer knows the job"),
    ("saved", "the zip is complete, checked and on disk under its name"),
    ("resumable", "cut off; the part is kept and {download} goes on with it"),
    ("not ready", "the link does not work yet; asked again by itself"),
    ("expired", "the link works no longer; {export_again} exports again"),
)


class HelpScreen(GaleModal[None]):
    """Keys of the screen below, keys that work everywhere, and the words of the table.

    Args:
        below: The screen that help is wanted for.
    """

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "#help"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1,question_mark,enter", "cancel", "Close"),
        Binding("j", "down", "Down", show=False),
        Binding("k", "up", "Up", show=False),
    ]

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self._place = place_of(below)
        self._below = below

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as box:
            box.border_title = f"Help: {self._place.value}"
            box.border_subtitle = "esc closes"
            yield Static(self._page(), id="page")

    def _page(self) -> Content:
        parts: list[Content] = [_heading(self._place.value), *self._keys(self._place)]
        if self._place is Place.DIALOG:
            parts += self._dialog_keys()
        if self._place in (Place.JOBS, Place.BATCH):
            parts += self._keys(Place.TABLE)
            parts += [Content(""), _heading(Place.FILTER.value), *self._keys(Place.FILTER)]
        if self._place in (Place.INSPECT, Place.COMPARE):
            parts += self._keys(Place.PAGE)
            parts += [Content(""), _heading(Place.SEARCH.value), *self._keys(Place.SEARCH)]
        if self._place is not Place.EVERYWHERE:
            parts += [Content(""), _heading("Everywhere"), *self._keys(Place.EVERYWHERE)]
        if self._place in (Place.JOBS, Place.DETAILS):
            parts += [Content(""), _heading("Words in the table")]
            keys = {name: self.key(name) for name in ("download", "export_again")}
            parts += [_line(word, meaning.format_map(keys)) for word, meaning in STATES]
        return Content("\n").join(parts)

    def _dialog_keys(self) -> list[Content]:
        """The keys that a dialog has of its own, in its own words."""
        own = (each for each in type(self._below).__mro__ if each.__module__.startswith("gale_tui."))
        bindings = (each for kind in own for each in vars(kind).get("BINDINGS", ()) if isinstance(each, Binding))
        return [_line(self._keys_text(tuple(each.key.split(","))), f"{each.description}.") for each in bindings]

    def _keys(self, place: Place) -> list[Content]:
        keys = self.key_map
        return [_line(self._keys_text(keys.keys(each)), each.help) for each in actions_at(place)]

    def _keys_text(self, keys: tuple[str, ...]) -> str:
        texts = [key_text(key) for key in keys]
        return " ".join(map(key_word, texts) if self.gale.glyphs == ASCII else texts) or "palette"

    def action_down(self) -> None:
        self.query_one("#help").scroll_down(animate=False)

    def action_up(self) -> None:
        self.query_one("#help").scroll_up(animate=False)


def _heading(text: str) -> Content:
    return Content.styled(text, "bold $text-accent")


def _line(left: str, right: str) -> Content:
    return Content.assemble((f"  {left:<13} ", "bold $text-primary"), (right, "$foreground"))
