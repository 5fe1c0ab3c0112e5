"""Jobs for tests of the history: one like those of a real day, and any that the types allow."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hypothesis import strategies as st

from gale_tui.core.models import Download, DownloadReason, DownloadState, Job, JobReason, JobState
from gale_tui.core.secret import SignedUrl

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


# What a database can hold: no halves of surrogate pairs.
texts = st.text(st.characters(codec="utf-8"), max_size=20)
moments = st.floats(min_value=0, max_value=4e9, allow_nan=False)
counts = st.integers(min_value=0, max_value=2**63 - 1)
paths = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).map(
    lambda name: Path("/downloads") / name
)
odd_paths = st.binary(min_size=1, max_size=8).map(
    lambda raw: Path("/downloads", raw.replace(b"\0", b"\xff").decode("utf-8", "surrogateescape"))
)

downloads = st.builds(
    Download,
    state=st.sampled_from(DownloadState),
    path=st.none() | paths | odd_paths,
    part=st.none() | paths | odd_paths,
    received=counts,
    size=st.none() | counts,
    validator=st.none() | texts,
    sha256=st.none() | texts,
    reason_code=st.none() | st.sampled_from(DownloadReason),
    error=texts,
    next_try_at=st.none() | moments,
    saved_at=st.none() | moments,
)

jobs = st.builds(
    Job,
    id=texts,
    environment_id=texts,
    environment_name=texts,
    origin=texts,
    tool_id=texts,
    flow_id=texts,
    created_at=moments,
    production=st.booleans(),
    label=texts,
    folder=st.none() | paths | odd_paths,
    save_when_ready=st.booleans(),
    batch=st.none() | texts,
    tracked=st.booleans(),
    state=st.sampled_from(JobState),
    status=texts,
    name=st.none() | texts,
    percentage=st.none() | st.floats(allow_nan=False),
    reason=st.none() | texts,
    reason_code=st.none() | st.sampled_from(JobReason),
    http_status=st.none() | counts,
    note=texts,
    dock_status_id=st.none() | texts,
    export_job_id=st.none() | texts,
    download_url=st.none() | texts.map(SignedUrl),
    posts=counts,
    resume_at=st.none() | moments,
    started_at=st.none() | moments,
    ended_at=st.none() | moments,
    last_asked_at=st.none() | moments,
    last_answer_at=st.none() | moments,
    last_response=texts,
    download=st.just(Download()) | downloads,
    revision=counts,
)
