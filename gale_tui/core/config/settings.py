"""The settings: the `[settings]` table of `config.toml`, its defaults and checks."""

from __future__ import annotations

import os
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

Theme = Literal["", "gale-dark", "gale-light"]
Clipboard = Literal["osc52", "off"]
Notifications = Literal["bell", "desktop", "both", "off"]
Glyphs = Literal["auto", "unicode", "ascii"]

DEFAULT_PATTERN = "{name}--{environment}--{time}"
PATTERN_FIELDS = ("name", "environment", "time", "tool", "label")


@dataclass(frozen=True, slots=True)
class Settings:
    theme: Theme = ""
    """Empty for the dark one."""
    download_dir: Path | None = None
    """Where files go; None for the platform's downloads folder."""
    filename_pattern: str = DEFAULT_PATTERN
    """Name of a saved file without `.zip`; may use {name}, {environment}, {time}, {tool} and {label}."""
    save_when_ready: bool = True
    """Last position of the switch in the export form."""
    poll_floor: float = 2.0
    """Minimum seconds between polls of a job, 1 to 60."""
    clipboard: Clipboard = "osc52"
    """How text is copied: through the terminal, or shown only."""
    notifications: Notifications = "bell"
    """How the end of a job is signalled while the terminal has no focus."""
    terminal_title: bool = True
    """Whether the terminal's title shows the number of running jobs."""
    glyphs: Glyphs = "auto"
    """Characters for states: what the terminal can show, or forced."""
    mouse: bool = True
    last_environment: str | None = None
    """Id of the environment for new exports."""
    seen_welcome: bool = False
    """Whether the first-run page was closed."""
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Keys by action id, several separated by commas; they replace the action's own."""


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _line(value: object) -> str:
    if not isinstance(value, str) or len(value) > 200 or not value.isprintable():
        raise ValueError("must be one line of text")
    return value.strip()


def _optional_line(value: object) -> str | None:
    return None if value is None else _line(value) or None


def _folder(value: object) -> Path | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("must be a path")
        value = Path(value)
    if not isinstance(value, Path):
        raise ValueError("must be a path, as text")
    folder = Path(os.path.expanduser(value))
    if not folder.is_absolute():
        raise ValueError("must be an absolute path or begin with ~")
    return folder


def _seconds(low: float, high: float) -> Callable[[object], float]:
    def check(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"must be a number of seconds from {low:g} to {high:g}")
        return float(value)

    return check


def _choice(kind: Any) -> Callable[[object], str]:
    choices: tuple[str, ...] = get_args(kind)

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError("must be " + " or ".join(f'"{choice}"' for choice in choices))
        return value

    return check


def _pattern(value: object) -> str:
    text = _line(value)
    try:
        fields = [part[1:] for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError:
        raise ValueError("has a brace that is not closed or not opened") from None
    if any(name not in PATTERN_FIELDS or spec or conversion for name, spec, conversion in fields):
        raise ValueError("may use " + ", ".join(f"{{{name}}}" for name in PATTERN_FIELDS) + " only")
    if not text or "/" in text or "\\" in text:
        raise ValueError("must be a file name, without a folder")
    return text


def _keys(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a table of action = key")
    keys: dict[str, str] = {}
    for action, key in value.items():
        if not isinstance(action, str) or not isinstance(key, str) or not action or not key.strip():
            raise ValueError(f"needs a key, as text, for {action!r}")
        keys[action] = key.strip()
    return MappingProxyType(keys)


_CHECKS: Mapping[str, Callable[[object], object]] = {
    "theme": _choice(Theme),
    "download_dir": _folder,
    "filename_pattern": _pattern,
    "save_when_ready": _flag,
    "poll_floor": _seconds(1, 60),
    "clipboard": _choice(Clipboard),
    "notifications": _choice(Notifications),
    "terminal_title": _flag,
    "glyphs": _choice(Glyphs),
    "mouse": _flag,
    "last_environment": _optional_line,
    "seen_welcome": _flag,
    "keys": _keys,
}


def parse_settings(table: object) -> tuple[Settings, tuple[str, ...]]:
    """Reads the `[settings]` table.

    Returns:
        The settings, with defaults for invalid values, and a sentence for each of those.
    """
    if not isinstance(table, Mapping):
        return Settings(), ("“settings” in config.toml is not a table, so the defaults are used.",)
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in table.items():
        check = _CHECKS.get(name)
        if check is None:
            problems.append(f"Unknown setting “{_shown(name)}” is ignored.")
            continue
        try:
            values[name] = check(value)
        except ValueError as error:
            problems.append(f"The setting “{name}” {error}; the default is used.")
    return Settings(**values), tuple(problems)


def check_setting(name: str, value: object) -> object:
    """The checked value of a setting.

    Raises:
        KeyError: There is no such setting.
        ValueError: It is invalid; the message continues the setting's name, as in "must be true or false".
    """
    return _CHECKS[name](value)


def as_toml(value: object) -> object:
    """A setting's value as TOML; None if its line is left out."""
    if isinstance(value, Path):
        return str(value)
    return dict(value) or None if isinstance(value, Mapping) else value


def _shown(name: object) -> str:
    text = str(name)
    return text if text.isprintable() and len(text) <= 60 else ascii(text)[:60]
