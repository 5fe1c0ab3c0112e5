"""The batch screen: a list of tools to edit, where it goes, and one key that starts it."""

from __future__ import annotations

import contextlib
import shlex
from typing import TYPE_CHECKING

from textual import events, on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Select, Static

from gale_tui.core.batch.editor import BatchList, ListLine
from gale_tui.core.batch.reader import find_batch, is_slow_to_read, read_batch
from gale_tui.core.batch.tools import Batch, Typed
from gale_tui.core.errors import ConfigError, GaleError
from gale_tui.core.history.batches import BatchRecord
from gale_tui.core.history.sets import ToolSet
from gale_tui.core.kinds import TOOL
from gale_tui.core.models import Environment
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.actions import Place
from gale_tui.tui.screens.base import GaleScreen, form_css
from gale_tui.tui.screens.dialogs import ConfirmDialog, EnvironmentPicker, confirm_production
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.batch_target import BatchTarget
from gale_tui.tui.widgets.forms.checks import folder_of
from gale_tui.tui.widgets.tables.batch_table import BatchTable

if TYPE_CHECKING:
    from gale_tui.tui.context import BatchStart

EMPTY = """Paste the tools to export
Lines of Tool ID, Flow ID and a label, as CSV, TSV or with spaces; or captured Export requests.

{add} adds a line, {open} opens a set. On the jobs screen {mark} marks rows, and {again} exports them."""


class BatchScreen(GaleScreen[BatchRecord]):
    """A list of tools with its problems. Dismissed with the confirmed batch."""

    CSS_PATH = form_css("batch.tcss")
    AUTO_FOCUS = "#lines"
    PLACE = Place.BATCH
    KEYS_WAIT_FOR = frozenset({"open", "edit", "start", "save"})

    def __init__(self, first: BatchStart, environment: Environment | None, before: BatchList | None, note: str) -> None:
        """Makes the screen.

        Args:
            environment: Where they go; the one for new exports where None.
            before: The list that was left without being started: shown if there is nothing else, else brought back
                by the first undo.
        """
        super().__init__()
        self._first = first
        self._environment_given = isinstance(first, Batch) and environment is not None
        """The environment was given; the hosts of the requests do not choose it."""
        self._first_environment = environment
        self._states: list[tuple[BatchList, ToolSet | None]] = [
            (BatchList.of(first if isinstance(first, tuple) else ()), None)
        ]
        """Earlier lists and the sets they were opened from, for undo; the present one last."""
        if before is not None and before.lines:
            self._states = [(before, None), *(self._states if first != () else ())]
        self._note = note

    def compose(self) -> ComposeResult:
        yield BatchTable(id="lines")
        yield Static(id="about", markup=False)
        yield Static(id="said", markup=False)
        yield BatchTarget(self.engine, self._first_environment or self.engine.environments.current)
        yield self.key_bar()

    def on_mount(self) -> None:
        self.target.folder.input.read_more = self._take_list
        names = {"add": "batch_add", "open": "batch_open", "mark": "mark", "again": "export_again"}
        self.table.empty_text = EMPTY.format_map({word: self.key(name) for word, name in names.items()})
        resumed = self._first == () and self.listed.lines
        self.say(f"This list was not started; {self.key('batch_clear')} clears it." if resumed else self._note)
        if isinstance(self._first, ToolSet):
            self._take_set(self._first)
        elif isinstance(self._first, Batch):
            self._take(self._first)
        # The empty list that it was put into is no state to go back to.
        del self._states[1:-1]
        self._show(self.listed.next_invalid(-1) or 0)

    @property
    def table(self) -> BatchTable:
        return self.query_one("#lines", BatchTable)

    @property
    def target(self) -> BatchTarget:
        return self.query_one("#target", BatchTarget)

    @property
    def listed(self) -> BatchList:
        return self._states[-1][0]

    @property
    def _opened(self) -> ToolSet | None:
        return self._states[-1][1]

    @property
    def _is_saved(self) -> bool:
        """True if the list equals its set."""
        return self._opened is not None and self.listed.plain == self._opened.tools

    @property
    def unsaved(self) -> BatchList | None:
        """The list that leaving would lose; None for an unchanged set."""
        return self.listed if self.listed.lines and not self._is_saved else None

    # Display

    def _show(self, place: int | None = None) -> None:
        shown, table, environment = self.listed, self.table, self.target.environment
        changed = "" if self._is_saved else ", changed"
        table.border_title = Content(f"Batch: {self._opened.name}{changed}" if self._opened is not None else "Batch")
        table.show(shown, place)
        self.target.count(len(shown.tools))
        self.set_class(environment is not None and environment.production, "-production")

    @on(BatchTable.Highlighted)
    def _show_about(self) -> None:
        place = self.table.cursor_row()
        about = self.query_one("#about", Static)
        line = self.listed.lines[place] if place is not None else None
        about.set_class(line is not None and bool(line.problem), "-problem")
        about.set_class(line is not None and bool(line.warning), "-warning")
        about.update(self._about(line) if line is not None else "")

    def _about(self, line: ListLine) -> str:
        if line.problem:
            edit, remove = self.key("batch_edit"), self.key("batch_out")
            return f"Line {line.number}: {inert(line.problem, 200)}. {edit} edits it, {remove} removes it."
        if line.warning:
            return f"Line {line.number} is used as it is: {inert(line.warning, 200)}."
        kind = f"{line.tool.kind}: " if line.tool is not None and line.tool.kind is not TOOL else ""
        return f"{kind}{inert(line.tool_id, 200)}  {inert(line.flow_id, 200)}"

    @on(Select.Changed, "#environment")
    def _environment_changed(self) -> None:
        self._show()

    # Changes of the list

    def _change(self, changed: BatchList, place: int | None = None, tool_set: ToolSet | None = None) -> None:
        """Shows another list; undo brings the present one back."""
        self._states.append((changed, tool_set or self._opened))
        self._show(place)

    def on_paste(self, event: events.Paste) -> None:
        """Adds a paste to the list; a long one is read on a thread."""
        event.stop()
        if is_slow_to_read(event.text):
            self.say("Reading what was pasted …")
            self.run_worker(self._read(event.text), group="paste")
        else:
            try:
                self._take(read_batch(event.text), event.text)
            except ConfigError as error:
                self.say(str(error), "problem")

    def _take_list(self, text: str) -> bool:
        """Takes a list pasted into the folder's field; returns False if it is none."""
        batch = None if is_slow_to_read(text) else find_batch(text)
        if batch is not None:
            self._take(batch, text)
        return batch is not None

    async def _read(self, text: str) -> None:
        try:
            self._take(await DaemonThreads("paste", keep=0).call(read_batch, text))
        except ConfigError as error:
            self.say(str(error), "problem")

    def _take(self, batch: Batch, text: str = "") -> None:
        if not batch.count:
            self.say("No tool in this paste.", "problem")
            return
        end = len(self.listed.lines)
        added = self.listed.with_batch(batch, text.count("\n") + (not text.endswith("\n")) if text else 0)
        wrong = added.next_invalid(end - 1)
        self._change(added, wrong if wrong is not None and wrong >= end else end)
        words = [self.target.follow(batch.hosts, keep=self._environment_given), *batch.notes]
        if end and not any(words):
            self.say(f"Added {batch.count} lines; {self.key('batch_undo')} undoes it.")
        else:
            self.say(" ".join(filter(None, words)), "problem")

    @work(group="open", exclusive=True)
    async def open_set(self, tool_set: ToolSet) -> None:
        await self._replace_with(tool_set)

    async def _replace_with(self, tool_set: ToolSet) -> None:
        present = self.listed
        if self.unsaved is not None and present.plain != tool_set.tools:
            question = (
                f"The {len(present.lines)} lines of the list are replaced by the {len(tool_set.tools)} "
                f"of {tool_set.name}. {self.key('batch_undo')} brings them back."
            )
            dialog = ConfirmDialog("Open the set", question, confirm="Replace", danger=False)
            if not await self.app.push_screen_wait(dialog):
                return
        self.say("")
        self._take_set(tool_set)

    def _take_set(self, tool_set: ToolSet) -> None:
        self._change(BatchList.of(tool_set.tools), 0, tool_set)
        environment = self.engine.environments.find(tool_set.environment_id) if tool_set.environment_id else None
        if environment is not None:
            self.target.use(environment)
        elif tool_set.environment_id:
            self.say("The environment of this set no longer exists: check the target.", "problem")

    # Actions on lines

    @on(BatchTable.Opened)
    def action_edit_line(self) -> None:
        self._edit(self.table.cursor_row())

    def action_add_line(self) -> None:
        self._edit(None)

    @work(group="edit", exclusive=True)
    async def _edit(self, place: int | None) -> None:
        """Asks for a line, which is added or takes another one's place."""
        from gale_tui.tui.screens.batch.line import BatchLineDialog

        line = self.listed.lines[place] if place is not None else None
        typed: Typed | None = await self.app.push_screen_wait(BatchLineDialog(line))
        if typed is None or (line is not None and line.tool is not None and typed == line.typed):
            return
        self.say("")
        if place is None:
            self._change(self.listed.with_line(*typed), len(self.listed.lines))
        else:
            self._change(self.listed.edited(place, *typed), place)

    def action_remove_line(self) -> None:
        place = self.table.cursor_row()
        if place is None:
            self.say("No line to remove.", "problem")
            return
        line = self.listed.lines[place]
        self._change(self.listed.without(place))
        self.say(f"Removed line {line.number}; {self.key('batch_undo')} undoes it.")

    def action_undo(self) -> None:
        """Takes the last change back, with the cursor on the first line that it changed."""
        if len(self._states) == 1:
            self.say("Nothing to undo.")
            return
        after = self._states.pop()[0].lines
        lines = self.listed.lines
        same = next((at for at, (one, other) in enumerate(zip(lines, after, strict=False)) if one != other), len(after))
        self.say("")
        self._show(min(same, max(0, len(lines) - 1)))

    def action_next_error(self) -> None:
        place = self.listed.next_invalid(self.table.cursor_row() or 0)
        if place is None:
            self.say("No errors.")
        else:
            self.table.move_to(place)

    def action_clear(self) -> None:
        if self.listed.lines:
            count = len(self.listed.lines)
            self._states.append((BatchList(), None))
            self.say(f"Cleared {count} lines; {self.key('batch_undo')} undoes it.")
            self._show()

    # Starting

    @on(Button.Pressed, "#start")
    def action_start(self) -> None:
        """Starts the batch; asks first if it goes to production."""
        environment = self.target.environment
        if environment is None:
            self.say(f"Choose an environment with {self.key('batch_environment')}.", "problem")
        elif not self.listed.tools:
            wrong = "every line is invalid" if self.listed.lines else f"paste a list, or press {self.key('batch_open')}"
            self.say(f"Nothing to export yet: {wrong}.", "problem")
        elif self.gale.batch.running:
            self.say("Another batch is running; start this one when it has ended.", "problem")
        else:
            self.run_worker(self._confirm(environment), group="start", exclusive=True)

    async def _confirm(self, environment: Environment) -> None:
        target, shown = self.target, self.listed
        if not await target.folder.validate_fully():
            target.folder.input.focus()
            return
        if await confirm_production(self.app, environment, len(shown.tools)):
            name = self._opened.name if self._opened is not None and self._is_saved else ""
            self.dismiss(
                BatchRecord.new(
                    environment,
                    shown.tools,
                    name=name,
                    folder=folder_of(target.folder.value) if target.folder.value.strip() else None,
                    save_when_ready=target.query_one("#save-when-ready", FormCheckbox).value,
                    bad=shown.bad,
                    created_at=self.engine.clock.time(),
                )
            )

    @work(group="save", exclusive=True)
    async def action_save_set(self) -> None:
        if not self.listed.tools:
            self.say("Nothing to save yet.", "problem")
            return
        from gale_tui.tui.screens.batch.sets import SetNameDialog

        sets, tools = self.engine.sets, self.listed.plain
        opened, environment = self._opened, self.target.environment
        name: str | None = await self.app.push_screen_wait(SetNameDialog(opened.name if opened is not None else ""))
        if name is None:
            return
        old = None
        # One that cannot be read is replaced: nothing is lost by it.
        with contextlib.suppress(GaleError):
            old = await sets.find(name)
        if old is not None and old.tools != tools:
            question = f"Replace the {len(old.tools):,} tools of the set {name} by these {len(tools):,}?"
            if not await self.app.push_screen_wait(ConfirmDialog("Replace the set", question, confirm="Replace")):
                return
        created, used = (old.created_at, old.used_at) if old is not None else (self.engine.clock.time(), None)
        saved = ToolSet(name, tools, environment.id if environment is not None else None, created, used)
        try:
            await sets.save(saved)
        except GaleError as error:
            self.say(str(error), "problem")
            return
        self._states[-1] = self.listed, saved
        self.say(f"Saved. Run it from the palette, or with: gale-tui export --set {shlex.quote(name)}")
        self._show()

    @work(group="open", exclusive=True)
    async def action_open_set(self) -> None:
        from gale_tui.tui.screens.batch.sets import SetPicker

        try:
            sets = await self.engine.sets.all()
        except GaleError as error:
            self.say(str(error), "problem")
            return
        if not sets:
            self.say(f"No sets yet: paste a list, then press {self.key('batch_keep')}.", "problem")
            return
        chosen: ToolSet | None = await self.app.push_screen_wait(SetPicker(sets))
        if chosen is not None:
            await self._replace_with(chosen)

    def action_switch(self) -> None:
        def picked(environment_id: str | None) -> None:
            if environment_id is not None:
                self.target.use(self.engine.environments.find(environment_id))
                self.say("")

        self.app.push_screen(EnvironmentPicker(), picked)

    def action_back(self) -> None:
        """Back to the list, or from the list to the jobs."""
        if self.focused not in (None, self.table):
            self.table.focus()
        else:
            self.dismiss(None)
