"""A job for tests of the history, like those of a real day.

hypothesis is not imported here: each `other_instance` would take a twentieth of a second longer to start.
"""

from __future__ import annotations

import dataclasses

from gale_tui.core.models import Job, JobState

LINK = "https://files.example/export/Banking%20Assistant.zip?X-Signature=b0f5c1d2"


def sample_job(job_id: str = "job-1", created_at: float = 1_700_000_000.0, **changes: object) -> Job:
    """A job that the server runs."""
    job = Job(
        id=job_id,
        environment_id="staging",
        environment_name="staging",
        origin="https://staging.example",
        tool_id=f"a-{job_id}",
        flow_id=f"cf-{job_id}",
        created_at=created_at,
        state=JobState.RUNNING,
        status="IN_PROGRESS",
        dock_status_id=f"ds-{job_id}",
        posts=1,
        started_at=created_at + 1,
    )
    return dataclasses.replace(job, **changes)  # type: ignore[arg-type]  # names are checked by replace
