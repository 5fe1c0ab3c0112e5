"""The contents of a saved export: its files, the tool, its JSON. Nothing is extracted."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from textual import work
from textual.app import ComposeResult

from gale_tui.core.archive.contents import ArchiveContents
from gale_tui.core.models import Job
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.actions import Place
from gale_tui.tui.formatting.pieces import Piece
from gale_tui.tui.screens.saved_file.pages import PageScreen
from gale_tui.tui.widgets.pages.inspect_lines import document_lines, document_text, overview_lines
from gale_tui.tui.widgets.pages.view_bar import ViewBar


class InspectScreen(PageScreen):
    """The tool in a saved zip and the zip's JSON files, one part at a time.

    Args:
        folder: Where its tool was unpacked, to look there instead.
    """

    PLACE = Place.INSPECT

    def __init__(self, job: Job, folder: Path | None = None) -> None:
        super().__init__()
        self._job = job
        self._folder = folder
        self._contents: ArchiveContents | None = None
        self._view = 0
        self._values = False

    def compose(self) -> ComposeResult:
        yield ViewBar(id="views")
        yield from super().compose()

    def on_mount(self) -> None:
        self.page.border_title = inert(self._job.title, 60)
        self.page.show(lambda _: [(Piece("Reading the file …"),)])
        self._show_views()
        self.run_worker(self._read(), group="read")

    async def _read(self) -> None:
        self._contents = await self.read(self._folder or self._job.download.path)
        self._show_views()
        self._show_view()

    # The parts

    def _show_views(self) -> None:
        documents = self._contents.documents if self._contents is not None else ()
        names = ["Overview", *(inert(each.name, 60) for each in documents)]
        self.query_one("#views", ViewBar).show(names, self._view)

    @work(group="view", exclusive=True)
    async def _show_view(self, *, keep_place: bool = False) -> None:
        contents = self._contents
        if contents is None:
            return
        if self._view == 0:
            job, values, key = self._job, self._values, self.key("inspect_values")
            self.page.show(
                lambda width: overview_lines(contents, job, width, values=values, key=key),
                keep_place=keep_place,
            )
        else:
            document, values = contents.documents[self._view - 1], self._values
            lines = await DaemonThreads("inspect", keep=0).call(partial(document_text, document, values=values))
            self.page.show(partial(document_lines, lines), keep_place=keep_place)

    def action_go_to_view(self, view: int) -> None:
        if self._contents is None:
            return
        self._view = view % (len(self._contents.documents) + 1)
        self._show_views()
        self._show_view()

    def action_next_view(self) -> None:
        self.action_go_to_view(self._view + 1)

    def action_previous_view(self) -> None:
        self.action_go_to_view(self._view - 1)

    def action_values(self) -> None:
        if self._contents is None or self._contents.tool is None or not self._contents.tool.variables:
            self.gale.say("No environment variables in this file.")
            return
        self._values = not self._values
        self._show_view(keep_place=True)

    def action_compare(self) -> None:
        self.gale.navigation.open_compare(self._job)

    def action_unpack(self) -> None:
        """Unpacks the file, then shows the folder."""

        def show(folder: Path | None) -> None:
            if folder is not None:
                self.app.push_screen(InspectScreen(self._job, folder))

        self.gale.navigation.open_unpack([self._job], show)
