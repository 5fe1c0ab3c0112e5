"""Text as it was before somebody quoted it: encodings, escapes, invisible characters."""

from __future__ import annotations

import codecs
import html
import re
from typing import Final

from gale_tui.core.errors import ConfigError

_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_CARET: Final = re.compile(r"\^(?![0-9A-Za-z])")
"""cmd.exe's escape; before a letter a caret is a character that no address has."""
_BACKTICK: Final = re.compile(r"""`(?=[\s"'&$`{}\[\]()])""")
"""PowerShell's escape; any other backtick is a quotation mark of JavaScript or Markdown."""
_BLANK: Final = re.compile(r"(?<!\\)((?:\\\\)*+)\\[nrt]")
_BACKSLASH: Final = re.compile(r"\\(.)", re.DOTALL)
_CODE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|([0-3][0-7]{2}))")
_JOINT: Final = re.compile(r"(?<=\S)\\\n(?=\S)")
"""A line break that bash removes within a word."""
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|quot|apos|lt|gt|sol|colon|equals|quest);")
_PERCENT: Final = re.compile(r"%(?:25){0,4}(2[DdFf]|3[AaDdFf]|26)")
"""Encoded characters of an address inside another one."""
_ROUNDS: Final = 4
"""How often a text may have been quoted, one way in the other."""


def unescape(text: str) -> str:
    """The text without escapes of shells, JSON, HTML and addresses. Keeps the number of lines, and takes linear time.

    Quotation marks stay: they end an address.
    """
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    for _ in range(_ROUNDS):
        before = text
        if "^" in text:
            text = _CARET.sub("", text).replace("^", " ")
        if "`" in text:
            text = re.sub("`[nrt0]", " ", text)
            text = _BACKTICK.sub("", text).replace("`", '"')
        if "\\" in text:
            text = _CODE.sub(_character, _JOINT.sub("", text))
            text = _BLANK.sub(r"\1 ", text)
            text = _BACKSLASH.sub(r"\1", text)
        if "&" in text:
            text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
        if text == before:
            break
    if "%" in text:
        text = _PERCENT.sub(lambda match: chr(int(match[1], 16)), text)
    return text


def _character(match: re.Match[str]) -> str:
    code = int(match[4], 8) if match[4] else int(match[1] or match[2] or match[3], 16)
    return chr(code) if 0x20 <= code < 0x110000 else " "


def decode_text(content: bytes) -> str:
    """The text of a file as a browser or a spreadsheet writes it: UTF-8, UTF-16 with or without its mark, Windows-1252.

    Raises:
        ConfigError: The file holds no text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", errors="replace")
    elif b"\0" in content[:2] and (utf16 := _unmarked_utf16(content)):
        text = content.decode(utf16, errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            # Older spreadsheets know nothing else; ids are ASCII, only labels can suffer.
            text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise ConfigError("The file is not text", "Use a HAR file, a CSV, a TSV or lines of tool_id,flow_id,label")
    return text


def _unmarked_utf16(content: bytes) -> str | None:
    start = content[:4096]
    half = len(start) // 2
    for place, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if start[place::2].count(0) * 2 > half and not start[1 - place :: 2].count(0):
            return name
    return None


_QUOTED: Final = re.compile(
    r"""\$'[^'\\]*+(?:\\.[^'\\]*+)*+' | '[^']*+' | "[^"\\]*+(?:\\.[^"\\]*+)*+" | \\. | [^'"\\$]++ | \$""",
    re.VERBOSE | re.DOTALL,
)


def quotes_closed(command: str) -> bool:
    """Returns True if all quotation marks of a shell command are closed; cmd.exe's quoting counts as well."""
    if re.search(r"\^\n|\^\r|\^\"", command):
        command = command.replace("^", "")
    end = 0
    for match in _QUOTED.finditer(command):
        if match.start() != end:
            return False
        end = match.end()
    return end >= len(command.rstrip("\\"))
