"""The details of one job."""

from __future__ import annotations

from textual.app import ComposeResult

from gale_tui.core.models import Job, JobChange
from gale_tui.tui.actions import Place
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
        yield DetailsPane(self.engine, self.facts, id="details")
        yield self.key_bar()

    def on_mount(self) -> None:
        self._follow()

    def selected_job(self) -> Job | None:
        return self.engine.jobs.get(self._job_id)

    def _follow(self) -> None:
        if self.selected_job() is None:
            self.dismiss(None)
        else:
            self.query_one(DetailsPane).follow(self._job_id)

    def job_changed(self, change: JobChange) -> None:
        if change.job.id == self._job_id:
            self._follow()

    def action_export_again(self) -> None:
        self.dismiss(None)
        super().action_export_again()
