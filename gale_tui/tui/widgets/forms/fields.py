"""Fields of forms: a label, a one-line input that takes a whole paste, a line for hints and problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from gale_tui.core.threads import DaemonThreads
from gale_tui.tui.terminal.paste_detection import ReadingInput
from gale_tui.tui.widgets.forms.checks import Check, Finding, Level, tidy_line

_MARKS: Mapping[Level, str] = {"hint": "", "note": "", "warning": "! ", "problem": "× "}
_SLOW_CHECK_SECONDS = 5.0


class FormBody(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The part of a form that scrolls in a small terminal; never focused."""


def show_line(line: Static, text: str) -> None:
    """Shows a text, and lays the form out only where its height changes: that takes longer than all else a key does."""
    if text == line.content:
        return
    width, height = line.content_size
    line.update(text, layout=False)
    if not width or line.visual.get_height(line.styles.get_rules(), width) != height:
        line.refresh(layout=True)


class FormButton(Button):
    """A button of one line."""

    def __init__(self, label: str, id: str, variant: Literal["default", "primary", "error"] = "default") -> None:
        super().__init__(Content(label), variant, id=id, compact=True)


class FieldInput(ReadingInput):
    """A one-line input that takes a whole paste."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", "Previous field", show=False),
        Binding("down", "step(1)", "Next field", show=False),
    ]

    tidy: Callable[[str], str] = staticmethod(tidy_line)
    """Cleans up a pasted line."""
    on_step: Callable[[int], bool] | None = None
    """Called when an arrow key steps down (1) or up (-1); returns True if it did all."""
    # The framework lays the whole screen out whenever it changes, which for one line means nothing.
    virtual_size = Reactive(Size(0, 0))

    @dataclass
    class Shortened(Message):
        """Only the first line of a paste was inserted."""

        lines: int

    def take_paste(self, text: str) -> None:
        """Hands a paste to :attr:`read_more`, else inserts its first line."""
        if text.strip() and (self.read_more is None or not self.read_more(text)):
            self.insert_line(text)

    def insert_line(self, text: str) -> None:
        """Inserts the first line of a text, made tidy."""
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            return
        self.replace(self.tidy(lines[0]), *self.selection)
        if len(lines) > 1:
            self.post_message(self.Shortened(len(lines)))

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.take_paste(event.text)

    def action_paste(self) -> None:
        self.take_paste(self.app.clipboard)

    def action_copy(self) -> None:
        """Copies the selected text, but never out of a field whose text is hidden."""
        if not self.password:
            super().action_copy()

    def action_cut(self) -> None:
        """Cuts the selected text; out of a field whose text is hidden it is only deleted."""
        if self.password:
            self.delete_selection()
        else:
            super().action_cut()

    def action_step(self, by: int) -> None:
        if self.on_step is not None and self.on_step(by):
            return
        if by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()


class FormRow(Horizontal):
    """A label and whatever stands beside it, one line high."""

    def __init__(self, label: str, *widgets: Widget, id: str | None = None) -> None:
        self._label = Static(label, classes="field--label", markup=False)
        super().__init__(self._label, *widgets, id=id)

    # Not :focus-within: the framework does not take it back where the focus moves on while a screen opens.

    def on_descendant_focus(self) -> None:
        self._label.add_class("-focused")

    def on_descendant_blur(self) -> None:
        self._label.remove_class("-focused")


class TextField(Vertical):
    """A labelled input with a line below for its hint, its warning or its problem."""

    def __init__(
        self,
        label: str,
        input_id: str,
        *,
        value: str = "",
        hint: str = "",
        placeholder: str = "",
        check: Check = lambda text: Finding(),
        slow: bool = False,
        required: str = "",
        secret: bool = False,
        tidy: Callable[[str], str] = tidy_line,
        below: Widget | None = None,
    ) -> None:
        """Makes a field.

        Args:
            hint: The text of the line below while the field is empty or valid.
            check: Checks a text that is not empty.
            slow: The check looks at a disk: it is run on a thread and not waited for.
            required: The problem of an empty field; "" if it may be empty.
            below: Stands right below the input: a list to choose from.
        """
        super().__init__(id=f"{input_id}-field")
        self._label = label
        self.input = FieldInput(value, placeholder, id=input_id, password=secret)
        self.input.cursor_blink = False
        self.input.tidy = tidy
        self._line = Static(classes="field--line", markup=False)
        self.hint = hint
        self._below = below
        self._check = check
        self._slow = slow
        self.required = required
        self.finding = Finding()

    def compose(self) -> ComposeResult:
        yield FormRow(self._label, self.input)
        if self._below is not None:
            yield self._below
        yield self._line

    def on_mount(self) -> None:
        self.recheck()

    def rename(self, label: str, placeholder: str, check: Check, required: str) -> None:
        """Makes it the field of something else; the text stays and is checked again."""
        self.query_one(".field--label", Static).update(label)
        self.input.placeholder = placeholder
        self._check, self.required = check, required
        self.recheck()

    @property
    def value(self) -> str:
        return self.input.value

    def fill(self, value: str) -> None:
        """Replaces the text without a `Changed` message."""
        with self.prevent(Input.Changed):
            self.input.value = value
        self.input.cursor_position = len(value)
        self.recheck()

    def say(self, finding: Finding) -> None:
        """Shows a finding from elsewhere until the text changes; without one the hint."""
        self.finding = finding = finding if finding.text else Finding()
        show_line(self._line, f"{_MARKS[finding.level]}{finding.text or self.hint}")
        self.set_class(finding.level == "problem", "-problem")
        self.set_class(finding.level == "warning", "-warning")

    def recheck(self) -> None:
        """Checks the text; an empty one is no problem before :meth:`validate`."""
        if self._slow and self.value.strip():
            self.run_worker(self._check_slowly(), group="check", exclusive=True)
        else:
            self.say(self._check(self.value) if self.value.strip() else Finding())

    def validate(self) -> bool:
        """Returns True if the field is valid; else shows the problem."""
        if not self.value.strip():
            self.say(Finding(self.required, "problem"))
        elif not self._slow:
            self.recheck()
        return self.finding.level != "problem"

    async def validate_fully(self) -> bool:
        """As :meth:`validate`, with a slow check waited for."""
        if self._slow and self.value.strip():
            await self._check_slowly()
        return self.validate()

    async def _check_slowly(self) -> None:
        value = self.value
        try:
            threads = DaemonThreads("check", keep=0)
            finding = await threads.call(self._check, value, within=_SLOW_CHECK_SECONDS)
        except TimeoutError:
            finding = Finding("The disk does not answer, so this was not checked.", "warning")
        if value == self.value:
            self.say(finding)

    @on(Input.Changed)
    def _changed(self) -> None:
        self.recheck()

    @on(FieldInput.Shortened)
    def _shortened(self, event: FieldInput.Shortened) -> None:
        event.stop()
        if self.finding.level != "problem":
            self.say(Finding(f"Only the first of {event.lines} pasted lines was taken.", "warning"))
