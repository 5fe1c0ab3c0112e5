"""The fields of the export form, and the request they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import clean_id
from gale_tui.core.kinds import KINDS, TOOL, Kind, fitting_kind
from gale_tui.core.models import Environment, ExportRequest, Job
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.checks import Level, folder_of
from gale_tui.tui.widgets.forms.choice import Choice
from gale_tui.tui.widgets.forms.fields import FormBody, FormRow, TextField, show_line
from gale_tui.tui.widgets.forms.id_fields import environment_select, folder_field, id_field, kind_choice, show_kind
from gale_tui.tui.widgets.forms.suggestions import Suggestions

if TYPE_CHECKING:
    from gale_tui.core.jobs.engine import GaleEngine
    from gale_tui.core.models import ToolChoice


def _id_or(text: str, stand_in: str) -> str:
    try:
        return clean_id(text)
    except ConfigError:
        return stand_in


class ExportFields(FormBody):
    """Ids with suggestions, environment, label, folder, switch, and the request as curl."""

    class EnvironmentChanged(Message):
        """Another environment was chosen."""

    @dataclass
    class StatusChanged(Message):
        """A sentence about all of the form; empty clears it."""

        text: str
        level: Level | Literal["busy"] = "hint"

    class Completed(Message):
        """`enter` in a text field, with nothing left to fill in."""

    def __init__(self, engine: GaleEngine, again: Job | None) -> None:
        super().__init__(id="fields")
        self.engine = engine
        self._again = again
        self.environment = (
            engine.environments.find(again.environment_id) if again is not None else engine.environments.current
        )
        """The environment to export to; None until one is chosen."""
        self._known_tool_id = again.tool_id if again is not None else ""
        """The text the suggestions match: the message of a first value opens no list."""
        self.known_label = (again.label or again.name or "") if again is not None else ""
        """The label that came with a tool; another tool replaces it, a typed one stays."""

    def compose(self) -> ComposeResult:
        again, engine = self._again, self.engine
        tool_id, flow_id, folder, kind = "", "", None, TOOL
        if again is not None:
            tool_id, flow_id, folder, kind = again.tool_id, again.flow_id, again.folder, again.kind
        yield id_field(
            "tool",
            "tool-id",
            value=tool_id,
            hint="toolId of the Export request, or paste the whole request.",
            below=Suggestions(id="suggestions"),
        )
        yield id_field("flow", "flow-id", value=flow_id, hint="flowId of the same request: the deployed call flow.")
        yield FormRow("Environment", environment_select(engine.environments, self.environment))
        yield Static(id="environment-line", classes="line", markup=False)
        yield TextField("Label", "label", value=self.known_label, hint="Display name (optional).")
        yield folder_field(folder or engine.default_folder(), "Where the file goes.")
        yield FormCheckbox("Save the file when it is ready", engine.settings.save_when_ready, id="save-when-ready")
        yield FormRow("Kind", kind_choice("kind", kind))
        yield FormRow("As curl", Static(id="curl", markup=False), id="curl-row")

    def on_mount(self) -> None:
        """Opens the list of tools, so that the first can be taken at once."""
        self.tool.input.on_step = self._stepped
        self.choose(self.environment)
        self.tool.input.focus()
        if self._again is None:
            self._suggestions.narrow("", mark=True)

    # Parts

    def field(self, input_id: str) -> TextField:
        return self.query_one(f"#{input_id}-field", TextField)

    @property
    def tool(self) -> TextField:
        return self.field("tool-id")

    @property
    def flow(self) -> TextField:
        return self.field("flow-id")

    @property
    def kind(self) -> Kind:
        return KINDS[self.query_one("#kind", Choice).value]

    @kind.setter
    def kind(self, kind: Kind) -> None:
        self.query_one("#kind", Choice).value = kind.word
        self._show_kind()

    @on(Choice.Changed)
    def _show_kind(self) -> None:
        show_kind(self.kind, self.tool, self.flow)
        self._show_curl()

    @property
    def _ids(self) -> list[TextField]:
        return [self.tool, self.flow] if self.kind.needs_flow else [self.tool]

    @property
    def _suggestions(self) -> Suggestions:
        return self.query_one("#suggestions", Suggestions)

    # The environment

    @on(Select.Changed, "#environment")
    def _selected(self, event: Select.Changed) -> None:
        event.stop()
        chosen = self.engine.environments.find(event.value) if isinstance(event.value, str) else None
        if chosen != self.environment:
            self.choose(chosen)

    def choose(self, environment: Environment | None) -> None:
        """Exports to an environment, and shows what depends on it."""
        engine = self.engine
        self.environment = environment
        self.query_one("#environment", Select).value = environment.id if environment is not None else Select.NULL
        self.post_message(self.EnvironmentChanged())
        if environment is None:
            self._suggestions.offer((), "")
            self.query_one("#environment-line", Static).update("")
        else:
            title = "Offered tools" if engine.demo else "Recent tools"
            self._suggestions.offer(engine.jobs.recent_tools(environment.id), title)
            self.show_key(environment)
            if self._again is None and not self.tool.value.strip():
                self.query_one("#kind", Choice).value = engine.jobs.last_kind(environment.id).word
        self._show_kind()

    @work(group="key", exclusive=True)
    async def show_key(self, environment: Environment) -> None:
        """Shows in a line below the environment where its key lives."""
        line = self.query_one("#environment-line", Static)
        host = environment.origin.display
        line.update(host)
        status = await self.engine.credentials.key_status(environment)
        words = [host, "no key yet" if status.place == "none" else f"key: {status.place} {status.hint}".rstrip()]
        if environment.production:
            words.append("confirms before it exports")
        line.update(" · ".join(words))

    def _show_curl(self) -> None:
        words = ""
        if self.environment is not None:
            from gale_tui.core.gale_api.client import curl_line

            kind = self.kind
            tool_id = _id_or(self.tool.value, f"{kind.word.upper()}-ID")
            words = curl_line(self.environment, tool_id, _id_or(self.flow.value, "FLOW-ID"), kind)
        show_line(self.query_one("#curl", Static), words)

    # Typing and choosing

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input is self.tool.input and event.input.has_focus and event.value != self._known_tool_id:
            self._suggestions.narrow(event.value, mark=not self.flow.value)
            self._known_tool_id = event.value
        if event.input is self.tool.input and (kind := fitting_kind(self.kind, event.value.strip())) != self.kind:
            self.kind = kind
        elif event.input.id in ("tool-id", "flow-id"):
            self._show_curl()

    def on_descendant_blur(self) -> None:
        if self.screen.focused is not self.tool.input:
            self._suggestions.close()

    def close_list(self) -> bool:
        """Closes the suggestions; returns False if they were closed."""
        return self._suggestions.close()

    def _stepped(self, by: int) -> bool:
        """Moves in the suggestions, opening them on the way down; returns False if there are none."""
        suggestions = self._suggestions
        if not suggestions.open and by > 0:
            suggestions.narrow(self.tool.value)
        if suggestions.open:
            suggestions.move(by)
        return suggestions.open

    @on(Suggestions.OptionSelected, "#suggestions")
    def _clicked(self, event: Suggestions.OptionSelected) -> None:
        event.stop()
        if (choice := self._suggestions.chosen) is not None:
            self._take(choice)

    def _take(self, choice: ToolChoice) -> None:
        self.fill(choice.tool_id, choice.flow_id, choice.kind)
        label = self.field("label")
        # The user will look for its earlier name in the table.
        if choice.title != choice.tool_id and (not label.value.strip() or label.value == self.known_label):
            self.known_label = choice.title
            label.fill(choice.title)
        self.post_message(self.StatusChanged(""))

    def fill(self, tool_id: str, flow_id: str | None, kind: Kind) -> None:
        """Fills in ids and their kind; a Flow ID of None changes nothing."""
        self.kind = kind
        self._known_tool_id = tool_id
        self.tool.fill(tool_id)
        if flow_id is not None:
            self.flow.fill(flow_id)
        self._suggestions.close()
        self._show_curl()

    def defer_enter(self) -> bool:
        """Returns True if the form has to wait; `enter` counts afterwards."""
        return False

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self.defer_enter():
            return
        choice = self._suggestions.chosen if event.input is self.tool.input else None
        if choice is not None:
            self._take(choice)
            if not self.engine.demo:
                return
        empty = [field for field in self._ids if not field.value.strip()]
        following = [field for field in empty if field.input is not event.input]
        if not empty:
            self.post_message(self.Completed())
        elif following:
            following[0].input.focus()
        else:
            empty[0].validate()

    # The result

    def first_missing(self) -> Widget | None:
        """The first widget that keeps the form from being sent, its problem shown; None if there is none."""
        for field in self._ids:
            if not field.validate():
                return field.input
        return self.query_one("#environment") if self.environment is None else None

    async def request(self) -> ExportRequest | None:
        """The request; None if the folder's field shows a problem."""
        folder = self.field("folder")
        if self.environment is None or not await folder.validate_fully():
            return None
        return ExportRequest(
            environment_id=self.environment.id,
            tool_id=clean_id(self.tool.value),
            flow_id=clean_id(self.flow.value) if self.kind.needs_flow else "",
            kind=self.kind,
            label=self.field("label").value.strip(),
            folder=folder_of(folder.value) if folder.value.strip() else None,
            save_when_ready=self.query_one("#save-when-ready", FormCheckbox).value,
        )
