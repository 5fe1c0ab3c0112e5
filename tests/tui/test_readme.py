"""README.md says what the program does: its keys, exit codes and commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gale_tui.cli import main as cli
from gale_tui.tui.actions import ACTIONS, Place
from gale_tui.tui.key_names import key_text

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def section(heading: str) -> str:
    """What stands below a heading, up to the next one of any level."""
    match = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", README, re.MULTILINE | re.DOTALL)
    assert match is not None, f"README.md has no heading {heading!r}"
    return match[1]


def table(heading: str) -> list[str]:
    """The rows of the section's first table, without its head."""
    return [line for line in section(heading).splitlines() if line.startswith("|")][2:]


def test_the_keys_that_it_names_are_those_of_the_list_of_jobs() -> None:
    keys = {key_text(each.keys[0]) for each in ACTIONS if each.place is Place.JOBS}
    named = [re.findall(r"`([^`]+)`", row)[0] for row in table("Keys")]
    assert len(named) == 12
    assert set(named) <= keys


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 200


def test_the_exit_codes_are_those_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["export", "--help"])
    listed = capsys.readouterr().out.split("exit codes:")[1].split("\n\n")[0]
    codes = re.findall(r"(?:^|·) *(\d+) ", listed, re.MULTILINE)
    rows = [row for row in section("Without a screen").splitlines() if re.match(r"\| \d", row)]
    assert codes
    assert [re.findall(r"\d+", row)[0] for row in rows] == codes


@pytest.mark.parametrize("name", ["demo", "tests"])
def test_the_two_commands_are_single_lines(name: str) -> None:
    match = re.search(rf"^<!-- command: {name} -->\n```\w*\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)
    assert match is not None
    assert "\n" not in match[1]


def test_every_file_that_it_names_is_there() -> None:
    names = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r"`((?:tests|gale_tui|\.ci)/[\w./]+)`", README)
    missing = [name for name in names if not (ROOT / name).exists()]
    assert missing == []
