"""The jobs in memory, in step with the history: a change is written first and announced afterwards.

One kind of change cannot wait: an event outside, such as an export that GALE accepted. If the disk does not
take it, it is kept in memory, announced, and written as soon as that is possible (:meth:`JobRegistry.record`).

The registry also learns from the jobs how long exports of a tool usually take (:class:`Durations`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import statistics
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from gale_tui.core.clock import Clock
from gale_tui.core.errors import StoreError
from gale_tui.core.history.leases import LeaseKind
from gale_tui.core.history.store import JobStore
from gale_tui.core.history.writer import EventText
from gale_tui.core.jobs.transitions import mark_unwritten
from gale_tui.core.models import Job, JobChange, JobEvent, JobState

C = TypeVar("C", JobChange, JobChange | None)
Transition: TypeAlias = Callable[[Job], Job]

log = logging.getLogger(__name__)

EXPORTS_COUNTED = 5
"""The latest exports of a tool, which its usual duration is taken from."""


class JobRegistry:
    """Every known job, and the listeners to changes.

    Args:
        notify: Called with a sentence when something cannot be written, and when it could be.
    """

    store: JobStore
    """Set once it is open, before anything is read or changed."""

    def __init__(self, clock: Clock, notify: Callable[[str], None] = lambda text: None) -> None:
        self._clock = clock
        self._notify = notify
        self._jobs: dict[str, Job] = {}
        self._removed: set[str] = set()
        self._unwritten: dict[str, list[tuple[Transition, EventText, float]]] = {}
        """Transitions that are not written yet and their times, by the job's id."""
        self._writing = asyncio.Lock()
        self.listeners: list[Callable[[JobChange], None]] = []
        self.durations = Durations()

    @property
    def jobs(self) -> Mapping[str, Job]:
        """All jobs by their id; live, to be read only."""
        return MappingProxyType(self._jobs)

    def add_loaded(self, jobs: Sequence[Job]) -> list[Job]:
        """Adds jobs read from the history that are not yet known, and returns them; calls no listener."""
        new = [job for job in jobs if job.id not in self._jobs and job.id not in self._removed]
        self._jobs.update((job.id, job) for job in new)
        for job in new:
            self.durations.learn(job)
        return new

    async def add(
        self, job: Job, event: str, line: tuple[str, int] | None = None, post_lease: float | None = None
    ) -> Job:
        """Writes a new job.

        Args:
            line: The batch and the place in it (from 0) that the job starts.
            post_lease: Seconds for which its POST is ours; None if it has none.

        Raises:
            StoreError: It could not be written.
            LineStartedError: That line of the batch is started already.
        """
        adding = self.store.add(job, event, at=self._clock.time(), line=line, post_lease=post_lease)
        return (await self._write(adding)).job

    async def change(
        self, job_id: str, transition: Transition, event: EventText = None, *, again: bool = False
    ) -> JobChange | None:
        """Writes what a transition makes of a job as it is in the history.

        Args:
            transition: A pure function, called on another thread.
            again: A saved file is fetched once more.

        Returns:
            The change; None if there was nothing to change, or the job is gone.

        Raises:
            StoreError: It could not be written.
        """
        await self._write_unwritten(job_id)
        return await self._write(self.store.update(job_id, transition, event, at=self._clock.time(), again=again))

    async def change_if_free(self, job_id: str, lease: LeaseKind, transition: Transition, event: EventText) -> None:
        """As `change`, for a job whose process has ended: nothing while another process has the lease."""
        if await self.store.acquire(job_id, lease, seconds=5):
            await self.change(job_id, transition, event)
            await self.store.release(job_id, lease)

    async def record(self, job_id: str, transition: Transition, event: EventText = None) -> Job | None:
        """As `change`, for an event that must not be lost: if it cannot be written, it counts in memory at once and
        written as soon as it can be.

        Returns:
            The job as it is now; None if it is gone.
        """
        try:
            await self.change(job_id, transition, event)
        except StoreError as error:
            self._keep_unwritten(job_id, transition, event, error)
        return self._jobs.get(job_id)

    def _keep_unwritten(self, job_id: str, transition: Transition, event: EventText, error: StoreError) -> None:
        known = self._jobs.get(job_id)
        if known is None:
            return
        if not self._unwritten:
            self._notify(f"{error} Until then gale-tui keeps in memory what it could not write: do not quit.")
        self._unwritten.setdefault(job_id, []).append((transition, event, self._clock.time()))
        job = mark_unwritten(transition(known), error.what)
        log.error("not written to the history (%s): job %s, dock status %s", error.what, job_id, job.dock_status_id)
        self._jobs[job_id] = job
        self._announce(JobChange(job, known))

    async def write_pending(self) -> None:
        """Writes what could not be written before, as far as that is possible now."""
        for job_id in list(self._unwritten):
            try:
                await self._write_unwritten(job_id)
            except StoreError:
                return

    async def _write_unwritten(self, job_id: str) -> None:
        if job_id not in self._unwritten:
            return
        async with self._writing:
            while unwritten := self._unwritten.get(job_id):
                transition, event, at = unwritten[0]
                await self._write(self.store.update(job_id, transition, event, at=at))
                unwritten.pop(0)
                if not unwritten:
                    self._unwritten.pop(job_id, None)
                    if not self._unwritten:
                        self._notify("The history could be written again: nothing is missing in it.")

    async def remove(self, job_id: str) -> tuple[Job, list[JobEvent]] | None:
        """Removes a job from the history; returns what brings it back, None if it was gone."""
        events = await self.store.events(job_id)
        change = await self._write(self.store.remove(job_id))
        self._unwritten.pop(job_id, None)
        return None if change is None else (change.job, events)

    async def restore(self, job: Job, events: Sequence[JobEvent]) -> None:
        await self._write(self.store.restore(job, events))

    async def _write(self, writing: Coroutine[Any, Any, C]) -> C:
        """Awaits a change of the history and announces it, also where the caller is cancelled meanwhile."""

        async def write() -> C:
            change = await writing
            if change is not None:
                self.publish(change)
            return change

        task = asyncio.create_task(write(), name="write and announce")
        # A cancelled caller gets no error.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def sync(self) -> None:
        """Reads what other processes wrote."""
        for change in await self.store.foreign_changes():
            self.publish(change)

    def publish(self, change: JobChange) -> None:
        job = change.job
        known = self._jobs.get(job.id)
        if change.removed:
            self._removed.add(job.id)
            if known is None:
                return
            del self._jobs[job.id]
        else:
            if known is not None and known.revision >= job.revision:
                return
            self._removed.discard(job.id)
            self._jobs[job.id] = job
            self.durations.learn(job)
        self._announce(dataclasses.replace(change, previous=known or change.previous))

    def _announce(self, change: JobChange) -> None:
        for listener in tuple(self.listeners):
            listener(change)


class Durations:
    """Seconds from the accepted export to its SUCCESS, by tool and flow of a host."""

    def __init__(self) -> None:
        self._ended: dict[tuple[str, str, str], dict[str, tuple[float, float]]] = {}

    def learn(self, job: Job) -> None:
        """Takes note of a job that has succeeded; ignores any other."""
        if job.state is not JobState.SUCCEEDED or job.started_at is None or job.ended_at is None:
            return
        known = self._ended.setdefault(_tool_of(job), {})
        known[job.id] = (job.ended_at, max(0.0, job.ended_at - job.started_at))
        if len(known) > EXPORTS_COUNTED:
            del known[min(known, key=lambda each: known[each][0])]

    def usual(self, job: Job) -> float | None:
        """Seconds that exports of the job's tool usually take; None if none is known.

        The lower median: an end that was noticed late, after a restart say, does not count for more than it is.
        """
        known = self._ended.get(_tool_of(job))
        return statistics.median_low([seconds for _, seconds in known.values()]) if known else None


def _tool_of(job: Job) -> tuple[str, str, str]:
    return job.origin, job.tool_id, job.flow_id
