"""The menu of texts to copy from jobs."""

from __future__ import annotations

import os
from collections.abc import Sequence
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
from gale_tui.tui.formatting.clipboard_text import row_line, scp_line, scp_note
from gale_tui.tui.formatting.quantities import count_text
from gale_tui.tui.screens.base import LIST_KEYS, GaleModal

SCP = "scp command"
LINK = "Download link"
SHA = "SHA-256"


class CopyMenu(GaleModal[None]):
    """A list of texts; enter sends one to the terminal's clipboard (OSC 52), a line for each job."""

    CSS_PATH = "copy_menu.tcss"
    AUTO_FOCUS = "#texts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close"),
        *LIST_KEYS,
    ]

    def __init__(self, jobs: Sequence[Job]) -> None:
        super().__init__()
        self._jobs = jobs
        self._texts: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        self._texts = self._offers()
        with Vertical(id="box") as box:
            jobs = self._jobs
            box.border_title = f"Copy: {inert(jobs[0].title, 40) if len(jobs) == 1 else count_text(len(jobs), 'job')}"
            box.border_subtitle = f"enter {'show all' if self._off else 'copy'} · esc close"
            yield OptionList(
                *(Option(Content(name), id=str(at)) for at, (name, _) in enumerate(self._texts)), id="texts"
            )
            yield Static(id="text", markup=False)

    @property
    def _off(self) -> bool:
        return self.engine.settings.clipboard == "off"

    def _offers(self) -> list[tuple[str, str]]:
        """Names and texts that at least one of the jobs has."""
        lines: dict[str, list[str]] = {}
        for job in self._jobs:
            for name, text in self._offers_of(job):
                lines.setdefault(name, [])
                if text:
                    lines[name].append(_printable(text))
        return [(name, "\n".join(texts)) for name, texts in lines.items() if texts]

    def _offers_of(self, job: Job) -> list[tuple[str, str | None]]:
        path = job.download.path
        environment = self.engine.environments.find(job.environment_id)
        curl = None
        if environment is not None and job.exportable:
            from gale_tui.core.gale_api.client import curl_line

            curl = curl_line(environment, job.tool_id, job.flow_id, job.kind)
        return [
            ("Dock status id", job.dock_status_id),
            (f"{job.kind.word.capitalize()} id", job.tool_id),
            ("Flow id", job.flow_id),
            ("Export job id", job.export_job_id),
            ("Path of the saved file", str(path) if path else None),
            (SHA, job.download.sha256),
            (SCP, scp_line(path, os.environ) if path else None),
            (LINK, job.download_url.reveal() if job.download_url is not None else None),
            ("Export request as curl", curl),
            ("Row as text", row_line(job, self.engine.clock.time())),
        ]

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        name, text = self._texts[event.option_index]
        note = ""
        if name == LINK:
            text = "\n".join(job.download_url.redacted for job in self._jobs if job.download_url is not None)
            note = "Whoever has it can fetch the file."
        elif name == SCP:
            note = scp_note(os.environ)
        shown = "\n".join(inert(line, 2000) for line in text.split("\n"))
        self.query_one("#text", Static).update(Content.assemble(shown, "\n" if note else "", (note, "$gale-muted")))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        name, text = self._texts[event.option_index]
        if self._off:
            # The user chose it by name, so a link is shown whole: there is no other way to get it.
            self.query_one("#text", Static).update(text)
            self.gale.say("Not copied: copying is off in the settings. Select the text with the mouse.")
            return
        self.app.copy_to_clipboard(text)
        what = name if name == SHA else f"{name[0].lower()}{name[1:]}"
        count = text.count("\n") + 1
        lines = "" if len(self._jobs) == 1 else f" of {count_text(count, 'job')}"
        self.gale.say(f"Copied the {what}{lines} (through the terminal).")
        self.dismiss(None)


def _printable(text: str) -> str:
    # A text pasted into a shell must not press keys there.
    return "".join(character for character in text if character.isprintable())
