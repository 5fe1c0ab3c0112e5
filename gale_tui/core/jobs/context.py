"""The context that the parts of the engine share."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gale_tui.core.clock import Clock
from gale_tui.core.config.environment_registry import EnvironmentRegistry
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.gale_api.connections import Connections
from gale_tui.core.jobs.connection_status import ConnectionStatus
from gale_tui.core.jobs.job_registry import JobRegistry
from gale_tui.core.jobs.rate_limits import Deadlines
from gale_tui.core.jobs.scheduler import Scheduler
from gale_tui.core.models import Environment, Job, JobReason, JobState
from gale_tui.core.threads import DaemonThreads


@dataclass(frozen=True, slots=True)
class JobContext:
    """The jobs, the environments, and the ways to them."""

    registry: JobRegistry
    environments: EnvironmentRegistry
    connections: Connections
    scheduler: Scheduler
    connection_status: ConnectionStatus
    deadlines: Deadlines
    """When waiting jobs are due, and until when GALE wants no request about a job."""
    credentials: Credentials
    threads: DaemonThreads
    clock: Clock
    rng: random.Random
    """Jitter of the waits."""
    new_id: Callable[[], str]
    """Makes our own id of a job."""
    folder: Callable[[], Path]
    """Where files go whose job names no folder."""
    stall: float
    """Seconds without a byte after which a download counts as cut."""
    readonly: bool
    """Nothing is sent that changes the server."""
    step: Callable[[str], None] | None
    """For tests: called before each disk operation of a download, and with "request sent" right before a POST."""

    def environment_of(self, job: Job) -> Environment | JobReason:
        """The environment of a job if it still is where the job was started, else why there is none."""
        environment = self.environments.find(job.environment_id)
        if environment is None:
            return JobReason.ENVIRONMENT_GONE
        return environment if str(environment.origin) == job.origin else JobReason.ENVIRONMENT_MOVED

    def track(self, job: Job) -> None:
        """Polls the job from now on, if its dock status is of interest."""
        if job.state.polled and job.dock_status_id is not None:
            age = max(0.0, self.clock.time() - (job.started_at or job.created_at))
            self.scheduler.track(job.id, job.environment_id, age=age, lost=job.state is JobState.LOST)
