"""Signed links and what they lead to."""

from __future__ import annotations

import http.client
import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest

from gale_tui.sandbox.jobs import Tool
from gale_tui.sandbox.script import Fault, File, Link, Script
from tests.sandbox.asking import HandClock, dock_status, export, fetch, raw, started, talk
from tests.support import faults
from tests.support.answers import misjudged, served, weakly_tagged
from tests.support.bad_files import bad_file
from tests.support.faults import HOSTILE
from tests.support.sandbox import Sandbox

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def sandbox(clock: HandClock) -> Iterator[Sandbox]:
    with Sandbox(seed=7, clock=clock, wall=lambda: 1_795_000_000.0) as running:
        yield running


def ready(sandbox: Sandbox, file: File = served(CONTENT), **more: object) -> str:  # noqa: B008  # frozen
    """The link of a job that has succeeded."""
    return started(sandbox, Script(duration=0.0, file=file, **more))[1]  # type: ignore[arg-type]  # checked by Script


def test_the_headers_of_a_file(sandbox: Sandbox) -> None:
    answer = fetch(ready(sandbox, served(CONTENT, name='Bänk "A"\\B.zip')))
    assert answer.status == 200
    assert answer.body == CONTENT
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Last-Modified"] == "Wed, 18 Nov 2026 11:06:40 GMT"
    assert answer.headers["ETag"].strip('"').isalnum()
    name = "filename=\"B_nk _A__B.zip\"; filename*=UTF-8''B%C3%A4nk%20%22A%22%5CB.zip"
    assert answer.headers["Content-Disposition"] == f"attachment; {name}"


@pytest.mark.parametrize(
    ("wanted", "status", "span"),
    [
        ("bytes=0-0", 206, (0, 0)),
        ("bytes=100-199", 206, (100, 199)),
        ("bytes=10000-", 206, (10000, 10239)),
        ("bytes=10239-99999", 206, (10239, 10239)),
        ("bytes=-5", 206, (10235, 10239)),
        ("bytes=-99999", 206, (0, 10239)),
        ("bytes=10240-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=5-4", 200, None),
        ("bytes=0-1,5-6", 200, None),
        ("pages=1-2", 200, None),
        ("bytes=x-", 200, None),
        ("bytes=", 200, None),
    ],
)
def test_ranges(sandbox: Sandbox, wanted: str, status: int, span: tuple[int, int] | None) -> None:
    answer = fetch(ready(sandbox), {"Range": wanted})
    assert answer.status == status
    if span is not None:
        first, last = span
        assert answer.body == CONTENT[first : last + 1]
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/10240"
        assert answer.headers["Content-Length"] == str(last + 1 - first)
    elif status == 416:
        assert answer.headers["Content-Range"] == "bytes */10240"
    else:
        assert answer.body == CONTENT
        assert answer.headers["Content-Range"] is None


def test_if_range_needs_the_very_file(sandbox: Sandbox) -> None:
    link = ready(sandbox)
    head = fetch(link, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    tag, date = head.headers["ETag"], head.headers["Last-Modified"]
    for condition, status in {
        tag: 206,
        date: 206,
        f"W/{tag}": 200,
        '"another"': 200,
        "Wed, 18 Nov 2026 11:06:39 GMT": 200,
    }.items():
        answer = fetch(link, {"Range": "bytes=5-", "If-Range": condition})
        assert (condition, answer.status) == (condition, status)
        assert answer.body == (CONTENT[5:] if status == 206 else CONTENT)


def test_a_script_may_edit_the_answer(sandbox: Sandbox) -> None:
    link = ready(sandbox, served(CONTENT, edit=weakly_tagged))
    tag = fetch(link).headers["ETag"]
    assert tag.startswith('W/"')
    assert fetch(link, {"Range": "bytes=5-", "If-Range": tag}).status == 200


def test_a_server_without_ranges(sandbox: Sandbox) -> None:
    answer = fetch(ready(sandbox, served(CONTENT, ranges=False)), {"Range": "bytes=5-"})
    assert (answer.status, answer.body, answer.headers["Accept-Ranges"]) == (200, CONTENT, "none")


def test_a_file_that_changes_between_ranges(sandbox: Sandbox) -> None:
    link = ready(sandbox, File(changes_after=1))
    first = fetch(link, {"Range": "bytes=0-99"})
    assert first.status == 206
    second = fetch(link, {"Range": "bytes=100-", "If-Range": first.headers["ETag"]})
    assert second.status == 200
    assert second.headers["ETag"] != first.headers["ETag"]
    assert second.headers["Last-Modified"] != first.headers["Last-Modified"]
    assert second.body[:100] != first.body


def test_a_link_that_was_tampered_with(sandbox: Sandbox) -> None:
    link = ready(sandbox)
    bare = link.partition("?")[0]
    for tampered in (bare, f"{bare}?signature=0&expires=1", link[:-1] + ("0" if link[-1] != "0" else "1")):
        answer = fetch(tampered, {"x-api-key": sandbox.key})
        assert answer.status == 403
        assert b"<Code>SignatureDoesNotMatch</Code>" in answer.body
    assert fetch(link, method="POST").status == 405


def test_a_link_as_a_script_writes_it(sandbox: Sandbox) -> None:
    link = ready(sandbox, link=Link(write=lambda url: f" \n{url}\t "))
    assert link == f" \n{link.strip()}\t "
    assert fetch(link.strip()).body == CONTENT


def test_a_link_verbatim(sandbox: Sandbox) -> None:
    assert ready(sandbox, link=Link(write=lambda url: "javascript:alert(1)")) == "javascript:alert(1)"


def test_a_link_on_another_host_which_serves_nothing_else(sandbox: Sandbox) -> None:
    link = ready(sandbox, link=Link(host="other"))
    assert link.startswith(sandbox.other_url)
    assert sandbox.other_url != sandbox.url
    assert fetch(link).body == CONTENT
    assert sandbox.requests[-1].origin == sandbox.other_url
    (job,) = sandbox.jobs
    answer = fetch(f"{sandbox.other_url}/api/public/dock-status/{job.dock_status_id}", {"x-api-key": sandbox.key})
    assert (answer.status, answer.message) == (404, "This host serves files only")


def test_a_link_that_needs_the_key(sandbox: Sandbox) -> None:
    link = ready(sandbox, link=Link(key="needed"))
    assert fetch(link).status == 401
    assert fetch(link, {"x-api-key": "kg-test-key-0000"}).status == 401
    assert fetch(link, {"x-api-key": sandbox.key}).status == 200


def test_a_link_that_bears_no_key(sandbox: Sandbox) -> None:
    link = ready(sandbox, link=Link(key="refused"))
    assert fetch(link, {"x-api-key": sandbox.key}).status == 400
    assert fetch(link).status == 200


def test_an_unsigned_link(sandbox: Sandbox) -> None:
    link = ready(sandbox, link=Link(signed=False, key="needed"))
    assert "?" not in link
    assert fetch(link, {"x-api-key": sandbox.key}).body == CONTENT


@pytest.mark.parametrize("status", [403, 404, 409])
@pytest.mark.parametrize("body", ["json", "xml", "html"])
def test_a_link_that_comes_alive_late(
    sandbox: Sandbox, clock: HandClock, status: int, body: Literal["json", "xml", "html"]
) -> None:
    link = Link(ready_after=10.0, not_ready=status, not_ready_body=body)
    dock_id, url = started(sandbox, Script(duration=2.0, link=link))
    clock.move(11.9)
    assert dock_status(sandbox, dock_id).json["status"] == "SUCCESS"
    answer = fetch(url)
    assert answer.status == status
    assert answer.headers["Content-Type"].partition(";")[0].endswith(body)
    clock.move(0.2)
    assert fetch(url).status == 200


def test_a_link_that_works_early(sandbox: Sandbox) -> None:
    _, link = started(sandbox, Script(duration=60.0, link=Link(early=True)))
    assert fetch(link).status == 200


def test_a_link_that_expires(sandbox: Sandbox, clock: HandClock) -> None:
    script = Script(duration=1.0, url_in="both", link=Link(lifetime=20.0))
    dock_id, first = started(sandbox, script)
    assert urlsplit(first).query.endswith("&expires=1795000020")
    clock.move(10)
    assert dock_status(sandbox, dock_id).json["response"]["downloadUrl"] == first
    assert fetch(first).status == 200
    clock.move(11)
    expired = fetch(first)
    assert expired.status == 403
    assert b"Request has expired" in expired.body
    second = dock_status(sandbox, dock_id).json["response"]["downloadUrl"]
    assert second != first
    assert fetch(second).status == 200
    assert fetch(first).status == 403


def test_redirects_of_each_kind(sandbox: Sandbox) -> None:
    hops = ("own", "relative", "other", "plain", "own")
    link = ready(sandbox, link=Link(redirects=hops))
    seen = []
    for _ in hops:
        answer = fetch(link)
        assert answer.status == 302
        target = answer.headers["Location"]
        seen.append(target.partition("/api/")[0])
        parts = urlsplit(link)
        link = target if "://" in target else f"{parts.scheme}://{parts.netloc}{target}"
    assert seen == [sandbox.url, "", sandbox.other_url, sandbox.plain_url, sandbox.url]
    assert fetch(link).body == CONTENT
    assert len(sandbox.downloads(sandbox.jobs[0].dock_status_id)) == len(hops) + 1


def test_a_redirect_to_a_place_of_choice(sandbox: Sandbox) -> None:
    link = ready(sandbox, link=Link(redirects=("http://gale.example.invalid/file",)))
    assert fetch(link).headers["Location"] == "http://gale.example.invalid/file"


def test_redirects_that_never_end(sandbox: Sandbox) -> None:
    link = ready(sandbox, link=Link(redirects=("own",) * 30))
    for _ in range(20):
        answer = fetch(link)
        assert answer.status == 302
        link = answer.headers["Location"]


def test_a_page_instead_of_the_file(sandbox: Sandbox) -> None:
    page = fetch(ready(sandbox, bad_file("html")))
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.body.startswith(b"<!DOCTYPE html>")
    login = fetch(ready(sandbox, on_download=(faults.html_page(200),)))
    assert (login.status, login.headers["Content-Disposition"]) == (200, None)


def test_server_errors_before_the_file(sandbox: Sandbox) -> None:
    link = ready(sandbox, on_download=(faults.server_error(503, times=2), faults.server_error(500)))
    assert [fetch(link).status for _ in range(4)] == [503, 503, 500, 200]


def test_faults_of_downloads_wait_for_the_file_to_be_ready(sandbox: Sandbox, clock: HandClock) -> None:
    _, link = started(sandbox, Script(duration=5.0, on_download=(faults.server_error(503),)))
    assert fetch(link).status == 404
    clock.move(6)
    assert [fetch(link).status for _ in range(2)] == [503, 200]


def test_a_download_that_is_cut_and_resumed_until_it_is_whole(sandbox: Sandbox) -> None:
    link = ready(sandbox, on_download=(faults.cut(3000, times=3),))
    received = b""
    answers = 0
    while len(received) < len(CONTENT):
        try:
            received += fetch(link, {"Range": f"bytes={len(received)}-"}).body
        except http.client.IncompleteRead as error:
            received += error.partial
        answers += 1
    assert received == CONTENT
    assert answers == 4


def test_a_reset_in_the_middle(sandbox: Sandbox) -> None:
    link = ready(sandbox, on_download=(faults.cut(3000, reset=True),))
    parts = urlsplit(link)
    received = raw(link, f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert received.endswith(b"<reset>")


def test_silent_truncation_without_a_length(sandbox: Sandbox) -> None:
    link = ready(sandbox, served(CONTENT, length="absent"), on_download=(faults.cut(3000),))
    short, whole = fetch(link), fetch(link)
    assert short.headers["Content-Length"] is None
    assert short.body == CONTENT[:3000]
    assert whole.body == CONTENT


def test_chunks(sandbox: Sandbox) -> None:
    link = ready(sandbox, served(CONTENT, length="chunked"), on_download=(faults.cut(3000),))
    with pytest.raises(http.client.IncompleteRead):
        fetch(link)
    answer = fetch(link)
    assert (answer.headers["Transfer-Encoding"], answer.body) == ("chunked", CONTENT)


def test_a_wrong_length(sandbox: Sandbox) -> None:
    more = ready(sandbox, served(CONTENT, edit=misjudged(7)))
    with pytest.raises(http.client.IncompleteRead) as caught:
        fetch(more)
    assert (len(caught.value.partial), caught.value.expected) == (10240, 7)
    less = fetch(ready(sandbox, served(CONTENT, edit=misjudged(-7))))
    assert less.body == CONTENT[:-7]


def test_a_stalled_download(sandbox: Sandbox) -> None:
    link = ready(sandbox, on_download=(faults.stalled(100),))
    line = talk(link)
    line.request("GET", link.removeprefix(sandbox.url))
    answer = line.getresponse()
    assert answer.read(100) == CONTENT[:100]
    assert line.sock is not None
    line.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        answer.read(1)
    answer.close()
    line.close()
    assert fetch(link).body == CONTENT


def test_a_paced_download_keeps_to_the_clock(sandbox: Sandbox, clock: HandClock) -> None:
    link = ready(sandbox, served(CONTENT, pace=1000.0))
    line = talk(link)
    line.request("GET", link.removeprefix(sandbox.url))
    answer = line.getresponse()
    clock.move(2.0)
    assert answer.read(2000) == CONTENT[:2000]
    assert line.sock is not None
    line.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        answer.read(1)
    line.sock.settimeout(20)
    clock.move(100.0)
    # After a time-out http.client gives no more, but the line does.
    rest = b""
    while len(rest) < len(CONTENT) - 2000:
        rest += line.sock.recv(65536)
    assert rest == CONTENT[2000:]
    answer.close()
    line.close()


@pytest.mark.parametrize(
    "value",
    [
        'attachment; filename="../../../etc/passwd"',
        f'attachment; filename="{"x" * 20_000}.zip"',
        f"attachment; filename={HOSTILE['ansi']}",
        "attachment; filename*=UTF-8''%00%1b%5b31m%e2%80%ae.zip",
        "attachment; filename=\u202eпример.zip",
        ";;;=",
    ],
)
def test_a_hostile_content_disposition_is_sent_as_it_is(sandbox: Sandbox, value: str) -> None:
    link = ready(sandbox, on_download=(Fault(headers=(("Content-Disposition", value),)),))
    parts = urlsplit(link)
    request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert b"\r\nContent-Disposition: " + value.encode() + b"\r\n" in raw(link, request.encode())


@pytest.mark.parametrize("length", ["given", "chunked", "absent"])
@pytest.mark.parametrize("pace", [None, 1e6])
def test_a_file_of_any_size_comes_from_disk(pace: float | None, length: Literal["given", "chunked", "absent"]) -> None:
    size = 5 * 1024 * 1024 + 321
    with Sandbox(speed=1000.0) as sandbox:
        _check_sized(sandbox, File(size=size, pace=pace, length=length), size)


def _check_sized(sandbox: Sandbox, file: File, size: int) -> None:
    link = ready(sandbox, file)
    answer = fetch(link)
    assert len(answer.body) == size
    with zipfile.ZipFile(BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert "flow_definition.json" in archive.namelist()
    middle = fetch(link, {"Range": f"bytes={size // 2}-", "If-Range": answer.headers["ETag"]})
    assert middle.status == 206
    assert middle.body == answer.body[size // 2 :]


def test_a_file_that_cannot_be_made(sandbox: Sandbox) -> None:
    def fail(documents: dict[str, bytes]) -> bytes:
        raise OSError(f"cannot pack {list(documents)}")

    assert fetch(ready(sandbox, File(pack=fail))).status == 500


def test_versions_of_a_tool_differ_and_equal_ones_do_not(sandbox: Sandbox) -> None:
    tool = sandbox.add_tool("T", Script(duration=0.0))
    same = [fetch(export(sandbox, tool).json["response"]["downloadUrl"]).body for _ in range(2)]
    sandbox.script(tool.tool_id, Script(duration=0.0, version=2))
    other = fetch(export(sandbox, tool).json["response"]["downloadUrl"]).body
    assert same[0] == same[1]
    assert other != same[0]


def test_a_tool_of_the_demo_is_edited_after_its_first_export_and_the_others_are_not(tmp_path: Path) -> None:
    def names_and_versions(body: bytes) -> tuple[list[str], str]:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            flow, application = (json.loads(archive.read(f"{each}_definition.json")) for each in ("flow", "app"))
        return [node["config"].get("prompt", "") for node in flow["nodes"]], application["version"]

    def file(sandbox: Sandbox, tool: Tool) -> bytes:
        sandbox.script(tool.tool_id, Script(duration=0.0))
        return fetch(export(sandbox, tool).json["response"]["downloadUrl"]).body

    kept = tmp_path / "sandbox.json"
    with Sandbox(keep=kept) as sandbox:
        for tool in sandbox.offered:
            if tool.name != "Leave Bot":
                assert file(sandbox, tool) == file(sandbox, tool)
        leave = next(tool for tool in sandbox.offered if tool.name == "Leave Bot")
        first, second = (names_and_versions(file(sandbox, leave)) for _ in range(2))
        assert [new.startswith(old) for old, new in zip(first[0], second[0], strict=True) if new != old] == [True]
        assert first[1] == second[1] == "1.4.0"
    with Sandbox(keep=kept) as sandbox:
        third, fourth = (file(sandbox, leave) for _ in range(2))
        assert names_and_versions(third) == (second[0], "1.5.0")
        assert third == fourth
