"""Whatever is painted, the terminal shows it in the end, and what it shows already is not sent again."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from gale_tui.tui.terminal.screen_diff import PaintedUpdate, ShownCells
from tests.tui.jobs_for_tests import TRUECOLOR

WIDTH, HEIGHT = 24, 4
SIZE = (WIDTH, HEIGHT)

colors = st.sampled_from([None, "#ff0000", "#102030", "color(200)"])
flags = st.sampled_from([None, True])
styles = st.builds(
    Style, color=colors, bgcolor=colors, bold=flags, dim=flags, italic=flags, underline=flags, reverse=flags
)
plain_segments = st.builds(Segment, st.text("ab ä─", min_size=1, max_size=6), styles, st.none())
all_segments = st.builds(Segment, st.text("ab ä人", min_size=1, max_size=6), styles, st.none())


def line(pieces: list[Segment], width: int = WIDTH) -> Strip:
    """The pieces as one line of the screen, filled up."""
    return Strip(pieces).adjust_cell_length(width, Style()).simplify()


def full(lines: list[list[Segment]]) -> LayoutUpdate:
    """An update of the whole screen."""
    return LayoutUpdate([[line(pieces)] for pieces in lines], Region(0, 0, WIDTH, HEIGHT))


def part(y: int, x: int, pieces: list[Segment]) -> ChopsUpdate:
    """An update of a line from a column on."""
    chops: list[dict[int, Strip | None]] = [{} for _ in range(HEIGHT)]
    chops[y] = {x: line(pieces, WIDTH - x)}
    return ChopsUpdate(chops, [(y, x, WIDTH)], [[WIDTH]] * HEIGHT)


class Terminal:
    """A terminal that is told either everything or the differences."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(*SIZE)
        self._stream = pyte.Stream(self.screen)

    def feed(self, text: str) -> None:
        """Draws text with its sequences."""
        self._stream.feed(text)

    def picture(self) -> list[list[tuple[object, ...]]]:
        """What is seen: of a blank only what can be seen of it."""
        return [[visible(self.screen.buffer[y][x]) for x in range(WIDTH)] for y in range(HEIGHT)]


def visible(cell: pyte.screens.Char) -> tuple[object, ...]:
    """A cell; of a blank without its colour and weight."""
    if cell.data == " " and not (cell.reverse or cell.underscore):
        cell = cell._replace(fg="default", bold=False, italics=False)
    return tuple(cell)


lines_of_any = st.lists(st.lists(all_segments, max_size=5), min_size=HEIGHT, max_size=HEIGHT)
parts = st.tuples(st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 7), st.lists(plain_segments, max_size=4))


@given(st.lists(lines_of_any.map(full) | parts.map(lambda each: part(*each)), min_size=1, max_size=6))
def test_differences_add_up_to_the_picture(updates: list[CompositorUpdate]) -> None:
    shown, told_all, told_less = ShownCells(), Terminal(), Terminal()
    for update in updates:
        told_all.feed(update.render_segments(TRUECOLOR))
        text = shown.paint(update, TRUECOLOR, SIZE)
        assert text is not None
        told_less.feed(text)
        if isinstance(update, LayoutUpdate):
            # A part that cuts a wide character leaves half of it, which each terminal shows in its own way.
            assert told_less.picture() == told_all.picture()


@given(st.lists(st.lists(plain_segments, max_size=5), min_size=HEIGHT, max_size=HEIGHT), st.lists(parts, max_size=5))
def test_parts_add_up_as_well(first: list[list[Segment]], then: list[tuple[int, int, list[Segment]]]) -> None:
    shown, told_all, told_less = ShownCells(), Terminal(), Terminal()
    for update in (full(first), *(part(*each) for each in then)):
        told_all.feed(update.render_segments(TRUECOLOR))
        told_less.feed(shown.paint(update, TRUECOLOR, SIZE) or "")
        assert told_less.picture() == told_all.picture()


@given(lines_of_any)
def test_the_same_again_is_not_sent(content: list[list[Segment]]) -> None:
    shown = ShownCells()
    assert shown.paint(full(content), TRUECOLOR, SIZE)
    assert shown.paint(full(content), TRUECOLOR, SIZE) == ""


def test_one_cell_costs_one_cell() -> None:
    shown = ShownCells()
    style = Style(color="#ff0000")
    shown.paint(full([[Segment("elapsed 0:12", style)], [], [], []]), TRUECOLOR, SIZE)
    text = shown.paint(full([[Segment("elapsed 0:13", style)], [], [], []]), TRUECOLOR, SIZE)
    assert text == "\x1b[1;12H\x1b[38;2;255;0;0m3\x1b[0m"


def test_all_is_sent_where_nothing_is_known() -> None:
    shown = ShownCells()
    update = full([[Segment("a")], [Segment("b")], [], []])
    first = shown.paint(update, TRUECOLOR, SIZE)
    shown.forget()
    assert shown.paint(update, TRUECOLOR, SIZE) == first
    assert shown.paint(update, TRUECOLOR, (WIDTH + 1, HEIGHT)) == first
    few = Console(force_terminal=True, color_system="256")
    assert shown.paint(update, few, (WIDTH + 1, HEIGHT)) == first


def test_what_is_of_another_kind_is_left_to_the_framework() -> None:
    shown = ShownCells()
    update = full([[Segment("a")], [], [], []])
    first = shown.paint(update, TRUECOLOR, SIZE)
    assert shown.paint(PaintedUpdate("text"), TRUECOLOR, SIZE) is None
    assert Text("text").plain == PaintedUpdate("text").render_segments(TRUECOLOR)
    # Nobody knows what that painted.
    assert shown.paint(update, TRUECOLOR, SIZE) == first
