"""README.md says what the program does: its keys, exit codes and commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gale_tui.cli import main as cli
from gale_tui.tui.actions import ACTIONS, Place
from gale_tui.tui.key_names import key_text
from gale_tui.tui.screens.help import STATES

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


@pytest.mark.parametrize(
    ("place", "heading"),
    [(Place.JOBS, "In the list of jobs"), (Place.EVERYWHERE, "Everywhere")],
)
def test_the_keys_are_those_of_the_actions(place: Place, heading: str) -> None:
    rows = []
    for each in ACTIONS:
        if each.place is place and each.keys:
            keys = " ".join(f"`{key_text(key)}`" for key in each.keys)
            rows.append(f"| {keys} | {each.help} |")
    assert table(heading) == rows


@pytest.mark.parametrize(
    ("place", "heading"),
    [
        (Place.TABLE, "In the list of jobs"),
        (Place.FILTER, "In the list of jobs"),
        (Place.DETAILS, "In a job's details"),
        (Place.INSPECT, "In a saved file"),
        (Place.COMPARE, "In a saved file"),
        (Place.SEARCH, "In a saved file"),
        (Place.BATCH, "In a batch"),
        (Place.FORM, "In the forms"),
        (Place.ENVIRONMENT_FORM, "In the forms"),
        (Place.ENVIRONMENTS, "In the list of environments"),
    ],
)
def test_the_keys_of_other_places_are_named(place: Place, heading: str) -> None:
    keys = {key_text(key) for each in ACTIONS if each.place is place for key in each.keys}
    assert keys
    assert keys - set(re.findall(r"`([^`]+)`", section(heading))) == set()


def test_the_exit_codes_are_those_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["export", "--help"])
    listed = capsys.readouterr().out.split("exit codes:")[1].split("\n\n")[0]
    codes = re.findall(r"(?:^|·) *(\d+) ", listed, re.MULTILINE)
    rows = [row for row in section("Without a screen").splitlines() if re.match(r"\| \d", row)]
    assert codes
    assert [re.findall(r"\d+", row)[0] for row in rows] == codes


def test_the_words_are_those_of_the_help() -> None:
    text = section("What the words mean")
    missing = [word for word, _ in STATES if f"`{word}`" not in text]
    assert missing == []


@pytest.mark.parametrize("name", ["demo", "tests"])
def test_the_two_commands_are_single_lines(name: str) -> None:
    match = re.search(rf"^<!-- command: {name} -->\n```\w*\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)
    assert match is not None
    assert "\n" not in match[1]


def test_every_file_that_it_names_is_there() -> None:
    names = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r"`((?:tests|gale_tui|\.ci)/[\w./]+)`", README)
    missing = [name for name in names if not (ROOT / name).exists()]
    assert missing == []
