"""Damage to the history: an unreadable value costs that value, and what SQLite can read of a damaged file is kept."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gale_tui.core.batch.tools import BatchTool
from gale_tui.core.history.batches import BatchRecord
from gale_tui.core.history.drafts import ExportDraft
from gale_tui.core.history.rows import row_of
from gale_tui.core.history.schema import SELECT_JOBS
from gale_tui.core.history.sets import ToolSet
from gale_tui.core.history.store import JobStore
from gale_tui.core.models import DownloadState, Job, JobState
from tests.support.examples import examples
from tests.support.history_samples import sample_job

TOOLS = tuple(BatchTool(f"a-{number}", f"cf-{number}", f"Tool {number}", number) for number in range(3))
PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


async def made(path: Path, count: int = 20) -> dict[str, Job]:
    """A history with a bit of everything, closed."""
    store = await JobStore.open(path)
    await store.batches.add(BatchRecord("batch", "staging", "Staging", "https://x", TOOLS, name="half", created_at=1.0))
    for number in range(count):
        job = sample_job(f"job-{number}", created_at=float(number), last_response="x" * 700 * (number % 4) * 4)
        await store.add(job, "requested", line=("batch", 0) if number == 0 else None)
    await store.sets.save(ToolSet("nightly", TOOLS, "staging", 1.7e9))
    await store.drafts.save(ExportDraft("a-1", "cf-1", "Typed", "", "staging", 1.7e9))
    await store.remove(f"job-{count - 1}")
    await store.batches.release("batch")
    jobs = {job.id: job for job in await store.load()}
    await store.close()
    return jobs


async def assert_all_there(path: Path, jobs: dict[str, Job], said: list[str]) -> None:
    store = await JobStore.open(path, on_notice=said.append)
    assert {job.id: job for job in await store.load()} == jobs
    assert [event.text for event in await store.events("job-3")] == ["requested"]
    [batch] = await store.batches.interrupted()
    assert (batch.name, dict(batch.started)) == ("half", {0: "job-0"})
    assert [each.name for each in await store.sets.all()] == ["nightly"]
    draft = await store.drafts.find()
    assert draft is not None
    assert draft.label == "Typed"
    changed = await store.update("job-0", lambda job: job.with_download(state=DownloadState.WANTED))
    assert changed is not None
    assert changed.job.revision > max(job.revision for job in jobs.values())
    await store.close()


UNREADABLE: dict[str, object] = {
    "state": "garbled",
    "download_state": "x",
    "created_at": "soon",
    "started_at": 1e300,
    "posts": "two",
    "percentage": b"\xff\xfe",
    "label": b"\x00\x01",
    "production": "no",
    "environment_name": b"",
    "last_response": b"\xff",
    "status": 5,
}


@pytest.mark.parametrize("column", UNREADABLE)
async def test_one_unreadable_value_costs_that_value_alone(path: Path, column: str) -> None:
    jobs = await made(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"UPDATE jobs SET {column} = ? WHERE id = 'job-3'", (UNREADABLE[column],))  # noqa: S608
    said: list[str] = []
    store = await JobStore.open(path, on_notice=said.append)
    found = {job.id: job for job in await store.load()}
    assert found.keys() == jobs.keys()
    assert (found["job-3"].dock_status_id, found["job-3"].state) == ("ds-job-3", JobState.RUNNING)
    assert found["job-3"].production is (column == "production"), "unknown is treated with care"
    assert [name for name in jobs if found[name] != jobs[name]] in (["job-3"], [])
    changed = await store.update("job-3", lambda job: job.with_download(received=5))
    assert changed is not None
    await store.close()
    assert said == []
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute(f"{SELECT_JOBS} WHERE id = 'job-3'").fetchone()
    assert row == row_of(changed.job), "the next change writes what was made of it"


async def test_a_state_that_cannot_be_read_never_sends_an_export_again(path: Path) -> None:
    store = await JobStore.open(path)
    await store.add(sample_job(state=JobState.WAITING, dock_status_id=None))
    await store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE jobs SET state = 'w\xe4iting'")
    store = await JobStore.open(path)
    assert [job.state for job in await store.load()] == [JobState.UNCONFIRMED]
    await store.close()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("jobs", "label"),
        ("jobs", "state"),
        ("events", "text"),
        ("sets", "items"),
        ("batches", "plan"),
        ("drafts", "text"),
    ],
)
async def test_text_that_is_not_utf_8_costs_its_bytes_alone(path: Path, table: str, column: str) -> None:
    jobs = await made(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        sql = f"UPDATE {table} SET {column} = CAST(x'ff' || substr({column}, 2) AS TEXT)"  # noqa: S608
        connection.execute(sql)
    said: list[str] = []
    store = await JobStore.open(path, on_notice=said.append)
    assert {job.id for job in await store.load()} == jobs.keys()
    assert len(await store.events("job-3")) == 1
    await asyncio.gather(store.sets.all(), store.batches.interrupted(), store.drafts.find())
    await store.add(sample_job("new"))
    await store.close()
    assert said == []


async def test_an_id_that_cannot_be_read_is_damage_and_costs_nothing_else(path: Path) -> None:
    jobs = await made(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE jobs SET id = CAST(x'ff' AS TEXT) WHERE id = 'job-3'")
    store = await JobStore.open(path)
    found = {job.dock_status_id: job for job in await store.load()}
    assert found.keys() == {job.dock_status_id for job in jobs.values()}
    assert await store.update(found["ds-job-3"].id, lambda job: job.with_download(received=5)) is not None
    assert "19 jobs were recovered" in store.notice
    await store.close()


def content(path: Path) -> bytes:
    return path.read_bytes()


def set_version(version: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version={version}")

    return damage


def set_byte(at: int, value: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(at)
            file.write(bytes((value,)))

    return damage


def garbled_schema(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b"CREATE TABLE jobs", b"CREATE TABLE j\xffbs", 1))


def garbled_index(by: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        content = path.read_bytes()
        assert b"OR download_state IN" in content
        path.write_bytes(content.replace(b"OR download_state IN", b"OR download_state" + by + b"IN", 1))

    return damage


def no_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * 100)


@pytest.mark.parametrize(
    "damage",
    [
        *(set_version(version) for version in (2, 1, 0, -1, -(2**31), 7, 2**30)),
        *(set_byte(at, 0x81) for at in (18, 31, 52, 68)),
        garbled_index(b"\xa0"),
        garbled_index(b"x"),
    ],
)
async def test_damage_that_the_tables_survive_costs_nothing(path: Path, damage: Callable[[Path], None]) -> None:
    jobs = await made(path)
    damage(path)
    said: list[str] = []
    await assert_all_there(path, jobs, said)
    assert len(said) <= 1


@pytest.mark.parametrize("damage", [set_byte(0, 0x81), garbled_schema, no_header])
async def test_a_file_that_sqlite_cannot_read_is_kept_and_said(path: Path, damage: Callable[[Path], None]) -> None:
    await made(path)
    damage(path)
    before = content(path)
    store = await JobStore.open(path)
    [aside] = path.parent.glob("*.damaged-*Z")
    assert content(aside) == before
    assert f"No job could be read; the damaged file is kept as {aside}" in store.notice
    await store.add(sample_job("new"))
    assert [job.id for job in await store.load()] == ["new"]
    await store.close()


def _damage_three_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    leaves = [at for at in range(0, len(content), PAGE) if content[at] == 13 and b"x" * 700 in content[at : at + PAGE]]
    for at in leaves[5], leaves[12], leaves[19]:
        content[at + 8 : at + PAGE] = b"\xa5" * (PAGE - 8)
    path.write_bytes(content)


async def test_damaged_pages_cost_what_is_on_them(path: Path) -> None:
    async with await JobStore.open(path) as store:
        for number in range(120):
            await store.add(sample_job(f"job-{number}", last_response="x" * 700))
    _damage_three_pages(path)
    async with await JobStore.open(path) as store:
        assert 100 < len(await store.load()) < 120


@pytest.fixture(scope="module")
def of_two_hundred(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Job]]:
    """A history, to be copied, and its jobs."""
    path = tmp_path_factory.mktemp("two-hundred") / "jobs.sqlite3"
    return path, asyncio.run(made(path, 200))


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.7, 0.9, 0.99])
async def test_a_truncated_file_gives_back_what_is_before_the_cut(
    path: Path, kept: float, of_two_hundred: tuple[Path, dict[str, Job]]
) -> None:
    source, jobs = of_two_hundred
    shutil.copy(source, path)
    with closing(sqlite3.connect(path)) as connection:
        pages = dict(connection.execute("SELECT pageno, ncell FROM dbstat WHERE name = 'jobs' AND pagetype = 'leaf'"))
    size = int(os.stat(path).st_size // PAGE * kept)
    whole = sum(cells for page, cells in pages.items() if page <= size)
    os.truncate(path, size * PAGE + 100)
    said: list[str] = []
    store = await JobStore.open(path, on_notice=said.append)
    found = {job.id: job for job in await store.load()}
    await store.close()
    assert len(said) == 1
    assert whole > 10
    assert len(found) > whole - 10, "but those whose long answers are behind it"
    assert found.items() <= jobs.items()


async def test_any_byte_of_the_first_pages_may_be_wrong(tmp_path: Path) -> None:
    source = tmp_path / "sound.sqlite3"
    jobs = await made(source, 4)
    content = source.read_bytes()
    known = {job.dock_status_id for job in jobs.values()}
    # Each takes six milliseconds of processor: all 8,192 with GALE_TUI_EXAMPLES, otherwise the head and a fortieth.
    places = range(2 * PAGE) if examples(1) > 1 else (*range(108), *range(108, 2 * PAGE, 40))
    # In memory where there is such a place: thousands of files are written.
    memory = Path("/dev/shm")  # noqa: S108  # a folder of its own below
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        path = Path(folder) / "jobs.sqlite3"
        for at in places:
            for left in path.parent.iterdir():
                left.unlink()
            path.write_bytes(content[:at] + bytes((content[at] ^ 1 << at % 8,)) + content[at + 1 :])
            store = await JobStore.open(path)
            if {job.dock_status_id for job in await store.load()} != known:
                assert "the damaged file is kept" in store.notice, at
                assert any(".damaged-" in left.name for left in path.parent.iterdir()), at
            await store.add(sample_job("new"))
            await store.close()
