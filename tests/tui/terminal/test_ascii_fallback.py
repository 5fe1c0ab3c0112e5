"""Terminals that have ASCII alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from gale_tui.tui.terminal.ascii_fallback import ascii_text
from tests.e2e.terminal import GALE_TUI, PtyProgram, environ_for, wait_until


@pytest.mark.parametrize(
    ("text", "encoding", "plain"),
    [
        ("╭─┬╮│├┼┤╰┴╯", "utf-8", "+-++|+++" + "+++"),
        ("▌PROD▐ ● ✓ ✗ ◌ ◆ ↑↓←→ ▲▼", "utf-8", "|PROD| * + x o > ^v<> ^v"),
        ("◆… Leave B… … ~", "utf-8", ">. Leave B~ ~ ~"),
        ("“it’s” 3 × 4 – ‹U+202E› ····", "utf-8", '"it\'s" 3 x 4 - <U+202E> ----'),
        ("Bänk 日本", "utf-8", "Bänk 日本"),
        ("Bänk 日本", "latin-1", "Bänk ????"),
        ("Bänk 日本", "ascii", "B?nk ????"),
        ("😀 ☃", "utf-8", "?? ?"),
    ],
)
def test_signs_become_ascii_in_as_many_cells(text: str, encoding: str, plain: str) -> None:
    assert ascii_text(text, encoding) == plain
    assert cell_len(plain) == cell_len(text)


SCREENS = {
    "filter": ("/", "down Next job", "\x1b"),
    "form": ("n", "As curl", "\x1b\x1b"),
    "details": ("\r", "Timeline", "\x1b"),
    "copy": ("y", "Copy: ", "\x1b"),
    "track": ("t", "Track an export", "\x1b"),
    "settings": (",", "right Change", "\x1b"),
    "environments": ("c", "+- Environments", "\x1b"),
    "help": ("?", "Help: Export jobs", "\x1b"),
    "palette": (":", "Search actions", "\x1b"),
    "inspect": ("i", "Banking Assistant--", "\x1b"),
    "batch": ("b", "+- Batch", "\x1b"),
}
"""Keys that open each screen, what is on it then, keys back."""


def test_every_screen_is_ascii_where_the_locale_is(tmp_path: Path) -> None:
    environ = environ_for(tmp_path / "account", LC_ALL="C")
    # Fresh: Python reads the locale when it starts.
    with PtyProgram([*GALE_TUI, "--demo"], environ, width=80, height=24, fresh=True) as program:
        program.wait_for("No exports yet")
        program.type("n")
        program.wait_for("As curl")
        program.type("\r")
        program.wait_for(re.compile("SUCCESS.*saved"))
        for keys, text, back in SCREENS.values():
            program.type(keys)
            program.wait_for(text)
            program.type(back)
            program.wait_gone(text)
        program.type("q")
        assert program.exit_code() == 0
        assert program.raw.isascii()


def test_it_is_ascii_as_soon_as_it_is_set_and_no_longer_when_it_is_not(tmp_path: Path) -> None:
    with PtyProgram([*GALE_TUI, "--demo"], environ_for(tmp_path / "account"), width=80, height=24) as program:
        program.wait_for("No exports yet")
        program.type(",")
        program.wait_for("→ Change")
        program.type("\x1b[B\x1b[C\x1b[C")
        wait_until(lambda: program.screen().isascii(), "a screen in ASCII")
        assert "right Change" in program.screen()
        program.type("\x1b[D")
        program.wait_for("→ Change")
