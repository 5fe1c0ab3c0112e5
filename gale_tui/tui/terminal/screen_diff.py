"""What the terminal shows, cell by cell, so that only cells that differ are sent.

The framework repaints the whole screen when another one opens or closes, and a whole widget when a word of it changes.
On a slow line that is seconds. Whatever it wants to paint is compared here with what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from rich.cells import cell_len
from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate

from gale_tui.tui.terminal.lean import ATTRIBUTES, UNUSUAL, color_codes, color_system, sgr_text

__all__ = ["PaintedUpdate", "ShownCells"]

Pen = tuple[tuple[str, ...] | None, tuple[str, ...], frozenset[str]]
"""Foreground (None: any, as of a blank), background and attributes, in the terminal's codes."""

PLAIN: Pen = (("39",), ("49",), frozenset())
SEEN_ON_BLANKS = frozenset({"underline", "reverse", "strike", "blink"})
SHORT = 3
"""Cells that are cheaper to send again than to jump over."""


class PaintedUpdate(CompositorUpdate):
    """An update of the screen whose text is known already."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render_segments(self, console: Console) -> str:
        """The text with its terminal sequences."""
        return self._text


class ShownCells:
    """The terminal's cells, as far as they are known."""

    def __init__(self) -> None:
        self._size = (0, 0)
        self._characters: list[list[object]] = []
        self._pens: list[list[object]] = []
        self._styles: dict[Style | None, tuple[Pen, Pen]] = {}
        self._system: str | None = None

    def forget(self) -> None:
        """To be called when somebody else may have written to the terminal: everything is sent anew."""
        self._size = (0, 0)

    def paint(self, update: CompositorUpdate, console: Console, size: tuple[int, int]) -> str | None:
        """What has to be sent so that the terminal shows the update; None for an update of a kind that is not known.

        Args:
            update: What the framework wants to paint.
            console: Which colours there are.
            size: Columns and lines of the terminal.
        """
        if not isinstance(update, LayoutUpdate | ChopsUpdate):
            self.forget()
            return None
        if size != self._size or console.color_system != self._system:
            self._size, self._system = size, console.color_system
            self._styles.clear()
            self._characters = [[None] * size[0] for _ in range(size[1])]
            self._pens = [[None] * size[0] for _ in range(size[1])]
        painter = _Painter(size[0])
        for y, x, segments in _pieces(update):
            if 0 <= y < size[1] and 0 <= x < size[0]:
                self._paint_piece(painter, y, x, segments, console)
        return painter.text()

    def _paint_piece(self, painter: _Painter, y: int, x: int, segments: Sequence[Segment], console: Console) -> None:
        characters: list[object] = []
        pens: list[object] = []
        for text, style, control in segments:
            if control or not text:
                continue
            known = self._styles.get(style)
            if known is None:
                known = self._styles[style] = _pens(style, console)
            if (not text.isascii() and cell_len(text) != len(text)) or (style and _unusual(style)):
                self._paint_whole(painter, y, x, segments, console)
                return
            characters.extend(text)
            pen, blank = known
            if pen is blank or " " not in text:
                pens.extend([pen] * len(text))
            else:
                pens.extend(blank if character == " " else pen for character in text)
        count = min(len(characters), self._size[0] - x)
        was, was_pens = self._characters[y], self._pens[y]
        if characters[:count] == was[x : x + count] and pens[:count] == was_pens[x : x + count]:
            return
        for start, end in _runs(characters, pens, was, was_pens, x, count):
            painter.move(y, x + start)
            for index in range(start, end):
                painter.write(characters[index], pens[index])  # type: ignore[arg-type]  # both were just made
        was[x : x + count] = characters[:count]
        was_pens[x : x + count] = pens[:count]

    def _paint_whole(self, painter: _Painter, y: int, x: int, segments: Sequence[Segment], console: Console) -> None:
        """Paints a piece with wide characters, combining ones or links as one: where its cells are is not known."""
        count = min(sum(segment.cell_length for segment in segments), self._size[0] - x)
        sign: object = (x, tuple((segment.text, segment.style) for segment in segments))
        if self._characters[y][x : x + count] == [sign] * count:
            return
        painter.move(y, x)
        painter.write_whole(sgr_text(segments, console))
        self._characters[y][x : x + count] = [sign] * count
        self._pens[y][x : x + count] = [None] * count


def _pieces(update: LayoutUpdate | ChopsUpdate) -> Iterator[tuple[int, int, Sequence[Segment]]]:
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
            yield y, left, list(strip.crop(left - x, right - x))


def _runs(
    characters: Sequence[object],
    pens: Sequence[object],
    was: Sequence[object],
    was_pens: Sequence[object],
    x: int,
    count: int,
) -> Iterable[tuple[int, int]]:
    """Where the new cells differ from those that are there; runs that are close together as one."""
    runs: list[tuple[int, int]] = []
    for index in range(count):
        if characters[index] != was[x + index] or pens[index] != was_pens[x + index]:
            if runs and index - runs[-1][1] <= SHORT:
                runs[-1] = (runs[-1][0], index + 1)
            else:
                runs.append((index, index + 1))
    return runs


def _unusual(style: Style) -> bool:
    return style.link is not None or any(getattr(style, name) for name in UNUSUAL)


def _pens(style: Style | None, console: Console) -> tuple[Pen, Pen]:
    """The pen for characters and the one for blanks."""
    if style is None:
        return PLAIN, (None, PLAIN[1], frozenset())
    system = color_system(console)
    on = frozenset(name for name, _, _ in ATTRIBUTES if getattr(style, name))
    back = color_codes(style.bgcolor, system, False)
    pen: Pen = (color_codes(style.color, system, True), back, on)
    return pen, pen if on & SEEN_ON_BLANKS else (None, back, frozenset())


class _Painter:
    """Puts together what is sent: jumps, changes of the pen, characters."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._parts: list[str] = []
        self._at: tuple[int, int] | None = None
        self._pen = PLAIN

    def move(self, y: int, x: int) -> None:
        """Puts the cursor there."""
        if self._at == (y, x):
            return
        if self._at is not None and self._at[0] == y and x > self._at[1]:
            self._parts.append(f"\x1b[{x - self._at[1]}C")
        else:
            self._parts.append(Control.move_to(x, y).segment.text)
        self._at = (y, x)

    def write(self, character: str, pen: Pen) -> None:
        """Writes one cell."""
        if pen != self._pen:
            codes, self._pen = _change(self._pen, pen)
            self._parts.append(codes)
        self._parts.append(character)
        if self._at is not None:
            y, x = self._at
            # In the last column the cursor stays where it is, or not, as the terminal likes.
            self._at = (y, x + 1) if x + 1 < self._width else None

    def write_whole(self, text: str) -> None:
        """Writes text with its own sequences, which begins and ends with all attributes reset."""
        self._rest()
        self._parts.append(text)
        self._at = None

    def _rest(self) -> None:
        if self._pen != PLAIN:
            self._parts.append("\x1b[0m")
            self._pen = PLAIN

    def text(self) -> str:
        """All of it."""
        self._rest()
        return "".join(self._parts)


@lru_cache(maxsize=1024)
def _change(old: Pen, new: Pen) -> tuple[str, Pen]:
    """What changes one pen into the other, and what the pen is then."""
    fore, back, on = new
    if fore is None:
        # A blank: what is not seen of it stays as it is.
        fore, on = old[0], old[2] - SEEN_ON_BLANKS
    if (fore, back, on) == PLAIN:
        return ("" if old == PLAIN else "\x1b[0m"), PLAIN
    codes: list[str] = []
    # Bold and dim share the code that ends them.
    ending = {off for name, _, off in ATTRIBUTES if name in old[2] and name not in on}
    codes += sorted(ending)
    codes += [start for name, start, off in ATTRIBUTES if name in on and (name not in old[2] or off in ending)]
    if fore != old[0]:
        codes += fore or ()
    if back != old[1]:
        codes += back
    return (f"\x1b[{';'.join(codes)}m" if codes else ""), (fore, back, on)
