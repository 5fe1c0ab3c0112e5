"""The list of environments: host, key and connection of each."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from gale_tui.core.errors import GaleError
from gale_tui.core.gale_api.answers import KeyTest
from gale_tui.core.models import Environment
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.actions import Place
from gale_tui.tui.formatting import glyphs
from gale_tui.tui.formatting.pieces import wrap
from gale_tui.tui.screens.base import GaleScreen, form_css
from gale_tui.tui.screens.dialogs import ConfirmDialog, badge
from gale_tui.tui.screens.environments.environment_form import EnvironmentForm
from gale_tui.tui.widgets.forms.fields import FormButton

_CONDITIONS = {
    "offline": "$text-warning",
    "slowed": "$text-warning",
    "needs key": "$text-error",
}
_NEEDS_ONE = ("edit", "delete", "test", "use")
"""Actions on the environment under the mark."""
_VERDICTS = {
    "accepted": (glyphs.SUCCESS, "$text-success"),
    "refused": (glyphs.ERROR, "$text-error"),
    "inconclusive": (glyphs.UNCONFIRMED, "$text-warning"),
}
_SOURCES = {
    "variables": "It comes from GALE_HOST and GALE_API_KEY: change those and start again.",
    "demo": "It belongs to the demo and cannot be changed.",
}


class EnvironmentList(OptionList):
    """The environments; a click selects, a double click opens."""

    async def _on_click(self, event: events.Click) -> None:
        # The framework's own handler opens at the first click.
        event.prevent_default()
        index = event.style.meta.get("option")
        if index is None or self.get_option_at_index(index).disabled:
            return
        self.highlighted = index
        if event.chain > 1:
            self.action_select()


class EnvironmentsScreen(GaleScreen[None]):
    """The list of environments: add, edit, remove, test, use."""

    CSS_PATH = form_css("environments.tcss")
    PLACE = Place.ENVIRONMENTS

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[str, str] = {}
        self._tests: dict[str, KeyTest | None] = {}
        """None while one runs."""

    def compose(self) -> ComposeResult:
        with Vertical(id="panel") as panel:
            panel.border_title = "Environments"
            yield Static(id="problems", markup=False)
            yield EnvironmentList(id="environments")
            with VerticalScroll(id="welcome", can_focus=False):
                yield Static(self._welcome())
                yield FormButton("Add an environment", "add", "primary")
        yield self.key_bar()

    def _welcome(self) -> Content:
        return Content.assemble(
            "An environment is one GALE: its host, and the API key that gale-tui uses there.\n\n",
            ("Where to find a key", "bold"),
            "\n",
            "  1  Open the GALE console as an account owner or admin.\n",
            "  2  Go to Settings → Security & Control → Management API keys\n",
            "     (newer consoles: API Scopes).\n",
            "  3  Make a key and copy it: the console shows it once.\n\n",
            (f"Then press {self.key('environment_add')}", "bold"),
            " and paste host and key. The key is kept in the operating system's keyring, never in a file of gale-tui.",
        )

    def on_mount(self) -> None:
        self.rebuild()
        self.set_interval(1.0, self.refresh_rows)

    # Display

    def rebuild(self, select: str | None = None) -> None:
        """Reads the environments again.

        Args:
            select: Id of the one to put the mark on; by default it stays, or goes to the one in use.
        """
        engine = self.engine
        environments = engine.environments.all
        listed = self._list
        current = engine.environments.current
        wanted = select or self._selected_id or (current.id if current is not None else None)
        problems = self.query_one("#problems", Static)
        problems.update("\n".join(f"! {inert(problem)}" for problem in engine.problems))
        problems.display = bool(engine.problems)
        rows: list[Option] = []
        for each in environments:
            rows += [Option(self._words(each), id=each.id), Option("", disabled=True)]
        listed.set_options(rows[:-1])
        listed.display = bool(environments)
        self.query_one("#welcome").display = not environments
        self.refresh_bindings()
        self.show_keys(Place.ENVIRONMENTS)
        if environments:
            listed.highlighted = next((at for at, row in enumerate(rows) if row.id == wanted), 0)
            listed.focus()
            self.run_worker(self._find_keys(environments), group="keys", exclusive=True)
        else:
            self.query_one("#add").focus(scroll_visible=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self.refresh_rows)

    def refresh_rows(self) -> None:
        """Draws the rows again whose texts have changed."""
        for row in self._list.options:
            environment = self.engine.environments.find(row.id or "")
            if environment is not None and row.prompt != (words := self._words(environment)):
                self._list.replace_option_prompt(environment.id, words)

    async def _find_keys(self, environments: tuple[Environment, ...]) -> None:
        for environment in environments:
            status = await self.engine.credentials.key_status(environment)
            text = f"{status.text} {status.hint}".strip()
            if status.place == "none" and environment.source == "config":
                text = f"none: press {self.key('environment_edit')} to add it"
            self._keys[environment.id] = text
            self.refresh_rows()

    def _words(self, environment: Environment) -> Content:
        engine = self.engine
        current = engine.environments.current
        in_use = current is not None and current.id == environment.id
        parts: list[Content | str | tuple[str, str]] = [
            (f"{glyphs.RUNNING} ", "$text-accent") if in_use else "  ",
            badge(environment),
            "  ",
            environment.origin.display,
        ]
        if in_use:
            parts.append(("  default", "$gale-muted"))
        width = max(20, self._list.size.width - 6)
        key = "\n      ".join(wrap(self._keys.get(environment.id, "…"), width - 4))
        parts += ["\n  ", ("key ", "$gale-muted"), key]
        condition = engine.connection_status.of(environment.id)
        if condition.state != "fine":
            words = f"{condition.state}: {condition.text}" if condition.text else condition.state
            parts += ["  ", (inert(words), _CONDITIONS[condition.state])]
        reached = [
            f"CA {environment.ca_file}" if environment.ca_file is not None else "",
            f"proxy {environment.proxy}" if environment.proxy is not None else "",
        ]
        if any(reached):
            parts += ["\n  ", ("  ".join(filter(None, reached)), "$gale-muted")]
        if environment.id in self._tests:
            test = self._tests[environment.id]
            if test is None:
                parts += ["\n  ", ("testing …", "$text-accent")]
            else:
                mark, colour = _VERDICTS[test.verdict]
                lines = wrap(f"{mark} {inert(test.explanation, 400)}", width)
                parts += [("\n  " + "\n    ".join(lines), colour)]
        return Content.assemble(*parts)

    # The selected one

    @property
    def _list(self) -> EnvironmentList:
        return self.query_one("#environments", EnvironmentList)

    @property
    def _selected_id(self) -> str | None:
        index = self._list.highlighted
        return None if index is None else self._list.get_option_at_index(index).id

    @property
    def selected(self) -> Environment | None:
        selected = self._selected_id
        return self.engine.environments.find(selected) if selected is not None else None

    def _editable(self) -> Environment | None:
        environment = self.selected
        if environment is not None and environment.source in _SOURCES:
            self.notify(_SOURCES[environment.source], title=f"{environment.name} cannot be edited", markup=False)
            return None
        return environment

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disables what needs an environment if there is none."""
        return action not in _NEEDS_ONE or bool(self.engine.environments)

    @on(Button.Pressed, "#add")
    def action_add(self) -> None:
        self.app.push_screen(EnvironmentForm(), self._saved)

    @on(OptionList.OptionSelected)
    def action_edit(self) -> None:
        environment = self._editable()
        if environment is not None:
            self.app.push_screen(EnvironmentForm(environment), self._saved)

    def _saved(self, environment: Environment | None) -> None:
        if environment is not None:
            self._tests.pop(environment.id, None)
            self._keys.pop(environment.id, None)
            self.rebuild(environment.id)

    def action_delete(self) -> None:
        environment = self._editable()
        if environment is None:
            return
        question = Content.assemble(
            "Delete ",
            badge(environment),
            f" ({environment.origin.display})?\n\nIts API key is deleted too. Its jobs and the saved files stay.",
        )

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self.run_worker(self._delete(environment), group="delete")

        self.app.push_screen(ConfirmDialog("Delete environment", question, confirm="Delete"), answered)

    async def _delete(self, environment: Environment) -> None:
        try:
            await self.engine.environments.delete(environment)
        except GaleError as error:
            self.notify(str(error), title="Not deleted", severity="error", markup=False)
        self.rebuild()

    def action_test(self) -> None:
        """Tries the key of the selected environment; nothing is created there."""
        environment = self.selected
        if environment is None or self._tests.get(environment.id, environment) is None:
            return
        self._tests[environment.id] = None
        self.refresh_rows()
        self.run_worker(self._test(environment), group=f"test-{environment.id}")

    async def _test(self, environment: Environment) -> None:
        try:
            self._tests[environment.id] = await self.engine.environments.test(environment)
        except GaleError as error:
            self._tests[environment.id] = KeyTest("inconclusive", str(error))
        self.refresh_rows()

    def action_use(self) -> None:
        environment = self.selected
        if environment is None:
            return
        try:
            self.engine.environments.use(environment.id)
        except GaleError as error:
            self.notify(str(error), severity="warning", markup=False)
        self.refresh_rows()

    def action_cursor_first(self) -> None:
        self._list.action_first()

    def action_cursor_last(self) -> None:
        self._list.action_last()
