"""Downloads: which links are followed and with what, how the body is read, and how it is stopped."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gale_tui.core.errors import (
    InterruptedDownloadError,
    LinkRefusedError,
    NotSentError,
    RedirectError,
    RefusedError,
)
from gale_tui.core.http import transport as transport_module
from gale_tui.core.http.request_context import Cancellation
from tests.support.certificates import Authority
from tests.support.wire import KEY, Conversation, WireServer, answer, header, reaching, reply, shown_in_a_crash

LONG = 30.0
FILE = bytes(range(256)) * 1024
SENT = answer(reply(200, FILE, "application/zip", 'ETag: "1"'))


def moved(target: str, status: int = 302) -> bytes:
    return reply(status, b"elsewhere", "text/html", f"Location: {target}")


def later(target: Callable[[], str]) -> Callable[[Conversation], None]:
    """Redirects to an address that is known only when asked."""

    def talk(conversation: Conversation) -> None:
        if conversation.request():
            conversation.send(moved(target()))

    return talk


class TestRequest:
    def test_headers_query_and_body(self) -> None:
        with WireServer(SENT) as server, reaching(server.url) as transport:
            link = f"{server.url}/a%2fb/My%20Bot.zip?sig=a%2Bb/c==&x='y'&z=1+2#frag"
            with transport.open(link, headers={"Range": "bytes=5-", "X-API-Key": "other"}) as response:
                assert response.status == 200
                assert response.headers["etag"] == '"1"'
                assert b"".join(response.iter_raw()) == FILE
        assert server.requests[0].startswith(b"GET /a%2fb/My%20Bot.zip?sig=a%2Bb/c==&x='y'&z=1+2 HTTP/1.1\r\n")
        assert header(server.requests[0], "range") == "bytes=5-"
        assert header(server.requests[0], "accept-encoding") == "identity"
        assert header(server.requests[0], "x-api-key") is None
        assert header(server.requests[0], "content-type") is None

    def test_an_error_is_an_answer(self) -> None:
        with (
            WireServer(answer(reply(403, b"<Error/>", "application/xml"))) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x") as response,
        ):
            assert (response.status, response.read_capped(3), response.read_capped(100)) == (403, b"<Er", b"")

    def test_reading_goes_on_where_it_was(self) -> None:
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        with (
            WireServer(answer(chunked)) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x") as response,
        ):
            assert next(response.iter_raw()) == b"abc"
            assert next(response.iter_raw()) == b"de"
            assert list(response.iter_raw()) == []

    def test_a_compressed_file_stays_compressed(self) -> None:
        packed = answer(reply(200, b"\x1f\x8b rest", "application/zip", "Content-Encoding: gzip"))
        with (
            WireServer(packed) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x") as response,
        ):
            assert b"".join(response.iter_raw()) == b"\x1f\x8b rest"
            assert response.socket is None


class TestKey:
    def test_only_where_wanted(self) -> None:
        with WireServer(SENT) as server, reaching(server.url) as transport:
            transport.open(f"{server.url}/x", with_key=True).close()
            transport.open(f"{server.url}/x", with_key=False).close()
        assert [header(request, "x-api-key") for request in server.requests] == [KEY.reveal(), None]

    def test_never_to_another_port_or_name(self) -> None:
        with WireServer(SENT) as server, WireServer(SENT) as other, reaching(server.url) as transport:
            for url in (other.url, f"http://localhost:{server.port}", f"http://127.0.0.2:{other.port}"):
                try:
                    transport.open(f"{url}/x", with_key=True).close()
                except RefusedError:
                    continue
        assert {header(request, "x-api-key") for request in [*server.requests, *other.requests]} == {None}
        assert len(server.requests) + len(other.requests) == 2

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_is_dropped_where_a_redirect_leaves_and_not_taken_up_again(self, status: int) -> None:
        home: list[str] = []
        with WireServer(later(lambda: f"{home[0]}/back")) as away:
            with (
                WireServer(answer(moved(f"{away.url}/away", status), reply(200, FILE))) as server,
                reaching(server.url) as transport,
            ):
                home.append(server.url)
                with transport.open(f"{server.url}/x", with_key=True) as response:
                    assert response.url.reveal() == f"{server.url}/back"
            keys = [header(request, "x-api-key") for request in (*server.requests, *away.requests)]
        assert keys == [KEY.reveal(), None, None]

    def test_stays_on_a_redirect_within_the_origin(self) -> None:
        with (
            WireServer(answer(moved("/other?sig=1"), reply(200, FILE))) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x", with_key=True) as response,
        ):
            assert response.url.reveal() == f"{server.url}/other?sig=1"
        assert header(server.requests[1], "x-api-key") == KEY.reveal()


class TestRefusedLinks:
    @pytest.mark.parametrize(
        ("url", "says"),
        [
            ("http://files.example/x", "plain http"),
            ("http://192.0.2.7/x", "plain http"),
            ("ftp://files.example/x", "not an http"),
            ("file:///etc/passwd", "not an http"),
            ("https://user:hunter2@files.example/x", "user name"),
            ("https:///x", "host is missing"),
            ("/relative", "not an http"),
            ("", "not an http"),
        ],
    )
    def test_from_any_environment(self, url: str, says: str) -> None:
        with (
            reaching("http://127.0.0.1:9") as transport,
            pytest.raises(LinkRefusedError, match=says) as caught,
        ):
            transport.open(url)
        assert "hunter2" not in shown_in_a_crash(caught.value)

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1.2.3"])
    def test_this_machine_from_another_environment(self, host: str) -> None:
        with WireServer(SENT) as server, reaching("https://gale.example") as transport:
            for scheme in ("http", "https"):
                with pytest.raises(LinkRefusedError, match="this machine itself"):
                    transport.open(f"{scheme}://{host}:{server.port}/x?sig=1", with_key=True)
            assert server.connections == 0

    def test_from_https_to_http(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        with WireServer(SENT) as plain:
            with (
                WireServer(answer(moved(f"{plain.url}/x?sig=geheim")), tls=authority.issue("127.0.0.1")) as server,
                reaching(server.url, ca_file=authority.file) as transport,
                pytest.raises(LinkRefusedError, match="from https to plain http") as caught,
            ):
                transport.open(f"{server.url}/x?sig=geheim", with_key=True)
            assert plain.connections == 0
        assert "geheim" not in shown_in_a_crash(caught.value)

    @pytest.mark.parametrize(
        "target", ["http://files.example/x", "ftp://files.example/x", "https://u:p@files.example/"]
    )
    def test_by_redirect(self, target: str) -> None:
        with (
            WireServer(answer(moved(target))) as server,
            reaching(server.url) as transport,
            pytest.raises(LinkRefusedError),
        ):
            transport.open(f"{server.url}/x")

    def test_without_end(self) -> None:
        with WireServer(answer(moved("/x"))) as server, reaching(server.url) as transport:
            with pytest.raises(RedirectError, match="more than 5 times"):
                transport.open(f"{server.url}/x")
            assert len(server.requests) == 6

    def test_nowhere(self) -> None:
        with (
            WireServer(answer(reply(302, b""))) as server,
            reaching(server.url) as transport,
            pytest.raises(RedirectError, match="without saying where"),
        ):
            transport.open(f"{server.url}/x")


class TestSocket:
    @pytest.mark.parametrize("secure", [False, True])
    def test_the_rest_is_read_from_it_directly(self, secure: bool, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        tls = authority.issue("127.0.0.1") if secure else None
        with (
            WireServer(SENT, tls=tls) as server,
            reaching(server.url, ca_file=authority.file if secure else None) as transport,
            transport.open(f"{server.url}/x") as response,
        ):
            data = bytearray(next(response.iter_raw()))
            connection = response.socket
            assert connection is not None
            assert isinstance(connection, ssl.SSLSocket) is secure
            buffer = bytearray(65536)
            while len(data) < len(FILE):
                count = connection.recv_into(buffer)
                assert count
                data += buffer[:count]
        assert bytes(data) == FILE

    @pytest.mark.parametrize(
        "head",
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx",
        ],
    )
    def test_not_where_the_body_is_not_plain(self, head: bytes) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            conversation.send(head)

        with (
            WireServer(talk) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x") as response,
        ):
            assert response.socket is None
            assert response.read_capped(10) == b"x"


def begins(head: bytes, then: Callable[[Conversation], None]) -> Callable[[Conversation], None]:
    """Takes a request, says `head`, and goes on with `then`."""

    def talk(conversation: Conversation) -> None:
        conversation.request()
        conversation.send(head)
        then(conversation)

    return talk


LONG_FILE = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nstart"
ENDLESS = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nstart"


class TestInterrupted:
    def test_a_stall(self) -> None:
        with (
            WireServer(begins(LONG_FILE, Conversation.hold)) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x", stall=0.2) as response,
        ):
            body = response.iter_raw()
            assert next(body) == b"start"
            with pytest.raises(InterruptedDownloadError, match=r"Nothing came for 0\.2 seconds"):
                next(body)

    def test_drips_are_no_stall(self) -> None:
        drip = begins(LONG_FILE, lambda conversation: conversation.drip(b"x" * 995, 0.001))
        with (
            WireServer(drip) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x", stall=LONG) as response,
        ):
            assert sum(map(len, response.iter_raw())) == 1000

    def test_an_early_end(self) -> None:
        with (
            WireServer(begins(LONG_FILE, lambda conversation: None)) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x") as response,
            pytest.raises(InterruptedDownloadError, match="closed the connection before the file was whole"),
        ):
            list(response.iter_raw())

    def test_a_reset(self) -> None:
        go = threading.Event()

        def reset(conversation: Conversation) -> None:
            go.wait(LONG)
            conversation.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

        with (
            WireServer(begins(LONG_FILE, reset)) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x") as response,
        ):
            body = response.iter_raw()
            assert next(body) == b"start"
            go.set()
            with pytest.raises(InterruptedDownloadError, match="cut before the file was whole"):
                list(body)

    def test_no_headers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transport_module, "HEADER_SECONDS", 0.2)
        with (
            WireServer(begins(b"HTTP/1.1 200 OK\r\n", lambda c: c.drip(b"X: " + b"y" * 1000, 0.01))) as server,
            reaching(server.url) as transport,
            pytest.raises(InterruptedDownloadError, match=r"within 0\.2 seconds"),
        ):
            transport.open(f"{server.url}/x")

    def test_the_deadline_of_the_headers_is_not_one_of_the_body(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transport_module, "HEADER_SECONDS", 0.2)
        drip = begins(LONG_FILE, lambda conversation: conversation.drip(b"x" * 995, 0.001))
        with (
            WireServer(drip) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x") as response,
        ):
            assert sum(map(len, response.iter_raw())) == 1000

    def test_no_crash_report_shows_the_query(self) -> None:
        with (
            WireServer(begins(LONG_FILE, lambda conversation: None)) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x?sig=geheim", with_key=True) as response,
            pytest.raises(InterruptedDownloadError) as caught,
        ):
            list(response.iter_raw())
        report = shown_in_a_crash(caught.value)
        assert "geheim" not in report
        assert KEY.reveal() not in report
        with (
            reaching("http://127.0.0.1:9") as transport,
            pytest.raises(RefusedError) as refused,
        ):
            transport.open("http://127.0.0.1:9/x?sig=geheim", with_key=True)
        assert "geheim" not in shown_in_a_crash(refused.value)


class TestCancel:
    @pytest.mark.parametrize("head", [LONG_FILE, ENDLESS])
    @pytest.mark.parametrize("everything", [False, True])
    def test_while_the_body_is_read(self, head: bytes, everything: bool) -> None:
        """An end that we made ourselves is not taken for the end of the file, not even without a length."""
        cancel = Cancellation()
        with (
            WireServer(begins(head, Conversation.hold)) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/x", cancel=cancel, stall=LONG) as response,
            ThreadPoolExecutor(1) as thread,
        ):
            body = response.iter_raw()
            assert next(body) == b"start"
            reading = thread.submit(next, body)
            transport.close() if everything else cancel.cancel()
            with pytest.raises(InterruptedDownloadError, match="was stopped"):
                reading.result(LONG)

    def test_over_tls(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        cancel = Cancellation()
        with (
            WireServer(begins(ENDLESS, Conversation.hold), tls=authority.issue("127.0.0.1")) as server,
            reaching(server.url, ca_file=authority.file) as transport,
            transport.open(f"{server.url}/x", cancel=cancel) as response,
            ThreadPoolExecutor(1) as thread,
        ):
            body = response.iter_raw()
            assert next(body) == b"start"
            reading = thread.submit(next, body)
            cancel.cancel()
            with pytest.raises(InterruptedDownloadError, match="was stopped"):
                reading.result(LONG)

    def test_while_the_headers_are_awaited(self) -> None:
        cancel = Cancellation()
        asked = threading.Event()

        def talk(conversation: Conversation) -> None:
            conversation.request()
            asked.set()
            conversation.hold()

        with WireServer(talk) as server, reaching(server.url) as transport, ThreadPoolExecutor(1) as thread:
            opening = thread.submit(transport.open, f"{server.url}/x", cancel=cancel)
            assert asked.wait(LONG)
            cancel.cancel()
            with pytest.raises(InterruptedDownloadError, match="was stopped"):
                opening.result(LONG)

    def test_while_a_name_is_looked_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cancel = Cancellation()
        asked, release = threading.Event(), threading.Event()

        def hang(*_: object, **__: object) -> list[object]:
            asked.set()
            release.wait()
            return []

        monkeypatch.setattr(socket, "getaddrinfo", hang)
        with reaching("https://gale.example") as transport, ThreadPoolExecutor(1) as thread:
            opening = thread.submit(transport.open, "https://files.example/x", cancel=cancel)
            assert asked.wait(LONG)
            cancel.cancel()
            with pytest.raises(NotSentError, match="before anything was sent"):
                opening.result(LONG)
            release.set()

    def test_before_it_begins(self) -> None:
        cancel = Cancellation()
        cancel.cancel()
        with WireServer(SENT) as server, reaching(server.url) as transport:
            with pytest.raises((NotSentError, InterruptedDownloadError)):
                transport.open(f"{server.url}/x", cancel=cancel)
            assert len(server.requests) == 0

    def test_only_the_one(self) -> None:
        cancel = Cancellation()
        go = threading.Event()

        def rest(conversation: Conversation) -> None:
            go.wait(LONG)
            conversation.send(b"x" * 995)

        with (
            WireServer(begins(LONG_FILE, rest)) as server,
            reaching(server.url) as transport,
            transport.open(f"{server.url}/1", cancel=cancel) as stopped,
            transport.open(f"{server.url}/2", cancel=Cancellation()) as other,
        ):
            cancel.cancel()
            go.set()
            assert sum(map(len, other.iter_raw())) == 1000
            with pytest.raises(InterruptedDownloadError, match="was stopped"):
                list(stopped.iter_raw())
