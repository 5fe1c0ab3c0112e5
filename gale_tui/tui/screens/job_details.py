"""Everything known of one job, on a screen of its own."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from gale_tui.core.errors import GaleError
from gale_tui.core.models import Job
from gale_tui.tui.actions import Place, bindings, key_entries
from gale_tui.tui.messages import JobChanged
from gale_tui.tui.screens.base import JobWatcher
from gale_tui.tui.widgets.key_bar import KeyBar
from gale_tui.tui.widgets.pages.details import DetailsPane

__all__ = ["JobDetailsScreen"]


class JobDetailsScreen(JobWatcher):
    """Ids, timeline, file and last response of a job, live.

    Args:
        job_id: Our id of the job.
    """

    CSS_PATH = "job_details.tcss"
    AUTO_FOCUS = "#details"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.DETAILS)]

    def __init__(self, job_id: str) -> None:
        super().__init__()
        self._job_id = job_id

    def compose(self) -> ComposeResult:
        """The pane and its keys."""
        yield DetailsPane(id="details", glyphs=self.gale.glyphs)
        yield KeyBar(key_entries(Place.DETAILS, self.key_map.changed))

    def on_mount(self) -> None:
        """Fills the pane and keeps its progress fresh."""
        self.query_one(DetailsPane).key_of = self.key
        self._fill()
        self.set_interval(0.5, self._read_progress)

    @property
    def _job(self) -> Job | None:
        return self.engine.jobs.get(self._job_id)

    def _fill(self) -> None:
        self.run_worker(self._show(), group="details", exclusive=True)

    async def _show(self) -> None:
        job = self._job
        if job is None:
            self.dismiss(None)
            return
        events = await self.engine.jobs.events(job.id)
        now = self.engine.clock.time()
        self.query_one(DetailsPane).show(job, events, self.engine.jobs.progress(job.id), now=now)

    def _read_progress(self) -> None:
        if self._job_id in self.engine.jobs.downloading():
            self._fill()
        else:
            self.query_one(DetailsPane).tick(self.engine.clock.time())

    @on(JobChanged)
    def job_changed(self, message: JobChanged) -> None:
        """The job changed, or another."""
        if message.change.job.id == self._job_id:
            self._fill()

    def action_close(self) -> None:
        """Back to the table."""
        self.dismiss(None)

    async def action_download(self) -> None:
        """Saves the file."""
        try:
            self.gale.say(await self.engine.jobs.download(self._job_id))
        except GaleError as error:
            self.gale.say(str(error), severity="error")

    def action_refresh(self) -> None:
        """Asks now."""
        self.gale.say(self.engine.jobs.refresh(self._job_id))

    def action_copy(self) -> None:
        """Offers what there is to copy."""
        job = self._job
        if job is not None:
            self.gale.navigation.open_copy(job)

    def action_inspect(self) -> None:
        """Looks into the saved file."""
        job = self._job
        if job is not None:
            self.gale.navigation.open_inspect(job)

    def action_compare(self) -> None:
        """Compares the saved file with the one before."""
        job = self._job
        if job is not None:
            self.gale.navigation.open_compare(job)

    def action_open_folder(self) -> None:
        """Shows the folder of the saved file."""
        job = self._job
        if job is not None:
            self.gale.navigation.open_folder(job)

    def action_export_again(self) -> None:
        """Opens the form with this job's ids."""
        job = self._job
        self.dismiss(None)
        if job is not None:
            self.gale.navigation.open_form(again=job)
