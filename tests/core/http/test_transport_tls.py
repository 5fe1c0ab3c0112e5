"""TLS: whom it trusts, and what it says where it does not."""

from __future__ import annotations

import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gale_tui.core.errors import ConfigError, NotSentError, TlsError
from gale_tui.core.http.tls import certificate_problem
from tests.support.certificates import Authority
from tests.support.wire import KEY, Conversation, WireServer, answer, header, reaching, reply, shown_in_a_crash

OK = answer(reply(200, b"{}"))
LONG = 30.0
SOON = 0.5


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


class TestTrust:
    def test_an_authority_of_the_environments_ca_file(self, authority: Authority) -> None:
        with (
            WireServer(OK, tls=authority.issue("127.0.0.1")) as server,
            reaching(server.url, ca_file=authority.file) as transport,
        ):
            for method in ("GET", "POST", "GET"):
                assert transport.request(method, "/x", deadline=LONG).status == 200
            assert server.connections == 2
        assert header(server.requests[0], "x-api-key") == KEY.reveal()

    def test_an_authority_of_the_usual_variable(self, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        with WireServer(OK, tls=authority.issue("127.0.0.1")) as server, reaching(server.url) as transport:
            assert transport.request("GET", "/x", deadline=LONG).status == 200

    def test_by_name(self, authority: Authority) -> None:
        with (
            WireServer(OK, tls=authority.issue("localhost")) as server,
            reaching(f"https://localhost:{server.port}", ca_file=authority.file) as transport,
        ):
            assert transport.request("GET", "/x", deadline=LONG).status == 200


class TestCertificates:
    @pytest.mark.parametrize(
        ("names", "days", "known", "self_signed", "says", "advises"),
        [
            (
                ("127.0.0.1",),
                (-1, 1),
                False,
                False,
                "authority that is not known",
                "set a CA file for this environment",
            ),
            (("127.0.0.1",), (-1, 1), True, True, "is self-signed", "set a CA file"),
            (("127.0.0.1",), (-2, -1), True, False, "has expired", "clock"),
            (("127.0.0.1",), (1, 2), True, False, "is not valid yet", "clock"),
            (("other.example",), (-1, 1), True, False, "is for another", "Check the host"),
        ],
    )
    def test_the_problem_is_named(
        self,
        names: tuple[str, ...],
        days: tuple[float, float],
        known: bool,
        self_signed: bool,
        says: str,
        advises: str,
        authority: Authority,
    ) -> None:
        context = authority.issue(*names, days=days, self_signed=self_signed)
        with (
            WireServer(OK, tls=context) as server,
            reaching(server.url, ca_file=authority.file if known else None) as transport,
        ):
            with pytest.raises(TlsError, match=says) as caught:
                transport.request("POST", "/x", deadline=LONG)
            assert len(server.requests) == 0
        assert f"127.0.0.1:{server.port}" in caught.value.what
        assert advises in caught.value.advice
        assert KEY.reveal() not in shown_in_a_crash(caught.value)

    def test_another_name(self, authority: Authority) -> None:
        with (
            WireServer(OK, tls=authority.issue("other.example")) as server,
            reaching(f"https://localhost:{server.port}", ca_file=authority.file) as transport,
            pytest.raises(TlsError, match="is for another name"),
        ):
            transport.request("GET", "/x", deadline=LONG)

    def test_a_problem_without_a_number(self) -> None:
        error = ssl.SSLCertVerificationError("bad \x1b[31m")
        assert certificate_problem(error)[0] == "is not trusted: no reason given"
        error.verify_message = "“gale” is \x1b not trusted"
        assert certificate_problem(error)[0] == "is not trusted: “gale” is ␛ not trusted"


class TestHandshake:
    def test_plain_http_on_the_port(self) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.socket.recv(65536)
            conversation.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with (
            WireServer(talk) as server,
            reaching(f"https://127.0.0.1:{server.port}") as transport,
            pytest.raises(TlsError, match="does not speak TLS"),
        ):
            transport.request("POST", "/x", deadline=LONG)

    @pytest.mark.parametrize("drips", [False, True])
    def test_one_that_never_ends(self, drips: bool) -> None:
        def talk(conversation: Conversation) -> None:
            if drips:
                # The head of a long handshake record, and then a byte of it at a time.
                conversation.send(b"\x16\x03\x03\x40\x00")
                conversation.drip(b"\x02\x00\x3f\xfc" + b"\x03" * 16000, 0.01)
            conversation.hold()

        with (
            WireServer(talk) as server,
            reaching(f"https://127.0.0.1:{server.port}") as transport,
            pytest.raises(NotSentError, match="did not finish the TLS handshake"),
        ):
            transport.request("POST", "/x", deadline=SOON)

    def test_one_that_is_cut(self) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.socket.recv(65536)

        with (
            WireServer(talk) as server,
            reaching(f"https://127.0.0.1:{server.port}") as transport,
            pytest.raises(NotSentError, match="cut the connection during the TLS handshake"),
        ):
            transport.request("POST", "/x", deadline=LONG)

    def test_one_that_stalls_holds_up_nobody_else(self, authority: Authority) -> None:
        """A single context would be locked for as long as a handshake with it goes on."""
        stalled = threading.Event()
        context = authority.issue("127.0.0.1")

        def talk(conversation: Conversation) -> None:
            if not stalled.is_set():
                stalled.set()
                conversation.hold()
                return
            with context.wrap_socket(conversation.socket, server_side=True) as secure:
                answer(reply())(Conversation(secure, conversation.server))

        with (
            WireServer(talk) as server,
            reaching(f"https://127.0.0.1:{server.port}", ca_file=authority.file) as transport,
            ThreadPoolExecutor(1) as thread,
        ):
            waiting = thread.submit(transport.request, "POST", "/x", deadline=LONG)
            assert stalled.wait(LONG)
            assert transport.request("GET", "/x", deadline=LONG).status == 200
            assert not waiting.done()
            transport.close()
            with pytest.raises(NotSentError, match="before anything was sent"):
                waiting.result(LONG)


class TestAuthorityFile:
    def test_missing(self, tmp_path: Path) -> None:
        with (
            WireServer(OK) as server,
            reaching(f"https://127.0.0.1:{server.port}", ca_file=tmp_path / "none.pem") as transport,
            pytest.raises(ConfigError, match=r"CA file of .*none\.pem\) cannot be read: No such file"),
        ):
            transport.request("GET", "/x", deadline=LONG)

    def test_no_certificates_in_it(self, tmp_path: Path) -> None:
        (tmp_path / "garbage.pem").write_text("hello")
        with (
            WireServer(OK) as server,
            reaching(f"https://127.0.0.1:{server.port}", ca_file=tmp_path / "garbage.pem") as transport,
            pytest.raises(ConfigError, match="holds no certificates"),
        ):
            transport.request("GET", "/x", deadline=LONG)

    @pytest.mark.parametrize("cut", [-2, -30, -200])
    def test_cut_in_its_last_certificate(self, authority: Authority, tmp_path: Path, cut: int) -> None:
        file = tmp_path / "cut.pem"
        file.write_bytes((authority.file.read_bytes() * 3)[:cut])
        with (
            WireServer(OK) as server,
            reaching(f"https://127.0.0.1:{server.port}", ca_file=file) as transport,
            pytest.raises(ConfigError, match="cut off in certificate 3"),
        ):
            transport.request("GET", "/x", deadline=LONG)

    def test_the_variable_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        with (
            WireServer(OK) as server,
            reaching(f"https://127.0.0.1:{server.port}") as transport,
            pytest.raises(ConfigError, match=r"SSL_CERT_FILE .* cannot be read"),
        ):
            transport.request("GET", "/x", deadline=LONG)

    def test_is_not_read_for_plain_http(self, tmp_path: Path) -> None:
        with WireServer(OK) as server, reaching(server.url, ca_file=tmp_path / "none.pem") as transport:
            assert transport.request("GET", "/x", deadline=LONG).status == 200
