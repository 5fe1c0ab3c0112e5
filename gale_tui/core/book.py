"""The jobs in memory, in step with the store: a change is written first and told afterwards."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from gale_tui.core.clock import Clock
from gale_tui.core.models import Change, Job, JobChange, JobEvent
from gale_tui.core.store import JobStore

__all__ = ["JobBook", "clock_time"]

Event = str | Callable[[Job, Job], str | None] | None


def clock_time(at: float) -> str:
    """Seconds since the epoch as local time of day, `12:00:33`."""
    return time.strftime("%H:%M:%S", time.localtime(at))


class JobBook:
    """What is known of every job, and who is told of changes.

    Args:
        store: Where it is kept.
        clock: For the times of the timeline.
    """

    def __init__(self, store: JobStore, clock: Clock) -> None:
        self.store = store
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self.listeners: list[Callable[[JobChange], None]] = []

    @property
    def jobs(self) -> Mapping[str, Job]:
        """All jobs by their id; live, to be read only."""
        return MappingProxyType(self._jobs)

    def take_in(self, jobs: Sequence[Job]) -> list[Job]:
        """Adds jobs read from the store that are not yet known; tells nobody and returns them."""
        new = [job for job in jobs if job.id not in self._jobs]
        self._jobs.update((job.id, job) for job in new)
        return new

    async def add(self, job: Job, event: str) -> Job:
        """Writes a new job, then tells of it.

        Raises:
            StoreError: It could not be written.
        """
        change = await self.store.add(job, event, at=self._clock.time())
        self.publish(change)
        return change.job

    async def update(self, job_id: str, change: Callable[[Job], Job], event: Event = None) -> Job | None:
        """Writes what `change` makes of a job, then tells of it.

        Returns:
            The job as it is now; None where it is gone.

        Raises:
            StoreError: It could not be written.
        """
        done = await self.store.update(job_id, change, event, at=self._clock.time())
        if done is not None:
            self.publish(done)
        return self._jobs.get(job_id)

    async def set(self, job_id: str, event: Event = None, /, **fields: object) -> Job | None:
        """As `update`, with plain values for fields of the job."""
        return await self.update(
            job_id,
            lambda job: dataclasses.replace(job, **fields),  # type: ignore[arg-type]  # names are checked by replace
            event,
        )

    async def set_download(self, job_id: str, event: Event = None, /, **fields: object) -> Job | None:
        """As `update`, with plain values for fields of the job's download."""
        return await self.update(job_id, lambda job: job.with_download(**fields), event)

    async def forget(self, job_id: str) -> tuple[Job, list[JobEvent]] | None:
        """Removes a job from the history; returns what is needed to bring it back."""
        events = await self.store.events(job_id)
        change = await self.store.forget(job_id)
        if change is None:
            return None
        self.publish(change)
        return change.job, events

    async def restore(self, job: Job, events: Sequence[JobEvent]) -> None:
        """Brings back what `forget` removed."""
        self.publish(await self.store.restore(job, events))

    async def sync(self) -> None:
        """Takes in what other processes wrote."""
        for change in await self.store.foreign_changes():
            self.publish(change)

    def publish(self, change: JobChange) -> None:
        """Makes a written change known."""
        job = change.job
        known = self._jobs.get(job.id)
        if change.kind is Change.FORGOTTEN:
            if known is None:
                return
            del self._jobs[job.id]
        else:
            if known is not None and known.revision >= job.revision:
                return
            self._jobs[job.id] = job
        change = dataclasses.replace(change, previous=known or change.previous)
        for listener in tuple(self.listeners):
            listener(change)
