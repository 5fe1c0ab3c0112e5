"""The picture of a terminal that has ASCII alone, cell by cell.

Borders, arrows, ellipses and marks become ASCII. The letters of names stay as they are where the terminal's encoding
has them: they are data.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from functools import lru_cache

from rich.cells import cell_len

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

_WAITING = re.compile(r"^([\s◆]*)…(?!\S)")
"""The sign of a job that waits begins its line, perhaps behind a mark; an ellipsis ends a text."""


@lru_cache(maxsize=4096)
def ascii_text(text: str, encoding: str) -> str:
    """The text in as many cells, of ASCII and of the letters that the encoding has."""
    text = _WAITING.sub(r"\1.", text).translate(_SIGNS)
    return "".join(each if each.isascii() else _plain(each, encoding) for each in text)


def _plain(character: str, encoding: str) -> str:
    if 0x2500 <= ord(character) < 0x2580:
        # Corners and crossings; the straight lines are in the table.
        return "+"
    if unicodedata.category(character)[0] in "LNM":
        with contextlib.suppress(UnicodeEncodeError, LookupError):
            character.encode(encoding)
            return character
    return "?" * cell_len(character)
