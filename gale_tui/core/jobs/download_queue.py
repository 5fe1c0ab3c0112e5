"""Saving files: when a download starts, what its end means, and when it is tried again."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gale_tui.core.clock import Clock
from gale_tui.core.config.settings import DEFAULT_PATTERN
from gale_tui.core.errors import (
    AnswerError,
    CredentialError,
    GaleError,
    InterruptedDownloadError,
    LinkExpiredError,
    LinkNotReadyError,
    LinkRefusedError,
    RateLimitedError,
    StoppedDownloadError,
    StoreError,
)
from gale_tui.core.gale_api.connections import Connections
from gale_tui.core.jobs import transitions
from gale_tui.core.jobs.active_downloads import ActiveDownloads
from gale_tui.core.jobs.job_registry import JobRegistry
from gale_tui.core.jobs.reasons import describe_download
from gale_tui.core.jobs.scheduler import Scheduler
from gale_tui.core.models import DownloadProgress, DownloadReason, DownloadState, Environment, Job, JobReason
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
"""Further links requested before a file is given up."""
LONGEST_WAIT = 3600.0
"""Seconds until a link that becomes valid later is tried again at the latest."""
SLOW = 4 << 10
"""Bytes per second; who is slower gives up its slot."""
SLOW_AFTER = 20.0
"""Seconds over which the speed is measured."""
AT_MOST = 24
"""Downloads at the same time, the slow ones included."""
LEASE = 60.0
"""Seconds that a download belongs to its process without being renewed."""


def _delete_second_copy(copy: Path, saved: Path) -> None:
    """Deletes a file that another instance saved as well, while its lease was thought to be free."""
    with contextlib.suppress(OSError):
        if saved.is_file():
            copy.unlink()


class _NoLinkError(Exception):
    """There is no link that works.

    Args:
        reason: Why.
        error: The words of the error, where one is behind it.
    """

    def __init__(self, reason: DownloadReason, error: str = "") -> None:
        super().__init__(reason, error)
        self.reason = reason
        self.error = error


class _Slot:
    """A place in a semaphore that may be left early."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self._held = False

    async def __aenter__(self) -> _Slot:
        await self._slots.acquire()
        self._held = True
        return self

    async def __aexit__(self, *error: object) -> None:
        self.release()

    def release(self) -> None:
        """Leaves it; may be called twice."""
        if self._held:
            self._held = False
            self._slots.release()


class DownloadQueue:
    """Downloads of finished jobs.

    Args:
        registry: The jobs.
        connections: The clients.
        scheduler: Whose limits hold for questions about a link.
        threads: Where downloads run.
        clock: Time and waiting.
        rng: Jitter of the waits.
        environment: Finds an environment by id.
        folder: Where files go whose job names no folder.
        pattern: File names, as the setting `filename_pattern` has it.
        stall: Seconds without a byte after which a download counts as cut.
        step: For tests: called with what is about to be done to the disk.
    """

    def __init__(
        self,
        registry: JobRegistry,
        connections: Connections,
        scheduler: Scheduler,
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
        self._scheduler = scheduler
        self._threads = threads
        self._clock = clock
        self._rng = rng
        self._environment = environment
        self._folder = folder
        self._pattern = pattern
        self._active = ActiveDownloads(registry, threads, stall=stall, step=step)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._all_slots = asyncio.Semaphore(AT_MOST)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._nudges: dict[str, asyncio.Event] = {}
        self._not_ours: set[str] = set()
        self._recorded: dict[str, DownloadReason] = {}
        self._closing = False

    def progress(self, job_id: str) -> DownloadProgress | None:
        """A reading of a running download; None if it does not run here."""
        return self._active.progress(job_id, self._clock.monotonic())

    def running(self) -> tuple[str, ...]:
        """The ids of jobs whose files are being received here; not those that are saved already."""
        jobs = self._registry.jobs
        return tuple(
            job_id
            for job_id in self._active.running()
            if job_id not in jobs or jobs[job_id].download.state is not DownloadState.SAVED
        )

    def is_under_way(self, job_id: str) -> bool:
        """True if this process fetches the file, or waits to try again."""
        task = self._tasks.get(job_id)
        return task is not None and not task.done()

    async def mark_left(self, job_id: str) -> None:
        """Offers a download whose process has ended, if nobody else has it."""
        if await self._registry.store.acquire(job_id, "download", seconds=5):
            event = "gale-tui ended before the file was whole"
            await self._registry.change(job_id, transitions.mark_download_left, event)
            await self._registry.store.release(job_id, "download")

    def start(self, job_id: str) -> None:
        """Starts a download, or brings its next try forward. Must be called in the loop."""
        if self._closing:
            return
        if self.is_under_way(job_id):
            self._nudges[job_id].set()
            return
        self._nudges[job_id] = asyncio.Event()
        task = asyncio.create_task(self._save(job_id), name=f"save {job_id}")
        self._tasks[job_id] = task
        task.add_done_callback(lambda done: self._finish(job_id, done))

    def _finish(self, job_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(job_id) is task:
            del self._tasks[job_id]
            del self._nudges[job_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": f"saving {job_id} failed", "exception": error})

    def stop(self, job_id: str) -> None:
        """Stops a running download; its part is kept. One that waits looks at its job again."""
        if not self._active.cancel(job_id) and job_id in self._nudges:
            self._nudges[job_id].set()

    def abandon(self, job_ids: Collection[str]) -> None:
        """Ends downloads that another process has taken over; their rows are left to it."""
        for job_id in job_ids:
            if self.is_under_way(job_id):
                self._not_ours.add(job_id)
                self.stop(job_id)

    async def _save(self, job_id: str) -> None:
        try:
            if not await self._registry.store.acquire(job_id, "download", seconds=LEASE):
                return
        except StoreError:
            # It is resumed when the history can be written.
            return
        self._not_ours.discard(job_id)
        try:
            # Whoever had it before may have saved the file.
            await self._registry.sync()
            again = self._is_wanted(job_id) and not await self._recover_published(job_id)
            while again and self._is_wanted(job_id):
                await self._try(job_id)
                # Requested once more just as it ended?
                job = self._registry.jobs.get(job_id)
                again = job is not None and job.download.state is DownloadState.WANTED
        except StoreError:
            return
        finally:
            self._recorded.pop(job_id, None)
            await self._discard_unnamed_part(job_id)
            if job_id not in self._not_ours:
                with contextlib.suppress(StoreError):
                    await self._registry.store.release(job_id, "download")

    async def _discard_unnamed_part(self, job_id: str) -> None:
        """Deletes what was received here, if the job's row names no part or another process's."""
        from gale_tui.core.downloads.part_file import discard_part

        part = self._active.left.pop(job_id, None)
        if part is None:
            return
        with contextlib.suppress(StoreError, OSError):
            await self._registry.sync()
            job = self._registry.jobs.get(job_id)
            if job is not None and job.download.part != part:
                await self._threads.call(discard_part, part)

    def _is_wanted(self, job_id: str) -> bool:
        job = self._registry.jobs.get(job_id)
        ours = not self._closing and job_id not in self._not_ours
        return ours and job is not None and transitions.is_file_pending(job)

    async def _pause(self, job_id: str, seconds: float) -> bool:
        """Waits; True if the user wants the file before."""
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

    async def _try(self, job_id: str) -> None:
        """Tries until the file is saved or trying again is no use."""
        spent: set[SignedUrl] = set()
        attempts = 0
        ready_until: float | None = None
        failed: _NoLinkError | None = None
        while self._is_wanted(job_id):
            job = self._registry.jobs[job_id]
            environment = self._environment(job.environment_id)
            if environment is None or str(environment.origin) != job.origin:
                await self._fail(job_id, DownloadReason.ENVIRONMENT_GONE)
                return
            if ready_until is None:
                age = self._clock.time() - (job.ended_at or self._clock.time())
                ready_until = self._clock.monotonic() + READY_WITHIN - min(max(0.0, age), READY_WITHIN)
            wait: float | None
            link: SignedUrl | None = None
            try:
                link = job.download_url if job.download_url not in spent else None
                link = link or await self._request_link(job, environment, spent, failed)
                async with self._all_slots, _Slot(self._slots) as slot:
                    if not self._is_wanted(job_id):
                        return
                    await self._registry.change(job_id, transitions.start_download)
                    watch = asyncio.create_task(self._release_if_slow(job_id, slot))
                    try:
                        await self._download(job_id, environment, link)
                    finally:
                        watch.cancel()
                return
            except _NoLinkError as error:
                await self._lose_link(job_id, error)
                return
            except (LinkNotReadyError, LinkExpiredError) as error:
                reason = error.download_reason
                if isinstance(error, LinkNotReadyError) and error.valid_from is not None:
                    reason = DownloadReason.LINK_NOT_YET_VALID
                    # The store's clock counts, which may differ from this machine's.
                    wait = min(max(15.0, error.valid_from - self._clock.time()), LONGEST_WAIT)
                elif isinstance(error, LinkNotReadyError) and self._clock.monotonic() < ready_until:
                    wait = min(15.0, 2.0 * 1.5**attempts)
                else:
                    if isinstance(error, LinkNotReadyError):
                        reason = DownloadReason.FILE_MISSING
                    failed = _NoLinkError(reason, error.what)
                    spent.update({link} if link is not None else ())
                    # The first fresh link is requested at once, further ones more slowly.
                    wait = 0.0 if len(spent) == 1 else 5.0 * len(spent)
                await self._delay(job_id, reason, error.what, wait)
            except InterruptedDownloadError as error:
                now = self._registry.jobs.get(job_id, job)
                if now.download.received > job.download.received:
                    attempts = 0
                wait = await self._interrupt(job_id, error, attempts)
            except StoreError as error:
                # The history could not be written: the file waits for it, or it would be forgotten half done.
                wait = min(60.0, 5.0 * float(2**attempts))
                with contextlib.suppress(StoreError):
                    await self._delay(job_id, DownloadReason.HISTORY, error.what, wait)
            except GaleError as error:
                await self._fail(job_id, error.download_reason, error)
                return
            if wait is None or job_id in self._not_ours:
                return
            attempts += 1
            if wait and await self._pause(job_id, wait):
                attempts = 0

    async def _release_if_slow(self, job_id: str, slot: _Slot) -> None:
        """Gives the slot of a download that drips to the next one; it goes on beside it."""
        before = 0
        while True:
            await self._clock.sleep(SLOW_AFTER)
            received = self._active.received(job_id)
            if received is not None and received - before < SLOW * SLOW_AFTER:
                slot.release()
                return
            before = received or 0

    async def _download(self, job_id: str, environment: Environment, link: SignedUrl) -> None:
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
            # Without a part it is the size of the file that was saved before.
            size=job.download.size if job.download.part is not None else None,
            pattern=self._pattern(),
            tool=job.tool_id,
            label=job.label,
            any_file=not job.kind.holds_tool,
            make_parents=job.folder is None,
        )
        file = await self._active.receive(job_id, transport, plan, self._not_ours)
        await self._record_saved(job_id, file)

    async def _recover_published(self, job_id: str) -> bool:
        """True if the file was whole already when an earlier run was killed; then it is saved now."""
        from gale_tui.core.downloads.recover_published import published_before

        job = self._registry.jobs.get(job_id)
        if job is None or job.download.part is None:
            return False
        looking = partial(published_before, any_file=not job.kind.holds_tool)
        file = await self._threads.call(looking, job.download.part, job.download.size)
        if file is not None:
            await self._record_saved(job_id, file)
        return file is not None

    async def _record_saved(self, job_id: str, file: SavedFile) -> None:
        now = self._clock.time()
        event = f"saved, sha256 {file.sha256[:8]}…"
        await self._registry.record(job_id, lambda job: transitions.save(job, file, now), event)
        await self._registry.sync()
        job = self._registry.jobs.get(job_id)
        if job is not None and job.download.path not in (None, file.path):
            await self._threads.call(_delete_second_copy, file.path, job.download.path)

    async def _request_link(
        self, job: Job, environment: Environment, spent: set[SignedUrl], failed: _NoLinkError | None
    ) -> SignedUrl:
        """Asks the dock status for a link, within the limits of polling.

        Args:
            job: The job.
            environment: Its environment.
            spent: Links that do not work.
            failed: Why the last of them does not.

        Raises:
            _NoLinkError: There is none.
            InterruptedDownloadError: There was no answer, and may be one later.
        """
        if failed is not None:
            no_link = failed
        elif job.reason_code is JobReason.LINK_REFUSED:
            no_link = _NoLinkError(DownloadReason.LINK_REFUSED, job.note)
        else:
            no_link = _NoLinkError(DownloadReason.NO_LINK)
        if len(spent) >= FRESH_LINKS or job.dock_status_id is None:
            raise no_link
        try:
            await self._scheduler.wait_turn(job.id, job.environment_id)
            client = await self._connections.client(environment)
            status = await self._connections.call(
                client.dock_status, job.dock_status_id, job.tool_id, job.export_job_id or "", job.kind
            )
            link = client.resolve_link(status.download_url) if status.download_url is not None else None
        except CredentialError as error:
            raise _NoLinkError(DownloadReason.KEY_MISSING, error.what) from None
        except LinkRefusedError as error:
            raise _NoLinkError(DownloadReason.LINK_REFUSED, error.what) from None
        except GaleError as error:
            if not error.passing:
                raise _NoLinkError(DownloadReason.NO_FRESH_LINK, error.what) from None
            retry_after = error.retry_after if isinstance(error, AnswerError) else None
            if isinstance(error, RateLimitedError) and retry_after is not None:
                self._scheduler.record_limit(job.id, job.environment_id, retry_after)
            raise InterruptedDownloadError(f"No fresh link yet: {error.what}", retry_after=retry_after) from None
        if link is None or link in spent:
            raise no_link
        await self._registry.change(job.id, lambda job: transitions.renew_link(job, link), "fresh link")
        return link

    async def _lose_link(self, job_id: str, error: _NoLinkError) -> None:
        await self._registry.change(
            job_id,
            lambda job: transitions.lose_link(job, error.reason, error.error),
            lambda old, new: describe_download(new).text,
        )

    async def _interrupt(self, job_id: str, error: InterruptedDownloadError, attempts: int) -> float | None:
        """Records a cut; returns the seconds to the next try, None if it is left to the user."""
        if job_id in self._not_ours:
            return None
        if self._closing:
            # Whoever runs next, or runs beside us, resumes it at once.
            now = self._clock.time()
            await self._registry.change(
                job_id,
                lambda job: transitions.interrupt_download(job, DownloadReason.CLOSED, resume_at=now),
                "stopped: gale-tui ended",
            )
            return None
        if isinstance(error, StoppedDownloadError) or attempts >= AUTOMATIC_TRIES:
            reason = error.download_reason
            event = "stopped" if reason is DownloadReason.STOPPED else f"stopped retrying: {error.what}"
            await self._registry.change(
                job_id, lambda job: transitions.interrupt_download(job, reason, error.what), event
            )
            return None
        wait = min(60.0, 2.0 * float(2**attempts)) * (1 + 0.2 * self._rng.random())
        if error.retry_after is not None:
            wait = max(wait, error.retry_after)
        await self._delay(job_id, error.download_reason, error.what, wait)
        return wait

    async def _delay(self, job_id: str, reason: DownloadReason, error: str, wait: float) -> None:
        if job_id in self._not_ours:
            return
        at = self._clock.time() + wait if wait else None
        # One line for the timeline, however often it is tried.
        event = None if self._recorded.get(job_id) is reason else f"{reason.value.replace('_', ' ')}: {error}"
        self._recorded[job_id] = reason
        await self._registry.change(job_id, lambda job: transitions.delay_download(job, reason, error, at), event)

    async def _fail(self, job_id: str, reason: DownloadReason, error: GaleError | None = None) -> None:
        words = str(error) if error is not None else ""
        await self._registry.change(
            job_id,
            lambda job: transitions.fail_download(job, reason, words),
            lambda old, new: f"not saved: {error.what if error is not None else describe_download(new).text}",
        )

    async def close(self, within: float) -> None:
        """Stops what runs, keeping the parts, and writes how far each is; takes `within` real seconds at most."""
        self._closing = True
        tasks = tuple(self._tasks.values())
        for job_id, task in tuple(self._tasks.items()):
            if not self._active.cancel(job_id):
                task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=within)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
