"""The export POST: recorded before it leaves, sent once, and again only after a 429."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gale_tui.core.background import cancel_all, report_failure
from gale_tui.core.errors import (
    GaleError,
    MalformedAnswerError,
    NotSentError,
    RateLimitedError,
    RedirectError,
    ServerError,
    StoreError,
    UnansweredError,
)
from gale_tui.core.jobs import transitions
from gale_tui.core.jobs.context import JobContext
from gale_tui.core.jobs.reasons import clock_time, describe
from gale_tui.core.models import Environment, ExportRequest, Job, JobReason, JobState

POST_SPACING = 1.0
"""Seconds between two POSTs to one environment: design-time calls are limited to 60 in 60 s."""
POST_LEASE = 120.0
"""Seconds that a job belongs to the process that sends its POST."""
NETWORK_WAIT = 30.0
"""Seconds until a POST that waited after a 429, and then could not be sent, is tried again."""
LONGEST_BACKOFF = 60.0
"""Seconds that a 429 without `Retry-After` delays the next POST at most."""
ABORTED_WITHIN = 0.25
"""Real seconds in which a call that was aborted has ended."""
SEE_OTHER = 303


@dataclass(slots=True)
class _Pending:
    keep_rejected: bool
    """The caller cannot show a refusal, so that it is kept as a row."""
    again: bool = False
    """It waits after a 429."""
    sent: bool = False
    """The POST may have left."""
    task: asyncio.Task[Job] = field(init=False)


class Exporter:
    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._registry = context.registry
        self._connections = context.connections
        self._clock = context.clock
        self._closing = False
        self._pending: dict[str, _Pending] = {}
        self._turn: dict[str, float] = {}

    async def export(self, environment: Environment, request: ExportRequest, *, keep_rejected: bool) -> Job:
        """Records the job, then sends the POST.

        Args:
            keep_rejected: True to keep a row of what was refused; else the refusal is only raised.

        Returns:
            The job: accepted, waiting after a 429, or unconfirmed.

        Raises:
            GaleError: Certainly nothing was started.
        """
        # Looks up the key and reads the CA file, so that a missing one is raised before there is a row.
        await self._connections.client(environment)
        job = Job(
            id=self._context.new_id(),
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
            kind=request.kind,
        )
        pending = self._pending[job.id] = _Pending(keep_rejected)
        self._run(pending, self._start(job, environment, pending, request.line), f"export {job.id}")
        try:
            return await asyncio.shield(pending.task)
        except asyncio.CancelledError:
            pending.keep_rejected = True
            raise

    def is_under_way(self, job_id: str) -> bool:
        """True while this process is about to send the POST of a job, or waits to."""
        return job_id in self._pending

    def resume(self, job: Job) -> None:
        """Sends the POST of a waiting job when its time has come."""
        if job.state is not JobState.WAITING or job.id in self._pending:
            return
        pending = self._pending[job.id] = _Pending(keep_rejected=True, again=True)
        self._run(pending, self._wait_and_post(job, pending), f"export {job.id} after 429")

    def _run(self, pending: _Pending, work: Coroutine[Any, Any, Job], name: str) -> None:
        def finish(task: asyncio.Task[Job]) -> None:
            # Whoever started the export gets the refusal.
            if not task.cancelled() and not isinstance(task.exception(), GaleError):
                report_failure(task)

        pending.task = asyncio.create_task(work, name=name)
        pending.task.add_done_callback(finish)

    async def _start(self, job: Job, environment: Environment, pending: _Pending, line: tuple[str, int] | None) -> Job:
        try:
            if line is not None:
                # A batch loses nothing while it waits: a kill then leaves the line as it is, certainly not sent.
                await self._take_turn(environment.id)
            await self._registry.add(job, "requested", line, POST_LEASE)
            job = await self._post(job.id, environment, pending, has_turn=line is not None)
        finally:
            self._pending.pop(job.id, None)
        self.resume(job)
        return job

    async def _wait_and_post(self, job: Job, pending: _Pending) -> Job:
        registry = self._registry
        try:
            while job.state is JobState.WAITING:
                await self._clock.sleep(max(0.0, self._context.deadlines.remaining(job)))
                if job.id not in registry.jobs:
                    return job
                environment = self._context.environment_of(job)
                if isinstance(environment, JobReason):
                    holding = partial(transitions.hold, reason=environment)
                    await registry.change(job.id, holding, lambda old, new: describe(new).text)
                    return registry.jobs.get(job.id, job)
                if not await registry.store.acquire(job.id, "post", seconds=POST_LEASE):
                    return job
                # Whoever had the lease before may have sent it: only a job that still waits for this moment is sent.
                sending = partial(transitions.send, resume_at=job.resume_at)
                if await registry.change(job.id, sending, "sent again") is None:
                    await registry.store.release(job.id, "post")
                    await registry.sync()
                    return registry.jobs.get(job.id, job)
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

    async def _post(self, job_id: str, environment: Environment, pending: _Pending, *, has_turn: bool = False) -> Job:
        job = self._registry.jobs[job_id]
        pending.sent = False
        try:
            client = await self._connections.client(environment)
            if not has_turn:
                await self._take_turn(environment.id)
            if self._context.step is not None:
                self._context.step("request sent")
            pending.sent = True
            started = await self._connections.call(client.export, job.tool_id, job.flow_id, job.kind)
        except RateLimitedError as error:
            return await self._wait_for_limit(job, error)
        except (UnansweredError, ServerError, MalformedAnswerError) as error:
            return await self._mark_unconfirmed(job, error)
        except GaleError as error:
            if self._closing and isinstance(error, NotSentError):
                return await self._postpone(job)
            if isinstance(error, RedirectError) and error.status == SEE_OTHER:
                # "See other" is the answer of a server that has carried out the request.
                return await self._mark_unconfirmed(job, error)
            return await self._refuse(job, error, pending)
        except Exception:
            if pending.sent:
                await self._mark_unconfirmed(job, GaleError("gale-tui failed while it was sent"))
            raise
        else:
            now = self._clock.time()
            return await self._record(job, lambda job: transitions.accept(job, started, now), started.status)
        finally:
            with contextlib.suppress(StoreError):
                await self._registry.store.release(job_id, "post")

    async def _wait_for_limit(self, job: Job, error: RateLimitedError) -> Job:
        wait = error.retry_after
        if wait is None:
            wait = min(LONGEST_BACKOFF, 5.0 * float(2 ** min(job.posts, 5))) * (1 + 0.2 * self._context.rng.random())
        resume_at = self._clock.time() + wait
        event = f"429, sends again at {clock_time(resume_at, job.created_at)}"
        return await self._record(job, lambda job: transitions.wait(job, error, resume_at), event)

    async def _mark_unconfirmed(self, job: Job, error: GaleError) -> Job:
        event = f"unconfirmed: {error.what}"
        return await self._record(job, lambda job: transitions.mark_unconfirmed(job, error), event)

    async def _refuse(self, job: Job, error: GaleError, pending: _Pending) -> Job:
        if pending.again and isinstance(error, NotSentError) and error.passing:
            # After a 429 it is to be sent again, and this time it was not sent at all.
            resume_at = self._clock.time() + NETWORK_WAIT * (1 + 0.2 * self._context.rng.random())
            event = f"not sent: {error.what}"
            return await self._record(job, lambda job: transitions.wait(job, error, resume_at), event)
        if not pending.keep_rejected:
            try:
                await self._registry.remove(job.id)
            except StoreError:
                # The row cannot be removed, so it shows at least the refusal.
                await self._reject(job, error)
            raise error
        return await self._reject(job, error)

    async def _reject(self, job: Job, error: GaleError) -> Job:
        now = self._clock.time()
        event = f"rejected: {error.what}"
        return await self._record(job, lambda job: transitions.reject(job, error, now), event)

    async def _record(self, job: Job, transition: Callable[[Job], Job], event: str) -> Job:
        return await self._registry.record(job.id, transition, event) or job

    async def close(self, within: float) -> None:
        """Gives POSTs under way `within` seconds of real time; one without an answer by then is unconfirmed."""
        pending = dict(self._pending)
        sent = [each.task for job_id, each in pending.items() if each.sent and self._is_requesting(job_id)]
        if sent:
            _, left = await asyncio.wait(sent, timeout=within)
            if left:
                # A request that has not begun to leave by now, in an endless handshake say, certainly starts nothing.
                self._closing = True
                if self._connections.abort_unsent():
                    await asyncio.wait(left, timeout=ABORTED_WITHIN)
        await cancel_all([each.task for each in self._pending.values()])
        for job_id, each in pending.items():
            if self._is_requesting(job_id):
                job = self._registry.jobs[job_id]
                await (self.mark_abandoned(job) if each.sent else self._postpone(job))

    def _is_requesting(self, job_id: str) -> bool:
        job = self._registry.jobs.get(job_id)
        return job is not None and job.state is JobState.REQUESTING

    async def _postpone(self, job: Job) -> Job:
        postponing = partial(transitions.postpone, at=self._clock.time())
        await self._registry.change(job.id, postponing, "not sent yet: gale-tui ended")
        return self._registry.jobs.get(job.id, job)

    async def mark_abandoned(self, job: Job) -> None:
        """Marks a job as unconfirmed whose POST was under way when its process ended."""
        event = "unconfirmed: gale-tui ended before the answer came"
        await self._registry.change_if_free(job.id, "post", transitions.mark_abandoned, event)
