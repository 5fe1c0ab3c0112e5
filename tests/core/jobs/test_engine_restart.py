"""What an engine takes up again: after an orderly end, beside another one, and after a death."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sqlite3
import threading

import pytest

from gale_tui.core.errors import StoreError
from gale_tui.core.jobs.engine import SYNC_EVERY
from gale_tui.core.models import DownloadState, JobState
from gale_tui.sandbox.script import Fault, File, Link, Script
from tests.support import faults
from tests.support.clocks import FakeClock
from tests.support.engines import PATIENCE, Bench, bench, eventually
from tests.support.history_samples import sample_job

__all__ = ["bench"]


async def test_polling_goes_on_after_a_restart(bench: Bench) -> None:
    bench.script(duration=30.0)
    async with bench.engine() as watch:
        job = await bench.export(watch)
    async with bench.engine() as watch:
        assert watch.engine.jobs[job.id].state is JobState.RUNNING
        await watch.saved(job.id)
    assert bench.posts == 1


async def test_a_job_whose_state_cannot_be_read_is_polled_after_a_restart(bench: Bench) -> None:
    bench.script(duration=30.0)
    async with bench.engine() as watch:
        job = await bench.export(watch)
    with contextlib.closing(sqlite3.connect(bench.paths.store_file, isolation_level=None)) as connection:
        connection.execute("UPDATE jobs SET state = CAST(x'72ff' AS TEXT)")
    async with bench.engine() as watch:
        await watch.saved(job.id)
    assert bench.posts == 1


async def test_a_download_goes_on_after_a_restart(bench: Bench) -> None:
    # 30 KB a second of its own time are 1.5 MB of ours: two seconds for all of it.
    bench.script(duration=1.0, file=File(size=3_000_000, pace=30_000.0))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        await eventually(
            lambda: (progress := watch.engine.downloads.progress(job.id)) is not None and progress.received > 50_000
        )
    (part,) = bench.zips
    assert part.name.endswith(".part")
    kept = part.stat().st_size
    assert 0 < kept < 3_000_000
    bench.sandbox.script_job(job.dock_status_id or "", Script(duration=1.0, file=File(size=3_000_000)))
    async with bench.engine() as watch:
        job = await watch.saved(job.id)
    assert [path.suffix for path in bench.zips] == [".zip"]
    ranged = [each.header("range") for each in bench.sandbox.downloads(job.dock_status_id or "")]
    assert ranged[-1] == f"bytes={kept}-"


async def test_the_file_of_another_job_is_not_taken_for_its_own(bench: Bench) -> None:
    async with bench.engine() as watch:
        first = await watch.saved((await bench.export(watch)).id)
        second = await watch.state((await bench.export(watch, save_when_ready=False)).id, JobState.SUCCEEDED)
    with contextlib.closing(sqlite3.connect(bench.paths.store_file, isolation_level=None)) as connection:
        # As two leave it that chose one name at the same time, the second killed before it chose another.
        connection.execute(
            "UPDATE jobs SET download_state = 'wanted', download_part = ?, download_size = ? WHERE id = ?",
            (f"{first.download.path}.part", first.download.size, second.id),
        )
    async with bench.engine() as watch:
        second = await watch.saved(second.id)
    assert second.download.path != first.download.path
    assert len(bench.zips) == 2


async def test_a_link_that_was_not_ready_is_tried_after_a_restart(bench: Bench) -> None:
    bench.script(duration=1.0, link=Link(ready_after=10_000.0))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        await watch.download(job.id, DownloadState.NOT_READY)
    bench.sandbox.script_job(job.dock_status_id or "", Script(duration=1.0))
    async with bench.engine() as watch:
        await watch.saved(job.id)


async def test_an_export_whose_answer_never_came_is_unconfirmed_after_the_end(bench: Bench) -> None:
    bench.script(on_export=(faults.stalled("answer", started=True),))
    async with bench.engine() as watch:
        form = asyncio.create_task(bench.export(watch))
        await eventually(lambda: bench.posts == 1)
    assert isinstance((await asyncio.gather(form, return_exceptions=True))[0], BaseException)
    async with bench.engine() as watch:
        (job,) = watch.engine.jobs.values()
        assert (job.state, job.posts) == (JobState.UNCONFIRMED, 1)
        await bench.clock.sleep(20)
    assert bench.posts == 1


async def test_closing_takes_less_than_two_seconds_while_everything_stalls(bench: Bench) -> None:
    bench.script(duration=1.0, file=File(size=2_000_000, pace=1_000.0))
    async with bench.engine() as watch:
        saving = await bench.export(watch)
        await watch.download(saving.id, DownloadState.RUNNING)
        bench.script(duration=1000.0, on_status=(faults.stalled("answer", times=None),))
        polling = await bench.export(watch)
        await eventually(lambda: len(bench.sandbox.status_calls(polling.dock_status_id or "")) == 1)
        bench.script(on_export=(faults.stalled("answer", times=None, started=True),))
        form = asyncio.create_task(bench.export(watch))
        await eventually(lambda: bench.posts == 3)
        async with asyncio.timeout(2.0):
            await watch.engine.close()
        await asyncio.gather(form, return_exceptions=True)
    async with bench.engine(readonly=True) as watch:
        states = {job.id: job.state for job in watch.engine.jobs.values()}
        assert states.pop(saving.id) is JobState.SUCCEEDED
        assert states.pop(polling.id) is JobState.RUNNING
        assert list(states.values()) == [JobState.UNCONFIRMED]


async def test_closing_takes_less_than_two_seconds_while_another_holds_the_history(bench: Bench) -> None:
    bench.script(duration=1.0, file=File(size=2_000_000, pace=1_000.0))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        await watch.download(job.id, DownloadState.RUNNING)
        holder = sqlite3.connect(bench.paths.store_file, isolation_level=None)
        try:
            holder.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(2.0):
                await watch.engine.close()
        finally:
            holder.close()
        # The thread that writes may still be at its last attempt.
        await eventually(lambda: not _writing())
    async with bench.engine() as watch:
        assert watch.engine.jobs[job.id].state is JobState.SUCCEEDED


def _writing() -> bool:
    return any(thread.name.startswith("history-write") for thread in threading.enumerate())


async def test_two_side_by_side_ask_once_save_once_and_see_the_same(bench: Bench) -> None:
    bench.script(duration=20.0)
    async with bench.engine() as first, bench.engine() as second:
        job = await bench.export(first)
        await second.until(job.id, lambda job: job.state is JobState.RUNNING)
        await second.saved(job.id)
        await first.saved(job.id)
        assert first.engine.jobs[job.id].download == second.engine.jobs[job.id].download
        floor = first.engine.scheduler.policy.floor
    assert len(bench.zips) == 1
    times = [record.at for record in bench.sandbox.status_calls(job.dock_status_id or "")]
    # As often as one asks by itself.
    assert len(times) <= 20.0 / floor + 2
    assert len(bench.sandbox.downloads(job.dock_status_id or "")) == 1


async def test_a_change_is_seen_by_the_other_at_its_second_look(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.script(duration=1000.0)
    async with bench.engine() as first, bench.engine() as second:
        job = await bench.export(first)
        await second.until(job.id, lambda job: job.state is JobState.RUNNING)
        sync, looks = second.engine.registry.sync, 0

        async def look() -> None:
            nonlocal looks
            looks += 1
            await sync()

        await first.engine.jobs.remove(job.id)
        monkeypatch.setattr(second.engine.registry, "sync", look)
        await eventually(lambda: job.id not in second.engine.jobs)
    assert looks <= 2
    assert SYNC_EVERY <= 1.0


async def test_the_other_takes_over_when_one_is_closed(bench: Bench) -> None:
    bench.script(duration=40.0)
    async with bench.engine() as second:
        async with bench.engine() as first:
            job = await bench.export(first)
            await second.until(job.id, lambda job: job.state is JobState.RUNNING)
            await bench.clock.sleep(5)
        await second.saved(job.id)
        assert "by another gale-tui" not in second.engine.jobs.refresh(job.id).text
    assert bench.posts == 1
    assert len(bench.zips) == 1


async def test_refresh_says_that_another_one_asks(bench: Bench) -> None:
    bench.script(duration=1000.0)
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(bench.engine())
        job = await bench.export(first)
        await eventually(lambda: len(bench.sandbox.status_calls(job.dock_status_id or "")) >= 1)
        second = await stack.enter_async_context(bench.engine())
        await eventually(lambda: "by another gale-tui" in second.engine.jobs.refresh(job.id).text)
        asked, begun = len(bench.sandbox.status_calls(job.dock_status_id or "")), bench.clock.monotonic()
        for _ in range(20):
            second.engine.jobs.refresh(job.id)
            await bench.clock.sleep(0.05)
        asked = len(bench.sandbox.status_calls(job.dock_status_id or "")) - asked
        # As often as the first asks by itself.
        assert asked <= (bench.clock.monotonic() - begun) / first.engine.scheduler.policy.floor + 1


async def test_the_other_does_not_save_what_is_being_saved(bench: Bench) -> None:
    asked = threading.Event()

    def step(name: str) -> None:
        if name == "fsync":
            assert asked.wait(PATIENCE)

    bench.script(duration=1.0)
    async with bench.engine(step=step) as first:
        job = await bench.export(first)
        await first.download(job.id, DownloadState.RUNNING)
        async with bench.engine() as second:
            reply = await second.engine.jobs.download(job.id)
            asked.set()
            assert "Another gale-tui" in reply.text
            await first.saved(job.id)
            await second.saved(job.id)
    assert len(bench.zips) == 1
    assert len(bench.sandbox.downloads(job.dock_status_id or "")) == 1


async def test_the_other_goes_on_with_a_download_when_one_is_closed(bench: Bench) -> None:
    bench.script(duration=1.0, file=File(size=600_000, pace=2_500.0))
    async with bench.engine() as second:
        async with bench.engine() as first:
            job = await bench.export(first)
            await eventually(
                lambda: (progress := first.engine.downloads.progress(job.id)) is not None and progress.received > 50_000
            )
            await second.download(job.id, DownloadState.RUNNING)
        await second.saved(job.id)
    assert len(bench.zips) == 1
    assert bench.sandbox.downloads(job.dock_status_id or "")[-1].header("range") is not None


async def test_an_export_under_way_in_one_is_not_unconfirmed_to_the_other(bench: Bench) -> None:
    bench.script(duration=5.0, on_export=(Fault(delay=40.0),))
    async with bench.engine() as first:
        form = asyncio.create_task(bench.export(first))
        await eventually(lambda: bench.posts == 1)
        async with bench.engine() as second:
            # Long enough for the other to look after what was abandoned.
            job = await form
            await second.saved(job.id)
            assert JobState.UNCONFIRMED not in first.states(job.id) + second.states(job.id)
            assert job.posts == 1
    assert bench.posts == 1


async def test_who_comes_late_sends_nothing_again(bench: Bench) -> None:
    bench.script(duration=1000.0, on_export=(faults.rate_limited(10),))
    async with bench.engine() as first:
        waiting = await bench.export(first)
        assert waiting.state is JobState.WAITING
        # The other one's clock stands still: it hears of nothing.
        clock = FakeClock()
        clock.wall_offset = 1e6
        async with bench.engine(clock=clock) as second:
            await first.state(waiting.id, JobState.RUNNING)
            await eventually(lambda: not first.engine._exporter.is_under_way(waiting.id))
            assert second.engine._exporter.is_under_way(waiting.id)
            # Its time has come long ago, and only now it gets to it: before it looks at what others wrote.
            await clock.advance(0)
            await eventually(lambda: not second.engine._exporter.is_under_way(waiting.id))
    assert bench.posts == 2


async def test_who_comes_late_saves_nothing_again(bench: Bench) -> None:
    bench.script(duration=1.0, link=Link(ready_after=10_000.0))
    async with bench.engine() as first:
        job = await bench.export(first)
        await first.download(job.id, DownloadState.NOT_READY)
        async with bench.engine(clock=FakeClock()) as second:
            bench.sandbox.script_job(job.dock_status_id or "", Script(duration=1.0))
            await first.saved(job.id)
            await eventually(lambda: not first.engine.downloads.is_under_way(job.id))
            assert second.engine.jobs[job.id].download.state is not DownloadState.SAVED
            await eventually(lambda: not second.engine.downloads.is_under_way(job.id))
            second.engine.downloads.start(job.id)
            await second.saved(job.id)
            await eventually(lambda: not second.engine.downloads.is_under_way(job.id))
    assert len(bench.zips) == 1


async def test_a_newer_history_is_left_alone_and_the_app_starts(bench: Bench) -> None:
    bench.paths.store_file.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(bench.paths.store_file)) as database:
        database.execute("PRAGMA user_version = 999")
    before = bench.paths.store_file.read_bytes()
    async with bench.engine() as watch:
        assert "written by a newer gale-tui. It is left alone" in watch.engine.notices[0]
        job = await bench.export(watch)
        await watch.saved(job.id)
    assert bench.paths.store_file.read_bytes() == before
    async with bench.engine() as watch:
        assert job.id in watch.engine.jobs


async def test_a_history_that_cannot_be_used_stops_the_start(bench: Bench) -> None:
    bench.paths = dataclasses.replace(bench.paths, store_file=bench.paths.config_file / "jobs.sqlite3")
    engine = bench.make()
    with pytest.raises(StoreError):
        await engine.start()
    await engine.close()


async def test_a_damaged_history_is_set_aside_and_said(bench: Bench) -> None:
    bench.paths.store_file.parent.mkdir(parents=True, exist_ok=True)
    bench.paths.store_file.write_bytes(b"this is no database at all, " * 400)
    async with bench.engine() as watch:
        assert len(watch.engine.notices) == 1
        job = await bench.export(watch)
        await watch.saved(job.id)
    assert [path for path in bench.paths.store_file.parent.iterdir() if "damaged" in path.name]


async def test_a_long_history_is_loaded_in_two_parts(bench: Bench) -> None:
    engine = bench.make()
    await engine.start()
    for number in range(320):
        await engine.registry.add(sample_job(f"old{number:03}", 1000.0 + number, state=JobState.FAILED), "requested")
    await engine.close()
    loaded: list[int] = []
    engine = bench.make()
    engine.on_loaded.append(lambda jobs: loaded.append(len(jobs)))
    await engine.start()
    try:
        await eventually(lambda: bool(loaded))
        assert len(engine.jobs) == 320
        assert loaded == [20]
    finally:
        await engine.close()


async def test_a_removed_export_is_restored_after_a_restart_and_saved(bench: Bench) -> None:
    bench.script(duration=60.0)
    async with bench.engine() as first:
        job = await bench.export(first)
        await first.engine.jobs.remove(job.id)
    async with bench.engine() as second:
        assert dict(second.engine.jobs) == {}
        restored = await second.engine.jobs.restore_last()
        assert restored is not None
        assert restored.id == job.id
        await second.saved(job.id)
        assert await second.engine.jobs.restore_last() is None
    assert bench.posts == 1
