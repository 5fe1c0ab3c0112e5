"""`gale-tui diff` as a script runs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from gale_tui.core.source.unpack import unpack
from gale_tui.sandbox.flows import REVISION
from tests.e2e.terminal import GALE_TUI, environ_for
from tests.support.forked import run_forked
from tests.support.saved_exports import documents, write_zip


@pytest.fixture
def exports(tmp_path: Path) -> tuple[Path, Path]:
    """Two exports of a tool that differ in one prompt."""
    return write_zip(tmp_path / "old.zip", documents(1)), write_zip(tmp_path / "new.zip", documents(2))


def diff(tmp_path: Path, *arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return run_forked([*GALE_TUI, "diff", *map(str, arguments)], env=environ_for(tmp_path / "home", **environ))


def test_one_changed_prompt_is_printed_and_nothing_else(tmp_path: Path, exports: tuple[Path, Path]) -> None:
    ended = diff(tmp_path, *exports)
    assert ended.returncode == 1
    assert ended.stderr == ""
    lines = ended.stdout.splitlines()
    assert lines[:5] == [f"--- {exports[0]}", f"+++ {exports[1]}", "", "Nodes", "  ~ Classify request (genAI, n2)"]
    assert lines[5] == "      config.prompt:"
    assert lines[6].startswith("        - You sort")
    assert lines[7].startswith("        + You sort")
    assert lines[7].endswith(REVISION)
    assert len(lines) == 8
    assert list((tmp_path / "home").iterdir()) == [], "it needs no configuration and leaves nothing"


def test_the_same_is_0(tmp_path: Path, exports: tuple[Path, Path]) -> None:
    again = write_zip(tmp_path / "again.zip", documents(1), moment=(2025, 12, 31, 23, 59, 58))
    ended = diff(tmp_path, exports[0], again)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[2:] == ["No difference."]


def test_json_is_one_object(tmp_path: Path, exports: tuple[Path, Path]) -> None:
    ended = diff(tmp_path, *exports, "--json")
    assert ended.returncode == 1
    found = json.loads(ended.stdout)
    assert found["same"] is False
    assert [each["name"] for each in found["nodes"]["changed"]] == ["Classify request"]
    assert found["variables"] == {"added": [], "removed": [], "changed": []}
    assert len(ended.stdout.splitlines()) == 1


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_trouble_is_2(tmp_path: Path, exports: tuple[Path, Path], options: list[str]) -> None:
    other = tmp_path / "notes.zip"
    other.write_text("no zip at all", "utf-8")
    for second, words in (
        (tmp_path / "gone.zip", "is not there"),
        (other, "not a zip"),
        (tmp_path, "not an unpacked tool"),
    ):
        ended = diff(tmp_path, exports[0], second, *options)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert words in ended.stderr
        assert str(second) in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


def test_values_of_variables_and_hostile_names_do_not_reach_the_terminal(
    tmp_path: Path, exports: tuple[Path, Path]
) -> None:
    made = documents(1)
    made["env_variables.json"]["environmentVariables"][0]["value"] = "hidden-value"
    made["flow_definition.json"]["nodes"][0]["name"] = "\x1b]0;title\x07\u202e\x9b31m"
    made["\x1b[2Jextra"] = b"x"
    other = write_zip(tmp_path / "other.zip", made)
    for options in ([], ["--json"]):
        ended = diff(tmp_path, exports[0], other, *options)
        assert ended.returncode == 1
        assert "hidden-value" not in ended.stdout
        assert "core.bank" not in ended.stdout
        for character in "\x1b\x07\u202e\x9b":
            assert character not in ended.stdout + ended.stderr
    assert "another value" in diff(tmp_path, exports[0], other).stdout


def test_a_terminal_without_unicode_gets_escapes(tmp_path: Path, exports: tuple[Path, Path]) -> None:
    made = documents(1)
    made["app_definition.json"]["version"] = "zwölf"
    other = write_zip(tmp_path / "other.zip", made)
    # The encoding is chosen when the interpreter starts.
    ended = subprocess.run(
        [*GALE_TUI, "diff", str(exports[0]), str(other)],
        env=environ_for(tmp_path / "home", LANG="C", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert r"zw\xf6lf" in ended.stdout


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path, exports: tuple[Path, Path]) -> None:
    made = documents(1)
    made["flow_definition.json"]["nodes"] = [{"id": f"m{n}", "type": "x", "name": "N" * 100} for n in range(5000)]
    other = write_zip(tmp_path / "other.zip", made)
    process = subprocess.Popen(
        [*GALE_TUI, "diff", str(exports[0]), str(other)],
        env=environ_for(tmp_path / "home"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 1


def test_folders_are_compared_as_zips_are(tmp_path: Path, exports: tuple[Path, Path]) -> None:
    for archive, folder in zip(exports, ("one", "two"), strict=True):
        unpack(archive, tmp_path / folder)
    one, two = tmp_path / "one", tmp_path / "two"
    zips = diff(tmp_path, *exports).stdout.splitlines()[2:]
    for before, after in ((one, exports[1]), (exports[0], two), (one, two)):
        ended = diff(tmp_path, before, after)
        assert (ended.returncode, ended.stderr) == (1, "")
        assert ended.stdout.splitlines()[2:] == zips
    assert diff(tmp_path, one, exports[0]).returncode == 0


def test_a_clone_without_values_says_so_and_compares_the_rest(tmp_path: Path, exports: tuple[Path, Path]) -> None:
    unpack(exports[0], tmp_path / "clone")
    (tmp_path / "clone/env_values.json").unlink()
    ended = diff(tmp_path, tmp_path / "clone", exports[0])
    assert ended.returncode == 0
    assert ended.stderr.endswith("clone: It has no env_values.json, so values of variables are not compared.\n")
    assert diff(tmp_path, tmp_path / "clone", exports[1]).returncode == 1


def test_an_edited_folder_differs_in_what_was_edited(tmp_path: Path, exports: tuple[Path, Path]) -> None:
    unpack(exports[0], tmp_path / "tree")
    prompt = tmp_path / "tree/nodes/classify-request--n2.config.prompt.md"
    prompt.write_text(prompt.read_text() + "One more line.\nAnd another.\n")
    ended = diff(tmp_path, exports[0], tmp_path / "tree", "--stat")
    assert ended.returncode == 1
    assert ended.stdout.splitlines() == ["~ Classify request (genAI, n2)  1 field, +2 -0 lines", "1 differs"]
    (tmp_path / "tree/layout.json").write_text("{")
    ended = diff(tmp_path, exports[0], tmp_path / "tree")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "layout.json:1: This is not JSON" in ended.stderr


def test_another_environment_s_export_shows_what_an_import_needs(tmp_path: Path) -> None:
    staging, prod = documents(), documents()
    prod["env_variables.json"]["environmentVariables"].pop()
    prod["app_definition.json"]["guardrails"].pop(0)
    staging["flow_definition.json"]["nodes"][1]["config"]["model"] = "gpt-5"
    staging["flow_definition.json"]["nodes"][3]["config"]["connectionId"] = "cn-1"
    one = write_zip(tmp_path / "Bot--staging--20260101T000000Z.zip", staging)
    two = write_zip(tmp_path / "Bot--prod--20260101T000000Z-2.zip", prod)
    lines = diff(tmp_path, one, two).stdout.splitlines()
    assert lines[lines.index("To import this into prod") + 1 :] == [
        "  variables: SUPPORT_QUEUE",
        "  models: gpt-5",
        "  guardrails: Toxicity",
        "  linked tools: not found in this file",
        "  connections: cn-1",
    ]
    found = json.loads(diff(tmp_path, one, two, "--json").stdout)["import_into"]
    assert found["environment"] == "prod"
    assert found["variables"] == {"missing": ["SUPPORT_QUEUE"], "found": True}
    again = write_zip(tmp_path / "Bot--staging--20260102T000000Z.zip", prod)
    assert "To import this" not in diff(tmp_path, one, again).stdout
