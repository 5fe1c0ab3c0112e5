"""The file of one job: received, tried again where that helps, and recorded."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gale_tui.core.clock import wait_for_event
from gale_tui.core.errors import (
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
from gale_tui.core.history.writer import EventText
from gale_tui.core.jobs import transitions
from gale_tui.core.jobs.context import JobContext
from gale_tui.core.jobs.file_transfer import FileTransfer
from gale_tui.core.jobs.job_registry import Transition
from gale_tui.core.jobs.reasons import describe_download
from gale_tui.core.models import DownloadReason, DownloadState, Environment, Job, JobReason
from gale_tui.core.secret import SignedUrl

if TYPE_CHECKING:
    from gale_tui.core.downloads.saved_file import SavedFile

READY_WITHIN = 120.0
"""Seconds after SUCCESS in which 403, 404 and 409 on the link mean "not yet"."""
AUTOMATIC_TRIES = 12
"""Tries in a row without progress before it is left to the user."""
FRESH_LINKS = 3
"""Further links requested before a file is given up."""
LONGEST_WAIT = 3600.0
"""Seconds until a link that becomes valid later is tried again at the latest."""
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
        error: The text of the underlying error, if there is one.
    """

    def __init__(self, reason: DownloadReason, error: str = "") -> None:
        super().__init__(reason, error)
        self.reason = reason
        self.error = error


class JobDownload:
    """Fetches one job's file until it is saved or trying again is no use.

    Args:
        slot: Waits for a place among the downloads; called with a function that returns the bytes received so far.
    """

    task: asyncio.Task[None]
    """Runs :meth:`run`."""

    def __init__(
        self,
        job_id: str,
        context: JobContext,
        slot: Callable[[Callable[[], int | None]], contextlib.AbstractAsyncContextManager[None]],
    ) -> None:
        self._job_id = job_id
        self._context = context
        self._registry = context.registry
        self._clock = context.clock
        self._scheduler = context.scheduler
        self._slot = slot
        self.transfer = FileTransfer(job_id, context)
        self.nudge = asyncio.Event()
        """Brings the next try forward."""
        self._closing = False
        self._recorded: DownloadReason | None = None
        self._attempts = 0
        self._ready_until = 0.0
        self._link: SignedUrl | None = None
        self._spent: set[SignedUrl | None] = set()
        """Links that do not work."""
        self._failure: _NoLinkError | None = None
        """Why the last of them does not."""

    def stop(self) -> None:
        """Stops receiving, the part kept; a waiting one checks its job again."""
        if not self.transfer.cancel():
            self.nudge.set()

    def abandon(self) -> None:
        """Ends it because another process has taken it over: the row is left to that one."""
        self.transfer.ours = False
        self.stop()

    def close(self) -> None:
        """Ends it because gale-tui ends, the part kept."""
        self._closing = True
        if not self.transfer.cancel():
            self.task.cancel()

    async def run(self) -> None:
        """Acquires the lease, fetches the file and releases it; nothing if another process has it."""
        store = self._registry.store
        # Where the history cannot be written, it is resumed once it can be.
        with contextlib.suppress(StoreError):
            if not await store.acquire(self._job_id, "download", seconds=LEASE):
                return
            self.transfer.ours = True
            try:
                # The previous holder may have saved the file.
                await self._registry.sync()
                again = self._find_wanted() is not None and not await self._recover_published()
                while again and (job := self._find_wanted()) is not None:
                    await self._try(job)
                    # Requested once more just as it ended?
                    now = self._registry.jobs.get(self._job_id)
                    again = now is not None and now.download.state is DownloadState.WANTED
            finally:
                await self.transfer.discard_unnamed_part()
                if self.transfer.ours:
                    # Suppressed too: it would replace the exception that ends this.
                    with contextlib.suppress(StoreError):
                        await store.release(self._job_id, "download")

    def _find_wanted(self) -> Job | None:
        """The job, while its file is to be fetched here."""
        job = self._registry.jobs.get(self._job_id)
        if job is None or self._closing or not self.transfer.ours:
            return None
        return job if transitions.is_file_pending(job) else None

    async def _change(self, transition: Transition, event: EventText = None) -> None:
        await self._registry.change(self._job_id, transition, event)

    async def _try(self, job: Job) -> None:
        """Tries until the file is saved or trying again is no use."""
        self._attempts, self._spent, self._failure = 0, set(), None
        age = self._clock.time() - (job.ended_at or self._clock.time())
        self._ready_until = self._clock.monotonic() + READY_WITHIN - min(max(0.0, age), READY_WITHIN)
        while (wanted := self._find_wanted()) is not None:
            environment = self._context.environment_of(wanted)
            if isinstance(environment, JobReason):
                await self._fail(DownloadReason.ENVIRONMENT_GONE)
                return
            try:
                await self._attempt(wanted, environment)
                return
            except _NoLinkError as error:
                lose = partial(transitions.lose_link, reason=error.reason, error=error.error)
                await self._change(lose, lambda old, new: describe_download(new).text)
                return
            except (LinkNotReadyError, LinkExpiredError) as error:
                wait: float | None = await self._reject_link(error)
            except InterruptedDownloadError as error:
                now = self._registry.jobs.get(self._job_id, wanted)
                if now.download.received > wanted.download.received:
                    self._attempts = 0
                wait = await self._interrupt(error)
            except StoreError as error:
                # The history could not be written: the file waits for it, or it would be forgotten half done.
                wait = min(60.0, 5.0 * float(2**self._attempts))
                with contextlib.suppress(StoreError):
                    await self._delay(DownloadReason.HISTORY, error.what, wait)
            except GaleError as error:
                await self._fail(error.download_reason, error)
                return
            if wait is None or not self.transfer.ours:
                return
            self._attempts += 1
            if wait:
                self.nudge.clear()
                if await wait_for_event(self.nudge, self._clock, wait):
                    self._attempts = 0

    async def _attempt(self, job: Job, environment: Environment) -> None:
        self._link = job.download_url if job.download_url not in self._spent else None
        link = self._link = self._link or await self._request_link(job, environment)
        async with self._slot(lambda: self.transfer.received):
            if self._find_wanted() is not None:
                await self._change(transitions.start_download)
                await self._download(environment, link)

    async def _download(self, environment: Environment, link: SignedUrl) -> None:
        from gale_tui.core.downloads.download import DownloadPlan
        from gale_tui.core.downloads.file_names import Naming

        transport = await self._context.connections.transport(environment)
        job = self._registry.jobs.get(self._job_id)
        if job is None:
            return
        pattern = self._context.environments.config.settings.filename_pattern
        plan = DownloadPlan(
            url=link,
            folder=job.folder or self._context.folder(),
            fallback_stem=job.label or job.name or job.tool_id,
            naming=Naming(environment.name, job.ended_at or self._clock.time(), pattern, job.tool_id, job.label),
            before=job.download,
            any_file=not job.kind.holds_tool,
            make_parents=job.folder is None,
        )
        await self._record_saved(await self.transfer.receive(transport, plan))

    async def _recover_published(self) -> bool:
        """True if the file was whole already when an earlier run was killed; then it is saved now."""
        from gale_tui.core.downloads.saved_file import find_published

        job = self._registry.jobs.get(self._job_id)
        if job is None or job.download.part is None:
            return False
        find = partial(find_published, any_file=not job.kind.holds_tool)
        file = await self._context.threads.call(find, job.download.part, job.download.size)
        # Of two that chose one name for their parts, and were killed at that moment, only one has made the file.
        names = {job.download.part, job.download.part.with_suffix("")}
        others = (each.download for each in self._registry.jobs.values() if each.id != job.id)
        if file is None or any(names & {other.part, other.path} for other in others):
            return False
        await self._record_saved(file)
        return True

    async def _record_saved(self, file: SavedFile) -> None:
        now = self._clock.time()
        event = f"saved, sha256 {file.sha256[:8]}…"
        await self._registry.record(self._job_id, lambda job: transitions.save(job, file, now), event)
        await self._registry.sync()
        job = self._registry.jobs.get(self._job_id)
        if job is not None and job.download.path not in (None, file.path):
            await self._context.threads.call(_delete_second_copy, file.path, job.download.path)

    async def _request_link(self, job: Job, environment: Environment) -> SignedUrl:
        """Asks the dock status for a link, within the limits of polling.

        Raises:
            _NoLinkError: There is none.
            InterruptedDownloadError: There was no answer, and may be one later.
        """
        if self._failure is not None:
            no_link = self._failure
        elif job.reason_code is JobReason.LINK_REFUSED:
            no_link = _NoLinkError(DownloadReason.LINK_REFUSED, job.note)
        else:
            no_link = _NoLinkError(DownloadReason.NO_LINK)
        if len(self._spent) >= FRESH_LINKS or job.dock_status_id is None:
            raise no_link
        connections = self._context.connections
        try:
            await self._scheduler.wait_turn(job.id, job.environment_id)
            client = await connections.client(environment)
            status = await connections.call(
                client.dock_status, job.dock_status_id, job.tool_id, job.export_job_id or "", job.kind
            )
            if status.link_refused is not None:
                raise status.link_refused
        except (CredentialError, LinkRefusedError) as error:
            raise _NoLinkError(error.download_reason, error.what) from None
        except GaleError as error:
            if not error.passing:
                raise _NoLinkError(DownloadReason.NO_FRESH_LINK, error.what) from None
            if isinstance(error, RateLimitedError) and error.retry_after is not None:
                self._scheduler.record_limit(job.id, job.environment_id, error.retry_after)
            raise InterruptedDownloadError(f"No fresh link yet: {error.what}", retry_after=error.retry_after) from None
        link = status.download_url
        if link is None or link in self._spent:
            raise no_link
        await self._change(lambda job: transitions.renew_link(job, link), "fresh link")
        return link

    async def _reject_link(self, error: LinkNotReadyError | LinkExpiredError) -> float:
        """Records that the link does not work, or not yet; returns the seconds to the next try."""
        reason = error.download_reason
        early = isinstance(error, LinkNotReadyError)
        if early and error.retry_after is not None:
            reason = DownloadReason.LINK_NOT_YET_VALID
            # The store's clock counts, which may differ from this machine's.
            wait = min(max(15.0, error.retry_after), LONGEST_WAIT)
        elif early and self._clock.monotonic() < self._ready_until:
            wait = min(15.0, 2.0 * 1.5**self._attempts)
        else:
            reason = DownloadReason.FILE_MISSING if early else reason
            self._failure = _NoLinkError(reason, error.what)
            self._spent.add(self._link)
            # The first fresh link is requested at once, further ones more slowly.
            wait = 0.0 if len(self._spent) == 1 else 5.0 * len(self._spent)
        await self._delay(reason, error.what, wait)
        return wait

    async def _interrupt(self, error: InterruptedDownloadError) -> float | None:
        """Records a cut; returns the seconds to the next try, None if it is left to the user."""
        if not self.transfer.ours:
            return None
        if self._closing:
            # The next process, or one that runs beside this one, resumes it at once.
            stop = partial(transitions.interrupt_download, reason=DownloadReason.CLOSED, resume_at=self._clock.time())
            await self._change(stop, "stopped: gale-tui ended")
            return None
        reason = error.download_reason
        if isinstance(error, StoppedDownloadError) or self._attempts >= AUTOMATIC_TRIES:
            event = "stopped" if reason is DownloadReason.STOPPED else f"stopped retrying: {error.what}"
            await self._change(lambda job: transitions.interrupt_download(job, reason, error.what), event)
            return None
        wait = min(60.0, 2.0 * float(2**self._attempts)) * (1 + 0.2 * self._context.rng.random())
        wait = max(wait, error.retry_after or 0.0)
        await self._delay(reason, error.what, wait)
        return wait

    async def _delay(self, reason: DownloadReason, error: str, wait: float) -> None:
        if not self.transfer.ours:
            return
        at = self._clock.time() + wait if wait else None
        # One line for the timeline, however often it is tried.
        event = None if self._recorded is reason else f"{reason.value.replace('_', ' ')}: {error}"
        self._recorded = reason
        await self._change(lambda job: transitions.delay_download(job, reason, error, at), event)

    async def _fail(self, reason: DownloadReason, error: GaleError | None = None) -> None:
        words = str(error) if error is not None else ""
        await self._change(
            lambda job: transitions.fail_download(job, reason, words),
            lambda old, new: f"not saved: {error.what if error is not None else describe_download(new).text}",
        )
