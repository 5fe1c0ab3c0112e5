"""The batch screen: a list of tools to edit, where it goes, and one key that starts it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from gale_tui.core.batch.editor import BatchList, ListLine
from gale_tui.core.batch.reader import find_batch, is_slow_to_read, read_batch
from gale_tui.core.batch.tools import BadLine, Batch, BatchTool, Typed
from gale_tui.core.errors import ConfigError, GaleError
from gale_tui.core.history.sets import ToolSet
from gale_tui.core.identifiers import origin_of
from gale_tui.core.kinds import TOOL
from gale_tui.core.models import Environment
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.actions import Place, bindings
from gale_tui.tui.screens.base import GaleScreen
from gale_tui.tui.screens.dialogs import ConfirmDialog, EnvironmentPicker
from gale_tui.tui.widgets.forms.batch_target import BatchTarget
from gale_tui.tui.widgets.tables.batch_table import BatchTable

__all__ = ["BatchPlan", "BatchScreen"]

EMPTY = """Paste the tools to export
Lines of Tool ID, Flow ID and a label, as CSV, TSV or with spaces; or captured Export requests.

{add} adds a line, {open} opens a set. On the jobs screen {mark} marks rows, and {again} exports them."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A batch that was confirmed."""

    environment: Environment
    tools: tuple[BatchTool, ...]
    bad: tuple[BadLine, ...] = ()
    name: str = ""
    """Of the set; empty if it is none."""
    folder: Path | None = None
    """Where the files go; None for the default."""
    save_when_ready: bool = True


class BatchScreen(GaleScreen[BatchPlan]):
    """A list of tools with its problems. Dismissed with the confirmed plan."""

    CSS_PATH = "batch.tcss"
    AUTO_FOCUS = "#lines"
    PLACE = Place.BATCH
    KEYS_WAIT_FOR = frozenset({"open", "edit", "start", "save"})
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(PLACE)]

    def __init__(
        self,
        *,
        batch: Batch | None = None,
        tools: tuple[BatchTool, ...] = (),
        environment: Environment | None = None,
        opened: ToolSet | None = None,
        before: BatchList | None = None,
        note: str = "",
    ) -> None:
        """Makes the screen.

        Args:
            batch: A list, or captured requests, as they were read.
            tools: Tools that are known already.
            environment: Where they go; the one for new exports where None.
            opened: A set to begin with.
            before: The list that was left without being started: shown where there is nothing else, else brought back
                by the first undo.
            note: A sentence about the tools.
        """
        super().__init__()
        self._read_first = batch
        self._environment_given = batch is not None and environment is not None
        """The environment was given; the hosts of the requests do not choose it."""
        self._first_environment = environment
        self._set: ToolSet | None = None
        self._open_first = opened
        self._list = BatchList.of(tools)
        self._undo: list[tuple[BatchList, ToolSet | None]] = []
        self._before = before if before is not None and before.lines else None
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
        self._say(self._note)
        fresh = bool(self._read_first is not None or self._list.lines or self._open_first is not None)
        if self._before is not None and fresh:
            self._undo.append((self._before, None))
        elif self._before is not None:
            self._list = self._before
            self._say(f"This list was not started; {self.key('batch_clear')} clears it.")
        if self._open_first is not None:
            self._take_set(self._open_first)
        elif self._read_first is not None:
            self._take(self._read_first)
        self._show(self._list.next_wrong(-1) or 0)

    @property
    def table(self) -> BatchTable:
        """The list."""
        return self.query_one("#lines", BatchTable)

    @property
    def target(self) -> BatchTarget:
        """Where it goes."""
        return self.query_one("#target", BatchTarget)

    @property
    def listed(self) -> BatchList:
        """The list as it is now."""
        return self._list

    @property
    def unkept(self) -> BatchList | None:
        """The list that leaving would lose; None for an unchanged set."""
        return self._list if self._list.lines and not self._is_set else None

    @property
    def _is_set(self) -> bool:
        return self._set is not None and self._list.plain == self._set.tools

    # What is shown

    def _say(self, text: str, level: str = "") -> None:
        said = self.query_one("#said", Static)
        said.update(text)
        said.display = bool(text)
        said.set_class(level == "problem", "-problem")

    def _show(self, place: int | None = None) -> None:
        shown, table, environment = self._list, self.table, self.target.environment
        kept = self._set
        changed = "" if self._is_set else ", changed"
        table.border_title = Content(f"Batch: {kept.name}{changed}" if kept is not None else "Batch")
        table.border_subtitle = Content(self._counts())
        table.show(shown, place)
        self.target.count(len(shown.tools))
        self.set_class(environment is not None and environment.production, "-production")

    def _counts(self) -> str:
        shown = self._list
        if not shown.lines:
            return ""
        unusual = sum(1 for line in shown.lines if line.warning)
        words = [f"{len(shown.tools)} export{'s' if len(shown.tools) != 1 else ''}"]
        if shown.bad:
            words.append(f"{len(shown.bad)} invalid, skipped")
        if unusual:
            words.append(f"{unusual} unusual")
        return " · ".join(words)

    @on(BatchTable.Highlighted)
    def _show_about(self) -> None:
        """Shows the selected line in full."""
        place = self.table.cursor_row()
        about = self.query_one("#about", Static)
        line = self._list.lines[place] if place is not None else None
        about.set_class(line is not None and bool(line.problem), "-problem")
        about.set_class(line is not None and bool(line.warning), "-warning")
        about.update(self._about(line) if line is not None else "")

    def _about(self, line: ListLine) -> str:
        if line.problem:
            mends, out = self.key("batch_edit"), self.key("batch_out")
            return f"Line {line.number}: {inert(line.problem, 200)}. {mends} edits it, {out} removes it."
        if line.warning:
            return f"Line {line.number} is used as it is: {inert(line.warning, 200)}."
        kind = f"{line.tool.kind}: " if line.tool is not None and line.tool.kind is not TOOL else ""
        return f"{kind}{inert(line.tool_id, 200)}  {inert(line.flow_id, 200)}"

    @on(BatchTarget.EnvironmentChanged)
    def _moved(self) -> None:
        self._show()

    # What changes the list

    def _change(self, changed: BatchList, place: int | None = None, kept: ToolSet | None = None) -> None:
        """Shows another list; undo brings the present one back."""
        self._undo.append((self._list, self._set))
        self._list, self._set = changed, kept or self._set
        self._show(place)

    def on_paste(self, event: events.Paste) -> None:
        """Adds a paste to the list; a long one is read on a thread."""
        event.stop()
        if is_slow_to_read(event.text):
            self._say("Reading what was pasted …")
            self.run_worker(self._read(event.text), group="paste")
        else:
            self._read_now(event.text)

    def _take_list(self, text: str) -> bool:
        """Takes a list pasted into the folder's field; returns False if it is none."""
        batch = None if is_slow_to_read(text) else find_batch(text)
        if batch is not None:
            self._take(batch, text)
        return batch is not None

    async def _read(self, text: str) -> None:
        try:
            batch = await DaemonThreads("paste", keep=0).call(read_batch, text)
        except ConfigError as error:
            self._say(str(error), "problem")
        else:
            self._take(batch)

    def _read_now(self, text: str) -> None:
        try:
            batch = read_batch(text)
        except ConfigError as error:
            self._say(str(error), "problem")
        else:
            self._take(batch, text)

    def _take(self, batch: Batch, text: str = "") -> None:
        if not batch.count:
            self._say("No tool in this paste.", "problem")
            return
        there = len(self._list.lines)
        added = self._list.with_batch(batch, text.count("\n") + (not text.endswith("\n")) if text else 0)
        wrong = added.next_wrong(there - 1)
        self._change(added, wrong if wrong is not None and wrong >= there else there)
        said = [self._follow_hosts(batch.hosts), *batch.notes]
        if there and not any(said):
            said = [f"Added {batch.count} lines; {self.key('batch_undo')} undoes it."]
            self._say(said[0])
        else:
            self._say(" ".join(each for each in said if each), "problem")

    def _follow_hosts(self, hosts: tuple[str, ...]) -> str:
        """Chooses the environment of captured requests; returns a sentence if it is not clear."""
        if not hosts:
            return ""
        try:
            origins = {origin_of(host) for host in hosts}
        except ConfigError:
            return ""
        found = [each for each in self.engine.environments if each.origin in origins]
        if len(origins) == 1 and len(found) == 1:
            chosen = self.target.environment
            if self._environment_given and chosen is not None and chosen != found[0]:
                return f"They were sent to {found[0].name}; {chosen.name} stays chosen (--env)."
            self.target.use(found[0])
            return ""
        if not self._environment_given:
            self.target.use(None)
        names = ", ".join(sorted(inert(origin.display, 80) for origin in origins))
        return f"The requests were sent to {names}, which has no environment here: choose where this goes."

    def take_set(self, kept: ToolSet) -> None:
        """Shows a set; asks before it replaces a list."""
        self.run_worker(self._replace_with(kept), group="open", exclusive=True)

    async def _replace_with(self, kept: ToolSet) -> None:
        there = self._list
        if self.unkept is not None and there.plain != kept.tools:
            question = (
                f"The {len(there.lines)} lines of the list are replaced by the {len(kept.tools)} of {kept.name}. "
                f"{self.key('batch_undo')} brings them back."
            )
            dialog = ConfirmDialog("Open the set", question, confirm="Replace", danger=False)
            if not await self.app.push_screen_wait(dialog):
                return
        self._say("")
        self._take_set(kept)

    def _take_set(self, kept: ToolSet) -> None:
        self._change(BatchList.of(kept.tools), 0, kept)
        environment = self.engine.environments.find(kept.environment_id) if kept.environment_id else None
        if environment is not None:
            self.target.use(environment)
        elif kept.environment_id:
            self._say("The environment of this set no longer exists: check the target.", "problem")

    # Actions on lines

    def action_edit_line(self) -> None:
        place = self.table.cursor_row()
        if place is None:
            self.action_add_line()
        else:
            self.run_worker(self._edit(place), group="edit", exclusive=True)

    @on(BatchTable.Opened)
    def _opened(self) -> None:
        self.action_edit_line()

    async def _edit(self, place: int) -> None:
        from gale_tui.tui.screens.batch.line import BatchLineDialog

        line = self._list.lines[place]
        typed: Typed | None = await self.app.push_screen_wait(BatchLineDialog(line))
        if typed is not None and (line.tool is None or typed != line.typed):
            self._say("")
            self._change(self._list.edited(place, *typed), place)

    def action_add_line(self) -> None:
        self.run_worker(self._add(), group="edit", exclusive=True)

    async def _add(self) -> None:
        from gale_tui.tui.screens.batch.line import BatchLineDialog

        typed: Typed | None = await self.app.push_screen_wait(BatchLineDialog())
        if typed is not None:
            self._say("")
            self._change(self._list.with_line(*typed), len(self._list.lines))

    def action_remove_line(self) -> None:
        place = self.table.cursor_row()
        if place is None:
            self._say("No line to remove.", "problem")
            return
        line = self._list.lines[place]
        self._change(self._list.without(place))
        self._say(f"Removed line {line.number}; {self.key('batch_undo')} undoes it.")

    def action_undo(self) -> None:
        """Takes the last change back, with the cursor where it was."""
        if not self._undo:
            self._say("Nothing to undo.")
            return
        after = self._list.lines
        self._list, self._set = self._undo.pop()
        lines = self._list.lines
        same = next((at for at, (one, other) in enumerate(zip(lines, after, strict=False)) if one != other), len(after))
        self._say("")
        self._show(min(same, max(0, len(lines) - 1)))

    def action_next_error(self) -> None:
        """Goes to the next wrong line, from the last to the first."""
        place = self._list.next_wrong(self.table.cursor_row() or 0)
        if place is None:
            self._say("No errors.")
        else:
            self.table.move_to(place)

    def action_clear(self) -> None:
        if self._list.lines:
            count = len(self._list.lines)
            self._undo.append((self._list, self._set))
            self._list, self._set = BatchList(), None
            self._say(f"Cleared {count} lines; {self.key('batch_undo')} undoes it.")
            self._show()

    # Starting

    @on(BatchTarget.Started)
    def action_start(self) -> None:
        """Starts the batch; asks first where it is production."""
        environment = self.target.environment
        if environment is None:
            self._say(f"Choose an environment with {self.key('batch_environment')}.", "problem")
        elif not self._list.tools:
            wrong = "every line is invalid" if self._list.lines else f"paste a list, or press {self.key('batch_open')}"
            self._say(f"Nothing to export yet: {wrong}.", "problem")
        elif self.gale.batch.running:
            self._say("Another batch is running; start this one when it has ended.", "problem")
        else:
            self.run_worker(self._confirm(environment), group="start", exclusive=True)

    async def _confirm(self, environment: Environment) -> None:
        target, shown = self.target, self._list
        if not await target.folder.validate_fully():
            target.folder.input.focus()
            return
        count = len(shown.tools)
        if environment.production:
            from gale_tui.tui.screens.batch.report import production_dialog

            if not await self.app.push_screen_wait(production_dialog(environment, count)):
                return
        self.dismiss(
            BatchPlan(
                environment,
                shown.tools,
                shown.bad,
                name=self._set.name if self._set is not None and self._is_set else "",
                folder=target.chosen_folder(),
                save_when_ready=target.save_when_ready,
            )
        )

    def action_save_set(self) -> None:
        if not self._list.tools:
            self._say("Nothing to save yet.", "problem")
            return
        self.run_worker(self._save_set(), group="save", exclusive=True)

    async def _save_set(self) -> None:
        from gale_tui.tui.screens.batch.sets import save_as_set

        environment_id = self.target.environment.id if self.target.environment is not None else None
        try:
            saved = await save_as_set(self, self._set.name if self._set else "", self._list.plain, environment_id)
        except GaleError as error:
            self._say(str(error), "problem")
            return
        if saved is not None:
            self._set = saved
            self._say(f"Saved. Run it from the palette, or with: gale-tui export --set {shlex.quote(saved.name)}")
            self._show()

    def action_open_set(self) -> None:
        self.run_worker(self._open_set(), group="open", exclusive=True)

    async def _open_set(self) -> None:
        from gale_tui.tui.screens.batch.sets import SetPicker

        try:
            sets = await self.engine.sets.all()
        except GaleError as error:
            self._say(str(error), "problem")
            return
        if not sets:
            self._say(f"No sets yet: paste a list, then press {self.key('batch_keep')}.", "problem")
            return
        chosen: ToolSet | None = await self.app.push_screen_wait(SetPicker(sets))
        if chosen is not None:
            await self._replace_with(chosen)

    def action_switch(self) -> None:
        """Chooses the environment of this batch."""

        def picked(environment_id: str | None) -> None:
            if environment_id is not None:
                self.target.use(self.engine.environments.find(environment_id))
                self._say("")

        self.app.push_screen(EnvironmentPicker(), picked)

    def action_back(self) -> None:
        """Back to the list, or from the list to the jobs."""
        if self.focused not in (None, self.table):
            self.table.focus()
        else:
            self.dismiss(None)
