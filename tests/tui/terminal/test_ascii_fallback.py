"""Terminals that have ASCII alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from gale_tui.tui.terminal.ascii_fallback import plain_strip, plain_text
from tests.tui.demo_app import demo_app, saved_job, until
from tests.tui.real_app import screen_text


@pytest.mark.parametrize(
    ("text", "encoding", "plain"),
    [
        ("╭─┬╮│├┼┤╰┴╯", "utf-8", "+-++|+++" + "+++"),
        ("▌PROD▐ ● ✓ ✗ ◌ ◆ ↑↓←→ ▲▼", "utf-8", "|PROD| * + x o > ^v<> ^v"),
        ("“it’s” 3 × 4 – ‹U+202E› ····", "utf-8", '"it\'s" 3 x 4 - <U+202E> ----'),
        ("Bänk 日本", "utf-8", "Bänk 日本"),
        ("Bänk 日本", "latin-1", "Bänk ????"),
        ("Bänk 日本", "ascii", "B?nk ????"),
        ("😀 ☃", "utf-8", "?? ?"),
    ],
)
def test_signs_become_ascii_in_as_many_cells(text: str, encoding: str, plain: str) -> None:
    assert plain_text(text, encoding) == plain
    assert cell_len(plain) == cell_len(text)


def test_an_ellipsis_becomes_three_dots_where_there_is_room() -> None:
    strip = Strip([Segment("Reading …"), Segment("   │ cut…")])
    plain = plain_strip(strip, "ascii")
    assert plain.text == "Reading ... | cut~"
    assert plain.cell_length == strip.cell_length == cell_len(plain.text)


async def test_every_screen_is_ascii_where_that_is_set(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "demo", 'glyphs = "ascii"') as (app, pilot):
        await saved_job(app, pilot)
        shown = {"jobs": screen_text(app)}
        for name, keys, back in (
            ("filter", ("slash",), 1),
            ("form", ("n",), 2),
            ("details", ("enter",), 1),
            ("copy", ("y",), 1),
            ("track", ("t",), 1),
            ("settings", ("comma",), 1),
            ("environments", ("c",), 1),
            ("help", ("f1",), 1),
            ("palette", ("ctrl+p",), 1),
            ("inspect", ("i",), 1),
            ("search", ("i", "slash"), 2),
            ("batch", ("b",), 1),
        ):
            await pilot.press(*keys)
            await pilot.pause(0.05)
            shown[name] = screen_text(app)
            await pilot.press(*["escape"] * back)
            await until(pilot, lambda: app.screen is app.jobs_screen)
        assert len(set(shown.values())) == len(shown), "each of them was seen"
        assert {name: text for name, text in shown.items() if not text.isascii()} == {}
        assert "down Next job" in shown["filter"]
        assert "right Change" in shown["settings"]


async def test_it_is_ascii_as_soon_as_it_is_set_and_no_longer_when_it_is_not(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "demo", 'glyphs = "unicode"') as (app, pilot):
        await pilot.press("comma", "down")
        await pilot.pause()
        assert "│" in screen_text(app)
        await pilot.press("right")
        await until(pilot, lambda: screen_text(app).isascii())
        await pilot.press("left")
        await until(pilot, lambda: "│" in screen_text(app) and "→ Change" in screen_text(app))
