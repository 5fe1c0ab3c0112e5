"""Sets by name: one to open, a name to keep one under."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, OptionList
from textual.widgets.option_list import Option

from gale_tui.core.errors import GaleError
from gale_tui.core.history.sets import ToolSet, clean_set_name
from gale_tui.tui.screens.base import GaleModal
from gale_tui.tui.screens.dialogs import ConfirmDialog
from gale_tui.tui.widgets.forms.checks import check_with
from gale_tui.tui.widgets.forms.fields import FormButton, TextField

__all__ = ["SetNameDialog", "SetPicker"]


class SetNameDialog(GaleModal[str]):
    """Asks for a set's name. Dismissed with it, made tidy; with None where it was left."""

    CSS_PATH = "sets.tcss"
    AUTO_FOCUS = "#set-name"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._name_before = name

    def compose(self) -> ComposeResult:
        """The field and the buttons."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Keep as a set"
            yield TextField(
                "Name",
                "set-name",
                value=self._name_before,
                placeholder="nightly",
                check=check_with(clean_set_name),
                required="Give it a name, such as nightly.",
                hint="Run it from the palette, or with gale-tui export --set NAME.",
            )
            with Horizontal(classes="dialog--buttons"):
                yield FormButton("Keep", "keep", "primary")
                yield FormButton("Cancel", "cancel")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._keep()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "keep":
            self._keep()
        else:
            self.dismiss(None)

    def _keep(self) -> None:
        field = self.query_one("#set-name-field", TextField)
        if field.insist():
            self.dismiss(clean_set_name(field.value))
        else:
            field.input.focus()

    def action_cancel(self) -> None:
        """Leaves it."""
        self.dismiss(None)


class SetPicker(GaleModal[ToolSet]):
    """Chooses a set. Dismissed with it; with None where it was left.

    Args:
        sets: What there is.
    """

    CSS_PATH = "sets.tcss"
    AUTO_FOCUS = "#sets"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,o", "cancel", "Cancel"),
        Binding("x", "delete", "Delete"),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def __init__(self, sets: Sequence[ToolSet]) -> None:
        super().__init__()
        self._sets = {each.name: each for each in sets}

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Sets"
            dialog.border_subtitle = "enter open · x delete · esc cancel"
            yield OptionList(*(self._option(each) for each in self._sets.values()), id="sets")

    def _option(self, each: ToolSet) -> Option:
        environment = self.engine.environments.find(each.environment_id) if each.environment_id else None
        words = [f"{len(each.tools)} tool{'s' if len(each.tools) != 1 else ''}"]
        if environment is not None:
            words.append(f"PROD {environment.name}" if environment.production else environment.name)
        if each.used_at is not None:
            words.append(f"last run {time.strftime('%Y-%m-%d %H:%M', time.localtime(each.used_at))}")
        return Option(Content.assemble((each.name, "bold"), "  ", (" · ".join(words), "$gale-muted")), id=None)

    @property
    def _chosen(self) -> ToolSet | None:
        at = self.query_one("#sets", OptionList).highlighted
        return None if at is None else list(self._sets.values())[at]

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._chosen)

    def action_delete(self) -> None:
        """Deletes the highlighted set; asks first."""
        chosen = self._chosen
        if chosen is not None:
            self.run_worker(self._delete(chosen), group="delete", exclusive=True)

    async def _delete(self, chosen: ToolSet) -> None:
        question = f"Delete the set {chosen.name} of {len(chosen.tools)} tools? Jobs and files stay."
        if not await self.app.push_screen_wait(ConfirmDialog("Delete the set", question, confirm="Delete")):
            return
        try:
            await self.engine.sets.remove(chosen.name)
        except GaleError as error:
            self.gale.say(str(error), severity="error")
            return
        options = self.query_one("#sets", OptionList)
        options.remove_option_at_index(list(self._sets).index(chosen.name))
        del self._sets[chosen.name]
        if not self._sets:
            self.dismiss(None)

    def action_cursor_down(self) -> None:
        """Next set."""
        self.query_one("#sets", OptionList).action_cursor_down()

    def action_cursor_up(self) -> None:
        """Previous set."""
        self.query_one("#sets", OptionList).action_cursor_up()

    def action_cancel(self) -> None:
        """Leaves it."""
        self.dismiss(None)
