"""Faults of the disk with the files, and of the history."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

from gale_tui.core.errors import GaleError
from gale_tui.core.history.schema import MIGRATIONS
from gale_tui.core.jobs.reasons import describe_download
from gale_tui.core.models import DownloadState, JobState
from gale_tui.sandbox.script import File, Script
from tests.faults.stories import exported
from tests.faults.world import FLOW, TOOL, Injected, World
from tests.support import faults
from tests.support.answers import served
from tests.support.other_instance import other_instance

__all__ = ["FAULTS"]

ZIP = "Scripted Tool--staging--TIME.zip, whole"
SAVED = ("history: succeeded, file saved", ZIP)
NOT_WRITABLE = Path("/sys/kernel")
"""A folder that the system lets nobody write into, not even root."""


def zip_of(size: int) -> bytes:
    """A sound zip of about so many bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app_definition.json", "{}")
        archive.writestr("padding.bin", random.Random(1).randbytes(size))  # noqa: S311  # nothing is protected by it
    return packed.getvalue()


LARGE = Script(duration=2.0, file=served(zip_of(2_000_000)))
UNANNOUNCED = dataclasses.replace(LARGE, file=dataclasses.replace(LARGE.file, length="chunked"))


@contextlib.contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """The system refuses to let a file of this process grow any further."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """The folder is a disk of so many bytes, where this process may mount one; else no file may be larger."""
    folder.mkdir(parents=True)
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)],
            check=False,
            capture_output=True,
        ).returncode
    )
    if not mounted:
        with no_file_larger_than(size):
            yield
        return
    try:
        yield
    finally:
        # What is on it stays: it is what a look at the disk shall find.
        kept = folder.with_name("kept")
        shutil.copytree(folder, kept)
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()
        kept.rename(folder)


async def press_d(world: World) -> None:
    """Saves, goes on, or saves again."""
    world.look("notification", (await world.engine.jobs.download(world.job.id)).text)


async def a_full_disk(world: World) -> None:
    with small_disk(world.paths.downloads, 1_000_000):
        await exported(world)
    await press_d(world)
    await world.until_seen("SUCCESS saved")


async def a_limit(world: World) -> None:
    with no_file_larger_than(1_000_000):
        await exported(world)
        assert next(world.paths.downloads.glob("*.part")).stat().st_size <= 1_000_000
    await press_d(world)
    await world.until_seen("SUCCESS saved")
    asked = world.sandbox.downloads(world.job.dock_status_id or "")
    # What was there already is not fetched once more.
    assert [record.header("Range") is not None for record in asked] == [False, True]


async def not_writable(world: World) -> None:
    await world.start()
    await world.export(folder=NOT_WRITABLE)
    await world.until_settled()


async def folder_not_there(world: World) -> None:
    folder = world.home / "disk that is not connected" / "exports"
    await world.start()
    await world.export(folder=folder)
    await world.until_settled()
    folder.parent.mkdir()
    await press_d(world)
    await world.until_seen("SUCCESS saved")
    assert [path.suffix for path in folder.iterdir()] == [".zip"]


async def folder_taken_away(world: World) -> None:
    await world.start()
    await world.export()
    await world.until(lambda: (world.engine.downloads.progress(world.job.id) or world.job.download).received > 50_000)
    shutil.rmtree(world.paths.downloads)
    await world.until_settled()
    await press_d(world)
    await world.until_seen("SUCCESS saved")


async def a_file_in_the_way(world: World) -> None:
    await exported(world)
    first = world.job.download.path
    assert first is not None
    before = first.read_bytes()
    first.write_bytes(before + b"changed by its owner")
    await press_d(world)
    await world.until(lambda: world.job.download.path != first)
    await world.until_settled()
    assert first.read_bytes() == before + b"changed by its owner"
    assert world.job.download.path is not None
    assert world.job.download.path.read_bytes() == before
    first.write_bytes(before)


async def no_link_any_more(world: World) -> None:
    await exported(world)
    await press_d(world)
    await world.until(lambda: world.job.download.reason_code)
    world.look("details", describe_download(world.job).text, world.job.download.reason_code or "")
    world.look_at_row(world.job)


async def a_folder_in_the_way(world: World) -> None:
    world.paths.downloads.parent.mkdir(parents=True, exist_ok=True)
    world.paths.downloads.write_text("a file where the folder should be")
    await exported(world)
    world.paths.downloads.unlink()
    await press_d(world)
    await world.until_seen("SUCCESS saved")


async def a_damaged_history(world: World) -> None:
    world.paths.store_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    world.paths.store_file.write_bytes(b"SQLite format 3\0" + random.Random(2).randbytes(20_000))  # noqa: S311  # rubbish
    await exported(world)


async def a_newer_history(world: World) -> None:
    world.paths.store_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(world.paths.store_file)) as database:
        database.executescript("PRAGMA user_version = 999; CREATE TABLE jobs (state, download_state, created_at, id);")
    world.paths.store_file.chmod(0o600)


async def beside_a_newer_history(world: World) -> None:
    await a_newer_history(world)
    before = world.paths.store_file.read_bytes()
    await exported(world)
    assert world.paths.store_file.read_bytes() == before


async def a_history_not_writable(world: World) -> None:
    world.paths = dataclasses.replace(world.paths, store_file=NOT_WRITABLE / "gale-tui-history" / "jobs.sqlite3")
    with contextlib.suppress(GaleError):
        await world.start()


async def full_while_the_post_is_out(world: World) -> None:
    """The record is written, then the disk takes no more until the answer has come."""
    full = contextlib.ExitStack()

    def step(name: str) -> None:
        if name == "request sent":
            full.enter_context(no_file_larger_than(1))

    world.step = step
    await world.start()
    with full:
        job = await world.export()
        assert job is not None
        assert job.state is JobState.RUNNING
        await world.until_seen("row, unwritten: ")
    await world.until_settled()


async def another_is_stopped(world: World) -> None:
    """A second gale-tui is stopped in the middle of writing to the history."""
    await world.start()
    await world.export(label="before")
    await world.until_settled()
    async with other_instance(world.paths.store_file) as other:
        other.tell("freeze", 3)
        other.tell("add", "of the other")
        await other.stopped()
        known = next(iter(world.engine.jobs))
        pressed = asyncio.create_task(world.export(label="after"))
        # The loop is free and what is there can be read, while a change waits for the other one.
        assert await world.engine.registry.store.events(known)
        assert not pressed.done()
        assert len(world.sandbox.posts(TOOL)) == 1
        other.go_on()
        await pressed
        assert await other.answer() is not None
    await world.until(lambda: sum(job.download.state is DownloadState.SAVED for job in world.engine.jobs.values()) == 2)


async def killed_while_the_post_is_out(world: World) -> None:
    """`gale-tui export` is killed (kill -9) while it waits for the answer; then the app is started."""
    from tests.e2e.terminal import GALE_TUI, environ_for
    from tests.support.forked import Forked

    environ = environ_for(
        world.home.parent / "account",
        GALE_HOST=world.sandbox.url,
        GALE_API_KEY=world.sandbox.key,
        GALE_TUI_HOME=str(world.home),
    )
    world.keys.append(world.sandbox.key)
    silent = subprocess.DEVNULL
    command = [*GALE_TUI, "export", "--tool-id", TOOL, "--flow-id", FLOW]
    process = Forked(command, env=environ, stdout=silent, stderr=silent)
    await world.until(lambda: process.poll() is not None or world.sandbox.posts(TOOL))
    process.kill()
    process.wait()
    await world.start()
    await world.until_seen("UNCONFIRMED")


async def ended_while_the_post_is_out(world: World) -> None:
    """gale-tui is ended while it waits for the answer, and started again."""
    await world.start()
    pressed = asyncio.create_task(world.export())
    await world.until(lambda: world.sandbox.posts(TOOL))
    await world.stop()
    with contextlib.suppress(asyncio.CancelledError):
        await pressed
    await world.start()
    await world.until_seen("UNCONFIRMED")


FAULTS = (
    Injected(
        name="disk: full, as announced",
        how="a disk of 1 MB for a file of 2 MB; then there is room and d is pressed",
        script=LARGE,
        story=a_full_disk,
        sees=("row, disk: ", "SUCCESS saved"),
        disk=SAVED,
    ),
    Injected(
        name="disk: full in the middle",
        how="the same, and the length was not announced",
        script=UNANNOUNCED,
        story=a_full_disk,
        sees=("row, disk: ", "SUCCESS saved"),
        disk=SAVED,
    ),
    Injected(
        name="disk: takes no file of this size",
        how="files may grow to 1 MB (RLIMIT_FSIZE) and it has 2 MB; then they may grow and d is pressed",
        script=LARGE,
        story=a_limit,
        sees=("resumable", "row, disk: ", "SUCCESS saved"),
        disk=SAVED,
    ),
    Injected(
        name="disk: folder not writable",
        how="a folder that the system lets nobody write into",
        story=not_writable,
        sees=("row, disk: ",),
        disk=("history: succeeded, file failed",),
    ),
    Injected(
        name="disk: folder not there",
        how="a folder on a disk that is not connected; then it is, and d is pressed",
        story=folder_not_there,
        sees=("row, disk: ", "SUCCESS saved"),
        disk=("history: succeeded, file saved",),
    ),
    Injected(
        name="disk: folder taken away",
        how="the folder is removed while the file comes; d is pressed",
        script=Script(duration=2.0, file=File(size=300_000, pace=10_000.0)),
        story=folder_taken_away,
        sees=("row, disk: ", "SUCCESS saved"),
        disk=SAVED,
    ),
    Injected(
        name="disk: a file where the folder should be",
        how="the download folder is a file; it is removed and d is pressed",
        story=a_folder_in_the_way,
        sees=("row, disk: ", "SUCCESS saved"),
        disk=SAVED,
    ),
    Injected(
        name="disk: a file of that name already",
        how="a saved file is changed by its owner, and d is pressed",
        script=Script(duration=2.0, url_in="both"),
        story=a_file_in_the_way,
        sees=("SUCCESS saved",),
        disk=("history: succeeded, file saved", "Scripted Tool--staging--TIME-2.zip, whole", ZIP),
    ),
    Injected(
        name="disk: saved again without a link",
        how="d is pressed on a saved file, and GALE gives its link no more",
        story=no_link_any_more,
        sees=("SUCCESS saved 2.2 kB", "row, no_link: ✓ SUCCESS saved 2.2 kB", "details, no_link: "),
        disk=SAVED,
    ),
    Injected(
        name="history: damaged",
        how="the file has rubbish in it at the start",
        story=a_damaged_history,
        sees=("notification:", "SUCCESS saved"),
        disk=("history: succeeded, file saved", "jobs.sqlite3.damaged-TIME", ZIP),
    ),
    Injected(
        name="history: newer",
        how="a later gale-tui wrote it; it is left as it is, byte for byte",
        story=beside_a_newer_history,
        sees=("was written by a newer gale-tui", "SUCCESS saved"),
        disk=("history: no job", f"jobs-version-{len(MIGRATIONS)}.sqlite3: succeeded, file saved", ZIP),
    ),
    Injected(
        name="history: not writable",
        how="a folder that the system lets nobody write into",
        story=a_history_not_writable,
        sees=("history",),
        disk=("history: none",),
        posts=0,
    ),
    Injected(
        name="history: no room while the POST is out",
        how="the disk takes no byte from the POST on until its answer is there",
        story=full_while_the_post_is_out,
        sees=("(disk I/O error)", "row, unwritten: ● IN_PROGRESS", "row: ● IN_PROGRESS", "SUCCESS saved"),
        disk=SAVED,
    ),
    Injected(
        name="history: another gale-tui is stopped while it writes",
        how="a second process is stopped (SIGSTOP) within a transaction, and goes on later",
        story=another_is_stopped,
        sees=("SUCCESS saved",),
        disk=("history: running; succeeded, file saved; succeeded, file saved", ZIP, ZIP),
        posts=2,
    ),
    Injected(
        name="history: killed while the POST is out",
        how="`gale-tui export` is killed (kill -9) while it waits for the answer",
        script=Script(on_export=(faults.stalled(started=True),)),
        story=killed_while_the_post_is_out,
        sees=("row, closed: ? UNCONFIRMED",),
        disk=("history: unconfirmed",),
    ),
    Injected(
        name="history: ended while the POST is out",
        how="gale-tui is ended while it waits for the answer",
        script=Script(on_export=(faults.stalled(started=True),)),
        story=ended_while_the_post_is_out,
        sees=("UNCONFIRMED",),
        disk=("history: unconfirmed",),
    ),
)  # fmt: skip
