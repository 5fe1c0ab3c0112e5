"""The export POST: recorded before it leaves, sent once, and again only after a 429."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from gale_tui.core.clock import Clock
from gale_tui.core.errors import (
    AnswerError,
    GaleError,
    LinkRefusedError,
    MalformedAnswerError,
    NotSentError,
    RateLimitedError,
    RedirectError,
    ServerError,
    StoreError,
    UnansweredError,
)
from gale_tui.core.gale_api.connections import Connections
from gale_tui.core.jobs.export_outcomes import (
    accepted,
    left_behind,
    noted,
    postponed,
    rejected,
    sending,
    unconfirmed,
    waiting,
)
from gale_tui.core.jobs.job_registry import JobRegistry, clock_time
from gale_tui.core.models import Environment, ExportRequest, ExportStarted, Job, JobState
from gale_tui.core.secret import SignedUrl

__all__ = ["Exporter"]

LONGEST_WAIT = 3600.0
POST_SPACING = 1.0
"""Seconds between two POSTs to one environment: design-time calls are limited to 60 in 60 s."""
POST_LEASE = 120.0
"""Seconds that a job belongs to the process that sends its POST."""
NETWORK_WAIT = 30.0
"""Seconds until a POST that waited after a 429, and then could not be sent, is tried again."""
SEE_OTHER = 303


@dataclass(slots=True)
class _Pending:
    """An export under way here."""

    keep_rejected: bool
    """Nobody waits in front of the form to be told of a refusal: it is shown on a row."""
    again: bool = False
    """It waits after a 429."""
    turn: bool = False
    """Its turn has come already."""
    sent: bool = False
    """The POST may have left."""


class Exporter:
    """Starts exports.

    Args:
        registry: The jobs.
        connections: The clients.
        clock: Time and waiting.
        rng: Jitter of the waits.
        environment: Finds an environment by id.
        new_id: Makes our own id of a job.
        step: For tests: told "request sent" right before a POST.
    """

    def __init__(
        self,
        registry: JobRegistry,
        connections: Connections,
        *,
        clock: Clock,
        rng: random.Random,
        environment: Callable[[str], Environment | None],
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        step: Callable[[str], None] | None = None,
    ) -> None:
        self._registry = registry
        self._connections = connections
        self._clock = clock
        self._rng = rng
        self._environment = environment
        self._new_id = new_id
        self._step = step
        self._pending: dict[str, _Pending] = {}
        self._tasks: set[asyncio.Task[Job]] = set()
        self._turn: dict[str, float] = {}

    async def export(self, environment: Environment, request: ExportRequest, *, keep_rejected: bool) -> Job:
        """Records the job, then sends the POST.

        Args:
            environment: Where.
            request: What.
            keep_rejected: True to keep a row of what was refused; else the refusal is only raised.

        Returns:
            The job: accepted, waiting after a 429, or unconfirmed.

        Raises:
            GaleError: Certainly nothing was started.
        """
        # Looks up the key and reads the CA file: what is missing is said before there is a row.
        await self._connections.client(environment)
        job = Job(
            id=self._new_id(),
            environment_id=environment.id,
            environment_name=environment.name,
            origin=str(environment.origin),
            production=environment.production,
            tool_id=request.tool_id,
            flow_id=request.flow_id,
            label=request.label,
            folder=request.folder,
            save_when_ready=request.save_when_ready,
            batch=request.batch,
            created_at=self._clock.time(),
        )
        pending = self._pending[job.id] = _Pending(keep_rejected)
        task = asyncio.create_task(self._start(job, environment, pending, request.line), name=f"export {job.id}")
        self._keep(task)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            pending.keep_rejected = True
            raise

    def _keep(self, task: asyncio.Task[Job]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Job]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, GaleError):
            task.get_loop().call_exception_handler({"message": f"{task.get_name()} failed", "exception": error})

    async def _start(self, job: Job, environment: Environment, pending: _Pending, line: tuple[str, int] | None) -> Job:
        try:
            if line is not None:
                # A kept batch loses nothing while it waits: a kill then leaves the line as it is, certainly not sent.
                await self._take_turn(environment.id)
                pending.turn = True
            # The record comes before the lease: that belongs to a job that is there.
            await self._registry.add(job, "requested", line)
            await self._hold(job)
            job = await self._post(job.id, environment, pending)
        finally:
            self._pending.pop(job.id, None)
        self.go_on(job)
        return job

    async def _hold(self, job: Job) -> None:
        """Takes the lease, or the record back."""
        error = StoreError("Another gale-tui took this export for one that was left behind", "Try again")
        try:
            if await self._registry.store.acquire(job.id, "post", seconds=POST_LEASE):
                return
        except StoreError as caught:
            error = caught
        with contextlib.suppress(StoreError):
            await self._registry.remove(job.id, unsent=True)
        raise error

    def under_way(self, job_id: str) -> bool:
        """True where this process is about to send a POST for the job, or waits to."""
        return job_id in self._pending

    def go_on(self, job: Job) -> None:
        """Sends the POST of a waiting job again when its time has come."""
        if job.state is not JobState.WAITING or job.id in self._pending:
            return
        pending = self._pending[job.id] = _Pending(keep_rejected=True, again=True)
        self._keep(asyncio.create_task(self._wait_and_post(job, pending), name=f"export {job.id} after 429"))

    async def _wait_and_post(self, job: Job, pending: _Pending) -> Job:
        try:
            while job.state is JobState.WAITING:
                wait = (job.resume_at or 0.0) - self._clock.time()
                await self._clock.sleep(min(max(0.0, wait), LONGEST_WAIT))
                environment = self._environment(job.environment_id)
                if job.id not in self._registry.jobs:
                    return job
                if environment is None or str(environment.origin) != job.origin:
                    note = f"not sent: its environment {job.environment_name} is gone or has another host now"
                    return await self._registry.update(job.id, noted(note), note) or job
                if not await self._registry.store.acquire(job.id, "post", seconds=POST_LEASE):
                    return job
                # Whoever had the lease before may have sent it: only a job that still waits is sent.
                if await self._registry.change(job.id, sending, "sent again") is None:
                    await self._registry.store.release(job.id, "post")
                    await self._registry.sync()
                    return self._registry.jobs.get(job.id, job)
                job = await self._post(job.id, environment, pending)
            return job
        finally:
            self._pending.pop(job.id, None)

    async def _take_turn(self, environment_id: str) -> None:
        now = self._clock.monotonic()
        at = max(now, self._turn.get(environment_id, now))
        self._turn[environment_id] = at + POST_SPACING
        if at > now:
            await self._clock.sleep(at - now)

    async def _post(self, job_id: str, environment: Environment, pending: _Pending) -> Job:
        job = self._registry.jobs[job_id]
        pending.sent = False
        try:
            client = await self._connections.client(environment)
            if not pending.turn:
                await self._take_turn(environment.id)
            pending.turn = False
            if self._step is not None:
                self._step("request sent")
            pending.sent = True
            started = await self._connections.call(client.export, job.tool_id, job.flow_id)
        except RateLimitedError as error:
            return await self._limited(job, error)
        except (UnansweredError, ServerError, MalformedAnswerError) as error:
            return await self._unconfirmed(job, error)
        except GaleError as error:
            if isinstance(error, RedirectError) and error.status == SEE_OTHER:
                # "See other" is what a server says that has done what it was asked.
                return await self._unconfirmed(job, error)
            return await self._refused(job, error, pending)
        except Exception:
            if pending.sent:
                await self._unconfirmed(job, GaleError("gale-tui failed while it was sent"))
            raise
        else:
            return await self._accepted(job, started, client.resolve_link)
        finally:
            with contextlib.suppress(StoreError):
                await self._registry.store.release(job_id, "post")

    async def _accepted(self, job: Job, started: ExportStarted, resolve: Callable[[SignedUrl], SignedUrl]) -> Job:
        link, note = started.download_url, ""
        if link is not None:
            try:
                link = resolve(link)
            except LinkRefusedError as error:
                link, note = None, str(error)
        change = accepted(started, link, note, self._clock.time(), job.posts + 1)
        return await self._registry.record(job.id, change, started.status) or job

    async def _limited(self, job: Job, error: RateLimitedError) -> Job:
        wait = error.retry_after
        if wait is None:
            wait = min(60.0, 5.0 * float(2 ** min(job.posts, 5))) * (1 + 0.2 * self._rng.random())
        resume_at = self._clock.time() + min(wait, LONGEST_WAIT)
        change = waiting(error, "rate limit reached", resume_at, job.posts + 1)
        return await self._registry.record(job.id, change, f"429, goes on at {clock_time(resume_at)}") or job

    async def _unconfirmed(self, job: Job, error: GaleError) -> Job:
        change = unconfirmed(error, job.posts + 1)
        return await self._registry.record(job.id, change, f"unconfirmed: {error.what}") or job

    async def _refused(self, job: Job, error: GaleError, pending: _Pending) -> Job:
        if pending.again and isinstance(error, NotSentError) and error.passing:
            # After a 429 it is to be sent again, and this time it was not sent at all.
            resume_at = self._clock.time() + NETWORK_WAIT * (1 + 0.2 * self._rng.random())
            change = waiting(error, f"not sent: {error.what}", resume_at, job.posts)
            return await self._registry.record(job.id, change, f"not sent: {error.what}") or job
        if not pending.keep_rejected:
            try:
                await self._registry.remove(job.id)
            except StoreError:
                # The row cannot be taken back: then it says at least what came of it.
                await self._rejected(job, error)
            raise error
        return await self._rejected(job, error)

    async def _rejected(self, job: Job, error: GaleError) -> Job:
        change = rejected(error, self._clock.time(), job.posts + int(isinstance(error, AnswerError)))
        return await self._registry.record(job.id, change, f"rejected: {error.what}") or job

    async def close(self, within: float) -> None:
        """Gives POSTs under way `within` seconds of real time; what has no answer by then is unconfirmed."""
        left = dict(self._pending)
        jobs = self._registry.jobs
        sent = [id for id, each in left.items() if each.sent and id in jobs and jobs[id].state is JobState.REQUESTING]
        tasks = [task for task in self._tasks if task.get_name().split()[1] in sent]
        if tasks:
            await asyncio.wait(tasks, timeout=within)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for job_id, pending in left.items():
            job = self._registry.jobs.get(job_id)
            if job is not None and job.state is JobState.REQUESTING:
                await self._left(job, pending)

    async def _left(self, job: Job, pending: _Pending) -> None:
        if pending.sent:
            await self.left_behind(job)
        else:
            await self._registry.change(job.id, postponed(self._clock.time()), "not sent yet: gale-tui ended")

    async def left_behind(self, job: Job) -> None:
        """Marks a job whose POST was under way when its process ended: it may or may not have arrived."""
        if not await self._registry.store.acquire(job.id, "post", seconds=5):
            return
        await self._registry.change(job.id, left_behind, "unconfirmed: gale-tui ended before the answer came")
        await self._registry.store.release(job.id, "post")
