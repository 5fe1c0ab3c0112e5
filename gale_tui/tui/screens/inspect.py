"""A look into a saved file: what is in it, without extracting anything."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from gale_tui.core.archive import ZipSummary, verify_zip
from gale_tui.core.errors import GaleError
from gale_tui.core.models import Job
from gale_tui.core.text import inert
from gale_tui.core.threads import DaemonThreads
from gale_tui.tui.format import size_text
from gale_tui.tui.screens.base import GaleModal

__all__ = ["InspectScreen"]


class InspectScreen(GaleModal[None]):
    """Names, sizes and checksum of a saved zip.

    Args:
        job: A job whose file is saved.
    """

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "#help"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,i", "close", "Close")]

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id="help") as box:
            box.border_title = inert(self._job.title, 50)
            box.border_subtitle = "esc closes"
            yield Static("Reading the file …", id="page", markup=False)

    def on_mount(self) -> None:
        """Reads the file away from the loop."""
        self.run_worker(self._read(), exit_on_error=True)

    async def _read(self) -> None:
        path = self._job.download.path
        if path is None:
            return
        threads = DaemonThreads("inspect", keep=0)
        try:
            summary = await threads.call(verify_zip, path)
        except FileNotFoundError:
            self._show(Content(f"{path}\n\nThe file is no longer there: it was moved or deleted. d saves it again."))
        except GaleError as error:
            self._show(Content(f"{path}\n\n{error}"))
        else:
            self._show(self._page(summary))

    def _show(self, page: Content) -> None:
        self.query_one("#page", Static).update(page)

    def _page(self, summary: ZipSummary) -> Content:
        download = self._job.download
        lines = [
            Content(str(download.path)),
            Content.styled(f"{size_text(download.size or 0)}, sha256 {download.sha256}", "$gale-muted"),
            Content(""),
        ]
        lines += [
            Content.assemble((f"{size_text(entry.size):>10}  ", "$text-primary"), inert(entry.name, 120))
            for entry in summary.entries[:500]
        ]
        lines += [Content(""), Content(f"{len(summary.entries)} files, every checksum read and right.")]
        return Content("\n").join(lines)

    def action_close(self) -> None:
        """Back to where one was."""
        self.dismiss(None)
