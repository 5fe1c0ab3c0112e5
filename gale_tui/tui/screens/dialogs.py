"""Dialogs: a confirmation, a key, a dock status id, an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, OptionList, Select, Static
from textual.widgets.option_list import Option

from gale_tui.core.identifiers import clean_id, clean_key
from gale_tui.core.models import Environment, Job
from gale_tui.tui.formatting import glyphs
from gale_tui.tui.formatting.quantities import count_text
from gale_tui.tui.screens.base import LIST_KEYS, GaleModal
from gale_tui.tui.screens.form_dialog import FormDialog
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.checks import check_with, tidy_id
from gale_tui.tui.widgets.forms.fields import FormButton, FormRow, TextField
from gale_tui.tui.widgets.forms.id_fields import environment_select, id_check

if TYPE_CHECKING:
    from gale_tui.tui.context import AppHost


def badge(environment: Environment) -> Content:
    """The environment's name, with a PROD badge for production."""
    if not environment.production:
        return Content.styled(environment.name, "bold")
    return Content.assemble(
        (" PROD ", "bold $gale-danger-foreground on $gale-danger-background"), " ", (environment.name, "bold")
    )


def session_checkbox() -> FormCheckbox:
    """The switch that keeps a key out of the keyring."""
    return FormCheckbox("Keep the key for this session only", id="session-only")


class ConfirmDialog(GaleModal[bool]):
    """A yes or no question; Cancel has the focus. `False` and `None` both mean no."""

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "dismiss", "Cancel"),
        Binding("y", "confirm", "Confirm", show=False),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
    ]

    def __init__(self, title: str, question: str | Content, *, confirm: str = "Yes", danger: bool = True) -> None:
        """Makes the dialog.

        Args:
            question: States what will happen; plain text or content, never markup.
        """
        super().__init__()
        self._title = title
        self._question = question
        self._confirm = confirm
        self._danger = danger

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -danger" if self._danger else "dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield Static(self._question, id="question", markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield FormButton("Cancel (n)", "cancel")
                yield FormButton(f"{self._confirm} (y)", "confirm", "error" if self._danger else "primary")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "confirm")

    def action_confirm(self) -> None:
        self.dismiss(True)


async def confirm_production(app: App[Any] | AppHost, environment: Environment, what: str | int) -> bool:
    """Asks before an export from production; returns True for any other environment.

    Args:
        what: The name of what is exported, or how many tools are.
    """
    if not environment.production:
        return True
    name = what if isinstance(what, str) else count_text(what, "tool")
    question = Content.assemble(
        "Export ", (name, "bold"), " from ", badge(environment), f", {environment.origin.display}?"
    )
    confirm = "Export" if isinstance(what, str) else f"Export {what:,}"
    confirmed: bool | None = await app.push_screen_wait(ConfirmDialog("Production", question, confirm=confirm))
    return bool(confirmed)


class KeyDialog(FormDialog[bool]):
    """Asks for an environment's key. Dismissed with True once it is saved."""

    AUTO_FOCUS = "#api-key"

    def __init__(self, environment: Environment, reason: str = "") -> None:
        super().__init__()
        self._environment = environment
        self._reason = reason

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "API key"
            yield Static(
                Content.assemble(badge(self._environment), "  ", (self._environment.origin.display, "$gale-muted")),
                id="whose",
            )
            if self._reason:
                yield Static(self._reason, id="question", markup=False)
            yield TextField(
                "API key",
                "api-key",
                secret=True,
                check=check_with(clean_key),
                required="Paste the key; it begins with kg-.",
                hint="It is sent to this host only, and never shown.",
            )
            yield session_checkbox()
            yield Static(id="said", markup=False)
            yield self.buttons("Save key", "keep")

    def on_mount(self) -> None:
        self.run_worker(self._look_for_keyring(), exit_on_error=True)

    async def _look_for_keyring(self) -> None:
        state = await self.engine.credentials.keyring_state()
        if not state.available:
            self.query_one("#session-only", FormCheckbox).value = True
            self.say(state.explanation)

    def accept(self) -> None:
        self.dismiss_with(lambda: self._save(self.field.value), "Saving the key …")

    async def _save(self, text: str) -> bool:
        session_only = self.query_one("#session-only", FormCheckbox).value
        await self.engine.environments.provide_key(self._environment, clean_key(text), session_only=session_only)
        return True


class TrackDialog(FormDialog[Job]):
    """Asks for a dock status id and follows it. Dismissed with the job."""

    AUTO_FOCUS = "#dock-status-id"

    def compose(self) -> ComposeResult:
        environments = self.engine.environments
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Track an export that is already running"
            yield TextField(
                "Dock status",
                "dock-status-id",
                placeholder="ds-…",
                check=id_check("dock"),
                required="Paste the dock status id; it begins with ds-.",
                hint="The dockStatusId of the export's answer.",
                tidy=tidy_id,
            )
            yield FormRow("Environment", environment_select(environments, environments.current))
            yield Static(id="said", markup=False)
            yield self.buttons("Track", "track")

    def accept(self) -> None:
        environment_id = self.query_one("#environment", Select).value
        if isinstance(environment_id, str):
            dock_status_id = clean_id(self.field.value)
            self.dismiss_with(lambda: self.engine.jobs.track(environment_id, dock_status_id), "Waiting for GALE …")
        else:
            self.say("Choose the environment that the export runs in.", "problem")


class EnvironmentPicker(GaleModal[str]):
    """Chooses an environment. Dismissed with its id."""

    AUTO_FOCUS = "#environments"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,v", "dismiss", "Cancel"),
        *LIST_KEYS,
    ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Switch environment"
            dialog.border_subtitle = "enter use · esc cancel"
            yield OptionList(*(self._option(each) for each in self.engine.environments), id="environments")

    def _option(self, environment: Environment) -> Option:
        current = self.engine.environments.current
        mark = f"{glyphs.RUNNING} " if current is not None and current.id == environment.id else "  "
        return Option(
            Content.assemble(mark, badge(environment), "  ", (environment.origin.display, "$gale-muted")),
            id=environment.id,
        )

    def on_mount(self) -> None:
        environments = self.query_one("#environments", OptionList)
        current = self.engine.environments.current
        if current is not None:
            environments.highlighted = environments.get_option_index(current.id)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_id)
