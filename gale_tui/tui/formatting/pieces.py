"""Text in tones, and how long lines of it are broken. What colour a tone has is the theme's business."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

_WORD_START = re.compile(r"(?<=[^ ])(?= )")


class Tone(StrEnum):
    """What a piece of text means for the eye; the theme gives it a colour."""

    TEXT = "text"
    MUTED = "muted"
    RUNNING = "running"
    SUCCESS = "success"
    DONE = "done"
    """A success that needs nothing more."""
    FAILURE = "failure"
    """The word of a failure."""
    ERROR = "error"
    """The words about a failure."""
    WARNING = "warning"
    DANGER = "danger"
    """A production environment."""
    TITLE = "title"
    BADGE = "badge"
    BADGE_EDGE = "badge edge"
    DANGER_BADGE = "danger badge"
    DANGER_EDGE = "danger badge edge"
    NOTICE_BADGE = "notice badge"
    NOTICE_EDGE = "notice badge edge"


class Piece(NamedTuple):
    """A bit of text in one tone; `strong` where it is what its line is shown for."""

    text: str
    tone: Tone = Tone.TEXT
    strong: bool = False


Line = tuple[Piece, ...]


def plain_text(line: Line) -> str:
    return "".join(piece.text for piece in line)


def wrap_cells(line: Line, width: int, indent: str = "") -> Iterator[Line]:
    """The line in pieces of at most so many cells, its further pieces indented."""
    text = plain_text(line)
    if (len(text) <= width and text.isascii()) or cell_len(text) <= width:
        yield line
        return
    row: list[Piece] = []
    free = width
    for piece in line:
        rest = piece.text
        while rest:
            part = rest if cell_len(rest) <= free else (chop_cells(rest, free) or [""])[0] if free > 0 else ""
            if not part and (free >= width - cell_len(indent) and row[1:] == []):
                part = rest[0]
            if part:
                row.append(piece._replace(text=part))
                free -= cell_len(part)
                rest = rest[len(part) :]
            if rest:
                yield tuple(row)
                row = [Piece(indent)] if indent else []
                free = width - cell_len(indent)
    if row:
        yield tuple(row)


def wrap_words(line: Line, width: int, indent: str) -> Iterator[Line]:
    """The line in pieces that fit, broken between words where there are any."""
    words = [piece._replace(text=word) for piece in line for word in _WORD_START.split(piece.text)]
    row: list[Piece] = []
    free = width
    fresh = True
    for word in words:
        cells = cell_len(word.text)
        if cells > free and not fresh and (word.text.startswith(" ") or row[-1].text.endswith(" ")):
            yield tuple(row)
            row, free, fresh = [Piece(indent)], width - cell_len(indent), True
            word = word._replace(text=word.text.lstrip(" "))
            cells = cell_len(word.text)
        if cells > free:
            *whole, last = list(wrap_cells((*row, word), width, indent)) or [()]
            yield from whole
            row = list(last)
            free = width - sum(cell_len(piece.text) for piece in row)
        else:
            row.append(word)
            free -= cells
        fresh = fresh and not word.text.strip(" -+")
    if row:
        yield tuple(row)
