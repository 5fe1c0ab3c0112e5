"""The export form: ids, environment, folder; one press is one request to GALE."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static

from gale_tui.core.errors import (
    AnswerError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    ConflictError,
    CredentialError,
    ForbiddenError,
    GaleError,
    NotFoundError,
)
from gale_tui.core.hosts import clean_id, id_warning, origin_of
from gale_tui.core.models import Environment, ExportRequest, Job
from gale_tui.core.text import inert
from gale_tui.tui.screens.base import GaleScreen
from gale_tui.tui.screens.dialogs import ConfirmDialog, KeyDialog, badge
from gale_tui.tui.widgets.fields import (
    Check,
    FieldInput,
    Finding,
    FormBody,
    FormButton,
    FormRow,
    Recognise,
    TextField,
    Tick,
    check_with,
    folder_finding,
    folder_of,
    tidy_id,
)
from gale_tui.tui.widgets.key_bar import KeyBar
from gale_tui.tui.widgets.suggestions import Suggestions

if TYPE_CHECKING:
    from gale_tui.core.engine import ToolChoice

__all__ = ["ExportForm", "recognise_export"]

_EXPORT_PATH = re.compile(r"/(tools|agents|workflows?)/:?([^/?#]+)/export/?$")
_ADDRESS = re.compile(r"https?://[^\s'\"<>\\]+")


def recognise_export(text: str) -> Mapping[str, str] | None:
    """What an export request, as a URL or a curl line, says: any of `tool_id`, `flow_id`, `host` and `note`.

    A key in it is left where it is. None where there is no such request in the text.
    """
    for address in _ADDRESS.findall(text):
        try:
            parts = urlsplit(address)
        except ValueError:
            continue
        match = _EXPORT_PATH.search(parts.path)
        if match is None:
            continue
        if match[1].startswith("workflow"):
            return {"note": "This is the export of a workflow; gale-tui exports tools."}
        query = parse_qs(parts.query)
        values = {"host": f"{parts.scheme}://{parts.netloc}", "tool_id": unquote(match[2])}
        if flow_ids := query.get("flowId") or query.get("callflowId"):
            values["flow_id"] = flow_ids[0]
        return values
    return None


def _id_check(kind: str) -> Check:
    def odd(text: str) -> Finding:
        warning = id_warning("tool" if kind == "tool" else "flow", clean_id(text))
        return Finding(warning, "warning") if warning else Finding()

    return check_with(clean_id, odd)


class ExportForm(GaleScreen[Job]):
    """Asks what to export and starts it. Dismissed with the job; with None where the user went back.

    While GALE is asked the form takes nothing further. Going back then does not stop the request: the job appears in
    the table, or a notification says why there is none.
    """

    CSS_PATH = "export_form.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (28, "-tall"), (34, "-roomy")]  # noqa: RUF012  # the framework declares it so
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("tab", "app.focus_next", "Next field"),
        Binding("ctrl+s", "submit", "Export"),
    ]

    recognise: ClassVar[Callable[[str], Mapping[str, str] | None]] = staticmethod(recognise_export)
    """Reads a pasted request; replace it to read more."""

    def __init__(self, again: Job | None = None) -> None:
        """Makes the form.

        Args:
            again: The job that is exported again: its ids, label and folder are filled in.
        """
        super().__init__()
        self._again = again
        self._environment: Environment | None = None
        self._asking = False
        self._left = False
        self._job: Job | None = None
        self._known_tool_id = again.tool_id if again is not None else ""
        """What the list of tools was last narrowed to: the message of a first value opens no list."""

    # What it looks like

    def compose(self) -> ComposeResult:
        """The fields in the order of the tab key, then what is said and the buttons."""
        again = self._again
        engine = self.engine
        chosen = (engine.environment(again.environment_id) if again is not None else None) or engine.current
        self._environment = chosen
        recognise: Recognise = type(self).recognise
        folder = again.folder if again is not None and again.folder is not None else engine.default_folder()
        with Vertical(id="panel"):
            with FormBody(id="fields"):
                yield TextField(
                    "Tool ID",
                    "tool-id",
                    value=again.tool_id if again is not None else "",
                    placeholder="a-…",
                    hint="toolId of the Export request, or paste the whole request.",
                    check=_id_check("tool"),
                    required="The Tool ID is needed.",
                    recognise=recognise,
                    tidy=tidy_id,
                    below=Suggestions(id="suggestions"),
                )
                yield TextField(
                    "Flow ID",
                    "flow-id",
                    value=again.flow_id if again is not None else "",
                    placeholder="cf-…",
                    hint="flowId of the same request: the deployed call flow.",
                    check=_id_check("flow"),
                    required="The Flow ID is needed: GALE exports a tool with its call flow.",
                    recognise=recognise,
                    tidy=tidy_id,
                )
                yield FormRow(
                    "Environment",
                    Select(
                        [(Text(each.name), each.id) for each in engine.environments],
                        value=chosen.id if chosen is not None else Select.NULL,
                        allow_blank=chosen is None,
                        id="environment",
                        compact=True,
                    ),
                )
                yield Static(id="environment-line", classes="line", markup=False)
                yield TextField(
                    "Label",
                    "label",
                    value=again.label if again is not None else "",
                    hint="What to call it in the table, if not by its own name.",
                )
                yield TextField(
                    "Folder",
                    "folder",
                    value=str(folder),
                    hint="Where the zip goes.",
                    check=folder_finding,
                    slow=True,
                )
                yield Tick("Save the file when it is ready", engine.settings.save_when_ready, id="save-when-ready")
                yield FormRow("As curl", Static(id="curl", markup=False))
            with Vertical(id="foot"):
                yield Static(id="said", markup=False)
                with Horizontal(id="buttons"):
                    yield FormButton("Export", "submit", "primary")
                    yield FormButton("Enter the key …", "give-key")
                    yield FormButton("Cancel", "cancel")
        yield KeyBar(
            [
                ("enter", "Next field, then export", "submit"),
                ("tab", "Next field", "app.focus_next"),
                ("ctrl+s", "Export", "submit"),
                ("esc", "Back", "back"),
                ("F1", "Help", "app.help"),
            ]
        )

    def on_mount(self) -> None:
        """Opens the list of tools, so that the first can be taken at once."""
        self._tool.input.stepping = self._stepped
        self.query_one("#give-key").display = False
        self._environment_changed()
        self._tool.input.focus()
        if self._again is None:
            self._suggestions.narrow("", highlight=True)

    # Its parts

    def _field(self, input_id: str) -> TextField:
        return self.query_one(f"#{input_id}-field", TextField)

    @property
    def _tool(self) -> TextField:
        return self._field("tool-id")

    @property
    def _flow(self) -> TextField:
        return self._field("flow-id")

    @property
    def _suggestions(self) -> Suggestions:
        return self.query_one("#suggestions", Suggestions)

    def _say(self, text: str, level: str = "") -> None:
        said = self.query_one("#said", Static)
        said.update(text)
        said.set_class(level == "problem", "-problem")
        said.set_class(level == "warning", "-warning")
        said.set_class(level == "busy", "-busy")
        said.display = bool(text)

    # The environment

    @on(Select.Changed, "#environment")
    def _select_changed(self, event: Select.Changed) -> None:
        event.stop()
        chosen = self.engine.environment(event.value) if isinstance(event.value, str) else None
        if chosen != self._environment:
            self._environment = chosen
            self._environment_changed()

    def _environment_changed(self) -> None:
        environment = self._environment
        panel = self.query_one("#panel", Vertical)
        panel.border_title = Content.assemble("New export · ", badge(environment)) if environment else "New export"
        panel.set_class(environment is not None and environment.production, "-production")
        self.query_one("#give-key").display = False
        self._say("")
        if environment is None:
            self._suggestions.offer((), "")
            self._say(
                "Choose the environment to export from."
                if self.engine.environments
                else "There is no environment yet: go back and press c to add one.",
                "warning",
            )
        else:
            self._suggestions.offer(
                self.engine.recent(environment.id), "Offered tools" if self.engine.demo else "Recent tools"
            )
            self.run_worker(self._show_environment(environment), group="environment", exclusive=True)
        self._show_curl()

    async def _show_environment(self, environment: Environment) -> None:
        line = self.query_one("#environment-line", Static)
        host = environment.origin.display
        line.update(host)
        status = await self.engine.credentials.where(environment)
        words = [host, "no key yet" if status.place == "none" else f"key: {status.place} {status.hint}".rstrip()]
        if environment.production:
            words.append("asks before it exports")
        line.update(" · ".join(words))

    def _show_curl(self) -> None:
        curl = self.query_one("#curl", Static)
        if self._environment is None:
            curl.update("")
            return
        tool_id, flow_id = (
            _id_or(field.value, stand_in) for field, stand_in in ((self._tool, "TOOL-ID"), (self._flow, "FLOW-ID"))
        )
        curl.update(self.engine.curl(self._environment, tool_id, flow_id))

    # Typing, choosing, pasting

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input is self._tool.input and event.input.has_focus and event.value != self._known_tool_id:
            self._suggestions.narrow(event.value, highlight=not event.value and not self._flow.value)
            self._known_tool_id = event.value
        if event.input.id in ("tool-id", "flow-id"):
            self._show_curl()

    def on_descendant_focus(self) -> None:
        """Closes the list where the focus left its field, and keeps what has the focus in sight."""
        if self.focused is not self._tool.input:
            self._suggestions.close()

    @on(Suggestions.Taken)
    def _clicked(self, event: Suggestions.Taken) -> None:
        self._take(event.choice)

    def _take(self, choice: ToolChoice) -> None:
        self._tool.fill(choice.tool_id)
        self._flow.fill(choice.flow_id)
        self._suggestions.close()
        self._show_curl()
        self._say("")

    def _stepped(self, by: int) -> bool:
        """Moves in the list of tools, opening it on the way down; False where there is none."""
        suggestions = self._suggestions
        if not suggestions.open and by > 0:
            suggestions.narrow(self._tool.value)
        if suggestions.open:
            suggestions.move(by)
        return suggestions.open

    @on(FieldInput.Recognised)
    def _recognised(self, event: FieldInput.Recognised) -> None:
        event.stop()
        values = event.values
        if "tool_id" not in values:
            self._say(values.get("note", "The paste has no Tool ID in it."), "warning")
            return
        self._tool.fill(tidy_id(values["tool_id"]))
        if "flow_id" in values:
            self._flow.fill(tidy_id(values["flow_id"]))
        self._suggestions.close()
        note = self._follow_host(values.get("host", ""))
        self._show_curl()
        if self._flow.value:
            self._say(f"Taken from the request: Tool ID and Flow ID. {note}".strip(), "warning" if note else "")
        else:
            self._flow.input.focus()
            self._say(f"Taken from the request: the Tool ID. It names no flowId. {note}".strip(), "warning")

    def _follow_host(self, host: str) -> str:
        """Chooses the environment that a pasted request was sent to; says so where there is none."""
        try:
            origin = origin_of(host)
        except ConfigError:
            return ""
        if self._environment is not None and self._environment.origin == origin:
            return ""
        for environment in self.engine.environments:
            if environment.origin == origin:
                self.query_one("#environment", Select).value = environment.id
                self._environment = environment
                self._environment_changed()
                return ""
        return f"It was sent to {inert(origin.display, 80)}, which is no environment here."

    # Sending

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        choice = self._suggestions.chosen if event.input is self._tool.input else None
        if choice is not None:
            self._take(choice)
            if not self.engine.demo:
                return
        self._next_or_submit(event.input)

    def _next_or_submit(self, current: Widget) -> None:
        empty = [field for field in (self._tool, self._flow) if not field.value.strip()]
        if not empty:
            self.action_submit()
            return
        following = [field for field in empty if field.input is not current]
        if not following:
            empty[0].insist()
        (following or empty)[0].input.focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "submit":
                self.action_submit()
            case "give-key":
                self._ask_for_key()
            case _:
                self.action_back()

    def action_submit(self) -> None:
        """Starts the export, if all is there and nothing runs yet."""
        if self._asking:
            return
        self._suggestions.close()
        for field in (self._tool, self._flow):
            if not field.insist():
                field.input.focus()
                return
        if self._environment is None:
            self.query_one("#environment").focus()
            return
        self._busy(True)
        self.run_worker(self._submit(self._environment), group="submit")

    def _busy(self, busy: bool) -> None:
        self._asking = busy
        self.query_one("#fields").disabled = busy
        self.query_one("#buttons").disabled = busy

    async def _submit(self, environment: Environment) -> None:
        folder = self._field("folder")
        if not await folder.settled():
            self._busy(False)
            folder.input.focus()
            return
        request = ExportRequest(
            environment_id=environment.id,
            tool_id=clean_id(self._tool.value),
            flow_id=clean_id(self._flow.value),
            label=self._field("label").value.strip(),
            folder=folder_of(folder.value) if folder.value.strip() else None,
            save_when_ready=self.query_one("#save-when-ready", Tick).value,
        )
        if environment.production and not await self._confirmed(environment, request):
            self._busy(False)
            self.query_one("#submit").focus()
            return
        self._say("Asking GALE …", "busy")
        # The app's worker, not the screen's: going back must not stop a request that is on its way.
        self.app.run_worker(self._ask(request), group="export")

    async def _confirmed(self, environment: Environment, request: ExportRequest) -> bool:
        question = Content.assemble(
            "Export ",
            (request.label or request.tool_id, "bold"),
            " from ",
            badge(environment),
            f", {environment.origin.display}?",
        )
        answer: bool = await self.app.push_screen_wait(ConfirmDialog("Production", question, confirm="Export"))
        return answer

    async def _ask(self, request: ExportRequest) -> None:
        app, engine = self.app, self.engine
        try:
            job = await engine.export(request)
        except GaleError as error:
            if self._left:
                app.notify(str(error), title="Nothing was exported", severity="error", markup=False, timeout=15)
            else:
                self._refused(error)
            return
        self._job = job
        if request.save_when_ready != engine.settings.save_when_ready:
            with contextlib.suppress(GaleError):
                engine.save_settings(save_when_ready=request.save_when_ready)
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        """Closes the form once it has its job; not while something else is open over it."""
        if self._job is not None and not self._left and self.is_active:
            self._left = True
            self.dismiss(self._job)

    def _refused(self, error: GaleError) -> None:
        self._busy(False)
        self._say(str(error), "problem")
        environment = self._environment
        needs_key = isinstance(error, AuthenticationError | CredentialError)
        needs_key = needs_key and environment is not None and environment.source == "config"
        self.query_one("#give-key").display = needs_key
        focus: Widget = self.query_one("#submit")
        if needs_key:
            focus = self.query_one("#give-key")
        elif isinstance(error, NotFoundError) and not error.from_gale:
            focus = self.query_one("#environment")
        elif isinstance(error, NotFoundError | BadRequestError | ConflictError):
            field = self._flow if _speaks_of_flow(error) else self._tool
            field.say(Finding("GALE refused this, see below.", "problem"))
            focus = field.input
        elif isinstance(error, ForbiddenError):
            focus = self.query_one("#environment")
        if self.is_active:
            self.call_after_refresh(focus.focus)

    def _ask_for_key(self) -> None:
        environment = self._environment
        if environment is None:
            return

        def kept(taken: bool | None) -> None:
            if taken:
                self.query_one("#give-key").display = False
                self._say("The key is kept. Export again.")
                self.query_one("#submit").focus()
                self.run_worker(self._show_environment(environment), group="environment", exclusive=True)

        self.app.push_screen(KeyDialog(environment), kept)

    def action_back(self) -> None:
        """Closes the list of tools if it is open, else leaves the form."""
        if self._suggestions.open:
            self._suggestions.close()
            return
        self._left = True
        self.dismiss(None)


def _speaks_of_flow(error: AnswerError) -> bool:
    return "flow" in error.detail.casefold()


def _id_or(text: str, stand_in: str) -> str:
    try:
        return clean_id(text)
    except ConfigError:
        return stand_in
