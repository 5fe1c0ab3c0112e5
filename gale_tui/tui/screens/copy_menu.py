"""What there is to copy of a job; the text is always visible as well."""

from __future__ import annotations

import os
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from gale_tui.core.models import Job
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.formatting.job_texts import row_line, scp_line, scp_note
from gale_tui.tui.screens.base import GaleModal

__all__ = ["CopyMenu"]

SCP = "The file from elsewhere, with scp"


class CopyMenu(GaleModal[None]):
    """A list of texts; enter sends one to the terminal's clipboard (OSC 52).

    Args:
        job: The job that they are about.
    """

    CSS_PATH = "copy_menu.tcss"
    AUTO_FOCUS = "#texts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close"),
        Binding("j", "down", "Down", show=False),
        Binding("k", "up", "Up", show=False),
    ]

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job
        self._texts: list[tuple[str, str, bool]] = []
        self._notes = {SCP: scp_note(os.environ)}

    def compose(self) -> ComposeResult:
        """The list, and the text of the highlighted entry."""
        self._texts = self._offers()
        with Vertical(id="box") as box:
            box.border_title = f"Copy: {inert(self._job.title, 40)}"
            does = "shows it all" if self._off else "sends to the terminal"
            box.border_subtitle = f"enter {does} · esc closes"
            yield OptionList(
                *(Option(Content(name), id=str(at)) for at, (name, _, _) in enumerate(self._texts)), id="texts"
            )
            yield Static(id="text", markup=False)

    @property
    def _off(self) -> bool:
        return self.engine.settings.clipboard == "off"

    def _offers(self) -> list[tuple[str, str, bool]]:
        job = self._job
        path = job.download.path
        offers = [
            ("Dock status id", job.dock_status_id, False),
            ("Tool id", job.tool_id, False),
            ("Flow id", job.flow_id, False),
            ("Export job id", job.export_job_id, False),
            ("Path of the saved file", str(path) if path else None, False),
            ("SHA-256", job.download.sha256, False),
            (SCP, scp_line(path, os.environ) if path else None, False),
            ("Download link (whoever has it can fetch the file)", job.download_url and job.download_url.reveal(), True),
        ]
        environment = self.engine.environments.find(job.environment_id)
        if environment is not None and job.tool_id and job.flow_id:
            from gale_tui.core.gale_api.client import curl_line

            offers.append(("Export request as curl", curl_line(environment, job.tool_id, job.flow_id), False))
        offers.append(("Row as text", row_line(job, self.engine.clock.time()), False))
        return [(name, _printable(text), secret) for name, text, secret in offers if text]

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        name, text, secret = self._texts[event.option_index]
        job = self._job
        shown = inert(job.download_url.redacted if secret and job.download_url is not None else text, 2000)
        note = self._notes.get(name, "")
        self.query_one("#text", Static).update(Content.assemble(shown, "\n" if note else "", (note, "$gale-muted")))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        name, text, _ = self._texts[event.option_index]
        if self._off:
            # Asked for by name, so that a link is shown whole: there is no other way to get at it.
            self.query_one("#text", Static).update(text)
            self.gale.say("Nothing was sent: copying is off in the settings. Select the text with the mouse.")
            return
        self.app.copy_to_clipboard(text)
        self.gale.say(f"{name.split(' (')[0]} sent to the terminal.")
        self.dismiss(None)

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)

    def action_down(self) -> None:
        """Next entry."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """Previous entry."""
        self.query_one(OptionList).action_cursor_up()


def _printable(text: str) -> str:
    # What is pasted into a shell must not press keys there.
    return "".join(character for character in text if character.isprintable())
