"""The batch screen: what a list was read as, where it goes, and one key that starts all of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from gale_tui.core.batches import MOST_TOOLS, BadLine, Batch, BatchTool, read_batch
from gale_tui.core.errors import ConfigError, GaleError
from gale_tui.core.hosts import origin_of
from gale_tui.core.models import Environment
from gale_tui.core.sets import ToolSet
from gale_tui.core.text import inert
from gale_tui.tui.actions import Place, bindings, key_entries
from gale_tui.tui.screens.base import GaleScreen
from gale_tui.tui.screens.dialogs import ConfirmDialog, EnvironmentPicker, badge
from gale_tui.tui.widgets.batch_lines import batch_lines, empty_lines
from gale_tui.tui.widgets.key_bar import KeyBar
from gale_tui.tui.widgets.text_page import TextPage

__all__ = ["BatchPlan", "BatchScreen"]


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A batch that was confirmed."""

    environment: Environment
    tools: tuple[BatchTool, ...]
    bad: tuple[BadLine, ...] = ()
    name: str = ""
    """Of the set; empty where it is none."""


class BatchScreen(GaleScreen[BatchPlan]):
    """Shows a list of tools with its problems. Dismissed with the plan once it is confirmed, else with None."""

    CSS_PATH = "batch.tcss"
    AUTO_FOCUS = "#page"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.BATCH)]

    def __init__(
        self,
        *,
        pasted: str = "",
        tools: tuple[BatchTool, ...] = (),
        environment: Environment | None = None,
        opened: ToolSet | None = None,
    ) -> None:
        """Makes the screen.

        Args:
            pasted: A list, or captured requests.
            tools: Tools that are known already.
            environment: Where they go; the one for new exports where None.
            opened: A set to begin with.
        """
        super().__init__()
        self._pasted = pasted
        self._batch = Batch(tools)
        self._lines = 0
        self._environment = environment
        self._set: ToolSet | None = None
        self._open_first = opened

    def compose(self) -> ComposeResult:
        """Where it goes, the list, what is said, the keys."""
        yield Static(id="where", markup=False)
        yield TextPage(id="page")
        yield Static(id="said", markup=False)
        yield KeyBar(key_entries(Place.BATCH, self.key_map.changed))

    def on_mount(self) -> None:
        """Reads what it was opened with."""
        self._environment = self._environment or self.engine.current
        self._say("")
        if self._open_first is not None:
            self._take_set(self._open_first)
        elif self._pasted:
            self._take(self._pasted)
        self._show()

    @property
    def page(self) -> TextPage:
        """The list."""
        return self.query_one("#page", TextPage)

    # What is shown

    def _say(self, text: str, level: str = "") -> None:
        said = self.query_one("#said", Static)
        said.update(text)
        said.display = bool(text)
        said.set_class(level == "problem", "-problem")

    def _show(self) -> None:
        batch, glyphs, environment = self._batch, self.gale.glyphs, self._environment
        self.page.border_title = Content(f"Batch: {self._set.name}" if self._set is not None else "Batch")
        self.page.border_subtitle = Content(self._counts())
        self.set_class(environment is not None and environment.production, "-production")
        if batch.count:
            self.page.show(lambda width: batch_lines(batch, width, glyphs), keep_place=True)
        else:
            self.page.show(empty_lines)
        where = self.query_one("#where", Static)
        if environment is None:
            where.update("No environment: press v to choose one.")
        else:
            where.update(Content.assemble(badge(environment), f"  {environment.origin.display}"))

    def _counts(self) -> str:
        batch = self._batch
        if not batch.count:
            return ""
        words = [f"{len(batch.tools)} export{'s' if len(batch.tools) != 1 else ''}"]
        if batch.bad:
            words.append(f"{len(batch.bad)} wrong")
        return " · ".join(words)

    # What comes in

    def on_paste(self, event: events.Paste) -> None:
        """Adds what is pasted to the list."""
        event.stop()
        self._take(event.text)
        self._show()

    def _take(self, text: str) -> None:
        try:
            batch = read_batch(text)
        except ConfigError as error:
            self._say(str(error), "problem")
            return
        if not batch.count:
            self._say("There is no tool in what was pasted.", "problem")
            return
        self._say(self._follow_hosts(batch.hosts), "problem")
        self._add(batch)
        self._lines += text.count("\n") + (not text.endswith("\n"))
        self._set = None

    def _add(self, batch: Batch) -> None:
        """Puts a list behind the present one, its lines counted on."""
        have = {(tool.tool_id, tool.flow_id): tool.line for tool in self._batch.tools}
        tools, bad = list(self._batch.tools), list(self._batch.bad)
        for tool in batch.tools:
            line = tool.line + self._lines
            if (tool.tool_id, tool.flow_id) in have:
                bad.append(BadLine(line, inert(tool.title, 120), "it is in the list already"))
            elif len(tools) >= MOST_TOOLS:
                bad.append(BadLine(line, inert(tool.title, 120), f"more than {MOST_TOOLS:,} are not taken at once"))
            else:
                tools.append(replace(tool, line=line))
        bad += [replace(each, line=each.line + self._lines) for each in batch.bad]
        warnings = [*self._batch.warnings, *(replace(each, line=each.line + self._lines) for each in batch.warnings)]
        notes = (*self._batch.notes, *batch.notes)
        self._batch = Batch(tuple(tools), tuple(bad), tuple(warnings), (), notes)

    def _follow_hosts(self, hosts: tuple[str, ...]) -> str:
        """Chooses the environment that captured requests were sent to; a sentence where that is not clear."""
        if not hosts:
            return ""
        try:
            origins = {origin_of(host) for host in hosts}
        except ConfigError:
            return ""
        found = [each for each in self.engine.environments if each.origin in origins]
        if len(origins) == 1 and len(found) == 1:
            self._environment = found[0]
            return ""
        names = ", ".join(sorted(inert(origin.display, 80) for origin in origins))
        return f"The requests were sent to {names}, which is not one environment here: look at where this goes."

    def take_set(self, kept: ToolSet) -> None:
        """Shows a set in place of what is there."""
        self._say("")
        self._take_set(kept)
        self._show()

    def _take_set(self, kept: ToolSet) -> None:
        self._batch, self._lines, self._set = Batch(kept.tools), 0, kept
        environment = self.engine.environment(kept.environment_id) if kept.environment_id else None
        if environment is not None:
            self._environment = environment
        elif kept.environment_id:
            self._say("The environment of this set is gone: look at where this goes, v changes it.", "problem")

    # Actions

    def action_start(self) -> None:
        """Starts the batch; asks first where it is production."""
        if self._environment is None:
            self._say("Choose an environment with v.", "problem")
        elif not self._batch.tools:
            self._say("There is nothing to export yet: paste a list, or press o for a set.", "problem")
        elif self.gale.batch.running:
            self._say("Another batch is running; this one can start when it has ended.", "problem")
        else:
            self.run_worker(self._confirm(self._environment), group="start", exclusive=True)

    async def _confirm(self, environment: Environment) -> None:
        batch = self._batch
        count = len(batch.tools)
        if environment.production:
            question = Content.assemble(
                "Export ",
                (f"{count} tool{'s' if count != 1 else ''}", "bold"),
                " from ",
                badge(environment),
                f", {environment.origin.display}?",
            )
            dialog = ConfirmDialog("Production", question, confirm=f"Export {count}")
            if not await self.app.push_screen_wait(dialog):
                return
        kept = self._set
        self.dismiss(
            BatchPlan(
                environment,
                batch.tools,
                batch.bad,
                name=kept.name if kept is not None else "",
            )
        )

    def action_keep(self) -> None:
        """Keeps the list as a set, under a name that is asked for."""
        if not self._batch.tools:
            self._say("There is nothing to keep yet.", "problem")
            return
        self.run_worker(self._keep(), group="keep", exclusive=True)

    async def _keep(self) -> None:
        from gale_tui.tui.screens.sets import SetNameDialog

        store = self.engine.book.store
        name: str | None = await self.app.push_screen_wait(SetNameDialog(self._set.name if self._set else ""))
        if name is None:
            return
        try:
            there = await store.find_set(name)
        except GaleError:
            # It cannot be read: nothing is lost in writing it anew.
            there = None
        if there is not None and there.tools != self._plain():
            question = (
                f"There is a set {name} of {len(there.tools)} tools. It is replaced by these {len(self._batch.tools)}."
            )
            if not await self.app.push_screen_wait(ConfirmDialog("Replace the set", question, confirm="Replace")):
                return
        environment_id = self._environment.id if self._environment is not None else None
        created = there.created_at if there is not None else self.engine.clock.time()
        kept = ToolSet(name, self._plain(), environment_id, created, there.used_at if there is not None else None)
        try:
            await store.keep_set(kept)
        except GaleError as error:
            self._say(str(error), "problem")
            return
        self._set = kept
        self._say(f"Kept. Run it again from the palette, or with: gale-tui export --set {_quoted(name)}")
        self._show()

    def _plain(self) -> tuple[BatchTool, ...]:
        """The tools without the lines that they stood on."""
        return tuple(replace(tool, line=0) for tool in self._batch.tools)

    def action_open_set(self) -> None:
        """Offers the sets that were kept."""
        self.run_worker(self._open_set(), group="open", exclusive=True)

    async def _open_set(self) -> None:
        from gale_tui.tui.screens.sets import SetPicker

        try:
            sets = await self.engine.book.store.sets()
        except GaleError as error:
            self._say(str(error), "problem")
            return
        if not sets:
            self._say("No set is kept yet: paste a list, then press s.", "problem")
            return
        chosen: ToolSet | None = await self.app.push_screen_wait(SetPicker(sets))
        if chosen is not None:
            self.take_set(chosen)

    def action_switch(self) -> None:
        """Chooses the environment of this batch."""

        def picked(environment_id: str | None) -> None:
            if environment_id is not None:
                self._environment = self.engine.environment(environment_id)
                self._say("")
                self._show()

        self.app.push_screen(EnvironmentPicker(), picked)

    def action_clear(self) -> None:
        """Empties the list."""
        self._batch, self._lines, self._set = Batch(), 0, None
        self._say("")
        self._show()

    def action_back(self) -> None:
        """Leaves without starting anything."""
        self.dismiss(None)


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
