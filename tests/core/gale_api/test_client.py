"""GALE's calls: every status, page and nonsense as the right error with a sentence that helps."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gale_tui.core.errors import (
    AnswerError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    LinkRefusedError,
    MalformedAnswerError,
    NoKeyError,
    NotFoundError,
    RateLimitedError,
    RedirectError,
    RefusedError,
    ServerError,
    WrongAnswerError,
)
from gale_tui.core.gale_api.client import GaleClient, curl_line, dock_status_path, export_path, retry_after
from gale_tui.core.kinds import KINDS
from gale_tui.core.secret import Secret, SignedUrl
from tests.support.wire import (
    KEY,
    Conversation,
    WireServer,
    answer,
    environment,
    header,
    reaching,
    reply,
    shown_in_a_crash,
)

DOCK = "ds-cxxxxxxf-8xx7-5xx9-8xxd-c2xxxxxxxxxd"
PAGE = reply(200, b"<html><head><title>Sign in to Corp</title></head></html>", "text/html")


def client_of(*replies: bytes) -> Iterator[tuple[GaleClient, WireServer]]:
    with WireServer(answer(*replies)) as server, reaching(server.url) as transport:
        yield GaleClient(transport), server


def refused(said: bytes, call: str = "status") -> AnswerError:
    """The error that a reply becomes."""
    for client, server in client_of(said):
        with pytest.raises(AnswerError) as caught:
            client.export("a-1", "cf-1") if call == "export" else client.dock_status(DOCK)
        assert len(server.requests) == 1
        return caught.value
    raise AssertionError


def said(status: int, body: object = None, *headers: str) -> bytes:
    return reply(status, json.dumps(body or {"message": "the word"}).encode(), "application/json", *headers)


class TestCalls:
    def test_an_export(self) -> None:
        body = {"dock-statusId": DOCK, "status": "IN_PROGRESS", "response": {"downloadUrl": " /f?sig=geheim\n"}}
        for client, server in client_of(said(200, body)):
            started = client.export("a-1", "cf-1")
            assert server.requests[0].startswith(b"POST /api/public/tools/a-1/export?flowId=cf-1 HTTP/1.1")
            assert started.download_url == SignedUrl(f"{server.url}/f?sig=geheim")
        assert started.dock_status_id == DOCK
        assert started.response.request == "POST /api/public/tools/a-1/export?flowId=cf-1"
        assert started.response.status == 200
        assert "geheim" not in started.response.text

    def test_a_dock_status(self) -> None:
        for client, server in client_of(said(200, {"_id": DOCK, "status": "SUCCESS", "percentageComplete": 42})):
            found = client.dock_status(DOCK)
            assert server.requests[0].startswith(f"GET /api/public/dock-status/{DOCK} HTTP/1.1".encode())
            assert header(server.requests[0], "x-api-key") == KEY.reveal()
        assert (found.status, found.percentage) == ("SUCCESS", 42.0)
        assert found.response.text.startswith("{\n")

    def test_any_success_will_do(self) -> None:
        for client, _ in client_of(said(202, {"dockStatusId": DOCK})):
            assert client.export("a-1", "cf-1").dock_status_id == DOCK

    @pytest.mark.parametrize(
        ("value", "encoded"),
        [
            ("a-1", "a-1"),
            ("a/../b", "a%2F..%2Fb"),
            ("a b?c#d&e=f%", "a%20b%3Fc%23d%26e%3Df%25"),
            ("ü:", "%C3%BC%3A"),
        ],
    )
    def test_ids_are_encoded(self, value: str, encoded: str) -> None:
        assert export_path(value) == f"/api/public/tools/{encoded}/export"
        assert dock_status_path(value) == f"/api/public/dock-status/{encoded}"
        for client, server in client_of(said(200, {"dockStatusId": DOCK})):
            client.export(value, value)
            target = server.requests[0].split()[1].decode()
        assert target == f"/api/public/tools/{encoded}/export?flowId={encoded}"


class TestAnotherJob:
    """A gateway that is out of step hands out somebody else's answer."""

    OTHER = "ds-00000000-0000-0000-0000-000000000000"

    @pytest.mark.parametrize(
        "fields",
        [
            {"_id": OTHER},
            {"dockStatusId": OTHER, "_id": DOCK},
            {"response": {"dock-statusId": OTHER}},
            {"toolId": "a-2"},
            {"modelId": "cm-2"},
            {"exportJobId": "agent-ej-2"},
        ],
        ids=str,
    )
    def test_a_status_of_another_job_is_not_believed_and_the_next_call_has_its_own_connection(
        self, fields: dict[str, object]
    ) -> None:
        wrong, right = said(200, {"status": "FAILED", **fields}), said(200, {"_id": DOCK, "status": "SUCCESS"})
        for client, server in client_of(wrong, right):
            with pytest.raises(WrongAnswerError) as caught:
                client.dock_status(DOCK, "a-1", "agent-ej-1")
            assert caught.value.passing
            assert client.dock_status(DOCK, "a-1", "agent-ej-1").status == "SUCCESS"
            assert server.connections == 2

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"_id": "65f0c0ffee"},
            {"_id": DOCK.upper()},
            {"toolId": ":a-1", "appId": "app-9"},
            {"workflowId": "a-1", "exportJobId": "agent-ej-1"},
        ],
        ids=str,
    )
    def test_an_answer_about_the_job_is(self, fields: dict[str, object]) -> None:
        for client, _ in client_of(said(200, {"status": "SUCCESS", **fields})):
            assert client.dock_status(DOCK, "a-1", "agent-ej-1").status == "SUCCESS"

    def test_what_is_not_known_is_not_compared(self) -> None:
        for client, _ in client_of(said(200, {"status": "SUCCESS", "toolId": "a-7"})):
            assert client.dock_status(DOCK).tool_id == "a-7"

    def test_an_export_of_another_tool_leaves_the_export_unconfirmed(self) -> None:
        error = refused(said(200, {"dock-statusId": DOCK, "toolId": "a-2", "status": "SUCCESS"}), "export")
        assert isinstance(error, WrongAnswerError)

    @pytest.mark.parametrize("second", [said(200, {"_id": OTHER, "status": "FAILED"}), b"x"], ids=["answer", "byte"])
    @pytest.mark.parametrize("chunked", [False, True])
    def test_bytes_behind_an_answer_close_its_connection(self, second: bytes, chunked: bool) -> None:
        body = json.dumps({"_id": DOCK, "status": "SUCCESS"}).encode()
        first = reply(200, body)
        if chunked:
            coded = b"%x;ext=1\r\n%b\r\n0\r\nTrailer: 1\r\n\r\n" % (len(body), body)
            first = reply(200, coded, "application/json", "Transfer-Encoding: chunked", length=False)
        with WireServer(answer(first + second)) as server, reaching(server.url) as transport:
            client = GaleClient(transport)
            for _ in range(3):
                assert client.dock_status(DOCK).status == "SUCCESS"
            assert server.connections == 3

    def test_an_answer_and_nothing_more_keeps_it(self) -> None:
        for client, server in client_of(said(200, {"_id": DOCK, "status": "SUCCESS"})):
            for _ in range(3):
                client.dock_status(DOCK)
            assert server.connections == 1


KEY_FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "inside a word": lambda text: f"x{text}y",
    "JSON": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    "percent": lambda text: "".join(f"%{ord(each):02X}" for each in text),
    "base64": lambda text: base64.b64encode(f"a:{text}:b".encode()).decode(),
    "HTML": lambda text: "".join(f"&#{ord(each)};" for each in text),
}


class TestEchoedSecrets:
    """What a server repeats of the key or of a link's signature stands in no value of ours."""

    @pytest.mark.parametrize("form", KEY_FORMS)
    @pytest.mark.parametrize("status", [200, 403, 500])
    def test_of_the_key(self, form: str, status: int) -> None:
        key = Secret("odd/key.without=usual+form~0123456789")
        echoed = KEY_FORMS[form](key.reveal())
        fields = {"message": f"key {echoed} is bad", "toolId": f"a-{echoed}", "toolName": echoed, echoed: "x"}
        body = json.dumps({"dock-statusId": DOCK, "status": echoed, **fields}).encode()
        with WireServer(answer(reply(status, body))) as server, reaching(server.url, key) as transport:
            try:
                shown = repr(GaleClient(transport).dock_status(DOCK))
            except AnswerError as error:
                shown = f"{error} {error.detail} {error.body}"
        assert "bad" in shown
        for unescaped in (shown, html.unescape(shown), unquote(shown), shown.encode().decode("unicode_escape")):
            assert key.reveal() not in unescaped
        assert KEY_FORMS["base64"](key.reveal())[8:30] not in shown

    def test_of_a_link_s_signature(self) -> None:
        link = "https://files.example/f.zip?X-Amz-Signature=5ec2e75ec2e7&e=1"
        body = {"_id": DOCK, "status": "FAILED", "message": "5ec2e75ec2e7 is bad", "downloadUrl": link}
        for client, _ in client_of(said(200, body)):
            status = client.dock_status(DOCK)
        assert status.download_url == SignedUrl(link)
        assert "5ec2e75ec2e7" not in f"{status.reason} {status.response.text}"
        assert status.reason == "•••• is bad"


class TestErrors:
    @pytest.mark.parametrize("status", [400, 403, 503])
    @pytest.mark.parametrize("ending", ["Please try again later", "Please try again after some time."])
    def test_the_rate_limit_is_known_by_its_message(self, status: int, ending: str) -> None:
        message = f"Rate limit for this API has been reached. {ending}"
        error = refused(said(status, {"errors": [{"msg": message}]}, "Retry-After: 7"))
        assert isinstance(error, RateLimitedError)
        assert error.retry_after == 7

    def test_json_that_is_labelled_as_a_page_is_used(self) -> None:
        for client, _ in client_of(reply(200, json.dumps({"dock-statusId": DOCK}).encode(), "text/html")):
            assert client.export("a-1", "cf-1").dock_status_id == DOCK

    @pytest.mark.parametrize("call", ["status", "export"])
    @pytest.mark.parametrize(
        ("status", "kind", "says", "advises"),
        [
            (400, BadRequestError, "did not accept the request (400): the word", "Check the ids"),
            (401, AuthenticationError, "refused the API key of staging (401): the word", "Management API keys"),
            (403, ForbiddenError, "does not allow this to the API key of staging (403): the word", "API Scopes"),
            (404, NotFoundError, "GALE does not know this", "Check"),
            (408, ServerError, "returned 408", ""),
            (409, ConflictError, "present state (409): the word", "try again"),
            (410, BadRequestError, "(410): the word", ""),
            (422, BadRequestError, "(422): the word", ""),
            (429, RateLimitedError, "rate limit is reached (429): the word", "repeated"),
            (500, ServerError, "returned 500: the word", ""),
            (503, ServerError, "returned 503: the word", ""),
            (599, ServerError, "returned 599: the word", ""),
            (304, RedirectError, "redirect (304)", ""),
        ],
    )
    def test_each_status(self, status: int, kind: type[AnswerError], says: str, advises: str, call: str) -> None:
        error = refused(said(status) if status != 304 else b"HTTP/1.1 304 Not Modified\r\n\r\n", call)
        assert type(error) is kind
        assert error.status == status
        assert says in error.what
        assert advises in error.advice
        if status != 304:
            assert error.from_gale
            assert error.detail == "the word"
            assert '"message": "the word"' in error.body
        if call == "export" and kind is ServerError:
            assert "may have started" in error.advice

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize(
        ("kind", "scope"), [("tool", "Export Tool"), ("workflow", "Export Workflow"), ("model", "Export Model")]
    )
    def test_a_refused_key_names_where_it_is_made_its_scope_and_the_other_kind_of_key(
        self, status: int, kind: str, scope: str
    ) -> None:
        for client, _ in client_of(said(status)):
            with pytest.raises(AnswerError) as caught:
                client.export("a-1", "cf-1", KINDS[kind])
            advice = caught.value.advice
            assert "Settings → Security & Control → API Scopes" in advice
            assert scope in advice
            assert "only runs one tool looks the same" in advice

    @pytest.mark.parametrize("call", ["status", "export"])
    @pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 502])
    def test_a_page_of_a_proxy_is_named(self, status: int, call: str) -> None:
        error = refused(PAGE.replace(b"200 Said", f"{status} Said".encode()), call)
        assert "page" in error.what
        assert "Sign in to Corp" in error.what
        assert not error.from_gale
        if status not in (401, 502):
            assert "a proxy or a login page" in error.advice
        assert "<html>" not in str(error)

    @pytest.mark.parametrize(
        ("body", "kind", "says"),
        [
            (b"{broken", "application/json", "not valid JSON: {broken"),
            (b"plain words\nmore", "text/plain", "not valid JSON: plain words"),
            (b"", "application/json", "is empty"),
            (b" \n ", "application/json", "is empty"),
            (b"\xff\xfe\x00", "application/json", "not valid JSON"),
            (b"[" * 100_000, "application/json", "not valid JSON"),
            (b"3", "application/json", "not an object"),
            (b"null", "application/json", "not an object"),
            (b'"text"', "application/json", "not an object"),
            (b'{"a": "' + b"x" * 2_000_000 + b'"}', "application/json", "larger than 1 MiB"),
        ],
        ids=range(10),
    )
    @pytest.mark.parametrize("call", ["status", "export"])
    def test_a_success_that_is_none(self, body: bytes, kind: str, says: str, call: str) -> None:
        error = refused(reply(200, body, kind), call)
        assert type(error) is MalformedAnswerError
        assert says in error.what
        assert len(str(error)) < 600

    def test_an_export_without_an_id(self) -> None:
        error = refused(said(200, {"status": "IN_PROGRESS"}), "export")
        assert type(error) is MalformedAnswerError
        assert error.from_gale
        assert "without a dock status id" in error.what

    def test_a_status_call_without_a_status(self) -> None:
        assert "no status" in refused(said(200, {"_id": DOCK})).what

    def test_a_compressed_one(self) -> None:
        error = refused(reply(200, b"\x1f\x8b", "application/json", "Content-Encoding: gzip"))
        assert type(error) is MalformedAnswerError
        assert "compressed (gzip)" in error.what

    def test_server_text_is_inert_bounded_and_redacted(self) -> None:
        text = "\x1b]0;pwned\x07\u202e https://h.example/f?sig=geheim " + "x" * 10**6
        error = refused(said(400, {"errors": [{"msg": text}]}))
        assert "\x1b" not in str(error) + error.body
        assert "␛]0;pwned␇‹U+202E›" in error.what
        assert "geheim" not in str(error) + error.body
        assert len(error.detail) <= 200
        assert len(error.body) <= 16384

    def test_a_key_in_the_answer_is_not_shown(self) -> None:
        error = refused(said(401, {"message": f"no such key: {KEY.reveal()}"}))
        assert KEY.reveal() not in shown_in_a_crash(error)

    def test_404_without_json_is_not_a_gale(self) -> None:
        error = refused(reply(404, b"nginx", "text/plain"))
        assert type(error) is NotFoundError
        assert not error.from_gale
        assert "may not be a GALE" in error.advice

    @pytest.mark.parametrize("status", [429, 503])
    def test_how_long_to_wait(self, status: int) -> None:
        assert refused(said(status, None, "Retry-After: 7")).retry_after == 7.0
        assert refused(said(status)).retry_after is None


NOW = 1_795_435_200.0
"""Mon, 23 Nov 2026 12:00:00 GMT"""


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "date", "seconds"),
        [
            ("7", None, 7.0),
            (" 7.5 ", None, 7.5),
            ("0", None, 0.0),
            ("999999999", None, 86400.0),
            ("Mon, 23 Nov 2026 12:00:30 GMT", None, 30.0),
            ("Mon, 23 Nov 2026 11:00:00 GMT", None, 0.0),
            ("Mon, 23 Nov 2026 13:00:30 GMT", "Mon, 23 Nov 2026 13:00:00 GMT", 30.0),
            ("Mon, 23 Nov 2026 12:00:30 GMT", "nonsense", 30.0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", None, 86400.0),
            ("soon", None, None),
            ("-3", None, None),
            ("٣", None, None),
            ("nan", None, None),
            ("1e9", None, None),
            ("", None, None),
            (None, None, None),
        ],
    )
    def test_seconds_or_a_date(
        self, monkeypatch: pytest.MonkeyPatch, value: str | None, date: str | None, seconds: float | None
    ) -> None:
        monkeypatch.setattr("time.time", lambda: NOW)
        headers = {"retry-after": value, "date": date}
        assert retry_after({name: text for name, text in headers.items() if text is not None}) == seconds

    @given(st.text(max_size=60), st.text(max_size=60))
    def test_any_text_is_a_wait_or_nothing(self, value: str, date: str) -> None:
        seconds = retry_after({"retry-after": value, "date": date})
        assert seconds is None or 0 <= seconds <= 86400


class TestKeyTest:
    @pytest.mark.parametrize(
        ("with_key", "without", "verdict", "says"),
        [
            (said(404), said(401), "accepted", "first export"),
            (said(404), said(403), "accepted", "first export"),
            (said(404), said(404), "inconclusive", "the same without a key"),
            (said(404), said(500), "inconclusive", "the same without a key"),
            (said(401), said(401), "refused", "refused the API key"),
            (reply(401, b"", "text/html"), said(401), "refused", "refused the API key"),
            (said(403), said(401), "refused", "does not allow"),
            (PAGE.replace(b"200 Said", b"403 Said"), said(401), "inconclusive", "Sign in to Corp"),
            (reply(404, b"nginx", "text/plain"), said(401), "inconclusive", "may not be a GALE"),
            (said(200, {"status": "SUCCESS"}), said(401), "inconclusive", "does not exist with success"),
            (PAGE, PAGE, "inconclusive", "Sign in to Corp"),
            (said(500), said(500), "inconclusive", "returned 500"),
            (said(429), said(429), "inconclusive", "rate limit"),
            (
                reply(302, b"", "text/html", "Location: https://login.example/"),
                said(401),
                "inconclusive",
                "login.example",
            ),
        ],
        ids=range(14),
    )
    def test_verdicts(self, with_key: bytes, without: bytes, verdict: str, says: str) -> None:
        for client, server in client_of(with_key, without):
            found = client.test_key()
            heads = [request.split(b"\r\n")[0] for request in server.requests]
            keys = [header(request, "x-api-key") for request in server.requests]
        assert found.verdict == verdict
        assert says in found.explanation
        assert all(re.fullmatch(rb"GET /api/public/dock-status/ds-[0-9a-f-]{36} HTTP/1.1", head) for head in heads)
        assert len(set(heads)) == 1
        assert keys in ([KEY.reveal()], [KEY.reveal(), None])

    def test_nobody_there(self) -> None:
        with reaching("http://127.0.0.1:9") as transport:
            found = GaleClient(transport).test_key()
        assert found.verdict == "inconclusive"
        assert "refused the connection" in found.explanation

    def test_no_key(self) -> None:
        with reaching("http://127.0.0.1:9", None) as transport, pytest.raises(NoKeyError):
            GaleClient(transport).test_key()

    def test_the_line_is_cut_at_the_second_request(self) -> None:
        def talk(conversation: Conversation) -> None:
            if header(conversation.request(), "x-api-key"):
                conversation.send(said(404) + b"")
                conversation.request()

        with WireServer(talk) as server, reaching(server.url) as transport:
            found = GaleClient(transport).test_key()
        assert found.verdict == "inconclusive"
        assert "check without it failed" in found.explanation


class TestLink:
    @pytest.mark.parametrize(
        ("link", "resolved"),
        [
            ("https://files.example/f.zip?sig=1", "https://files.example/f.zip?sig=1"),
            ("  https://files.example/f.zip\n", "https://files.example/f.zip"),
            ("https://files.\nexample/f.zip", "https://files.example/f.zip"),
            ("/api/v1/f.zip?sig=1", "https://gale.example/api/v1/f.zip?sig=1"),
            ("api/v1/f.zip", "https://gale.example/api/v1/f.zip"),
            ("?id=1", "https://gale.example/?id=1"),
            ("//files.example/f.zip", "https://files.example/f.zip"),
            ("HTTPS://Files.Example/f.zip", "https://Files.Example/f.zip"),
        ],
    )
    def test_resolved(self, link: str, resolved: str) -> None:
        with reaching("https://gale.example") as transport:
            assert GaleClient(transport).resolve_link(SignedUrl(link)).reveal() == resolved

    @pytest.mark.parametrize(
        "link",
        [
            "http://files.example/f.zip?sig=geheim",
            "http://gale.example/f.zip?sig=geheim",
            "https://127.0.0.1/f.zip?sig=geheim",
            "https://localhost:8000/f.zip?sig=geheim",
            "//localhost/f.zip?sig=geheim",
            "https://[::1]/f.zip?sig=geheim",
            "ftp://files.example/f.zip?sig=geheim",
            "javascript:alert(1)?sig=geheim",
            "data:text/html,x?sig=geheim",
            "file:///etc/passwd?sig=geheim",
            "https://user:geheim@files.example/f.zip",
            "https://[::1/f.zip?sig=geheim",
        ],
    )
    def test_refused(self, link: str) -> None:
        with reaching("https://gale.example") as transport, pytest.raises(LinkRefusedError) as caught:
            GaleClient(transport).resolve_link(SignedUrl(link))
        assert "geheim" not in shown_in_a_crash(caught.value)

    def test_loopback_belongs_to_a_loopback_environment(self) -> None:
        with reaching("http://127.0.0.1:8000") as transport:
            client = GaleClient(transport)
            for link in ("http://127.0.0.1:9/f", "http://localhost:9/f", "https://127.0.0.1:9/f"):
                assert client.resolve_link(SignedUrl(link)).reveal() == link
            assert client.resolve_link(SignedUrl("/f")).reveal() == "http://127.0.0.1:8000/f"

    @given(st.text(max_size=60))
    def test_any_text_is_a_safe_link_or_refused(self, text: str) -> None:
        with reaching("https://gale.example") as transport:
            try:
                link = GaleClient(transport).resolve_link(SignedUrl(text))
            except LinkRefusedError:
                return
            assert link.reveal().lower().startswith("https://")


class TestCurl:
    def test_the_line(self) -> None:
        assert curl_line(environment("gale.example"), "a-1", "cf-1") == (
            "curl --request POST 'https://gale.example/api/public/tools/a-1/export?flowId=cf-1' "
            "--header \"x-api-key: $GALE_API_KEY\" --header 'Content-Type: application/json'"
        )

    @pytest.mark.parametrize("value", ["a-1", "a'b", '$(touch x)`"\\', "a;b|c&d\n", "ü %"])
    def test_a_shell_sends_what_the_client_sends(self, value: str) -> None:
        """The shell, with printf in place of curl, hands over exactly these arguments."""
        line = curl_line(environment("gale.example"), value, value)
        script = "curl() { printf '%s\\0' \"$@\"; }; " + line
        done = subprocess.run(
            ["sh", "-c", script], capture_output=True, env={"GALE_API_KEY": "kg-fake-key"}, check=True
        )
        arguments = done.stdout.decode().split("\0")[:-1]
        encoded = export_path(value).split("/")[4]
        assert arguments == [
            "--request",
            "POST",
            f"https://gale.example/api/public/tools/{encoded}/export?flowId={encoded}",
            "--header",
            "x-api-key: kg-fake-key",
            "--header",
            "Content-Type: application/json",
        ]
        assert shlex.split(line)


def test_a_refused_connection_is_not_an_answer() -> None:
    with reaching("http://127.0.0.1:9") as transport, pytest.raises(RefusedError) as caught:
        GaleClient(transport).export("a-1", "cf-1")
    assert caught.value.exit_code == 3
