"""Answers that are wrong in a way that a script asked for."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import threading
from collections.abc import Iterator

import pytest

from gale_tui.sandbox.jobs import Tool
from gale_tui.sandbox.script import Fault, Place, Script
from tests.sandbox.asking import HandClock, dock_status, export, export_path, raw, started, talk
from tests.support import faults
from tests.support.answers import with_fields
from tests.support.faults import HOSTILE
from tests.support.sandbox import Sandbox

WALL = 1_795_000_000.25


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def sandbox(clock: HandClock) -> Iterator[Sandbox]:
    with Sandbox(seed=7, clock=clock, wall=lambda: WALL) as running:
        yield running


def raw_export(sandbox: Sandbox, tool: Tool) -> bytes:
    request = f"POST {export_path(tool)} HTTP/1.1\r\nHost: sandbox\r\nx-api-key: {sandbox.key}\r\n\r\n"
    return raw(sandbox.url, request.encode())


def test_an_export_is_limited_and_then_goes_through(sandbox: Sandbox) -> None:
    tool = sandbox.add_tool("T", Script(on_export=(faults.rate_limited(7, times=2),)))
    first, second, third = (export(sandbox, tool) for _ in range(3))
    for answer in (first, second):
        assert answer.status == 429
        assert answer.message == "Rate limit for this API has been reached. Please try again later"
        assert answer.headers["Retry-After"] == "7"
    assert third.status == 200
    assert [record.status for record in sandbox.posts(tool.tool_id)] == [429, 429, 200]
    assert len(sandbox.jobs) == 1


@pytest.mark.parametrize(
    ("fault", "header"),
    [
        (faults.rate_limited(), None),
        (faults.rate_limited(1.2), "2"),
        (faults.rate_limited("soon"), "soon"),
        # A whole second later than asked for at most, never earlier.
        (faults.rate_limited(5, as_date=True), "Wed, 18 Nov 2026 11:06:46 GMT"),
    ],
)
def test_retry_after_in_each_form(sandbox: Sandbox, fault: Fault, header: str | None) -> None:
    dock_id, _ = started(sandbox, Script(on_status=(fault,)))
    limited = dock_status(sandbox, dock_id)
    assert (limited.status, limited.headers["Retry-After"]) == (429, header)
    assert dock_status(sandbox, dock_id).status == 200


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 502, 503, 504])
def test_json_errors_on_export_and_status(sandbox: Sandbox, status: int) -> None:
    tool = sandbox.add_tool("T", Script(on_export=(faults.refused(status, "because", times=1),)))
    answer = export(sandbox, tool)
    assert (answer.status, answer.message) == (status, "because")
    assert sandbox.jobs == ()
    dock_id, _ = started(sandbox, Script(on_status=(faults.refused(status),)))
    for _ in range(3):
        assert dock_status(sandbox, dock_id).status == status


def test_faults_follow_each_other(sandbox: Sandbox) -> None:
    script = Script(on_status=(faults.proper(2), faults.refused(401, times=3), faults.server_error(500)))
    dock_id, _ = started(sandbox, script)
    seen = []
    for _ in range(7):
        seen.append(dock_status(sandbox, dock_id).status)
    assert seen == [200, 200, 401, 401, 401, 500, 200]


@pytest.mark.parametrize(
    ("fault", "begins", "media_type", "starts"),
    [
        (faults.html_page(502), b"<!DOCTYPE html>", "text/html; charset=utf-8", False),
        (faults.html_page(200, "<p>log in"), b"<p>log in", "text/html; charset=utf-8", False),
        (faults.bad_json(), b'{"dock-statusId": "ds-', "application/json", True),
        (faults.empty_body(), b"", "application/json", True),
        (faults.oversized(3 << 20), b'{"status": "IN_PROGRESS", "padding"', "application/json", True),
        (Fault(body="plain", headers=(("Content-Type", "text/plain"),), status=500), b"plain", "text/plain", False),
        (Fault(body=b"\xff\xfe\x00", headers=(("Content-Type", None),)), b"\xff\xfe\x00", None, False),
    ],
)
def test_bodies_that_are_not_what_was_asked_for(
    sandbox: Sandbox, fault: Fault, begins: bytes, media_type: str | None, starts: bool
) -> None:
    answer = export(sandbox, sandbox.add_tool("T", Script(on_export=(fault,))))
    assert answer.body.startswith(begins)
    assert len(answer.body) == int(answer.headers["Content-Length"])
    assert answer.headers["Content-Type"] == media_type
    assert len(sandbox.jobs) == starts


def test_a_compressed_body_although_identity_was_asked_for(sandbox: Sandbox) -> None:
    dock_id, _ = started(sandbox, Script(on_status=(faults.gzipped(),)))
    answer = dock_status(sandbox, dock_id)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.body))["_id"] == dock_id


@pytest.mark.parametrize("started_anyway", [False, True])
@pytest.mark.parametrize("reset", [False, True])
def test_an_export_whose_line_is_cut_before_the_answer(sandbox: Sandbox, reset: bool, started_anyway: bool) -> None:
    fault = faults.cut("answer", reset=reset, started=started_anyway)
    tool = sandbox.add_tool("T", Script(on_export=(fault,)))
    assert raw_export(sandbox, tool) == (b"<reset>" if reset else b"")
    assert len(sandbox.jobs) == started_anyway
    assert [record.status for record in sandbox.posts(tool.tool_id)] == [0]


def test_a_line_that_is_cut_in_the_head_or_the_body(sandbox: Sandbox) -> None:
    script = Script(on_export=(faults.cut("head"), faults.cut(10), faults.cut(0)))
    tool = sandbox.add_tool("T", script)
    in_head, in_body, before_body = (raw_export(sandbox, tool) for _ in range(3))
    assert in_head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in in_head
    head, _, body = in_body.partition(b"\r\n\r\n")
    assert body == b'{"dock-sta'
    assert b"Content-Length: " in head
    assert before_body.endswith(b"\r\n\r\n")
    assert [record.status for record in sandbox.posts(tool.tool_id)] == [0, 200, 200]


@pytest.mark.parametrize(
    ("where", "last"), [("answer", b""), ("head", b"HTTP/1.1 200 OK\r\n"), (12, b'\r\n\r\n{"_id": "ds-')]
)
def test_a_stalled_answer_leaves_the_line_open(sandbox: Sandbox, where: Place, last: bytes) -> None:
    dock_id, _ = started(sandbox, Script(on_status=(Fault(stall=where),)))
    line = talk(sandbox.url)
    line.request("GET", f"/api/public/dock-status/{dock_id}", headers={"x-api-key": sandbox.key})
    assert line.sock is not None
    received = b""
    while last not in received:
        received += line.sock.recv(65536)
    line.sock.settimeout(0.05)
    with contextlib.suppress(TimeoutError):
        received += line.sock.recv(65536)
        line.sock.recv(65536)
        pytest.fail("more came, or the line was closed")
    assert received.endswith(last) or where == "head"
    assert (b"\r\n\r\n" in received) == (where == 12)
    # Others are served meanwhile.
    assert dock_status(sandbox, dock_id).status == 200
    line.close()


def test_a_stalled_answer_ends_when_the_sandbox_stops(sandbox: Sandbox) -> None:
    dock_id, _ = started(sandbox, Script(on_status=(faults.stalled(),)))
    with_error: list[BaseException] = []

    def wait() -> None:
        try:
            dock_status(sandbox, dock_id)
        except (http.client.HTTPException, OSError) as error:
            with_error.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    sandbox.log.wait_for(lambda records: any("dock-status" in record.path for record in records))
    sandbox.stop()
    waiting.join(10)
    assert not waiting.is_alive()
    assert len(with_error) == 1


def test_an_answer_that_drips_keeps_to_the_clock(sandbox: Sandbox, clock: HandClock) -> None:
    dock_id, _ = started(sandbox, Script(duration=1e6, on_status=(faults.dripping(2.0),)))
    line = talk(sandbox.url)
    line.request("GET", f"/api/public/dock-status/{dock_id}", headers={"x-api-key": sandbox.key})
    assert line.sock is not None
    received = line.sock.recv(1)
    for _ in range(3):
        clock.move(2.0)
        # No more than what the clock has allowed can come, however much is asked for.
        received += line.sock.recv(100)
    assert received == b"HTTP"
    clock.move(1e5)
    while b'"IN_PROGRESS"}' not in received:
        received += line.sock.recv(65536)
    line.close()


def test_an_answer_that_is_late(sandbox: Sandbox, clock: HandClock) -> None:
    dock_id, _ = started(sandbox, Script(on_status=(faults.late(30.0),)))
    statuses: list[int] = []
    waiting = threading.Thread(target=lambda: statuses.append(dock_status(sandbox, dock_id).status))
    waiting.start()
    sandbox.log.wait_for(lambda records: any("dock-status" in record.path for record in records))
    clock.move(29)
    waiting.join(0.05)
    assert statuses == []
    clock.move(2)
    waiting.join(10)
    assert statuses == [200]


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_text_arrives_as_it_is(sandbox: Sandbox, clock: HandClock, name: str) -> None:
    text = HOSTILE[name]
    script = Script(outcome=text, reason=text, edit_export=with_fields({"status": text, "exportJobId": text}))
    exported = export(sandbox, sandbox.add_tool("T", script)).json
    assert (exported["status"], exported["exportJobId"]) == (text, text)
    clock.move(10)
    status = dock_status(sandbox, exported["dock-statusId"]).json
    assert (status["status"], status["statusMessage"]) == (text, text)
