"""Which files are fetched: a few downloads at the same time, each started once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection

from gale_tui.core.background import cancel_all, report_failure
from gale_tui.core.jobs.context import JobContext
from gale_tui.core.jobs.job_download import JobDownload
from gale_tui.core.models import DownloadProgress, DownloadState

AT_ONCE = 3
"""Downloads at the same time."""
SLOW = 4 << 10
"""Bytes per second; a slower download gives up its slot."""
SLOW_AFTER = 20.0
"""Seconds over which the speed is measured."""
AT_MOST = 24
"""Downloads at the same time, the slow ones included."""


class DownloadQueue:
    """The downloads of this process, by the job's id."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._all_slots = asyncio.Semaphore(AT_MOST)
        self._downloads: dict[str, JobDownload] = {}
        self._closing = False

    def progress(self, job_id: str) -> DownloadProgress | None:
        """A reading of a running download; None if it does not run here."""
        download = self._downloads.get(job_id)
        return None if download is None else download.transfer.progress()

    def running(self) -> tuple[str, ...]:
        """The ids of jobs whose files are being received here; not those that are saved already."""
        jobs = self._context.registry.jobs
        return tuple(
            job_id
            for job_id, download in self._downloads.items()
            if download.transfer.received is not None
            and (job_id not in jobs or jobs[job_id].download.state is not DownloadState.SAVED)
        )

    def is_under_way(self, job_id: str) -> bool:
        """True if this process fetches the file, or waits to try again."""
        download = self._downloads.get(job_id)
        return download is not None and not download.task.done()

    def start(self, job_id: str) -> None:
        """Starts a download, or brings its next try forward. Must be called in the loop."""
        if self._closing:
            return
        if self.is_under_way(job_id):
            self._downloads[job_id].nudge.set()
            return

        def finish(task: asyncio.Task[None]) -> None:
            if self._downloads.get(job_id) is download:
                del self._downloads[job_id]
            report_failure(task)

        download = self._downloads[job_id] = JobDownload(job_id, self._context, self._slot)
        download.task = asyncio.create_task(download.run(), name=f"download of {job_id}")
        download.task.add_done_callback(finish)

    @contextlib.asynccontextmanager
    async def _slot(self, received: Callable[[], int | None]) -> AsyncIterator[None]:
        """A slot among the downloads; a slow one gives it to the next and continues without."""
        async with self._all_slots:
            await self._slots.acquire()
            fast = asyncio.create_task(self._watch_speed(received))
            # The end of the watch, by a slow or a finished download, gives the slot back once.
            fast.add_done_callback(lambda done: self._slots.release())
            try:
                yield
            finally:
                fast.cancel()

    async def _watch_speed(self, received: Callable[[], int | None]) -> None:
        """Returns once a download is slow."""
        before = 0
        while True:
            await self._context.clock.sleep(SLOW_AFTER)
            now = received()
            if now is not None and now - before < SLOW * SLOW_AFTER:
                return
            before = now or 0

    def stop(self, job_id: str) -> None:
        """Stops a running download; its part is kept. A waiting one checks its job again."""
        if job_id in self._downloads:
            self._downloads[job_id].stop()

    def abandon(self, job_ids: Collection[str]) -> None:
        """Ends downloads that another process has taken over; their rows are left to it."""
        for job_id in job_ids:
            if self.is_under_way(job_id):
                self._downloads[job_id].abandon()

    async def close(self, within: float) -> None:
        """Stops what runs, keeping the parts, and writes how far each is; takes `within` real seconds at most."""
        self._closing = True
        downloads = tuple(self._downloads.values())
        for download in downloads:
            download.close()
        if tasks := [download.task for download in downloads]:
            await asyncio.wait(tasks, timeout=within)
            await cancel_all(tasks)
