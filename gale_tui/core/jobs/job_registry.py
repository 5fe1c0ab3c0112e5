"""The jobs in memory, in step with the store: a change is written first and told afterwards.

One kind of change cannot wait: what has happened outside, such as an export that GALE accepted. Where the disk does
not take it, it is kept in memory, told, and written as soon as that is possible (:meth:`JobRegistry.record`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gale_tui.core.clock import Clock
from gale_tui.core.errors import StoreError
from gale_tui.core.history.store import JobStore
from gale_tui.core.models import Change, Job, JobChange, JobEvent

__all__ = ["JobRegistry", "clock_time"]

Event = str | Callable[[Job, Job], str | None] | None

log = logging.getLogger(__name__)


def clock_time(at: float) -> str:
    """Seconds since the epoch as local time of day, `12:00:33`."""
    return time.strftime("%H:%M:%S", time.localtime(at))


@dataclass(frozen=True, slots=True)
class _Unwritten:
    """A change that could not be written yet."""

    change: Callable[[Job], Job]
    event: Event
    at: float


class JobRegistry:
    """What is known of every job, and who is told of changes.

    Args:
        store: Where it is kept.
        clock: For the times of the timeline.
        notify: Told, as a sentence, of what could not be written and of its end.
    """

    def __init__(self, store: JobStore, clock: Clock, notify: Callable[[str], None] = lambda text: None) -> None:
        self.store = store
        self._clock = clock
        self._notify = notify
        self._jobs: dict[str, Job] = {}
        self._forgotten: set[str] = set()
        self._unwritten: dict[str, list[_Unwritten]] = {}
        self._paying = asyncio.Lock()
        self.listeners: list[Callable[[JobChange], None]] = []

    @property
    def jobs(self) -> Mapping[str, Job]:
        """All jobs by their id; live, to be read only."""
        return MappingProxyType(self._jobs)

    def add_loaded(self, jobs: Sequence[Job]) -> list[Job]:
        """Adds jobs read from the store that are not yet known; tells nobody and returns them."""
        new = [job for job in jobs if job.id not in self._jobs and job.id not in self._forgotten]
        self._jobs.update((job.id, job) for job in new)
        return new

    async def add(self, job: Job, event: str, line: tuple[str, int] | None = None) -> Job:
        """Writes a new job, then tells of it.

        Args:
            job: The job.
            event: First line of its timeline.
            line: The kept batch and the place in it (from 0) that the job starts.

        Raises:
            StoreError: It could not be written.
            LineStartedError: That line of the batch is started already.
        """
        change = await self.store.add(job, event, at=self._clock.time(), line=line)
        self.publish(change)
        return change.job

    async def change(
        self, job_id: str, change: Callable[[Job], Job], event: Event = None, *, again: bool = False
    ) -> JobChange | None:
        """Writes what `change` makes of a job as it is in the store, then tells of it.

        Args:
            job_id: Which one.
            change: A pure function, called on another thread.
            event: A line for the timeline.
            again: A saved file is fetched once more.

        Returns:
            The change; None where there was nothing to change, or the job is gone.

        Raises:
            StoreError: It could not be written.
        """
        await self._write_pending(job_id)
        done = await self.store.update(job_id, change, event, at=self._clock.time(), again=again)
        if done is not None:
            self.publish(done)
        return done

    async def update(self, job_id: str, change: Callable[[Job], Job], event: Event = None) -> Job | None:
        """As `change`; returns the job as it is now, None where it is gone."""
        await self.change(job_id, change, event)
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

    async def record(self, job_id: str, change: Callable[[Job], Job], event: Event = None) -> Job | None:
        """As `update`, for what has happened and must not be forgotten: where it cannot be written, it is true in
        memory at once and written as soon as it can be.

        Returns:
            The job as it is now; None where it is gone.
        """
        try:
            return await self.update(job_id, change, event)
        except StoreError as error:
            self._hold_unwritten(job_id, _Unwritten(change, event, self._clock.time()), error)
        return self._jobs.get(job_id)

    def _hold_unwritten(self, job_id: str, owed: _Unwritten, error: StoreError) -> None:
        known = self._jobs.get(job_id)
        if known is None:
            return
        if not self._unwritten:
            self._notify(f"{error} Until then gale-tui keeps in memory what it could not write: do not quit.")
        self._unwritten.setdefault(job_id, []).append(owed)
        job = owed.change(known)
        log.error("not written to the history (%s): job %s, dock status %s", error.what, job_id, job.dock_status_id)
        job = dataclasses.replace(job, note=_joined(job.note, f"not in the history yet: {error.what}"))
        self._jobs[job_id] = job
        self._tell(JobChange(Change.CHANGED, job, known))

    async def write_pending(self) -> None:
        """Writes what could not be written before, as far as that is possible now."""
        for job_id in list(self._unwritten):
            try:
                await self._write_pending(job_id)
            except StoreError:
                return

    async def _write_pending(self, job_id: str) -> None:
        if job_id not in self._unwritten:
            return
        async with self._paying:
            while owed := self._unwritten.get(job_id):
                done = await self.store.update(job_id, owed[0].change, owed[0].event, at=owed[0].at)
                owed.pop(0)
                if not owed:
                    self._unwritten.pop(job_id, None)
                    if not self._unwritten:
                        self._notify("The history could be written again: nothing is missing in it.")
                if done is not None:
                    self.publish(done)

    async def remove(self, job_id: str, *, unsent: bool = False) -> tuple[Job, list[JobEvent]] | None:
        """Removes a job from the history, before anything of it was `unsent`; returns what brings it back."""
        events = await self.store.events(job_id)
        change = await self.store.remove(job_id, unsent=unsent)
        self._unwritten.pop(job_id, None)
        if change is None:
            return None
        self.publish(change)
        return change.job, events

    async def restore(self, job: Job, events: Sequence[JobEvent]) -> None:
        """Brings back what `forget` removed."""
        change = await self.store.restore(job, events)
        self._forgotten.discard(job.id)
        self.publish(change)

    async def sync(self) -> None:
        """Takes in what other processes wrote."""
        for change in await self.store.foreign_changes():
            self.publish(change)

    def publish(self, change: JobChange) -> None:
        """Makes a written change known."""
        job = change.job
        known = self._jobs.get(job.id)
        if change.kind is Change.FORGOTTEN:
            self._forgotten.add(job.id)
            if known is None:
                return
            del self._jobs[job.id]
        else:
            if known is not None and known.revision >= job.revision:
                return
            self._forgotten.discard(job.id)
            self._jobs[job.id] = job
        self._tell(dataclasses.replace(change, previous=known or change.previous))

    def _tell(self, change: JobChange) -> None:
        for listener in tuple(self.listeners):
            listener(change)


def _joined(*texts: str) -> str:
    return ". ".join(text.rstrip(".") for text in texts if text)
