"""Text in tones, and how long lines of it are broken. What colour a tone has is the theme's business."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

_WORD_START = re.compile(r"(?<=[^ ])(?= )")


class Tone(StrEnum):
    """The role of a piece of text; the theme gives it a colour."""

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
    """A bit of text in one tone; `strong` if it is the point of its line."""

    text: str
    tone: Tone = Tone.TEXT
    strong: bool = False


Line = tuple[Piece, ...]


def plain_text(line: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in line)


def wrap_words(line: Line, width: int, indent: str) -> Iterator[Line]:
    """The line wrapped at `width` cells, between words where possible; further lines begin with `indent`."""
    words = [piece._replace(text=word) for piece in line for word in _WORD_START.split(piece.text)]
    room = max(1, width - cell_len(indent))
    row: list[Piece] = []
    free = width
    fresh = True
    for word in words:
        if cell_len(word.text) > free and not fresh and (word.text.startswith(" ") or row[-1].text.endswith(" ")):
            yield tuple(row)
            row, free, fresh = [Piece(indent)], room, True
            word = word._replace(text=word.text.lstrip(" "))
        fresh = fresh and not word.text.strip(" -+")
        if cell_len(word.text) > free:
            first = (chop_cells(word.text, free) or [""])[0] if free > 0 else ""
            rest = word.text[len(first) :]
            yield (*row, word._replace(text=first))
            *whole, last = chop_cells(rest, room) or [rest]
            yield from ((Piece(indent), word._replace(text=part)) for part in whole)
            row, free, word = [Piece(indent)], room, word._replace(text=last)
        row.append(word)
        free -= cell_len(word.text)
    yield tuple(row)


def hanging(head: Line, text: str, width: int, tone: Tone = Tone.TEXT) -> Iterator[Line]:
    """The text in lines of at most `width` cells, with `head` before the first and an indent before the others."""
    cells = cell_len(plain_text(head))
    for part in wrap(text, width - cells):
        yield *head, Piece(part, tone)
        head = (Piece(" " * cells, Tone.MUTED),)


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at spaces where possible; a line's indent stays."""
    paragraphs = [(Piece(paragraph),) for paragraph in text.split("\n")]
    return [plain_text(row) for line in paragraphs for row in wrap_words(line, max(1, width), "")]
