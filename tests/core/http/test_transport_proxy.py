"""Proxies: which one, what it sees, and what is said where it will not."""

from __future__ import annotations

import contextlib
import importlib.util
import select
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from gale_tui.core.errors import GaleError, NameNotFoundError, ProxyRefusedError, TlsError
from gale_tui.core.http import request_context
from gale_tui.core.http.proxies import proxy_for, redact_proxy
from gale_tui.core.identifiers import origin_of
from tests.support.certificates import Authority
from tests.support.wire import KEY, Conversation, WireServer, answer, reaching, reply, shown_in_a_crash

OK = answer(reply(200, b'{"status": "SUCCESS"}'))
LONG = 30.0
SOON = 0.5


def tunnel_to(port: int) -> Callable[[Conversation], None]:
    """A proxy that connects every CONNECT to one port of this machine, whatever the name."""

    def talk(conversation: Conversation) -> None:
        if not conversation.request():
            return
        conversation.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port)) as far:
            near = conversation.socket
            while not conversation.server.stopping.is_set():
                pending = isinstance(near, ssl.SSLSocket) and near.pending()
                readable = [near] if pending else select.select([near, far], [], [], 0.05)[0]
                for source, target in ((near, far), (far, near)):
                    if source in readable:
                        data = source.recv(65536)
                        if not data:
                            return
                        target.sendall(data)

    return talk


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


class TestTunnel:
    @pytest.mark.parametrize("configured", ["environment", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"])
    def test_the_proxy_sees_the_host_and_nothing_more(
        self, configured: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with (
            WireServer(OK, tls=authority.issue("gale.example")) as server,
            WireServer(tunnel_to(server.port)) as proxy,
        ):
            if configured != "environment":
                monkeypatch.setenv(configured, proxy.url)
            explicit = proxy.url if configured == "environment" else None
            with reaching("https://gale.example", ca_file=authority.file, proxy=explicit) as transport:
                found = transport.request("POST", "/x", query={"flowId": "cf-1"}, deadline=LONG)
        assert found.status == 200
        assert server.requests[0].startswith(b"POST /x?flowId=cf-1 ")
        assert len(proxy.requests) == 1
        seen = proxy.requests[0].decode()
        assert seen.startswith("CONNECT gale.example:443 HTTP/1.1")
        for secret in (KEY.reveal(), "x-api-key", "/x", "cf-1"):
            assert secret not in seen

    def test_a_proxy_that_is_itself_reached_over_tls(self, authority: Authority) -> None:
        with (
            WireServer(OK, tls=authority.issue("gale.example")) as server,
            WireServer(tunnel_to(server.port), tls=authority.issue("127.0.0.1")) as proxy,
            reaching("https://gale.example", ca_file=authority.file, proxy=proxy.url) as transport,
        ):
            assert transport.request("GET", "/x", deadline=LONG).status == 200

    def test_the_hosts_certificate_counts_behind_a_proxy(self, authority: Authority) -> None:
        with (
            WireServer(OK, tls=authority.issue("other.example")) as server,
            WireServer(tunnel_to(server.port)) as proxy,
            reaching("https://gale.example", ca_file=authority.file, proxy=proxy.url) as transport,
            pytest.raises(TlsError, match=r"certificate of gale\.example is for another name"),
        ):
            transport.request("POST", "/x", deadline=LONG)


class TestRefusal:
    @pytest.mark.parametrize(
        ("said", "says"),
        [
            (reply(407, b"", "text/html", "Proxy-Authenticate: Basic"), "wants a user name and password"),
            (reply(403, b"no"), r"would not connect to gale\.example \(403\)"),
            (reply(502, b"no"), r"would not connect to gale\.example \(502\)"),
        ],
    )
    def test_the_proxy_says_no(self, said: bytes, says: str) -> None:
        with (
            WireServer(answer(said)) as proxy,
            reaching("https://gale.example", proxy=proxy.url) as transport,
            pytest.raises(ProxyRefusedError, match=says) as caught,
        ):
            transport.request("POST", "/x", deadline=LONG)
        assert f"127.0.0.1:{proxy.port}" in caught.value.what
        assert KEY.reveal() not in shown_in_a_crash(caught.value)

    def test_the_proxy_is_not_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with (
            reaching("https://gale.example", proxy=f"http://127.0.0.1:{port}") as transport,
            pytest.raises(ProxyRefusedError, match="nothing listens there"),
        ):
            transport.request("POST", "/x", deadline=LONG)

    def test_the_proxys_name_is_not_found(self) -> None:
        with (
            reaching("https://gale.example", proxy="http://proxy.invalid:3128") as transport,
            pytest.raises(ProxyRefusedError, match=r"proxy\.invalid:3128 has a name that is not found"),
        ):
            transport.request("POST", "/x", deadline=LONG)

    def test_the_proxy_says_nothing(self) -> None:
        with (
            WireServer(lambda conversation: conversation.hold()) as proxy,
            reaching("https://gale.example", proxy=proxy.url) as transport,
            pytest.raises(ProxyRefusedError, match="did not answer within"),
        ):
            transport.request("POST", "/x", deadline=SOON)

    def test_tls_to_a_proxy_that_speaks_none(self) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.socket.recv(65536)
            conversation.send(reply(400, b"no"))

        with (
            WireServer(talk) as proxy,
            reaching("https://gale.example", proxy=proxy.url.replace("http:", "https:")) as transport,
            pytest.raises(ProxyRefusedError, match=r"The proxy .* does not speak TLS"),
        ):
            transport.request("POST", "/x", deadline=LONG)

    def test_tls_to_a_proxy_that_says_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(request_context, "HANDSHAKE", SOON)
        with (
            WireServer(lambda conversation: conversation.hold()) as proxy,
            reaching("https://gale.example", proxy=proxy.url.replace("http:", "https:")) as transport,
            pytest.raises(ProxyRefusedError, match=r"The proxy .* did not answer within"),
        ):
            transport.request("POST", "/x", deadline=LONG)

    def test_the_proxys_own_certificate(self, authority: Authority) -> None:
        with (
            WireServer(OK, tls=authority.issue("other.example")) as proxy,
            reaching("https://gale.example", ca_file=authority.file, proxy=proxy.url) as transport,
            pytest.raises(ProxyRefusedError, match=r"certificate of the proxy https://127\.0\.0\.1:\d+ is for another"),
        ):
            transport.request("POST", "/x", deadline=LONG)

    def test_no_tls_to_a_proxy_that_wants_it(self, authority: Authority) -> None:
        with (
            WireServer(OK, tls=authority.issue("127.0.0.1")) as proxy,
            reaching("https://gale.example", proxy=proxy.url.replace("https:", "http:")) as transport,
            pytest.raises(ProxyRefusedError, match=r"proxy .* (closed the connection|does not answer like a proxy)"),
        ):
            transport.request("POST", "/x", deadline=LONG)

    def test_a_proxy_that_is_no_proxy(self) -> None:
        def talk(conversation: Conversation) -> None:
            conversation.request()
            conversation.send(b"220 mail.example ESMTP\r\n\r\n")

        with (
            WireServer(talk) as proxy,
            reaching("https://gale.example", proxy=proxy.url) as transport,
            pytest.raises(ProxyRefusedError, match="does not answer like a proxy") as caught,
        ):
            transport.request("POST", "/x", deadline=LONG)
        assert "http, https or socks5" in caught.value.advice

    def test_socks_without_the_package_for_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        monkeypatch.setenv("ALL_PROXY", "socks://user:hunter2@127.0.0.1:1080")
        with (
            reaching("https://gale.example") as transport,
            pytest.raises(ProxyRefusedError, match="socksio") as caught,
        ):
            transport.request("POST", "/x", deadline=LONG)
        assert "hunter2" not in shown_in_a_crash(caught.value)

    @pytest.mark.parametrize("proxy", ["gopher://proxy.example", "http://[::1", "http://proxy.example:port"])
    def test_no_proxy_at_all(self, proxy: str) -> None:
        with (
            reaching("https://gale.example", proxy=proxy) as transport,
            pytest.raises(ProxyRefusedError, match="not a proxy"),
        ):
            transport.request("POST", "/x", deadline=LONG)


class TestDirect:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    @pytest.mark.parametrize("explicit", [False, True])
    def test_this_machine_is_always_reached_directly(
        self, host: str, explicit: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with WireServer(OK) as proxy, WireServer(OK) as server:
            for name in ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            url = f"http://{host}:{server.port}"
            with reaching(url, proxy=proxy.url if explicit else None) as transport:
                transport.request("POST", "/x", deadline=LONG)
                with transport.open(f"{url}/file") as response:
                    assert response.status == 200
            assert len(server.requests) == 2
            assert proxy.connections == 0

    @pytest.mark.parametrize("explicit", [False, True])
    def test_no_proxy_is_honoured(self, explicit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        with WireServer(OK) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", "other.example, .invalid")
            with (
                reaching("https://gale.invalid", proxy=proxy.url if explicit else None) as transport,
                pytest.raises(NameNotFoundError),
            ):
                transport.request("POST", "/x", deadline=LONG)
            assert proxy.connections == 0


class TestChoice:
    @pytest.mark.parametrize(
        ("listed", "url", "direct"),
        [
            ("*", "https://gale.example", True),
            ("gale.example", "https://gale.example", True),
            ("example", "https://gale.example", True),
            (".example", "https://gale.example", True),
            ("*.example", "https://gale.example", True),
            ("*gale.example", "https://gale.example", True),
            ("*", "https://192.0.2.7", True),
            ("GALE.EXAMPLE", "https://gale.example", True),
            ("ale.example", "https://gale.example", False),
            ("other, gale.example ,x", "https://gale.example", True),
            ("gale.example:443", "https://gale.example", True),
            ("gale.example:8443", "https://gale.example", False),
            ("192.0.2.0/24", "https://192.0.2.7", True),
            ("192.0.2.0/24", "https://198.51.100.7", False),
            ("192.0.2.7", "https://192.0.2.7", True),
            ("2001:db8::/32", "https://[2001:db8::1]", True),
            ("[2001:db8::1]", "https://[2001:db8::1]", True),
            ("", "https://gale.example", False),
            (" , ,", "https://gale.example", False),
            ("/,:,[,]", "https://gale.example", False),
        ],
    )
    def test_no_proxy(self, listed: str, url: str, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("no_proxy", listed)
        proxy = "http://proxy.example:3128"
        assert proxy_for(origin_of(url), proxy) == (None if direct else proxy)
        monkeypatch.setenv("https_proxy", proxy)
        assert proxy_for(origin_of(url), None) == (None if direct else proxy)

    def test_forms_of_the_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        origin = origin_of("https://gale.example")
        assert proxy_for(origin, None) is None
        monkeypatch.setenv("http_proxy", "http://wrong.example")
        assert proxy_for(origin, None) is None
        monkeypatch.setenv("https_proxy", "proxy.example:3128")
        assert proxy_for(origin, None) == "http://proxy.example:3128"
        monkeypatch.setenv("https_proxy", "socks://proxy.example:1080")
        assert proxy_for(origin, None) == "socks5://proxy.example:1080"
        assert proxy_for(origin, "http://own.example") == "http://own.example"

    def test_shown_without_its_password(self) -> None:
        assert redact_proxy("http://user:hunter2@proxy.example:3128/x") == "http://proxy.example:3128"

    def test_a_proxy_with_a_password_does_not_show_it_in_a_crash(self) -> None:
        with (
            WireServer(answer(reply(403, b""))) as proxy,
            reaching("https://gale.example", proxy=f"http://user:hunter2@127.0.0.1:{proxy.port}") as transport,
            contextlib.suppress(AssertionError),
            pytest.raises(GaleError) as caught,
        ):
            transport.request("POST", "/x", deadline=LONG)
        assert "hunter2" not in shown_in_a_crash(caught.value)
