"""Server text: inert, bounded, redacted, and safe as a file name."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gale_tui.core.secret import Secret, register_secret
from gale_tui.core.untrusted_text import (
    content_disposition_name,
    first_useful_line,
    inert,
    inert_block,
    redact_links,
    safe_file_stem,
)
from tests.support.processor import processor_seconds

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=400)
HOSTILE = st.text(st.sampled_from("ab \t\n\r\x00\x07\x1b\x7f\x85\x9b\u200b\u200d\u202e\u2028\ufeff\ud800é\u0301…/\\.:"))
ACTING = ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")


def acts(text: str) -> list[str]:
    """Characters that would do something on a terminal, or hide."""
    return [c for c in text if unicodedata.category(c) in ACTING]


class TestInert:
    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ("plain", "plain"),
            ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
            ("\x1b]0;title\x07", "␛]0;title␇"),
            ("\x9b31m", "‹U+009B›31m"),
            ("a\u202eb", "a‹U+202E›b"),
            ("a\u200bb\ufeff", "a‹U+200B›b‹U+FEFF›"),
            ("one\r\n  two\tthree\u2028four", "one two three four"),
            ("  outer  ", "outer"),
            ("\ud800", "‹U+D800›"),
            ("\u3164", "‹U+3164›"),
            ("Grüße 日本 🙂", "Grüße 日本 🙂"),
            (None, ""),
            (True, "true"),
            (42, "42"),
            (1.5, "1.5"),
            ({"a": 1}, "{…}"),
            ([1], "[…]"),
        ],
    )
    def test_shows_what_it_says_and_does_nothing(self, given: object, shown: str) -> None:
        assert inert(given) == shown

    def test_is_cut_with_an_ellipsis(self) -> None:
        assert inert("abcdef", 4) == "abc…"
        assert inert("abcd", 4) == "abcd"
        assert inert("x" * 10**6, 10) == "x" * 9 + "…"

    def test_a_name_of_a_character_is_not_cut_in_two(self) -> None:
        assert inert("ab\u202ecdefgh", 6) == "ab…"

    def test_marks_do_not_climb_over_other_lines(self) -> None:
        assert inert("e" + "\u0301" * 20).count("\u0301") == 3

    @given(st.one_of(ANY_TEXT, HOSTILE), st.integers(1, 80))
    def test_any_text_is_one_bounded_inert_line(self, text: str, limit: int) -> None:
        line = inert(text, limit)
        assert len(line) <= limit
        assert not acts(line)
        line.encode()

    @given(st.one_of(ANY_TEXT, HOSTILE), st.integers(1, 80))
    def test_any_block_is_bounded_and_inert_but_for_its_line_breaks(self, text: str, limit: int) -> None:
        block = inert_block(text, limit)
        assert len(block) <= limit
        assert not acts(block.replace("\n", ""))

    def test_a_block_keeps_its_lines(self) -> None:
        assert inert_block("one\r\n\ttwo\x1b[2J") == "one\n    two␛[2J"


class TestRedaction:
    @pytest.mark.parametrize(
        ("text", "redacted"),
        [
            ("see https://h.example/a/b.zip?sig=abc&x=1 now", "see https://h.example/a/b.zip?•••• now"),
            ("https://user:pass@h.example/a", "https://h.example/a"),
            ("https://h.example/a#access_token=x", "https://h.example/a?••••"),
            (r"https:\/\/h.example\/a?sig=abc", r"https:\/\/h.example\/a?••••"),
            ('{"url": "/relative?X-Amz-Signature=abc"}', '{"url": "/relative?••••"}'),
            ("key kg-test-key-0000 used", "key •••• used"),
            ("x-api-key: whatever-it-is", "x-api-key: ••••"),
            ("Signature=abc123", "Signature=••••"),
            ("really? yes = no", "really? yes = no"),
        ],
    )
    def test_hides_queries_users_and_keys(self, text: str, redacted: str) -> None:
        assert redact_links(text) == redacted

    def test_hides_a_known_secret_that_looks_like_any_word(self) -> None:
        register_secret(Secret("rosemary-and-thyme"))
        assert redact_links("a pinch of rosemary-and-thyme in it") == "a pinch of •••• in it"

    @given(st.text("abcXYZ019-_%", min_size=4, max_size=40), st.sampled_from(["", " ", '"', "\n", "<"]))
    def test_no_query_survives(self, secret: str, end: str) -> None:
        for link in (f"https://h.example/f?sig={secret}", f"/f?sig={secret}", f"https://h.example/f?{secret}"):
            assert f"{secret}" not in redact_links(f"text {link}{end} more").replace("text", "").replace("more", "")

    def test_is_quick_on_pages_of_nothing(self) -> None:
        for piece in ("a", "?", "://", "kg-", "x-api-key "):
            text = piece * (10**5 // len(piece))
            with processor_seconds(1):
                assert len(redact_links(text)) <= len(text) + 10**5


class TestFirstUsefulLine:
    @pytest.mark.parametrize(
        ("body", "line"),
        [
            ({"errors": [{"msg": "no such tool", "code": 4002}]}, "no such tool"),
            ({"errors": [{}, {"msg": "second"}]}, "second"),
            ({"message": "Rate limit reached"}, "Rate limit reached"),
            ({"error": "invalid"}, "invalid"),
            ({"error": {"message": "inner"}}, "inner"),
            ({"statusMessage": "node n3 has no model"}, "node n3 has no model"),
            ({"response": {"message": "deep"}}, "deep"),
            ({"errors": [{"code": 42}]}, "42"),
            ({"message": None, "error": "x"}, "x"),
            ({"message": "see https://h.example/?sig=1"}, "see https://h.example/?••••"),
            ({"message": "\u001b[2J"}, "␛[2J"),
            ([], ""),
            ({"message": True}, ""),
        ],
    )
    def test_of_json(self, body: object, line: str) -> None:
        assert first_useful_line(json.dumps(body).encode(), "application/json") == (line, True)

    @pytest.mark.parametrize(
        ("body", "kind", "line"),
        [
            (b"<html><head><title>Sign in &amp; go</title></head>", "text/html", "Sign in & go"),
            (b"<!doctype html><h1>502 Bad Gateway</h1>", None, "502 Bad Gateway"),
            (b"<html><script>var x</script><p>Hello</p>", "text/html", "Hello"),
            (b"\n\n  plain words \nmore", "text/plain", "plain words"),
            (b"{broken", "application/json", "{broken"),
            (b"", None, ""),
            (b"\xff\xfe", None, "��"),
            (b"[" * 100_000, "application/json", "[" * 199 + "…"),
        ],
    )
    def test_of_anything_else(self, body: bytes, kind: str | None, line: str) -> None:
        assert first_useful_line(body, kind) == (line, False)

    @given(st.binary(max_size=500), st.sampled_from([None, "application/json", "text/html", "x"]))
    def test_never_raises(self, body: bytes, kind: str | None) -> None:
        line, _ = first_useful_line(body, kind)
        assert len(line) <= 200
        assert not acts(line)

    def test_is_quick_on_a_page_full_of_brackets(self) -> None:
        assert first_useful_line(b"<script" * 9000 + b"<!--" * 9000, "text/html")[1] is False


class TestContentDisposition:
    @pytest.mark.parametrize(
        ("header", "name"),
        [
            ('attachment; filename="Banking Assistant.zip"', "Banking Assistant.zip"),
            ("attachment; filename=Bot.zip", "Bot.zip"),
            ("attachment; filename=My Bot.zip", "My Bot.zip"),
            ("attachment; filename=\"a.zip\"; filename*=UTF-8''B%C3%A4r.zip", "Bär.zip"),
            ("attachment; filename*=utf-8'de'B%C3%A4r.zip; filename=a.zip", "Bär.zip"),
            ("attachment; filename*=ISO-8859-1''B%E4r.zip", "Bär.zip"),
            ("attachment; filename*=UTF-8''%ff; filename=plain.zip", "plain.zip"),
            ("attachment; filename*=martian''x; filename=plain.zip", "plain.zip"),
            (r'attachment; filename="a\"b;c.zip"', 'a"b;c.zip'),
            ('attachment; filename="unclosed.zip', "unclosed.zip"),
            ("attachment; FileName = x.zip", "x.zip"),
            ("attachment; name=x; size=3", None),
            ("inline", None),
            ("filename=x", None),
            ("", None),
            (None, None),
        ],
    )
    def test_finds_the_name(self, header: str | None, name: str | None) -> None:
        assert content_disposition_name(header) == name

    @given(st.text("abc;=\"\\'*% filenameUTF-8.\x00é", max_size=200))
    def test_never_raises(self, header: str) -> None:
        content_disposition_name("attachment;" + header)

    @given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60))
    def test_a_quoted_name_comes_back(self, name: str) -> None:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        assert content_disposition_name(f'attachment; filename="{quoted}"') == name


class TestSafeFileStem:
    @pytest.mark.parametrize(
        ("name", "stem"),
        [
            ("Banking Assistant.zip", "Banking Assistant"),
            ("Exported_AgentName.ZIP", "Exported_AgentName"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\Bot.zip", "Bot"),
            ("..", "fallback"),
            (".zip", "fallback"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("a\x00b\x1b[2Jc\u202ed\u200b.zip", "ab[2Jcd"),
            ('a<b>c:d"e|f?g*h', "a_b_c_d_e_f_g_h"),
            ("two  \t lines\nhere", "two lines here"),
            ("trailing. . .", "trailing"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("com1.zip", "_com1"),
            ("console", "console"),
            ("日本.zip", "日本"),
            ("", "fallback"),
            (None, "fallback"),
        ],
    )
    def test_of_what_servers_send(self, name: str | None, stem: str) -> None:
        assert safe_file_stem(name, "fallback") == stem

    def test_the_fallback_is_made_safe_too(self) -> None:
        assert safe_file_stem(None, "../a-1") == "a-1"
        assert safe_file_stem(None, "...") == "export"

    def test_is_cut_between_characters(self) -> None:
        assert safe_file_stem("é" * 100, "x", 21) == "é" * 10

    @given(st.one_of(ANY_TEXT, HOSTILE), st.integers(16, 120))
    def test_any_name_is_a_plain_file_name(self, name: str, limit: int) -> None:
        stem = safe_file_stem(name, "export", limit)
        assert stem
        assert len(stem.encode()) <= limit
        assert not set(stem) & set('/\\<>:"|?*\x00')
        assert stem[0] not in " .-"
        assert stem[-1] not in " ."
        assert not stem.lower().endswith(".zip")
        assert not acts(stem)
        assert safe_file_stem(stem, "export", limit) == stem


WORST = {
    "comments": b"<!--",
    "scripts": b"<script",
    "all that hides": b"<!-- <script> <style> <head>",
    "tags": b"<",
    "titles": b"<title>",
    "spaces": b" ",
    "entities": b"&",
    "a long entity": b"&#9999999999",
    "links": b"a://",
    "queries": b"?a",
    "keys": b"kg-a..b",
    "named values": b"x-amz-aaaa",
    "brackets": b"[",
    "percent": b"%",
    "backslashes": b"\\",
}


@pytest.mark.parametrize("piece", WORST.values(), ids=WORST)
def test_time_is_linear(piece: bytes) -> None:
    """In quadratic time this takes more than a second, in linear time a thirtieth of that."""
    register_secret(Secret("kg-0000000000000000"))
    length = 1 << 16
    body = piece * (length // len(piece))
    text = body.decode()
    with processor_seconds(1):
        for kind in ("application/json", "text/plain", "text/html"):
            first_useful_line(body, kind)
        redact_links(text)
        inert(text, length)
        inert_block(text, length)
        content_disposition_name(f"attachment; filename={text}")
        safe_file_stem(text, "export")


@pytest.mark.parametrize(
    ("header", "stem"),
    [
        ("attachment; filename*=utf8''B%C3%BCro.zip", "Büro"),
        ("attachment; filename*=latin1''B%FCro.zip; filename=plain.zip", "plain"),
        ("attachment; filename*=ISO-8859-1''B%FCro.zip", "Büro"),
        ('attachment; filename="=?UTF-8?B?QsO8cm8uemlw?="', "Büro"),
        ('attachment; filename="=?utf-8?Q?B=C3=BCro_Bot.zip?="', "Büro Bot"),
        ('attachment; filename="=?x-nobody?B?QsO8cm8uemlw?="', "=_x-nobody_B_QsO8cm8uemlw_="),
        ('attachment; filename="B%C3%BCro%20Bot.zip"', "Büro Bot"),
        ('attachment; filename="50%25 of 100%.zip"', "50% of 100%"),
        ('attachment; filename="B%FC.zip"', "B%FC"),
    ],
)
def test_names_that_browsers_read(header: str, stem: str) -> None:
    assert safe_file_stem(content_disposition_name(header), "x") == stem


@pytest.mark.parametrize(
    "text",
    [
        "GALE_API_KEY=kg-0a1b2c3d-1111-5558",
        "x-api-key=kg-0a1b2c3d-1111-5558",
        "NAME_kg-0a1b2c3d.1111.5558",
        "kg-0a1b2c3d",
    ],
)
def test_a_key_goes_whole(text: str) -> None:
    shown = redact_links(f"see {text}. Then")
    assert not re.search("kg-|0a1b|1111|5558", shown)
    assert shown.startswith("see ")
    assert shown.endswith(" Then")
