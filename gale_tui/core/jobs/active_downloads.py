"""The downloads that run in this process: each on a thread, its part in the history before it is on disk."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from gale_tui.core.errors import GaleError, StoppedDownloadError, StoreError
from gale_tui.core.jobs import transitions
from gale_tui.core.jobs.job_registry import JobRegistry
from gale_tui.core.models import DownloadProgress
from gale_tui.core.threads import DaemonThreads

if TYPE_CHECKING:
    from gale_tui.core.downloads.download import DownloadPlan, DownloadTask, SavedFile
    from gale_tui.core.http.transport import Transport

__all__ = ["ActiveDownloads"]

RECORDED_WITHIN = 20.0
"""Real seconds that the history has to record a part."""
READINGS = 40
"""Readings that the speed is taken over."""
BETWEEN = 0.1
"""Least seconds between two of them."""


class _Speed:
    """Received bytes over the last few seconds."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, int]] = deque(maxlen=READINGS)

    def read(self, now: float, received: int) -> float:
        """Bytes per second; `now` in monotonic seconds."""
        if not self._readings or now - self._readings[-1][0] >= BETWEEN:
            self._readings.append((now, received))
        then, before = self._readings[0]
        return max(0.0, (received - before) / (now - then)) if now > then else 0.0


class ActiveDownloads:
    """Receives files.

    Args:
        registry: Where the parts are recorded.
        threads: Where downloads run.
        stall: Seconds without a byte after which a download counts as cut.
        step: For tests: called with what is about to be done to the disk.
    """

    def __init__(
        self, registry: JobRegistry, threads: DaemonThreads, *, stall: float, step: Callable[[str], None] | None
    ) -> None:
        self._registry = registry
        self._threads = threads
        self._stall = stall
        self._step = step
        self.left: dict[str, Path] = {}
        """The part that the last try of a job left behind."""
        self._running: dict[str, tuple[DownloadTask, _Speed]] = {}

    def running(self) -> tuple[str, ...]:
        """The jobs whose files are being received."""
        return tuple(self._running)

    def progress(self, job_id: str, now: float) -> DownloadProgress | None:
        """A reading of a running download, at `now` in monotonic seconds; None if there is none."""
        found = self._running.get(job_id)
        if found is None:
            return None
        task, speed = found
        received = task.received
        return DownloadProgress(received, task.size, speed.read(now, received))

    def received(self, job_id: str) -> int | None:
        """Bytes that a running download has so far; None if there is none."""
        found = self._running.get(job_id)
        return None if found is None else found[0].received

    def cancel(self, job_id: str) -> bool:
        """Ends a download at once, its part kept; False if none runs."""
        found = self._running.get(job_id)
        if found is not None:
            found[0].cancel()
        return found is not None

    async def receive(
        self, job_id: str, transport: Transport, plan: DownloadPlan, not_ours: Collection[str]
    ) -> SavedFile:
        """Receives a file to its end.

        Args:
            job_id: The job.
            transport: Of its environment.
            plan: What to do.
            not_ours: Live: jobs that another process has taken over, whose rows are left alone.

        Raises:
            GaleError: See `DownloadTask.run`. How far it came is recorded.
        """
        from gale_tui.core.downloads.download import DownloadTask

        on_part = self._recorder(job_id, asyncio.get_running_loop(), not_ours)
        task = DownloadTask(transport, plan, on_part=on_part, stall_seconds=self._stall, step=self._step)
        self._running[job_id] = (task, _Speed())
        try:
            return await self._threads.call(task.run)
        except asyncio.CancelledError:
            task.cancel()
            raise
        except GaleError:
            if task.part is not None:
                self.left[job_id] = task.part
            if job_id not in not_ours:
                part, validator, size, received = task.part, task.validator, task.size, task.received
                with contextlib.suppress(StoreError):
                    await self._registry.change(
                        job_id, lambda job: transitions.record_part(job, part, validator, size, received)
                    )
            raise
        finally:
            self._running.pop(job_id, None)

    def _recorder(
        self, job_id: str, loop: asyncio.AbstractEventLoop, not_ours: Collection[str]
    ) -> Callable[[Path, str | None, int | None], None]:
        def on_part(part: Path, validator: str | None, size: int | None) -> None:
            # Called on the download's thread, which waits here until the part is recorded.
            if job_id in not_ours:
                raise StoppedDownloadError
            writing = self._registry.change(job_id, lambda job: transitions.record_part(job, part, validator, size))
            try:
                written = asyncio.run_coroutine_threadsafe(writing, loop)
            except RuntimeError:
                # The loop is closed: the program is ending.
                writing.close()
                raise StoppedDownloadError from None
            try:
                written.result(timeout=RECORDED_WITHIN)
            except GaleError:
                raise
            except TimeoutError:
                raise StoreError("The history could not be written in time", "Try again") from None
            except Exception as error:
                raise StoppedDownloadError from error

        return on_part
