"""What was accepted outside is not lost when the history cannot take it at that moment."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from gale_tui.core.errors import StoreError
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import DownloadState, JobState
from tests.support import faults
from tests.support.answers import with_fields
from tests.support.engines import Bench, bench, eventually

__all__ = ["bench"]

BIG = {"padding": "x" * 40_000}
"""An answer whose record needs new pages of the database, which a full disk does not give."""


def full(engine: GaleEngine) -> None:
    """From now on the database may not grow: SQLite says that the disk is full."""
    database = engine.registry.store._history.database
    database.execute(f"PRAGMA max_page_count={database.value('PRAGMA page_count')}")


def freed(engine: GaleEngine) -> None:
    """There is room again."""
    engine.registry.store._history.database.execute("PRAGMA max_page_count=1000000")


def sealed(engine: GaleEngine, shut: bool) -> None:
    """Whether SQLite refuses every write."""
    engine.registry.store._history.database.execute(f"PRAGMA query_only={int(shut)}")


def full_after_the_request(engines: list[GaleEngine]) -> Callable[[str], None]:
    """A step that fills the disk between the record of the request and that of its answer."""

    def step(name: str) -> None:
        if name == "request sent":
            full(engines[0])

    return step


async def test_an_accepted_export_is_kept_in_memory_and_written_later(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.script(duration=10.0, edit_export=with_fields(BIG))
    engines: list[GaleEngine] = []
    async with bench.engine(step=full_after_the_request(engines)) as watch:
        engines.append(watch.engine)
        told: list[str] = []
        watch.engine.on_notice.append(told.append)
        with caplog.at_level(logging.ERROR):
            job = await bench.export(watch)
        assert (job.state, job.status) == (JobState.RUNNING, "IN_PROGRESS")
        dock = job.dock_status_id
        assert dock is not None
        assert job.unwritten
        assert "do not quit" in told[0]
        assert dock in caplog.text
        (stored,) = await watch.engine.registry.store.load()
        assert (stored.state, stored.dock_status_id) == (JobState.REQUESTING, None)
        # Polled all the same.
        await eventually(lambda: len(bench.sandbox.status_calls(dock)) >= 1)

        freed(watch.engine)
        await eventually(lambda: not watch.engine.registry._unwritten)
        assert "could be written again: nothing is missing" in told[-1]
        (stored,) = await watch.engine.registry.store.load()
        assert stored.dock_status_id == dock
        job = await watch.saved(job.id)
        assert (job.posts, job.unwritten) == (1, "")
    assert bench.posts == 1


async def test_it_is_written_at_the_end_if_that_is_possible_by_then(bench: Bench) -> None:
    bench.script(duration=10.0, edit_export=with_fields(BIG))
    engines: list[GaleEngine] = []
    async with bench.engine(step=full_after_the_request(engines)) as watch:
        engines.append(watch.engine)
        job = await bench.export(watch)
        assert watch.engine.registry._unwritten
        freed(watch.engine)
    async with bench.engine() as watch:
        assert watch.engine.jobs[job.id].dock_status_id == job.dock_status_id
        await watch.saved(job.id)
    assert bench.posts == 1


async def test_a_history_that_stays_full_leaves_an_unconfirmed_job(bench: Bench) -> None:
    bench.script(duration=10.0, edit_export=with_fields(BIG))
    engines: list[GaleEngine] = []
    async with bench.engine(step=full_after_the_request(engines)) as watch:
        engines.append(watch.engine)
        job = await bench.export(watch)
    async with bench.engine() as watch:
        job = await watch.state(job.id, JobState.UNCONFIRMED)
        await bench.clock.sleep(30)
    assert bench.posts == 1


async def test_an_unconfirmed_export_is_not_forgotten_either(bench: Bench) -> None:
    bench.script(on_export=(faults.html_page(502),))
    engines: list[GaleEngine] = []

    def step(name: str) -> None:
        if name == "request sent":
            sealed(engines[0], True)

    async with bench.engine(step=step) as watch:
        engines.append(watch.engine)
        job = await bench.export(watch)
        assert job.state is JobState.UNCONFIRMED
        assert job.unwritten
        sealed(watch.engine, False)
        job = await watch.until(job.id, lambda job: not job.unwritten)
        assert (job.state, job.posts) == (JobState.UNCONFIRMED, 1)


async def test_what_cannot_be_recorded_is_not_sent(bench: Bench) -> None:
    async with bench.engine() as watch:
        full(watch.engine)
        with pytest.raises(StoreError, match="disk is full"):
            await bench.export(watch, label="x" * 40_000)
        assert bench.posts == 0
        freed(watch.engine)
        assert dict(watch.engine.jobs) == {}
        job = await bench.export(watch)
        await watch.saved(job.id)


async def test_a_status_that_cannot_be_written_is_asked_for_again(bench: Bench) -> None:
    bench.script(duration=5.0, edit_status=with_fields(BIG))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        full(watch.engine)
        await eventually(lambda: len(bench.sandbox.status_calls(job.dock_status_id or "")) >= 6)
        assert watch.engine.jobs[job.id].state is JobState.RUNNING
        freed(watch.engine)
        await watch.saved(job.id)


async def test_a_download_waits_for_the_history(bench: Bench) -> None:
    bench.script(duration=2.0)
    async with bench.engine() as watch:
        job = await bench.export(watch, save_when_ready=False)
        job = await watch.state(job.id, JobState.SUCCEEDED)
        sealed(watch.engine, True)
        with pytest.raises(StoreError, match="may not be written"):
            await watch.engine.jobs.download(job.id)
        sealed(watch.engine, False)
        await watch.engine.jobs.download(job.id)
        await watch.saved(job.id)
    assert len(bench.zips) == 1


async def test_a_saved_file_is_known_although_the_history_did_not_take_it(bench: Bench) -> None:
    bench.script(duration=2.0)
    engines: list[GaleEngine] = []

    def step(name: str) -> None:
        if name == "link":
            sealed(engines[0], True)

    async with bench.engine(step=step) as watch:
        engines.append(watch.engine)
        job = await bench.export(watch)
        job = await watch.saved(job.id)
        assert watch.engine.registry._unwritten
        sealed(watch.engine, False)
        await eventually(lambda: not watch.engine.registry._unwritten)
    async with bench.engine() as watch:
        assert watch.engine.jobs[job.id].download.state is DownloadState.SAVED
    assert len(bench.zips) == 1


async def test_a_history_that_is_shut_before_the_part_is_made_is_waited_for(bench: Bench) -> None:
    bench.script(duration=2.0)
    async with bench.engine() as watch:
        job = await bench.export(watch)
        await watch.until(job.id, lambda job: job.download.state is DownloadState.WANTED)
        sealed(watch.engine, True)
        await bench.clock.sleep(30)
        sealed(watch.engine, False)
        await watch.saved(job.id)
    assert len(bench.zips) == 1
