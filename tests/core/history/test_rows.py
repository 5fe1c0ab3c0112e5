"""Jobs to rows and back."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gale_tui.core.history.rows import COLUMNS, DamagedError, job_from, row_of, storable
from gale_tui.core.history.schema import INSERT_JOB, MIGRATIONS, SELECT_JOBS
from gale_tui.core.models import Download, DownloadReason, DownloadState, Job, JobReason, JobState
from gale_tui.core.secret import SignedUrl
from tests.support.history_samples import sample_job

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


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for migration in MIGRATIONS:
        migration(connection.execute)
    yield connection
    connection.close()


def test_every_field_has_its_column_in_the_order_of_the_fields(database: sqlite3.Connection) -> None:
    elsewhere = ("download", "unwritten")
    job_fields = [field.name for field in dataclasses.fields(Job) if field.name not in elsewhere]
    download_fields = [f"download_{field.name}" for field in dataclasses.fields(Download)]
    assert [*COLUMNS] == job_fields + download_fields
    table = {name for _, name, *_ in database.execute("PRAGMA table_info(jobs)")}
    assert table - {*COLUMNS} == {"download_attempts", "writer", "added_revision", "added_by"}
    assert table > {*COLUMNS}


@given(job=jobs)
def test_any_job_comes_back_from_a_real_table_as_it_was(database: sqlite3.Connection, job: Job) -> None:
    database.execute("DELETE FROM jobs")
    database.execute(INSERT_JOB, (*row_of(job), "writer", 1, "writer"))
    back = job_from(database.execute(SELECT_JOBS).fetchone())
    assert back == job
    assert type(back) is Job
    assert type(back.download) is Download
    for field in dataclasses.fields(Job):
        assert type(getattr(back, field.name)) is type(getattr(job, field.name)), field.name


def test_a_job_that_was_read_is_frozen_hashable_and_replaceable_like_any_other() -> None:
    read = job_from(row_of(sample_job().with_download(state=DownloadState.WANTED)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        read.status = "x"  # type: ignore[misc]  # the point of the test
    with pytest.raises(dataclasses.FrozenInstanceError):
        read.download.received = 1  # type: ignore[misc]  # the point of the test
    assert hash(read) == hash(sample_job().with_download(state=DownloadState.WANTED))
    assert dataclasses.replace(read, status="SUCCESS").status == "SUCCESS"
    assert read.title == "a-job-1"


@pytest.mark.parametrize("job_id", [None, 5, b"job", "job-\ufffd"])
def test_a_row_without_its_id_is_damage(job_id: object) -> None:
    with pytest.raises(DamagedError):
        job_from((job_id, *row_of(sample_job())[1:]))


def test_what_a_database_cannot_hold_is_replaced() -> None:
    assert storable(("a\ud800b", 10**30, -(10**30), 1.5, None, b"\xff")) == (
        "a?b",
        2**63 - 1,
        -(2**63 - 1),
        1.5,
        None,
        b"\xff",
    )


def test_a_name_that_is_not_utf_8_keeps_its_bytes() -> None:
    odd = Path("/downloads", b"caf\xe9.zip".decode("utf-8", "surrogateescape"))
    assert job_from(row_of(sample_job(folder=odd))).folder == odd
