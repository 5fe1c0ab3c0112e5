"""Downloads: what is asked with and without the key, what is saved, and the word for each refusal."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gale_tui.core.downloads.download import DownloadTask
from gale_tui.core.downloads.saved_file import SavedFile
from gale_tui.core.errors import (
    CorruptFileError,
    DownloadError,
    GaleError,
    InterruptedDownloadError,
    LinkExpiredError,
    LinkNotReadyError,
    LinkRefusedError,
    LinkRejectedError,
    NoKeyError,
    NotAZipError,
    StoppedDownloadError,
)
from gale_tui.core.secret import Secret, register_secret
from gale_tui.core.untrusted_text import inert
from gale_tui.sandbox.script import Fault, File, Link
from tests.support.answers import headed, misjudged, served
from tests.support.bad_files import bad_file
from tests.support.faults import HOSTILE, gzipped, media_type, rate_limited
from tests.support.fetching import NAME, Fetching, Running, fetching, finished
from tests.support.sandbox import Sandbox
from tests.support.wire import Conversation, WireServer, answer, reply, shown_in_a_crash


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=3) as running:
        yield running


@pytest.fixture
def to(sandbox: Sandbox, tmp_path: Path) -> Iterator[Fetching]:
    with fetching(sandbox.url, tmp_path / "files", Secret(sandbox.key)) as made:
        yield made


def failing(task: DownloadTask) -> GaleError:
    """What a download raises."""
    with pytest.raises(GaleError) as caught:
        task.run()
    return caught.value


class TestSaved:
    def test_a_file_is_whole_private_and_has_its_name(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox)
        task = to.task(url)
        saved = task.run()
        content = saved.path.read_bytes()
        assert saved.path == to.folder / NAME
        assert to.files == [NAME]
        assert stat.S_IMODE(saved.path.stat().st_mode) == 0o600
        assert saved.path.stat().st_nlink == 1
        assert (saved.size, saved.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert (entries(saved), saved.name) == (3, "Scripted Tool")
        assert zipfile.ZipFile(saved.path).testzip() is None
        assert (task.part, task.received, task.size) == (None, saved.size, saved.size)

    def test_it_has_its_name_once_its_bytes_are_on_the_disk_and_then_the_name_is_put_there(
        self, sandbox: Sandbox, to: Fetching, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, url = finished(sandbox)
        forced: list[tuple[bool, list[str]]] = []
        fsync = os.fsync

        def watched(descriptor: int) -> None:
            forced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), to.files))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", watched)
        to.task(url).run()
        part = NAME + ".part"
        assert forced == [(False, [part]), (True, [NAME, part]), (True, [NAME])]

    def test_its_name_is_the_tool_s_own_not_the_file_s(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, File(name="Exported_Other.zip"))
        assert to.task(url).run().name == "Scripted Tool"

    def test_the_part_is_told_before_it_is_there(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox)
        seen: list[bool] = []
        saved = to.task(url, on_part=lambda part, *_: seen.append(part.exists())).run()
        assert seen == [False]
        to.folder.joinpath(NAME).unlink()
        to.task(url).run()
        ((part, validator, size),) = to.parts
        assert part == to.folder / (NAME + ".part")
        assert validator is not None
        assert validator.startswith('"')
        assert size == saved.size

    def test_no_file_is_ever_replaced(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox)
        names = [to.task(url).run().path.name for _ in range(3)]
        stem = NAME.removesuffix(".zip")
        assert names == [f"{stem}.zip", f"{stem}-2.zip", f"{stem}-3.zip"]

    def test_one_that_comes_up_meanwhile_stays_as_well(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox)

        def step(name: str) -> None:
            if name == "link":
                to.folder.joinpath(NAME).touch()

        saved = to.task(url, step=step).run()
        assert saved.path.name == NAME.replace(".zip", "-2.zip")
        assert to.folder.joinpath(NAME).read_bytes() == b""

    @pytest.mark.parametrize("length", ["given", "absent", "chunked"])
    def test_a_large_file_however_it_is_framed(self, sandbox: Sandbox, to: Fetching, length: Any) -> None:
        _, url = finished(sandbox, File(size=5_000_000, length=length))
        saved = to.task(url).run()
        content = saved.path.read_bytes()
        assert (len(content), entries(saved)) == (5_000_000, 4)
        assert saved.sha256 == hashlib.sha256(content).hexdigest()

    @pytest.mark.parametrize(
        ("disposition", "name"),
        [
            ("attachment; filename=\"a.zip\"; filename*=UTF-8''%E6%9D%B1%E4%BA%AC.zip", "東京"),
            ('attachment; filename="../../etc/passwd"', "passwd"),
            ('attachment; filename="..\\\\..\\\\evil.zip"', "evil"),
            (None, "fallback"),
            ('attachment; filename="/"', "fallback"),
        ],
    )
    def test_the_name_comes_from_the_server_and_is_made_safe(
        self, sandbox: Sandbox, to: Fetching, disposition: str | None, name: str
    ) -> None:
        headers = Fault(headers=(("Content-Disposition", disposition),), times=None)
        _, url = finished(sandbox, on_download=(headers,))
        saved = to.task(url).run()
        assert saved.path.name == f"{name}--staging--20261123T120034Z.zip"
        assert saved.path.parent == to.folder

    def test_the_links_own_name_where_the_server_gives_none(self, to: Fetching, tmp_path: Path) -> None:
        content = zip_bytes(tmp_path)
        with (
            WireServer(answer(reply(200, content, "application/zip"))) as server,
            fetching(server.url, to.folder) as at,
        ):
            saved = at.task(f"{server.url}/files/Leave%20Bot.zip?sig=1").run()
        assert saved.path.name == "Leave Bot--staging--20261123T120034Z.zip"

    def test_only_the_last_part_of_a_folder_is_made(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox)
        assert to.task(url, folder=to.folder / "new").run().path.parent.name == "new"
        assert stat.S_IMODE((to.folder / "new").stat().st_mode) == 0o700
        assert "is gone" in failing(to.task(url, folder=to.folder / "disk" / "new")).args[0]
        assert to.task(url, folder=to.folder / "disk" / "new", make_parents=True).run().path.exists()


class TestKey:
    def keys(self, sandbox: Sandbox, job: str) -> list[bool]:
        return [record.header("x-api-key") is not None for record in sandbox.downloads(job)]

    def test_a_signed_link_is_asked_without_it(self, sandbox: Sandbox, to: Fetching) -> None:
        job, url = finished(sandbox)
        to.task(url).run()
        assert self.keys(sandbox, job) == [False]

    def test_and_once_with_it_where_that_is_refused(self, sandbox: Sandbox, to: Fetching) -> None:
        job, url = finished(sandbox, link=Link(key="needed"))
        to.task(url).run()
        assert self.keys(sandbox, job) == [False, True]

    def test_never_more_than_once(self, sandbox: Sandbox, to: Fetching) -> None:
        job, url = finished(sandbox, on_download=(Fault(status=403, times=None),))
        assert isinstance(failing(to.task(url)), LinkNotReadyError)
        assert self.keys(sandbox, job) == [False, True]

    def test_an_unsigned_link_is_asked_with_it(self, sandbox: Sandbox, to: Fetching) -> None:
        job, url = finished(sandbox, link=Link(signed=False, key="needed"))
        to.task(url).run()
        assert self.keys(sandbox, job) == [True]

    @pytest.mark.parametrize("signed", [True, False])
    def test_another_host_never_gets_it(self, sandbox: Sandbox, to: Fetching, signed: bool) -> None:
        job, url = finished(sandbox, link=Link(host="other", signed=signed), on_download=(Fault(status=401),))
        error = failing(to.task(url))
        assert type(error) is DownloadError
        assert "wants a login (401" in error.what
        to.task(url).run()
        assert self.keys(sandbox, job) == [False, False]

    def test_nor_does_a_host_that_is_redirected_to(self, sandbox: Sandbox, to: Fetching) -> None:
        job, url = finished(
            sandbox, link=Link(signed=False, redirects=("other",)), on_download=(Fault(status=403, times=None),)
        )
        failing(to.task(url))
        assert self.keys(sandbox, job) == [True, False]

    def test_nor_is_it_tried_where_a_redirect_led_to(self, sandbox: Sandbox, to: Fetching) -> None:
        job, url = finished(sandbox, link=Link(redirects=("other",)), on_download=(Fault(status=403, times=None),))
        assert isinstance(failing(to.task(url)), LinkNotReadyError)
        assert self.keys(sandbox, job) == [False, False]
        assert sandbox.downloads(job)[1].origin != sandbox.downloads(job)[0].origin

    def test_another_host_is_asked_without_there_being_one(self, sandbox: Sandbox, tmp_path: Path) -> None:
        _, url = finished(sandbox, link=Link(host="other", signed=False))
        with fetching(sandbox.url, tmp_path / "files") as to:
            assert to.task(url).run().path.exists()

    def test_there_is_none(self, sandbox: Sandbox, tmp_path: Path) -> None:
        _, unsigned = finished(sandbox, link=Link(signed=False, key="needed"))
        _, signed = finished(sandbox, link=Link(key="needed"))
        with fetching(sandbox.url, tmp_path / "files") as to:
            assert isinstance(failing(to.task(unsigned)), NoKeyError)
            assert "refused the key" in failing(to.task(signed)).args[0]

    def test_neither_key_nor_signature_is_in_a_crash(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, on_download=(Fault(status=401, times=None),))
        shown = shown_in_a_crash(failing(to.task(url)))
        assert sandbox.key not in shown
        assert url.partition("signature=")[2][:20] not in shown


class TestRefusals:
    @pytest.mark.parametrize("status", [403, 404, 409])
    def test_not_ready(self, sandbox: Sandbox, to: Fetching, status: int) -> None:
        _, url = finished(sandbox, link=Link(ready_after=3600.0, not_ready=status))
        error = failing(to.task(url))
        assert isinstance(error, LinkNotReadyError)
        assert str(status) in error.what
        assert to.files == []

    @pytest.mark.parametrize("body", ["json", "xml", "html"])
    @pytest.mark.parametrize("status", [400, 403, 410])
    def test_expired(self, sandbox: Sandbox, to: Fetching, status: int, body: Any) -> None:
        _, url = finished(sandbox, link=Link(lifetime=0.0, expired_status=status, expired_body=body))
        error = failing(to.task(url))
        assert isinstance(error, LinkExpiredError)
        assert "has expired" in error.what

    def test_expired_whatever_is_said_with_the_key(self, sandbox: Sandbox, to: Fetching) -> None:
        first = Fault(
            status=403, body="<Error><Code>ExpiredToken</Code></Error>", headers=media_type("application/xml")
        )
        job, url = finished(sandbox, on_download=(first, Fault(status=403)))
        assert isinstance(failing(to.task(url)), LinkExpiredError)
        assert len(sandbox.downloads(job)) == 2

    def test_expired_by_its_own_date(self, tmp_path: Path) -> None:
        denied = b"<Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>"
        date = "Date: Mon, 23 Nov 2026 12:00:00 GMT"
        with (
            WireServer(answer(reply(403, denied, "application/xml", date))) as server,
            fetching(server.url, tmp_path / "files") as to,
        ):
            past = "X-Amz-Date=20261123T110000Z&X-Amz-Expires=3599"
            future = "X-Amz-Date=20261123T110000Z&X-Amz-Expires=3601"
            error = failing(to.task(f"{server.url}/f?{past}"))
            assert isinstance(error, LinkExpiredError)
            assert "Access denied" in error.what
            assert isinstance(failing(to.task(f"{server.url}/f?{future}")), LinkNotReadyError)

    @pytest.mark.parametrize("status", [429, 500, 503, 408])
    def test_what_passes_is_tried_again(self, sandbox: Sandbox, to: Fetching, status: int) -> None:
        _, url = finished(sandbox, on_download=(Fault(status=status, headers=(("Retry-After", "7"),)),))
        error = failing(to.task(url))
        assert isinstance(error, InterruptedDownloadError)
        assert error.what.startswith("The server limits requests" if status == 429 else "The server has a problem")
        assert error.retry_after == 7
        assert to.task(url).run().size > 0

    def test_a_rate_limit_says_so(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, on_download=(rate_limited(),))
        assert "Rate limit" in failing(to.task(url)).what

    @pytest.mark.parametrize("status", [400, 405, 418])
    def test_what_does_not_pass(self, sandbox: Sandbox, to: Fetching, status: int) -> None:
        _, url = finished(sandbox, on_download=(Fault(status=status, message="no such luck"),))
        error = failing(to.task(url))
        assert type(error) is DownloadError
        assert not error.passing
        assert f"({status}: no such luck)" in error.what

    def test_a_key_that_is_refused(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, on_download=(Fault(status=401, times=None),))
        error = failing(to.task(url))
        assert type(error) is DownloadError
        assert "refused the key" in error.what

    def test_a_host_that_is_not_there_may_come_back(self, tmp_path: Path, sandbox: Sandbox) -> None:
        _, url = finished(sandbox)
        sandbox.stop()
        with fetching(sandbox.url, tmp_path / "files") as to:
            error = failing(to.task(url))
        assert isinstance(error, InterruptedDownloadError)

    @pytest.mark.parametrize("url", ["http://files.example.com/f.zip?s=1", "ftp://127.0.0.1/f.zip"])
    def test_links_that_are_not_followed(self, to: Fetching, url: str) -> None:
        assert isinstance(failing(to.task(url)), LinkRefusedError)

    def test_a_redirect_without_end(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, link=Link(redirects=("own",) * 9))
        assert "redirects" in failing(to.task(url)).what

    def test_hostile_words_are_inert(self, sandbox: Sandbox, to: Fetching) -> None:
        for text in HOSTILE.values():
            _, url = finished(sandbox, on_download=(Fault(status=404, body=text, headers=media_type("text/plain")),))
            what = failing(to.task(url)).what
            assert what == inert(what, 1000)
            assert len(what) < 300


def store_says(code: str, message: str = "Because") -> bytes:
    """The body of a store's refusal."""
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


class TestStores:
    """What S3, Azure and Google answer."""

    @pytest.mark.parametrize(
        ("status", "body", "kind", "says"),
        [
            (
                403,
                store_says("SignatureDoesNotMatch"),
                LinkRejectedError,
                "The store refused the link (403 SignatureDoesNotMatch: Because)",
            ),
            (403, store_says("InvalidAccessKeyId"), LinkRejectedError, "InvalidAccessKeyId"),
            (403, store_says("AuthenticationFailed"), LinkRejectedError, "AuthenticationFailed"),
            (404, store_says("NoSuchBucket"), LinkRejectedError, "NoSuchBucket"),
            (404, store_says("NoSuchKey"), LinkNotReadyError, "The file is not at the link (404 NoSuchKey: Because)"),
            (
                403,
                store_says("AccessDenied"),
                LinkNotReadyError,
                "The store refused the link (403 AccessDenied: Because)",
            ),
            (403, store_says("AccessDenied", "Request has expired"), LinkExpiredError, "expired"),
            (503, store_says("SlowDown"), InterruptedDownloadError, "503 SlowDown: Because"),
        ],
    )
    def test_what_the_store_said_is_said(
        self, to: Fetching, status: int, body: bytes, kind: type[GaleError], says: str
    ) -> None:
        with WireServer(answer(reply(status, body, "application/xml"))) as server:
            error = failing(to.task(f"{server.url}/f?sig=1"))
        assert type(error) is kind
        assert says in error.what

    @pytest.mark.parametrize(
        "query", ["st=2026-11-23T14:00:00Z&se=2026-11-24T00:00:00Z", "x-amz-date=20261123T140000Z"]
    )
    def test_a_link_that_is_valid_later(self, to: Fetching, query: str) -> None:
        date = "Date: Mon, 23 Nov 2026 12:00:00 GMT"
        with WireServer(answer(reply(403, store_says("AuthenticationFailed"), "application/xml", date))) as server:
            error = failing(to.task(f"{server.url}/f?{query}"))
        assert isinstance(error, LinkNotReadyError)
        assert error.retry_after == 7200
        assert "valid from" in error.what

    def test_what_it_repeats_of_the_signature_is_not(self, to: Fetching) -> None:
        body = store_says("SignatureDoesNotMatch", "c2lnbmF0dXJl0123 is not it")
        named = 'Content-Disposition: attachment; filename="c2lnbmF0dXJl0123.zip"'
        for said in (reply(403, body, "application/xml"), reply(200, b"nothing", "text/plain", named)):
            with WireServer(answer(said)) as server:
                error = failing(to.task(f"{server.url}/f?X-Amz-Signature=c2lnbmF0dXJl0123"))
            assert "c2lnbmF0dXJl0123" not in str(error)

    @pytest.mark.parametrize("escaped", [False, True])
    def test_nor_of_the_key_in_the_file_s_name(self, tmp_path: Path, escaped: bool) -> None:
        key = Secret("odd.key.0123456789")
        register_secret(key)
        name = f'filename="a {key.reveal()}.zip"'
        if escaped:
            name = "filename*=UTF-8''" + "".join(f"%{ord(each):02x}" for each in key.reveal())
        said = reply(200, zip_bytes(tmp_path), "application/zip", f"Content-Disposition: attachment; {name}")
        with WireServer(answer(said)) as server, fetching(server.url, tmp_path / "files", key) as to:
            to.task(f"{server.url}/f?s=1").run()
            assert len(to.files) == 1
            assert key.reveal() not in to.files[0]


class TestNotAZip:
    @pytest.mark.parametrize(
        ("file", "words"),
        [
            (bad_file("html"), "a web page: Sign in"),
            (bad_file("not a zip"), "application/zip"),
            (bad_file("empty"), "an empty file"),
            (served(b'{"message": "soon"}', edit=headed(content_type="application/json")), "a message: soon"),
            (served(b"PK"), "application/zip"),
            (served(b"see below", edit=headed(content_type="text/plain")), "text/plain: see below"),
        ],
    )
    def test_it_is_said_and_not_kept(self, sandbox: Sandbox, to: Fetching, file: File, words: str) -> None:
        _, url = finished(sandbox, file)
        task = to.task(url)
        error = failing(task)
        assert isinstance(error, NotAZipError)
        assert words in error.what
        assert (to.files, to.parts, task.part, task.received) == ([], [], None, 0)

    def test_a_page_in_several_pieces(self, tmp_path: Path) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 40\r\n\r\n<!doctype")
            conversation.drip(b" html><title>Portal</title>    ", 0.001)

        with WireServer(talk) as server, fetching(server.url, tmp_path / "files") as to:
            assert failing(to.task(f"{server.url}/f?s=1")).what.endswith("a web page: Portal")

    def test_a_zip_counts_whatever_its_content_type_says(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, File(edit=headed(content_type="text/html")))
        assert entries(to.task(url).run()) == 3

    def test_gzip_on_the_way_is_unpacked(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, on_download=(gzipped(),))
        saved = to.task(url).run()
        assert entries(saved) == 3
        assert zipfile.is_zipfile(saved.path)

    @pytest.mark.parametrize(("broken", "says"), [(False, "cut short"), (True, "damaged")])
    def test_gzip_that_is_broken(self, to: Fetching, tmp_path: Path, broken: bool, says: str) -> None:
        packed = gzip.compress(zip_bytes(tmp_path))
        packed = packed[:40] + b"?" * 40 + packed[80:] if broken else packed[:-20]
        with WireServer(answer(reply(200, packed, "application/zip", "Content-Encoding: gzip"))) as server:
            error = failing(to.task(f"{server.url}/f"))
        assert isinstance(error, CorruptFileError)
        assert says in error.what
        assert to.files == []

    def test_another_way_of_packing_is_named(self, to: Fetching) -> None:
        with WireServer(
            answer(reply(200, b"\x28\xb5\x2f\xfd....", "application/zip", "Content-Encoding: zstd"))
        ) as server:
            error = failing(to.task(f"{server.url}/f"))
        assert "compressed (zstd)" in error.what
        assert error.advice

    @pytest.mark.parametrize("kind", ["bad crc", "cut short", "bomb", "many entries"])
    def test_a_damaged_one_is_not_kept_either(self, sandbox: Sandbox, to: Fetching, kind: Any) -> None:
        _, url = finished(sandbox, bad_file(kind))
        task = to.task(url)
        assert isinstance(failing(task), CorruptFileError)
        assert (to.files, task.part, task.received) == ([], None, 0)

    def test_an_announced_length_that_is_too_small(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, File(edit=misjudged(-100)))
        assert isinstance(failing(to.task(url)), CorruptFileError)
        assert to.files == []

    def test_cut_without_anybody_noticing(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, File(size=100_000, length="absent"), on_download=(Fault(cut=50_000),))
        error = failing(to.task(url))
        assert isinstance(error, CorruptFileError)
        assert "cut short" in error.what
        assert to.files == []

    def test_more_than_any_tool_has(self, tmp_path: Path) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\nPK\x03\x04"
        with WireServer(answer(head)) as server, fetching(server.url, tmp_path / "files") as to:
            assert "9,000,000,000 bytes" in failing(to.task(f"{server.url}/f?s=1")).what
            assert to.files == []


class TestCancelled:
    def stalling(self, sent: int, held: list[Conversation]) -> Any:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            held.append(conversation)
            if sent >= 0:
                conversation.send(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 3000000\r\n\r\nPK\x03\x04')
                conversation.send(bytes(sent))
            conversation.hold()

        return talk

    def test_while_the_server_says_nothing(self, tmp_path: Path) -> None:
        held: list[Conversation] = []
        with WireServer(self.stalling(-1, held)) as server, fetching(server.url, tmp_path / "files") as to:
            running = Running(to.task(f"{server.url}/f?s=1", stall=3600.0))
            running.until(lambda task: bool(held))
            running.task.cancel()
            error = running.join()
        assert isinstance(error, InterruptedDownloadError)
        assert isinstance(error, StoppedDownloadError)

    def test_while_it_stalls_every_byte_is_kept(self, tmp_path: Path) -> None:
        with WireServer(self.stalling(1_500_000, [])) as server, fetching(server.url, tmp_path / "files") as to:
            running = Running(to.task(f"{server.url}/f?s=1", stall=3600.0))
            running.until(lambda task: task.received == 1_500_004)
            running.task.cancel()
            error = running.join()
            part = running.task.part
        assert isinstance(error, InterruptedDownloadError)
        assert isinstance(error, StoppedDownloadError)
        assert part is not None
        assert part.stat().st_size == running.task.received == 1_500_004
        assert (running.task.validator, running.task.size) == ('"1"', 3_000_000)

    def test_before_it_began(self, sandbox: Sandbox, to: Fetching) -> None:
        job, url = finished(sandbox)
        task = to.task(url)
        task.cancel()
        assert isinstance(failing(task), StoppedDownloadError)
        assert sandbox.downloads(job) == []

    def test_while_the_disk_takes_its_time(
        self, sandbox: Sandbox, to: Fetching, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # No disk can be had that is slow for as long as the test needs.
        begun, go_on, fsync = threading.Event(), threading.Event(), os.fsync

        def slow(descriptor: int) -> None:
            begun.set()
            go_on.wait(20)
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", slow)
        _, url = finished(sandbox)
        running = Running(to.task(url))
        assert begun.wait(20)
        running.task.cancel()
        error = running.join()
        go_on.set()
        assert isinstance(error, InterruptedDownloadError)
        assert isinstance(error, StoppedDownloadError)
        assert to.files == [NAME + ".part"]

    def test_while_the_file_is_verified(self, sandbox: Sandbox, to: Fetching) -> None:
        _, url = finished(sandbox, File(size=3_000_000))
        task = to.task(url, step=lambda name: task.cancel() if name == "fsync" else None)
        assert isinstance(failing(task), StoppedDownloadError)
        assert task.received == task.size == 3_000_000
        assert to.files == [NAME + ".part"]


def zip_bytes(folder: Path) -> bytes:
    """A small zip."""
    path = folder / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("flow_definition.json", "{}")
    return path.read_bytes()


def entries(saved: SavedFile) -> int:
    """Files in the zip."""
    with zipfile.ZipFile(saved.path) as archive:
        return len(archive.namelist())
