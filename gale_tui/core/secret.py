"""Values that must not be seen: hidden in ``repr`` and ``str``, and removed by value from every text of others."""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from collections import OrderedDict
from functools import cache
from typing import NoReturn, final

HIDDEN = "••••"
_LINKS = 256
"""Links whose signatures are remembered; the oldest go."""
_PR_SET_DUMPABLE = 4
_SIGNATURE_NAMES = re.compile(r"(?i)sig|key|token|policy|credential|auth|pass|secret|hmac|hash")


class _Hidden:
    """Holds a string that only :meth:`reveal` gives out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. Call it where the value is used, never earlier."""
        return self._value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        import hmac  # late: it brings OpenSSL with it

        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((type(self), self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is not pickled or copied")


@final
class Secret(_Hidden):
    """An API key."""

    __slots__ = ()

    @property
    def hint(self) -> str:
        """The last four characters behind dots, or dots alone where four would be too much of it."""
        return f"…{self._value[-4:]}" if len(self._value) >= 16 else HIDDEN


@final
class SignedUrl(_Hidden):
    """A download link. Its query and user information are the secret; scheme, host and path may be shown."""

    __slots__ = ()

    @property
    def redacted(self) -> str:
        """The link with its query, fragment and user information left out."""
        head, mark, _ = self._value.partition("?")
        head, hash_mark, _ = head.partition("#")
        scheme, separator, rest = head.partition("://")
        if separator:
            authority, slash, path = rest.partition("/")
            head = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
        return f"{head}?{HIDDEN}" if mark or hash_mark else head

    @property
    def expires_at(self) -> float | None:
        """When it ends, in seconds since the epoch, where it says so in one of the usual ways."""
        query = self._query
        for date, seconds in (("x-amz-date", "x-amz-expires"), ("x-goog-date", "x-goog-expires")):
            start = _moment(query.get(date, ""))
            if start is not None and re.fullmatch("[0-9]{1,9}", query.get(seconds, "")):
                return start + int(query[seconds])
        for name in ("expires", "e"):
            if re.fullmatch("[0-9]{9,11}", query.get(name, "")):
                return float(query[name])
        return _moment(query.get("se", ""))

    @property
    def valid_from(self) -> float | None:
        """When it begins to work, in seconds since the epoch, where it says so."""
        moments = (_moment(self._query.get(name, "")) for name in ("st", "x-amz-date", "x-goog-date"))
        return next((moment for moment in moments if moment is not None), None)

    @property
    def _query(self) -> dict[str, str]:
        from urllib.parse import parse_qs, urlsplit

        try:
            return {name.lower(): values[0] for name, values in parse_qs(urlsplit(self._value).query).items()}
        except ValueError:
            return {}

    def __str__(self) -> str:
        return self.redacted

    def __repr__(self) -> str:
        return f"SignedUrl({self.redacted!r})"


def _moment(text: str) -> float | None:
    from datetime import UTC, datetime

    form = "%Y-%m-%dT%H:%M:%SZ" if "-" in text else "%Y%m%dT%H%M%SZ"
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


@cache
def _forbid_core_dumps() -> None:
    """Keeps keys out of core dumps."""
    if sys.platform != "win32":
        with contextlib.suppress(ImportError):
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        import ctypes

        # The limit does not hold for a dump that is piped to a program.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


class _Known:
    """Values that :func:`without_secrets` removes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[str, ...]] = {}
        self._links: OrderedDict[str, dict[str, tuple[str, ...]]] = OrderedDict()

    def add_key(self, value: str) -> None:
        with self._lock:
            if value not in self._keys:
                self._keys[value] = _base64_cores(value)

    def add_link(self, url: str) -> None:
        query = url.partition("#")[0].partition("?")[2]
        values: dict[str, tuple[str, ...]] = {}
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            if len(value) >= (6 if _SIGNATURE_NAMES.search(name) else 24):
                from urllib.parse import unquote_plus

                for form in {value, unquote_plus(value)}:
                    values[form] = _base64_cores(form)
        with self._lock:
            if values:
                self._links[query] = values
                self._links.move_to_end(query)
            while len(self._links) > _LINKS:
                self._links.popitem(last=False)

    def values(self, *, links: bool) -> list[tuple[str, tuple[str, ...]]]:
        with self._lock:
            known = dict(self._keys)
            if links:
                for values in self._links.values():
                    known.update(values)
        # Longest first: a value that is the beginning of another must not leave the rest of it.
        return sorted(known.items(), key=lambda item: len(item[0]), reverse=True)


_known = _Known()
_BASE64 = r"[A-Za-z0-9+/_-]{12,}={0,2}"


def register_secret(secret: Secret | SignedUrl) -> None:
    """From now on the key, or what signs the link, is removed from every text that somebody else wrote."""
    if isinstance(secret, SignedUrl):
        _known.add_link(secret.reveal())
    elif secret:
        _known.add_key(secret.reveal())
        _forbid_core_dumps()


def without_secrets(text: str) -> str:
    """The text without any known key or link signature: plain, JSON-, percent- or HTML-escaped, or in base64."""
    return _remove(text, _known.values(links=True))


def without_keys(text: str) -> str:
    """As :func:`without_secrets`, for a text in which a link has to stay usable."""
    return _remove(text, _known.values(links=False))


def _remove(text: str, known: list[tuple[str, tuple[str, ...]]]) -> str:
    decoded: list[str] | None = None
    for value, cores in known:
        text = text.replace(value, HIDDEN)
        for core in cores:
            if core in text:
                text = re.sub(_BASE64, lambda run, core=core: HIDDEN if core in run[0] else run[0], text)  # type: ignore[misc]
        if decoded is None:
            decoded = _decoded(text)
        if any(value in form for form in decoded):
            text = re.sub("".join(map(_any_escape, value)), HIDDEN, text)
    return text


def _decoded(text: str) -> list[str]:
    """The text with its escapes undone, one kind at a time and all of them together."""
    forms = []
    everything = text
    if "\\" in text:
        forms.append(_unescaped_json(text))
        everything = forms[-1]
    if "&" in text:
        import html  # late: its table of entities is long

        forms.append(html.unescape(text))
        everything = html.unescape(everything)
    if "%" in text:
        from urllib.parse import unquote

        forms.append(unquote(text))
        everything = unquote(everything)
    return [*forms, everything] if len(forms) > 1 else forms


def _unescaped_json(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        return chr(int(match[1] or match[2], 16)) if match[1] or match[2] else match[3]

    return re.sub(r"\\(?:u00([0-9a-fA-F]{2})|x([0-9a-fA-F]{2})|([!-~]))", plain, text)


_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def _any_escape(character: str) -> str:
    """A pattern for a character as it is, or escaped in one of the usual ways."""
    code = ord(character)
    names = "".join(f"|&{name};?" for name, plain in _ENTITIES.items() if plain == character)
    hexadecimal = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{code:02x}")
    escaped = re.escape(character)
    return (
        rf"(?:\\u00{hexadecimal}|\\x{hexadecimal}|%{hexadecimal}"
        rf"|&#0{{0,9}}{code};?|&#[xX]0{{0,9}}{hexadecimal};?{names}|\\?{escaped})"
    )


def _base64_cores(value: str) -> tuple[str, ...]:
    """The base64 of the value at each of the three alignments, without characters that depend on the text around it."""
    import base64

    data = value.encode()
    if len(data) < 12:
        return ()
    cores: set[str] = set()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + data).rstrip(b"=").decode()
        begin = (shift * 8 + 5) // 6
        end = (shift + len(data)) * 8 // 6
        core = encoded[begin:end]
        cores |= {core, core.replace("+", "-").replace("/", "_")}
    return tuple(sorted(cores))
