"""Knows what the terminal shows, cell by cell, so that only cells that differ are sent.

The framework repaints the whole screen when another one opens or closes, and a whole widget when a word of it changes.
On a slow line that is seconds. Whatever it wants to paint is compared here with what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeGuard

from rich.cells import cell_len
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate

from gale_tui.tui.terminal.ascii_fallback import ascii_text
from gale_tui.tui.terminal.pens import PLAIN, Pen, change_pen, pens_for

SHORT = 3
"""Cells that are cheaper to send again than to jump over."""


class PaintedUpdate(CompositorUpdate):
    """An update of the screen whose text is known already."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render_segments(self, console: Console) -> str:
        return self._text


class ScreenDiff:
    """The terminal's cells, as far as they are known."""

    def __init__(self) -> None:
        self._size = (0, 0)
        self._cells: list[list[object]] = []
        """Line by line: a character and its pen; None for what is not known."""
        self._known: dict[Style | None, tuple[Pen, Pen]] = {}
        self._colors: tuple[ColorSystem | None, Color | None] = (None, None)
        self._encoding: str | None = None

    def forget(self) -> None:
        """Sends everything the next time: somebody else may have written to the terminal."""
        self._size = (0, 0)

    @staticmethod
    def can_diff(update: object) -> TypeGuard[LayoutUpdate | ChopsUpdate]:
        """Returns True for an update of the screen or a part of it; after any other, call `forget`."""
        return isinstance(update, LayoutUpdate | ChopsUpdate)

    def paint(
        self,
        update: LayoutUpdate | ChopsUpdate,
        system: ColorSystem | None,
        size: tuple[int, int],
        *,
        ground: Color | None = None,
        ascii_in: str | None = None,
    ) -> str:
        """The text to send so that the terminal shows the update.

        Args:
            system: The colours that the terminal has; None for none at all.
            ascii_in: The terminal's encoding where the screen is drawn in ASCII; None if it can draw everything.
        """
        colors = (system, ground)
        if (size, colors, ascii_in) != (self._size, self._colors, self._encoding):
            self._size, self._colors, self._encoding = size, colors, ascii_in
            self._known.clear()
            self._cells = [[None] * size[0] for _ in range(size[1])]
        painter = _Painter(size[0])
        for y, x, segments in _pieces(update):
            if 0 <= y < size[1] and 0 <= x < size[0]:
                self._paint_piece(painter, y, x, segments)
        return painter.text()

    def _pens_of(self, style: Style | None) -> tuple[Pen, Pen]:
        known = self._known.get(style)
        if known is None:
            known = self._known[style] = pens_for(style, *self._colors)
        return known

    def _paint_piece(self, painter: _Painter, y: int, x: int, segments: Iterable[Segment]) -> None:
        pieces = [(text, style) for text, style, control in segments if text and not control]
        if self._encoding is not None:
            pieces = [(ascii_text(text, self._encoding), style) for text, style in pieces]
        cells: list[tuple[str, Pen]] = []
        for text, style in pieces:
            if not text.isascii() and cell_len(text) != len(text):
                self._paint_whole(painter, y, x, pieces)
                return
            pen, blank = self._pens_of(style)
            cells += [(character, blank if character == " " else pen) for character in text]
        cells = cells[: self._size[0] - x]
        line = self._cells[y]
        for start, end in _runs(cells, line[x : x + len(cells)]):
            painter.move(y, x + start)
            for character, pen in cells[start:end]:
                painter.write(character, pen)
        line[x : x + len(cells)] = cells

    def _paint_whole(self, painter: _Painter, y: int, x: int, pieces: Sequence[tuple[str, Style | None]]) -> None:
        """Paints a piece with wide characters or combining ones as one: where its cells are is not known."""
        count = min(sum(cell_len(text) for text, _ in pieces), self._size[0] - x)
        sign: object = (x, tuple(pieces))
        if self._cells[y][x : x + count] == [sign] * count:
            return
        painter.move(y, x)
        for text, style in pieces:
            painter.write(text, self._pens_of(style)[0])
        painter.lose_place()
        self._cells[y][x : x + count] = [sign] * count


def _pieces(update: LayoutUpdate | ChopsUpdate) -> Iterator[tuple[int, int, Iterable[Segment]]]:
    """Line, column and content of all that an update paints."""
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            yield y, update.region.x, [segment for strip in line for segment in strip]
        return
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x >= x2 or end <= x1:
                continue
            left, right = max(x, x1), min(end, x2)
            yield y, left, strip.crop(left - x, right - x)


def _runs(cells: Sequence[object], there: Sequence[object]) -> list[tuple[int, int]]:
    """The ranges in which the new cells differ from the present ones; close ranges are joined."""
    runs: list[tuple[int, int]] = []
    for index, (new, old) in enumerate(zip(cells, there, strict=True)):
        if new != old:
            if runs and index - runs[-1][1] <= SHORT:
                runs[-1] = (runs[-1][0], index + 1)
            else:
                runs.append((index, index + 1))
    return runs


class _Painter:
    """Composes the text to send: jumps, changes of the pen, characters."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._parts: list[str] = []
        self._at: tuple[int, int] | None = None
        self._pen = PLAIN

    def move(self, y: int, x: int) -> None:
        if self._at == (y, x):
            return
        if self._at is not None and self._at[0] == y and x > self._at[1]:
            self._parts.append(f"\x1b[{x - self._at[1]}C")
        else:
            self._parts.append(Control.move_to(x, y).segment.text)
        self._at = (y, x)

    def write(self, text: str, pen: Pen) -> None:
        """Writes a cell, or a text after which the cursor's position is unknown."""
        if pen != self._pen:
            codes, self._pen = change_pen(self._pen, pen)
            self._parts.append(codes)
        self._parts.append(text)
        if self._at is not None:
            y, x = self._at
            # In the last column the cursor stays where it is, or not, as the terminal likes.
            self._at = (y, x + 1) if x + 1 < self._width else None

    def lose_place(self) -> None:
        """Marks the cursor's position as unknown."""
        self._at = None

    def text(self) -> str:
        """The text to send; it ends without colours and attributes."""
        return "".join(self._parts) + ("" if self._pen == PLAIN else "\x1b[0m")
