"""The downloads that run in this process: each on a thread, its part in the history before it is on disk."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from gale_tui.core.errors import GaleError, InterruptedDownloadError, StoreError
from gale_tui.core.jobs.job_registry import JobRegistry
from gale_tui.core.jobs.speed import Speed
from gale_tui.core.models import DownloadProgress
from gale_tui.core.threads import DaemonThreads

if TYPE_CHECKING:
    from gale_tui.core.downloads.download import DownloadPlan, DownloadTask, SavedFile
    from gale_tui.core.http.transport import Transport

__all__ = ["Receptions"]

RECORDED_WITHIN = 20.0
"""Real seconds that the history has to record a part."""


class Receptions:
    """Receives files.

    Args:
        registry: Where the parts are recorded.
        threads: Where downloads run.
        stall: Seconds without a byte after which a download counts as cut.
        step: For tests: told what is about to be done to the disk.
    """

    def __init__(
        self, registry: JobRegistry, threads: DaemonThreads, *, stall: float, step: Callable[[str], None] | None
    ) -> None:
        self._registry = registry
        self._threads = threads
        self._stall = stall
        self._step = step
        self._running: dict[str, tuple[DownloadTask, Speed]] = {}

    def running(self) -> tuple[str, ...]:
        """The jobs whose files are being received."""
        return tuple(self._running)

    def progress(self, job_id: str, now: float) -> DownloadProgress | None:
        """A reading of a running download, at `now` in monotonic seconds; None where there is none."""
        found = self._running.get(job_id)
        if found is None:
            return None
        task, speed = found
        received = task.received
        return DownloadProgress(received, task.size, speed.read(now, received))

    def cancel(self, job_id: str) -> bool:
        """Ends a download at once, its part kept; False where none runs."""
        found = self._running.get(job_id)
        if found is not None:
            found[0].cancel()
        return found is not None

    async def receive(
        self, job_id: str, transport: Transport, plan: DownloadPlan, not_ours: Collection[str]
    ) -> SavedFile:
        """Receives a file to its end.

        Args:
            job_id: Whose.
            transport: Of its environment.
            plan: What to do.
            not_ours: Live: jobs that another process has taken over, whose rows are left alone.

        Raises:
            GaleError: See `DownloadTask.run`. How far it came is recorded.
        """
        from gale_tui.core.downloads.download import DownloadTask

        on_part = self._recorder(job_id, asyncio.get_running_loop(), not_ours)
        task = DownloadTask(transport, plan, on_part=on_part, stall_seconds=self._stall, step=self._step)
        self._running[job_id] = (task, Speed())
        try:
            return await self._threads.call(task.run)
        except asyncio.CancelledError:
            task.cancel()
            raise
        except GaleError:
            if job_id not in not_ours:
                with contextlib.suppress(StoreError):
                    await self._registry.set_download(
                        job_id, received=task.received, part=task.part, validator=task.validator, size=task.size
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
                raise InterruptedDownloadError("stopped")
            writing = self._registry.set_download(job_id, part=part, validator=validator, size=size)
            try:
                written = asyncio.run_coroutine_threadsafe(writing, loop)
            except RuntimeError:
                # The loop is closed: the program is ending.
                writing.close()
                raise InterruptedDownloadError("stopped") from None
            try:
                written.result(timeout=RECORDED_WITHIN)
            except GaleError:
                raise
            except TimeoutError:
                raise StoreError("The history could not be written in time", "Try again") from None
            except Exception as error:
                raise InterruptedDownloadError("stopped") from error

        return on_part
