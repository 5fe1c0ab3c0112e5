"""JobStore: every job and its timeline in SQLite, written before anything is shown.

Several instances share the file: each sees the others' changes through :meth:`JobStore.foreign_changes`, and leases say
who polls and who downloads which job.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeVar

from gale_tui.core.errors import StoreError
from gale_tui.core.history.connection import BUSY_SECONDS, Step
from gale_tui.core.history.leases import LeaseKind
from gale_tui.core.history.open_store import History
from gale_tui.core.history.rows import DamagedError
from gale_tui.core.history.writer import EventText
from gale_tui.core.models import Job, JobChange, JobEvent
from gale_tui.core.threads import DaemonThreads

if TYPE_CHECKING:
    from gale_tui.core.history.batches import BatchRecords
    from gale_tui.core.history.drafts import Drafts
    from gale_tui.core.history.sets import ToolSets

T = TypeVar("T")

_BUSY_SHOWN_AFTER: Final = 1.0
_CLOSING: Final = 1.5
_ATTEMPTS: Final = 2
"""Of a call on a damaged file, which is replaced before the second."""


class JobStore:
    """The history of jobs; made by :meth:`open`.

    No method blocks the loop: one thread writes and another reads, so that a process that was stopped within a
    transaction delays writing alone. A cancelled call is carried out nevertheless. Every method raises `StoreError` if
    the history cannot be used, and no error of SQLite's.
    """

    def __init__(
        self, history: History, writing: DaemonThreads, on_notice: Callable[[str], None] | None = None
    ) -> None:
        self.notice = ""
        """The newest sentence about the file, such as that a damaged one was set aside; usually empty."""
        self._on_notice = on_notice
        self._history = history
        self._writing = writing
        self._reading = DaemonThreads("history-read", most=1)
        self._closing: asyncio.Task[None] | None = None
        self._in_place = threading.Lock()
        """Held while something is read, and while a damaged file is exchanged."""
        self._notify(history.notice)
        # A process that was killed may have left a log with what the database no longer has.
        writing.start(self._clean_up)

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        step: Step | None = None,
        on_notice: Callable[[str], None] | None = None,
    ) -> JobStore:
        """Opens the history, and makes it and its folder if they are missing.

        A damaged file is set aside under a stamped name, and what can be read of it goes into a new one.

        Args:
            path: The file. A new one gets mode 0600, a new folder 0700.
            step: For tests: called on the writing thread with "db write" before a statement, "db commit" and
                "db committed" around a commit.
            on_notice: Called with each sentence about the file, at once or whenever damage shows later.

        Raises:
            NewerStoreError: A newer gale-tui wrote the file; it is left alone.
            StoreError: It cannot be made, read or written.
        """
        writing = DaemonThreads("history-write", most=1)
        try:
            history = await writing.call(History.open, path, uuid.uuid4().hex, step)
        except BaseException:
            writing.close()
            raise
        return cls(history, writing, on_notice)

    def _notify(self, text: str) -> None:
        if text:
            self.notice = text
            if self._on_notice is not None:
                self._on_notice(text)

    @property
    def path(self) -> Path:
        """Where the history is, links followed."""
        return self._history.path

    @property
    def trouble(self) -> str:
        """A sentence while another process keeps this one from writing for more than a second; else empty."""
        since = self._history.write_retry.waiting_since
        if since is None or time.monotonic() - since < _BUSY_SHOWN_AFTER:
            return ""
        return "Another gale-tui is holding the history: changes wait for it."

    async def load(self, *, limit: int | None = None, before: tuple[float, str] | None = None) -> list[Job]:
        """The jobs, newest first.

        Args:
            limit: How many at most.
            before: `created_at` and `id` of the last job of the previous page; only older ones are returned.
        """
        return await self._read(lambda history: history.reader.load(limit, before))

    async def unfinished(self) -> list[Job]:
        """The jobs with an unfinished export or download, newest first."""
        return await self._read(lambda history: history.reader.unfinished())

    async def events(self, job_id: str) -> list[JobEvent]:
        """The timeline of a job, oldest first."""
        return await self._read(lambda history: history.reader.events(job_id))

    async def add(
        self,
        job: Job,
        event: str | None = None,
        *,
        at: float | None = None,
        line: tuple[str, int] | None = None,
        post_lease: float | None = None,
    ) -> JobChange:
        """Writes a new job; once this returns, it survives the end of the process and a power cut.

        Args:
            job: The job; its revision is set.
            at: When that was; now if None.
            line: The batch and the place in it (from 0) that the job starts, in the same transaction.
            post_lease: Seconds for which its POST is ours, from the same transaction on; None if it has none.

        Raises:
            StoreError: It was not written, or a job with this id exists.
            LineStartedError: That line of the batch is started already.
        """
        return await self._write(lambda history: history.writer.add(job, event, at, line, post_lease))

    async def update(
        self,
        job_id: str,
        change: Callable[[Job], Job],
        event: EventText = None,
        *,
        at: float | None = None,
        again: bool = False,
    ) -> JobChange | None:
        """Replaces a job by `change(job)`.

        Args:
            change: Returns the new job. Called on the writing thread with the job as it is in the history, and again if
                another process was quicker: it must be a pure function.
            at: When that was; now if None.
            again: True if a saved file is downloaded again, so that its download may go back to wanted.

        Returns:
            The change; None if nothing is different, the job is gone, or a final state would be undone.

        Raises:
            StoreError: It was not written.
            Exception: Whatever `change` or `event` raise; nothing is written.
        """
        return await self._write(lambda history: history.writer.update(job_id, change, event, at, again))

    async def remove(self, job_id: str) -> JobChange | None:
        """Deletes a job with its timeline, link and leases; None if it is gone already. Files stay."""
        return await self._write(lambda history: history.writer.remove(job_id))

    async def removed(self) -> list[tuple[Job, list[JobEvent]]]:
        """The last 20 jobs removed in 7 days, with their timelines, the last one first."""
        return await self._read(lambda history: history.reader.removed())

    async def restore(self, job: Job, events: Sequence[JobEvent] = ()) -> JobChange:
        """Undoes :meth:`remove`: writes the job as it was, with its timeline."""
        return await self._write(lambda history: history.writer.restore(job, events))

    async def last_saved(self, origin: str, tool_id: str, flow_id: str, *, before: float | None = None) -> Job | None:
        """The job whose file was saved last of a tool with its flow at an origin, or None.

        Args:
            origin: Scheme, host and port.
            before: Only jobs created before, in seconds since the epoch.
        """
        return await self._read(lambda history: history.reader.last_saved(origin, tool_id, flow_id, before))

    @property
    def batches(self) -> BatchRecords:
        from gale_tui.core.history.batches import BatchRecords

        return BatchRecords(self._read, self._write)

    @property
    def drafts(self) -> Drafts:
        from gale_tui.core.history.drafts import Drafts

        return Drafts(self._write)

    @property
    def sets(self) -> ToolSets:
        from gale_tui.core.history.sets import ToolSets

        return ToolSets(self._read, self._write)

    async def acquire(self, job_id: str, kind: LeaseKind, *, seconds: float) -> bool:
        """Acquires or renews a lease; one of another store only if it has expired or its process is dead.

        Args:
            seconds: How long it holds from now.

        Returns:
            True if it is ours; False if another has it or the job is gone.
        """
        return await self._write(lambda history: history.leases.acquire(job_id, kind, seconds))

    async def renew_all(self, *, seconds: float) -> tuple[tuple[str, LeaseKind], ...]:
        """Renews all leases of this store for `seconds` from now.

        Returns:
            Job and kind of those that another store has taken over, for example while this process was stopped: their
            work must end.
        """
        return await self._write(lambda history: history.leases.renew(seconds))

    async def release(self, job_id: str, kind: LeaseKind) -> None:
        """Releases a lease, if it is ours."""
        await self._write(lambda history: history.leases.release(job_id, kind))

    async def foreign_changes(self) -> list[JobChange]:
        """The changes that other stores wrote since the last call, oldest first; cheap if there are none.

        A job changed several times appears once, as it is now; of a removed one only the id is known. A job in memory
        with a higher revision is newer.
        """
        return await self._read(lambda history: history.reader.foreign_changes())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *ended: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Finishes writing, releases the leases and closes the file, within about a second and a half.

        May be called twice. All other methods raise `StoreError` afterwards.
        """
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        history = self._history
        until = time.monotonic() + _CLOSING
        history.write_retry.end()
        history.read_retry.end()
        with contextlib.suppress(sqlite3.Error):
            # A long query is cut short; the thread that writes finishes what it has.
            history.reading.interrupt()
        # The connection that writes closes last, so that it can remove the log.
        for thread, end in ((self._reading, history.reading.close), (self._writing, history.close_writer)):
            with contextlib.suppress(TimeoutError, sqlite3.Error):
                await thread.call(end, within=max(0.0, until - time.monotonic()))
            thread.close()

    def _clean_up(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._history.writer.prune_removed()
        self._scrub()

    def _scrub(self) -> None:
        writer = self._history.writer
        if self._closing is None and writer.scrub_due:
            writer.scrub()

    async def _read(self, work: Callable[[History], T]) -> T:
        def on_thread(deadline: float) -> T:
            with self._in_place:
                history = self._history
                return history.read_retry.run(lambda: work(history), deadline)

        return await self._run(self._reading, on_thread)

    async def _write(self, work: Callable[[History], T]) -> T:
        def on_thread(deadline: float) -> T:
            history = self._history
            return history.write_retry.run(lambda: work(history), deadline)

        try:
            return await self._run(self._writing, on_thread)
        finally:
            if self._closing is None and self._history.writer.scrub_due:
                self._writing.start(self._scrub)

    async def _run(self, thread: DaemonThreads, on_thread: Callable[[float], T]) -> T:
        for _ in range(_ATTEMPTS):
            if self._closing is not None:
                raise StoreError("The history is closed")
            history = self._history
            try:
                return await thread.call(on_thread, time.monotonic() + BUSY_SECONDS)
            except DamagedError:
                await self._replace_file(history)
        raise StoreError(f"The history {self.path} is damaged and could not be repaired", "Check the disk")

    async def _replace_file(self, damaged: History) -> None:
        def replace() -> bool:
            with self._in_place:
                if self._history is not damaged or self._closing is not None:
                    return False
                self._history = damaged.replace_damaged()
                return True

        if await self._writing.call(replace):
            self._notify(self._history.notice)
