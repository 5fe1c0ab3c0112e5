"""Hosts, ids and keys as people paste them, checked and brought into one form."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from typing import Final, Literal, cast

from gale_tui.core.errors import ConfigError
from gale_tui.core.kinds import KINDS, Kind
from gale_tui.core.models import Origin
from gale_tui.core.secret import Secret
from gale_tui.core.untrusted_text import contains_key, inert

_QUOTES = "\"'`“”‘’«»"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_LOOSE_HTTP = re.compile(r"(https?):/*(?!\d{1,5}(?:[/?#]|$))", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_EXAMPLE = "a host looks like gale.kore.ai or https://agent-platform.kore.ai"


def _unquote(text: str) -> str:
    """Strips white space, zero-width characters and quotes, however often they are nested."""
    outer = _QUOTES + "<>" + "\ufeff\u200b\u200c\u200d\u2060"
    while (shorter := text.strip().strip(outer)) != text:
        text = shorter
    return text


def parse_host(text: str) -> Origin:
    """The origin that a person means, with or without scheme, path, port, trailing slash or dot.

    Without a scheme it is https, except for this machine's own addresses, which are http.

    Raises:
        ConfigError: No host, a user name in it, or plain http to another machine.
    """
    if contains_key(text):
        raise ConfigError("This is an API key, not a host", f"Type the host: {_EXAMPLE}")
    given = _unquote(text)
    if not given:
        raise ConfigError("The host is missing", f"Type one: {_EXAMPLE}")
    scheme = ""
    if match := _SCHEME.match(given) or _LOOSE_HTTP.match(given):
        scheme, rest = match[1].lower(), given[match.end() :]
    else:
        rest = given.removeprefix("//")
    if scheme not in ("", "https", "http"):
        raise ConfigError(f"A GALE host is reached over https, not {inert(scheme, 20)}", _EXAMPLE.capitalize())
    host, port = _parse_authority(rest)
    if not scheme:
        scheme = "http" if Origin("http", host, 80).loopback else "https"
    origin = _make_origin(scheme, host, port)
    if origin.scheme == "http" and not origin.loopback:
        raise ConfigError(
            f"{origin.host} over plain http would show the API key to everybody on the way",
            "Use https; http is for this machine (localhost, 127.0.0.1, ::1) only",
        )
    return origin


def origin_of(url: str) -> Origin:
    """The origin of an absolute http or https URL.

    Raises:
        ConfigError: It is not one.
    """
    return split_url(url)[0]


def split_url(url: str) -> tuple[Origin, str]:
    """Origin and path of an absolute http or https URL; the path with its query, without its fragment.

    Raises:
        ConfigError: It is not one.
    """
    match = _SCHEME.match(url)
    if not match or match[1].lower() not in ("https", "http"):
        raise ConfigError("The address is not an http or https address")
    rest = url[match.end() :]
    host, port = _parse_authority(rest)
    start = re.search(r"[/?#]", rest)
    path = rest[start.start() :].partition("#")[0] if start else ""
    return _make_origin(match[1].lower(), host, port), path if path.startswith("/") else f"/{path}"


def _make_origin(scheme: str, host: str, port: int | None) -> Origin:
    return Origin(cast(Literal["https", "http"], scheme), host, port or (443 if scheme == "https" else 80))


def _parse_authority(rest: str) -> tuple[str, int | None]:
    """Host and port at the start of `rest`, which is a URL behind its scheme."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0].strip()
    if "@" in authority:
        # Not shown: what stands before the @ may be a password.
        raise ConfigError(
            "There is a user name or password before the host", "Leave it out; GALE wants an API key only"
        )
    if authority.startswith("["):
        bracketed, closing, port = authority[1:].partition("]")
        if not closing or (port and not port.startswith(":")):
            raise ConfigError(f"{inert(authority, 80)} is not an IPv6 address in brackets", "Write it like [::1]:8443")
        return _parse_ipv6(bracketed), _parse_port(port[1:])
    if authority.count(":") > 1:
        return _parse_ipv6(authority), None
    host, _, port = authority.partition(":")
    return _parse_name(host), _parse_port(port)


def _parse_ipv6(text: str) -> str:
    try:
        if "%" in text:
            raise ValueError
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise ConfigError(f"{inert(text, 80)} is not an IPv6 address", "Write it like [::1]:8443") from None


def _parse_port(text: str) -> int | None:
    text = text.rstrip(".")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise ConfigError(f"{inert(text, 20)} is not a port", "A port is a number from 1 to 65535")
    return int(text)


def _parse_name(text: str) -> str:
    host = text.rstrip(".")
    shown = inert(text, 80)
    if host and not host.isascii():
        import idna  # late: its tables are large and hardly any host needs them

        try:
            host = idna.encode(host.rstrip("。．｡"), uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise ConfigError(f"{shown} is not a host name", _EXAMPLE.capitalize()) from None
    host = host.lower()
    labels = host.split(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ConfigError(f"{shown} is not a host name" if shown else "The host is missing", _EXAMPLE.capitalize())
    if re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]):
        # Systems read 127.1 or 0x7f.1 as addresses, each in its own way: only the plain form is taken.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise ConfigError(f"{shown} is not an IPv4 address", "Write it like 192.0.2.7") from None
    return host


_UUID = r"[0-9A-Za-z]{8}(?:-[0-9A-Za-z]{4}){3}-[0-9A-Za-z]{12}"  # the vendor's examples hide digits behind x
_SHAPES = {
    word: rf"(?<![0-9A-Za-z-]){prefix}{_UUID}(?![0-9A-Za-z]|[-_][0-9A-Za-z])"
    for word, prefix in {"flow": "cf-", **{word: kind.id_prefix for word, kind in KINDS.items()}}.items()
}
_LEADING_ID = re.compile(rf"\W*((?:a|cf|cm|ds)-{_UUID})(?![0-9A-Za-z]|[-_][0-9A-Za-z])", re.DOTALL)
_ANY_ID = re.compile(rf"(?:a|cf|cm|ds)-{_UUID}")


def is_id(text: str, word: str) -> bool:
    """Returns True for the vendor's shape of a kind's ids, or of a "flow"'s: a prefix and a UUID."""
    return re.fullmatch(_SHAPES[word], text) is not None


def shaped_ids(text: str, word: str) -> list[str]:
    """The ids of that shape anywhere in a text, each once."""
    return list(dict.fromkeys(re.findall(_SHAPES[word], text)))


def clean_id(text: str) -> str:
    """A pasted tool, flow or dock status id, without what came along.

    White space, quotes and the colon of ``:{toolId}`` go, and so does whatever stands behind the end of a UUID.

    Raises:
        ConfigError: It is an API key, an address, several ids, or no single word of at most 200 characters.
    """
    if contains_key(text):
        raise ConfigError("This is an API key, not an id", "Paste the id; the key belongs to the environment")
    value = _unquote(_unquote(text).removeprefix(":"))
    if (match := _LEADING_ID.match(value)) and len(value) <= 2000:
        if _ANY_ID.search(value, match.end()):
            raise ConfigError("There is more than one id in it", "Paste one id and nothing else")
        if not any(c.isspace() for c in value):
            return match[1]
    if not value:
        raise ConfigError("The id is empty", "Paste the id, for example a-… for a tool or cf-… for a flow")
    if len(value) > 200:
        raise ConfigError(f"The id has {len(value)} characters", "An id has at most 200; was something else pasted?")
    if any(c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in value):
        raise ConfigError("The id has spaces or invisible characters in it", "Paste one id and nothing else")
    if "://" in value:
        raise ConfigError("This is an address, not an id", "Paste the id, or the whole Export request over the form")
    if value.strip(".") == "":
        raise ConfigError(f"{value} is not an id", "Paste the id, for example a-… for a tool or cf-… for a flow")
    return value


def clean_label(text: str, limit: int = 120) -> str:
    """A name to know a job by, made inert.

    Raises:
        ConfigError: There is an API key in it.
    """
    if contains_key(text):
        raise ConfigError("There is an API key in the label", "Leave the key out")
    return inert(text.strip(), limit)


_OTHERS: Final = {"flow": ("flow", "cf-"), "dock": ("dock status", "ds-")}
_PREFIXES: Final = {
    **{kind.id_prefix: kind.word for kind in reversed(tuple(KINDS.values()))},
    **{prefix: name for name, prefix in _OTHERS.values()},
    "kg-": "API key",
}


def id_warning(what: Kind | Literal["flow", "dock"], value: str) -> str | None:
    """A sentence if an id does not look like the vendor's; it may be right all the same."""
    name, prefix = (what.word, what.id_prefix) if isinstance(what, Kind) else _OTHERS[what]
    for other, meaning in _PREFIXES.items():
        if other != prefix and value.startswith(other):
            article = "an" if meaning[0] in "aeiouA" else "a"
            if meaning == "API key":
                return f"This looks like an API key, not a {name} id."
            return f"This looks like {article} {meaning} id ({other}…), not a {name} id ({prefix}…)."
    if not re.fullmatch(rf"{prefix}[0-9A-Za-z-]{{8,}}", value):
        return f"Most {name} ids look like {prefix} and a UUID; this one does not."
    return None


def has_extra_text(value: str) -> bool:
    """Returns True if something seems to stick to an id: a character that no id has, or more behind a UUID."""
    if _LEADING_ID.fullmatch(value):
        return False
    return re.fullmatch(r"[0-9A-Za-z][\w-]*", value, re.ASCII) is None or _ANY_ID.match(value) is not None


_NAMED_KEY = re.compile(
    r"[\w$:. -]{0,60}?(?:api[-_]?key['\"]?\s{0,9}[=:]|[=:](?=\s{0,9}['\"]?kg-))", re.IGNORECASE | re.ASCII
)


def clean_key(text: str) -> Secret:
    """A pasted API key, without outer white space, quotes and the name of its header or variable.

    Raises:
        ConfigError: It cannot be a key. The message never contains it.
    """
    value = _unquote(text)
    if named := _NAMED_KEY.match(value):
        value = _unquote(value[named.end() :])
    if not value:
        raise ConfigError("The API key is missing", "Paste the key; it begins with kg-")
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        raise ConfigError(
            "The API key has spaces, line breaks or characters that no key has", "Copy the key again and nothing else"
        )
    if not 8 <= len(value) <= 512:
        raise ConfigError(
            f"The API key has {len(value)} characters", "A key has 8 to 512; was it copied whole, and nothing else?"
        )
    return Secret(value)
