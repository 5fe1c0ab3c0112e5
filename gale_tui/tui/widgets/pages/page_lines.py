"""Lines of a page: pieces of text in tones, and how long ones are broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

from gale_tui.tui.formatting.job_text import Tone

__all__ = ["PageLine", "Span", "plain_text", "wrap_cells", "wrap_words"]


class Span(NamedTuple):
    """A bit of a line: in one tone, and perhaps what the line is shown for."""

    text: str
    tone: Tone = Tone.TEXT
    strong: bool = False


PageLine = tuple[Span, ...]


def plain_text(line: PageLine) -> str:
    """The line without its tones."""
    return "".join(span.text for span in line)


def wrap_cells(line: PageLine, width: int, indent: str = "") -> Iterator[PageLine]:
    """The line in pieces of at most so many cells, its further pieces indented."""
    text = plain_text(line)
    if len(text) <= width and text.isascii():
        yield line
        return
    if cell_len(text) <= width:
        yield line
        return
    row: list[Span] = []
    free = width
    for span in line:
        rest = span.text
        while rest:
            piece = rest if cell_len(rest) <= free else (chop_cells(rest, free) or [""])[0] if free > 0 else ""
            if not piece and (free >= width - cell_len(indent) and row[1:] == []):
                piece = rest[0]
            if piece:
                row.append(span._replace(text=piece))
                free -= cell_len(piece)
                rest = rest[len(piece) :]
            if rest:
                yield tuple(row)
                row = [Span(indent)] if indent else []
                free = width - cell_len(indent)
    if row:
        yield tuple(row)


def wrap_words(line: PageLine, width: int, indent: str) -> Iterator[PageLine]:
    """The line in pieces that fit, broken between words where there are any."""
    words: list[Span] = []
    for span in line:
        start = 0
        for at, character in enumerate(span.text):
            if character == " " and at > start and span.text[at - 1] != " ":
                words.append(span._replace(text=span.text[start:at]))
                start = at
        words.append(span._replace(text=span.text[start:]))
    row: list[Span] = []
    free = width
    fresh = True
    for word in words:
        cells = cell_len(word.text)
        if cells > free and not fresh and (word.text.startswith(" ") or row[-1].text.endswith(" ")):
            yield tuple(row)
            row, free, fresh = [Span(indent)], width - cell_len(indent), True
            word = word._replace(text=word.text.lstrip(" "))
            cells = cell_len(word.text)
        if cells > free:
            *whole, last = list(wrap_cells((*row, word), width, indent)) or [()]
            yield from whole
            row = list(last)
            free = width - sum(cell_len(span.text) for span in row)
        else:
            row.append(word)
            free -= cells
        fresh = fresh and not word.text.strip(" -+")
    if row:
        yield tuple(row)
