"""Help for the current screen: its keys and its words."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from gale_tui.tui.actions import FOCUSED, Place, actions_at, place_of
from gale_tui.tui.key_names import ascii_key, key_text
from gale_tui.tui.screens.base import GaleModal
from gale_tui.tui.widgets.line_input import SearchInput

STATES = (
    ("REQUESTING", "the export request is on its way"),
    ("WAITING", "rate limit: sent again at the time shown"),
    ("IN_PROGRESS", "GALE works on it; polled every 2 to 15 seconds"),
    ("SUCCESS", "GALE has finished; the File column shows the file"),
    ("PARTIAL_SUCCESS", "GALE has finished with a warning"),
    ("FAILED", "GALE gave up; the reason is GALE's own, if it gives one"),
    ("REJECTED", "GALE refused the export; nothing was started"),
    ("NOT SENT", "GALE could not be reached; nothing was started"),
    ("UNCONFIRMED", "no answer: GALE may have started it; check the console"),
    ("LOST", "GALE no longer knows the job; {refresh} tries again"),
    ("saved", "the zip is complete, verified and on disk"),
    ("resumable", "interrupted; {download} resumes it"),
    ("not ready", "the link does not work yet; retried automatically"),
    ("expired", "the link has expired; {export_again} exports again"),
)
"""Words in the table; keys by action id in braces."""
BADGES = (
    ("DEMO", "the built-in GALE; nothing is kept"),
    ("READ-ONLY", "no export can be started"),
    ("PAUSED", "polling is paused; {pause} resumes it"),
    ("SLOWED", "rate limit: fewer polls for a while"),
    ("OFFLINE", "the host is not reachable; retried automatically"),
    ("NEEDS KEY", "the API key is missing or refused; {environments} sets it"),
)
"""Words in the header."""

_LINES = {Place.JOBS: Place.FILTER, Place.INSPECT: Place.SEARCH, Place.COMPARE: Place.SEARCH}
"""Lines to type words into."""
_NAMED = ("download", "environments", "export_again", "pause", "refresh")


class HelpScreen(GaleModal[None]):
    """Keys of the screen below, keys that work everywhere, and the words of the table."""

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "#help"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Close"),
        Binding("slash", "search", "Search", show=False),
        Binding("j", "found_next", "Down", show=False),
        Binding("k", "found_previous", "Up", show=False),
    ]

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self._place = place_of(below)
        self._below = below

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as box:
            box.border_title = f"Help: {self._place.value}"
            box.border_subtitle = "/ searches · esc closes"
            yield Static(self._page(), id="page")
            yield SearchInput(id="search", placeholder="words, or the id of an action")

    def _page(self, words: str = "") -> Content:
        """The whole page, or its lines that have all of the words."""
        wanted = words.casefold().split()
        found = [line for line in self._lines() if all(word in line.plain.casefold() for word in wanted)]
        return Content("\n").join(found or [Content("Not found.")])

    def _lines(self) -> list[Content]:
        parts: list[Content] = [_heading(self._place.value), *self._keys(self._place)]
        if self._place is Place.DIALOG:
            parts += self._dialog_keys()
        if self._place in FOCUSED:
            parts += self._keys(FOCUSED[self._place])
        if self._place in _LINES:
            line = _LINES[self._place]
            parts += [Content(""), _heading(line.value), *self._keys(line)]
        parts += [Content(""), _heading("Everywhere"), *self._keys(Place.EVERYWHERE)]
        if self._place in (Place.JOBS, Place.DETAILS):
            keys = {name: self.key(name) for name in _NAMED}
            for heading, words in (("Words in the table", STATES), ("Words in the header", BADGES)):
                parts += [Content(""), _heading(heading)]
                parts += [_line(word, meaning.format_map(keys)) for word, meaning in words]
        if self._place is not Place.DIALOG:
            parts += [Content(""), _heading("Action ids, for keys = { … } in config.toml")]
            parts += [_line(each.id, each.title, 24) for each in actions_at(self._place, Place.EVERYWHERE)]
        return parts

    def _dialog_keys(self) -> list[Content]:
        """The dialog's own keys, with its own labels."""
        own = (each for each in reversed(type(self._below).__mro__) if each.__module__.startswith("gale_tui."))
        bindings = (each for kind in own for each in vars(kind).get("BINDINGS", ()) if isinstance(each, Binding))
        return [_line(self._keys_text(tuple(each.key.split(","))), f"{each.description}.") for each in bindings]

    def _keys(self, place: Place) -> list[Content]:
        keys = self.key_map
        dialog = self._place is Place.DIALOG
        offered = (
            each
            for each in actions_at(place)
            if not (each.exports and self.engine.readonly) and (each.priority or not dialog)
        )
        return [_line(self._keys_text(keys.keys(each)), each.help) for each in offered]

    def _keys_text(self, keys: tuple[str, ...]) -> str:
        texts = [key_text(key) for key in keys]
        return " ".join(map(ascii_key, texts) if self.gale.ascii else texts) or "palette"

    def action_search(self) -> None:
        field = self.query_one("#search", SearchInput)
        field.display = True
        field.focus()

    @on(SearchInput.Changed, "#search")
    def _search_changed(self, event: SearchInput.Changed) -> None:
        self.query_one("#page", Static).update(self._page(event.value))

    def action_keep_search(self) -> None:
        self.query_one("#help").focus()

    def action_back(self) -> None:
        field = self.query_one("#search", SearchInput)
        field.value = ""
        field.display = False
        self.query_one("#help").focus()

    def action_found_next(self) -> None:
        self.query_one("#help").scroll_down(animate=False)

    def action_found_previous(self) -> None:
        self.query_one("#help").scroll_up(animate=False)


def _heading(text: str) -> Content:
    return Content.styled(text, "bold $text-accent")


def _line(left: str, right: str, width: int = 15) -> Content:
    return Content.assemble((f"  {left:<{width}} ", "bold $text-primary"), (right, "$foreground"))
