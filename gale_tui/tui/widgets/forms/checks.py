"""Checks of fields, and the tidying of a pasted line."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gale_tui.core.errors import ConfigError
from gale_tui.core.filesystem import check_folder
from gale_tui.core.identifiers import clean_key, parse_host

Level = Literal["hint", "note", "warning", "problem"]

_QUOTES = "\"'`“”‘’«»"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check; without a text nothing was found."""

    text: str = ""
    level: Level = "hint"
    """Only a `problem` keeps a form from being sent."""


Check = Callable[[str], Finding]


def check_with(clean: Callable[[str], object], fine: Check = lambda text: Finding()) -> Check:
    """A check out of a function that raises `ConfigError` where a value cannot be used.

    Args:
        fine: Returns a note about a valid value; by default none.
    """

    def check(text: str) -> Finding:
        try:
            clean(text)
        except ConfigError as error:
            return Finding(str(error), "problem")
        return fine(text)

    return check


def tidy_line(text: str) -> str:
    """A pasted line without outer white space, quotes and unprintable characters."""
    return "".join(character for character in text.strip().strip(_QUOTES).strip() if character.isprintable())


def tidy_id(text: str) -> str:
    """A pasted id, also without the colon of the vendor's route notation ``:{toolId}``."""
    return tidy_line(tidy_line(text).removeprefix(":"))


def folder_of(text: str) -> Path:
    """The folder that a person types: ``~`` is the home folder, a relative one starts where the program was started.

    Raises:
        ConfigError: It is no path.
    """
    try:
        if "\0" in text:
            raise ValueError
        path = Path(text.strip()).expanduser()
        return path if path.is_absolute() else Path.cwd() / path
    except (RuntimeError, OSError, ValueError):
        raise ConfigError("This is not a folder", "Type one like ~/exports") from None


def folder_finding(text: str) -> Finding:
    """Checks that files can be saved in a folder. Reads the disk: call it on a thread."""
    try:
        path = folder_of(text)
        check_folder(path, chosen=False)
    except ConfigError as error:
        return Finding(str(error), "problem")
    typed = path == Path(text.strip()).expanduser()
    if path.is_dir():
        return Finding("" if typed else str(path))
    return Finding("Will be created." if typed else f"{path} will be created.", "note")


def command_of(text: str) -> tuple[str, ...]:
    """The words of a command line as a shell splits it.

    Raises:
        ConfigError: It is none.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        raise ConfigError("A quote is not closed", "Write it as in a shell: pass show gale/staging") from None
    if not words:
        raise ConfigError("The program is missing", "For example: pass show gale/staging")
    return words


def host_note(text: str) -> Finding:
    """The origin of a valid host, if it differs from the typed text."""
    origin = parse_host(text)
    return Finding("" if origin.display == text.strip() else f"Means {origin}.", "note")


def key_note(text: str) -> Finding:
    """A warning of a key in an unusual shape."""
    usual = clean_key(text).reveal().startswith("kg-")
    return Finding("" if usual else "Most keys begin with kg-; this one does not.", "warning")
