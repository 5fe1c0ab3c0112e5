"""The details of one job."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from gale_tui.core.models import Job
from gale_tui.tui.actions import Place
from gale_tui.tui.messages import JobChanged
from gale_tui.tui.screens.job_actions import JobActions
from gale_tui.tui.widgets.pages.details import DetailsPane


class JobDetailsScreen(JobActions):
    """Ids, timeline, file and last response of a job, live."""

    CSS_PATH = "job_details.tcss"
    AUTO_FOCUS = "#details"
    PLACE = Place.DETAILS

    def __init__(self, job_id: str) -> None:
        super().__init__()
        self._job_id = job_id

    def compose(self) -> ComposeResult:
        yield DetailsPane(id="details", key_of=self.key, usual_of=self.engine.registry.durations.usual)
        yield self.key_bar()

    def on_mount(self) -> None:
        self._fill()
        self.set_interval(0.5, self._read_progress)

    def selected_job(self) -> Job | None:
        return self.engine.jobs.get(self._job_id)

    def _fill(self) -> None:
        self.run_worker(self._show(), group="details", exclusive=True)

    async def _show(self) -> None:
        job = self.selected_job()
        if job is None:
            self.dismiss(None)
            return
        events = await self.engine.registry.store.events(job.id)
        now = self.engine.clock.time()
        self.query_one(DetailsPane).show(job, events, self.engine.downloads.progress(job.id), now=now)

    def _read_progress(self) -> None:
        if self._job_id in self.engine.downloads.running():
            self._fill()
        else:
            self.query_one(DetailsPane).tick(self.engine.clock.time())

    @on(JobChanged)
    def job_changed(self, message: JobChanged) -> None:
        if message.change.job.id == self._job_id:
            self._fill()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_export_again(self) -> None:
        job = self.selected_job()
        self.dismiss(None)
        if job is not None:
            self.gale.navigation.open_form(again=job)
