"""Several processes with one history: changes seen, leases, one killed or stopped in the middle of a transaction."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gale_tui.core.errors import StoreError
from gale_tui.core.history import leases as store_leases
from gale_tui.core.history.store import JobStore
from gale_tui.core.models import Job, JobState
from tests.support.history_samples import sample_job
from tests.support.other_instance import other_instance


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[JobStore]:
    store = await JobStore.open(path)
    yield store
    await store.close()


def counted(job: Job) -> Job:
    return dataclasses.replace(job, posts=job.posts + 1)


async def test_each_sees_what_the_other_wrote_once_and_in_order(store: JobStore, path: Path) -> None:
    async with other_instance(path) as other:
        await other.ask("add", "a")
        await other.ask("add", "b")
        await other.ask("percentage", "a", 10.0)
        changes = await store.foreign_changes()
        assert [(change.removed, change.job.id, change.job.percentage) for change in changes] == [
            (False, "b", None),
            (False, "a", 10.0),
        ]
        assert all(change.elsewhere and change.previous is None for change in changes)
        assert await store.foreign_changes() == []
        await store.add(sample_job("ours"))
        await other.ask("percentage", "ours", 20.0)
        await other.ask("percentage", "b", 30.0)
        await other.ask("forget", "a")
        changes = await store.foreign_changes()
        assert [(change.removed, change.job.id, change.job.percentage) for change in changes] == [
            (False, "ours", 20.0),
            (False, "b", 30.0),
            (True, "a", None),
        ]
        assert await store.foreign_changes() == []


async def test_a_change_of_ours_over_one_of_theirs_is_ours_and_has_both(store: JobStore, path: Path) -> None:
    await store.add(sample_job("a"))
    async with other_instance(path) as other:
        await other.ask("percentage", "a", 10.0)
        change = await store.update("a", lambda job: dataclasses.replace(job, name="Bank"))
        assert change is not None
        assert (change.job.percentage, change.job.name) == (10.0, "Bank")
        assert await store.foreign_changes() == []


async def test_a_hundred_interleaved_changes_of_two_processes_are_all_kept(store: JobStore, path: Path) -> None:
    await store.add(sample_job("a", posts=0))
    async with other_instance(path) as other:
        other.tell("count", "a", 50)
        revisions = []
        for _ in range(50):
            change = await store.update("a", counted, "counted")
            assert change is not None
            revisions.append(change.job.revision)
            revisions += [foreign.job.revision for foreign in await store.foreign_changes()]
        assert await other.answer() == "counted"
        revisions += [foreign.job.revision for foreign in await store.foreign_changes()]
    [job] = await store.load()
    assert job.posts == 100
    assert job.revision == 101
    assert max(revisions) == 101
    assert len(revisions) == len(set(revisions))
    assert len(await store.events("a")) == 100


async def test_a_final_state_of_one_is_not_taken_back_by_the_other(store: JobStore, path: Path) -> None:
    await store.add(sample_job("a"))
    async with other_instance(path) as other:
        racing = [store.update("a", lambda job: dataclasses.replace(job, state=JobState.SUCCEEDED))]
        racing += [store.update("a", lambda job: dataclasses.replace(job, state=JobState.LOST)) for _ in range(5)]
        other.tell("state", "a", "failed")
        await asyncio.gather(*racing)
        await other.answer()
        [job] = await store.load()
        assert job.state in (JobState.SUCCEEDED, JobState.FAILED)
        assert await other.ask("state", "a", "running") is None
        assert await store.load() == [job]


async def test_killed_at_any_step_a_change_is_there_wholly_or_not_at_all(path: Path) -> None:
    async with other_instance(path) as whole:
        await whole.ask("steps")
        await whole.ask("add", "whole")
        await whole.ask("percentage", "whole", 1.0)
        await whole.ask("forget", "whole")
        total = await whole.ask("steps")
    assert total > 12
    seen = set()
    for number in range(1, total + 1):
        job_id = f"job-{number}"
        async with other_instance(path) as other:
            other.tell("die", number)
            answers = [await other.ask("add", job_id)]
            answers.append(await other.ask("percentage", job_id, 1.0) if answers[-1] else None)
            answers.append(await other.ask("forget", job_id) if answers[-1] else None)
            assert other.process.wait() == -9
        store = await JobStore.open(path)
        assert store.notice == ""
        found = {job.id: job.percentage for job in await store.load()}
        events = [event.text for event in await store.events(job_id)]
        stage = ("gone", 0) if job_id not in found else ("there", 0 if found[job_id] is None else 1)
        assert events == {("gone", 0): [], ("there", 0): ["requested"], ("there", 1): ["requested", "told"]}[stage]
        # What was answered is there; what was not may be.
        if answers[1]:
            assert stage in (("there", 1), ("gone", 0))
        elif answers[0]:
            assert stage[0] == "there"
        seen.add((stage, sum(answer is not None for answer in answers)))
        await store.remove(job_id)
        await store.close()
    assert {stage for stage, _ in seen} == {("gone", 0), ("there", 0), ("there", 1)}


async def test_killed_while_the_file_is_made_the_next_start_finds_its_way(tmp_path: Path) -> None:
    async with other_instance(tmp_path / "whole") as whole:
        total = await whole.ask("steps")
    assert total > 10
    for number in (1, 2, *range(5, total - 3, 4), total - 1, total):
        path = tmp_path / str(number)
        async with other_instance(path, "die", number) as other:
            assert other.process.wait() == -9
        store = await JobStore.open(path)
        assert store.notice == ""
        await store.add(sample_job())
        assert len(await store.load()) == 1
        await store.close()


async def test_one_stopped_within_a_transaction_holds_up_changes_and_nothing_else(store: JobStore, path: Path) -> None:
    added = await store.add(sample_job("a"), "requested")
    async with other_instance(path) as other:
        other.tell("freeze", 2)
        other.tell("percentage", "a", 10.0)
        await other.stopped()
        waiting = asyncio.create_task(store.update("a", counted))
        while not store.trouble:
            assert await store.load() == [added.job]
            assert [event.text for event in await store.events("a")] == ["requested"]
            assert await store.foreign_changes() == []
            assert not waiting.done()
            await asyncio.sleep(0.01)
        assert "is holding the history" in store.trouble
        third = await JobStore.open(path)
        assert await third.load() == [added.job]
        await third.close()
        other.go_on()
        change = await waiting
        assert change is not None
        assert (change.job.percentage, change.job.posts) == (10.0, 2)
        assert store.trouble == ""


async def test_after_the_longest_wait_the_error_names_the_other_instance(
    store: JobStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gale_tui.core.history.store.BUSY_SECONDS", 0.3)
    await store.add(sample_job("a"))
    async with other_instance(path) as other:
        other.tell("freeze", 2)
        other.tell("percentage", "a", 10.0)
        await other.stopped()
        results = await asyncio.gather(*(store.update("a", counted) for _ in range(20)), return_exceptions=True)
        for result in results:
            assert isinstance(result, StoreError)
            assert "Another gale-tui is holding the history" in str(result)
        assert await store.update("a", lambda job: job) is None
        await store.close()


async def test_closing_does_not_wait_for_one_that_is_stopped(store: JobStore, path: Path) -> None:
    await store.add(sample_job("a"))
    await store.acquire("a", "poll", seconds=60)
    async with other_instance(path) as other:
        other.tell("freeze", 2)
        other.tell("percentage", "a", 10.0)
        await other.stopped()
        waiting = [asyncio.create_task(store.update("a", counted)) for _ in range(5)]
        await asyncio.sleep(0)
        async with asyncio.timeout(4):
            await store.close()
        assert all(task.done() for task in waiting)
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(result, StoreError)


async def test_a_lease_has_one_holder_who_gives_it_back(store: JobStore, path: Path) -> None:
    await store.add(sample_job("a"))
    async with other_instance(path) as other:
        assert await store.acquire("a", "poll", seconds=60)
        assert await store.acquire("a", "poll", seconds=60)
        assert not await other.ask("acquire", "a", "poll", 60)
        assert await other.ask("acquire", "a", "download", 60)
        assert not await store.acquire("a", "download", seconds=60)
        await store.release("a", "download")
        assert not await store.acquire("a", "download", seconds=60)
        await store.release("a", "poll")
        assert await other.ask("acquire", "a", "poll", 60)
        assert await other.ask("close") == "closed"
        assert await store.acquire("a", "poll", seconds=60)
        assert await store.acquire("a", "download", seconds=60)


async def test_the_lease_of_a_killed_process_is_free_at_once(store: JobStore, path: Path) -> None:
    await store.add(sample_job("a"))
    async with other_instance(path) as other:
        assert await other.ask("acquire", "a", "poll", 3600)
        assert not await store.acquire("a", "poll", seconds=60)
        other.process.kill()
        other.process.wait()
        assert await store.acquire("a", "poll", seconds=60)


@pytest.mark.parametrize("host", ["another machine", f"{socket.gethostname()} another boot"])
async def test_a_holder_elsewhere_is_never_taken_for_dead(path: Path, host: str) -> None:
    store = await JobStore.open(path)
    await store.add(sample_job("a"))
    assert await store.acquire("a", "poll", seconds=3600)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE leases SET host = ?, pid = ?", (host, 2**22 + 1))
    second = await JobStore.open(path)
    assert not await second.acquire("a", "poll", seconds=60)
    await second.close()
    await store.close()


async def test_the_lease_of_a_stopped_process_ends_with_its_time_and_it_is_told(
    store: JobStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    clock = SimpleNamespace(time=lambda: now)
    monkeypatch.setattr(store_leases, "time", clock)
    await store.add(sample_job("a"))
    await store.add(sample_job("b"))
    async with other_instance(path) as other:
        assert await other.ask("acquire", "a", "download", 30)
        assert await other.ask("acquire", "b", "poll", 30)
        os.kill(other.process.pid, 19)
        await other.stopped()
        now += 29
        assert not await store.acquire("a", "download", seconds=30)
        now += 10
        assert await store.acquire("a", "download", seconds=60)
        other.go_on()
        assert await other.ask("renew", 30) == [["a", "download"]]
        assert not await other.ask("acquire", "a", "download", 30)
        assert await other.ask("renew", 30) == []


async def test_leases_that_are_renewed_go_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(store_leases, "time", SimpleNamespace(time=lambda: now))
    first, second = await JobStore.open(path), await JobStore.open(path)
    await first.add(sample_job("a"))
    assert await first.acquire("a", "poll", seconds=30)
    for _ in range(5):
        now += 20
        assert await first.renew_all(seconds=30) == ()
        assert not await second.acquire("a", "poll", seconds=30)
    # The clock is set back by a day: the lease of the future is no lease for a day.
    now -= 86_400
    assert await second.acquire("a", "poll", seconds=30)
    assert await first.renew_all(seconds=30) == (("a", "poll"),)
    await first.close()
    await second.close()
