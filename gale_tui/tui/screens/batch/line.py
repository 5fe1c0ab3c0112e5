"""The dialog that edits or adds a line of a batch."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from gale_tui.core.batch.editor import ListLine
from gale_tui.core.batch.reader import is_slow_to_read, read_paste
from gale_tui.core.batch.tools import Typed
from gale_tui.core.identifiers import clean_id
from gale_tui.core.kinds import KINDS, TOOL, Kind, kind_named
from gale_tui.tui.screens.form_dialog import FormDialog
from gale_tui.tui.widgets.forms.checks import tidy_id
from gale_tui.tui.widgets.forms.choice import Choice
from gale_tui.tui.widgets.forms.fields import FieldInput, FormRow, TextField
from gale_tui.tui.widgets.forms.id_fields import id_field, kind_choice, show_kind


class BatchLineDialog(FormDialog[Typed]):
    """Asks for kind, id, Flow ID and label of a line. Dismissed with them; with None if it was left."""

    AUTO_FOCUS = "#line-tool-id"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "submit", "Save", show=False)]

    def __init__(self, line: ListLine | None = None) -> None:
        super().__init__()
        self._line = line or ListLine(0)

    def compose(self) -> ComposeResult:
        line = self._line
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Line {line.number}" if line.number else "Add line")
            dialog.border_subtitle = "enter next, then save · esc cancel"
            if line.problem:
                reads = f"\nIt reads: {line.text}" if line.text else ""
                yield Static(f"{line.problem[:1].upper()}{line.problem[1:]}.{reads}", id="was", markup=False)
            yield FormRow("Kind", kind_choice("line-kind", kind_named(line.kind) or TOOL))
            yield id_field("tool", "line-tool-id", value=line.tool_id, hint="Or paste the whole Export request.")
            yield id_field("flow", "line-flow-id", value=line.flow_id, hint="The deployed call flow.")
            yield TextField("Label", "line-label", value=line.label, hint="Optional.")
            yield self.buttons("Save", "keep")

    def on_mount(self) -> None:
        tool, flow = self._fields[:2]
        tool.input.read_more = flow.input.read_more = self._take_request
        self._show_kind()
        if tool.value.strip() and tool.validate() and flow.display and not (flow.value.strip() and flow.validate()):
            flow.input.focus()

    @property
    def _fields(self) -> tuple[TextField, ...]:
        return tuple(self.query_one(f"#line-{name}-field", TextField) for name in ("tool-id", "flow-id", "label"))

    @property
    def kind(self) -> Kind:
        return KINDS[self.query_one("#line-kind", Choice).value]

    @on(Choice.Changed)
    def _show_kind(self) -> None:
        tool, flow, _ = self._fields
        show_kind(self.kind, tool, flow)

    def _take_request(self, text: str) -> bool:
        """Fills in the ids of a pasted request; returns False if it has none."""
        if is_slow_to_read(text):
            return False
        request = next(iter(read_paste(text).captured.requests), None)
        if request is None:
            return False
        self.query_one("#line-kind", Choice).value = request.kind.word
        self._show_kind()
        tool, flow, _ = self._fields
        for field, value in ((tool, request.tool_id), (flow, request.flow_id)):
            if value:
                field.fill(tidy_id(value))
        return True

    def enter(self, field: Input) -> None:
        """Goes to the next field, or submits from the last one."""
        if not self.query_one(f"#{field.id}-field", TextField).validate():
            return
        if field.id == "line-label":
            self.action_submit()
        else:
            self.focus_next(FieldInput)

    def accept(self) -> None:
        tool_id, flow_id, label = (field.value for field in self._fields)
        flow_id = clean_id(flow_id) if self.kind.needs_flow else ""
        self.dismiss((clean_id(tool_id), flow_id, label, self.kind.word))
