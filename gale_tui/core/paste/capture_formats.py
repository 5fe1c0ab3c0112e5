"""Requests out of what browsers copy: curl commands, fetch calls, HAR files, and plain addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from gale_tui.core.paste.capture_requests import RawRequest

__all__ = ["addresses", "curl_requests", "fetch_requests", "har_requests", "looks_like_har"]

_ADDRESS: Final = re.compile(r"https?://[^\s'\"<>\\^`]+")


def addresses(text: str) -> Iterator[RawRequest]:
    """Every http and https address in a text."""
    for match in _ADDRESS.finditer(text):
        yield RawRequest(match[0])


# curl

_PIECE: Final = re.compile(
    r"""
      (?P<joint>\\\r?\n)                          # a line that goes on
    | (?P<end>\r?\n|;|&&?|\|\|?)                  # the end of a command
    | (?P<space>[ \t]+)
    | \$'(?P<c>[^'\\]*+(?:\\.[^'\\]*+)*+)'   # ANSI-C quoting: browsers use it around quotes
    | '(?P<single>[^']*+)'
    | "(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"
    | \\(?P<escaped>.)
    | (?P<plain>[^\s'"\\;&|$]+|\$)
    | (?P<open>['"].*)                            # a quote that nobody closed
    """,
    re.VERBOSE | re.DOTALL,
)
_C_ESCAPE: Final = re.compile(
    r"\\(?:u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL
)
_C_LETTERS: Final = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
    "E": "\x1b",
}


def _c_text(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code or match[4]:
            number = int(code, 16) if code else int(match[4], 8)
            return chr(number) if number < 0x110000 else ""
        return _C_LETTERS.get(match[5], match[5])

    return _C_ESCAPE.sub(one, text)


def commands(text: str) -> Iterator[tuple[list[str], bool]]:
    """The words of each command as bash reads them, and whether all quotes are closed."""
    if re.search(r"\^\r?\n|\^\"", text):
        # cmd.exe's way of quoting.
        text = re.sub(r"\^(.)", r"\1", re.sub(r"\^\r?\n", " ", text))
    words: list[str] = []
    word: list[str] | None = None
    whole = True
    for match in _PIECE.finditer(text):
        kind = match.lastgroup
        if kind == "joint":
            continue
        if kind in ("end", "space"):
            if word is not None:
                words.append("".join(word))
                word = None
            if kind == "end" and words:
                yield words, whole
                words, whole = [], True
            continue
        if kind is None:
            continue
        piece = match[kind]
        if kind == "c":
            piece = _c_text(piece)
        elif kind == "double":
            piece = re.sub(r'\\(["\\$`])', r"\1", piece.replace("\\\r\n", "").replace("\\\n", ""))
        elif kind == "open":
            whole, piece = False, ""
        if word is None:
            word = []
        word.append(piece)
    if word is not None:
        words.append("".join(word))
    if words:
        yield words, whole


_HEADER: Final = ("-H", "--header")
_BODY: Final = ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json")
_OTHER: Final = frozenset(
    [
        "-X", "--request", "-b", "--cookie", "-u", "--user", "-A", "--user-agent", "-e", "--referer", "-o",
        "--output", "-x", "--proxy", "-c", "--cookie-jar", "-m", "--max-time", "-F", "--form", "-T",
        "--upload-file", "-w", "--write-out", "-E", "--cert", "--key", "--cacert", "--connect-timeout",
        "--retry", "--resolve", "-K", "--config", "--oauth2-bearer", "--proxy-user", "-U", "--interface",
        "--aws-sigv4", "-D", "--dump-header", "-r", "--range", "-C", "--continue-at",
    ]
)  # fmt: skip
_SECRET_OPTIONS: Final = {"-b": "cookie", "--cookie": "cookie", "-u": "authorization", "--user": "authorization"}


def curl_requests(text: str) -> Iterator[tuple[RawRequest, bool]]:
    """The request of each curl command, and whether all its quotes are closed."""
    for words, whole in commands(text):
        start = next((n for n, word in enumerate(words) if re.fullmatch(r"(?:.*[/\\])?curl(?:\.exe)?", word)), None)
        if start is not None:
            yield _curl(words[start + 1 :]), whole


def _curl(words: list[str]) -> RawRequest:
    body = ""
    urls: list[str] = []
    headers: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, value = word, None
        if word.startswith("--") and "=" in word:
            name, _, value = word.partition("=")
        elif re.match(r"-[HXdbueAxo].", word):
            name, value = word[:2], word[2:]
        if name in _HEADER or name in _BODY or name in _OTHER or name in ("--url", "--oauth2-bearer"):
            value = next(rest, "") if value is None else value
            if name in _HEADER:
                key, _, content = value.partition(":")
                headers[key.strip().lower()] = content.strip()
            elif name in _BODY:
                body = body or value
            elif name == "--url":
                urls.append(value)
            elif name in _SECRET_OPTIONS or name == "--oauth2-bearer":
                headers.setdefault(_SECRET_OPTIONS.get(name, "authorization"), value)
        elif not word.startswith("-"):
            urls.append(word)
    # An option that is not known may have a value that looks like an address without scheme.
    url = next((each for each in urls if "://" in each), urls[0] if urls else "")
    if url and "://" not in url:
        url = f"https://{url}"
    return RawRequest(url, headers, body)


# fetch

_STRING: Final = r"""(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^'\\]*+(?:\\.[^'\\]*+)*+'|`[^`\\]*+(?:\\.[^`\\]*+)*+`)"""
_CALL: Final = re.compile(rf"\bfetch\s{{0,100}}\(\s{{0,100}}({_STRING})\s{{0,100}}(,?)\s{{0,1000}}", re.DOTALL)
_BODY_FIELD: Final = re.compile(rf"""["']?\bbody["']?\s{{0,20}}:\s{{0,20}}({_STRING})""", re.DOTALL)
_FIELD: Final = re.compile(rf"""["']?([A-Za-z][\w-]{{0,100}})["']?\s{{0,20}}:\s{{0,20}}({_STRING})""", re.DOTALL)
_OPTIONS_LIMIT: Final = 1 << 18


def _js_text(literal: str) -> str:
    if literal.startswith('"'):
        try:
            return str(json.loads(literal, strict=False))
        except ValueError:
            pass
    return _c_text(literal[1:-1])


def fetch_requests(text: str) -> Iterator[RawRequest]:
    """The request of each fetch call, as browsers copy them, for the browser or for Node.js."""
    for match in _CALL.finditer(text):
        url = _js_text(match[1])
        options: object = None
        part = text[match.end() : match.end() + _OPTIONS_LIMIT]
        if match[2] and part.startswith("{"):
            try:
                options, _ = json.JSONDecoder(strict=False).raw_decode(part)
            except (ValueError, RecursionError):
                options = _loose_options(part)
        if isinstance(options, dict):
            yield RawRequest(url, _headers(options.get("headers")), _text(options.get("body")))
        else:
            yield RawRequest(url)


def _loose_options(part: str) -> dict[str, Any]:
    """Headers and body out of options that are JavaScript and no JSON."""
    other = part.find("fetch(")
    part = part[:other] if other >= 0 else part
    body = _BODY_FIELD.search(part)
    headers = {match[1]: _js_text(match[2]) for match in _FIELD.finditer(part)}
    return {"headers": headers, "body": _js_text(body[1]) if body is not None else ""}


def _headers(found: object) -> dict[str, str]:
    """Headers as an object, or as a list of names and values."""
    if isinstance(found, dict):
        return {str(name).lower(): _text(value) for name, value in found.items()}
    if isinstance(found, list):
        pairs = (each for each in found if isinstance(each, dict))
        return {_text(each.get("name")).lower(): _text(each.get("value")) for each in pairs}
    return {}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, dict | list) else ""


# HAR

_REQUEST_NAME: Final = '"request"'
_REQUEST: Final = re.compile(r'"request"\s{0,100}:\s{0,100}(?=\{)')
_BROKEN_LIMIT: Final = 20


def looks_like_har(text: str) -> bool:
    """True for a HAR file, whole or cut off."""
    start = text[:4096].lstrip("\ufeff \t\r\n")
    if re.match(r'\{\s*"(?:log|entries|startedDateTime)"', start) is not None:
        return True
    return start.startswith("{") and next(_places(text[: 1 << 20]), None) is not None


def _places(text: str, at: int = 0) -> Iterator[int]:
    """Where the objects of requests begin."""
    while (at := text.find(_REQUEST_NAME, at)) >= 0:
        match = _REQUEST.match(text, at)
        # Inside a JSON text every quote is escaped, so that this is structure and no contents.
        if match is not None and text[at - 1 : at] != "\\":
            yield match.end()
        at += len(_REQUEST_NAME)


def har_requests(text: str) -> Iterator[RawRequest]:
    """The requests of a HAR file, one after the other; what was answered is passed over unread."""
    decoder = json.JSONDecoder(strict=False)
    broken = end = 0
    for at in _places(text):
        if at < end:
            continue
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            broken += 1
            if broken >= _BROKEN_LIMIT:
                return
            continue
        if not isinstance(found, dict):
            continue
        headers = _headers(found.get("headers"))
        if found.get("cookies"):
            headers.setdefault("cookie", "; ".join(_headers(found["cookies"]).values()))
        data = found.get("postData")
        body = _text(data.get("text")) if isinstance(data, dict) else ""
        yield RawRequest(_text(found.get("url")), headers, body)
