"""The file of the history: where it lies, what is damaged, older, newer, full or in the way."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gale_tui.core.errors import NewerStoreError, StoreError
from gale_tui.core.history import connection, salvage
from gale_tui.core.history import files as store_files
from gale_tui.core.history import schema as store_schema
from gale_tui.core.history.files import on_network
from gale_tui.core.history.schema import MIGRATIONS, Write
from gale_tui.core.history.store import JobStore
from gale_tui.core.models import Job
from tests.support.forked import run_forked
from tests.support.history_samples import sample_job

MOUNTS = """\
22 28 0:20 / /proc rw,nosuid - proc proc rw
28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 28 0:40 / /home rw shared:2 master:3 - nfs4 filer:/home rw,vers=4.2
41 40 8:1 / /home/local rw - xfs /dev/sda1 rw
42 28 0:42 / /mnt/with\\040space rw - cifs //filer/share rw
43 28 0:43 / /mnt/ssh rw - fuse.sshfs me@there:/ rw
44 28 0:44 / /mnt/ntfs rw - fuseblk /dev/sdb1 rw
45 28 0:45 / /mnt/twice rw - 9p share rw
46 45 0:46 / /mnt/twice rw - tmpfs tmpfs rw
this line - is broken
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "jobs.sqlite3"


def kept_aside(path: Path) -> list[Path]:
    """The databases that were set aside, without their logs."""
    return sorted(file for file in path.parent.iterdir() if ".damaged-" in file.name and file.suffix.count("-") == 1)


def content(path: Path) -> bytes:
    return path.read_bytes()


async def made(path: Path, count: int = 1) -> list[Job]:
    store = await JobStore.open(path)
    for number in range(count):
        await store.add(sample_job(f"job-{number:04}", created_at=float(number), last_response="x" * 500), "requested")
    jobs = await store.load()
    await store.close()
    return jobs


@pytest.mark.parametrize(
    ("folder", "network"),
    [
        ("/var/lib", False),
        ("/", False),
        ("/home", True),
        ("/home/me/.local/share", True),
        ("/homely", False),
        ("/home/local/me", False),
        ("/mnt/with space/x", True),
        ("/mnt/ssh", True),
        ("/mnt/ntfs", False),
        ("/mnt/twice", False),
    ],
)
def test_network_file_systems_are_known_by_their_mount(
    tmp_path: Path, folder: str, network: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS)
    monkeypatch.setattr(store_files, "MOUNTINFO", table)
    assert on_network(Path(folder)) is network


def test_without_a_table_of_mounts_nothing_is_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_files, "MOUNTINFO", tmp_path / "none")
    assert on_network(Path("/home")) is False


async def test_on_a_network_file_system_there_is_a_rollback_journal(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await made(path)
    table = tmp_path / "mountinfo"
    table.write_text(f"1 0 0:1 / {tmp_path} rw - nfs filer:/ rw\n")
    monkeypatch.setattr(store_files, "MOUNTINFO", table)
    first, second = await JobStore.open(path), await JobStore.open(path)
    assert await first.load() == before
    await asyncio.gather(*(store.add(sample_job(f"{id(store)}-{n}")) for n in range(20) for store in (first, second)))
    assert len(await first.load()) == len(await second.load()) == 41
    assert len(await first.foreign_changes()) == len(await second.foreign_changes()) == 20
    assert os.listdir(path.parent) == ["jobs.sqlite3"]
    await first.close()
    await second.close()
    assert content(path)[18:20] == b"\1\1"


def garbage(path: Path) -> None:
    path.write_bytes(b"This is no database, and has never been one.\n" * 500)


def half_a_page(path: Path) -> None:
    os.truncate(path, 2000)


def overwritten_start(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * 3000)


def another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")


def a_table_is_gone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE leases")


@pytest.mark.parametrize("damage", [garbage, half_a_page, overwritten_start, another_program, a_table_is_gone])
async def test_a_damaged_file_is_set_aside_untouched_and_the_history_begins_anew(
    path: Path, damage: Callable[[Path], None]
) -> None:
    await made(path)
    damage(path)
    before = content(path)
    store = await JobStore.open(path)
    [aside] = kept_aside(path)
    assert content(aside) == before
    assert str(aside) in store.notice
    assert "damaged" in store.notice
    await store.add(sample_job("new"))
    assert "new" in [job.id for job in await store.load()]
    await store.close()
    store = await JobStore.open(path)
    assert store.notice == ""
    await store.close()
    assert kept_aside(path) == [aside]


async def test_what_can_be_read_of_a_damaged_file_is_taken_over(path: Path) -> None:
    jobs = await made(path, 200)
    a_table_is_gone(path)
    store = await JobStore.open(path)
    assert "200 jobs were recovered" in store.notice
    assert await store.load() == jobs
    assert [event.text for event in await store.events("job-0042")] == ["requested"]
    change = await store.update("job-0042", lambda job: sample_job("job-0042", label="x"))
    assert change is not None
    assert change.job.revision > max(job.revision for job in jobs)
    await store.close()


def damaged_middle(path: Path) -> None:
    """Overwrites a page in the middle of the jobs, which no look at the newest ones touches."""
    with closing(sqlite3.connect(path)) as connection:
        pages = [
            page for (page,) in connection.execute("SELECT pageno FROM dbstat WHERE name = 'jobs' ORDER BY pageno")
        ]
    with path.open("r+b") as file:
        file.seek((pages[len(pages) // 2] - 1) * 4096)
        file.write(b"\xa5" * 4096)


async def test_damage_that_shows_later_is_handled_and_reported_where_it_shows(path: Path) -> None:
    jobs = await made(path, 200)
    damaged_middle(path)
    said: list[str] = []
    store = await JobStore.open(path, on_notice=said.append)
    assert said == []
    found = await store.load()
    assert len(said) == 1
    assert "damaged" in said[0]
    assert len(kept_aside(path)) == 1
    assert 190 < len(found) < 200
    assert set(found) < set(jobs)
    assert await store.load() == found
    await store.add(sample_job("new"))
    await store.close()


async def test_two_that_find_the_damage_set_aside_one_file(path: Path) -> None:
    await made(path, 200)
    damaged_middle(path)
    first, second = await JobStore.open(path), await JobStore.open(path)
    found = await first.load()
    assert await second.load() == found
    assert len(kept_aside(path)) == 1
    assert first.notice != ""
    assert second.notice == ""
    await second.add(sample_job("later"))
    assert [change.job.id for change in await first.foreign_changes()] == ["later"]
    await first.close()
    await second.close()


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "made by hand"])
async def test_a_newer_file_is_left_as_it_is(path: Path, ours: bool) -> None:
    if ours:
        await made(path)
    else:
        os.makedirs(path.parent)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE from_the_future (x)")
        connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    before = content(path)
    with pytest.raises(NewerStoreError, match="newer gale-tui"):
        await JobStore.open(path)
    assert content(path) == before
    assert os.listdir(path.parent) == ["jobs.sqlite3"]


async def test_an_older_file_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await made(path, 3)

    def second_version(write: Write) -> None:
        write("CREATE TABLE names (name TEXT PRIMARY KEY)")
        write("INSERT INTO names SELECT id FROM jobs")

    def broken_version(write: Write) -> None:
        write("CREATE TABLE half (x)")
        write("INSERT INTO nowhere VALUES (1)")

    monkeypatch.setattr(store_schema, "MIGRATIONS", (*MIGRATIONS, second_version, broken_version))
    with pytest.raises(StoreError):
        await JobStore.open(path)
    monkeypatch.setattr(store_schema, "MIGRATIONS", (*MIGRATIONS, second_version))
    for _ in range(2):
        stores = await asyncio.gather(*(JobStore.open(path) for _ in range(3)))
        assert await stores[0].load() == before
        await asyncio.gather(*(store.close() for store in stores))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
        assert connection.execute("SELECT count(*) FROM names").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)


async def test_many_instances_that_start_at_once_make_one_file(tmp_path: Path) -> None:
    for attempt in range(10):
        path = tmp_path / str(attempt) / "jobs.sqlite3"
        stores = await asyncio.gather(*(JobStore.open(path) for _ in range(8)))
        assert {store.notice for store in stores} == {""}
        await asyncio.gather(*(store.add(sample_job(f"job-{number}")) for number, store in enumerate(stores)))
        assert len(await stores[0].load()) == 8
        await asyncio.gather(*(store.close() for store in stores))
        assert kept_aside(path) == []


async def test_a_file_where_the_folder_should_be_is_an_error_with_a_way_on(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StoreError, match="GALE_TUI_HOME"):
        await JobStore.open(tmp_path / "data" / "jobs.sqlite3")


@pytest.mark.parametrize("beside", ["", "-wal", "-journal", "-shm"])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/dev/zero", path)])
async def test_what_is_no_file_is_named_and_left(path: Path, beside: str, make: Callable[[Path], None]) -> None:
    os.makedirs(path.parent)
    make(path.with_name(path.name + beside))
    with pytest.raises(StoreError, match=f"{path.name}{beside} is not a file"):
        await JobStore.open(path)
    assert os.listdir(path.parent) == [path.name + beside]


FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from gale_tui.core.errors import StoreError
from gale_tui.core.history.store import JobStore
from tests.support.history_samples import sample_job

async def main():
    store = await JobStore.open(Path(sys.argv[1]))
    await store.add(sample_job("first"))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    try:
        for number in range(1000):
            await store.add(sample_job(str(number), last_response="x" * 5000))
    except StoreError as error:
        print(number, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.add(sample_job("after"))
    print(len(await store.load()))
    await store.close()

asyncio.run(main())
"""


async def test_a_disk_that_takes_no_more_is_an_error_and_no_damage(path: Path) -> None:
    failed, kept = run_forked([sys.executable, "-c", FULL, str(path)], env=os.environ).stdout.splitlines()
    number, _, sentence = failed.partition(" ")
    assert "history" in sentence
    assert int(kept) == int(number) + 2
    store = await JobStore.open(path)
    assert store.notice == ""
    assert len(await store.load()) == int(kept)
    await store.close()


READ_ONLY = """
import asyncio, os, sys
from pathlib import Path
from gale_tui.core.errors import StoreError
from gale_tui.core.history.store import JobStore

async def main():
    if os.getuid() == 0:
        os.setuid(65534)
    for name in sys.argv[1:]:
        try:
            await JobStore.open(Path(name))
        except StoreError as error:
            print(error)

asyncio.run(main())
"""


async def test_what_may_not_be_written_is_an_error_that_says_what_to_do() -> None:
    # Not below pytest's own folder, which other users than its owner cannot enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await made(folder / "jobs.sqlite3")
        os.chmod(folder / "jobs.sqlite3", 0o444)
        os.chmod(folder, 0o555)  # noqa: S103  # for the user without rights that the test becomes
        files = (str(folder / "jobs.sqlite3"), str(folder / "new.sqlite3"))
        done = run_forked([sys.executable, "-c", READ_ONLY, *files], env=os.environ)
        assert sorted(os.listdir(folder)) == ["jobs.sqlite3"]
        os.chmod(folder, 0o700)
    existing, new = done.stdout.splitlines()
    assert "Make the file and its folder writable" in existing
    assert "Make the folder writable" in new


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_FULL, "disk is full"),
        (sqlite3.SQLITE_READONLY, "may not be written"),
        (sqlite3.SQLITE_READONLY | 8 << 8, "may not be written"),
        (sqlite3.SQLITE_CANTOPEN, "cannot be opened"),
        (sqlite3.SQLITE_IOERR, "did not read or write"),
        (sqlite3.SQLITE_BUSY, "Another gale-tui"),
        (sqlite3.SQLITE_ERROR, "could not be used"),
    ],
)
async def test_each_trouble_of_the_database_has_its_sentence(
    path: Path, code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Here the history is found busy at once, again and again.
    monkeypatch.setattr(connection, "_ENDING", 0.02)
    error = sqlite3.OperationalError("it went wrong")
    error.sqlite_errorcode = code
    store = await JobStore.open(path)

    def fails(*_: Job) -> Job:
        raise error

    await store.add(sample_job())
    store._history.write_retry.end()
    with pytest.raises(StoreError, match=words):
        await store.update("job-1", fails)
    await store.close()


async def test_a_recovery_that_the_disk_refuses_leaves_the_damaged_file_for_the_next_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = await made(path, 3)
    a_table_is_gone(path)
    before = content(path)

    def refuse(*_: object) -> int:
        raise StoreError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(salvage, "copy_readable", refuse)
        with pytest.raises(StoreError, match="no room"):
            await JobStore.open(path)
    assert content(path) == before
    assert os.listdir(path.parent) == ["jobs.sqlite3"]
    store = await JobStore.open(path)
    assert sorted(job.id for job in await store.load()) == sorted(job.id for job in jobs)
    await store.close()


async def test_a_recovered_history_gets_its_name_although_the_process_was_killed_just_before(path: Path) -> None:
    jobs = await made(path, 3)
    os.rename(path, f"{path}.recovered")
    store = await JobStore.open(path)
    assert await store.load() == jobs
    await store.close()
