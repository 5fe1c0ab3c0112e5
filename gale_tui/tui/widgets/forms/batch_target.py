"""The target of a batch: environment, folder, switch and start button."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Select, Static

from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import origin_of
from gale_tui.core.models import Environment
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.fields import FormButton, FormRow, TextField
from gale_tui.tui.widgets.forms.id_fields import environment_select, folder_field

if TYPE_CHECKING:
    from gale_tui.core.jobs.engine import GaleEngine


class BatchTarget(Vertical):
    """Environment, folder, switch, button."""

    def __init__(self, engine: GaleEngine, environment: Environment | None) -> None:
        super().__init__(id="target")
        self._engine = engine
        self.environment = environment
        """The environment to export to."""

    def compose(self) -> ComposeResult:
        select = environment_select(self._engine.environments, self.environment)
        yield FormRow("Environment", select, Static(id="where", markup=False))
        yield folder_field(self._engine.default_folder(), "Where the zips go.")
        with Horizontal(id="batch-last"):
            yield FormCheckbox(
                "Save the files when they are ready", self._engine.settings.save_when_ready, id="save-when-ready"
            )
            yield FormButton("Export", "start", "primary")

    def on_mount(self) -> None:
        self._show_where()

    @property
    def folder(self) -> TextField:
        return self.query_one("#folder-field", TextField)

    def use(self, environment: Environment | None) -> None:
        self.environment = environment
        self.query_one("#environment", Select).value = environment.id if environment else Select.NULL
        self._show_where()

    def follow(self, hosts: Sequence[str], *, keep: bool) -> str:
        """Chooses the environment of captured requests.

        Args:
            keep: Keep the environment, which the command line chose.

        Returns:
            A sentence if it is not clear where the batch goes.
        """
        try:
            origins = {origin_of(host) for host in hosts}
        except ConfigError:
            return ""
        if not origins:
            return ""
        found = [each for each in self._engine.environments if each.origin in origins]
        if len(origins) == 1 and len(found) == 1:
            chosen = self.environment
            if keep and chosen is not None and chosen != found[0]:
                return f"They were sent to {found[0].name}; {chosen.name} stays chosen (--env)."
            self.use(found[0])
            return ""
        if not keep:
            self.use(None)
        names = ", ".join(sorted(inert(origin.display, 80) for origin in origins))
        return f"The requests were sent to {names}, which has no environment here: choose where this goes."

    def count(self, tools: int) -> None:
        self.query_one("#start", FormButton).label = Content(f"Export {tools:,}" if tools else "Export")

    @on(Select.Changed, "#environment")
    def _selected(self, event: Select.Changed) -> None:
        self.use(self._engine.environments.find(event.value) if isinstance(event.value, str) else None)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#start").focus()

    def _show_where(self) -> None:
        environment = self.environment
        where = self.query_one("#where", Static)
        if environment is None:
            where.update("No environment is chosen.")
        elif environment.production:
            danger = "bold $gale-danger-foreground on $gale-danger-background"
            where.update(
                Content.assemble((" PROD ", danger), f"  {environment.origin.display} · confirms before it exports")
            )
        else:
            where.update(environment.origin.display)
