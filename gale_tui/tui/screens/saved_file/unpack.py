"""Where saved exports are unpacked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from gale_tui.core.errors import GaleError
from gale_tui.core.models import Job
from gale_tui.core.source.repository import unpack_job
from gale_tui.core.source.unpack import Unpacked
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.screens.base import GaleModal
from gale_tui.tui.widgets.forms.checks import folder_of
from gale_tui.tui.widgets.forms.fields import FormButton, TextField

__all__ = ["UnpackDialog"]


class UnpackDialog(GaleModal[Path]):
    """Unpacks saved files below a folder that is remembered for the environment. Dismissed with the last tool's folder.

    Args:
        jobs: Each with a saved file.
    """

    CSS_PATH = "../dialogs.tcss"
    AUTO_FOCUS = "#unpack-folder"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, jobs: Sequence[Job]) -> None:
        super().__init__()
        self._jobs = tuple(jobs)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            one = inert(self._jobs[0].title, 50)
            dialog.border_title = f"Unpack {one}" if len(self._jobs) == 1 else f"Unpack {len(self._jobs)} tools"
            yield TextField(
                "Folder",
                "unpack-folder",
                hint="Each tool goes into ENVIRONMENT/TOOL below it.",
                required="Type a folder, for example one under version control.",
            )
            yield Static(id="said", markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield FormButton("Unpack", "unpack", "primary")
                yield FormButton("Cancel", "cancel")

    async def on_mount(self) -> None:
        """Fills in the folder that was used last."""
        field = self.query_one("#unpack-folder-field", TextField)
        try:
            folder = await self.engine.drafts.unpack_folder(self._jobs[0].environment_id)
        except GaleError:
            return
        if folder and not field.value:
            field.input.value = folder

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._start()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "unpack":
            self._start()
        else:
            self.dismiss(None)

    def _start(self) -> None:
        field = self.query_one("#unpack-folder-field", TextField)
        dialog = self.query_one(".dialog", Vertical)
        if dialog.disabled:
            return
        if not field.validate():
            field.input.focus()
            return
        dialog.disabled = True
        self.say("Unpacking …")
        self.run_worker(self._unpack(field.value), group="unpack")

    async def _unpack(self, typed: str) -> None:
        done: list[Unpacked] = []
        try:
            root = folder_of(typed)
            for job in self._jobs:
                if (path := job.download.path) is not None:
                    done.append(await DaemonThreads("unpack", keep=0).call(unpack_job, root, job, path))
            await self.engine.drafts.save_unpack_folder(self._jobs[0].environment_id, typed.strip())
        except GaleError as error:
            self.query_one(".dialog", Vertical).disabled = False
            self.say(str(error), problem=True)
            self.query_one("#unpack-folder").focus()
            return
        self.gale.say(_summary(done, root), seconds=10)
        self.dismiss(done[-1].folder if done else None)


def _summary(done: Sequence[Unpacked], root: Path) -> str:
    written = sum(len(each.changes.written) for each in done)
    removed = sum(len(each.changes.removed) for each in done)
    where = inert(done[0].folder if len(done) == 1 else root, 400)
    files = "1 file" if written == 1 else f"{written} files"
    tools = "" if len(done) == 1 else f"{len(done)} tools "
    text = f"Unpacked {tools}into {where}: {files} written, {removed} removed."
    found = sum(len(each.findings) for each in done)
    if found:
        text += f" {found} texts look like credentials." if found > 1 else " 1 text looks like a credential."
    return text
