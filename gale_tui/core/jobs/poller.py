"""One poll of one job's dock status, and its result."""

from __future__ import annotations

from collections.abc import Collection

from gale_tui.core.errors import AuthenticationError, CredentialError, GaleError, StoreError
from gale_tui.core.gale_api.answers import DockStatus
from gale_tui.core.jobs import transitions
from gale_tui.core.jobs.context import JobContext
from gale_tui.core.jobs.rate_limits import PollOutcome, PollResult
from gale_tui.core.jobs.reasons import describe
from gale_tui.core.models import Environment, Job, JobReason, JobState
from gale_tui.core.secret import Secret

POLL_LEASE = 30.0
"""Seconds that a job belongs to its poller without being renewed."""
POLLING_GAP = 180.0
"""Seconds between two polls that mean a break: polling was paused, or the machine asleep."""
FORBIDDEN_WAIT = 60.0
"""Seconds between two polls of a job that the key may not read."""

_OUTCOMES = {
    JobReason.NOT_ALLOWED: PollOutcome.FORBIDDEN,
    JobReason.RATE_LIMITED: PollOutcome.RATE_LIMITED,
    JobReason.NOT_FOUND: PollOutcome.NOT_FOUND,
    JobReason.CONFIGURATION: PollOutcome.NOT_SENT,
    JobReason.NO_ANSWER: PollOutcome.UNANSWERED,
}


class Poller:
    """Requests dock statuses from GALE."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._registry = context.registry
        self._clock = context.clock
        self._credentials = context.credentials
        self._leased: set[str] = set()
        self._elsewhere: set[str] = set()
        self._troubled: dict[str, tuple[float, float]] = {}
        """When the first and the last of the polls in a row without an answer were sent."""
        self._renewed = (self._clock.monotonic(), self._clock.time())

    async def poll(self, job_id: str) -> PollResult:
        """Polls a job once and writes what is new; the scheduler calls it when the job is due."""
        try:
            return await self._poll(job_id)
        except StoreError:
            # Only this answer is lost: the next one says the same or more.
            return PollResult(PollOutcome.TROUBLE)

    async def _poll(self, job_id: str) -> PollResult:
        job = self._registry.jobs.get(job_id)
        if job is None or not job.state.polled or job.dock_status_id is None:
            return PollResult(PollOutcome.FINISHED)
        environment = self._context.environment_of(job)
        if isinstance(environment, JobReason):
            await self._record_trouble(job, environment)
            return PollResult(PollOutcome.NOT_SENT)
        if job_id not in self._leased or self._is_stale():
            if (result := await self._acquire(job_id)) is not None:
                return result
            job = self._registry.jobs[job_id]
        if (wait := self._context.deadlines.remaining(job)) > 0:
            return PollResult(PollOutcome.NOT_SENT, wait)
        asked_at = self._clock.time()
        key: Secret | None = None
        connections = self._context.connections
        try:
            client = await connections.client(environment)
            key = self._credentials.cached(environment)
            status = await connections.call(
                client.dock_status, job.dock_status_id, job.tool_id, job.export_job_id or "", job.kind
            )
        except GaleError as error:
            return await self._fail(job, environment, error, key)
        return await self._apply(job_id, status, asked_at)

    async def _acquire(self, job_id: str) -> PollResult | None:
        """Acquires the lease of a job; returns a result if it cannot be polled now."""
        if self._is_stale():
            # This process was stopped for a while: somebody else may poll our jobs by now.
            self._leased.clear()
        if not await self._registry.store.acquire(job_id, "poll", seconds=POLL_LEASE):
            self._elsewhere.add(job_id)
            return PollResult(PollOutcome.ELSEWHERE)
        self._leased.add(job_id)
        taken_over = job_id in self._elsewhere
        self._elsewhere.discard(job_id)
        # The previous holder may have polled it a moment ago, perhaps to its end.
        await self._registry.sync()
        job = self._registry.jobs.get(job_id)
        if job is None or not job.state.polled:
            return PollResult(PollOutcome.FINISHED)
        return PollResult(PollOutcome.NOT_SENT) if taken_over else None

    def _is_stale(self) -> bool:
        then, wall = self._renewed
        passed = max(self._clock.monotonic() - then, self._clock.time() - wall)
        return passed > POLL_LEASE * 0.8

    def record_renewal(self, lost: Collection[str]) -> None:
        """Call it after each renewal of the leases, with the jobs that another process has taken over."""
        self._renewed = (self._clock.monotonic(), self._clock.time())
        self._leased.difference_update(lost)

    def is_polled_elsewhere(self, job_id: str) -> bool:
        """True if another process was found to poll the job."""
        return job_id in self._elsewhere

    async def release(self, job_id: str) -> None:
        """Gives up the lease of a job that is no longer polled."""
        self._elsewhere.discard(job_id)
        self._troubled.pop(job_id, None)
        if job_id in self._leased:
            self._leased.discard(job_id)
            await self._registry.store.release(job_id, "poll")

    async def _apply(self, job_id: str, status: DockStatus, asked_at: float) -> PollResult:
        now = self._clock.time()
        self._troubled.pop(job_id, None)
        await self._registry.change(
            job_id,
            lambda job: transitions.apply_status(job, status, asked_at=asked_at, at=now),
            _status_event,
        )
        final = transitions.final_state(status.status).final
        return PollResult(PollOutcome.FINISHED if final else PollOutcome.ANSWERED)

    async def _fail(self, job: Job, environment: Environment, error: GaleError, key: Secret | None) -> PollResult:
        wait = error.retry_after
        if isinstance(error, AuthenticationError | CredentialError):
            await self._record_trouble(job, error.reason, error)
            now = self._credentials.cached(environment)
            if now is not None and now != key:
                # A new key was given during the poll. From here on nothing is awaited, or one could be missed.
                return PollResult(PollOutcome.TROUBLE)
            if isinstance(error, AuthenticationError):
                self._credentials.invalidate(environment)
            self._context.connection_status.update(environment.id, "needs key", str(error))
            return PollResult(PollOutcome.UNAUTHORISED)
        lost = job.state is JobState.LOST or self._context.scheduler.is_lost(job.id)
        if lost and error.reason is JobReason.NOT_FOUND:
            await self._registry.change(job.id, transitions.mark_lost, _lost_event)
        else:
            await self._record_trouble(job, error.reason, error)
        if error.reason.unreached:
            return PollResult(PollOutcome.UNREACHABLE)
        outcome = _OUTCOMES.get(error.reason, PollOutcome.TROUBLE)
        if outcome is PollOutcome.FORBIDDEN:
            wait = max(FORBIDDEN_WAIT, wait or 0.0)
        return PollResult(outcome, wait)

    async def _record_trouble(self, job: Job, reason: JobReason, error: GaleError | None = None) -> None:
        now = self._clock.time()
        since, last = self._troubled.get(job.id, (now, now))
        if now - last > POLLING_GAP:
            since = now
        self._troubled[job.id] = since, now
        await self._registry.change(
            job.id,
            lambda job: transitions.record_trouble(job, reason, error, since=since, at=now),
            lambda old, new: None if (old.reason_code, old.note) == (new.reason_code, new.note) else describe(new).text,
        )


def _lost_event(old: Job, new: Job) -> str | None:
    return "lost: GALE no longer knows this job" if old.state is not JobState.LOST else None


def _status_event(old: Job, new: Job) -> str | None:
    """A line for the timeline if the status word changed, or GALE answers again."""
    if old.status == new.status:
        return "answers again" if old.reason_code is not None and new.reason_code is None else None
    if new.state is JobState.FAILED and new.reason:
        return f"{new.status}: {new.reason}"
    return new.status
