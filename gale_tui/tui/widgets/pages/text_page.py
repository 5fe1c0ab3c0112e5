"""A page of lines to scroll, search and select in; long ones are drawn as fast as short ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.selection import Selection
from textual.strip import Strip

from gale_tui.tui.actions import Place, bindings
from gale_tui.tui.formatting.pieces import Line, Tone, plain_text
from gale_tui.tui.formatting.quantities import count_text
from gale_tui.tui.widgets.line_view import LineView

Build = Callable[[int], Sequence[Line]]
"""Makes the lines for a width in cells."""

_STRONG = Style(bold=True, underline=True)


class TextPage(LineView):
    """Lines made for its width; made again when the width changes."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.PAGE)]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._build: Build | None = None
        self._lines: Sequence[Line] = ()
        self._width = 0
        self._words: re.Pattern[str] | None = None
        self._found: list[int] = []
        """The lines in which the words searched for begin."""
        self._marks: dict[int, list[tuple[int, int]]] = {}
        """The parts of lines with these words, in order."""
        self._at: int | None = None

    @property
    def text(self) -> str:
        return "\n".join(map(plain_text, self._lines))

    def show(self, build: Build, *, keep_place: bool = False) -> None:
        """Shows other lines.

        Args:
            build: Makes them; everything in them is inert already.
        """
        self._build = build
        if not keep_place:
            self.scroll_to(y=0, animate=False)
        self._lay_out()

    def on_resize(self) -> None:
        if self.scrollable_content_region.width != self._width:
            self._lay_out()
        else:
            self.set_line_count(len(self._lines))

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if not width or self._build is None:
            return
        self._width = width
        self._lines = self._build(max(10, width - 1))
        self.set_line_count(len(self._lines))
        self._search()
        self._show_found()

    # Searching

    def search(self, words: str) -> None:
        """Marks every line with these words, capitals or not, and goes to the next from here."""
        # A match may continue in the next line where the page breaks one.
        pattern = r"(?: | *\n *)".join(map(re.escape, re.split(r"(?<=\S) (?=\S)", words)))
        self._words = re.compile(pattern, re.IGNORECASE) if words else None
        self._search()
        if self._found:
            top = self.scroll_offset.y
            self._at = next((number for number, line in enumerate(self._found) if line >= top), 0)
        self._show_found()

    def _search(self) -> None:
        self._found, self._marks, self._at = [], {}, None
        if self._words is None:
            return
        text = self.text
        line = begin = 0
        for match in self._words.finditer(text):
            line += text.count("\n", begin, match.start())
            begin = text.rfind("\n", 0, match.start()) + 1
            if self._found[-1:] != [line]:
                self._found.append(line)
            at = match.start() - begin
            for number, part in enumerate(match[0].split("\n"), line):
                indent = len(part) - len(part.lstrip()) if number > line else 0
                self._marks.setdefault(number, []).append((at + indent, at + len(part)))
                at = 0

    def step(self, by: int) -> None:
        """Goes to the next (1) or previous (-1) line found."""
        if self._found:
            self._at = (-1 if by > 0 else 0) if self._at is None else self._at
            self._at = (self._at + by) % len(self._found)
            self._show_found()

    def _show_found(self) -> None:
        """Marks the matches, scrolls to the present one, and shows its number and theirs in the border."""
        lines = count_text(len(self._found), "line")
        if not self._found:
            self.border_subtitle = "not found" if self._words else ""
        elif self._at is None:
            self.border_subtitle = f"in {lines}"
        else:
            self.border_subtitle = f"{self._at + 1:,} of {lines}"
            line, top, height = self._found[self._at], self.scroll_offset.y, self.scrollable_content_region.height
            if not top <= line < top + height:
                self.scroll_to(y=max(0, line - height // 3), animate=False)
        self.refresh()

    # Drawing

    def render_line(self, y: int) -> Strip:
        y += self.scroll_offset.y
        if y >= len(self._lines):
            return Strip.blank(self.content_region.width, self.style_of())
        strip = Strip(self.line_segments(y))
        selection = self.text_selection
        span = selection.get_span(y) if selection is not None else None
        if span is not None:
            start, end = span
            style = self.screen.get_component_rich_style("screen--selection")
            head, tail = strip.crop(0, start), strip.crop(end if end >= 0 else strip.cell_length)
            middle = strip.crop(start, end if end >= 0 else None)
            strip = Strip.join([head, Strip(Segment.apply_style(middle, post_style=style), middle.cell_length), tail])
        return strip.adjust_cell_length(self.content_region.width, self.style_of()).simplify().apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract(self.text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def line_segments(self, y: int) -> list[Segment]:
        line = self._lines[y]
        marks = self._marks.get(y, ())
        present = self._at is not None and self._found[self._at] == y
        mark_style = self.style_of(Tone.NOTICE_BADGE if present else Tone.BADGE)
        segments: list[Segment] = []
        at = 0
        for piece in line:
            style = self.style_of(piece.tone)
            if piece.strong:
                style += _STRONG
            end = at + len(piece.text)
            cuts = [at, *(min(max(edge, at), end) for mark in marks for edge in mark), end]
            for number, (left, right) in enumerate(pairwise(cuts)):
                if right > left:
                    segments.append(Segment(piece.text[left - at : right - at], mark_style if number % 2 else style))
            at = end
        return segments
