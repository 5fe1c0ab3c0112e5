"""Downloads that go on: after a cut, a stall, a restart; and those that have to start over."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import random
import ssl
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gale_tui.core.downloads.direct_io import LARGE
from gale_tui.core.downloads.download import DownloadTask
from gale_tui.core.downloads.saved_file import SavedFile
from gale_tui.core.errors import (
    FileSystemError,
    GaleError,
    InterruptedDownloadError,
    LinkNotReadyError,
    LinkRefusedError,
    NotAZipError,
    StoppedDownloadError,
    StoreError,
)
from gale_tui.core.secret import Secret
from gale_tui.sandbox.script import Fault, File, Script
from tests.support.answers import headed, weakly_tagged
from tests.support.certificates import Authority
from tests.support.fetching import NAME, Fetching, Running, fetching, finished
from tests.support.sandbox import Sandbox
from tests.support.wire import Conversation, WireServer, answer, header, reply

SIZE = 3_000_000
CUT = 1_700_000


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=3) as running:
        yield running


@pytest.fixture
def to(sandbox: Sandbox, tmp_path: Path) -> Iterator[Fetching]:
    with fetching(sandbox.url, tmp_path / "files", Secret(sandbox.key)) as made:
        yield made


def cut_off(task: DownloadTask) -> InterruptedDownloadError:
    """How a download that is cut ends."""
    with pytest.raises(InterruptedDownloadError) as caught:
        task.run()
    return caught.value


def ranges(sandbox: Sandbox, job: str) -> list[tuple[str | None, int]]:
    """`Range` and status of each request for a file."""
    return [(record.header("range"), record.status) for record in sandbox.downloads(job)]


def whole(saved: SavedFile) -> bool:
    """True where the file is what its checksum says, and a whole zip."""
    content = saved.path.read_bytes()
    with zipfile.ZipFile(saved.path) as archive:
        sound = archive.testzip() is None
    return sound and (saved.size, saved.sha256) == (len(content), hashlib.sha256(content).hexdigest())


class TestGoesOn:
    @pytest.mark.parametrize(
        ("fault", "words"),
        [
            (Fault(cut=CUT), "before the file was whole"),
            (Fault(cut=CUT, reset=True), "before the file was whole"),
            (Fault(stall=CUT), "Nothing came for 0.2 seconds"),
        ],
    )
    def test_where_it_was(self, sandbox: Sandbox, to: Fetching, fault: Fault, words: str) -> None:
        job, url = finished(sandbox, File(size=SIZE), on_download=(fault,))
        task = to.task(url, stall=0.2)
        error = cut_off(task)
        assert words in error.what
        there = task.received
        # A reset drops what was still on its way.
        assert there == CUT or (fault.reset and there <= CUT)
        assert task.part is not None
        assert task.part.stat().st_size == there
        assert to.files == [NAME + ".part"]
        saved = to.again(url, task).run()
        assert whole(saved)
        assert ranges(sandbox, job) == [(None, 200), (f"bytes={there}-" if there else None, 206 if there else 200)]
        assert sandbox.downloads(job)[1].header("if-range") == (task.validator if there else None)
        assert to.files == [NAME]

    def test_by_date_where_there_is_no_strong_etag(self, sandbox: Sandbox, to: Fetching) -> None:
        for edit in (weakly_tagged, headed(etag=None)):
            job, url = finished(sandbox, File(size=SIZE, edit=edit), on_download=(Fault(cut=CUT),))
            task = to.task(url)
            cut_off(task)
            assert task.validator is not None
            assert task.validator.endswith("GMT")
            assert whole(to.again(url, task).run())
            assert ranges(sandbox, job)[1] == (f"bytes={CUT}-", 206)

    def test_again_and_again(self, sandbox: Sandbox, to: Fetching) -> None:
        job, url = finished(sandbox, File(size=SIZE), on_download=(Fault(cut=700_000, times=4),))
        task = to.task(url)
        for _ in range(4):
            cut_off(task)
            task = to.again(url, task)
        assert whole(task.run())
        assert [status for _, status in ranges(sandbox, job)] == [200, 206, 206, 206, 206]

    def test_a_body_in_chunks(self, sandbox: Sandbox, to: Fetching) -> None:
        job, url = finished(sandbox, File(size=SIZE, length="chunked"), on_download=(Fault(cut=CUT),))
        task = to.task(url)
        cut_off(task)
        assert task.received > 0
        assert task.size is None
        assert whole(to.again(url, task).run())
        assert ranges(sandbox, job)[1][1] == 206

    def test_a_large_file_that_was_cut_within_a_block(self, sandbox: Sandbox, to: Fetching) -> None:
        cut = LARGE + (5 << 20) + 77
        job, url = finished(sandbox, File(size=cut + (9 << 20) + 5), on_download=(Fault(cut=cut),))
        task = to.task(url)
        cut_off(task)
        assert whole(to.again(url, task).run())
        assert [status for _, status in ranges(sandbox, job)] == [200, 206]

    def test_after_a_cut_line_at_every_length(self, tmp_path: Path) -> None:
        content = small_zip(tmp_path, size=20)
        with cutting(content, *range(len(content))) as server, fetching(server.url, tmp_path / "cut") as at:
            for length in range(len(content)):
                task = at.task(f"{server.url}/f?s=1")
                cut_off(task)
                assert len(server.requests) == 2 * length + 1
                saved = at.again(f"{server.url}/f?s=1", task).run()
                assert saved.path.read_bytes() == content
                saved.path.unlink()

    def test_encrypted(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        faults = (Fault(cut=500_000), Fault(stall=400_000), Fault(stall=300_000))
        with (
            Sandbox(seed=3, tls=authority.issue("127.0.0.1")) as sandbox,
            fetching(sandbox.url, tmp_path / "files", ca_file=authority.file) as to,
        ):
            sandbox.script("a-1", Script(duration=0.0, file=File(size=SIZE), on_download=faults))
            call = ask(sandbox, "POST", "/api/public/tools/a-1/export?flowId=cf-1", authority.file)
            url = call["response"]["downloadUrl"]
            task = to.task(url)
            assert "before the file was whole" in cut_off(task).what
            task = to.again(url, task, stall=0.2)
            assert "Nothing came" in cut_off(task).what
            running = Running(to.again(url, task, stall=3600.0))
            running.until(lambda task: task.received == 1_200_000)
            running.task.cancel()
            error = running.join()
            assert isinstance(error, InterruptedDownloadError)
            assert isinstance(error, StoppedDownloadError)
            assert whole(to.again(url, running.task).run())
            sizes = [header for header, _ in ranges(sandbox, call["dock-statusId"])]
        assert sizes == [None, "bytes=500000-", "bytes=900000-", "bytes=1200000-"]

    def test_from_a_fresh_link(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, File(size=SIZE), on_download=(Fault(cut=CUT),))
        task = to.task(url)
        cut_off(task)
        assert whole(to.again(url.replace("127.0.0.1", "localhost"), task).run())


class TestStartsOver:
    @pytest.mark.parametrize(
        ("file", "second"),
        [
            (File(size=SIZE, ranges=False), (None, 200)),
            (File(size=SIZE, edit=headed(etag=None, last_modified=None)), (None, 200)),
            (File(size=SIZE, changes_after=1), (f"bytes={CUT}-", 200)),
        ],
    )
    def test_where_it_cannot_go_on(self, sandbox: Sandbox, to: Fetching, file: File, second: Any) -> None:
        job, url = finished(sandbox, file, on_download=(Fault(cut=CUT),))
        task = to.task(url)
        cut_off(task)
        saved = to.again(url, task).run()
        assert whole(saved)
        assert ranges(sandbox, job)[1:] == [second]
        # Not a second part beside the first.
        assert to.files == [NAME]

    def test_a_changed_file_is_recorded_with_its_own_validator(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, File(size=SIZE, changes_after=1), on_download=(Fault(cut=CUT), Fault(cut=900_000)))
        task = to.task(url)
        cut_off(task)
        cut_off(to.again(url, task))
        (first, second) = to.parts
        assert first[0] == second[0]
        assert first[1] != second[1]

    @pytest.mark.parametrize(
        "headers",
        [
            ("Content-Range: bytes 5-{last}/{size}",),
            ("Content-Range: bytes {offset}-{last}/{more}",),
            ("Content-Range: bytes {offset}-{offset}/{size}",),
            ("Content-Range: bytes */{size}",),
            ("Content-Range: nonsense",),
            (),
            ("Content-Range: bytes {offset}-{last}/{size}", 'ETag: "2"'),
        ],
    )
    def test_a_206_that_does_not_fit(self, tmp_path: Path, headers: tuple[str, ...]) -> None:
        content = small_zip(tmp_path)
        numbers = {"offset": 100, "last": len(content) - 1, "size": len(content), "more": len(content) + 1}
        odd = reply(206, content[100:], "application/zip", *(each.format(**numbers) for each in headers))
        with (
            WireServer(by_range(odd, reply(200, content, "application/zip"))) as server,
            fetching(server.url, tmp_path / "files") as to,
        ):
            part = left_over(to, content[:100])
            saved = to.task(f"{server.url}/f?s=1", part=part, validator='"1"', size=len(content)).run()
            asked = [header(request, "range") for request in server.requests]
        assert saved.path.read_bytes() == content
        assert asked == ["bytes=100-", None]

    def test_a_file_of_another_length(self, tmp_path: Path) -> None:
        content = small_zip(tmp_path)
        rest = reply(206, content[100:], "application/zip", f"Content-Range: bytes 100-{len(content) - 1}/*")
        with (
            WireServer(by_range(rest, reply(200, content, "application/zip"))) as server,
            fetching(server.url, tmp_path / "files") as to,
        ):
            part = left_over(to, content[:100])
            to.task(f"{server.url}/f?s=1", part=part, validator='"1"', size=len(content) + 1).run()
            assert len(server.requests) == 2

    def test_a_server_that_never_gives_the_whole(self, tmp_path: Path) -> None:
        odd = reply(206, b"PK\x03\x04", "application/zip", "Content-Range: bytes 7-10/20")
        with WireServer(answer(odd)) as server, fetching(server.url, tmp_path / "files") as to:
            assert "another part of the file" in cut_off(to.task(f"{server.url}/f?s=1")).what
            assert len(server.requests) == 2

    def test_a_range_that_is_not_there(self, tmp_path: Path) -> None:
        content = small_zip(tmp_path)
        none = reply(416, b"{}", "application/json", f"Content-Range: bytes */{len(content)}")
        with (
            WireServer(by_range(none, reply(200, content, "application/zip"))) as server,
            fetching(server.url, tmp_path / "files") as to,
        ):
            part = left_over(to, content + b"more")
            saved = to.task(f"{server.url}/f?s=1", part=part, validator='"1"').run()
            assert len(server.requests) == 2
        assert saved.path.read_bytes() == content

    def test_bytes_that_do_not_belong_together(self, tmp_path: Path) -> None:
        content = small_zip(tmp_path)
        rest = reply(206, content[100:], "application/zip", f"Content-Range: bytes 100-{len(content) - 1}/*")
        with (
            WireServer(by_range(rest, reply(200, content, "application/zip"))) as server,
            fetching(server.url, tmp_path / "files") as to,
        ):
            part = left_over(to, bytes(100))
            saved = to.task(f"{server.url}/f?s=1", part=part, validator='"1"').run()
            assert len(server.requests) == 2
        assert saved.path.read_bytes() == content
        assert to.files == [saved.path.name]


class TestWholeAlready:
    def test_nothing_is_asked_for(self, sandbox: Sandbox, to: Fetching) -> None:
        job, url = finished(sandbox, File(size=SIZE))
        task = to.task(url)
        stopping = to.task(url, step=lambda name: stopping.cancel() if name == "fsync" else None)
        cut_off(stopping)
        sandbox.log.clear()
        assert whole(to.again(url, stopping).run())
        assert sandbox.downloads(job) == []
        assert task.part is None

    def test_a_416_may_mean_it(self, tmp_path: Path) -> None:
        content = small_zip(tmp_path)
        none = reply(416, b"{}", "application/json", f"Content-Range: bytes */{len(content)}")
        with WireServer(answer(none)) as server, fetching(server.url, tmp_path / "files") as to:
            part = left_over(to, content)
            saved = to.task(f"{server.url}/f?s=1", part=part, validator='"1"').run()
            assert len(server.requests) == 1
        assert saved.path.read_bytes() == content

    def test_unless_it_is_damaged(self, tmp_path: Path) -> None:
        content = small_zip(tmp_path)
        with (
            WireServer(answer(reply(200, content, "application/zip"))) as server,
            fetching(server.url, tmp_path / "files") as to,
        ):
            part = left_over(to, bytes(len(content)))
            saved = to.task(f"{server.url}/f?s=1", part=part, validator='"1"', size=len(content)).run()
            assert [header(request, "range") for request in server.requests] == [None]
        assert saved.path.read_bytes() == content
        assert to.files == [saved.path.name]


class TestPart:
    """What may lie where the part was."""

    def saved_anew(self, to: Fetching, sandbox: Sandbox, **fields: Any) -> SavedFile:
        job, url = finished(sandbox)
        saved = to.task(url, validator='"1"', **fields).run()
        assert ranges(sandbox, job) == [(None, 200)]
        assert whole(saved)
        return saved

    def test_nothing(self, sandbox: Sandbox, to: Fetching) -> None:
        self.saved_anew(to, sandbox, part=to.folder / "gone.part", received=9)

    def test_a_link(self, sandbox: Sandbox, to: Fetching, tmp_path: Path) -> None:
        target = tmp_path / "precious"
        target.write_bytes(b"PK\x03\x04precious")
        part = to.folder / (NAME + ".part")
        part.symlink_to(target)
        saved = self.saved_anew(to, sandbox, part=part)
        assert target.read_bytes() == b"PK\x03\x04precious"
        assert saved.path.name == NAME.replace(".zip", "-2.zip")

    def test_a_folder_or_a_pipe(self, sandbox: Sandbox, to: Fetching) -> None:
        (to.folder / "folder.part").mkdir()
        self.saved_anew(to, sandbox, part=to.folder / "folder.part")
        os.mkfifo(to.folder / "pipe.part")
        self.saved_anew(to, sandbox, part=to.folder / "pipe.part")

    def test_a_file_that_has_another_name_too(self, sandbox: Sandbox, to: Fetching, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.write_bytes(b"PK\x03\x04something else")
        part = to.folder / (NAME + ".part")
        part.hardlink_to(other)
        self.saved_anew(to, sandbox, part=part)
        assert other.read_bytes() == b"PK\x03\x04something else"

    def test_the_folder_was_changed_meanwhile(self, sandbox: Sandbox, to: Fetching, tmp_path: Path) -> None:
        _, url = finished(sandbox, File(size=SIZE), on_download=(Fault(cut=CUT),))
        task = to.task(url)
        cut_off(task)
        saved = to.again(url, task, folder=tmp_path / "elsewhere").run()
        assert saved.path == tmp_path / "elsewhere" / NAME
        assert to.files == []

    def test_another_program_is_at_it(self, tmp_path: Path) -> None:
        content = small_zip(tmp_path)
        with (
            cutting(content, 200, hold=True) as server,
            fetching(server.url, tmp_path / "files") as to,
        ):
            url = f"{server.url}/f?s=1"
            running = Running(to.task(url))
            running.until(lambda task: task.received == 200 and task.part is not None)
            second = to.again(url, running.task)
            assert "Another gale-tui" in cut_off(second).what
            # It is the other one's part, and known to be there.
            assert second.part == running.task.part
            running.task.cancel()
            running.join()

    def test_a_redirect_that_is_refused_leaves_nothing_behind(self, tmp_path: Path) -> None:
        content = small_zip(tmp_path)
        away = reply(302, b"", "text/html", "Location: http://files.example/f.zip")
        with WireServer(answer(away)) as server, fetching(server.url, tmp_path / "files") as to:
            part = left_over(to, content[:100])
            task = to.task(f"{server.url}/f?s=1", part=part, validator='"1"', size=len(content))
            with pytest.raises(LinkRefusedError):
                task.run()
            assert to.files == []
            assert task.part is None

    @pytest.mark.parametrize(
        ("body", "status", "kind"),
        [(b"<html><title>Sign in</title>", 200, NotAZipError), (b"{}", 404, LinkNotReadyError)],
    )
    def test_an_answer_without_the_file_leaves_it_alone(
        self, tmp_path: Path, body: bytes, status: int, kind: type[GaleError]
    ) -> None:
        content = small_zip(tmp_path)
        with (
            WireServer(answer(reply(status, body, "text/html"))) as server,
            fetching(server.url, tmp_path / "files") as to,
        ):
            part = left_over(to, content[:100])
            task = to.task(f"{server.url}/f?s=1", part=part, validator='"1"', size=len(content))
            with pytest.raises(kind):
                task.run()
        assert part.read_bytes() == content[:100]
        assert (task.part, task.received, task.validator) == (part, 100, '"1"')


class TestDisk:
    def test_full_before_it_starts(self, sandbox: Sandbox, to: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
        _, url = finished(sandbox, File(size=SIZE), on_download=(Fault(cut=CUT),))
        task = to.task(url)
        cut_off(task)
        room = {"total": 10 * SIZE, "free": SIZE - CUT - 1}
        monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), room))
        again = to.again(url, task)
        with pytest.raises(FileSystemError, match=r"Disk full: 1\.3 MB needed"):
            again.run()
        assert again.received == CUT
        room["free"] += 1
        assert whole(to.again(url, again).run())

    def test_full_but_for_the_old_part(self, sandbox: Sandbox, to: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
        _, url = finished(sandbox, File(size=SIZE, changes_after=1), on_download=(Fault(cut=CUT),))
        task = to.task(url)
        cut_off(task)
        monkeypatch.setattr(
            "shutil.disk_usage", lambda folder: type("Usage", (), {"total": 10 * SIZE, "free": SIZE - CUT})
        )
        assert whole(to.again(url, task).run())

    def test_full_halfway(self, sandbox: Sandbox, to: Fetching) -> None:
        job, url = finished(sandbox, File(size=SIZE))
        writes = itertools.count(1)

        def step(name: str) -> None:
            if name == "write" and next(writes) == 2:
                raise OSError(errno.ENOSPC, "No space left on device")

        task = to.task(url, step=step)
        with pytest.raises(FileSystemError, match="Disk full"):
            task.run()
        assert task.part is not None
        assert 0 < task.part.stat().st_size == task.received < SIZE
        assert whole(to.again(url, task).run())
        assert ranges(sandbox, job)[1][1] == 206

    @pytest.mark.parametrize("step", ["create", "fsync", "link"])
    def test_refused(self, sandbox: Sandbox, to: Fetching, step: str) -> None:
        _, url = finished(sandbox)

        def refuse(name: str) -> None:
            if name == step:
                raise OSError(errno.EROFS, "Read-only file system")

        task = to.task(url, step=refuse)
        with pytest.raises(FileSystemError, match="is read-only"):
            task.run()
        assert to.files == ([] if step == "create" else [NAME + ".part"])
        assert whole(to.again(url, task).run())

    def test_the_folder_is_taken_away(self, sandbox: Sandbox, to: Fetching, tmp_path: Path) -> None:
        _, url = finished(sandbox)

        def step(name: str) -> None:
            if name == "fsync":
                to.folder.rename(tmp_path / "away")

        task = to.task(url, step=step)
        with pytest.raises(FileSystemError):
            task.run()
        assert task.part is None
        to.folder = tmp_path / "away"

    def test_the_part_is_changed_under_its_feet(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox)

        def step(name: str) -> None:
            if name == "fsync":
                part = to.folder / (NAME + ".part")
                part.rename(to.folder / "moved")
                part.write_bytes((to.folder / "moved").read_bytes())

        with pytest.raises(FileSystemError, match="changed by another program"):
            to.task(url, step=step).run()
        assert NAME not in to.files

    def test_the_history_does_not_answer(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox)

        def late(*part: object) -> None:
            raise StoreError("The history could not be written in time")

        with pytest.raises(StoreError):
            to.task(url, on_part=late).run()
        assert to.files == []

    def test_a_file_is_where_the_folder_should_be(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox)
        (to.folder / "file").touch()
        with pytest.raises(FileSystemError, match="is not a folder"):
            to.task(url, folder=to.folder / "file").run()


def ask(sandbox: Sandbox, method: str, path: str, ca_file: Path) -> Any:
    """A call with the sandbox's key over https."""
    call = urllib.request.Request(sandbox.url + path, method=method, headers={"x-api-key": sandbox.key})  # noqa: S310  # loopback
    with urllib.request.urlopen(call, context=ssl.create_default_context(cafile=ca_file)) as said:  # noqa: S310  # loopback
        return json.load(said)


def small_zip(folder: Path, size: int = 150) -> bytes:
    """A zip of some hundred bytes, with an entry of `size`."""
    path = folder / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("flow_definition.json", random.Random(1).randbytes(size))  # noqa: S311  # filler
    return path.read_bytes()


def left_over(to: Fetching, content: bytes) -> Path:
    """A part with this in it."""
    part = to.folder / (NAME + ".part")
    part.write_bytes(content)
    return part


def by_range(ranged: bytes, plain: bytes) -> Callable[[Conversation], None]:
    """One answer for requests with a range, another for those without."""

    def talk(conversation: Conversation) -> None:
        while request := conversation.request():
            conversation.send(ranged if header(request, "range") else plain)

    return talk


def cutting(content: bytes, *lengths: int, hold: bool = False) -> WireServer:
    """Cuts every other answer after the next of `lengths` and is silent or gone; it serves whole what comes between."""

    def talk(conversation: Conversation) -> None:
        request = conversation.request()
        start = header(request, "range")
        offset = int(start.removeprefix("bytes=").removesuffix("-")) if start else 0
        more = (f"Content-Range: bytes {offset}-{len(content) - 1}/{len(content)}",) if start else ()
        answer = reply(206 if start else 200, content[offset:], "application/zip", 'ETag: "1"', *more)
        number, again = divmod(len(conversation.server.requests) - 1, 2)
        cut = not again and number < len(lengths)
        conversation.send(answer[: len(answer) - len(content) + lengths[number]] if cut else answer)
        if hold:
            conversation.hold()

    return WireServer(talk)
