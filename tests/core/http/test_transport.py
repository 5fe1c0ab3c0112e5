"""Calls: what goes over the wire, what may come back, and how long it may take."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gale_tui import __version__
from gale_tui.core.errors import (
    GaleError,
    NameNotFoundError,
    NoKeyError,
    NotSentError,
    RedirectError,
    RefusedError,
    UnansweredError,
)
from gale_tui.core.http import network_backend as network
from gale_tui.core.http.responses import BODY_LIMIT
from gale_tui.core.secret import Secret
from tests.support.wire import KEY, Conversation, WireServer, answer, header, reaching, reply, shown_in_a_crash

OK = answer(reply(200, b'{"status": "SUCCESS"}'))
LONG = 30.0
"""A deadline, in seconds, that is not meant to be met."""
SOON = 0.3
"""One that is."""


class TestRequest:
    def test_an_export_is_what_the_vendors_page_says_and_nothing_else(self) -> None:
        with WireServer(OK) as server, reaching(server.url) as transport:
            transport.request("POST", "/api/public/tools/a-1/export", query={"flowId": "cf-1"}, deadline=LONG)
            head, _, body = server.requests[0].partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        assert first == "POST /api/public/tools/a-1/export?flowId=cf-1 HTTP/1.1"
        assert {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)} == {
            "host": f"127.0.0.1:{server.port}",
            "x-api-key": KEY.reveal(),
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "identity",
            "content-length": "0",
            "user-agent": f"gale-tui/{__version__}",
        }
        assert body == b""

    def test_names_and_values_of_the_query_are_encoded(self) -> None:
        with WireServer(OK) as server, reaching(server.url) as transport:
            transport.request("GET", "/a%2Fb%3F/ü", query={"flowId": "c f&x=1/ü%"}, deadline=LONG)
        assert server.requests[0].startswith(b"GET /a%2Fb%3F/%C3%BC?flowId=c%20f%26x%3D1%2F%C3%BC%25 HTTP/1.1")

    def test_without_the_key(self) -> None:
        with WireServer(OK) as server, reaching(server.url) as transport:
            transport.request("GET", "/x", deadline=LONG, with_key=False)
        assert header(server.requests[0], "x-api-key") is None

    def test_without_a_key_nothing_is_sent(self) -> None:
        with WireServer(OK) as server, reaching(server.url, None) as transport:
            with pytest.raises(NoKeyError, match="no API key for staging"):
                transport.request("GET", "/x", deadline=LONG)
            assert server.connections == 0

    @pytest.mark.parametrize(
        "text", ["kg-test\nkey-0000", "kg-test-key-0000 ", "kg-tést-key-0000", "kg-test\x00key", ""]
    )
    def test_a_key_that_no_header_can_carry_is_neither_sent_nor_shown(self, text: str) -> None:
        with WireServer(OK) as server, reaching(server.url, Secret(text)) as transport:
            with pytest.raises(NoKeyError) as caught:
                transport.request("GET", "/x", deadline=LONG)
            assert server.connections == 0
        assert not text or text not in shown_in_a_crash(caught.value)

    def test_the_key_is_asked_for_each_time(self) -> None:
        keys = [Secret("kg-test-key-0001"), Secret("kg-test-key-0002")]
        with WireServer(OK) as server, reaching(server.url) as transport:
            transport._key = lambda: keys[len(server.requests)] if len(server.requests) < 2 else keys[1]
            transport.request("GET", "/x", deadline=LONG)
            transport.request("GET", "/x", deadline=LONG)
        assert [header(request, "x-api-key") for request in server.requests] == [key.reveal() for key in keys]

    def test_cookies_do_not_come_back(self) -> None:
        with (
            WireServer(answer(reply(200, b"{}", "application/json", "Set-Cookie: session=1; Path=/"))) as server,
            reaching(server.url) as transport,
        ):
            transport.request("GET", "/x", deadline=LONG)
            transport.request("GET", "/x", deadline=LONG)
        assert header(server.requests[1], "cookie") is None


class TestAnswer:
    def test_status_headers_and_body(self) -> None:
        with (
            WireServer(answer(reply(418, b"tea", "text/plain", "X-A: 1", "X-A: 2", "Retry-After: 3"))) as server,
            reaching(server.url) as transport,
        ):
            found = transport.request("GET", "/x", query={"secret": "word"}, deadline=LONG)
        assert (found.status, found.body, found.unread) == (418, b"tea", "")
        assert found.headers["retry-after"] == "3"
        assert found.headers["x-a"] == "1, 2"
        assert found.headers.get("absent") is None
        assert "word" not in repr(found)
        assert "tea" not in repr(found)

    def test_a_chunked_one(self) -> None:
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        with WireServer(answer(chunked)) as server, reaching(server.url) as transport:
            assert transport.request("GET", "/x", deadline=LONG).body == b"abcde"

    def test_one_without_a_length(self) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            conversation.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc")

        with WireServer(talk) as server, reaching(server.url) as transport:
            assert transport.request("GET", "/x", deadline=LONG).body == b"abc"

    def test_no_more_than_a_mebibyte_is_read(self) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            conversation.socket.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while not conversation.server.stopping.is_set():
                conversation.socket.sendall(b"x" * 65536)

        with WireServer(talk) as server, reaching(server.url) as transport:
            found = transport.request("GET", "/x", deadline=LONG)
        assert len(found.body) == BODY_LIMIT
        assert "larger" in found.unread

    def test_a_compressed_one_is_not_unpacked(self) -> None:
        with (
            WireServer(answer(reply(200, b"\x1f\x8b rest", "application/json", "Content-Encoding: GZip"))) as server,
            reaching(server.url) as transport,
        ):
            found = transport.request("GET", "/x", deadline=LONG)
        assert found.body == b""
        assert "gzip" in found.unread

    @pytest.mark.parametrize(
        "lines",
        [
            b"Content-Length : 2",
            b"Content-Length\t: 2\r\nno colon at all",
            b"Content-Length: 2\r\nX-\x00Odd: 1\r\n folded",
            b"Content-Length: 2\nBare: newline",
            b"Content-Length: 2\r\nX: \x01\x7f",
            b"Content-Length: 2\r\n: nameless",
            b"Content-Length: 2\r\nTransfer-Encoding: identity",
            b"Content-Length: 2\r\nB\xc3\xbcro: 1",
        ],
    )
    @pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"http/1.1  200   OK \x01"])
    def test_header_lines_that_curl_takes(self, lines: bytes, first: bytes) -> None:
        said = first + b"\r\n" + lines + b"\r\n\r\n{}"
        with WireServer(answer(said)) as server, reaching(server.url) as transport:
            for method in ("POST", "GET", "GET"):
                found = transport.request(method, "/x", deadline=LONG)
                assert (found.status, found.body, found.unread) == (200, b"{}", "")
        assert server.connections == 2

    def test_a_head_that_comes_a_byte_at_a_time(self) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            conversation.drip(b"HTTP/1.1 100 Continue\r\n\r\n" + reply(200, b"[1]"), 0.001)

        with WireServer(talk) as server, reaching(server.url) as transport:
            assert transport.request("GET", "/x", deadline=LONG).body == b"[1]"

    def test_an_error_cut_off_is_an_error_still(self) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            conversation.send(b"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\nshort")

        with WireServer(talk) as server, reaching(server.url) as transport:
            found = transport.request("GET", "/x", deadline=LONG)
        assert (found.status, found.body, found.unread) == (401, b"short", "cut off")


def closes_unasked(conversation: Conversation) -> None:
    """Answers once, then takes the next request and closes without a word."""
    if conversation.request():
        conversation.send(reply())
        conversation.request()


def listens_only(conversation: Conversation) -> None:
    """Takes one request and closes without a word."""
    conversation.request()


class TestConnections:
    def test_gets_share_one(self) -> None:
        with WireServer(OK) as server, reaching(server.url) as transport:
            for _ in range(3):
                transport.request("GET", "/x", deadline=LONG)
            assert server.connections == 1

    def test_each_post_has_its_own(self) -> None:
        with WireServer(OK) as server, reaching(server.url) as transport:
            transport.request("GET", "/x", deadline=LONG)
            for _ in range(2):
                transport.request("POST", "/x", deadline=LONG)
            assert server.connections == 3

    def test_a_get_on_a_kept_connection_that_is_cut_is_sent_again_on_a_new_one(self) -> None:
        with WireServer(closes_unasked) as server, reaching(server.url) as transport:
            transport.request("GET", "/1", deadline=LONG)
            assert transport.request("GET", "/2", deadline=LONG).status == 200
            assert [request.split()[1] for request in server.requests] == [b"/1", b"/2", b"/2"]

    def test_a_get_cut_on_a_new_connection_is_not(self) -> None:
        with (
            WireServer(listens_only) as server,
            reaching(server.url) as transport,
        ):
            with pytest.raises(UnansweredError, match="closed the connection"):
                transport.request("GET", "/x", deadline=LONG)
            assert len(server.requests) == 1

    def test_a_post_is_never_sent_again(self) -> None:
        with (
            WireServer(listens_only) as server,
            reaching(server.url) as transport,
        ):
            with pytest.raises(UnansweredError, match="may have started"):
                transport.request("POST", "/x", deadline=LONG)
            assert len(server.requests) == 1

    def test_many_threads_at_once(self) -> None:
        with WireServer(OK) as server, reaching(server.url) as transport, ThreadPoolExecutor(24) as threads:
            found = list(threads.map(lambda n: transport.request("GET", f"/{n}", deadline=LONG).status, range(200)))
        assert found == [200] * 200
        assert sorted(int(request.split()[1][1:]) for request in server.requests) == list(range(200))

    def test_closing_closes_all(self) -> None:
        with WireServer(OK) as server, reaching(server.url) as transport:
            transport.request("GET", "/x", deadline=LONG)
            assert len(transport.sockets) == 1
            transport.close()
            assert len(transport.sockets) == 0

    def test_what_comes_after_closing_leaves_no_connection_behind(self) -> None:
        with WireServer(OK) as server, reaching(server.url) as transport:
            transport.close()
            with pytest.raises(NotSentError):
                transport.request("GET", "/x", deadline=LONG)
            assert len(transport.sockets) == 0
            assert server.requests == []


@contextlib.contextmanager
def never_accepting() -> Iterator[int]:
    """A port whose queue of waiting connections is full, so that further attempts are not answered."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = full.getsockname()
        for _ in range(8):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(address)
        yield address[1]


class TestNotSent:
    def test_refused(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with (
            reaching(f"http://127.0.0.1:{port}") as transport,
            pytest.raises(RefusedError, match=rf"127.0.0.1:{port} refused the connection"),
        ):
            transport.request("POST", "/x", deadline=LONG)

    def test_localhost_is_this_machine_whatever_a_resolver_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def elsewhere(*_: object, **__: object) -> list[object]:
            raise socket.gaierror(socket.EAI_NONAME, "not asked")

        monkeypatch.setattr(socket, "getaddrinfo", elsewhere)
        with WireServer(OK) as server, reaching(f"http://localhost:{server.port}") as transport:
            assert transport.request("GET", "/x", deadline=LONG).status == 200
        assert header(server.requests[0], "host") == f"localhost:{server.port}"

    @pytest.mark.parametrize("how", ["", "no network", "no name"])
    def test_a_name_that_is_not_found(self, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
        if how:
            # What resolvers answer depends on the network of whoever runs the test.
            def fail(*_: object, **__: object) -> list[object]:
                raise socket.gaierror(socket.EAI_AGAIN if how == "no network" else socket.EAI_NONAME, how)

            monkeypatch.setattr(socket, "getaddrinfo", fail)
        with (
            reaching("https://no-such-host.invalid") as transport,
            pytest.raises(NameNotFoundError, match=r"no-such-host.invalid is not found \(DNS\)"),
        ):
            transport.request("POST", "/x", deadline=LONG)

    def test_a_look_up_that_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        release = threading.Event()

        def hang(*_: object, **__: object) -> list[object]:
            release.wait()
            return []

        monkeypatch.setattr(socket, "getaddrinfo", hang)
        with reaching("https://gale.example") as transport:
            with pytest.raises(NameNotFoundError, match=r"took longer than 0\.3 seconds"):
                transport.request("POST", "/x", deadline=SOON)
            release.set()

    def test_nobody_answers_the_connection_attempt(self) -> None:
        with (
            never_accepting() as port,
            reaching(f"http://127.0.0.1:{port}") as transport,
            pytest.raises(RefusedError, match="did not answer the connection attempt"),
        ):
            transport.request("POST", "/x", deadline=SOON)

    @pytest.mark.parametrize("first", ["silent", "refusing"])
    def test_the_next_address_of_a_name_is_tried(self, first: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with never_accepting() as silent, socket.create_server(("127.0.0.1", 0)) as closed:
            refusing = closed.getsockname()[1]
            closed.close()
            with WireServer(OK) as server, reaching(server.url) as transport:
                ports = [silent if first == "silent" else refusing, server.port]
                found = [(socket.AF_INET, ("127.0.0.1", port)) for port in ports]
                monkeypatch.setattr(network, "look_up", lambda *_: found)
                assert transport.request("GET", "/x", deadline=LONG).status == 200


class TestUnanswered:
    @pytest.mark.parametrize("part", ["nothing", "head", "body"])
    @pytest.mark.parametrize("drips", [False, True])
    def test_the_deadline_holds_against_silence_and_against_drips(self, part: str, drips: bool) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            full = reply(200, b'{"status": "' + b"x" * 1000 + b'"}')
            start = {"nothing": 0, "head": 20, "body": full.index(b"\r\n\r\n") + 6}[part]
            conversation.send(full[:start])
            if drips:
                conversation.drip(full[start:], 0.01)
            else:
                conversation.hold()

        with WireServer(talk) as server, reaching(server.url) as transport:
            with pytest.raises(UnansweredError, match=r"no whole answer within 0\.3 seconds"):
                transport.request("POST", "/x", deadline=SOON)
            assert len(server.requests) == 1

    @pytest.mark.parametrize(
        ("said", "says"),
        [
            (b"", "closed the connection"),
            (b"HTTP/1.1 200 OK\r\nContent-Le", "closed the connection"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "closed the connection"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "closed the connection"),
            (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "not HTTP"),
            (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, "not HTTP"),
        ],
    )
    def test_cut_connections_and_nonsense(self, said: bytes, says: str) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            conversation.send(said)

        with (
            WireServer(talk) as server,
            reaching(server.url) as transport,
            pytest.raises(UnansweredError, match=says) as caught,
        ):
            transport.request("POST", "/x", deadline=LONG)
        assert "may have started" in caught.value.advice

    def test_a_reset(self) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            conversation.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

        with (
            WireServer(talk) as server,
            reaching(server.url) as transport,
            pytest.raises(UnansweredError, match="cut before the answer was whole"),
        ):
            transport.request("POST", "/x", deadline=LONG)


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_get_follows_within_its_origin(self, status: int) -> None:
        with (
            WireServer(answer(reply(status, b"", "text/html", "Location: /new?x=1"), reply(200, b"{}"))) as server,
            reaching(server.url) as transport,
        ):
            assert transport.request("GET", "/old", deadline=LONG).status == 200
        assert server.requests[1].startswith(b"GET /new?x=1 ")
        assert header(server.requests[1], "x-api-key") == KEY.reveal()

    def test_a_post_follows_none(self) -> None:
        with (
            WireServer(answer(reply(307, b"", "text/html", "Location: /new"))) as server,
            reaching(server.url) as transport,
        ):
            with pytest.raises(RedirectError, match=r"/new \(307\)") as caught:
                transport.request("POST", "/old", deadline=LONG)
            assert len(server.requests) == 1
        assert caught.value.status == 307

    def test_another_origin_is_named_and_not_asked(self) -> None:
        with (
            WireServer(OK) as other,
            WireServer(answer(reply(302, b"", "text/html", f"Location: {other.url}/login?token=geheim"))) as server,
            reaching(server.url) as transport,
        ):
            with pytest.raises(RedirectError, match="/login") as caught:
                transport.request("GET", "/x", deadline=LONG)
            assert other.connections == 0
        assert "geheim" not in shown_in_a_crash(caught.value)

    def test_no_end(self) -> None:
        with (
            WireServer(answer(reply(302, b"", "text/html", "Location: /x"))) as server,
            reaching(server.url) as transport,
        ):
            with pytest.raises(RedirectError, match="in a loop"):
                transport.request("GET", "/x", deadline=LONG)
            assert len(server.requests) == 6

    @pytest.mark.parametrize("location", ["", "Location:  ", "Location: http://[::1"])
    def test_nowhere(self, location: str) -> None:
        with (
            WireServer(answer(reply(302, b"", "text/html", *[location] * bool(location)))) as server,
            reaching(server.url) as transport,
            pytest.raises(RedirectError, match="without saying where"),
        ):
            transport.request("GET", "/x", deadline=LONG)


class TestAbort:
    def test_a_call_that_waits_returns_at_once_and_later_calls_fail(self) -> None:
        asked = threading.Event()

        def talk(conversation: Conversation) -> None:
            conversation.request()
            asked.set()
            conversation.hold()

        with WireServer(talk) as server, reaching(server.url) as transport, ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(transport.request, "POST", "/wait", deadline=LONG)
            assert asked.wait(LONG)
            transport.close()
            with pytest.raises(UnansweredError, match="given up"):
                waiting.result(LONG)
            with pytest.raises(NotSentError):
                transport.request("GET", "/x", deadline=LONG)

    def test_a_call_that_looks_up_a_name_was_not_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked, release = threading.Event(), threading.Event()

        def hang(*_: object, **__: object) -> list[object]:
            asked.set()
            release.wait()
            return []

        monkeypatch.setattr(socket, "getaddrinfo", hang)
        with reaching("https://gale.example") as transport, ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(transport.request, "POST", "/x", deadline=LONG)
            assert asked.wait(LONG)
            transport.close()
            with pytest.raises(NotSentError, match="before anything was sent"):
                waiting.result(LONG)
            release.set()


class TestSecrets:
    @pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", b"nonsense\r\n\r\n"])
    def test_no_crash_report_shows_the_key(self, said: bytes) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            conversation.send(said)

        with (
            WireServer(talk) as server,
            reaching(server.url) as transport,
            pytest.raises(GaleError) as caught,
        ):
            transport.request("POST", "/x", deadline=LONG)
        assert KEY.reveal() not in shown_in_a_crash(caught.value)
        assert caught.value.__context__ is None

    def test_nor_does_the_transport_itself(self) -> None:
        with WireServer(OK) as server, reaching(server.url) as transport:
            transport.request("GET", "/x", deadline=LONG)
            assert KEY.reveal() not in repr(vars(transport))


class TestLibrary:
    def test_nothing_heavy_is_imported_before_it_is_needed(self) -> None:
        code = (
            "import sys; import gale_tui.core.gale_api.client; "
            "print([m for m in ('httpcore', 'truststore', 'idna', 'ssl') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() in ("[]", "['ssl']")
