"""The export POST: recorded before it leaves, sent once, and again only after a 429."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from gale_tui.core.book import JobBook, clock_time
from gale_tui.core.clock import Clock
from gale_tui.core.connections import Connections
from gale_tui.core.errors import (
    AnswerError,
    CredentialError,
    GaleError,
    LinkRefusedError,
    MalformedAnswerError,
    NotSentError,
    RateLimitedError,
    ServerError,
    UnansweredError,
)
from gale_tui.core.models import DownloadState, Environment, ExportRequest, ExportStarted, Job, JobState
from gale_tui.core.secret import SignedUrl

__all__ = ["Exports", "final_state", "wanted"]

UNCONFIRMED_ADVICE = (
    "GALE may have started the export. Look for it in the console; track its dock status id with t, "
    "or export again with e, knowing that there may be two"
)
LONGEST_WAIT = 3600.0
POST_SPACING = 1.0
"""Seconds between two POSTs to one environment: design-time calls are limited to 60 in 60 s."""


def final_state(status: str) -> JobState:
    """What the server's status word means for a job; an unknown word means that it goes on."""
    return {"SUCCESS": JobState.SUCCEEDED, "FAILED": JobState.FAILED}.get(status.strip().upper(), JobState.RUNNING)


def wanted(job: Job, state: JobState) -> Job:
    """The job with its file asked for, where it has succeeded and its file is to be saved when ready."""
    if state is JobState.SUCCEEDED and job.save_when_ready and job.download.state is DownloadState.NONE:
        return job.with_download(state=DownloadState.WANTED)
    return job


@dataclass(slots=True)
class _Pending:
    """A POST under way and whether somebody still waits to be told of a refusal."""

    keep_rejected: bool
    task: asyncio.Task[Job] | None = None


class Exports:
    """Starts exports.

    Args:
        book: The jobs.
        connections: The clients.
        clock: Time and waiting.
        rng: Jitter of the waits.
        environment: Finds an environment by id.
        new_id: Makes our own id of a job.
    """

    def __init__(
        self,
        book: JobBook,
        connections: Connections,
        *,
        clock: Clock,
        rng: random.Random,
        environment: Callable[[str], Environment | None],
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._book = book
        self._connections = connections
        self._clock = clock
        self._rng = rng
        self._environment = environment
        self._new_id = new_id
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
        client = await self._connections.client(environment)
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
        del client
        await self._book.store.acquire(job.id, "post", seconds=120)
        await self._book.add(job, "requested")
        pending = _Pending(keep_rejected)
        task = pending.task = asyncio.create_task(self._run(job.id, environment, pending), name=f"export {job.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # Nobody waits in front of the form any more: a refusal must be seen on a row.
            pending.keep_rejected = True
            raise

    async def _run(self, job_id: str, environment: Environment, pending: _Pending) -> Job:
        job = await self._post(job_id, environment, pending)
        if job.state is JobState.WAITING:
            self.go_on(job)
        return job

    def go_on(self, job: Job) -> None:
        """Sends the POST of a waiting job again when its time has come."""
        task = asyncio.create_task(self._wait_and_post(job), name=f"export {job.id} after 429")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wait_and_post(self, job: Job) -> Job:
        pending = _Pending(keep_rejected=True)
        while job.state is JobState.WAITING:
            await self._clock.sleep(max(0.0, (job.resume_at or 0.0) - self._clock.time()))
            environment = self._environment(job.environment_id)
            if job.id not in self._book.jobs or environment is None or str(environment.origin) != job.origin:
                return job
            if not await self._book.store.acquire(job.id, "post", seconds=120):
                return job
            await self._book.set(job.id, "sent again", state=JobState.REQUESTING, status="REQUESTING", note="")
            job = await self._post(job.id, environment, pending)
        return job

    async def _take_turn(self, environment_id: str) -> None:
        now = self._clock.monotonic()
        at = max(now, self._turn.get(environment_id, now))
        self._turn[environment_id] = at + POST_SPACING
        if at > now:
            await self._clock.sleep(at - now)

    async def _post(self, job_id: str, environment: Environment, pending: _Pending) -> Job:
        job = self._book.jobs[job_id]
        try:
            client = await self._connections.client(environment)
            await self._take_turn(environment.id)
            started = await self._connections.call(client.export, job.tool_id, job.flow_id)
        except RateLimitedError as error:
            return await self._waiting(job, error)
        except (UnansweredError, ServerError, MalformedAnswerError) as error:
            return await self._unconfirmed(job, error)
        except (NotSentError, AnswerError, CredentialError, GaleError) as error:
            return await self._refused(job, error, pending)
        else:
            return await self._accepted(job, started, client.resolve_link)
        finally:
            await self._book.store.release(job_id, "post")

    async def _accepted(self, job: Job, started: ExportStarted, resolve: Callable[[SignedUrl], SignedUrl]) -> Job:
        now = self._clock.time()
        state = final_state(started.status)
        link, note = started.download_url, ""
        if link is not None:
            try:
                link = resolve(link)
            except LinkRefusedError as error:
                link, note = None, str(error)

        def accept(job: Job) -> Job:
            accepted = dataclasses.replace(
                job,
                state=state,
                status=started.status,
                dock_status_id=started.dock_status_id,
                export_job_id=started.export_job_id,
                download_url=link,
                name=started.name,
                percentage=started.percentage,
                reason=started.reason if state is JobState.FAILED else None,
                note=note,
                posts=job.posts + 1,
                resume_at=None,
                started_at=now,
                ended_at=now if state.final else None,
                last_answer_at=now,
                last_response=_note(started),
            )
            return wanted(accepted, state)

        done = await self._book.update(job.id, accept, started.status)
        return done or job

    async def _waiting(self, job: Job, error: RateLimitedError) -> Job:
        wait = error.retry_after
        if wait is None:
            wait = min(60.0, 5.0 * float(2 ** min(job.posts, 5))) * (1 + 0.2 * self._rng.random())
        resume_at = self._clock.time() + min(wait, LONGEST_WAIT)
        done = await self._book.update(
            job.id,
            lambda job: dataclasses.replace(
                job,
                state=JobState.WAITING,
                status="WAITING",
                posts=job.posts + 1,
                resume_at=resume_at,
                note=f"rate limit reached, goes on at {clock_time(resume_at)}",
                last_response=_error_note(error),
            ),
            f"429, goes on at {clock_time(resume_at)}",
        )
        return done or job

    async def _unconfirmed(self, job: Job, error: GaleError) -> Job:
        done = await self._book.update(
            job.id,
            lambda job: dataclasses.replace(
                job,
                state=JobState.UNCONFIRMED,
                status="UNCONFIRMED",
                posts=job.posts + 1,
                note=f"{error.what}. {UNCONFIRMED_ADVICE}",
                last_response=_error_note(error),
            ),
            f"unconfirmed: {error.what}",
        )
        return done or job

    async def _refused(self, job: Job, error: GaleError, pending: _Pending) -> Job:
        if not pending.keep_rejected:
            await self._book.forget(job.id)
            raise error
        reason = (error.detail if isinstance(error, AnswerError) else "") or error.what
        sent = not isinstance(error, NotSentError | CredentialError)
        done = await self._book.update(
            job.id,
            lambda job: dataclasses.replace(
                job,
                state=JobState.REJECTED,
                status="REJECTED",
                posts=job.posts + int(sent),
                reason=reason,
                note=str(error),
                ended_at=self._clock.time(),
                last_response=_error_note(error),
            ),
            f"rejected: {error.what}",
        )
        if done is None:
            raise error
        return done

    async def close(self) -> None:
        """Gives POSTs under way a moment; what has no answer by then is unconfirmed."""
        posting = [task for task in self._tasks if not task.get_name().endswith("after 429")]
        if posting:
            await asyncio.wait(posting, timeout=0.7)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for job in list(self._book.jobs.values()):
            if job.state is JobState.REQUESTING:
                await self.left_behind(job)

    async def left_behind(self, job: Job) -> None:
        """Marks a job whose POST was under way when its process ended: it may or may not have arrived."""
        if not await self._book.store.acquire(job.id, "post", seconds=5):
            return
        await self._book.update(
            job.id,
            lambda job: (
                dataclasses.replace(
                    job,
                    state=JobState.UNCONFIRMED,
                    status="UNCONFIRMED",
                    posts=job.posts + 1,
                    note=f"gale-tui ended before the answer came. {UNCONFIRMED_ADVICE}",
                )
                if job.state is JobState.REQUESTING
                else job
            ),
            "unconfirmed: gale-tui ended before the answer came",
        )
        await self._book.store.release(job.id, "post")


def _note(started: ExportStarted) -> str:
    response = started.response
    return f"{response.request}\n{response.status}\n{response.text}"


def _error_note(error: GaleError) -> str:
    return f"{error.status}\n{error.body or error.detail}" if isinstance(error, AnswerError) else str(error)
