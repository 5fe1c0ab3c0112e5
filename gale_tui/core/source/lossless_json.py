"""JSON read and written so that nothing is lost: number spelling, key order, and the way the text was laid out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, Final, NoReturn

from gale_tui.core.errors import SourceError

_VALUES: Final = 4_000_000
"""Values of a document that is parsed; more would need gigabytes of memory."""
_SPACE: Final = " \t\r\n"
_HEAD: Final = 1 << 16
"""Characters in which the style of the first key is looked for."""


class TooDeepError(SourceError):
    """A document is nested more deeply than it can be read, joined or written."""

    def __init__(self, file: str) -> None:
        super().__init__("This is nested too deeply", file=file)


class Number(str):
    """A number as the document spells it: `1.0`, `1e3`, or more digits than a machine number holds."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Style:
    """How a document is laid out."""

    indent: str | None = None
    """None for a document on one line."""
    newline: str = "\n"
    comma: str = ","
    colon: str = ":"
    start: str = ""
    """Before the value: a byte order mark, blank lines."""
    end: str = ""
    ascii: bool = False
    """Escapes everything beyond ASCII."""
    upper: bool = False
    """Writes escapes with upper-case digits."""
    escaped: str = ""
    """Further characters that are escaped, such as `/`."""

    def as_json(self) -> dict[str, Any]:
        """The fields that differ from the defaults."""
        default = Style()
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) != getattr(default, name)}

    @classmethod
    def from_json(cls, fields: object) -> Style:
        """Reads what :meth:`as_json` made.

        Raises:
            SourceError: It is something else.
        """
        default = cls()
        if not isinstance(fields, dict) or not all(
            name in cls.__slots__
            and (type(value) is type(getattr(default, name)) or (name == "indent" and isinstance(value, str)))
            for name, value in fields.items()
        ):
            raise SourceError("The way a member is written is not understood")
        style = cls(**fields)
        blank = (style.indent or "") + style.newline + style.comma.replace(",", "", 1) + style.colon.replace(":", "", 1)
        if (blank + style.start.removeprefix("\ufeff") + style.end).strip(_SPACE) or style.escaped.strip(_MAYBE):
            raise SourceError("The way a member is written would not be JSON")
        return style


TREE_STYLE: Final = Style(indent="  ", colon=": ", end="\n")
_MAYBE: Final = "/<>&'\x7f\u2028\u2029"
"""Characters that some writers escape although they need not."""


# Reading


def parse(content: bytes | str, file: str = "") -> Any:
    """The value of a document; numbers come as :class:`Number`.

    Raises:
        TooDeepError: It is nested too deeply.
        SourceError: It is not JSON, is not UTF-8, or an object has a key twice; with file and line.
    """
    if isinstance(content, bytes):
        try:
            content = content.decode()
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise SourceError("This is not UTF-8", file=file, line=line) from error
    text = content.removeprefix("\ufeff")
    numbers: dict[str, Number] = {}

    def number(spelling: str) -> Number:
        found = numbers.get(spelling)
        if found is None:
            found = numbers[spelling] = Number(spelling)
        return found

    try:
        return json.loads(
            text,
            parse_int=number,
            parse_float=number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except _DuplicateKeyError:
        key, line = _find_duplicate(text)
        advice = "Readers keep only one of them, so neither can be left out"
        raise SourceError(f"The key {json.dumps(key[:80])} is there twice", advice, file=file, line=line) from None
    except _ConstantError as error:
        line = line_at(text, max(0, text.find(str(error))))
        raise SourceError(f"{error} is not JSON", file=file, line=line) from None
    except json.JSONDecodeError as error:
        raise SourceError(f"This is not JSON: {error.msg}", file=file, line=error.lineno) from error
    except RecursionError:
        raise TooDeepError(file) from None


def too_full(content: bytes) -> bool:
    """Returns True if a document may hold more values than are parsed."""
    return content.count(b",") + content.count(b"[") + content.count(b"{") > _VALUES


def line_at(text: str, offset: int) -> int:
    """The number of the line that a character is in, from 1."""
    return text.count("\n", 0, offset) + 1


class _DuplicateKeyError(Exception):
    pass


class _ConstantError(Exception):
    pass


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise _ConstantError(name)


_TOKEN: Final = re.compile(r'[{}\[\]]|"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?')


def _find_duplicate(text: str) -> tuple[str, int]:
    """The first key that an object has twice, and its line."""
    levels: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        mark = token[0][0]
        if mark in "{[":
            levels.append(set())
        elif mark in "}]":
            levels.pop()
        elif token[1] is not None and levels:
            key = json.loads(token[0][: -len(token[1])], strict=False)
            if key in levels[-1]:
                return key, line_at(text, token.start())
            levels[-1].add(key)
    return "", 1


# Style


_FIRST_KEY: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"([ \t]*:[ \t]*)')
_BEGIN: Final = re.compile(r"[\[{](\r?\n)([ \t]*)")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)")


def likely_styles(text: str) -> list[Style]:
    """The styles that a document may be in, most likely first."""
    bare = text.removeprefix("\ufeff")
    start = text[: len(text) - len(bare.lstrip(_SPACE))]
    end = bare[len(bare.rstrip(_SPACE)) :]
    body = text[len(start) : len(text) - len(end)]
    begin = _BEGIN.match(body)
    key = _FIRST_KEY.search(body, 0, _HEAD)
    escapes = list(_ESCAPE.finditer(body)) if "\\u" in body or "\\/" in body else []
    codes = {match[1] for match in escapes if match[1]}
    slashes = sum(match[0] == "\\/" for match in escapes)
    escaped = "/" if slashes and slashes == body.count("/") else ""
    lower = {code.lower() for code in codes}
    escaped += "".join(each for each in _MAYBE[1:] if each not in body and f"{ord(each):04x}" in lower)
    style = Style(
        indent=begin[2] if begin else None,
        newline=begin[1] if begin else "\n",
        colon=key[1] if key else ":",
        start=start,
        end=end,
        ascii=body.isascii() and any(int(code, 16) > 0x7F for code in codes),
        upper=any(code != code.lower() for code in codes),
        escaped=escaped,
    )
    if begin is not None:
        return [style]
    commas = (", ", ",") if style.colon.endswith(" ") else (",", ", ")
    return [replace(style, comma=comma) for comma in commas]


# Writing

_CONSTANTS: Final = {None: "null", True: "true", False: "false"}


def write(value: object, style: Style = TREE_STYLE) -> bytes:
    """The document, in a style. In the tree's own, references stand on one line.

    Raises:
        RecursionError: It is nested too deeply.
    """
    pieces = [style.start]
    _make_writer(style, pieces.append)(value, style.newline if style.indent is not None else "")
    pieces.append(style.end)
    text = "".join(pieces)
    # These characters stand in strings only, so that the text can be searched as a whole.
    for character in style.escaped:
        text = text.replace(character, "\\/" if character == "/" else f"\\u{ord(character):04x}")
    if style.upper:
        text = _ESCAPE.sub(lambda match: f"\\u{match[1].upper()}" if match[1] else match[0], text)
    try:
        return text.encode()
    except UnicodeEncodeError:
        digits = "04X" if style.upper else "04x"
        return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):{digits}}", text).encode()


def _make_writer(style: Style, add: Callable[[str], None]) -> Callable[[object, str], None]:
    """A function that adds the pieces of a value to a text; its second argument begins a line round the value."""
    encode: Callable[[str], str] = encode_basestring_ascii if style.ascii else encode_basestring
    colon, comma, indent = style.colon, style.comma, style.indent
    references = style is TREE_STYLE

    def put(each: object, around: str) -> None:
        kind = type(each)
        if kind is str:
            add(encode(each))  # type: ignore[arg-type]
        elif kind is Number:
            add(each)  # type: ignore[arg-type]
        elif isinstance(each, dict):
            if not each:
                add("{}")
                return
            if references and len(each) == 1:
                key, item = next(iter(each.items()))
                if key[:1] == "$" and type(item) is str:
                    add(f"{{{encode(key)}: {encode(item)}}}")
                    return
            inner = around + indent if indent is not None else ""
            lead = "{" + inner
            for key, item in each.items():
                # The common types are written here: a call for each field takes twice as long.
                kind = type(item)
                if kind is str:
                    add(f"{lead}{encode(key)}{colon}{encode(item)}")
                elif kind is Number:
                    add(f"{lead}{encode(key)}{colon}{item}")
                else:
                    add(f"{lead}{encode(key)}{colon}")
                    put(item, inner)
                lead = comma + inner
            add(around + "}")
        elif isinstance(each, list):
            if not each:
                add("[]")
                return
            inner = around + indent if indent is not None else ""
            lead = "[" + inner
            for item in each:
                add(lead)
                put(item, inner)
                lead = comma + inner
            add(around + "]")
        else:
            add(_CONSTANTS[each] if each is None or kind is bool else json.dumps(each))  # type: ignore[index]

    return put
