"""The dialog that unpacks saved exports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from gale_tui.core.errors import GaleError
from gale_tui.core.models import Job
from gale_tui.core.source.repository import unpack_job
from gale_tui.core.source.unpack import Unpacked
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.formatting.quantities import count_text
from gale_tui.tui.screens.form_dialog import FormDialog
from gale_tui.tui.widgets.forms.checks import folder_of
from gale_tui.tui.widgets.forms.fields import TextField


class UnpackDialog(FormDialog[Path]):
    """Unpacks saved files below a folder, which each environment remembers. Dismissed with the last tool's folder."""

    AUTO_FOCUS = "#unpack-folder"

    def __init__(self, jobs: Sequence[Job]) -> None:
        super().__init__()
        self._jobs = tuple(jobs)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            one = inert(self._jobs[0].title, 50)
            dialog.border_title = f"Unpack {one}" if len(self._jobs) == 1 else f"Unpack {len(self._jobs):,} tools"
            yield TextField(
                "Folder",
                "unpack-folder",
                hint="Each tool goes into ENVIRONMENT/TOOL below it.",
                required="Type a folder, for example one under version control.",
            )
            yield Static(id="said", markup=False)
            yield self.buttons("Unpack", "unpack")

    async def on_mount(self) -> None:
        try:
            folder = await self.engine.drafts.unpack_folder(self._jobs[0].environment_id)
        except GaleError:
            return
        if folder and not self.field.value:
            self.field.input.value = folder

    def accept(self) -> None:
        self.dismiss_with(lambda: self._unpack(self.field.value), "Unpacking …")

    async def _unpack(self, typed: str) -> Path:
        root = folder_of(typed)
        done = [
            await DaemonThreads("unpack", keep=0).call(unpack_job, root, job, path)
            for job in self._jobs
            if (path := job.download.path) is not None
        ]
        await self.engine.drafts.save_unpack_folder(self._jobs[0].environment_id, typed.strip())
        self.gale.say(_summary(done, root), seconds=10)
        return done[-1].folder


def _summary(done: Sequence[Unpacked], root: Path) -> str:
    written = sum(len(each.changes.written) for each in done)
    removed = sum(len(each.changes.removed) for each in done)
    where = inert(done[0].folder if len(done) == 1 else root, 400)
    tools = "" if len(done) == 1 else f"{len(done):,} tools "
    text = f"Unpacked {tools}into {where}: {count_text(written, 'file')} written, {removed:,} removed."
    found = sum(len(each.findings) for each in done)
    if found:
        text += f" {found:,} texts look like credentials." if found > 1 else " 1 text looks like a credential."
    return text
