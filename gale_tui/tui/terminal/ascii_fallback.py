"""What is drawn where only ASCII can be: the same picture, cell by cell, of characters that every terminal has.

Borders, arrows, ellipses and marks become ASCII. The letters of names stay as they are where the terminal's encoding
has them: they are data.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

__all__ = ["plain_strip", "plain_text"]

_SIGNS = str.maketrans(
    {
        **dict.fromkeys("─━═╌╍┄┅┈┉╴╶╸╺╼╾", "-"),
        **dict.fromkeys("│┃║╎╏┆┇┊┋╵╷╹╻╽╿", "|"),
        **dict.fromkeys("▌▐▏▎▍▋▊▉▕", "|"),
        # Parts of a line: of a scrollbar's ends, whose colours say the rest.
        **dict.fromkeys("▁▂▃▄▅▆▇▀▔\xa0", " "),
        **dict.fromkeys("█▓", "#"),
        **dict.fromkeys("▒░", "-"),
        **dict.fromkeys("→▶▸›»", ">"),
        **dict.fromkeys("←◀◂‹«", "<"),
        **dict.fromkeys("↑▲▴␛", "^"),
        **dict.fromkeys("↓▼▾", "v"),
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("‘’‚", "'"),
        **dict.fromkeys("·–—", "-"),
        **dict.fromkeys("•●", "*"),
        "…": "~",
        "✓": "+",
        "✗": "x",
        "×": "x",
        "◌": "o",
        "◆": ">",
    }
)


def plain_strip(strip: Strip, encoding: str) -> Strip:
    """The strip with signs of ASCII alone, each in its cells.

    Args:
        strip: A line, or a part of one.
        encoding: Of the terminal.
    """
    if all(segment.text.isascii() for segment in strip):
        return strip
    # Three dots where there is room for them.
    whole = "".join(segment.text for segment in strip).replace("…  ", "...")
    segments: list[Segment] = []
    at = 0
    for text, style, control in strip:
        part = whole[at : at + len(text)]
        at += len(text)
        segments.append(Segment(part if part.isascii() else plain_text(part, encoding), style, control))
    return Strip(segments, strip.cell_length)


@lru_cache(maxsize=4096)
def plain_text(text: str, encoding: str) -> str:
    """The text in as many cells, of ASCII and of the letters that the encoding has."""
    return "".join(each if each.isascii() else _plain(each, encoding) for each in text.translate(_SIGNS))


def _plain(character: str, encoding: str) -> str:
    if 0x2500 <= ord(character) < 0x2580:
        # Corners and crossings; the straight lines have been told apart before.
        return "+"
    if unicodedata.category(character)[0] in "LNM":
        try:
            character.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            pass
        else:
            return character
    return "?" * cell_len(character)
