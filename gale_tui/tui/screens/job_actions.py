"""The actions on jobs, for the marked rows of the table and for the details of one job."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence

from textual import work

from gale_tui.core.errors import GaleError
from gale_tui.core.models import Job, JobChange, JobState
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.formatting.job_text import JobFacts
from gale_tui.tui.formatting.quantities import count_text
from gale_tui.tui.screens.base import GaleScreen
from gale_tui.tui.widgets.tables.job_table import JobTable

Undo = Callable[[], Awaitable[Job]]

_WITHOUT_FILE = (JobState.FAILED, JobState.REJECTED, JobState.UNCONFIRMED)


class JobActions(GaleScreen[None]):
    """A screen with a selected job, and perhaps several that actions apply to."""

    def facts(self, job: Job, now: float) -> JobFacts:
        engine = self.engine
        return JobFacts(job, now, engine.downloads.progress(job.id), engine.registry.durations.usual(job), self.key)

    def selected_job(self) -> Job | None:
        """The selected job; None, after a message, if there is none."""
        raise NotImplementedError

    def job_changed(self, change: JobChange) -> None:
        """Shows a job that was added, changed or removed; that is already written."""
        raise NotImplementedError

    def target_jobs(self) -> Sequence[Job]:
        """The jobs that an action applies to: the marked ones, else the selected one."""
        job = self.selected_job()
        return [job] if job is not None else []

    async def action_download(self) -> None:
        jobs = self.target_jobs()
        try:
            if len(jobs) == 1:
                self.gale.say(await self.engine.jobs.download(jobs[0].id))
            elif jobs:
                with_file = [job for job in jobs if job.state not in _WITHOUT_FILE]
                for job in with_file:
                    await self.engine.jobs.download(job.id)
                rest = len(jobs) - len(with_file)
                without = f"; {count_text(rest, 'job')} without a file" if rest else ""
                self.gale.say(f"Downloading {count_text(len(with_file), 'file')}{without}.")
        except GaleError as error:
            self.gale.say(str(error), severity="error")

    def action_refresh(self) -> None:
        jobs = self.target_jobs()
        if len(jobs) == 1:
            self.gale.say(self.engine.jobs.refresh(jobs[0].id))
        elif jobs:
            unfinished = [job for job in jobs if job.state.polled]
            for job in unfinished:
                self.engine.jobs.refresh(job.id)
            rest = len(jobs) - len(unfinished)
            finished = f"; {rest:,} finished already" if rest else ""
            self.gale.say(f"Refreshing {count_text(len(unfinished), 'job')}{finished}.")

    def action_copy(self) -> None:
        jobs = self.target_jobs()
        if jobs:
            from gale_tui.tui.screens.copy_menu import CopyMenu

            self.app.push_screen(CopyMenu(jobs))

    def action_export_again(self) -> None:
        jobs = self.target_jobs()
        if len(jobs) == 1:
            self.gale.navigation.open_form(again=jobs[0])
        elif jobs:
            self.gale.batch.open_marked(sorted(jobs, key=lambda job: job.created_at))

    def action_inspect(self) -> None:
        job = self.selected_job()
        if job is None:
            return
        if job.download.path is None:
            self.gale.say(f"{job.title} has no saved file yet; {self.key('download')} downloads it.")
        elif not job.kind.holds_tool:
            self.gale.say(f"{job.title} is a {job.kind}, not a tool: there is nothing to inspect.")
        else:
            from gale_tui.tui.screens.saved_file.inspect import InspectScreen

            self.app.push_screen(InspectScreen(job))

    def action_compare(self) -> None:
        job, targets = self.selected_job(), self.target_jobs()
        if job is not None:
            self.gale.navigation.open_compare(job, targets if len(targets) > 1 else ())

    def action_unpack(self) -> None:
        jobs = self.target_jobs()
        if jobs:
            self.gale.navigation.open_unpack(jobs)

    def action_open_folder(self) -> None:
        """Opens the folder of the job's file on the desktop; without one shows the path."""
        from gale_tui.tui.terminal.desktop import folder_command, show_folder

        job = self.selected_job()
        if job is None:
            return
        path = job.download.path
        if path is None:
            self.gale.say("This job has no saved file.")
            return
        command = folder_command(path, os.environ)
        if command is None:
            self.gale.say(f"No desktop here. The file is {inert(str(path), 400)}", seconds=12)
            return

        async def show() -> None:
            self.gale.say(await DaemonThreads("desktop", keep=0).call(show_folder, command, path), seconds=8)

        self.app.run_worker(show(), name="desktop")


class MarkedJobActions(JobActions):
    """The screen of the job list: actions apply to the marked rows, and remove rows."""

    def __init__(self) -> None:
        super().__init__()
        self._removed: list[list[Undo]] = []
        self._removing = asyncio.Lock()

    @property
    def table(self) -> JobTable:
        return self.query_one("#jobs", JobTable)

    def show_title(self) -> None:
        raise NotImplementedError

    def selected_job(self) -> Job | None:
        """The job under the cursor. If it is scrolled out of sight, it is only scrolled back into view."""
        job = self.table.current
        if job is None:
            self.gale.say("No job is selected.")
        elif not self.table.cursor_in_view:
            self.table.select(job.id)
            self.gale.say(f"Back at {job.title}: it was out of sight. Press the key again.")
            return None
        return job

    def target_jobs(self) -> Sequence[Job]:
        """The marked jobs that are shown; without any, the selected one."""
        return self.table.marked_jobs or super().target_jobs()

    async def action_remove(self) -> None:
        """Removes jobs from the list; asks first if there are several."""
        jobs = self.target_jobs()
        if len(jobs) == 1:
            await self._remove(jobs)
        elif jobs:
            self._remove_if_confirmed(jobs, f"Remove {count_text(len(jobs), 'marked job')} from the list?")

    def action_remove_finished(self) -> None:
        downloading = self.engine.downloads.running()
        jobs = [job for job in self.table.rows.shown_jobs if job.state.final and job.id not in downloading]
        if jobs:
            self._remove_if_confirmed(jobs, f"Remove {count_text(len(jobs), 'finished job')} from the list?")
        else:
            self.gale.say("No finished jobs.")

    def _remove_if_confirmed(self, jobs: Sequence[Job], question: str) -> None:
        from gale_tui.tui.screens.dialogs import ConfirmDialog

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._remove(jobs), name="remove")

        words = f"{question}\nFiles stay; {self.key('undo')} undoes it."
        self.app.push_screen(ConfirmDialog("Remove", words, confirm=f"Remove {len(jobs):,}"), answered)

    async def _remove(self, jobs: Sequence[Job]) -> None:
        undos = []
        async with self._removing:
            try:
                for job in jobs:
                    undo = await self.engine.jobs.remove(job.id)
                    if undo is not None:
                        undos.append(undo)
            except GaleError as error:
                self.gale.say(str(error), severity="error")
            if undos:
                self._removed.append(undos)
        if undos:
            what = inert(jobs[0].title, 60) if len(undos) == 1 else count_text(len(undos), "job")
            self.gale.say(f"Removed {what} from the list, files kept. {self.key('undo')} undoes it.")
            self.show_title()

    @work(name="undo")
    async def action_undo(self) -> None:
        """Brings back all jobs of the last remove, once that remove is complete."""
        async with self._removing:
            try:
                if self._removed:
                    undos = self._removed.pop()
                    for undo in undos:
                        await undo()
                    self.gale.say(f"Restored {count_text(len(undos), 'job')}.")
                elif (job := await self.engine.jobs.restore_last()) is not None:
                    self.gale.say(f"Restored {inert(job.title, 60)}.")
                else:
                    self.gale.say("Nothing to undo.")
            except GaleError as error:
                self.gale.say(str(error), severity="error")

    def action_mark(self) -> None:
        job = self.selected_job()
        if job is not None:
            self.table.toggle_mark(job.id)
            self.table.action_cursor_down()
            self.show_title()

    def action_mark_all(self) -> None:
        self.table.mark_all()
        self.show_title()

    def action_mark_range(self) -> None:
        job = self.selected_job()
        if job is not None:
            self.table.mark_range(job.id)
            self.show_title()
