"""One question for one job's dock status, and what its answer does to the job."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection

from gale_tui.core.clock import Clock
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.errors import (
    AnswerError,
    AuthenticationError,
    ConfigError,
    CredentialError,
    ForbiddenError,
    GaleError,
    LinkRefusedError,
    NotFoundError,
    NotSentError,
    RateLimitedError,
    StoreError,
    UnansweredError,
)
from gale_tui.core.gale_api.connections import Connections
from gale_tui.core.jobs.export_outcomes import final_state, wanted
from gale_tui.core.jobs.hints import hint
from gale_tui.core.jobs.job_registry import JobRegistry, clock_time
from gale_tui.core.jobs.polling import Asked, Outcome
from gale_tui.core.models import DockStatus, Environment, Job, JobState
from gale_tui.core.secret import Secret, SignedUrl

__all__ = ["POLL_LEASE", "Poller"]

POLL_LEASE = 30.0
"""Seconds that a job belongs to its poller without being renewed."""


class Poller:
    """Asks GALE for dock statuses.

    Args:
        registry: The jobs.
        connections: The clients.
        credentials: Where a refused key is dropped.
        clock: The time of answers.
        environment: Finds an environment by id.
        lost: Tells whether the server has not known a job for long.
        on_key_trouble: Told of an environment whose key is refused or missing, and why.
    """

    def __init__(
        self,
        registry: JobRegistry,
        connections: Connections,
        credentials: Credentials,
        *,
        clock: Clock,
        environment: Callable[[str], Environment | None],
        lost: Callable[[str], bool],
        on_key_trouble: Callable[[Environment, str], None],
    ) -> None:
        self._registry = registry
        self._connections = connections
        self._credentials = credentials
        self._clock = clock
        self._environment = environment
        self._lost = lost
        self._on_key_trouble = on_key_trouble
        self._ours: set[str] = set()
        self._elsewhere: set[str] = set()
        self._renewed = (clock.monotonic(), clock.time())

    async def ask(self, job_id: str) -> Asked:
        """Asks once and writes what is new; the monitor calls it when the job's time has come."""
        try:
            return await self._asked(job_id)
        except StoreError:
            # The answer is lost, the job is not: the next answer says the same or more.
            return Asked(Outcome.TROUBLE)

    async def _asked(self, job_id: str) -> Asked:
        job = self._registry.jobs.get(job_id)
        if job is None or not job.state.polled or job.dock_status_id is None:
            return Asked(Outcome.FINISHED)
        environment = self._environment(job.environment_id)
        if environment is None or str(environment.origin) != job.origin:
            await self._say(job, _not_asked(job, environment))
            return Asked(Outcome.NOT_ASKED)
        if not await self._is_ours(job_id):
            return Asked(Outcome.ELSEWHERE)
        asked_at = self._clock.time()
        key: Secret | None = None
        try:
            client = await self._connections.client(environment)
            key = self._credentials.cached(environment)
            status = await self._connections.call(
                client.dock_status, job.dock_status_id, job.tool_id, job.export_job_id or ""
            )
            return await self._answered(job_id, status, client.resolve_link, asked_at)
        except StoreError:
            raise
        except GaleError as error:
            return await self._trouble(job, environment, error, key)

    async def _is_ours(self, job_id: str) -> bool:
        if self._stale():
            # This process was stopped for a while: somebody else may poll our jobs by now.
            self._ours.clear()
        if job_id in self._ours:
            return True
        if await self._registry.store.acquire(job_id, "poll", seconds=POLL_LEASE):
            self._ours.add(job_id)
            self._elsewhere.discard(job_id)
            return True
        self._elsewhere.add(job_id)
        return False

    def _stale(self) -> bool:
        then, wall = self._renewed
        passed = max(self._clock.monotonic() - then, self._clock.time() - wall)
        return passed > POLL_LEASE * 0.8

    def record_renewal(self, lost: Collection[str]) -> None:
        """To be told each time that the leases were prolonged, and which jobs belong to another process now."""
        self._renewed = (self._clock.monotonic(), self._clock.time())
        self._ours.difference_update(lost)

    def polled_elsewhere(self, job_id: str) -> bool:
        """True where another process was found to poll the job."""
        return job_id in self._elsewhere

    async def release(self, job_id: str) -> None:
        """Gives up a job's lease once it is polled no longer."""
        self._elsewhere.discard(job_id)
        if job_id in self._ours:
            self._ours.discard(job_id)
            await self._registry.store.release(job_id, "poll")

    async def _answered(
        self, job_id: str, status: DockStatus, resolve: Callable[[SignedUrl], SignedUrl], asked_at: float
    ) -> Asked:
        now = self._clock.time()
        state = final_state(status.status)
        refused = ""
        link: SignedUrl | None = None
        if status.download_url is not None:
            try:
                link = resolve(status.download_url)
            except LinkRefusedError as error:
                refused = str(error)

        def apply(job: Job) -> Job:
            # A link that is signed anew with every answer is taken when the job ends, not each time.
            new_link = link if link is not None and (state.final or job.download_url is None) else job.download_url
            changed = dataclasses.replace(
                job,
                state=state,
                status=status.status,
                percentage=status.percentage if status.percentage is not None or state.final else job.percentage,
                reason=status.reason if state is JobState.FAILED else None,
                name=status.name or job.name,
                export_job_id=status.export_job_id or job.export_job_id,
                tool_id=job.tool_id or status.tool_id or "",
                download_url=new_link,
                note=refused,
                ended_at=(job.ended_at or now) if state.final else None,
            )
            changed = wanted(changed, state)
            if changed == job:
                return job
            response = status.response
            return dataclasses.replace(
                changed,
                last_asked_at=asked_at,
                last_answer_at=now,
                last_response=f"{response.request}\n{response.status}\n{response.text}",
            )

        await self._registry.change(job_id, apply, _status_event)
        return Asked(Outcome.FINISHED if state.final else Outcome.ANSWERED)

    async def _trouble(self, job: Job, environment: Environment, error: GaleError, key: Secret | None) -> Asked:
        told = error.retry_after if isinstance(error, AnswerError) else None
        if isinstance(error, AuthenticationError | CredentialError):
            await self._say(job, f"waits for a key: {error.what}")
            now = self._credentials.cached(environment)
            if now is not None and now != key:
                # A new key was given since it was asked. From here on nothing is awaited, or one could be missed.
                return Asked(Outcome.TROUBLE)
            if isinstance(error, AuthenticationError):
                self._credentials.invalidate(environment)
            self._on_key_trouble(environment, str(error))
            return Asked(Outcome.UNAUTHORISED)
        if isinstance(error, ForbiddenError):
            await self._say(job, f"403: {error.detail or 'this key may not read this job'}")
            return Asked(Outcome.FORBIDDEN, retry_after=max(60.0, told or 0.0))
        if isinstance(error, RateLimitedError):
            await self._say(job, "rate limit reached, asked more slowly")
            return Asked(Outcome.RATE_LIMITED, told)
        if isinstance(error, NotFoundError) and error.from_gale:
            await self._unknown(job)
            return Asked(Outcome.NOT_FOUND, told)
        if isinstance(error, ConfigError):
            await self._say(job, f"not asked: {error.what}")
            return Asked(Outcome.NOT_ASKED)
        since = f" since {clock_time(job.last_answer_at)}" if job.last_answer_at else ""
        await self._say(job, f"no answer{since}: {error.what}")
        if isinstance(error, NotSentError):
            return Asked(Outcome.UNREACHABLE)
        return Asked(Outcome.UNANSWERED if isinstance(error, UnansweredError) else Outcome.TROUBLE, told)

    async def _unknown(self, job: Job) -> None:
        if job.state is JobState.LOST or self._lost(job.id):
            await self._registry.set(
                job.id,
                lambda old, new: "lost: GALE no longer knows this job" if old.state is not JobState.LOST else None,
                state=JobState.LOST,
                status="LOST",
                note=f"GALE no longer knows this dock status id; ask again{hint('refresh')}, "
                f"or export again{hint('export_again')}",
            )
        else:
            await self._say(job, "404: GALE does not know this dock status id (yet), asking on")

    async def _say(self, job: Job, note: str) -> None:
        if job.note != note:
            # Another process may have seen its end in the meantime.
            await self._registry.change(
                job.id, lambda job: dataclasses.replace(job, note=note) if job.state.polled else job, note
            )


def _not_asked(job: Job, environment: Environment | None) -> str:
    why = (
        f"its environment {job.environment_name} is gone"
        if environment is None
        else f"{environment.name} has another host now"
    )
    return f"not asked: {why}. It was started at {job.origin}"


def _status_event(old: Job, new: Job) -> str | None:
    """A line for the timeline where the status word changed."""
    if old.status == new.status:
        return None if old.note == new.note or new.note else "answers again"
    if new.state is JobState.FAILED and new.reason:
        return f"{new.status}: {new.reason}"
    return new.status
