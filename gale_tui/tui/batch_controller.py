"""The running batch: started from a confirmed list, continued after an interruption, reported at its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gale_tui.core.errors import GaleError
from gale_tui.core.jobs.reasons import clock_time
from gale_tui.core.models import JobState
from gale_tui.core.untrusted_text import inert

if TYPE_CHECKING:
    from gale_tui.core.batch.editor import BatchList
    from gale_tui.core.batch.report import BatchAccount
    from gale_tui.core.history.batches import BatchRecord
    from gale_tui.core.jobs.batch_runner import BatchRun
    from gale_tui.core.models import Environment, Job
    from gale_tui.tui.context import AppHost, BatchStart
    from gale_tui.tui.screens.batch.report import BatchAccountDialog
    from gale_tui.tui.screens.jobs import JobsScreen


class BatchController:
    """Opens the batch screen and runs one batch at a time, whatever screen is shown."""

    def __init__(self, app: AppHost, jobs: JobsScreen) -> None:
        self._app = app
        self._jobs = jobs
        self._run: BatchRun | None = None
        self._last: BatchRun | None = None
        self._offer_pending = False
        self._unsaved_list: BatchList | None = None
        self._offered: set[str] = set()
        self.pending: BatchRecord | None = None
        """An interrupted batch, neither continued nor discarded."""
        self.account: BatchAccount | None = None
        """Of the batch that runs, or of the last one."""

    @property
    def running(self) -> bool:
        return self._run is not None

    @property
    def unstarted(self) -> int:
        """How many are not started yet."""
        return self._run.unstarted if self._run is not None else 0

    @property
    def failed(self) -> int:
        """How many of the last batch can be retried; 0 while one runs."""
        return self._last.failed if self._last is not None and self._run is None else 0

    @property
    def status_line(self) -> str:
        """The progress or an interrupted batch on one line; else empty."""
        if self._run is not None and self.account is not None:
            done = self._expected_end()
            until = f" · done about {clock_time(done)}" if done is not None else ""
            return f"{self.account.name or 'batch'} {self.account.progress}{until}"
        if self.pending is not None:
            key = self._jobs.key("batch_account")
            return f"{self.pending.title}: {self.pending.unstarted} not started, {key} continues"
        return ""

    def _expected_end(self) -> float | None:
        """When the last export of the batch should succeed; None unless all run and each tool's usual time is known."""
        if self.account is None or self.unstarted:
            return None
        ends = []
        for entry in self.account.entries:
            job = entry.job
            if job is None or job.state.final or job.state is JobState.UNCONFIRMED:
                continue
            usual = self._app.engine.registry.durations.usual(job)
            if job.state is not JobState.RUNNING or usual is None or job.started_at is None:
                return None
            ends.append(job.started_at + usual)
        return max(ends, default=None)

    @property
    def quit_reason(self) -> str:
        """A sentence about what quitting loses; often empty."""
        if not self.unstarted:
            return ""
        later = "the demo keeps nothing" if self._app.engine.demo else "the next start offers to continue"
        return f"{self.unstarted} of the batch not started; {later}."

    # On the way to a batch

    def open(self, first: BatchStart = (), environment: Environment | None = None, note: str = "") -> None:
        """Opens the batch screen with a list, a set, tools or nothing."""
        app = self._app
        if not app.navigation.can_export():
            return
        from gale_tui.core.history.sets import ToolSet
        from gale_tui.tui.screens.batch.batch import BatchScreen

        if isinstance(app.screen, BatchScreen):
            if isinstance(first, ToolSet):
                app.screen.open_set(first)
            return
        screen = BatchScreen(first, environment, self._unsaved_list, note)

        def closed(record: BatchRecord | None) -> None:
            # Typed lines that were not started are shown again the next time.
            self._unsaved_list = screen.unsaved if record is None else None
            if record is not None:
                self._jobs.table.clear_marks()
                # The app's worker, not a screen's: going elsewhere must not stop it.
                app.run_worker(self._start(record), name="batch", group="batch")

        app.push_screen(screen, closed)

    def open_marked(self, jobs: Sequence[Job]) -> None:
        """Opens the batch screen with the tools of marked jobs, or says why they cannot be one batch."""
        from gale_tui.core.batch.tools import BatchTool

        app = self._app
        if len({job.environment_id for job in jobs}) > 1:
            app.say("The marked jobs are of several environments: mark those of one.", severity="warning", seconds=8)
            return
        environment = app.engine.environments.find(jobs[0].environment_id)
        if environment is None:
            app.say(f"The environment of these jobs, {jobs[0].environment_name}, is gone.", severity="warning")
            return
        keyed = [job for job in jobs if job.exportable]
        known = {(job.tool_id, job.flow_id): job for job in keyed}
        if not known:
            app.say("The tool ids of these jobs are unknown: they were only tracked.", severity="warning")
            return
        tools = tuple(
            BatchTool(job.tool_id, job.flow_id, job.title if job.title != job.tool_id else "", kind=job.kind)
            for job in known.values()
        )
        same, idless = len(keyed) - len(known), len(jobs) - len(keyed)
        notes = (
            f"{same} marked export{'s' if same > 1 else ''} of the same tool and flow left out." if same else "",
            f"{idless} marked job{'s' if idless > 1 else ''} without ids left out." if idless else "",
        )
        self.open(tools, environment, " ".join(filter(None, notes)))

    # Interrupted batches

    async def find_interrupted(self) -> None:
        """Offers to continue a batch that an earlier run left, one at a time; starts nothing."""
        engine = self._app.engine
        if engine.readonly or self.running:
            return
        try:
            found = await engine.batches.interrupted()
            batch = next((each for each in found if each.id not in self._offered), None)
            if batch is None:
                return
            self._offered.add(batch.id)
            jobs = {**await engine.batches.jobs(batch), **engine.jobs}
        except GaleError as error:
            self._app.say(str(error), severity="warning")
            return
        from gale_tui.core.jobs.batch_runner import account_of

        self.pending, self.account, self._offer_pending = batch, account_of(batch, jobs), True
        self._last = None
        self._jobs.show_title()
        self.offer_to_continue()

    def _account_answered(self, answer: str | None) -> None:
        batch = self.pending
        if batch is not None and answer == "continue":
            self._app.run_worker(self._continue(batch), name="batch", group="batch")
        elif answer == "retry" and self.failed and self._last is not None:
            self._app.run_worker(self._retry(self._last), name="batch", group="batch")
        elif batch is not None and answer == "discard":
            self._app.run_worker(self._discard(batch), name="drop batch")

    async def _continue(self, batch: BatchRecord) -> None:
        from gale_tui.core.jobs.batch_runner import BatchRun
        from gale_tui.tui.screens.dialogs import confirm_production

        app = self._app
        environment = app.engine.environments.find(batch.environment_id)
        if environment is None or not batch.belongs_to(environment):
            name = inert(batch.environment_name, 60)
            words = f"The environment {name} of this batch is gone or has another host now, so it cannot continue."
            app.say(words, severity="warning", seconds=10)
            return
        if await confirm_production(app, environment, batch.unstarted) and self._run is None:
            run = BatchRun(app.engine, environment, batch, self._changed, resumed=True)
            self.pending = None
            await self._run_to_end(run)

    async def _retry(self, run: BatchRun) -> None:
        from gale_tui.tui.screens.dialogs import confirm_production

        if await confirm_production(self._app, run.environment, run.failed) and self._run is None:
            await self._run_to_end(run.retry_failed())

    async def _discard(self, batch: BatchRecord) -> None:
        try:
            await self._app.engine.batches.remove(batch.id)
        except GaleError as error:
            self._app.say(str(error), severity="error")
            return
        self.pending = None
        count = f"{batch.unstarted} of {batch.title}"
        self._app.say(f"Discarded the {count} that were not started. Running exports continue.")
        self._jobs.show_title()
        await self.find_interrupted()

    # While it runs

    async def _start(self, record: BatchRecord) -> None:
        from gale_tui.core.jobs.batch_runner import BatchRun

        engine = self._app.engine
        environment = engine.environments.find(record.environment_id)
        if self._run is not None or environment is None:
            return
        if record.save_when_ready != engine.settings.save_when_ready:
            with contextlib.suppress(GaleError):
                engine.save_settings(save_when_ready=record.save_when_ready)
        await self._run_to_end(BatchRun(engine, environment, record, self._changed), record.name)

    async def _run_to_end(self, run: BatchRun, set_name: str = "") -> None:
        self._run = run
        self._changed(run.account)
        engine = self._app.engine
        try:
            if set_name:
                with contextlib.suppress(GaleError):
                    await engine.sets.mark_used(set_name, at=engine.clock.time())
            account = await run.run()
        except GaleError as error:
            self._app.say(f"The batch stopped: {error}", severity="error", seconds=15)
            account = run.account
        except asyncio.CancelledError:
            self._run = None
            raise
        with contextlib.suppress(GaleError):
            # A batch that could not be started is not lost either.
            unfinished = await engine.batches.find(run.record.id)
            self.pending = unfinished if unfinished is not None and unfinished.unstarted else None
            self._offered.add(run.record.id)
        self._run, self._last = None, run
        self._changed(account)
        self._report_end(account)

    def _changed(self, account: BatchAccount) -> None:
        self.account = account
        self._jobs.show_title()
        if (dialog := self._account_dialog()) is not None:
            dialog.show(account)

    def _account_dialog(self) -> BatchAccountDialog | None:
        from gale_tui.tui.screens.batch.report import BatchAccountDialog

        return next((each for each in self._app.screen_stack if isinstance(each, BatchAccountDialog)), None)

    def stop(self) -> None:
        if self._run is not None:
            self._run.stop("Stopped: the rest was not started.")

    # The account

    def _report_end(self, account: BatchAccount) -> None:
        if self._account_dialog() is not None:
            return
        key = self._jobs.key("batch_account")
        good = not any(account.not_good) and not account.bad
        words = f"{account.name or 'Batch'}: {account.sentence}. {key} shows the report."
        self._app.say(words, severity="information" if good else "warning", seconds=15)

    def offer_to_continue(self) -> None:
        """Shows an interrupted batch, once the jobs are on screen."""
        if self._offer_pending and self._app.screen is self._jobs:
            self.show_account()

    def show_account(self) -> None:
        from gale_tui.tui.screens.batch.report import BatchAccountDialog

        self._offer_pending = False
        if self.account is None:
            self._app.say("No batch yet.")
        else:
            self._app.push_screen(BatchAccountDialog(self.account), self._account_answered)
