"""Requests in a text: the addresses, what belongs to each, and the ids in them.

One way for all that people paste. A text is unescaped, split at its commands and addresses, and each part is searched
for ids: by the place in the path and the name of the field that the public API gives them, else by their shape. The
console's own call is not documented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import clean_id, is_id, origin_of, shaped_ids
from gale_tui.core.kinds import KINDS, TOOL, Kind, kind_named
from gale_tui.core.untrusted_text import contains_key

_WORDS: Final = "|".join(word for kind in KINDS.values() for word in kind.words)
_STOP: Final = r"\s'\"<>|\x00-\x1f"
_ADDRESS: Final = re.compile(
    rf"(?P<whole>https?:/{{1,2}}(?:(?!https?:/)[^{_STOP}])+)|(?<![\w.~%@/-])(?P<bare>[\w.-]{{0,253}}(?::\d{{1,5}})?/[^{_STOP}]+)",
    re.IGNORECASE,
)
_ADDRESS_END: Final = ".,;:!?)]}*_~`…’”"
_COMMAND: Final = re.compile(
    r"(?<![\w.-])(?:curl(?:\.exe)?|wget|Invoke-WebRequest|Invoke-RestMethod|iwr|irm)(?=\s)"
    r"|(?<!\w)(?:fetch|axios|requests|httpx|session|client|http)?\.?(?:fetch|post|put|request|open)\s{0,9}\("
    r"|^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\s+\S{1,4096}\s+HTTP/",
    re.IGNORECASE | re.MULTILINE,
)
_EXPORT: Final = re.compile(r"/exports?(?:tool)?(?:[/?#]|$)", re.IGNORECASE)
_IN_PATH: Final = re.compile(rf"/((?:{_WORDS})s?)/:?([^/?#&]{{1,200}})/exports?(?:[/?#]|$)", re.IGNORECASE)
_NOT_SENT_TO: Final = re.compile(
    r"(?:\b(?:referr?er|origin|proxy|(?:call|redirect|return|success|failure|icon|image|avatar|download)\w{0,20})"
    r"['\"]{0,2}\s{0,3}[:=,]|\s(?:-[exd]|--(?:referer|proxy|preproxy|doh-url|data[\w-]{0,12})))\s{0,3}=?\s{0,3}\$?['\"]{0,2}$",
    re.IGNORECASE,
)
"""Text before an address that belongs to a header, a proxy or a body."""
_METHOD: Final = re.compile(
    r"(?:(?<=\s)(?:-X|--request|--method|-Method)|\bmethod['\"]{0,2}\s{0,3}[:=])[\s'\":=]{0,9}([A-Za-z]{3,7})\b"
    r"|(?:post|put)?(?<=\.)(post|put)\s{0,9}\(|^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\s",
    re.IGNORECASE | re.MULTILINE,
)
_HOST_HEADER: Final = re.compile(
    r"(?:^|['\"])(?:host|:authority)['\"]{0,2}\s{0,3}:\s{0,3}['\"]?([\w.:-]{1,260})", re.I | re.M
)
_NAMED: Final = re.compile(
    rf"\b((?:call)?flow|{_WORDS})[_-]?id['\"]{{0,2}}\s{{0,9}}[:=]\s{{0,9}}['\"]{{0,2}}:?([^\s'\"&,;}}\])<>|#]{{1,200}})",
    re.IGNORECASE,
)
_ACTION: Final = re.compile(r"\baction['\"]{0,2}\s{0,3}[:=]\s{0,3}['\"]{0,2}EXPORT\b", re.IGNORECASE)
_SECRET: Final = re.compile(
    r"(?:cookie|authori[sz]ation|\bauth|token|secret|session|[cx]srf|api-?key|jwt|signature)[\w-]{0,40}"
    r"(?:\([^,()\n]{0,200},\s{0,9}|['\"]{0,2}\s{0,4}[:=])\s{0,4}['\"]{0,2}([^'\"\n]{1,8192})"
    r"|\s(?:-[bu]|--cookie|--user|--oauth2-bearer)[\s=]{1,4}['\"]{0,2}([^'\"\n]{1,8192})"
    r"|https?://([^/?#\s@'\"]{1,500})@",
    re.IGNORECASE,
)
_WORTH: Final = 8
"""Characters from which on a word is a secret rather than a part of one."""
_NO_ID: Final = re.compile(r"\$|\{\{|eyJ|Bearer", re.IGNORECASE)
"""Signs of a placeholder or of a token instead of an id."""
_MOST_ADDRESSES: Final = 1000
_MOST_NAMED: Final = 20
"""Values of fields that are tried as an id."""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it was pasted, unescaped; shows nothing of itself, since it may hold cookies and keys."""

    url: str = field(repr=False)
    text: str = field(default="", repr=False)
    """All that belongs to it, its address included."""
    line: int = 0
    """Line of the paste, or place in a recording; from 1."""
    method: str = ""
    """In capitals; empty if the paste does not say."""
    sent: bool = True
    """False for an address that stands in a text, with no command round it."""

    @property
    def host(self) -> str | None:
        """Scheme, host and port; None if the paste does not say."""
        named = _host(self.url)
        if named is None and (header := _HOST_HEADER.search(self.text)):
            named = _host(f"https://{header[1]}")
        return named

    @property
    def exports(self) -> bool:
        """True for an export by its address or body, not by its ids alone."""
        if self.method in ("GET", "HEAD", "OPTIONS", "DELETE"):
            return False
        return _EXPORT.search(self.url) is not None or (self.sent and _ACTION.search(self.text) is not None)


Subject: TypeAlias = tuple[Kind, str | None, str | None]
"""The subject of a request: the kind, its id, and the id of its flow."""


def find_requests(text: str) -> Iterator[RawRequest]:
    """The requests in an unescaped text, in its order."""
    starts = [match.start() for match in _COMMAND.finditer(text)]
    line = 1
    counted = 0
    for at, (begin, end) in enumerate(zip([0, *starts], [*starts, len(text)], strict=True)):
        part = text[begin:end]
        for raw, offset in _in_part(part, command=at > 0):
            place = begin + offset
            line += text.count("\n", counted, place)
            counted = place
            yield replace(raw, line=line)


def _addresses(part: str) -> list[tuple[int, str]]:
    """Addresses that a request may have been sent to, with their places."""
    found = []
    for match in _ADDRESS.finditer(part):
        url = match[0].rstrip(_ADDRESS_END)
        if match["bare"] is not None:
            if not _EXPORT.search(url) or not (_IN_PATH.search(url) or "/api/" in url):
                continue
            host, _, path = url.partition("/")
            if "." in host or ":" in host or host == "localhost":
                url = f"https://{url}"
            elif host:
                # A variable, or a path on a disk.
                url = f"/{path}" if shaped_ids(path, "tool") else ""
        if url and not _NOT_SENT_TO.search(part[max(0, match.start() - 60) : match.start()]):
            found.append((match.start(), url))
    return found


def _in_part(part: str, *, command: bool) -> Iterator[tuple[RawRequest, int]]:
    """The requests of a command or a text; of a command only one, unless several of its addresses are exports."""
    found = _addresses(part)
    if command:
        exports = [each for each in found if _EXPORT.search(each[1]) and _subject_in(each[1])]
        found = exports if len(exports) > 1 else (exports or found or [(0, "")])[:1]
    if len(found) == 1:
        place, url = found[0]
        if url or shaped_ids(part, "tool"):
            yield RawRequest(url, part, method=_method(part), sent=command), 0 if command else place
        return
    ends = [*(place for place, _ in found[1:]), len(part)]
    for (place, url), end in zip(found, ends, strict=False):
        yield RawRequest(url, part[place:end], sent=command), place


def _method(part: str) -> str:
    match = _METHOD.search(part)
    return "" if match is None else (match[1] or match[2] or match[3]).upper()


def _host(url: str) -> str | None:
    """Scheme, host and port of an address; a user name before them is left out."""
    try:
        parts = urlsplit(url[:8192])
        if parts.scheme.lower() not in ("http", "https"):
            return None
        authority = parts.netloc.rpartition("@")[2]
        return str(origin_of(f"{parts.scheme.lower()}://{authority}"))
    except (ConfigError, ValueError):
        return None


def _subject_in(url: str) -> bool:
    return _IN_PATH.search(url) is not None or bool(shaped_ids(url, "tool"))


def common_host(text: str) -> str | None:
    """The host of all addresses in an unescaped text, if they have the same."""
    hosts = {_host(match["whole"]) for match in islice(_ADDRESS.finditer(text), _MOST_ADDRESSES) if match["whole"]}
    return hosts.pop() if len(hosts) == 1 else None


def subject_of(raw: RawRequest) -> Subject | None:
    """The subject of a request; None if it has no id of a tool, a workflow or a model."""
    if not raw.exports and not shaped_ids(raw.text, "tool") and not shaped_ids(raw.url, "tool"):
        return None
    address = unquote(raw.url[:8192])
    rest = ""
    if raw.sent or _EXPORT.search(raw.url):
        # Another address, as that of the page, is about something else.
        rest = _ADDRESS.sub(" ", _SECRET.sub(" ", raw.text))
    secrets = _named_secrets(raw.text)
    place = _IN_PATH.search(raw.url[:8192])
    flows = (
        _named_id(text, ("flow", "callflow"), secrets) or _shaped_id(text, "flow", first=text is address)
        for text in (address, rest)
    )
    flow_id = next(filter(None, flows), None)
    if place is not None:
        kind = kind_named(place[1]) or TOOL
        subject = _usable(unquote(place[2]).removeprefix(":"), secrets)
        if kind is not TOOL or subject is not None:
            return kind, subject, flow_id if kind.needs_flow else None
    for text in (address, rest):
        named = ((kind, _named_id(text, kind.words, secrets)) for kind in KINDS.values())
        shaped = ((kind, _shaped_id(text, kind.word, first=text is address)) for kind in KINDS.values())
        for kind, subject in chain(named, shaped):
            # Without an export a field may be about anything; only ids of a tool's shape are worth a look.
            if subject is not None and (raw.exports or (kind is TOOL and is_id(subject, kind.word))):
                return kind, subject, flow_id if kind.needs_flow else None
    return None


def _named_id(text: str, names: tuple[str, ...], secrets: frozenset[str]) -> str | None:
    """The id of a field with one of the names."""
    named = (match[2] for match in _NAMED.finditer(text) if match[1].lower() in names)
    usable = (_usable(each, secrets) for each in islice(named, _MOST_NAMED))
    return next((each for each in usable if each is not None), None)


def _shaped_id(text: str, word: str, *, first: bool) -> str | None:
    """The only id of a shape; with `first` the first of several."""
    shaped = shaped_ids(text, word)
    return shaped[0] if len(shaped) == 1 or (shaped and first) else None


def _usable(text: str, secrets: frozenset[str]) -> str | None:
    """The id, unless it is none, or something that the request guards."""
    try:
        value = clean_id(text)
    except ConfigError:
        return None
    if any(is_id(value, word) for word in ("flow", *KINDS)):
        return value
    if _NO_ID.search(value) or contains_key(value) or any(each in secrets for each in re.split(r"[;,=:]", value)):
        return None
    return value


def _named_secrets(text: str) -> frozenset[str]:
    """Words of headers and options that carry cookies, tokens or keys, and user names and passwords in addresses."""
    values = (match[1] or match[2] or match[3] or "" for match in _SECRET.finditer(text))
    return frozenset(word for value in values for word in re.split(r"[\s;,=:\"]+", value) if len(word) >= _WORTH)


def has_secrets(text: str) -> bool:
    """Returns True if something in a text is secret: a cookie, a token, a key, a password in an address."""
    return _SECRET.search(text) is not None
