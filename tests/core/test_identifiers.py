"""Hosts, ids and keys in every form that a person pastes."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import (
    clean_id,
    clean_key,
    clean_label,
    has_extra_text,
    id_warning,
    origin_of,
    parse_host,
    split_url,
)
from gale_tui.core.kinds import KINDS

UUID = "1f0c3b52-7d1e-4f6a-9b3c-5a2e8d7c6b10"
KEY = "kg-0a1b2c3d-1111-5558"


class TestHost:
    @pytest.mark.parametrize(
        "text",
        [
            "gale.kore.ai",
            "https://gale.kore.ai",
            "https://gale.kore.ai/",
            "https://gale.kore.ai.",
            "https://gale.kore.ai./",
            "gale.kore.ai.",
            "gale.kore.ai/",
            "gale.kore.ai//",
            "//gale.kore.ai",
            "HTTPS://GALE.Kore.AI",
            "  gale.kore.ai\n",
            '"https://gale.kore.ai"',
            "'gale.kore.ai'",
            "`gale.kore.ai`",
            "<https://gale.kore.ai>",
            "“https://gale.kore.ai”",
            "https://gale.kore.ai:443",
            "gale.kore.ai:443",
            "gale.kore.ai:",
            "https:gale.kore.ai",
            "https:/gale.kore.ai",
            "https://gale.kore.ai/api/public/tools/a-1/export?flowId=cf-1#x",
            "gale.kore.ai?x=1",
            "gale.kore.ai#x",
            "https://gale。kore。ai",
            "\ufeffgale.kore.ai\u200b",
        ],
    )
    def test_all_these_are_one_environment(self, text: str) -> None:
        assert str(parse_host(text)) == "https://gale.kore.ai"

    @pytest.mark.parametrize(
        ("text", "origin"),
        [
            ("dev-agent-platform.kore.ai", "https://dev-agent-platform.kore.ai"),
            ("gale.example:8443", "https://gale.example:8443"),
            ("gale.example:8443.", "https://gale.example:8443"),
            ("https://gale.example.:8443/x", "https://gale.example:8443"),
            ("gale", "https://gale"),
            ("under_score.example", "https://under_score.example"),
            ("192.0.2.7", "https://192.0.2.7"),
            ("bücher.example", "https://xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "https://xn--bcher-kva.example"),
            ("[2001:DB8::0:1]:8443", "https://[2001:db8::1]:8443"),
            ("2001:db8::1", "https://[2001:db8::1]"),
            ("localhost", "http://localhost"),
            ("localhost:8000", "http://localhost:8000"),
            ("LOCALHOST.:8000", "http://localhost:8000"),
            ("http://localhost:8000/", "http://localhost:8000"),
            ("https://localhost:8000", "https://localhost:8000"),
            ("127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("127.8.9.1", "http://127.8.9.1"),
            ("::1", "http://[::1]"),
            ("[::1]:80", "http://[::1]"),
        ],
    )
    def test_others(self, text: str, origin: str) -> None:
        assert str(parse_host(text)) == origin

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "host is missing"),
            ("  '' ", "host is missing"),
            ("https://", "host is missing"),
            ("/", "host is missing"),
            (":8000", "host is missing"),
            ("http://gale.kore.ai", "plain http"),
            ("http://192.168.0.1:8000", "plain http"),
            ("http://localhost.example", "plain http"),
            ("http://127.0.0.1.example", "plain http"),
            ("ftp://gale.kore.ai", "ftp"),
            ("javascript://x", "javascript"),
            ("https://user:hunter2@gale.kore.ai", "user name"),
            ("https://gale.kore.ai\\@evil.example", "user name"),
            ("gale kore ai", "not a host name"),
            ("{host}", "not a host name"),
            ("gale..kore.ai", "not a host name"),
            ("-gale.kore.ai", "not a host name"),
            ("gale.kore.ai\x00", "not a host name"),
            ("x" * 64 + ".example", "not a host name"),
            (".".join(["abc"] * 80), "not a host name"),
            ("gale.kore.ai:99999", "not a port"),
            ("gale.kore.ai:0", "not a port"),
            ("gale.kore.ai:٤٤٣", "not a port"),
            ("gale.kore.ai:x", "not a port"),
            ("127.1", "not an IPv4"),
            ("2130706433", "not an IPv4"),
            ("0x7f.0.0.1", "not an IPv4"),
            ("0x7f000001", "not an IPv4"),
            ("[::1", "IPv6"),
            ("[::1]x", "IPv6"),
            ("[fe80::1%eth0]", "IPv6"),
            ("1:2:3", "IPv6"),
        ],
    )
    def test_refused_with_a_sentence(self, text: str, says: str) -> None:
        with pytest.raises(ConfigError, match=says) as caught:
            parse_host(text)
        assert caught.value.advice
        assert "hunter2" not in str(caught.value)

    @given(st.text(max_size=80))
    def test_any_text_is_a_host_or_a_sentence(self, text: str) -> None:
        try:
            origin = parse_host(text)
        except ConfigError:
            return
        assert origin.scheme == "https" or origin.loopback
        assert 1 <= origin.port <= 65535
        assert parse_host(str(origin)) == origin
        assert parse_host(origin.display) == origin

    @given(
        st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]([a-z0-9-]{0,10}[a-z0-9])?){1,3}", fullmatch=True),
        st.integers(1, 65535),
        st.sampled_from(["", "https://", "HTTPS://", "https:/", "//"]),
        st.sampled_from(["", ".", "/", "./", "/path?x=1", "#y"]),
    )
    def test_dressing_does_not_change_the_host(self, name: str, port: int, before: str, after: str) -> None:
        assume(not (name.startswith("xn--") or "--" in name))
        origin = parse_host(f"{before}{name}:{port}{after}")
        assert (origin.scheme, origin.host, origin.port) == ("https", name, port)


class TestUrls:
    def test_origin_and_path(self) -> None:
        origin, path = split_url("https://Files.Example.:8443/a/b?sig=1#frag")
        assert str(origin) == "https://files.example:8443"
        assert path == "/a/b?sig=1"

    @pytest.mark.parametrize(
        ("url", "path"),
        [("https://h.example", "/"), ("https://h.example?x=1", "/?x=1"), ("https://h.example#x", "/")],
    )
    def test_a_path_is_always_there(self, url: str, path: str) -> None:
        assert split_url(url)[1] == path

    def test_plain_http_is_an_origin_too(self) -> None:
        assert str(origin_of("http://h.example/x")) == "http://h.example"

    @pytest.mark.parametrize("url", ["", "/x", "h.example/x", "ftp://h.example/", "https://", "https://u@h.example/"])
    def test_anything_else_is_none(self, url: str) -> None:
        with pytest.raises(ConfigError):
            origin_of(url)


class TestId:
    @pytest.mark.parametrize("text", ["a-1", " a-1\n", '"a-1"', ":a-1", ' ":a-1" ', "`a-1`", "\u200ba-1"])
    def test_what_came_along_is_dropped(self, text: str) -> None:
        assert clean_id(text) == "a-1"

    @pytest.mark.parametrize("text", ["", "  ", ":", '""', "a 1", "a\x00b", "a\u202eb", "x" * 201, ".", ".."])
    def test_refused(self, text: str) -> None:
        with pytest.raises(ConfigError):
            clean_id(text)

    def test_odd_ids_are_taken(self) -> None:
        assert clean_id("Ünïcode/with?odd&chars") == "Ünïcode/with?odd&chars"

    @given(st.text(max_size=220))
    def test_any_text_is_one_word_or_a_sentence(self, text: str) -> None:
        try:
            value = clean_id(text)
        except ConfigError:
            return
        assert value == clean_id(value)
        assert len(value.split()) == 1
        assert 1 <= len(value) <= 200

    @pytest.mark.parametrize(
        ("kind", "value", "says"),
        [
            ("tool", "a-4xxxxxx9-fxx9-5xx7-axx7-9xxxxxxxxxxb", None),
            ("tool", "a-3xxxxxxxxxxxxxxxxxx3", None),
            ("flow", "cf-71aaaaaa-bbbb", None),
            ("dock", "ds-cxxxxxxf-8xx7-5xx9-8xxd-c2xxxxxxxxxd", None),
            ("tool", "cf-71aaaaaa-bbbb", "flow id"),
            ("flow", "a-4xxxxxx9-fxx9", "tool id"),
            ("flow", "ds-cxxxxxxf-8xx7", "dock status id"),
            ("dock", "kg-test-key-0000", "API key"),
            ("tool", "something", "Most tool ids"),
        ],
    )
    def test_an_odd_shape_only_warns(self, kind: str, value: str, says: str | None) -> None:
        warning = id_warning(KINDS.get(kind, kind), value)  # type: ignore[arg-type]  # parametrized strings are not literals
        assert (warning is None) if says is None else (warning is not None and says in warning)

    @pytest.mark.parametrize("end", ["", ")", ".", '"', "|text", "^", "],", "/export", "\u200b", ";-"])
    @pytest.mark.parametrize("start", ["", "(", "[", ':"', '="'])
    def test_a_uuid_ends_where_it_ends(self, start: str, end: str) -> None:
        for prefix in ("a-", "cf-", "ds-", "cm-"):
            assert clean_id(f"{start}{prefix}{UUID}{end}") == f"{prefix}{UUID}"

    @pytest.mark.parametrize("stuck", [f"a-{UUID}x", f"a-{UUID}-2", "mine)", "a-1.", "a-1|text", "a-1^"])
    def test_what_may_be_stuck_to_an_id_is_noticed(self, stuck: str) -> None:
        assert has_extra_text(clean_id(stuck))

    @pytest.mark.parametrize("fine", [f"a-{UUID}", "a-3xxxxxxxxxxxxxxxxxx3", "mine_1"])
    def test_odd_ids_alone_have_nothing_stuck(self, fine: str) -> None:
        assert not has_extra_text(clean_id(fine))

    @pytest.mark.parametrize(
        "text", [f"a-{UUID},cf-{UUID}", f"https://gale.kore.ai/api/public/tools/a-{UUID}/export", f"a-{UUID} x"]
    )
    def test_more_than_an_id_is_refused(self, text: str) -> None:
        with pytest.raises(ConfigError):
            clean_id(text)

    @pytest.mark.parametrize("key", [KEY, f"{KEY}.{UUID}", KEY.upper(), f"GALE_API_KEY={KEY}", f"x-api-key: {KEY}"])
    def test_a_key_is_no_id_no_label_and_no_host(self, key: str) -> None:
        for clean in (clean_id, clean_label, parse_host):
            with pytest.raises(ConfigError, match="API key") as caught:
                clean(key)
            assert "0a1b2c3d" not in str(caught.value).lower()


class TestKey:
    @pytest.mark.parametrize(
        "text",
        [
            "kg-test-key-0000",
            " kg-test-key-0000\n",
            "'kg-test-key-0000'",
            "x-api-key: kg-test-key-0000",
            "\ufeffkg-test-key-0000",
            "GALE_API_KEY=kg-test-key-0000",
            "x-api-key=kg-test-key-0000",
            "export GALE_API_KEY='kg-test-key-0000'",
            '$env:GALE_API_KEY = "kg-test-key-0000"',
        ],
    )
    def test_trimmed(self, text: str) -> None:
        assert clean_key(text).reveal() == "kg-test-key-0000"

    @pytest.mark.parametrize(
        "text", ["", "  ", "short", "kg-test key-0000", "kg-test\nkey-0000", "kg-tést-key-0000", "k" * 513]
    )
    def test_refused_without_showing_it(self, text: str) -> None:
        with pytest.raises(ConfigError) as caught:
            clean_key(text)
        shown = "".join(traceback.format_exception(caught.value)[-1:])
        assert not text.strip() or text.strip() not in shown

    @given(st.text(max_size=600))
    def test_any_text_is_a_header_value_or_a_sentence(self, text: str) -> None:
        try:
            key = clean_key(text).reveal()
        except ConfigError:
            return
        assert 8 <= len(key) <= 512
        assert all("!" <= c <= "~" for c in key)
