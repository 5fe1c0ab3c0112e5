"""The name of a set to save, and the choice of one that is saved."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from gale_tui.core.errors import GaleError
from gale_tui.core.history.sets import ToolSet, clean_set_name
from gale_tui.tui.formatting.quantities import count_text
from gale_tui.tui.screens.base import LIST_KEYS, GaleModal
from gale_tui.tui.screens.dialogs import ConfirmDialog
from gale_tui.tui.screens.form_dialog import FormDialog
from gale_tui.tui.widgets.forms.checks import check_with
from gale_tui.tui.widgets.forms.fields import TextField


class SetNameDialog(FormDialog[str]):
    """Asks for a set's name. Dismissed with it."""

    AUTO_FOCUS = "#set-name"

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._name_before = name

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Save as a set"
            yield TextField(
                "Name",
                "set-name",
                value=self._name_before,
                placeholder="nightly",
                check=check_with(clean_set_name),
                required="Give it a name, such as nightly.",
                hint="Run it from the palette, or with gale-tui export --set NAME.",
            )
            yield self.buttons("Save", "keep")

    def accept(self) -> None:
        self.dismiss(clean_set_name(self.field.value))


class SetPicker(GaleModal[ToolSet]):
    """Chooses a set. Dismissed with it; with None if it was left."""

    AUTO_FOCUS = "#sets"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,o", "dismiss", "Cancel"),
        Binding("x", "delete", "Delete"),
        *LIST_KEYS,
    ]

    def __init__(self, sets: Sequence[ToolSet]) -> None:
        super().__init__()
        self._sets = {each.name: each for each in sets}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Sets"
            dialog.border_subtitle = "enter open · x delete · esc cancel"
            yield OptionList(*(self._option(each) for each in self._sets.values()), id="sets")

    def _option(self, each: ToolSet) -> Option:
        environment = self.engine.environments.find(each.environment_id) if each.environment_id else None
        words = [count_text(len(each.tools), "tool")]
        if environment is not None:
            words.append(f"PROD {environment.name}" if environment.production else environment.name)
        if each.used_at is not None:
            words.append(f"last run {time.strftime('%Y-%m-%d %H:%M', time.localtime(each.used_at))}")
        return Option(Content.assemble((each.name, "bold"), "  ", (" · ".join(words), "$gale-muted")))

    @property
    def _chosen(self) -> ToolSet | None:
        at = self.query_one("#sets", OptionList).highlighted
        return None if at is None else list(self._sets.values())[at]

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._chosen)

    @work(group="delete", exclusive=True)
    async def action_delete(self) -> None:
        chosen = self._chosen
        if chosen is None:
            return
        question = f"Delete the set {chosen.name} of {len(chosen.tools):,} tools? Jobs and files stay."
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
