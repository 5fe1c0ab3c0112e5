"""The base of forms: early keys, fields by name, a line for messages."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Static

from gale_tui.tui.screens.base import GaleScreen
from gale_tui.tui.widgets.forms.fields import TextField

__all__ = ["FormScreen"]

T = TypeVar("T")

_LEVELS = ("problem", "warning", "success", "busy")


class FormScreen(GaleScreen[T]):
    """A screen to fill in.

    Over a slow line keys arrive in lumps. Those that were typed before the first field had the focus go to it all the
    same, and `tab` takes effect before the key behind it is handed on.
    """

    VERTICAL_BREAKPOINTS = [(0, "-short"), (28, "-tall"), (34, "-roomy")]  # noqa: RUF012  # the framework declares it so
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "step(1)", "Next field", show=False, priority=True),
        Binding("shift+tab", "step(-1)", "Previous field", show=False, priority=True),
        Binding("enter", "early_enter", show=False),
    ]

    _early_enter = False
    _ready_at: float | None = None
    """When the first field got the focus, on the clock of the framework's events."""

    def ready(self) -> None:
        """To be called once the first field has the focus."""
        self._ready_at = events.Event().time
        if self._early_enter:
            self._hand_on(events.Key("enter", "\r"))

    def on_key(self, event: events.Key) -> None:
        """Hands an early key to the focused field."""
        if self._ready_at is not None and event.time < self._ready_at:
            event.stop()
            event.prevent_default()
            self._hand_on(events.Key(event.key, event.character))

    def on_paste(self, event: events.Paste) -> None:
        """Hands an early paste to the focused field."""
        if self._ready_at is not None and event.time < self._ready_at and self.focused is not None:
            event.stop()
            self.focused.post_message(events.Paste(event.text))

    def action_early_enter(self) -> None:
        """Remembers an `enter` from before the form was ready."""
        self._early_enter = self._ready_at is None

    def _hand_on(self, key: events.Key) -> None:
        focused = self.focused
        if key.key == "tab":
            self.focus_next()
        elif focused is not None and key.is_printable:
            focused.post_message(key)
        elif focused is not None:
            # Only what comes by way of the app is looked up among the bindings, and it does not rise to its sender.
            self.app.post_message(key.set_sender(focused))

    def action_step(self, by: int) -> None:
        """Goes to the next (1) or the previous (-1) widget."""
        if self._ready_at is None:
            # In its place among the other keys that came too early.
            self.post_message(events.Key("tab", "\t"))
        elif by > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def field(self, input_id: str) -> TextField:
        """The field around an input."""
        return self.query_one(f"#{input_id}-field", TextField)

    def say(self, text: str, level: str = "") -> None:
        """Shows a sentence about all of the form; nothing where the text is empty."""
        said = self.query_one("#said", Static)
        said.update(text)
        said.display = bool(text)
        for each in _LEVELS:
            said.set_class(level == each, f"-{each}")
