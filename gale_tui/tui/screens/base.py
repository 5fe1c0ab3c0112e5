"""The bases of screens and dialogs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, cast

from textual import events
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.screen import ModalScreen, Screen
from textual.types import CSSPathType
from textual.widgets import OptionList, Static
from textual.worker import active_worker

from gale_tui.tui.actions import EXPORTING, Place, bindings
from gale_tui.tui.keymap import KeyMap, read_keys
from gale_tui.tui.terminal.framework import release_closed_widgets
from gale_tui.tui.widgets.key_bar import KeyBar
from gale_tui.tui.widgets.line_input import LineInput, SearchInput

if TYPE_CHECKING:
    from gale_tui.core.jobs.engine import GaleEngine
    from gale_tui.tui.context import AppContext

T = TypeVar("T")

LIST_KEYS: Final = (
    Binding("j", "cursor_down", "Down", show=False),
    Binding("k", "cursor_up", "Up", show=False),
)
"""The keys of a dialog with a list, besides those that the list has itself."""


def form_css(own: str | Path) -> CSSPathType:
    """The rules of fields and buttons, then those of a screen."""
    return [Path(__file__).with_name("forms.tcss"), own]


class _AppScreen(Screen[T]):
    """The app, as screens and dialogs see it."""

    KEYS_WAIT_FOR: ClassVar[frozenset[str]] = frozenset()
    """Groups of workers that are about to open a dialog: keys typed meanwhile are for that dialog."""
    _result: tuple[T | None] | None = None
    """The result of a dismiss that waits until the screen is on top."""

    @property
    def gale(self) -> AppContext:
        return cast("AppContext", self.app)

    @property
    def engine(self) -> GaleEngine:
        return self.gale.engine

    @property
    def key_map(self) -> KeyMap:
        return read_keys(self.engine.settings.keys)

    def key(self, action_id: str) -> str:
        return self.key_map.text(action_id)

    def say(self, text: str, level: str = "") -> None:
        """Shows a sentence in the screen's line for messages; nothing if the text is empty."""
        said = self.query_one("#said", Static)
        said.update(text)
        said.display = bool(text)
        said.set_classes(f"-{level}" if level else "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns False for what starts exports with `--readonly`: its key does nothing."""
        if action in EXPORTING and self.engine.readonly:
            return False
        return super().check_action(action, parameters)

    @property
    def is_open(self) -> bool:
        """True if it is shown, or will be once the screens above it are closed."""
        return self._result is None and self in self.app.screen_stack

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Dismisses the screen, once it is on top: the framework would take away the one above."""
        if self.is_active:
            self._cancel_workers()
            return super().dismiss(result)
        self._result = (result,)
        return AwaitComplete()

    def _cancel_workers(self) -> None:
        """Cancels what still runs for the screen, but for the worker that dismisses it.

        The framework does so only after it has removed the widgets that a worker may ask for.
        """
        for worker in self.workers:
            if worker.node is self and worker is not active_worker.get(None):
                worker.cancel()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        if not self.stack_updates:
            # The widgets of a new screen have had their styles since they were mounted, after its rules were read.
            event.refresh_styles = False
            self.app.stylesheet.apply(self)
        if self._result is not None:
            self.dismiss(*self._result)

    def action_cursor_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_cursor_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()

    def on_unmount(self) -> None:
        release_closed_widgets()


class GaleScreen(_AppScreen[T]):
    AUTO_FOCUS: ClassVar[str | None] = None
    PLACE: ClassVar[Place] = Place.DIALOG
    """The place of its keys, and their only source: `BINDINGS` of a subclass are replaced."""

    def __init_subclass__(cls, **options: Any) -> None:
        cls.BINDINGS = bindings(cls.PLACE)
        super().__init_subclass__(**options)

    def key_bar(self) -> KeyBar:
        return KeyBar(self._possible_keys(self.PLACE))

    def show_keys(self, place: Place) -> None:
        self.query_one(KeyBar).show(self._possible_keys(place))

    def _possible_keys(self, place: Place) -> list[tuple[str, str, str]]:
        searching = any(field.value for field in self.query(SearchInput))
        entries = self.key_map.entries(place, searching=searching)
        return [entry for entry in entries if self.check_action(entry[2], ())]

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, LineInput):
            self.show_keys(event.widget.PLACE)

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        if isinstance(event.widget, LineInput) and event.widget.is_attached:
            self.show_keys(self.PLACE)


class GaleModal(_AppScreen[T], ModalScreen[T]):
    """A dialog. It is dismissed with a value; `None` means cancelled."""

    CSS_PATH = form_css(Path(__file__).with_name("dialogs.tcss"))
