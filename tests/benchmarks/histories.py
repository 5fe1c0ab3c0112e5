"""Histories of any length, written as gale-tui keeps them."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from gale_tui.core.history.rows import row_of
from gale_tui.core.history.schema import INSERT_JOB
from gale_tui.core.history.store import JobStore
from gale_tui.core.models import Download, DownloadState, Job, JobState
from gale_tui.core.secret import SignedUrl

__all__ = ["finished_jobs", "running_job", "wanted_job", "write_history"]

TOOLS = ("Banking Assistant", "Leave Bot", "Claims Triage", "Order Desk", "Password Reset", "Invoice Reader")


def finished_jobs(count: int, origin: str, now: float | None = None) -> Iterator[Job]:
    """Jobs that ended an hour before `now` and earlier, newest last: most saved, some failed."""
    first = (time.time() if now is None else now) - 90.0 * count - 3600
    for number in range(count):
        began = first + 90.0 * number
        name = TOOLS[number % len(TOOLS)]
        job = Job(
            id=f"old-{number:06}",
            environment_id="env",
            environment_name="env",
            origin=origin,
            tool_id=f"a-{number % 200:08}-0000-4000-8000-000000000000",
            flow_id=f"cf-{number % 200:08}-0000-4000-8000-000000000000",
            created_at=began,
            state=JobState.SUCCEEDED,
            status="SUCCESS",
            name=f"{number} {name}",
            dock_status_id=f"ds-{number:08}-0000-4000-8000-000000000000",
            export_job_id=f"agent-ej-{number:08}",
            posts=1,
            started_at=began + 0.4,
            ended_at=began + 31.0,
            last_asked_at=began + 31.0,
            last_answer_at=began + 31.0,
            last_response='{"_id": "ds-…", "status": "SUCCESS"}',
        )
        if number % 9 == 4:
            yield dataclasses.replace(job, state=JobState.FAILED, status="FAILED", reason="node n3 has no model")
        else:
            path = Path(f"/backup/exports/{name}--env--20261123T{number % 24:02}0034Z.zip")
            saved = Download(
                DownloadState.SAVED, path=path, received=1_200_000, size=1_200_000, sha256="0" * 64, saved_at=began + 33
            )
            yield dataclasses.replace(job, download=saved)


def running_job(
    number: int, origin: str, dock_status_id: str, now: float | None = None, *, tool_id: str | None = None
) -> Job:
    """A job that the server has just accepted; `tool_id` is the one that its answers name."""
    now = time.time() if now is None else now
    return Job(
        id=f"run-{number:06}",
        environment_id="env",
        environment_name="env",
        origin=origin,
        tool_id=tool_id or f"a-{number:08}",
        flow_id=f"cf-{number:08}",
        created_at=now + number / 1000,
        state=JobState.RUNNING,
        status="IN_PROGRESS",
        name=f"Running {number:03}",
        dock_status_id=dock_status_id,
        posts=1,
        started_at=now,
        save_when_ready=False,
    )


def wanted_job(number: int, origin: str, dock_status_id: str, link: str, folder: Path) -> Job:
    """A finished job whose file is fetched as soon as gale-tui starts."""
    now = time.time()
    return Job(
        id=f"get-{number:06}",
        environment_id="env",
        environment_name="env",
        origin=origin,
        tool_id=f"a-{number:08}",
        flow_id=f"cf-{number:08}",
        # At the end of the list: the rows that the cursor moves over stay as they are.
        created_at=now - 1e6 - number,
        folder=folder,
        state=JobState.SUCCEEDED,
        status="SUCCESS",
        name=f"Large {number:03}",
        dock_status_id=dock_status_id,
        download_url=SignedUrl(link),
        posts=1,
        started_at=now - 1e6,
        ended_at=now - 1e6 + 4,
        download=Download(DownloadState.WANTED),
    )


def write_history(path: Path, jobs: Iterable[Job]) -> None:
    """Makes a history of these jobs; gale-tui must not run on it."""

    async def make() -> None:
        await (await JobStore.open(path)).close()

    asyncio.run(make())
    with closing(sqlite3.connect(path)) as database, database:
        last = 0
        for last, job in enumerate(jobs, 1):
            row = row_of(dataclasses.replace(job, revision=last))
            database.execute(INSERT_JOB, (*row, "benchmark", last, "benchmark"))
        database.execute("UPDATE counters SET value = ? WHERE name = 'revision'", (last,))
