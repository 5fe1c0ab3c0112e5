"""A file of every released version of the history, made by the gale-tui of its day."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gale_tui.core.history.store import JobStore
from gale_tui.core.kinds import TOOL
from gale_tui.core.models import DownloadState, JobState

FILES = Path(__file__).parent / "files"
RELEASED = sorted(int(file.stem.rpartition("-")[2]) for file in FILES.glob("version-*.sqlite3"))


def copy_of(version: int, folder: Path) -> Path:
    return Path(shutil.copy(FILES / f"version-{version}.sqlite3", folder / "jobs.sqlite3"))


def tables(path: Path) -> dict[str, list[tuple[str, str, int]]]:
    """The columns of every table: name, type, whether a value is required."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: [tuple(row[1:4]) for row in connection.execute(f"PRAGMA table_info({name})")] for name in names}


@pytest.mark.parametrize("version", RELEASED)
async def test_a_history_of_any_version_keeps_its_jobs_and_texts(tmp_path: Path, version: int) -> None:
    path = copy_of(version, tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    store = await JobStore.open(path)
    jobs = {job.id: job for job in await store.load()}
    assert store.notice == ""
    assert {name: job.state for name, job in jobs.items()} == {
        "job-1": JobState.RUNNING,
        "job-2": JobState.UNCONFIRMED,
        "job-3": JobState.LOST,
        "job-4": JobState.FAILED,
        "job-5": JobState.REJECTED,
        "job-6": JobState.SUCCEEDED,
        "job-7": JobState.SUCCEEDED,
        "job-8": JobState.SUCCEEDED,
    }
    assert [jobs[f"job-{number}"].download.state for number in (6, 7, 8)] == [
        DownloadState.SAVED,
        DownloadState.EXPIRED,
        DownloadState.RESUMABLE,
    ]
    assert jobs["job-1"].note == "no answer since 12:00:33"
    assert jobs["job-2"].note.startswith("The connection broke off. GALE may have started the export.")
    assert jobs["job-4"].reason == "Tool “Bücher” has no flow"
    assert jobs["job-5"].note.startswith("403: the key may not export (Forbidden).")
    assert jobs["job-6"].download.path == Path("/srv/exports/Banking.zip")
    assert jobs["job-7"].folder == Path(os.fsdecode(b"/srv/caf\xe9"))
    assert jobs["job-7"].download.error.startswith("expired: the link works no longer.")
    link = jobs["job-8"].download_url
    assert link is not None
    assert link.reveal() == "https://files.example/8.zip?signature=feedbeef"
    assert [event.text for event in await store.events("job-6")] == [
        "requested",
        "SUCCESS",
        "saved as /srv/exports/Banking.zip",
    ]
    assert {job.kind for job in jobs.values()} == {TOOL}
    [nightly] = await store.sets.all()
    assert (nightly.name, [tool.label for tool in nightly.tools]) == ("nightly", ["Five", "Six", "Nine"])
    assert {tool.kind for tool in nightly.tools} == {TOOL}
    if version >= 2:
        [batch] = await store.batches.interrupted()
        assert (batch.name, batch.unstarted, dict(batch.started)) == ("nightly", 1, {0: "job-5", 1: "job-6"})
        assert {tool.kind for tool in batch.tools} == {TOOL}
    if version >= 3:
        draft = await store.drafts.find()
        assert draft is not None
        assert (draft.label, draft.kind) == ("Half typed", TOOL)
    changed = await store.update("job-1", lambda job: jobs["job-1"].with_download(state=DownloadState.WANTED))
    assert changed is not None
    await store.close()


@pytest.mark.parametrize("version", RELEASED)
async def test_an_upgraded_history_has_the_tables_of_a_new_one(tmp_path: Path, version: int) -> None:
    fresh = tmp_path / "fresh.sqlite3"
    upgraded = copy_of(version, tmp_path)
    for path in (fresh, upgraded):
        store = await JobStore.open(path)
        await store.close()
    assert tables(upgraded) == tables(fresh)


def test_every_released_version_has_its_file() -> None:
    assert RELEASED[:3] == [1, 2, 3]


@pytest.mark.parametrize("version", RELEASED)
async def test_marks_for_keys_go_and_the_sentences_stay(tmp_path: Path, version: int) -> None:
    path = copy_of(version, tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        note = "Export again‹key:export_again›, or track‹key:track›."
        connection.execute("UPDATE jobs SET note = ? WHERE id = 'job-1'", (note,))
        error = "It broke. Save it again‹key:download›"
        connection.execute("UPDATE jobs SET download_error = ? WHERE id = 'job-1'", (error,))
        connection.execute("UPDATE events SET text = 'Check the key‹key:environments›' WHERE job_id = 'job-1'")
    store = await JobStore.open(path)
    (job,) = [job for job in await store.load() if job.id == "job-1"]
    assert (job.note, job.download.error) == ("Export again, or track.", "It broke. Save it again")
    assert (job.reason_code, job.download.reason_code, job.http_status) == (None, None, None)
    assert {event.text for event in await store.events("job-1")} == {"Check the key"}
    await store.close()
