"""A batch that was cut short: kept from before its first export, gone on with once, by one process alone."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from gale_tui.core.batch.report import Outcome
from gale_tui.core.batch.tools import BadLine
from gale_tui.core.downloads.saved_file import is_unchanged
from gale_tui.core.errors import LineStartedError
from gale_tui.core.history.batches import BatchRecord
from gale_tui.core.history.store import JobStore
from gale_tui.core.jobs import batch_runner
from gale_tui.core.jobs.batch_runner import BatchRun, account_of
from gale_tui.core.models import Download
from gale_tui.sandbox.script import Script
from tests.core.jobs.test_batch_runner import new_run, posts, set_up, tool_id, tools
from tests.support import faults
from tests.support.engines import Bench, bench, eventually
from tests.support.history_samples import sample_job

__all__ = ["bench"]


async def cut_short(bench: Bench, count: int = 4) -> BatchRecord:
    """A batch whose second tool waits after a 429 when the process ends, so that the others are not started."""
    set_up(bench, count, n1=Script(duration=1.0, on_export=(faults.rate_limited(20),)))
    async with bench.engine() as watch:
        before = len(posts(bench))
        bad = (BadLine(9, "nonsense", "no Flow ID"),)
        run = new_run(watch, bench, tools(count), bad=bad)
        running = asyncio.create_task(run.run())
        await eventually(lambda: len(posts(bench)) == before + 2 and run.unstarted == count - 2)
        assert await watch.engine.batches.interrupted() == [], "it is run here"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    store = await JobStore.open(bench.paths.store_file)
    (kept,) = await store.batches.interrupted()
    await store.close()
    return kept


async def test_what_was_not_started_is_kept_and_gone_on_with(bench: Bench) -> None:
    kept = await cut_short(bench)
    assert (kept.unstarted, kept.title, sorted(kept.started)) == (2, "nightly", [0, 1])
    async with bench.engine() as watch:
        engine = watch.engine
        before = account_of(kept, await engine.batches.jobs(kept))
        assert before.count(Outcome.NOT_STARTED) == 2
        assert "2 of its 4 tools" in before.stopped
        account = await BatchRun(engine, bench.environment, kept, resumed=True).run()
        assert account.sentence == "4 saved · 1 line invalid"
        assert await engine.batches.interrupted() == []
        assert await engine.batches.find(kept.id) is None
    # The second was sent again after its 429, by the next process, and no other was.
    order = [post.path.split("/")[4] for post in posts(bench)]
    assert sorted(order) == sorted([*(tool_id(number) for number in range(4)), tool_id(1)])
    assert len(bench.zips) == 4


async def test_what_was_saved_before_the_cut_is_compared_with_the_run_before_and_not_started_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(bench, 3)
    async with bench.engine() as watch:
        await new_run(watch, bench, tools(3)).run()
    kept = await cut_short(bench, 3)
    async with bench.engine() as watch:
        await watch.saved(kept.started[0])
    all_started = threading.Event()

    def compare(*files: Download) -> bool | None:
        assert all_started.wait(60)
        return is_unchanged(*files)

    monkeypatch.setattr(batch_runner, "is_unchanged", compare)
    async with bench.engine() as watch:
        run = BatchRun(watch.engine, bench.environment, kept, resumed=True)
        running = asyncio.create_task(run.run())
        await eventually(lambda: not run.unstarted)
        all_started.set()
        assert (await running).sentence == "3 saved (3 unchanged) · 1 line invalid"


async def test_two_processes_do_not_both_go_on(bench: Bench) -> None:
    kept = await cut_short(bench)
    async with bench.engine() as one, bench.engine() as other:
        first = asyncio.create_task(BatchRun(one.engine, bench.environment, kept, resumed=True).run())
        await eventually(lambda: len(posts(bench)) >= 3)
        assert await other.engine.batches.interrupted() == []
        with pytest.raises(LineStartedError, match="Another gale-tui"):
            await BatchRun(other.engine, bench.environment, kept, resumed=True).run()
        assert (await first).count(Outcome.SAVED) == 4
    assert len(posts(bench)) == 5


async def test_a_line_whose_job_is_recorded_is_never_started_again_even_without_a_lease(bench: Bench) -> None:
    kept = await cut_short(bench)
    async with bench.engine() as watch:
        run = BatchRun(watch.engine, bench.environment, kept, resumed=True)
        # As a process would have it that was stopped before the other one started all.
        other = await JobStore.open(bench.paths.store_file)
        for place in (2, 3):
            await other.add(sample_job(f"other-{place}"), line=(kept.id, place))
        with pytest.raises(LineStartedError):
            await other.add(sample_job("once more"), line=(kept.id, 3))
        assert "once more" not in {job.id for job in await other.load()}, "nothing of it is written"
        await other.close()
        started = await run._start(2)
        assert started is None
        assert run.account.entries[2].outcome is Outcome.NOT_STARTED
        assert "Another gale-tui" in run.account.stopped
    assert not [post for post in posts(bench) if tool_id(2) in post.path]


async def test_a_job_that_was_taken_off_the_list_is_not_exported_again(bench: Bench) -> None:
    kept = await cut_short(bench)
    async with bench.engine() as watch:
        await watch.engine.jobs.remove(kept.started[0])
        account = await BatchRun(watch.engine, bench.environment, kept, resumed=True).run()
        assert account.entries[0].outcome is Outcome.UNFINISHED
        assert account.count(Outcome.SAVED) == 3
    assert len([post for post in posts(bench) if tool_id(0) in post.path]) == 1


async def test_where_nothing_can_be_sent_the_rest_is_kept(bench: Bench) -> None:
    set_up(bench, 3)
    async with bench.engine(key="kg-test-key-0000-wrong") as watch:
        account = await new_run(watch, bench, tools(3)).run()
        assert account.count(Outcome.NOT_STARTED) == 2
        (kept,) = await watch.engine.batches.interrupted()
        assert kept.unstarted == 2
    async with bench.engine() as watch:
        account = await BatchRun(watch.engine, bench.environment, kept, resumed=True).run()
        assert (account.count(Outcome.SAVED), account.count(Outcome.REJECTED)) == (2, 1)


async def test_a_new_batch_with_all_that_was_left_takes_its_place(bench: Bench) -> None:
    await cut_short(bench)
    async with bench.engine() as watch:
        batches = watch.engine.batches
        await batches.add(plan(bench, "other", 1))
        assert {each.name for each in await batches.interrupted()} == {"nightly"}, "another tool alone does not"
        await batches.remove("other")
        await new_run(watch, bench, tools(4)).run()
        assert await batches.interrupted() == []


def plan(bench: Bench, batch_id: str, count: int) -> BatchRecord:
    environment = bench.environment
    return BatchRecord(batch_id, environment.id, environment.name, str(environment.origin), tools(count), "other")


async def test_a_line_whose_export_was_removed_stays_started(tmp_path: Path) -> None:
    store = await JobStore.open(tmp_path / "jobs.sqlite3")
    await store.batches.add(BatchRecord("b", "e", "e", "https://e", tools(2)))
    await store.add(sample_job("1"), line=("b", 0))
    await store.remove("1")
    found = await store.batches.find("b")
    assert found is not None
    assert dict(found.started) == {0: "1"}
    await store.close()


def test_the_plan_survives_as_it_is(tmp_path: Path) -> None:
    kept = BatchRecord(
        "b", "e", "staging", "https://e", tools(2), "näch\ud800tly", tmp_path / "x\udcff", False,
        (BadLine(3, "text", "problem"),), 5.0, {1: "job"},
    )  # fmt: skip
    assert BatchRecord.from_json("b", "e", 5.0, kept.to_json(), {1: "job", 7: "none"}) == kept


async def test_one_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    store = await JobStore.open(path)
    await store.batches.add(BatchRecord("b", "e", "e", "https://e", tools(1)))
    await store.batches.release("b")
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        for number, text in enumerate(("{", "5", '{"tools": [[1]]}')):
            database.execute("INSERT INTO batches VALUES (?, 'e', 9, ?)", (f"bad-{number}", text))
    assert [each.id for each in await store.batches.interrupted()] == ["b"]
    await store.close()
