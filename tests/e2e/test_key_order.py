"""Keys are handled in the order in which they were typed, whatever opens meanwhile."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.e2e.terminal import GALE_TUI, PtyProgram, environ_for

DOWN, ENTER, ESC = "\x1b[B", "\r", "\x1b"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[PtyProgram]:
    argv = [*GALE_TUI, "--demo", "--keep", str(tmp_path / "demo")]
    with PtyProgram(argv, environ_for(tmp_path / "account"), width=110, height=30) as program:
        program.wait_for("No exports yet")
        yield program


def press(program: PtyProgram, keys: Sequence[str], packet: bool) -> None:
    """Sends keys in one packet, or each in one of its own, faster than a screen opens."""
    if packet:
        program.type("".join(keys))
        return
    for key in keys:
        program.type(key)
        threading.Event().wait(0.002)


@pytest.mark.parametrize("packet", [True, False])
def test_the_second_offered_tool_is_exported(demo: PtyProgram, packet: bool) -> None:
    for at in range(1, 5):
        press(demo, ["n", DOWN, ENTER], packet)
        demo.wait_for(re.compile(r"(Leave Bot[^\n]*sandbox[^\n]*\n[^\n]*)" + f"{{{at}}}"))
    assert "Banking" not in demo.screen()


BEHIND = {
    "help": (["?", ESC, "n", *"abc"], r"Tool ID[^\n]* abc "),
    "track dialog": (["t", *"ds-1"], r"Dock status[^\n]* ds-1 "),
    "picker, then form": (["v", ESC, "n", *"xyz"], r"Tool ID[^\n]* xyz "),
    "filter": (["/", *"Leave", ENTER, "n", *"q"], r"Tool ID[^\n]* q "),
    "environment form": (["c", "n", *"alpha", "\t", *"gale"], r"Name[^\n]* alpha [^~]*Host[^\n]* gale "),
}
"""Keys, and what is on the screen once those behind have reached what the first of them opens."""


@pytest.mark.parametrize("packet", [True, False])
def test_what_is_typed_behind_a_key_goes_to_what_that_opens(demo: PtyProgram, packet: bool) -> None:
    for name, (keys, shown) in BEHIND.items():
        with naming(name):
            press(demo, keys, packet)
            demo.wait_for(re.compile(shown), 60)
            # The environment form is the last: it asks before it closes.
            if name != "environment form":
                demo.type(ESC)
                demo.wait_gone(re.compile(shown))


@contextlib.contextmanager
def naming(case: str) -> Iterator[None]:
    """Says in which case of a test an assertion failed."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{case}: {error}") from None


@pytest.mark.parametrize("packet", [True, False])
def test_menus_of_a_saved_job_take_the_keys_behind(demo: PtyProgram, packet: bool) -> None:
    press(demo, ["n", ENTER], packet)
    demo.wait_for(re.compile(r"SUCCESS .*saved +\d"))
    press(demo, ["y", DOWN, ENTER], packet)
    demo.wait_for("Copied the tool id")
    press(demo, ["i", "q", "n", *"xyz"], packet)
    demo.wait_for(re.compile(r"Tool ID[^\n]* xyz "))
