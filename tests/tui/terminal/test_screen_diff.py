"""Whatever is painted, the terminal shows it in the end, and what it shows already is not sent again."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from gale_tui.core.models import DownloadState, JobState
from gale_tui.tui.formatting.job_counts import JobCounts
from gale_tui.tui.terminal.screen_diff import PaintedUpdate, ScreenDiff
from gale_tui.tui.widgets.header import HeaderBar
from gale_tui.tui.widgets.tables.job_table import JobTable
from tests.tui.jobs_for_tests import NOON, TRUECOLOR, WidgetApp, added, changed, forgotten, job, shown
from tests.tui.stub_engine import STAGING

WIDTH, HEIGHT = 24, 4
SIZE = (WIDTH, HEIGHT)
COLORS = ColorSystem.TRUECOLOR

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
def test_differences_add_up_to_the_picture(updates: list[LayoutUpdate | ChopsUpdate]) -> None:
    shown, told_all, told_less = ScreenDiff(), Terminal(), Terminal()
    for update in updates:
        told_all.feed(update.render_segments(TRUECOLOR))
        text = shown.paint(update, COLORS, SIZE)
        told_less.feed(text)
        if isinstance(update, LayoutUpdate):
            # A part that cuts a wide character leaves half of it, which each terminal shows in its own way.
            assert told_less.picture() == told_all.picture()


@given(st.lists(st.lists(plain_segments, max_size=5), min_size=HEIGHT, max_size=HEIGHT), st.lists(parts, max_size=5))
def test_parts_add_up_as_well(first: list[list[Segment]], then: list[tuple[int, int, list[Segment]]]) -> None:
    shown, told_all, told_less = ScreenDiff(), Terminal(), Terminal()
    updates: list[LayoutUpdate | ChopsUpdate] = [full(first), *(part(*each) for each in then)]
    for update in updates:
        told_all.feed(update.render_segments(TRUECOLOR))
        told_less.feed(shown.paint(update, COLORS, SIZE))
        assert told_less.picture() == told_all.picture()


@given(lines_of_any)
def test_the_same_again_is_not_sent(content: list[list[Segment]]) -> None:
    shown = ScreenDiff()
    assert shown.paint(full(content), COLORS, SIZE)
    assert shown.paint(full(content), COLORS, SIZE) == ""


def test_one_cell_costs_one_cell() -> None:
    shown = ScreenDiff()
    style = Style(color="#ff0000")
    shown.paint(full([[Segment("elapsed 0:12", style)], [], [], []]), COLORS, SIZE)
    text = shown.paint(full([[Segment("elapsed 0:13", style)], [], [], []]), COLORS, SIZE)
    assert text == "\x1b[1;12H\x1b[38;2;255;0;0m3\x1b[0m"


def test_a_letter_in_another_colour_is_sent_again() -> None:
    shown = ScreenDiff()
    shown.paint(full([[Segment("ab", Style(color="#ff0000"))], [], [], []]), COLORS, SIZE)
    pieces = [Segment("a", Style(color="#ff0000")), Segment("b", Style(color="#00ff00"))]
    assert shown.paint(full([pieces, [], [], []]), COLORS, SIZE) == "\x1b[1;2H\x1b[38;2;0;255;0mb\x1b[0m"


def test_all_is_sent_on_another_ground() -> None:
    shown = ScreenDiff()
    update = full([[Segment("a", Style(color="#ffffff", bgcolor="#000000"))], [], [], []])
    first = shown.paint(update, None, SIZE, ground=Color.parse("#000000"))
    again = shown.paint(update, None, SIZE, ground=Color.parse("#ffffff"))
    assert "\x1b[7ma" in again
    assert "\x1b[7ma" not in first


def test_all_is_sent_where_nothing_is_known() -> None:
    shown = ScreenDiff()
    update = full([[Segment("a")], [Segment("b")], [], []])
    first = shown.paint(update, COLORS, SIZE)
    shown.forget()
    assert shown.paint(update, COLORS, SIZE) == first
    assert shown.paint(update, COLORS, (WIDTH + 1, HEIGHT)) == first
    assert shown.paint(update, ColorSystem.EIGHT_BIT, (WIDTH + 1, HEIGHT)) == first
    assert shown.paint(update, ColorSystem.EIGHT_BIT, (WIDTH + 1, HEIGHT)) == ""


def test_what_is_of_another_kind_is_left_to_the_framework() -> None:
    shown = ScreenDiff()
    assert shown.can_diff(full([[Segment("a")], [], [], []]))
    assert not shown.can_diff(PaintedUpdate("text"))
    assert PaintedUpdate("text").render_segments(TRUECOLOR) == "text"


def test_a_link_is_text_alone() -> None:
    pieces = [Segment("a", Style(bold=True)), Segment("b", Style(link="https://gale.kore.ai"))]
    text = ScreenDiff().paint(full([pieces, [], [], []]), COLORS, SIZE)
    assert "\x1b[1ma\x1b[0mb" in text
    assert "kore" not in text


def test_bold_ends_where_dim_goes_on() -> None:
    pieces = [Segment("a", Style(bold=True, dim=True)), Segment("b", Style(dim=True)), Segment("c")]
    assert "\x1b[1;2ma\x1b[22;2mb\x1b[0mc" in ScreenDiff().paint(full([pieces, [], [], []]), COLORS, SIZE)


def test_fewer_colours_where_the_terminal_has_fewer() -> None:
    pieces = [Segment("a", Style(color="#ff0000"))]
    assert "\x1b[38;5;196ma" in ScreenDiff().paint(full([pieces, [], [], []]), ColorSystem.EIGHT_BIT, SIZE)


def test_no_colour_is_sent_where_none_is_wanted() -> None:
    ground = Color.parse("#000000")
    base, badge = Style(color="#ffffff", bgcolor="#000000"), Style(color="#ffffff", bgcolor="#c7362f", bold=True)
    link = Style(link="https://gale.kore.ai", color="#ff0000")
    pieces = [Segment("plain", base), Segment("PROD", badge), Segment("link", link)]
    text = ScreenDiff().paint(full([pieces, [], [], []]), None, SIZE, ground=ground)
    assert "plain" in text
    assert "\x1b[1;7mPROD" in text
    assert not re.search(r"\x1b\[[\d;]*\b(3|4|9|10)\d\b[\d;]*m", text)


def test_only_ascii_is_sent_where_the_terminal_has_nothing_else() -> None:
    pieces = [Segment("│ ✓ saved… Bänk 日"), Segment("┐")]
    update = full([pieces, [], [], []])
    assert "| + saved~ B?nk ??+" in ScreenDiff().paint(update, COLORS, SIZE, ascii_in="ascii")
    assert "Bänk 日" in ScreenDiff().paint(update, COLORS, SIZE, ascii_in="utf-8")


async def test_partial_updates_add_up_to_the_full_picture() -> None:
    """Whatever happens in the table, the terminal shows what a full repaint would show."""
    chance = random.Random(7)  # noqa: S311  # a repeatable walk, not a secret
    table, header = JobTable(), HeaderBar()
    table.tick(NOON)
    jobs = {number: job(number) for number in range(9)}
    table.set_jobs(jobs.values())
    app = WidgetApp(header, table)
    width, height = 90, 14
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        screen = pyte.Screen(width, height)
        stream = pyte.Stream(screen)
        number, now = 9, NOON
        for step in range(150):
            which = chance.choice(sorted(jobs))
            match chance.randrange(9):
                case 0:
                    jobs[number] = job(number, created_at=now + chance.choice((1, -9000)), label=f"Leave Bot {number}")
                    table.apply(added(jobs[number]))
                    number += 1
                case 1 if len(jobs) > 5:
                    table.apply(forgotten(jobs.pop(which)))
                case 2:
                    jobs[which] = replace(jobs[which], percentage=float(chance.randrange(101)))
                    table.apply(changed(jobs[which]))
                case 3:
                    done = replace(jobs[which], state=JobState.SUCCEEDED, status="SUCCESS", ended_at=now)
                    jobs[which] = done.with_download(state=DownloadState.SAVED, size=chance.randrange(10**7))
                    table.apply(changed(jobs[which]))
                case 4:
                    now += chance.choice((5, 15))
                    table.tick(now)
                case 5:
                    table.select(jobs[which].id)
                case 6:
                    table.toggle_mark(jobs[which].id)
                case 7:
                    table.scroll_to(y=chance.randrange(5), animate=False)
                case _:
                    counts = JobCounts()
                    counts.running, counts.saved, counts.failed = chance.randrange(12), step, chance.randrange(3)
                    header.show(STAGING, "", counts, ())
            await pilot.pause()
            for text in app.sent:
                stream.feed(text)
            app.sent.clear()
            # The last column is the scrollbar's.
            lines = [*shown(header), *shown(table)]
            assert [line[:-1] for line in screen.display] == [line[:-1] for line in lines], step
