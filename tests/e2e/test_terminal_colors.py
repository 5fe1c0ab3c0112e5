"""The colours that reach terminals of different kinds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.terminal import GALE_TUI, PtyProgram, environ_for

SGR = re.compile(rb"\x1b\[([\d;]*)m")
SIXTEEN = {*range(30, 38), 39, *range(40, 48), 49, *range(90, 98), *range(100, 108)}


def codes(tmp_path: Path, term: str, **variables: str) -> set[tuple[int, ...]]:
    """Every colour and attribute that the demo's form and table send to such a terminal."""
    environ = environ_for(tmp_path / "account", TERM=term, **variables)
    del environ["COLORTERM"]
    with PtyProgram([*GALE_TUI, "--demo"], environ, width=80, height=24) as program:
        program.wait_for("No exports yet")
        program.type("n")
        program.wait_for("As curl")
        program.type("\r")
        program.wait_for(re.compile(r"IN_PROGRESS|SUCCESS"))
        program.type("q")
        program.wait_for("Banking")
        raw = program.raw
    return {tuple(int(part or 0) for part in found.split(b";")) for found in SGR.findall(raw)}


@pytest.mark.parametrize(
    ("term", "variables"),
    [("vt100", {}), ("xterm-256color", {"NO_COLOR": "1"}), ("linux", {"NO_COLOR": "1"})],
    ids=["vt100", "NO_COLOR", "NO_COLOR on the console"],
)
def test_no_colour_at_all(tmp_path: Path, term: str, variables: dict[str, str]) -> None:
    used = {code for each in codes(tmp_path, term, **variables) for code in each}
    assert used <= {0, 1, 2, 3, 4, 7, 9, 22, 23, 24, 27, 29}
    # What has a ground of its own with colours is in reverse without.
    assert 7 in used


@pytest.mark.parametrize("term", ["linux", "xterm"])
def test_sixteen_colours(tmp_path: Path, term: str) -> None:
    used = {code for each in codes(tmp_path, term) for code in each}
    assert used & {31, 32, 36, 91, 92, 96}
    assert used <= SIXTEEN | {0, 1, 2, 3, 4, 7, 22, 23, 24, 27}


def test_256_colours_are_those_of_the_palette(tmp_path: Path) -> None:
    found = {each for each in codes(tmp_path, "screen-256color") if {38, 48} & set(each)}
    assert found
    numbers = {
        each[at + 2] for each in found for at, code in enumerate(each) if code in (38, 48) and len(each) > at + 2
    }
    # No ground or text falls into the terminal's own first sixteen, or rounds to navy.
    assert not numbers & {*range(16), 18, 19, 20}
