"""A batch on a real engine and a real server: every tool accounted for, and what is like the last time said."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gale_tui.core.batch.parser import parse_batch
from gale_tui.core.batch.report import BatchAccount, Outcome
from gale_tui.core.batch.tools import BadLine, Batch, BatchTool
from gale_tui.core.history.batches import BatchRecord
from gale_tui.core.jobs.batch_runner import BURST, BatchRun
from gale_tui.core.jobs.reasons import describe_entry
from gale_tui.core.models import JobState
from gale_tui.sandbox.script import Fault, Script
from tests.support import faults
from tests.support.engines import FACTOR, Bench, Watch, bench, eventually
from tests.support.sandbox import Record

__all__ = ["bench"]

QUICK = Script(duration=1.0)


def tool_id(number: int) -> str:
    return f"a-{number:08d}-1111-4111-8111-111111111111"


def flow_id(number: int) -> str:
    return f"cf-{number:08d}-2222-4222-8222-222222222222"


def tools(count: int) -> tuple[BatchTool, ...]:
    return tuple(BatchTool(tool_id(number), flow_id(number), f"Tool {number}", number) for number in range(count))


def forty_lines() -> Batch:
    """A CSV of forty lines, two of which are wrong."""
    lines = [f'{tool_id(number)},{flow_id(number)},"Tool, {number}"' for number in range(38)]
    lines.insert(6, f"{tool_id(90)}")
    lines.insert(20, "no id,cf-1")
    return parse_batch("\n".join(("tool_id,flow_id,label", *lines)))


def set_up(bench: Bench, count: int, **scripts: Script) -> None:
    for number in range(count):
        bench.sandbox.script(tool_id(number), scripts.get(f"n{number}", QUICK))


def posts(bench: Bench) -> list[Record]:
    """Every export that was asked for."""
    return [each for each in bench.sandbox.requests if each.method == "POST"]


def new_run(
    watch: Watch, bench: Bench, batch: tuple[BatchTool, ...], name: str = "nightly", bad: tuple[BadLine, ...] = ()
) -> BatchRun:
    record = BatchRecord.new(bench.environment, batch, name=name, bad=bad, created_at=watch.engine.clock.time())
    return BatchRun(watch.engine, bench.environment, record)


async def run(watch: Watch, bench: Bench, batch: tuple[BatchTool, ...], name: str = "nightly") -> BatchAccount:
    return await new_run(watch, bench, batch, name).run()


async def test_forty_tools_from_a_csv_and_again(bench: Bench) -> None:
    batch = forty_lines()
    assert [(each.line, each.problem) for each in batch.bad] == [
        (8, "no Flow ID"),
        (22, "Tool ID: the id has spaces or invisible characters in it"),
    ]
    set_up(bench, 38, n9=Script(duration=1.0, outcome="FAILED", reason="Node n3 has no model"))
    lines: list[str] = []

    async def once(watch: Watch) -> BatchAccount:
        def changed(account: BatchAccount) -> None:
            if lines[-1:] != [account.progress]:
                lines.append(account.progress)

        engine = watch.engine
        record = BatchRecord.new(
            bench.environment, batch.tools, name="nightly", bad=batch.bad, created_at=engine.clock.time()
        )
        return await BatchRun(engine, bench.environment, record, changed).run()

    async with bench.engine() as watch:
        first = await once(watch)
        assert first.sentence == "37 saved · 1 failed · 2 lines invalid"
        assert [describe_entry(entry).text for entry in first.not_good] == ["Node n3 has no model"]
        assert len(bench.zips) == 37
        assert lines[0] == "0 of 38"
        assert lines[-1] == "38 of 38 · 37 saved · 1 failed"
        assert {job.batch for job in watch.engine.jobs.values()} == {"nightly"}
    # Another process, another day.
    async with bench.engine() as watch:
        second = await once(watch)
        assert second.sentence == "37 saved (37 unchanged) · 1 failed · 2 lines invalid"
    assert len(bench.zips) == 74
    assert len(posts(bench)) == 76


async def test_a_change_is_not_unchanged_and_packing_alone_is_none(bench: Bench) -> None:
    set_up(bench, 2)
    async with bench.engine() as watch:
        first = await run(watch, bench, tools(2))
        assert [entry.unchanged for entry in first.entries] == [None, None]
        bench.sandbox.script(tool_id(0), Script(duration=1.0, version=2))
        # Other bytes of the same contents: packed anew.
        repack(saved_file(first, 1))
        await forget_checksum(watch, first, 1)
        second = await run(watch, bench, tools(2))
        assert [entry.unchanged for entry in second.entries] == [False, True]
        # The last one counts, not the first.
        third = await run(watch, bench, tools(2))
        assert [entry.unchanged for entry in third.entries] == [True, True]


def saved_file(account: BatchAccount, place: int) -> Path:
    job = account.entries[place].job
    assert job is not None
    assert job.download.path is not None
    return job.download.path


async def forget_checksum(watch: Watch, account: BatchAccount, place: int) -> None:
    """So that the files themselves have to be compared."""
    job = account.entries[place].job
    assert job is not None
    await watch.engine.registry.change(job.id, lambda job: job.with_download(sha256="0" * 64))


def repack(path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in reversed(archive.namelist())}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


async def test_a_missing_or_broken_file_before_is_no_comparison(bench: Bench) -> None:
    set_up(bench, 2)
    async with bench.engine() as watch:
        first = await run(watch, bench, tools(2))
        saved_file(first, 0).unlink()
        saved_file(first, 1).write_bytes(b"PK")
        for place in (0, 1):
            await forget_checksum(watch, first, place)
        second = await run(watch, bench, tools(2))
        assert [entry.unchanged for entry in second.entries] == [None, None]
        assert second.sentence == "2 saved"


async def test_no_more_than_one_a_second_and_then_one_in_two(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gale_tui.core.jobs.batch_runner.BURST", 5)
    set_up(bench, 9)
    sent: list[float] = []

    def step(name: str) -> None:
        if name == "request sent":
            sent.append(bench.clock.monotonic())

    async with bench.engine(step=step) as watch:
        began = bench.clock.monotonic()
        await run(watch, bench, tools(9))
    # From the start, not from one to the next: one that is late may be followed by one that is on time.
    assert len(sent) == 9
    earliest = (0, 1, 2, 3, 4, 6, 8, 10, 12)
    assert all(at - began >= least for at, least in zip(sent, earliest, strict=True)), (began, sent)
    assert BURST > 5


async def test_while_one_waits_after_a_429_no_other_is_sent(bench: Bench) -> None:
    set_up(bench, 3, n0=Script(duration=1.0, on_export=(faults.rate_limited(20),)))
    async with bench.engine() as watch:
        account = await run(watch, bench, tools(3))
        assert account.sentence == "3 saved"
    order = [post.path.split("/")[4] for post in posts(bench)]
    assert order == [tool_id(0), tool_id(0), tool_id(1), tool_id(2)]


async def test_what_is_refused_is_a_row_and_the_others_go_on(bench: Bench) -> None:
    set_up(
        bench,
        4,
        n1=Script(on_export=(faults.refused(404, "No such tool"),)),
        n2=Script(on_export=(faults.server_error(500),)),
    )
    async with bench.engine() as watch:
        account = await run(watch, bench, tools(4))
        assert [entry.outcome for entry in account.entries] == [
            Outcome.SAVED,
            Outcome.REJECTED,
            Outcome.UNCONFIRMED,
            Outcome.SAVED,
        ]
        assert account.sentence == "2 saved · 1 rejected · 1 unconfirmed"
        assert len(watch.engine.jobs) == 4
    assert len(posts(bench)) == 4


async def test_a_refused_key_ends_it_after_one(bench: Bench) -> None:
    set_up(bench, 3)
    async with bench.engine(key="kg-test-key-0000-wrong") as watch:
        account = await run(watch, bench, tools(3))
        assert account.sentence == "0 saved · 1 rejected · 2 not started"
        assert account.stopped.startswith("The key is refused")
    assert len(posts(bench)) == 1


async def test_a_server_that_is_gone_ends_it_after_three(bench: Bench) -> None:
    async with bench.engine() as watch:
        bench.sandbox.stop()
        account = await run(watch, bench, tools(5))
        assert account.sentence == "0 saved · 3 not sent · 2 not started"


async def test_readonly_starts_nothing(bench: Bench) -> None:
    async with bench.engine(readonly=True) as watch:
        account = await run(watch, bench, tools(2))
        assert account.sentence == "0 saved · 2 not started"
        assert account.stopped.startswith("Read-only")
    assert posts(bench) == []


async def test_stopped_it_starts_no_more_and_saves_what_was_started(bench: Bench) -> None:
    set_up(bench, 3, n0=Script(duration=30.0))
    async with bench.engine() as watch:
        batch = new_run(watch, bench, tools(3))
        running = asyncio.create_task(batch.run())
        await eventually(lambda: len(posts(bench)) >= 1)
        batch.stop("Stopped")
        account = await running
        saved = account.count(Outcome.SAVED)
        assert saved >= 1
        assert account.count(Outcome.NOT_STARTED) == 3 - saved
        assert {entry.why for entry in account.entries if entry.outcome is Outcome.NOT_STARTED} == {"Stopped"}
        assert batch.unstarted == 0


async def test_given_up_it_says_what_goes_on(bench: Bench) -> None:
    set_up(bench, 2, n0=Script(duration=3000.0), n1=Script(on_export=(Fault(delay=1000.0),)))
    async with bench.engine() as watch:
        batch = new_run(watch, bench, tools(2))
        running = asyncio.create_task(batch.run())
        await eventually(lambda: len(posts(bench)) == 2)
        batch.stop_waiting("Not finished in time")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        # The second may have arrived: it is not called not started.
        assert [entry.outcome for entry in batch.account.entries] == [Outcome.UNFINISHED, Outcome.UNFINISHED]
        states = {job.tool_id: job.state for job in watch.engine.jobs.values()}
        assert states == {tool_id(0): JobState.RUNNING, tool_id(1): JobState.REQUESTING}
    assert FACTOR > 1
