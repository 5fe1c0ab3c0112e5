"""Jobs to rows and back."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given

from gale_tui.core.history.rows import COLUMNS, DamagedError, job_from, row_of, storable
from gale_tui.core.history.schema import INSERT_JOB, MIGRATIONS, SELECT_JOBS
from gale_tui.core.models import Download, DownloadState, Job
from tests.support.history_samples import jobs, sample_job


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
