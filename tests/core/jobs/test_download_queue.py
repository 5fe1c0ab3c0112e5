"""From SUCCESS to the file: links that are not ready, expire or mislead, cuts and stalls, full disks, saving again."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import threading
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gale_tui.core.errors import StoreError
from gale_tui.core.history.leases import LeaseKind
from gale_tui.core.jobs import download_queue, job_download
from gale_tui.core.models import DownloadReason, DownloadState, Job, JobState
from gale_tui.sandbox.script import Fault, File, Link, Script
from tests.support import faults
from tests.support.answers import link_to
from tests.support.bad_files import bad_file
from tests.support.engines import TOOL, Bench, Watch, bench, eventually
from tests.support.wire import WireServer, answer, reply

__all__ = ["bench"]


async def succeed(bench: Bench, watch: Watch, **request: Any) -> Job:
    """An export that has succeeded."""
    job = await bench.export(watch, **request)
    return await watch.state(job.id, JobState.SUCCEEDED)


@pytest.mark.parametrize("status", [403, 404, 409])
async def test_a_link_that_is_not_ready_is_asked_again(bench: Bench, status: int) -> None:
    bench.script(duration=1.0, link=Link(ready_after=10_000.0, not_ready=status))
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        job = await watch.download(job.id, DownloadState.NOT_READY)
        assert job.download.reason_code is DownloadReason.NOT_READY
        assert job.download.next_try_at is not None
        bench.sandbox.script_job(job.dock_status_id or "", Script(duration=1.0))
        job = await watch.saved(job.id)
        assert job.download.next_try_at is None
        texts = [event.text for event in await watch.engine.registry.store.events(job.id)]
        assert sum("not ready" in text for text in texts) == 1


def store_says(status: int, code: str) -> Fault:
    """A store's refusal, for good."""
    body = f"<Error><Code>{code}</Code><Message>Because</Message></Error>"
    return Fault(status=status, body=body, headers=faults.media_type("application/xml"), times=None)


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidAccessKeyId"])
async def test_a_link_that_the_store_rejects_is_not_tried_for_long(bench: Bench, code: str) -> None:
    bench.script(duration=1.0, on_download=(store_says(403, code),))
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        job = await watch.download(job.id, DownloadState.FAILED)
        assert job.download.reason_code is DownloadReason.LINK_REJECTED
        assert f"refused the link (403 {code}: Because)" in job.download.error
        assert len(bench.sandbox.downloads(job.dock_status_id or "")) <= 2


async def test_a_file_that_is_not_at_its_link_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_download, "READY_WITHIN", 20.0)
    bench.script(duration=1.0, on_download=(store_says(404, "NoSuchKey"),))
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        job = await watch.download(job.id, DownloadState.FAILED)
        assert job.download.reason_code is DownloadReason.FILE_MISSING
        assert "not at the link (404 NoSuchKey: Because)" in job.download.error


async def test_a_link_that_is_valid_later_waits_for_that(bench: Bench) -> None:
    later = datetime.fromtimestamp(bench.clock.time() + 7200, UTC)
    denied = reply(403, b"<Error><Code>AuthenticationFailed</Code></Error>", "application/xml")
    with WireServer(answer(denied)) as store:
        bench.script(duration=1.0, link=link_to(f"{store.url}/f.zip?st={later:%Y-%m-%dT%H:%M:%SZ}&sig=1"))
        async with bench.engine() as watch:
            job = await succeed(bench, watch)
            job = await watch.download(job.id, DownloadState.NOT_READY)
            assert job.download.reason_code is DownloadReason.LINK_NOT_YET_VALID
            assert "valid from" in job.download.error
            assert (job.download.next_try_at or 0) > bench.clock.time() + 600


async def test_downloads_that_drip_keep_no_other_waiting(bench: Bench) -> None:
    async with bench.engine() as watch:
        bench.script(duration=1.0, file=File(size=400_000, pace=1000.0))
        dripping = [await succeed(bench, watch) for _ in range(download_queue.AT_ONCE)]
        bench.script(duration=1.0)
        quick = await succeed(bench, watch)
        await watch.saved(quick.id)
        for job in dripping:
            await watch.download(job.id, DownloadState.RUNNING)


async def test_what_is_left_of_a_second_saving_is_removed(bench: Bench) -> None:
    second = (faults.cut(100_000), faults.html_page(200))
    bench.script(duration=1.0, file=File(size=400_000), on_download=(faults.proper(), *second), url_in="both")
    async with bench.engine() as watch:
        job = await watch.saved((await succeed(bench, watch)).id)
        await watch.engine.jobs.download(job.id)
        await watch.until(job.id, lambda job: job.download.reason_code is DownloadReason.NOT_A_ZIP)
        folder = job.download.path.parent if job.download.path else Path()
        await eventually(lambda: not watch.engine.downloads.is_under_way(job.id))
        assert [path.suffix for path in folder.iterdir()] == [".zip"]


async def test_a_link_refused_for_too_long_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_download, "READY_WITHIN", 40.0)
    bench.script(duration=1.0, link=Link(ready_after=10_000.0))
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        before = bench.clock.monotonic()
        job = await watch.download(job.id, DownloadState.FAILED)
        assert bench.clock.monotonic() - before >= 30
        assert job.download.reason_code is DownloadReason.FILE_MISSING


async def test_a_wall_clock_set_forward_does_not_make_a_link_expire(bench: Bench) -> None:
    bench.script(duration=1.0, link=Link(ready_after=10_000.0))
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        await watch.download(job.id, DownloadState.NOT_READY)
        bench.clock._wall += 7200  # it is set
        bench.sandbox.script_job(job.dock_status_id or "", Script(duration=1.0))
        await watch.saved(job.id)


async def test_an_expired_link_is_replaced_by_a_fresh_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_download, "READY_WITHIN", 5.0)
    bench.script(duration=20.0, url_in="both", link=Link(lifetime=25.0))
    async with bench.engine() as watch:
        job = await succeed(bench, watch, save_when_ready=False)
        await bench.clock.sleep(30)
        await watch.engine.jobs.download(job.id)
        await watch.saved(job.id)
        texts = [event.text for event in await watch.engine.registry.store.events(job.id)]
        assert "fresh link" in texts


async def test_an_expired_link_without_a_fresh_one_says_what_to_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_download, "READY_WITHIN", 5.0)
    bench.script(duration=1.0, link=Link(lifetime=5.0))
    async with bench.engine() as watch:
        job = await succeed(bench, watch, save_when_ready=False)
        await bench.clock.sleep(30)
        await watch.engine.jobs.download(job.id)
        job = await watch.download(job.id, DownloadState.EXPIRED)
        assert job.download.reason_code is DownloadReason.LINK_EXPIRED
        assert job.download_url is None


async def test_links_that_never_work_are_not_asked_for_without_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_download, "READY_WITHIN", 5.0)
    bench.script(duration=1.0, url_in="both", link=Link(lifetime=0.0))
    async with bench.engine() as watch:
        job = await succeed(bench, watch, save_when_ready=False)
        await bench.clock.sleep(30)
        asked = len(bench.sandbox.status_calls(job.dock_status_id or ""))
        await watch.engine.jobs.download(job.id)
        await watch.download(job.id, DownloadState.EXPIRED)
        assert len(bench.sandbox.status_calls(job.dock_status_id or "")) - asked <= job_download.FRESH_LINKS


async def test_no_link_at_all_says_so(bench: Bench) -> None:
    bench.script(duration=1.0, url_in="neither")
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        job = await watch.download(job.id, DownloadState.FAILED)
        assert job.download.reason_code is DownloadReason.NO_LINK


BROKEN_LINES: dict[str, Script] = {
    "cut": Script(duration=1.0, on_download=(faults.cut(100_000),), file=File(size=400_000)),
    "reset": Script(duration=1.0, on_download=(faults.cut(100_000, reset=True),), file=File(size=400_000)),
    "cut twice": Script(duration=1.0, on_download=(faults.cut(100_000), faults.cut(50_000)), file=File(size=400_000)),
    "stalled": Script(duration=1.0, on_download=(faults.stalled(100_000),), file=File(size=400_000)),
    "no answer": Script(duration=1.0, on_download=(faults.cut("answer"),)),
    "503": Script(duration=1.0, on_download=(faults.server_error(503),)),
    "429": Script(duration=1.0, on_download=(faults.rate_limited(5),)),
    "cut, without ranges": Script(
        duration=1.0, on_download=(faults.cut(100_000),), file=File(size=400_000, ranges=False)
    ),
    "cut, then another file": Script(
        duration=1.0, on_download=(faults.cut(100_000),), file=File(size=400_000, changes_after=1)
    ),
}


@pytest.mark.parametrize("script", BROKEN_LINES.values(), ids=BROKEN_LINES.keys())
async def test_what_may_pass_is_tried_again_by_itself(bench: Bench, script: Script) -> None:
    bench.sandbox.script(TOOL, script)
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        await watch.saved(job.id)
        assert any(change.job.download.next_try_at is not None for change in watch.changes)
    (path,) = bench.zips
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    assert bench.posts == 1


async def test_a_cut_download_goes_on_where_it_was(bench: Bench) -> None:
    bench.sandbox.script(TOOL, BROKEN_LINES["cut"])
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        await watch.saved(job.id)
        assert bench.sandbox.downloads(job.dock_status_id or "")[-1].header("range") == "bytes=100000-"


async def test_an_endless_line_of_cuts_is_left_to_the_user(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_download, "AUTOMATIC_TRIES", 4)
    bench.script(duration=1.0, on_download=(faults.cut("answer", times=None),))
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        job = await watch.until(
            job.id, lambda job: job.download.state is DownloadState.RESUMABLE and job.download.next_try_at is None
        )
        assert job.download.reason_code is DownloadReason.INTERRUPTED
        asked = len(bench.sandbox.requests)
        await bench.clock.sleep(40)
        assert len(bench.sandbox.requests) == asked
        bench.sandbox.script_job(job.dock_status_id or "", Script(duration=1.0))
        await watch.engine.jobs.download(job.id)
        await watch.saved(job.id)


async def test_d_brings_the_next_try_forward(bench: Bench) -> None:
    bench.script(duration=1.0, on_download=(Fault(status=503, headers=(("Retry-After", "3000"),)),))
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        await watch.until(job.id, lambda job: job.download.next_try_at is not None)
        await watch.engine.jobs.download(job.id)
        await watch.saved(job.id)


HOPELESS: dict[str, tuple[Script, DownloadReason]] = {
    "HTML": (Script(duration=1.0, file=bad_file("html")), DownloadReason.NOT_A_ZIP),
    "bad CRC": (Script(duration=1.0, file=bad_file("bad crc")), DownloadReason.CORRUPT),
    "truncated": (Script(duration=1.0, file=bad_file("cut short")), DownloadReason.CORRUPT),
    "empty": (Script(duration=1.0, file=bad_file("empty")), DownloadReason.NOT_A_ZIP),
    "bomb": (Script(duration=1.0, file=bad_file("bomb")), DownloadReason.CORRUPT),
    "other scheme": (
        Script(duration=1.0, link=link_to("ftp://files.invalid/tool.zip")),
        DownloadReason.LINK_REFUSED,
    ),
    "script": (Script(duration=1.0, link=link_to("javascript:alert(1)")), DownloadReason.LINK_REFUSED),
    "file": (Script(duration=1.0, link=link_to("file:///etc/passwd")), DownloadReason.LINK_REFUSED),
    "credentials": (
        Script(duration=1.0, link=link_to("https://user:secret@files.invalid/tool.zip?x=1")),
        DownloadReason.LINK_REFUSED,
    ),
    "plain http elsewhere": (
        Script(duration=1.0, link=link_to("http://files.invalid/tool.zip?x=1")),
        DownloadReason.LINK_REFUSED,
    ),
}


@pytest.mark.parametrize(("script", "reason"), HOPELESS.values(), ids=HOPELESS.keys())
async def test_what_will_not_pass_is_said_and_not_tried_again(
    bench: Bench, script: Script, reason: DownloadReason
) -> None:
    bench.sandbox.script(TOOL, script)
    # The sandbox needs a moment to make some of these files.
    async with bench.engine(stall=10.0) as watch:
        job = await succeed(bench, watch)
        job = await watch.download(job.id, DownloadState.FAILED)
        assert job.download.reason_code is reason
        asked = len(bench.sandbox.downloads(job.dock_status_id or ""))
        await bench.clock.sleep(40)
        assert len(bench.sandbox.downloads(job.dock_status_id or "")) == asked
        assert asked <= 2
    assert bench.zips == []


async def test_saving_again_gives_a_second_file(bench: Bench) -> None:
    bench.script(duration=1.0, url_in="both")
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        first = (await watch.saved(job.id)).download.path
        assert first is not None
        assert "Saving" in (await watch.engine.jobs.download(job.id)).text
        job = await watch.until(
            job.id, lambda job: job.download.state is DownloadState.SAVED and job.download.path != first
        )
        assert job.download.path is not None
        assert job.download.path.name == f"{first.stem}-2.zip"
        assert job.download.path.read_bytes() == first.read_bytes()


async def test_saving_again_without_a_link_leaves_the_saved_one(bench: Bench) -> None:
    bench.script(duration=1.0)
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        first = (await watch.saved(job.id)).download
        await watch.engine.jobs.download(job.id)
        job = await watch.until(job.id, lambda job: job.download.reason_code is not None)
        assert (job.download.state, job.download.path) == (DownloadState.SAVED, first.path)
        assert job.download.sha256 == first.sha256


async def test_only_so_many_at_once(bench: Bench) -> None:
    bench.script(duration=1.0, file=File(size=100_000, pace=20_000.0))
    async with bench.engine() as watch:
        jobs = await asyncio.gather(*(bench.export(watch) for _ in range(6)))
        most = 0
        while any(watch.engine.jobs[job.id].download.state is not DownloadState.SAVED for job in jobs):
            most = max(most, len(watch.engine.downloads.running()))
            await asyncio.sleep(0.002)
        assert most == download_queue.AT_ONCE
    assert len(bench.zips) == 6


async def test_progress_is_told_while_it_runs(bench: Bench) -> None:
    bench.script(duration=1.0, file=File(size=400_000, pace=8_000.0))
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        await eventually(
            lambda: (p := watch.engine.downloads.progress(job.id)) is not None and p.received > 0 and p.speed > 0
        )
        progress = watch.engine.downloads.progress(job.id)
        assert progress is not None
        assert progress.size == 400_000
        assert "already being saved" in (await watch.engine.jobs.download(job.id)).text
        await watch.saved(job.id)
        assert watch.engine.downloads.progress(job.id) is None


async def test_stopping_keeps_the_part_until_it_is_asked_for(bench: Bench) -> None:
    bench.script(duration=1.0, file=File(size=400_000, pace=8_000.0))
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        await eventually(lambda: (p := watch.engine.downloads.progress(job.id)) is not None and p.received > 20_000)
        watch.engine.downloads.stop(job.id)
        job = await watch.download(job.id, DownloadState.RESUMABLE)
        assert job.download.part is not None
        assert job.download.part.stat().st_size == job.download.received > 0
        await bench.clock.sleep(40)
        assert watch.engine.jobs[job.id].download.state is DownloadState.RESUMABLE
        bench.sandbox.script_job(job.dock_status_id or "", Script(duration=1.0, file=File(size=400_000)))
        await watch.engine.jobs.download(job.id)
        await watch.saved(job.id)
    assert len(bench.zips) == 1


async def test_forgetting_a_job_stops_its_download_and_leaves_the_part(bench: Bench) -> None:
    bench.script(duration=1.0, file=File(size=400_000, pace=8_000.0))
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        await eventually(lambda: (p := watch.engine.downloads.progress(job.id)) is not None and p.received > 20_000)
        undo = await watch.engine.jobs.remove(job.id)
        await eventually(lambda: watch.engine.downloads.running() == ())
        assert [path.suffix for path in bench.zips] == [".part"]
        assert undo is not None
        bench.sandbox.script_job(job.dock_status_id or "", Script(duration=1.0, file=File(size=400_000)))
        await undo()
        await watch.saved(job.id)
    assert [path.suffix for path in bench.zips] == [".zip"]


async def test_a_folder_that_is_gone_is_said_and_d_goes_on(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "usb" / "exports"
    bench.script(duration=1.0)
    async with bench.engine() as watch:
        job = await succeed(bench, watch, folder=folder)
        job = await watch.download(job.id, DownloadState.FAILED)
        assert job.download.reason_code is DownloadReason.DISK
        folder.mkdir(parents=True)
        await watch.engine.jobs.download(job.id)
        job = await watch.saved(job.id)
        assert job.download.path is not None
        assert job.download.path.parent == folder


async def test_a_file_where_the_folder_should_be(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("not a folder")
    bench.script(duration=1.0)
    async with bench.engine() as watch:
        job = await succeed(bench, watch, folder=tmp_path / "exports")
        job = await watch.download(job.id, DownloadState.FAILED)
        assert job.download.reason_code is DownloadReason.DISK


async def test_a_disk_that_takes_no_more_keeps_the_part_and_d_goes_on(bench: Bench, tmp_path: Path) -> None:
    """The kernel refuses to write more than a megabyte into one file, as it refuses on a full disk."""
    served = tmp_path / "served.zip"
    with zipfile.ZipFile(served, "w") as archive:
        archive.writestr("flow_definition.json", os.urandom(3_000_000))
    bench.script(duration=1.0, file=File(pack=lambda documents: served.read_bytes()))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with bench.engine() as watch:
        job = await succeed(bench, watch, save_when_ready=False)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
            await watch.engine.jobs.download(job.id)
            job = await watch.download(job.id, DownloadState.RESUMABLE)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert job.download.reason_code is DownloadReason.DISK
        assert job.download.part is not None
        assert job.download.next_try_at is None
        assert 0 < job.download.part.stat().st_size <= 1 << 20
        await watch.engine.jobs.download(job.id)
        await watch.saved(job.id)
        assert bench.sandbox.downloads(job.dock_status_id or "")[-1].header("range") is not None


async def test_too_little_room_is_said_before_anything_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.script(duration=1.0)
    usage = shutil.disk_usage(bench.paths.config_file.parent)
    async with bench.engine() as watch:
        # A full disk cannot be had here: the system's word about one can.
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))
        job = await succeed(bench, watch)
        job = await watch.download(job.id, DownloadState.FAILED)
        assert job.download.reason_code is DownloadReason.DISK
        monkeypatch.undo()
        await watch.engine.jobs.download(job.id)
        await watch.saved(job.id)


async def test_a_job_of_a_deleted_environment_says_so(bench: Bench) -> None:
    bench.script(duration=1.0)
    async with bench.engine() as watch:
        job = await succeed(bench, watch, save_when_ready=False)
        await watch.engine.environments.delete(bench.environment)
        await watch.engine.jobs.download(job.id)
        job = await watch.download(job.id, DownloadState.FAILED)
        assert job.download.reason_code is DownloadReason.ENVIRONMENT_GONE


async def test_wishes_that_make_no_sense_are_answered(bench: Bench) -> None:
    bench.script(duration=1000.0)
    async with bench.engine() as watch:
        assert "is gone" in (await watch.engine.jobs.download("nobody")).text
        job = await bench.export(watch, save_when_ready=False)
        assert "has not finished" in (await watch.engine.jobs.download(job.id)).text
        assert watch.engine.jobs[job.id].save_when_ready


async def test_a_file_published_just_before_a_crash_is_not_fetched_again(bench: Bench) -> None:
    bench.script(duration=1.0)
    async with bench.engine() as watch:
        job = await succeed(bench, watch)
        job = await watch.saved(job.id)
    path = job.download.path
    assert path is not None
    asked = len(bench.sandbox.downloads(job.dock_status_id or ""))
    async with bench.engine() as watch:
        # As the history stood when the power went: the part recorded, its end not.
        part = path.with_name(f"{path.name}.part")
        await watch.engine.registry.change(
            job.id,
            lambda job: job.with_download(state=DownloadState.RUNNING, path=None, part=part, sha256=None),
            again=True,
        )
        await watch.engine.jobs.download(job.id)
        after = await watch.saved(job.id)
    assert (after.download.path, after.download.sha256) == (path, job.download.sha256)
    assert len(bench.sandbox.downloads(job.dock_status_id or "")) == asked
    assert bench.zips == [path]


@pytest.mark.parametrize("at", ["create", "write", "fsync", "link"])
async def test_a_file_that_two_instances_save_is_left_once(bench: Bench, at: str) -> None:
    bench.script(duration=1.0, url_in="both", file=File(size=400_000))
    stopped, moving = threading.Event(), threading.Event()

    def step(name: str) -> None:
        # One instance stands still, as a stopped process does, until the other has the file.
        if name == at and not stopped.is_set():
            stopped.set()
            moving.wait(60)

    async with bench.engine(step=step) as slow:
        job = await bench.export(slow)
        await eventually(stopped.is_set)
        async with bench.engine(step=None) as quick:
            await eventually(lambda: job.id in quick.engine.jobs)
            with closing(sqlite3.connect(bench.paths.store_file, timeout=10)) as history:
                history.execute("DELETE FROM leases WHERE kind = 'download'")
                history.commit()
            if at in ("create", "link"):
                quick.engine.downloads.start(job.id)
                await quick.saved(job.id)
            moving.set()
            job = await quick.saved(job.id)
            for watch in (slow, quick):
                await eventually(lambda watch=watch: not watch.engine.downloads.is_under_way(job.id))  # type: ignore[misc]
    assert bench.zips == [quick.engine.jobs[job.id].download.path]


async def test_a_fault_is_reported_even_where_the_lease_cannot_be_released(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(download: job_download.JobDownload, job: Job) -> None:
        raise RuntimeError("a fault")

    heard: list[object] = []
    bench.script(duration=1.0)
    async with bench.engine() as watch:
        release = watch.engine.registry.store.release

        async def refuse(job_id: str, kind: LeaseKind) -> None:
            if kind == "download":
                raise StoreError("The history cannot be written")
            await release(job_id, kind)

        asyncio.get_running_loop().set_exception_handler(lambda loop, report: heard.append(report["exception"]))
        monkeypatch.setattr(job_download.JobDownload, "_try", fail)
        monkeypatch.setattr(watch.engine.registry.store, "release", refuse)
        await bench.export(watch)
        await eventually(lambda: heard)
    assert {str(each) for each in heard} == {"a fault"}
