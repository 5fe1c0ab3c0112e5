"""The base of forms: fields by name, classes of the terminal's size."""

from __future__ import annotations

from typing import TypeVar

from textual.reactive import var

from gale_tui.tui.screens.base import GaleScreen
from gale_tui.tui.widgets.forms.fields import TextField

T = TypeVar("T")


class FormScreen(GaleScreen[T]):
    """A screen to fill in."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (28, "-tall"), (34, "-roomy")]  # noqa: RUF012  # the framework declares it so
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-wide")]  # noqa: RUF012
    waiting = var(False, init=False)
    """Whether it waits for an answer, and takes no input."""

    def on_compose(self) -> None:
        """Takes the classes of the terminal's size before there is anything to draw: later, all is laid out again."""
        for size, breakpoints in zip(
            self.app.size, (self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS), strict=True
        ):
            self.add_class(max(each for each in breakpoints if each[0] <= size)[1])

    def watch_waiting(self, waiting: bool) -> None:
        # Not all of the form at once: each label in it would be styled again, and look the same.
        for widget in self.query():
            if widget.can_focus:
                widget.disabled = waiting

    def field(self, input_id: str) -> TextField:
        return self.query_one(f"#{input_id}-field", TextField)
