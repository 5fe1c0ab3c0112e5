"""Saving files: when a download starts, what its end means for the job, and when it is tried again."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from gale_tui.core.clock import Clock
from gale_tui.core.config.settings import DEFAULT_PATTERN
from gale_tui.core.errors import (
    FileSystemError,
    GaleError,
    InterruptedDownloadError,
    LinkExpiredError,
    LinkNotReadyError,
    StoreError,
)
from gale_tui.core.gale_api.connections import Connections
from gale_tui.core.jobs.fresh_links import fresh_link
from gale_tui.core.jobs.job_registry import JobRegistry, clock_time
from gale_tui.core.jobs.receptions import Receptions
from gale_tui.core.jobs.save_outcomes import (
    EXPORT_AGAIN,
    GO_ON,
    THEN_SAVE,
    broken,
    left_behind,
    running,
    saved,
    unwanted,
    waits,
    without_link,
)
from gale_tui.core.models import DownloadProgress, DownloadState, Environment, Job
from gale_tui.core.secret import SignedUrl
from gale_tui.core.threads import DaemonThreads

if TYPE_CHECKING:
    from gale_tui.core.downloads.download import SavedFile

__all__ = ["LEASE", "DownloadQueue"]

AT_ONCE = 3
"""Downloads at the same time."""
READY_WITHIN = 120.0
"""Seconds after SUCCESS in which 403, 404 and 409 on the link mean "not yet"."""
AUTOMATIC_TRIES = 12
"""Tries without a further byte before it is left to the user."""
FRESH_LINKS = 3
"""Links asked for anew before a file is given up."""
LEASE = 60.0


class DownloadQueue:
    """Downloads of finished jobs.

    Args:
        registry: The jobs.
        connections: The clients.
        threads: Where downloads run.
        clock: Time and waiting.
        rng: Jitter of the waits.
        environment: Finds an environment by id.
        folder: Where files go that have no folder of their own.
        pattern: What files are called, as the setting `filename_pattern` says it.
        stall: Seconds without a byte after which a download counts as cut.
        step: For tests: told what is about to be done to the disk.
    """

    def __init__(
        self,
        registry: JobRegistry,
        connections: Connections,
        threads: DaemonThreads,
        *,
        clock: Clock,
        rng: random.Random,
        environment: Callable[[str], Environment | None],
        folder: Callable[[], Path],
        pattern: Callable[[], str] = lambda: DEFAULT_PATTERN,
        stall: float = 30.0,
        step: Callable[[str], None] | None = None,
    ) -> None:
        self._registry = registry
        self._connections = connections
        self._threads = threads
        self._clock = clock
        self._rng = rng
        self._environment = environment
        self._folder = folder
        self._pattern = pattern
        self._receptions = Receptions(registry, threads, stall=stall, step=step)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._nudges: dict[str, asyncio.Event] = {}
        self._lost: set[str] = set()
        self._said: dict[str, str] = {}
        self._closing = False

    def progress(self, job_id: str) -> DownloadProgress | None:
        """A reading of a running download; None where it does not run here."""
        return self._receptions.progress(job_id, self._clock.monotonic())

    def running(self) -> tuple[str, ...]:
        """The ids of the jobs whose files are being received here; not those that are saved already."""
        jobs = self._registry.jobs
        return tuple(
            job_id
            for job_id in self._receptions.running()
            if job_id not in jobs or jobs[job_id].download.state is not DownloadState.SAVED
        )

    def under_way(self, job_id: str) -> bool:
        """True where this process fetches the file, or waits to try again."""
        task = self._tasks.get(job_id)
        return task is not None and not task.done()

    async def left_behind(self, job_id: str) -> None:
        """Offers a download whose process has ended, where nobody else has it."""
        if await self._registry.store.acquire(job_id, "download", seconds=5):
            await self._registry.change(job_id, left_behind, "gale-tui ended before the file was whole")
            await self._registry.store.release(job_id, "download")

    def start(self, job_id: str) -> None:
        """Starts a download, or brings its next try forward. Must be called in the loop."""
        if self._closing:
            return
        if self.under_way(job_id):
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
        """Stops a running download; its part is kept. One that waits looks at its job again."""
        if not self._receptions.cancel(job_id) and job_id in self._nudges:
            self._nudges[job_id].set()

    def abandon(self, job_ids: Collection[str]) -> None:
        """Ends downloads that another process has taken over, without a word on their rows: they are its rows now."""
        for job_id in job_ids:
            if self.under_way(job_id):
                self._lost.add(job_id)
                self.stop(job_id)

    async def _save(self, job_id: str) -> None:
        try:
            if not await self._registry.store.acquire(job_id, "download", seconds=LEASE):
                return
        except StoreError:
            # It is taken up again when the history can be written.
            return
        self._lost.discard(job_id)
        try:
            # Whoever had it before may have saved the file.
            await self._registry.sync()
            again = self._wanted(job_id) and not await self._published(job_id)
            while again and self._wanted(job_id):
                await self._tries(job_id)
                # Asked for once more just as it ended?
                job = self._registry.jobs.get(job_id)
                again = job is not None and job.download.state is DownloadState.WANTED
        except StoreError:
            return
        finally:
            self._said.pop(job_id, None)
            if job_id not in self._lost:
                with contextlib.suppress(StoreError):
                    await self._registry.store.release(job_id, "download")

    def _wanted(self, job_id: str) -> bool:
        job = self._registry.jobs.get(job_id)
        return not self._closing and job_id not in self._lost and job is not None and not unwanted(job)

    async def _pause(self, job_id: str, seconds: float) -> bool:
        """Waits, or until the user asks for the file; True in this case."""
        nudge = self._nudges[job_id]
        nudge.clear()
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        nudged = asyncio.ensure_future(nudge.wait())
        try:
            await asyncio.wait((sleep, nudged), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            nudged.cancel()
        return nudge.is_set()

    async def _tries(self, job_id: str) -> None:
        """Tries until the file is saved or trying again is no use."""
        spent: set[SignedUrl] = set()
        attempts = 0
        ready_until: float | None = None
        while self._wanted(job_id):
            job = self._registry.jobs[job_id]
            environment = self._environment(job.environment_id)
            if environment is None or str(environment.origin) != job.origin:
                what = f"its environment {job.environment_name} is gone or has another host now"
                await self._registry.change(job_id, broken(what), f"not saved: {what}")
                return
            if ready_until is None:
                age = self._clock.time() - (job.ended_at or self._clock.time())
                ready_until = self._clock.monotonic() + READY_WITHIN - min(max(0.0, age), READY_WITHIN)
            wait: float | None
            link: SignedUrl | None = None
            try:
                async with self._slots:
                    link = job.download_url if job.download_url not in spent else None
                    link = link or await self._fresh_link(job, environment, spent)
                    if link is None:
                        return
                    if not self._wanted(job_id):
                        return
                    await self._registry.change(job_id, running)
                    await self._once(job_id, environment, link)
                return
            except (LinkNotReadyError, LinkExpiredError) as error:
                if isinstance(error, LinkNotReadyError) and self._clock.monotonic() < ready_until:
                    wait = min(15.0, 2.0 * 1.5**attempts)
                    await self._say_waits(job_id, DownloadState.NOT_READY, "not ready yet", wait)
                else:
                    spent.update({link} if link is not None else ())
                    # The first fresh link is asked for at once, further ones more slowly.
                    wait = 0.0 if len(spent) == 1 else 5.0 * len(spent)
                    await self._say_waits(job_id, DownloadState.WANTED, f"link expired: {error.what}", wait)
            except InterruptedDownloadError as error:
                now = self._registry.jobs.get(job_id, job)
                if now.download.received > job.download.received:
                    attempts = 0
                wait = await self._interrupted(job_id, error, attempts)
            except FileSystemError as error:
                await self._kept(job_id, error)
                return
            except StoreError as error:
                # The history could not be written: the file waits for it, or it would be forgotten half done.
                wait = min(60.0, 5.0 * float(2**attempts))
                with contextlib.suppress(StoreError):
                    await self._say_waits(job_id, DownloadState.RESUMABLE, error.what, wait)
            except GaleError as error:
                await self._registry.change(job_id, broken(str(error)), f"not saved: {error.what}")
                return
            if wait is None or job_id in self._lost:
                return
            attempts += 1
            if wait and await self._pause(job_id, wait):
                attempts = 0

    async def _once(self, job_id: str, environment: Environment, link: SignedUrl) -> None:
        from gale_tui.core.downloads.download import DownloadPlan

        transport = await self._connections.transport(environment)
        job = self._registry.jobs.get(job_id)
        if job is None:
            return
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
            pattern=self._pattern(),
            tool=job.tool_id,
            label=job.label,
            make_parents=job.folder is None,
        )
        file = await self._receptions.receive(job_id, transport, plan, self._lost)
        await self._have(job_id, file)

    async def _published(self, job_id: str) -> bool:
        """True where the file was whole already when an earlier run was killed; then it is saved now."""
        from gale_tui.core.downloads.recover_published import published_before

        job = self._registry.jobs.get(job_id)
        if job is None or job.download.part is None:
            return False
        file = await self._threads.call(published_before, job.download.part, job.download.size)
        if file is not None:
            await self._have(job_id, file)
        return file is not None

    async def _have(self, job_id: str, file: SavedFile) -> None:
        await self._registry.record(job_id, saved(file, self._clock.time()), f"saved, sha256 {file.sha256[:8]}…")

    async def _fresh_link(self, job: Job, environment: Environment, spent: set[SignedUrl]) -> SignedUrl | None:
        """Asks the dock status for a link; says so on the row where there is none.

        Raises:
            InterruptedDownloadError: It could not be asked for, and may be later.
        """
        link, why = None, ""
        if len(spent) < FRESH_LINKS:
            link, why = await fresh_link(self._connections, environment, job)
        if link is not None and link not in spent:
            await self._registry.set(job.id, "fresh link", download_url=link)
            return link
        if spent:
            why = "the link has expired and GALE gives no fresh one"
        state = DownloadState.EXPIRED if spent else DownloadState.FAILED
        await self._registry.change(job.id, without_link(state, f"{why}. {EXPORT_AGAIN}"), why)
        return None

    async def _interrupted(self, job_id: str, error: InterruptedDownloadError, attempts: int) -> float | None:
        """Says so on the row; returns the seconds to the next try, None where it is left to the user."""
        if job_id in self._lost:
            return None
        if self._closing:
            # Whoever runs next, or runs beside us, goes on with it at once.
            stopped = waits(DownloadState.RESUMABLE, "gale-tui ended before it was whole", self._clock.time())
            await self._registry.change(job_id, stopped, "stopped: gale-tui ended")
            return None
        if error.what == "stopped":
            await self._registry.change(job_id, waits(DownloadState.RESUMABLE, f"stopped. {GO_ON}", None), "stopped")
            return None
        if attempts >= AUTOMATIC_TRIES:
            given_up = waits(DownloadState.RESUMABLE, f"{error.what}. {GO_ON}", None)
            await self._registry.change(job_id, given_up, f"given up for now: {error.what}")
            return None
        wait = min(60.0, 2.0 * float(2**attempts)) * (1 + 0.2 * self._rng.random())
        if error.retry_after is not None:
            wait = max(wait, error.retry_after)
        await self._say_waits(job_id, DownloadState.RESUMABLE, error.what, wait)
        return wait

    async def _say_waits(self, job_id: str, state: DownloadState, why: str, wait: float) -> None:
        if job_id in self._lost:
            return
        at = self._clock.time() + wait
        change = waits(state, f"{why}, goes on at {clock_time(at)}" if wait else why, at if wait else None)
        # Said once, however often it is tried.
        event, self._said[job_id] = why if self._said.get(job_id) != why else None, why
        await self._registry.change(job_id, change, event)

    async def _kept(self, job_id: str, error: FileSystemError) -> None:
        """The disk's fault: the part is kept where there is one, and the user has to do something."""
        job = self._registry.jobs.get(job_id)
        state = DownloadState.RESUMABLE if job is not None and job.download.part is not None else DownloadState.FAILED
        await self._registry.change(job_id, waits(state, f"{error} {THEN_SAVE}", None), f"not saved: {error.what}")

    async def close(self, within: float) -> None:
        """Stops what runs, keeping the parts, and writes how far each is; takes `within` real seconds at most."""
        self._closing = True
        tasks = tuple(self._tasks.values())
        for job_id, saving in tuple(self._tasks.items()):
            if not self._receptions.cancel(job_id):
                saving.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=within)
            for saving in tasks:
                saving.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
