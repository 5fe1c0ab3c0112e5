"""Where the tools of an environment are unpacked below a repository's folder."""

from __future__ import annotations

import json
from pathlib import Path

from gale_tui.core.source.repository import find_tool_folder, tool_folder


def test_environments_whose_names_make_the_same_folder_name_do_not_share_one(tmp_path: Path) -> None:
    names = ("prod eu", "prod-eu", "prod/eu")
    folders = [tool_folder(tmp_path, name, "a-1", "cf-1", "Tool") for name in names]
    assert [folder.relative_to(tmp_path).as_posix() for folder in folders] == [
        "prod-eu/tool", "prod-eu-2/tool", "prod-eu-3/tool",
    ]  # fmt: skip
    assert [tool_folder(tmp_path, name, "a-1", "cf-1", "Tool") for name in names] == folders
    assert [find_tool_folder(tmp_path, name, "a-1", "cf-1") for name in names] == folders
    assert find_tool_folder(tmp_path, "prod:eu", "a-1", "cf-1") is None


def test_the_folder_of_an_index_that_names_no_environment_is_used_on(tmp_path: Path) -> None:
    (tmp_path / "prod").mkdir()
    (tmp_path / "prod" / "tools.json").write_text(json.dumps({"a-1/cf-1": "tool"}))
    assert tool_folder(tmp_path, "prod", "a-1", "cf-1", "Tool") == tmp_path / "prod" / "tool"
    assert tool_folder(tmp_path, "prod", "a-2", "cf-2", "Tool") == tmp_path / "prod" / "tool-2"
