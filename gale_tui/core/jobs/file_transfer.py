"""Receiving one file on a thread: its part is in the history before it is on disk."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from gale_tui.core.errors import GaleError, StoppedDownloadError, StoreError
from gale_tui.core.jobs import transitions
from gale_tui.core.jobs.context import JobContext
from gale_tui.core.models import DownloadProgress

if TYPE_CHECKING:
    from gale_tui.core.downloads.download import DownloadPlan, DownloadTask
    from gale_tui.core.downloads.saved_file import SavedFile
    from gale_tui.core.http.transport import Transport

RECORDED_WITHIN = 20.0
"""Real seconds that the history has to record a part."""
READINGS = 40
"""Readings that the speed is taken over."""
BETWEEN = 0.1
"""Least seconds between two of them."""


class FileTransfer:
    """The transfer of one job's file, perhaps in several attempts."""

    def __init__(self, job_id: str, context: JobContext) -> None:
        self._job_id = job_id
        self._context = context
        self._registry = context.registry
        self._task: DownloadTask | None = None
        self._readings: deque[tuple[float, int]] = deque(maxlen=READINGS)
        self._left: Path | None = None
        """The part that the last attempt left behind."""
        self.ours = True
        """False once another process has taken the download over: the job's row is left to it."""

    @property
    def received(self) -> int | None:
        """Bytes so far; None if nothing is being received."""
        return None if self._task is None else self._task.received

    def progress(self) -> DownloadProgress | None:
        """A reading; None if nothing is being received."""
        if self._task is None:
            return None
        now, received = self._context.clock.monotonic(), self._task.received
        if not self._readings or now - self._readings[-1][0] >= BETWEEN:
            self._readings.append((now, received))
        then, before = self._readings[0]
        speed = max(0.0, (received - before) / (now - then)) if now > then else 0.0
        return DownloadProgress(received, self._task.size, speed)

    def cancel(self) -> bool:
        """Ends it at once, the part kept; False if nothing is being received."""
        if self._task is not None:
            self._task.cancel()
        return self._task is not None

    async def receive(self, transport: Transport, plan: DownloadPlan) -> SavedFile:
        """Receives the file to its end.

        Raises:
            GaleError: See `DownloadTask.run`. How far it came is recorded.
        """
        from gale_tui.core.downloads.download import DownloadTask

        loop = asyncio.get_running_loop()
        task = DownloadTask(
            transport,
            plan,
            on_part=lambda part, validator, size: self._record_part(loop, part, validator, size),
            stall_seconds=self._context.stall,
            step=self._context.step,
        )
        self._task = task
        self._readings.clear()
        try:
            return await self._context.threads.call(task.run)
        except asyncio.CancelledError:
            task.cancel()
            raise
        except GaleError:
            self._left = task.part or self._left
            if self.ours:
                part, validator, size, received = task.part, task.validator, task.size, task.received
                with contextlib.suppress(StoreError):
                    await self._registry.change(
                        self._job_id, lambda job: transitions.record_part(job, part, validator, size, received)
                    )
            raise
        finally:
            self._task = None

    def _record_part(
        self, loop: asyncio.AbstractEventLoop, part: Path, validator: str | None, size: int | None
    ) -> None:
        """Called on the download's thread, which waits here until the part is recorded."""
        if not self.ours:
            raise StoppedDownloadError
        writing = self._registry.change(self._job_id, lambda job: transitions.record_part(job, part, validator, size))
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
            # It is an OSError, and would pass for one of the disk with the file.
            raise StoreError("The history could not be written in time", "Try again") from None
        except Exception as error:
            raise StoppedDownloadError from error

    async def discard_unnamed_part(self) -> None:
        """Deletes the part received here, if the job's row names none or another process's."""
        from gale_tui.core.downloads.part_file import discard_part

        if (part := self._left) is None:
            return
        self._left = None
        with contextlib.suppress(StoreError, OSError):
            await self._registry.sync()
            job = self._registry.jobs.get(self._job_id)
            if job is not None and job.download.part != part:
                await self._context.threads.call(discard_part, part)
