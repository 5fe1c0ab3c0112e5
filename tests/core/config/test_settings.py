"""Settings: a bad value costs that value alone, and is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from gale_tui.core.config.config_file import ConfigFile
from gale_tui.core.config.settings import Settings, parse_settings
from gale_tui.core.errors import ConfigError


def test_nothing_written_means_defaults() -> None:
    assert parse_settings({}) == (Settings(), ())


def test_every_setting_can_be_read(own_home: Path) -> None:
    settings, problems = parse_settings(
        {
            "theme": "gale-light",
            "download_dir": "~/exports",
            "filename_pattern": "{label} {time}",
            "save_when_ready": False,
            "poll_floor": 5,
            "clipboard": "off",
            "notifications": "both",
            "terminal_title": False,
            "glyphs": "ascii",
            "mouse": False,
            "last_environment": "staging",
            "seen_welcome": True,
            "keys": {"export.new": "ctrl+n, n"},
        }
    )
    assert problems == ()
    assert settings == Settings(
        theme="gale-light",
        download_dir=own_home / "exports",
        filename_pattern="{label} {time}",
        save_when_ready=False,
        poll_floor=5.0,
        clipboard="off",
        notifications="both",
        terminal_title=False,
        glyphs="ascii",
        mouse=False,
        last_environment="staging",
        seen_welcome=True,
        keys={"export.new": "ctrl+n, n"},
    )


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("theme", 3, '"gale-dark" or "gale-light"'),
        ("theme", "nord", '"gale-dark" or "gale-light"'),
        ("download_dir", "exports", "absolute"),
        ("download_dir", 1, "path"),
        ("download_dir", "/a\0b", "path"),
        ("filename_pattern", "", "file name"),
        ("filename_pattern", "../{name}", "file name"),
        ("filename_pattern", "{name", "brace"),
        ("filename_pattern", "{name.__class__}", "only"),
        ("filename_pattern", "{name!r}", "only"),
        ("filename_pattern", "{time:>9999999}", "only"),
        ("save_when_ready", "yes", "true or false"),
        ("save_when_ready", 1, "true or false"),
        ("poll_floor", 0.5, "from 1 to 60"),
        ("poll_floor", 61, "from 1 to 60"),
        ("poll_floor", float("nan"), "from 1 to 60"),
        ("poll_floor", True, "from 1 to 60"),
        ("poll_floor", "2", "from 1 to 60"),
        ("poll_floor", 10**400, "from 1 to 60"),
        ("clipboard", "xclip", '"osc52" or "off"'),
        ("notifications", [], '"bell" or'),
        ("glyphs", "emoji", '"auto" or'),
        ("mouse", None, "true or false"),
        ("last_environment", 7, "one line of text"),
        ("last_environment", "a\nb", "one line of text"),
        ("keys", [], "table"),
        ("keys", {"quit": 1}, "'quit'"),
        ("keys", {"quit": " "}, "'quit'"),
    ],
)
def test_a_bad_value_is_said_and_the_default_used(name: str, value: object, why: str) -> None:
    settings, problems = parse_settings({name: value, "seen_welcome": True})
    assert settings == Settings(seen_welcome=True)
    assert len(problems) == 1
    assert name in problems[0]
    assert why in problems[0]


def test_an_unknown_setting_is_said() -> None:
    settings, problems = parse_settings({"tehme\x1b[31m": "gale-light"})
    assert settings == Settings()
    assert "Unknown setting" in problems[0]
    assert "\x1b" not in problems[0]


@pytest.mark.parametrize("table", [3, [], "x"])
def test_settings_that_are_no_table(table: object) -> None:
    settings, problems = parse_settings(table)
    assert settings == Settings()
    assert len(problems) == 1


def test_changes_are_checked_too(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "config.toml")
    assert file.save_settings(theme="gale-light") == Settings(theme="gale-light")
    with pytest.raises(ConfigError, match="The setting “poll_floor” must be a number"):
        file.save_settings(poll_floor=0)
    with pytest.raises(KeyError):
        file.save_settings(nonsense=1)
