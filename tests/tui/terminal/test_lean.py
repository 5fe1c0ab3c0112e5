"""What the lean compositor sends gives the picture that the framework's own rendering gives, in fewer bytes."""

from __future__ import annotations

import io
import random
from dataclasses import replace

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import Compositor
from textual.strip import Strip

from gale_tui.core.models import DownloadState, JobState
from gale_tui.tui.formatting.glyphs import UNICODE
from gale_tui.tui.terminal.lean import LeanChops, LeanModalScreen, LeanScreen, paints_lean, sgr_text
from gale_tui.tui.widgets.header import HeaderBar
from gale_tui.tui.widgets.tables.job_table import JobTable
from tests.tui.jobs_for_tests import NOON, TRUECOLOR, WidgetApp, added, changed, forgotten, job, shown

colors = st.sampled_from([None, "#ff0000", "#102030", "red", "color(200)"])
flags = st.sampled_from([None, False, True])
styles = st.builds(
    Style,
    color=colors,
    bgcolor=colors,
    bold=flags,
    italic=flags,
    underline=flags,
    reverse=flags,
    strike=flags,
)
segments = st.builds(Segment, st.text("abc ä人", min_size=1, max_size=5), st.one_of(st.none(), styles), st.none())


def picture(text: str, columns: int = 60, lines: int = 1) -> list[list[tuple[object, ...]]]:
    """What a terminal shows: characters with their colours and attributes."""
    screen = pyte.Screen(columns, lines)
    pyte.Stream(screen).feed(text)
    return [[tuple(screen.buffer[y][x]) for x in range(columns)] for y in range(lines)]


def visible(cell: pyte.screens.Char) -> pyte.screens.Char:
    """The cell without what cannot be seen of it: the foreground of a blank."""
    return cell._replace(fg="default") if cell.data == " " and not cell.reverse else cell


@given(st.lists(segments, max_size=8))
def test_the_same_picture_as_the_plain_rendering(pieces: list[Segment]) -> None:
    lean = sgr_text(pieces, TRUECOLOR)

    assert picture(lean + "end") == picture(Strip(pieces).render(TRUECOLOR) + "end")


def test_only_what_differs_is_said() -> None:
    base = Style(bgcolor="#102030")
    pieces = [Segment("a", base + Style(color="#ff0000")), Segment("b", base + Style(color="#00ff00"))]

    assert sgr_text(pieces, TRUECOLOR) == ("\x1b[38;2;255;0;0;48;2;16;32;48ma\x1b[38;2;0;255;0mb\x1b[0m")


def test_dim_survives_the_end_of_bold() -> None:
    pieces = [Segment("a", Style(bold=True, dim=True)), Segment("b", Style(dim=True)), Segment("c")]

    assert sgr_text(pieces, TRUECOLOR) == "\x1b[1;2ma\x1b[22;2mb\x1b[0mc"


def test_links_are_left_to_the_framework() -> None:
    text = sgr_text([Segment("a", Style(bold=True)), Segment("b", Style(link="https://gale.kore.ai"))], TRUECOLOR)

    assert "\x1b]8;" in text
    assert text.startswith("\x1b[1ma\x1b[0m")


def test_fewer_colours_are_used_where_the_terminal_has_fewer() -> None:
    few = Console(file=io.StringIO(), force_terminal=True, color_system="256")

    assert sgr_text([Segment("a", Style(color="#ff0000"))], few) == "\x1b[38;5;196ma\x1b[0m"


async def test_partial_updates_add_up_to_the_full_picture() -> None:
    """Whatever happens in the table, the terminal shows what a full repaint would show."""
    chance = random.Random(7)  # noqa: S311  # a repeatable walk, not a secret
    table, header = JobTable(glyphs=UNICODE), HeaderBar(glyphs=UNICODE)
    table.tick(NOON)
    jobs = {number: job(number) for number in range(9)}
    table.set_jobs(jobs.values())
    app = WidgetApp(header, table)
    width, height = 90, 14
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        app.sent.clear()
        app.screen.refresh()
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
                    now += chance.choice((1, 5))
                    table.tick(now)
                case 5:
                    table.select(jobs[which].id)
                case 6:
                    table.toggle_mark(jobs[which].id)
                case 7:
                    table.scroll_to(y=chance.randrange(5), animate=False)
                case _:
                    header.show(
                        environment="staging",
                        host="staging-agent-platform.kore.ai",
                        running=chance.randrange(12),
                        saved=step,
                        failed=chance.randrange(3),
                    )
            await pilot.pause()
            for text in app.sent:
                stream.feed(text)
            app.sent.clear()
            # The last column is the scrollbar's.
            lines = [*shown(header), *shown(table)]
            assert [line[:-1] for line in screen.display] == [line[:-1] for line in lines], step
        app.screen.refresh()
        await pilot.pause()
        whole = pyte.Screen(width, height)
        pyte.Stream(whole).feed(app.sent[-1])

        assert screen.display == whole.display
        differing = [
            (x, y)
            for y in range(height)
            for x in range(width)
            if visible(screen.buffer[y][x]) != visible(whole.buffer[y][x])
        ]
        assert differing == []


def test_cells_that_are_not_there_are_jumped_over() -> None:
    line = {0: Strip([Segment("abc")]), 3: None, 6: Strip([Segment("ghi")])}
    update = LeanChops([line], [(0, 1, 8)], [[3, 6, 9]])

    assert picture("-" * 9 + update.render_segments(TRUECOLOR), 9) == picture("-bc---gh-", 9)


async def test_a_full_update_is_smaller_than_the_framework_s() -> None:
    table = JobTable(glyphs=UNICODE)
    table.set_jobs(job(number) for number in range(20))
    app = WidgetApp(HeaderBar(), table)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        plain = Compositor.render_full_update(app.noting.compositor).render_segments(TRUECOLOR)
        lean = app.noting.compositor.render_full_update().render_segments(TRUECOLOR)

        assert picture(lean, 80, 24) == picture(plain, 80, 24)
        assert len(lean) < 0.85 * len(plain)


def test_screens_paint_lean() -> None:
    assert paints_lean(LeanScreen())
    assert paints_lean(LeanModalScreen())
