"""The base of dialogs with fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input

from gale_tui.core.errors import GaleError
from gale_tui.tui.screens.base import GaleModal
from gale_tui.tui.widgets.forms.fields import FormButton, TextField

T = TypeVar("T")


class FormDialog(GaleModal[T]):
    """A dialog that `enter` or its first button submits."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def buttons(self, label: str, button_id: str) -> Horizontal:
        submit, cancel = FormButton(label, button_id, "primary"), FormButton("Cancel", "cancel")
        return Horizontal(submit, cancel, classes="dialog--buttons")

    @property
    def field(self) -> TextField:
        """The first field."""
        return self.query(TextField).first()

    def action_submit(self) -> None:
        """Accepts the input, or shows its problem."""
        invalid = next((each for each in self.query(TextField) if each.display and not each.validate()), None)
        if invalid is not None:
            invalid.input.focus()
        else:
            self.accept()

    def accept(self) -> None:
        """Dismisses the dialog with the input, which is valid."""
        raise NotImplementedError

    def enter(self, field: Input) -> None:
        self.action_submit()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.enter(event.input)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "cancel":
            self.dismiss(None)
        else:
            self.action_submit()

    @work(group="submit")
    async def dismiss_with(self, result: Callable[[], Awaitable[T]], words: str) -> None:
        """Dismisses the dialog with the result of some work; an error is shown, and the first field gets the focus."""
        dialog = self.query_one(".dialog", Vertical)
        if dialog.disabled:
            return
        dialog.disabled = True
        self.say(words)
        try:
            self.dismiss(await result())
        except GaleError as error:
            dialog.disabled = False
            self.say(str(error), "problem")
            self.field.input.focus()
