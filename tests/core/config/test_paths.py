"""Where files are: one folder, or the platform's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gale_tui.core.config.paths import Paths


def test_one_folder_holds_everything(tmp_path: Path) -> None:
    paths = Paths.find({"GALE_TUI_HOME": str(tmp_path / "g")})
    assert paths.home == tmp_path / "g"
    assert paths.config_file == tmp_path / "g" / "config.toml"
    assert paths.store_file == tmp_path / "g" / "jobs.sqlite3"
    assert paths.log_file == tmp_path / "g" / "gale-tui.log"
    assert paths.downloads == tmp_path / "g" / "downloads"
    assert not (tmp_path / "g").exists(), "nothing is made before it is needed"


def test_home_is_made_absolute(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Paths.find({"GALE_TUI_HOME": "some/where"}).home == tmp_path / "some" / "where"
    assert Paths.find({"GALE_TUI_HOME": "~/gale"}).home == own_home / "gale"
    assert Paths.find({"GALE_TUI_HOME": "~nobody-of-this-name/g"}).home == tmp_path / "~nobody-of-this-name" / "g"


@pytest.mark.parametrize("environ", [{}, {"GALE_TUI_HOME": ""}, {"GALE_TUI_HOME": "  "}])
def test_without_it_the_platform_decides(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    paths = Paths.find(environ)
    assert paths.home is None
    assert paths.config_file == tmp_path / "CONFIG" / "gale-tui" / "config.toml"
    assert paths.store_file == tmp_path / "DATA" / "gale-tui" / "jobs.sqlite3"
    assert paths.log_file == tmp_path / "STATE" / "gale-tui" / "gale-tui.log"
    assert paths.downloads.is_absolute()
