"""What the user wishes for a job, and the sentence that answers it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

from gale_tui.core.errors import StoreError
from gale_tui.core.jobs.download_queue import LEASE, Saves
from gale_tui.core.jobs.hints import hint
from gale_tui.core.jobs.job_registry import JobBook
from gale_tui.core.jobs.poller import Asking
from gale_tui.core.jobs.recovery import TakingUp
from gale_tui.core.jobs.save_outcomes import wanted_again
from gale_tui.core.jobs.scheduler import Monitor
from gale_tui.core.models import DownloadState, Environment, Job, JobState

__all__ = ["JobWishes"]


class JobWishes:
    """Refreshing, saving, tracking and forgetting.

    Args:
        book: The jobs.
        monitor: Asks.
        asking: Knows which jobs another process asks for.
        saves: Fetches files.
        taking_up: Goes on with a job that was brought back.
    """

    def __init__(self, book: JobBook, monitor: Monitor, asking: Asking, saves: Saves, taking_up: TakingUp) -> None:
        self._book = book
        self._monitor = monitor
        self._asking = asking
        self._saves = saves
        self._taking_up = taking_up

    def refresh(self, job_id: str) -> str:
        """Asks for a job now, within its limits."""
        job = self._book.jobs.get(job_id)
        if job is None:
            return "This job is gone."
        if job.state is JobState.WAITING:
            return f"{job.title} waits for the rate limit; it goes on by itself."
        wait = self._monitor.refresh(job_id)
        if wait is None:
            return f"{job.title} is not asked for any more: {job.status}."
        if self._asking.elsewhere(job_id):
            return f"{job.title} is asked for by another gale-tui; its answers are shown here too."
        if wait.seconds < 1:
            return f"Asking for {job.title} …"
        floor = self._monitor.policy.floor
        why = "rate limit" if wait.limited else f"at least {floor:g} s between two questions, see the settings"
        return f"Asking for {job.title} in {math.ceil(wait.seconds)} s ({why})."

    def refresh_all(self) -> str:
        """Asks for every unfinished job now, within the limits."""
        count = len(self._monitor)
        if not count:
            return "No job is unfinished."
        wait = self._monitor.refresh_all()
        when = " …" if wait < 1 else f" within {math.ceil(wait)} s, each as soon as its limits allow."
        return f"Asking for {count} job{'s' if count != 1 else ''}{when}"

    async def download(self, job_id: str) -> str:
        """Saves a job's file, goes on with it, or saves it again.

        Raises:
            StoreError: The wish could not be written.
        """
        job = self._book.jobs.get(job_id)
        if job is None:
            return "This job is gone."
        if job.state in (JobState.REQUESTING, JobState.WAITING, JobState.RUNNING, JobState.LOST):
            await self._book.set(job_id, save_when_ready=True)
            return f"{job.title} is not finished; its file is saved as soon as it is."
        if job.state is not JobState.SUCCEEDED:
            return f"{job.title} has no file: {job.status}. Export it again{hint('export_again')}."
        if job_id in self._saves.running():
            return f"{job.title} is being saved already."
        store, ours = self._book.store, self._saves.under_way(job_id)
        if not ours and not await store.acquire(job_id, "download", seconds=LEASE):
            return f"{job.title} is being saved by another gale-tui."
        again = job.download.state is DownloadState.SAVED
        try:
            await self._book.change(job_id, wanted_again, "save again" if again else None, again=again)
        except StoreError:
            if not ours:
                await store.release(job_id, "download")
            raise
        self._saves.want(job_id)
        return f"Saving {job.title} …"

    async def track(
        self, environment: Environment, dock_status_id: str, *, job_id: str, now: float, save_when_ready: bool
    ) -> Job:
        """Follows a job that was started elsewhere; one that is known already is returned as it is.

        Raises:
            StoreError: It could not be written.
        """
        there = (dock_status_id, environment.id, str(environment.origin))
        for job in self._book.jobs.values():
            if (job.dock_status_id, job.environment_id, job.origin) == there:
                return job
        job = Job(
            id=job_id,
            environment_id=environment.id,
            environment_name=environment.name,
            origin=str(environment.origin),
            production=environment.production,
            tool_id="",
            flow_id="",
            created_at=now,
            save_when_ready=save_when_ready,
            tracked=True,
            state=JobState.RUNNING,
            status="TRACKING",
            dock_status_id=dock_status_id,
            started_at=now,
        )
        return await self._book.add(job, "tracked")

    async def forget(self, job_id: str) -> Callable[[], Awaitable[None]] | None:
        """Removes a job from the history; returns what brings it back, None where it was gone already.

        Raises:
            StoreError: It could not be removed.
        """
        self._saves.stop(job_id)
        gone = await self._book.forget(job_id)
        if gone is None:
            return None
        job, events = gone

        async def undo() -> None:
            await self._book.restore(job, events)
            await self._taking_up.all([self._book.jobs[job.id]])

        return undo
