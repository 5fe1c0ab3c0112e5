"""The server as such: connections, ports, TLS, time, log, memory."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import socketserver
import ssl
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from gale_tui.sandbox.script import File, Link, Script
from tests.sandbox.asking import HandClock, ask, dock_status, export, export_path, fetch, raw, started, talk
from tests.support import faults
from tests.support.needs import needs
from tests.support.sandbox import Sandbox


def test_many_requests_go_over_one_line() -> None:
    with Sandbox() as sandbox:
        line = talk(sandbox.url)
        ports = set()
        for path in ("/api/public/dock-status/ds-0", export_path(sandbox.offered[0]), "/", "/api/x"):
            line.request("POST" if "export" in path else "GET", path, headers={"x-api-key": sandbox.key})
            assert line.sock is not None
            ports.add(line.sock.getsockname()[1])
            line.getresponse().read()
        line.close()
        assert len(ports) == 1
        assert [record.status for record in sandbox.requests] == [404, 200, 404, 404]


def test_who_cannot_be_accepted_is_not_tried_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, once, twice = HandClock(), threading.Event(), threading.Event()

    def get_request(server: socketserver.TCPServer) -> None:
        (twice if once.is_set() else once).set()
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socketserver.TCPServer, "get_request", get_request)
    with Sandbox(clock=clock) as sandbox, closing(talk(sandbox.url)) as line:
        line.connect()
        assert once.wait(5)
        assert not twice.wait(0.05)
        clock.move(1)
        assert twice.wait(5)


def test_pipelined_requests_are_answered_in_turn() -> None:
    with Sandbox() as sandbox:
        one = "GET /api/public/dock-status/ds-{} HTTP/1.1\r\nHost: x\r\n{}\r\n"
        received = raw(sandbox.url, (one.format(1, "") + one.format(2, "Connection: close\r\n")).encode())
        assert received.count(b"HTTP/1.1 401 ") == 2


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nspace : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.0\r\n\r\n", 404),
        (b"\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
    ],
)
def test_what_is_no_http_is_told_so(request_bytes: bytes, status: int) -> None:
    with Sandbox() as sandbox:
        assert raw(sandbox.url, request_bytes).startswith(b"HTTP/1.1 %d " % status)


def test_bodies_are_read_off_the_line_and_counted() -> None:
    with Sandbox() as sandbox:
        line = talk(sandbox.url)
        headers = {"x-api-key": sandbox.key}
        line.request("POST", export_path(sandbox.offered[0]), body=b"x" * 1000, headers=headers)
        line.getresponse().read()
        line.request("POST", export_path(sandbox.offered[0]), headers=headers)
        line.getresponse().read()
        line.close()
        assert [record.body_length for record in sandbox.requests] == [1000, 0]


def test_the_log_has_what_was_really_sent() -> None:
    clock = HandClock(50.0)
    with Sandbox(clock=clock, speed=3.0) as sandbox:
        clock.move(4.5)
        head = "GET /api/public/dock-status/ds-%C3%A4?a=1&a=2&b HTTP/1.1\r\nhost: x\r\nX-Api-KEY: k\r\n"
        raw(sandbox.url, f"{head}X-A: 1\r\nx-a: 2\r\nConnection: close\r\n\r\n".encode())
        (record,) = sandbox.requests
        assert record.at == 54.5
        assert record.target == "/api/public/dock-status/ds-%C3%A4?a=1&a=2&b"
        assert record.path == "/api/public/dock-status/ds-ä"
        assert record.query == {"a": "2", "b": ""}
        assert [name for name, _ in record.headers] == ["host", "X-Api-KEY", "X-A", "x-a", "Connection"]
        assert record.header("x-API-key") == "k"
        assert record.header_values("X-A") == ["1", "2"]
        assert record.header("Cookie") is None
        assert (record.method, record.status, record.origin) == ("GET", 401, sandbox.url)
        assert sandbox.status_calls("ds-ä") == [record]
        sandbox.log.clear()
        assert sandbox.requests == []
        with pytest.raises(TimeoutError):
            sandbox.log.wait_for(lambda records: bool(records), timeout=0.01)


def test_seeds_make_ids() -> None:
    def ids(seed: int | None) -> list[str]:
        with Sandbox(seed=seed) as sandbox:
            answer = export(sandbox, sandbox.offered[0]).json
            return [answer["toolId"], answer["dock-statusId"], answer["exportJobId"]]

    assert ids(5) == ids(5)
    assert not set(ids(5)) & set(ids(6))
    without, again = ids(None), ids(None)
    assert without[0] == again[0]
    assert not set(without[1:]) & set(again[1:])


def test_speed_makes_jobs_faster() -> None:
    clock = HandClock()
    with Sandbox(clock=clock, speed=10.0) as sandbox:
        dock_id, _ = started(sandbox, Script(duration=30.0))
        clock.move(2.9)
        assert dock_status(sandbox, dock_id).json["status"] == "IN_PROGRESS"
        clock.move(0.2)
        assert dock_status(sandbox, dock_id).json["status"] == "SUCCESS"
    with pytest.raises(ValueError, match="speed"):
        Sandbox(speed=0)


def test_an_empty_catalogue_and_further_tools() -> None:
    with Sandbox(catalogue=()) as sandbox:
        assert not sandbox.offered
        tool = sandbox.add_tool("My Tool", what="mine")
        assert sandbox.offered == (tool,)
        assert export(sandbox, tool).status == 200


def test_stop_ends_lines_threads_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(threading.enumerate())
    sandbox = Sandbox()
    sandbox.start()
    sandbox.start()
    _, link = started(sandbox, Script(duration=0.0, file=File(size=1 << 20, pace=10.0)))
    idle, paced = talk(sandbox.url), talk(sandbox.url)
    idle.connect()
    paced.request("GET", link.removeprefix(sandbox.url))
    answer = paced.getresponse()
    url = sandbox.url
    sandbox.stop()
    sandbox.stop()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    assert idle.sock is not None
    assert idle.sock.recv(1) == b""
    for line in (idle, paced):
        line.close()
    with pytest.raises(ConnectionRefusedError):
        fetch(url)
    assert not any(tmp_path.iterdir())
    assert set(threading.enumerate()) <= before


def test_a_stopped_sandbox_starts_again_where_it_was() -> None:
    clock = HandClock()
    sandbox = Sandbox(clock=clock)
    with pytest.raises(ConnectionAbortedError):
        _ = sandbox.url
    with sandbox:
        url, other = sandbox.url, sandbox.other_url
        dock_id, _ = started(sandbox, Script(link=Link(host="other")))
    clock.move(10)
    assert sandbox.url == url
    with sandbox:
        assert (sandbox.url, sandbox.other_url) == (url, other)
        assert dock_status(sandbox, dock_id).json["status"] == "SUCCESS"
        assert fetch(f"{other}/").status == 404


def test_cut_connections_ends_what_is_open_and_nothing_else() -> None:
    with Sandbox() as sandbox:
        line = talk(sandbox.url)
        line.connect()
        dock_status(sandbox, "ds-0")
        sandbox.cut_connections()
        assert line.sock is not None
        assert line.sock.recv(1) == b""
        line.close()
        assert dock_status(sandbox, "ds-0").status == 404


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Sandbox(port=taken.getsockname()[1]).start()


def test_jobs_are_kept_from_run_to_run(tmp_path: Path) -> None:
    clock, now = HandClock(), 1_795_000_000.0
    path = tmp_path / "sandbox.json"
    with Sandbox(clock=clock, wall=lambda: now, seed=3, keep=path) as sandbox:
        url = sandbox.url
        tool = sandbox.offered[0]
        first = export(sandbox, tool).json
        assert dock_status(sandbox, first["dock-statusId"]).json["percentageComplete"] == 0
    assert path.stat().st_mode & 0o777 == 0o600
    now += 2.5
    with Sandbox(clock=HandClock(), wall=lambda: now, seed=3, keep=path) as sandbox:
        assert sandbox.url == url
        assert dock_status(sandbox, first["dock-statusId"]).json["percentageComplete"] == 50
        # The same seed must not give the same id to another job.
        assert export(sandbox, tool).json["dock-statusId"] != first["dock-statusId"]
    now += 60
    with Sandbox(clock=HandClock(), wall=lambda: now, keep=path) as sandbox:
        assert dock_status(sandbox, first["dock-statusId"]).json["status"] == "SUCCESS"
        assert fetch(first["response"]["downloadUrl"]).status == 200
        assert len(sandbox.jobs) == 2
    now += 3600
    with Sandbox(clock=HandClock(), wall=lambda: now, keep=path) as sandbox:
        assert fetch(first["response"]["downloadUrl"]).status == 403


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kept": 1, "port": "x", "jobs": [{"tool_id": 1}]}', '{"kept": 2}'])
def test_a_memory_that_cannot_be_read_counts_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sandbox.json"
    path.write_text(text)
    with Sandbox(keep=path) as sandbox:
        assert sandbox.jobs == ()
        export(sandbox, sandbox.offered[0])
    assert len(json.loads(path.read_text())["jobs"]) == 1


def test_a_kept_port_that_somebody_else_has(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = tmp_path / "sandbox.json"
        path.write_text(json.dumps({"kept": 1, "port": port, "jobs": []}))
        with Sandbox(keep=path) as sandbox:
            assert not sandbox.url.endswith(f":{port}")
            assert dock_status(sandbox, "ds-0").status == 404


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed, with its key."""
    needs("openssl")
    folder = tmp_path_factory.mktemp("tls")
    pem = folder / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(pem), "-out", str(folder / "c.pem")]
    subprocess.run(command, check=True, capture_output=True)
    pem.write_text(pem.read_text() + (folder / "c.pem").read_text())
    return pem


def test_tls(certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    script = Script(
        duration=0.0, file=File(size=2 << 20), on_download=(faults.cut(1000, reset=True), faults.cut("answer"))
    )
    with Sandbox(tls=server) as sandbox:
        assert sandbox.url.startswith("https://")
        assert sandbox.other_url.startswith("https://")
        assert sandbox.plain_url.startswith("http://")
        tool = sandbox.add_tool("T", script)
        key = {"x-api-key": sandbox.key}
        answer = fetch(sandbox.url + export_path(tool), key, method="POST", tls=trusting)
        link = answer.json["response"]["downloadUrl"]
        assert link.startswith(sandbox.url)
        for _ in range(2):
            with pytest.raises((http.client.HTTPException, OSError)):
                fetch(link, tls=trusting)
        assert len(fetch(link, tls=trusting).body) == 2 << 20
        with pytest.raises(ssl.SSLCertVerificationError):
            fetch(link, tls=ssl.create_default_context())
        assert raw(sandbox.url, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") in (b"", b"<reset>")
        idle = socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2])))
        assert fetch(f"{sandbox.plain_url}/").status == 404
    assert idle.recv(1) == b""
    idle.close()


def test_ask_uses_the_key() -> None:
    with Sandbox(key="kg-test-key-0002") as sandbox:
        assert ask(sandbox, "GET", "/api/public/dock-status/ds-0").status == 404
