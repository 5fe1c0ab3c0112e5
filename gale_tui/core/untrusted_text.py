"""Text that others wrote, made harmless: for the screen, for the log, for a file name.

Nothing here raises because of what a text contains, every result is bounded, and every pattern takes linear time.
"""

from __future__ import annotations

import contextlib
import json
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from gale_tui.core.secret import HIDDEN, without_secrets

_LINE_BREAKS = "\n\r\x0b\x0c\x85\u2028\u2029"
_SPACE = re.compile(f"[ \t{_LINE_BREAKS}]+")
_LINE_BREAK = f"\r\n|[{_LINE_BREAKS}]"
# Drawn as nothing or as a blank although they are letters or marks by category.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_MOST_MARKS = 3
"""Combining marks in a row that are still somebody's language; more are there to climb over other lines."""


def _visible(character: str) -> str:
    """The character itself, or a name for one that would act on the terminal or hide."""
    if " " <= character <= "~":
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if (
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
        or character in _INVISIBLE
        or 0xE0100 <= code <= 0xE01EF
    ):
        return f"‹U+{code:04X}›"
    return character


def _pieces(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        piece = _visible(character)
        if len(piece) == 1 and unicodedata.combining(character):
            marks += 1
            if marks > _MOST_MARKS:
                piece = f"‹U+{ord(character):04X}›"
        else:
            marks = 0
        yield piece


def _join_bounded(pieces: Iterator[str], limit: int, cut: bool) -> str:
    """Joins pieces up to `limit` characters; an ellipsis ends what was cut, here or (`cut`) before."""
    kept: list[str] = []
    length = 0
    for piece in pieces:
        if length + len(piece) > limit:
            cut = True
            break
        kept.append(piece)
        length += len(piece)
    if cut and limit > 0:
        while kept and length > limit - 1:
            length -= len(kept.pop())
        kept.append("…")
    return "".join(kept)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, (dict, list)):
        return "{…}" if isinstance(value, dict) else "[…]"
    return str(value)


def inert(text: object, limit: int = 200) -> str:
    """One line of at most `limit` characters that says what `text` says and does nothing.

    Escape sequences, control, bidi and zero-width characters become visible (ESC is shown as ``␛``, U+202E as
    ``‹U+202E›``), line breaks and tabs become one space. Numbers and truth values are written out, None is empty.
    """
    raw = _scalar(text)
    if len(raw) <= limit and raw.isascii() and raw.isprintable():
        # The fast path for nearly every text; each drawn row calls this several times.
        return raw.strip(" ")
    window = 4 * limit + 64
    line = _SPACE.sub(_join_space, raw[:window]).strip(" ")
    return _join_bounded(_pieces(line), limit, len(raw) > window)


def _join_space(space: re.Match[str]) -> str:
    """Spaces as they are; one space where a tab or a line break is among them."""
    return " " if space[0].strip(" ") else space[0]


def inert_block(text: str, limit: int = 16384) -> str:
    """As :func:`inert`, for a text of several lines: line breaks stay, a tab becomes four spaces."""
    lines = re.sub(_LINE_BREAK, "\n", text[: limit + 1]).replace("\t", "    ")
    if len(text) <= limit >= len(lines) and lines.isascii() and lines.replace("\n", "").isprintable():
        # Nearly every answer of a server: each poll has one.
        return lines
    pieces = (piece for part in re.split("(\n)", lines) for piece in ([part] if part == "\n" else _pieces(part)))
    return _join_bounded(pieces, limit, len(text) > limit + 1)


# Compiled when they are first needed, as all patterns below: none of them is at the start.
_URL = r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}:(?:\\?/){2}[^\s\"'<>`]+"
_QUERY = r"\?[\w.~%+\[\]-]+=[^\s\"'<>`]*"
_KEY = r"(?i)(?<![0-9A-Za-z])kg-[0-9A-Za-z](?:[._~-]*[0-9A-Za-z]){5,}"
_NAMED_VALUE = (
    r"(?i)\b(x-api-key|x-amz-[a-z]{4,12}(?:-token)?|x-goog-signature|signature|sig|access_token)"
    r"([\"']?\s{0,4}[=:]\s{0,4}[\"']?)[^\s\"'&<>,;]+"
)


def _without_query(match: re.Match[str]) -> str:
    url = match[0]
    scheme, separator, rest = url.partition("//") if "//" in url else url.partition("\\/\\/")
    authority_end = next((i for i, c in enumerate(rest) if c in "/\\?#"), len(rest))
    rest = rest[:authority_end].rpartition("@")[2] + rest[authority_end:]
    cut = next((i for i, c in enumerate(rest) if c in "?#"), None)
    return scheme + separator + (rest if cut is None else f"{rest[:cut]}?{HIDDEN}")


def redact_links(text: str) -> str:
    """The text with known secrets, queries of links, and whatever looks like a GALE key replaced by dots."""
    text = without_secrets(text)
    text = re.sub(_URL, _without_query, text)
    text = re.sub(_QUERY, f"?{HIDDEN}", text)
    text = re.sub(_NAMED_VALUE, rf"\1\2{HIDDEN}", text)
    return re.sub(_KEY, HIDDEN, text)


def contains_key(text: str) -> bool:
    """Returns True if something in a text looks like a GALE key."""
    return re.search(_KEY, text) is not None


_TITLE = r"(?i)<title\b[^>]{0,200}>([^<]{1,2000})"
_HEADING = r"(?i)<h1\b[^>]{0,200}>([^<]{1,2000})"
# Comments, scripts and styles, to the end of the page where they are not closed, and tags.
_UNSEEN = r"(?is)<!--(?:.*?-->|.*)|<(script|style)\b(?:.*?</\1\b[^>]{0,100}>|.*)|<[^<>]{0,1000}>"


def first_useful_line(body: bytes, content_type: str | None) -> tuple[str, bool]:
    """The line of an error body that a person wants to see, inert, redacted and bounded.

    Returns:
        The line (empty if there is none), and whether the body is JSON. Of JSON the usual places are looked at
        (``errors[].msg``, ``message``, ``error``, ``statusMessage``, ``response.message``), of HTML the title.
    """
    start = body.lstrip()[:1]
    if start in (b"{", b"[", b'"') or "json" in (content_type or "").lower():
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            pass
        else:
            return inert(redact_links(message_in(value))[:2000]), True
    text = body[:65536].decode("utf-8", "replace")
    if start == b"<" or "html" in (content_type or "").lower():
        import html  # late: its table of entities is long

        found = re.search(_TITLE, text) or re.search(_HEADING, text)
        text = redact_links(found[1] if found and found[1].strip() else re.sub(_UNSEEN, "\n", text))
        line = next((line for line in text.splitlines() if html.unescape(line[:2000]).strip()), "")
        return inert(html.unescape(line[:2000])), False
    line = next((line for line in redact_links(text).splitlines() if line.strip()), "")
    return inert(line[:2000]), False


_MESSAGE_FIELDS = (
    "errors", "msg", "message", "errormessage", "error", "statusmessage", "detail", "reason", "description",
    "response", "title", "code",
)  # fmt: skip


def message_in(value: object, depth: int = 3) -> str:
    """The text in a JSON value that says what is wrong, where APIs put it; empty if there is none."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _scalar(value)
    if depth > 0 and isinstance(value, list):
        return next((found for item in value[:20] if (found := message_in(item, depth - 1))), "")
    if depth > 0 and isinstance(value, dict):
        fields = {name.lower().replace("_", ""): each for name, each in value.items()}
        return next((found for name in _MESSAGE_FIELDS if (found := message_in(fields.get(name), depth - 1))), "")
    return ""


_PARAMETER = r';\s{0,20}([A-Za-z0-9!#$&+.^_`|~*-]{1,40})\s{0,20}=\s{0,20}("(?:[^"\\]|\\.)*"?|[^;]*)'


def content_disposition_name(header: str | None) -> str | None:
    """The file name in a ``Content-Disposition`` header (RFC 6266), as browsers read it: not yet safe to use.

    ``filename*`` goes before ``filename``. None if there is none or it cannot be read.
    """
    if not header:
        return None
    plain: str | None = None
    for name, raw in re.findall(_PARAMETER, ";" + header[:4096].partition(";")[2]):
        value = raw.strip()
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:].removesuffix('"'))
        if name.lower() == "filename*":
            charset, _, rest = value.partition("'")
            _, quote, encoded = rest.partition("'")
            if quote and (decoded := _decode(unquote_to_bytes(encoded), charset or "utf-8")):
                return decoded
        elif name.lower() == "filename" and plain is None and value:
            plain = value
    return _plain_name(plain) if plain is not None else None


_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "iso-8859-1": "cp1252", "us-ascii": "ascii", "windows-1252": "cp1252"}


def _decode(data: bytes, charset: str) -> str | None:
    try:
        return data.decode(_CHARSETS[charset.lower()])
    except (KeyError, UnicodeError):
        return None


def _plain_name(name: str) -> str:
    """A ``filename`` whose characters were encoded although the header's grammar does not know that."""
    if re.fullmatch(r"(?:\s*=\?[\w-]{1,20}\?[bBqQ]\?[^?\s]{0,2000}\?=)+", name):
        from email.header import decode_header

        with contextlib.suppress(ValueError):
            pieces = [(text.encode() if isinstance(text, str) else text, kind) for text, kind in decode_header(name)]
            decoded = [_decode(text, kind or "utf-8") for text, kind in pieces]
            return "".join(piece for piece in decoded if piece is not None) or name
    if re.search("%[0-9A-Fa-f]{2}", name):
        return _decode(unquote_to_bytes(name), "utf-8") or name
    return name


_RESERVED = r"(?i)(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)"
_UNUSABLE = frozenset('<>:"|?*')


def safe_file_stem(name: str | None, fallback: str, limit_bytes: int = 120) -> str:
    """A file name without its ending that can be made in any folder of any system.

    The last part of a path, without ``.zip``, control and bidi characters, leading dots and dashes, trailing dots and
    spaces; never a name that Windows reserves; at most `limit_bytes` bytes of UTF-8; never empty.

    Args:
        name: The server's name of the file.
        fallback: The name if nothing of `name` is left; made safe as well.
        limit_bytes: At least 16.
    """
    return _safe_stem(name or "", limit_bytes) or _safe_stem(fallback, limit_bytes) or "export"


def _safe_stem(name: str, limit_bytes: int) -> str:
    text = unicodedata.normalize("NFC", name[-1024:])
    text = next((part for part in reversed(re.split(r"[/\\]", text)) if part.strip(" .")), "")
    kept: list[str] = []
    for character in text:
        if character.isspace():
            kept.append(" ")
        elif character in _UNUSABLE:
            kept.append("_")
        elif _visible(character) == character:
            kept.append(character)
    # Characters that a control character kept apart may now be one.
    text = unicodedata.normalize("NFC", "".join(kept))
    text = _trim(re.sub(" {2,}", " ", text)).lstrip(" .-")
    if is_reserved(text):
        text = f"_{text}"
    while len(text.encode()) > limit_bytes:
        text = text.encode()[:limit_bytes].decode("utf-8", "ignore")
    return _trim(text)


def is_reserved(name: str) -> bool:
    """Returns True if Windows takes a file of this name for a device, whatever its ending."""
    return re.match(_RESERVED, name) is not None


def _trim(text: str) -> str:
    while True:
        shorter = text.rstrip(" .")
        if shorter.lower().endswith(".zip"):
            shorter = shorter[:-4]
        if shorter == text:
            return text
        text = shorter
