"""Saving files: when a download starts, what its end means for the job, and when it is tried again."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gale_tui.core.book import JobBook, clock_time
from gale_tui.core.clock import Clock
from gale_tui.core.connections import Connections
from gale_tui.core.errors import (
    CredentialError,
    FileSystemError,
    GaleError,
    InterruptedDownloadError,
    LinkExpiredError,
    LinkNotReadyError,
)
from gale_tui.core.models import DownloadProgress, DownloadState, Environment, Job, JobState
from gale_tui.core.secret import SignedUrl
from gale_tui.core.threads import DaemonThreads

if TYPE_CHECKING:
    from gale_tui.core.downloads import DownloadTask, SavedFile

__all__ = ["Saves"]

AT_ONCE = 3
"""Downloads at the same time."""
READY_WITHIN = 120.0
"""Seconds after SUCCESS in which 403, 404 and 409 on the link mean "not yet"."""
AUTOMATIC_TRIES = 6
LEASE = 60.0
EXPORT_AGAIN = "Press e to export again"


class _Meter:
    """Received bytes over the last seconds."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, int]] = deque(maxlen=40)

    def read(self, now: float, received: int) -> float:
        """Bytes per second."""
        if not self._readings or now - self._readings[-1][0] >= 0.1:
            self._readings.append((now, received))
        then, before = self._readings[0]
        return max(0.0, (received - before) / (now - then)) if now > then else 0.0


class Saves:
    """Downloads of finished jobs.

    Args:
        book: The jobs.
        connections: The clients.
        threads: Where downloads run.
        clock: Time and waiting.
        rng: Jitter of the waits.
        environment: Finds an environment by id.
        folder: Where files go that have no folder of their own.
        stall: Seconds without a byte after which a download counts as cut.
    """

    def __init__(
        self,
        book: JobBook,
        connections: Connections,
        threads: DaemonThreads,
        *,
        clock: Clock,
        rng: random.Random,
        environment: Callable[[str], Environment | None],
        folder: Callable[[], Path],
        stall: float = 30.0,
    ) -> None:
        self._book = book
        self._connections = connections
        self._threads = threads
        self._clock = clock
        self._rng = rng
        self._environment = environment
        self._folder = folder
        self._stall = stall
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._nudges: dict[str, asyncio.Event] = {}
        self._running: dict[str, tuple[DownloadTask, _Meter]] = {}
        self._closing = False

    @property
    def active(self) -> int:
        """How many downloads run right now."""
        return len(self._running)

    def progress(self, job_id: str) -> DownloadProgress | None:
        """A reading of a running download; None where it does not run here."""
        running = self._running.get(job_id)
        if running is None:
            return None
        task, meter = running
        received = task.received
        return DownloadProgress(received, task.size, meter.read(self._clock.monotonic(), received))

    def running(self) -> tuple[str, ...]:
        """The ids of the jobs whose files are being received here."""
        return tuple(self._running)

    def want(self, job_id: str) -> None:
        """Starts a download, or brings its next try forward. Must be called in the loop."""
        if self._closing:
            return
        task = self._tasks.get(job_id)
        if task is not None and not task.done():
            self._nudges[job_id].set()
            return
        self._nudges[job_id] = asyncio.Event()
        task = asyncio.create_task(self._save(job_id), name=f"save {job_id}")
        self._tasks[job_id] = task
        task.add_done_callback(lambda done: self._ended(job_id, done))

    def _ended(self, job_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(job_id) is task:
            del self._tasks[job_id]
            del self._nudges[job_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": f"saving {job_id} failed", "exception": error})

    def stop(self, job_id: str) -> None:
        """Stops a running download; its part is kept."""
        running = self._running.get(job_id)
        if running is not None:
            running[0].cancel()

    async def _save(self, job_id: str) -> None:
        if not await self._book.store.acquire(job_id, "download", seconds=LEASE):
            return
        try:
            await self._tries(job_id)
            while not self._closing and self._wanted_again(job_id):
                await self._tries(job_id)
        finally:
            await self._book.store.release(job_id, "download")

    def _wanted_again(self, job_id: str) -> bool:
        """True where the file was asked for again just as the last try ended."""
        job = self._book.jobs.get(job_id)
        return job is not None and job.download.state is DownloadState.WANTED

    async def _pause(self, job_id: str, seconds: float) -> None:
        """Waits, or until the user asks for the file."""
        nudge = self._nudges[job_id]
        nudge.clear()
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        nudged = asyncio.ensure_future(nudge.wait())
        try:
            await asyncio.wait((sleep, nudged), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            nudged.cancel()

    async def _tries(self, job_id: str) -> None:
        """Tries until the file is saved or trying again is no use."""
        spent: set[SignedUrl] = set()
        attempts = 0
        began = self._clock.time()
        while not self._closing:
            job = self._book.jobs.get(job_id)
            environment = self._environment(job.environment_id) if job is not None else None
            if job is None:
                return
            if environment is None or str(environment.origin) != job.origin:
                await self._failed(job_id, f"its environment {job.environment_name} is gone or has another host now")
                return
            link = job.download_url if job.download_url not in spent else None
            if link is None:
                link = await self._fresh_link(job, environment, spent)
            if link is None:
                return
            wait: float
            try:
                async with self._slots:
                    await self._book.set_download(job_id, state=DownloadState.RUNNING, error="", next_try_at=None)
                    await self._once(job_id, environment, link)
                return
            except LinkNotReadyError as error:
                if self._clock.time() - (job.ended_at or began) >= READY_WITHIN:
                    spent.add(link)
                    await self._book.set_download(
                        job_id, f"link refused: {error.what}", state=DownloadState.EXPIRED, error=error.what
                    )
                    continue
                wait = min(15.0, 2.0 * 1.5**attempts)
                await self._waits(job_id, DownloadState.NOT_READY, "not ready yet", wait)
            except LinkExpiredError as error:
                spent.add(link)
                await self._book.set_download(
                    job_id, f"link expired: {error.what}", state=DownloadState.EXPIRED, error=error.what
                )
                continue
            except InterruptedDownloadError as error:
                stopped = await self._interrupted(job_id, error, attempts)
                if stopped is None:
                    return
                wait = stopped
            except FileSystemError as error:
                await self._kept(job_id, error)
                return
            except GaleError as error:
                await self._failed(job_id, error.what, error)
                return
            attempts += 1
            await self._pause(job_id, wait)

    async def _once(self, job_id: str, environment: Environment, link: SignedUrl) -> None:
        from gale_tui.core.downloads import DownloadPlan, DownloadTask

        job = self._book.jobs[job_id]
        transport = await self._connections.transport(environment)
        loop = asyncio.get_running_loop()

        def on_part(part: Path, validator: str | None, size: int | None) -> None:
            # Called on the download's thread: the part is in the history before it is on disk.
            written = asyncio.run_coroutine_threadsafe(
                self._book.set_download(job_id, part=part, validator=validator, size=size), loop
            )
            written.result(timeout=20)

        plan = DownloadPlan(
            url=link,
            folder=job.folder or self._folder(),
            fallback_stem=job.label or job.name or job.tool_id,
            environment_name=environment.name,
            finished_at=job.ended_at or self._clock.time(),
            part=job.download.part,
            received=job.download.received,
            validator=job.download.validator,
            size=job.download.size,
        )
        task = DownloadTask(transport, plan, on_part=on_part, stall_seconds=self._stall)
        self._running[job_id] = (task, _Meter())
        renewing = asyncio.create_task(self._renew(job_id))
        try:
            saved: SavedFile = await self._threads.call(task.run)
        except asyncio.CancelledError:
            task.cancel()
            raise
        except GaleError:
            await self._book.set_download(
                job_id, received=task.received, part=task.part, validator=task.validator, size=task.size
            )
            raise
        finally:
            renewing.cancel()
            self._running.pop(job_id, None)
        now = self._clock.time()
        await self._book.update(
            job_id,
            lambda job: _saved(job, saved, now),
            f"saved, sha256 {saved.sha256[:8]}…",
        )

    async def _renew(self, job_id: str) -> None:
        while True:
            await self._clock.sleep(LEASE / 3)
            await self._book.store.acquire(job_id, "download", seconds=LEASE)

    async def _fresh_link(self, job: Job, environment: Environment, spent: set[SignedUrl]) -> SignedUrl | None:
        """Asks the dock status for a link; says so on the row where there is none."""
        link: SignedUrl | None = None
        why = "the server gives no link to the file"
        if job.dock_status_id is not None:
            try:
                client = await self._connections.client(environment)
                status = await self._connections.call(client.dock_status, job.dock_status_id)
                if status.download_url is not None:
                    link = client.resolve_link(status.download_url)
            except CredentialError as error:
                why = error.what
            except GaleError as error:
                why = f"no fresh link: {error.what}"
        if link is not None and link not in spent:
            await self._book.set(job.id, "fresh link", download_url=link)
            return link
        state = DownloadState.EXPIRED if spent else DownloadState.FAILED
        if spent:
            why = "the link has expired and GALE gives no fresh one"
        await self._book.update(
            job.id,
            lambda job: _without_link(job, state, f"{why}. {EXPORT_AGAIN}", drop=bool(spent)),
            why,
        )
        return None

    async def _interrupted(self, job_id: str, error: InterruptedDownloadError, attempts: int) -> float | None:
        """Says so on the row; returns the seconds to the next try, None where it is left to the user."""
        if self._closing or error.what == "stopped":
            await self._book.set_download(
                job_id, "stopped", state=DownloadState.RESUMABLE, error="stopped", next_try_at=None
            )
            return None
        if attempts >= AUTOMATIC_TRIES:
            await self._book.set_download(
                job_id,
                f"given up for now: {error.what}",
                state=DownloadState.RESUMABLE,
                error=f"{error.what}. Press d to go on",
                next_try_at=None,
            )
            return None
        told = getattr(error, "retry_after", None)
        wait = min(60.0, 2.0 * float(2**attempts)) * (1 + 0.2 * self._rng.random())
        wait = max(wait, told) if isinstance(told, float | int) else wait
        await self._waits(job_id, DownloadState.RESUMABLE, error.what, wait)
        return wait

    async def _waits(self, job_id: str, state: DownloadState, why: str, wait: float) -> None:
        at = self._clock.time() + wait
        await self._book.set_download(
            job_id,
            lambda old, new: why if old.download.error != why else None,
            state=state,
            error=f"{why}, goes on at {clock_time(at)}",
            next_try_at=at,
        )

    async def _kept(self, job_id: str, error: GaleError) -> None:
        """The disk's fault: the part is kept where there is one."""
        job = self._book.jobs[job_id]
        state = DownloadState.RESUMABLE if job.download.part is not None else DownloadState.FAILED
        await self._book.set_download(
            job_id, f"not saved: {error.what}", state=state, error=f"{error} Then press d", next_try_at=None
        )

    async def _failed(self, job_id: str, what: str, error: GaleError | None = None) -> None:
        await self._book.set_download(
            job_id,
            f"not saved: {what}",
            state=DownloadState.FAILED,
            error=str(error) if error is not None else what,
            part=None,
            received=0,
            validator=None,
            next_try_at=None,
        )

    async def close(self) -> None:
        """Stops what runs, keeping the parts, and writes how far each is."""
        self._closing = True
        for task, _ in tuple(self._running.values()):
            task.cancel()
        tasks = tuple(self._tasks.values())
        running = set(self._running)
        for job_id, saving in tuple(self._tasks.items()):
            if job_id not in running:
                saving.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
            for saving in tasks:
                saving.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _saved(job: Job, saved: SavedFile, now: float) -> Job:
    job = job.with_download(
        state=DownloadState.SAVED,
        path=saved.path,
        part=None,
        received=saved.size,
        size=saved.size,
        validator=None,
        sha256=saved.sha256,
        error="",
        next_try_at=None,
        saved_at=now,
    )
    # The signed link has done its work: it is a secret that is no longer needed.
    note = "" if job.state is JobState.SUCCEEDED else job.note
    return dataclasses.replace(job, name=job.name or saved.name or None, download_url=None, note=note)


def _without_link(job: Job, state: DownloadState, error: str, *, drop: bool) -> Job:
    job = job.with_download(state=state, error=error, next_try_at=None)
    return dataclasses.replace(job, download_url=None) if drop else job
