"""The history as one instance uses it."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sqlite3
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from gale_tui.core.clock import SystemClock
from gale_tui.core.errors import StoreError
from gale_tui.core.history.store import JobStore
from gale_tui.core.jobs.job_registry import JobRegistry
from gale_tui.core.models import DownloadState, Job, JobChange, JobEvent, JobState
from gale_tui.core.secret import SignedUrl
from tests.support.engines import eventually
from tests.support.history_samples import LINK, sample_job


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gale" / "data" / "jobs.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[JobStore]:
    store = await JobStore.open(path)
    yield store
    await store.close()


def changed(**changes: object) -> Callable[[Job], Job]:
    return lambda job: dataclasses.replace(job, **changes)  # type: ignore[arg-type]  # names are checked by replace


def content(path: Path) -> bytes:
    return path.read_bytes()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
async def test_new_folders_and_files_are_private_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        store = await JobStore.open(path)
        await store.add(sample_job())
    finally:
        os.umask(before)
    assert mode(path.parent) == mode(path.parent.parent) == 0o700
    files = sorted(file.name for file in path.parent.iterdir())
    assert files == ["jobs.sqlite3", "jobs.sqlite3-shm", "jobs.sqlite3-wal"]
    assert {mode(path.with_name(name)) for name in files} == {0o600}
    await store.close()
    assert os.listdir(path.parent) == ["jobs.sqlite3"]


async def test_a_file_that_others_could_read_is_closed_to_them_and_the_folder_left_alone(path: Path) -> None:
    os.makedirs(path.parent, mode=0o755)
    os.close(os.open(path, os.O_CREAT, 0o644))
    store = await JobStore.open(path)
    await store.close()
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o755


async def test_a_link_to_the_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "jobs.sqlite3"
    link.symlink_to(tmp_path / "elsewhere" / "real.sqlite3")
    for job_id in ("a", "b"):
        store = await JobStore.open(link)
        await store.add(sample_job(job_id))
        await store.close()
    assert link.is_symlink()
    assert (tmp_path / "elsewhere" / "real.sqlite3").stat().st_size > 0


async def test_a_job_is_there_after_a_restart_with_its_timeline(path: Path) -> None:
    store = await JobStore.open(path)
    assert store.notice == ""
    added = await store.add(sample_job(label="Bank"), "requested", at=5.0)
    change = await store.update("job-1", changed(state=JobState.SUCCEEDED, status="SUCCESS"), "SUCCESS", at=6.0)
    await store.close()
    assert added == JobChange(sample_job(label="Bank", revision=1))
    done = dataclasses.replace(added.job, state=JobState.SUCCEEDED, status="SUCCESS", revision=2)
    assert change == JobChange(done, added.job)
    store = await JobStore.open(path)
    assert await store.load() == [done]
    assert await store.events("job-1") == [JobEvent(5.0, "requested"), JobEvent(6.0, "SUCCESS")]
    await store.close()


async def test_jobs_come_newest_first_in_pages_without_gap_or_repeat(store: JobStore) -> None:
    for number in range(10):
        await store.add(sample_job(f"job-{number}", created_at=100.0 + number // 3))
    everything = [(job.created_at, job.id) for job in await store.load()]
    assert everything == sorted(everything, reverse=True)
    assert len(everything) == 10
    pages: list[tuple[float, str]] = []
    while page := await store.load(limit=4, before=pages[-1] if pages else None):
        assert len(page) <= 4
        pages += [(job.created_at, job.id) for job in page]
    assert pages == everything
    assert await store.load(limit=0) == []


async def test_unfinished_are_those_with_something_left_to_do(store: JobStore) -> None:
    for state in JobState:
        await store.add(sample_job(f"state {state}", state=state))
    for download in DownloadState:
        done = sample_job(f"download {download}", state=JobState.SUCCEEDED).with_download(state=download)
        await store.add(done)
    assert {job.id for job in await store.unfinished()} == {
        *(f"state {state}" for state in ("requesting", "waiting", "running", "lost", "unconfirmed")),
        *(f"download {state}" for state in ("wanted", "not ready", "running", "resumable")),
    }


async def test_the_same_id_is_not_added_twice(store: JobStore) -> None:
    await store.add(sample_job())
    with pytest.raises(StoreError, match="already"):
        await store.add(sample_job(label="other"))
    assert [job.label for job in await store.load()] == [""]


async def test_nothing_new_and_nobody_there_are_no_changes(store: JobStore) -> None:
    added = await store.add(sample_job())
    assert await store.update("job-1", lambda job: job, "said nothing") is None
    assert await store.update("job-1", changed(revision=77)) is None
    assert await store.update("job-2", changed(status="x")) is None
    assert await store.load() == [added.job]
    assert await store.events("job-1") == []


@pytest.mark.parametrize("final", [JobState.SUCCEEDED, JobState.FAILED, JobState.REJECTED])
async def test_a_final_state_stays(store: JobStore, final: JobState) -> None:
    await store.add(sample_job(state=final))
    for state in set(JobState) - {final}:
        assert await store.update("job-1", changed(state=state, note="late"), "late answer") is None
    assert [job.state for job in await store.load()] == [final]
    assert await store.events("job-1") == []
    assert await store.update("job-1", changed(note="seen")) is not None


async def test_a_saved_file_stays_saved_unless_it_is_asked_for_again(store: JobStore) -> None:
    saved = sample_job(state=JobState.SUCCEEDED).with_download(state=DownloadState.SAVED, path=Path("/d/a.zip"))
    await store.add(saved)
    for state in set(DownloadState) - {DownloadState.SAVED}:
        assert await store.update("job-1", lambda job, state=state: job.with_download(state=state)) is None  # type: ignore[misc]  # a default argument
    wanted = await store.update("job-1", lambda job: job.with_download(state=DownloadState.WANTED), again=True)
    assert wanted is not None
    assert wanted.job.download.state is DownloadState.WANTED


async def test_the_timeline_line_may_depend_on_what_changed(store: JobStore) -> None:
    await store.add(sample_job())

    def line(old: Job, new: Job) -> str | None:
        return None if new.percentage is None else f"{old.status} → {new.status} {new.percentage:.0f} %"

    await store.update("job-1", changed(percentage=42.0), line, at=1.0)
    await store.update("job-1", changed(percentage=None), line, at=2.0)
    assert await store.events("job-1") == [JobEvent(1.0, "IN_PROGRESS → IN_PROGRESS 42 %")]


async def test_an_error_of_the_change_is_passed_on_and_leaves_nothing(store: JobStore) -> None:
    await store.add(sample_job())

    def fails(*_: Job) -> Job:
        raise LookupError("no")

    with pytest.raises(LookupError):
        await store.update("job-1", fails)
    with pytest.raises(LookupError):
        await store.update("job-1", changed(status="x"), lambda old, new: str(fails(old, new)))
    with pytest.raises(ValueError, match="kept its id"):
        await store.update("job-1", changed(id="job-2"))
    assert [job.status for job in await store.load()] == ["IN_PROGRESS"]
    assert await store.update("job-1", changed(status="y")) is not None


async def test_a_forgotten_job_is_gone_and_can_be_taken_back(store: JobStore) -> None:
    await store.add(sample_job(download_url=SignedUrl(LINK)), "requested", at=1.0)
    events = await store.events("job-1")
    assert await store.acquire("job-1", "poll", seconds=60)
    forgotten = await store.remove("job-1")
    assert forgotten is not None
    assert (forgotten.removed, forgotten.job.download_url) == (True, SignedUrl(LINK))
    assert await store.load() == []
    assert await store.events("job-1") == []
    assert await store.remove("job-1") is None
    assert not await store.acquire("job-1", "poll", seconds=60)
    restored = await store.restore(forgotten.job, events)
    assert not restored.removed
    assert restored.job.revision > forgotten.job.revision
    assert await store.load() == [restored.job]
    assert await store.events("job-1") == events
    assert await store.restore(forgotten.job, events) == restored
    assert await store.events("job-1") == events


async def test_a_removed_job_can_be_restored_after_a_restart(path: Path) -> None:
    odd = Path("/downloads", b"caf\xe9".decode("utf-8", "surrogateescape"))
    store = await JobStore.open(path)
    kept = await store.add(sample_job(download_url=SignedUrl(LINK), folder=odd, label="Bücher"), "requested", at=1.0)
    await store.remove("job-1")
    await store.close()
    store = await JobStore.open(path)
    [(job, events)] = await store.removed()
    assert job == dataclasses.replace(kept.job, revision=job.revision)
    restored = await store.restore(job, events)
    assert await store.load() == [restored.job]
    assert await store.events("job-1") == [JobEvent(1.0, "requested")]
    assert await store.removed() == []
    await store.close()


@pytest.mark.parametrize("text", ["{}", '{"id": 5}', "[]", '{"id": "job-1", "created_at": 1' + "0" * 400 + "}"])
async def test_what_is_no_removed_job_is_not_offered_again(path: Path, text: str) -> None:
    async with await JobStore.open(path) as store:
        await store.add(sample_job())
        await store.remove("job-1")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE removed SET content = ?", (text,))
    async with await JobStore.open(path) as store:
        assert await store.removed() == []


async def test_a_job_whose_timeline_is_damaged_can_be_removed_and_restored(path: Path) -> None:
    async with await JobStore.open(path) as store:
        await store.add(sample_job(), "requested", at=1.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("INSERT INTO events (job_id, at, text) VALUES ('job-1', x'00', x'61ff')")
    async with await JobStore.open(path) as store:
        assert await store.remove("job-1") is not None
        [(_, events)] = await store.removed()
        assert events == [JobEvent(1.0, "requested"), JobEvent(0.0, "a\ufffd")]


async def test_the_last_twenty_removed_jobs_of_a_week_can_be_restored_and_nothing_else_is_left(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await JobStore.open(path)
    for number in range(25):
        await store.add(sample_job(f"job-{number}", reason=f"private words {number:02}", download_url=SignedUrl(LINK)))
    for number in range(25):
        await store.remove(f"job-{number}")
    assert [job.id for job, _ in await store.removed()] == [f"job-{number}" for number in range(24, 4, -1)]
    await store.close()
    assert b"private words 04" not in content(path)
    assert b"private words 05" in content(path)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 8 * 24 * 3600)
    store = await JobStore.open(path)
    await store.release("job-1", "poll")
    assert await store.removed() == []
    await store.close()
    assert b"private words" not in content(path)
    assert b"b0f5c1d2" not in content(path)


async def test_text_that_no_database_holds_is_kept_as_near_as_can_be(store: JobStore) -> None:
    added = await store.add(sample_job(reason="half \ud83d of a pair"), "event \udfff")
    size = await store.update("job-1", lambda job: job.with_download(size=10**40))
    assert added.job.reason == "half ? of a pair"
    assert size is not None
    assert size.job.download.size == 2**63 - 1
    assert await store.load() == [size.job]
    assert [event.text for event in await store.events("job-1")] == ["event ?"]


async def test_a_signed_link_is_in_no_file_once_it_is_cleared(store: JobStore, path: Path) -> None:
    def found() -> list[str]:
        return [file.name for file in path.parent.iterdir() if b"b0f5c1d2" in file.read_bytes()]

    for number in range(10):
        await store.add(sample_job(f"job-{number}", download_url=SignedUrl(LINK), last_response="x" * number * 300))
    assert found() != []
    for number in range(10):
        await store.update(f"job-{number}", changed(download_url=None))
    # What empties the log has its turn on the writing thread before this.
    await store.release("job-1", "poll")
    assert found() == []


async def test_what_cannot_be_asked_for_again_is_written_through_to_the_disk(store: JobStore) -> None:
    def synchronous() -> int:
        level: int = store._history.database.value("PRAGMA synchronous")
        return level

    normal, full = 1, 2
    await store.add(sample_job())
    assert synchronous() == full
    await store.update("job-1", changed(percentage=1.0, last_asked_at=5.0))
    assert synchronous() == normal
    await store.update("job-1", changed(dock_status_id="ds-2"))
    assert synchronous() == full
    await store.acquire("job-1", "poll", seconds=1)
    assert synchronous() == normal
    await store.update("job-1", changed(state=JobState.SUCCEEDED))
    assert synchronous() == full


async def test_each_write_and_commit_is_told_on_the_thread_that_does_it(path: Path) -> None:
    steps: list[str] = []
    threads: set[int] = set()

    def step(name: str) -> None:
        steps.append(name)
        threads.add(threading.get_ident())

    store = await JobStore.open(path, step=step)
    assert steps[-2:] == ["db commit", "db committed"]
    steps.clear()
    await store.add(sample_job(), "requested")
    assert steps == ["db write", "db write", "db write", "db commit", "db committed"]
    await store.close()
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_a_change_that_nobody_waited_for_is_made_and_announced(store: JobStore) -> None:
    registry = JobRegistry(SystemClock())
    registry.store = store
    await registry.add(sample_job(), "requested")
    loop, holding, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    announced: asyncio.Queue[JobChange] = asyncio.Queue()
    registry.listeners.append(announced.put_nowait)

    def slow(job: Job) -> Job:
        loop.call_soon_threadsafe(holding.set)
        go_on.wait()
        return dataclasses.replace(job, status="SUCCESS")

    task = asyncio.create_task(registry.change("job-1", slow))
    await holding.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    change = await announced.get()
    assert (change.job.status, change.elsewhere) == ("SUCCESS", False)
    assert registry.jobs["job-1"] == change.job


async def test_own_changes_are_not_foreign(store: JobStore) -> None:
    await store.add(sample_job())
    await store.update("job-1", changed(status="x"))
    assert await store.foreign_changes() == []
    await store.remove("job-1")
    assert await store.foreign_changes() == []


async def test_closing_ends_the_threads_and_closing_twice_is_fine(path: Path) -> None:
    before = set(threading.enumerate())
    store = await JobStore.open(path)
    await store.add(sample_job())
    await asyncio.gather(store.close(), store.close())
    await store.close()
    await eventually(lambda: set(threading.enumerate()) <= before)


async def test_what_was_under_way_is_written_before_closing(path: Path) -> None:
    store = await JobStore.open(path)
    adding = [asyncio.create_task(store.add(sample_job(f"job-{number}"))) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*adding)
    store = await JobStore.open(path)
    assert len(await store.load()) == 50
    await store.close()


async def test_every_call_after_closing_says_so(path: Path) -> None:
    store = await JobStore.open(path)
    await store.close()
    for call in (
        store.load(),
        store.unfinished(),
        store.events("x"),
        store.add(sample_job()),
        store.update("x", lambda job: job),
        store.remove("x"),
        store.restore(sample_job()),
        store.acquire("x", "poll", seconds=1),
        store.renew_all(seconds=1),
        store.release("x", "poll"),
        store.foreign_changes(),
    ):
        with pytest.raises(StoreError, match="closed"):
            await call


async def test_the_tables_are_indexed_for_what_is_asked(store: JobStore, path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        indexed = {
            column
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall()
            for (_, _, column) in connection.execute(f"PRAGMA index_info({name})").fetchall()
        }
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()
    assert indexed >= {"created_at", "environment_id", "dock_status_id", "revision"}
    assert {"jobs", "events", "forgotten", "leases", "counters", "sets", "drafts", "removed"} < tables
