"""Unpacking into what is there: only what changed is written, nothing of others is touched, no edit is lost."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gale_tui.core.errors import CorruptFileError, SourceError
from gale_tui.core.source.pack import pack
from gale_tui.core.source.unpack import read_members, unpack
from gale_tui.sandbox.flows import REVISION
from tests.support.bad_files import BAD_FILES
from tests.support.saved_exports import documents, write_zip
from tests.support.source_trees import members, tree_bytes

PROMPT = "nodes/classify-request--n2.config.prompt.md"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write_zip(tmp_path / "old.zip", documents(1))


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Differs from `old` in one prompt."""
    return write_zip(tmp_path / "new.zip", documents(2))


@pytest.fixture
def tree(tmp_path: Path, old: Path) -> Path:
    unpack(old, tmp_path / "tree")
    return tmp_path / "tree"


def test_the_same_export_gives_the_same_files_wherever(tmp_path: Path, old: Path, tree: Path) -> None:
    again = write_zip(tmp_path / "again.zip", documents(1), moment=(2020, 1, 1, 0, 0, 0))
    unpack(again, tmp_path / "elsewhere")
    assert tree_bytes(tree) == tree_bytes(tmp_path / "elsewhere")


def test_unpacked_twice_nothing_is_written(tree: Path, old: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tree.rglob("*")}
    done = unpack(old, tree)
    assert (done.changes.written, done.changes.removed) == ((), ())
    assert {path: path.stat().st_mtime_ns for path in tree.rglob("*")} == before


def test_only_what_changed_is_written(tree: Path, new: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tree.rglob("*") if path.is_file()}
    done = unpack(new, tree)
    assert (done.changes.written, done.changes.removed) == ((PROMPT,), ())
    after = {path: path.stat().st_mtime_ns for path in before}
    assert {path.name for path in before if before[path] != after[path]} == {Path(PROMPT).name, "files.json"}
    assert (tree / PROMPT).read_text().endswith(f"{REVISION}\n")


def test_files_that_are_gone_from_the_export_go_and_others_stay(tmp_path: Path, tree: Path) -> None:
    (tree / "README.md").write_text("ours")
    (tree / "nodes/notes.rst").write_text("ours")
    fewer = documents(1)
    fewer["flow_definition.json"]["nodes"] = [
        node for node in fewer["flow_definition.json"]["nodes"] if node["id"] != "n11"
    ]
    done = unpack(write_zip(tmp_path / "fewer.zip", fewer), tree)
    assert done.changes.removed == (
        "nodes/hand-over--n11.config.instruction.md",
        "nodes/hand-over--n11.json",
    )
    assert (tree / "README.md").read_text() == (tree / "nodes/notes.rst").read_text() == "ours"
    pack(tree, tmp_path / "back.zip")
    assert read_members(tmp_path / "back.zip") == read_members(tmp_path / "fewer.zip")


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, old: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.txt").write_text("mine")
    with pytest.raises(SourceError, match="neither empty nor an unpacked tool"):
        unpack(old, tmp_path / "notes", force=True)
    assert [path.name for path in (tmp_path / "notes").iterdir()] == ["a.txt"]


def test_an_empty_folder_and_a_fresh_repository_are_taken(tmp_path: Path, old: Path) -> None:
    for name, inside in (("empty", None), ("repository", ".git")):
        (tmp_path / name).mkdir()
        if inside:
            (tmp_path / name / inside).mkdir()
        assert unpack(old, tmp_path / name).changes.written


def test_edits_that_would_be_lost_are_refused(tree: Path, new: Path) -> None:
    edited = (tree / PROMPT).read_text() + "Mine.\n"
    (tree / PROMPT).write_text(edited)
    before = tree_bytes(tree)
    with pytest.raises(SourceError, match=rf"would be overwritten: {PROMPT}\. Commit"):
        unpack(new, tree)
    assert tree_bytes(tree) == before
    unpack(new, tree, force=True)
    assert "Mine" not in (tree / PROMPT).read_text()


def test_edits_of_what_the_export_did_not_change_stay_refused_and_equal_ones_pass(tree: Path, new: Path) -> None:
    (tree / PROMPT).write_bytes(documents(2)["flow_definition.json"]["nodes"][1]["config"]["prompt"].encode() + b"\n")
    assert unpack(new, tree).changes.written == (), "what was edited is what the export brings"


def test_an_edited_file_that_is_gone_from_the_export_is_refused(tmp_path: Path, tree: Path) -> None:
    (tree / "nodes/hand-over--n11.json").write_text("{}")
    fewer = documents(1)
    fewer["flow_definition.json"]["nodes"].pop(-2)
    with pytest.raises(SourceError, match=r"hand-over--n11\.json"):
        unpack(write_zip(tmp_path / "fewer.zip", fewer), tree)


def test_edits_of_values_are_refused_as_well(tmp_path: Path, tree: Path) -> None:
    (tree / "env_values.json").write_text('{"CURRENCY": "USD"}')
    other = documents(1)
    other["env_variables.json"]["environmentVariables"][0]["value"] = "https://other.example"
    with pytest.raises(SourceError, match=r"env_values\.json"):
        unpack(write_zip(tmp_path / "other.zip", other), tree)


def test_a_file_of_others_where_a_new_one_comes_is_refused(tmp_path: Path, tree: Path) -> None:
    more = documents(1)
    more["flow_definition.json"]["nodes"].append({"id": "n13", "type": "end", "name": "Late"})
    (tree / "nodes/late--n13.json").write_text("mine")
    with pytest.raises(SourceError, match=r"late--n13\.json"):
        unpack(write_zip(tmp_path / "more.zip", more), tree)
    assert (tree / "nodes/late--n13.json").read_text() == "mine"


def git(folder: Path, *command: str) -> str:
    ended = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *command],
        cwd=folder, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return ended.stdout


def test_edits_that_are_committed_are_not_lost(tmp_path: Path, tree: Path, new: Path) -> None:
    git(tmp_path, "init", "-q", "tree")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "Unpacked")
    (tree / PROMPT).write_text("Mine.\n")
    with pytest.raises(SourceError):
        unpack(new, tree)
    git(tree, "commit", "-qam", "Edited")
    assert unpack(new, tree).changes.written == (PROMPT,)


def test_a_clone_knows_which_files_are_unpack_s(tmp_path: Path, tree: Path) -> None:
    git(tmp_path, "init", "-q", "tree")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "Unpacked")
    assert "env_values.json" not in git(tree, "ls-files")
    assert ".gale-unpack" not in git(tree, "ls-files")
    git(tmp_path, "clone", "-q", "tree", "clone")
    fewer = documents(2)
    fewer["flow_definition.json"]["nodes"].pop(-2)
    archive = write_zip(tmp_path / "fewer.zip", fewer)
    done = unpack(archive, tmp_path / "clone")
    assert len(done.changes.removed) == 2
    unpack(archive, tmp_path / "fresh")
    assert tree_bytes(tmp_path / "clone") == tree_bytes(tmp_path / "fresh")


def test_one_changed_prompt_is_one_hunk_of_one_file(tmp_path: Path, tree: Path, new: Path) -> None:
    git(tmp_path, "init", "-q", "tree")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "Unpacked")
    unpack(new, tree)
    assert git(tree, "status", "--porcelain") == f" M {PROMPT}\n"
    prompts = [documents(version)["flow_definition.json"]["nodes"][1]["config"]["prompt"] for version in (1, 2)]
    changed = [
        line for line in git(tree, "diff", "-U0").splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert changed == [f"-{prompts[0]}", f"+{prompts[1]}"]


def test_values_are_private_and_ignored(tree: Path) -> None:
    assert (tree / "env_values.json").stat().st_mode & 0o777 == 0o600
    assert (tree / ".gitignore").read_text().splitlines() == ["/env_values.json", "/.gale-unpack/"]


def test_lines_of_others_in_gitignore_stay(tree: Path, old: Path) -> None:
    (tree / ".gitignore").write_text("*.swp")
    unpack(old, tree)
    assert (tree / ".gitignore").read_text() == "*.swp\n/env_values.json\n/.gale-unpack/\n"


@pytest.mark.parametrize("link", ["nodes", PROMPT, "gale-tool.json", ".gale-unpack", "env_values.json", ".gitignore"])
def test_links_are_not_followed(tmp_path: Path, tree: Path, new: Path, link: str) -> None:
    outside = tmp_path / "outside"
    os.rename(tree / link, outside)
    (tree / link).symlink_to(outside)
    before = outside.read_bytes() if outside.is_file() else tree_bytes(outside)
    with pytest.raises(SourceError, match="Links are not followed"):
        unpack(new, tree, force=True)
    assert (outside.read_bytes() if outside.is_file() else tree_bytes(outside)) == before


def test_hostile_names_stay_in_the_folder(tmp_path: Path) -> None:
    archive = tmp_path / "hostile.zip"
    archive.write_bytes(BAD_FILES["hostile names"](members()))
    before = set(tmp_path.rglob("*"))
    unpack(archive, tmp_path / "deep/tree")
    assert {path.relative_to(tmp_path).parts[0] for path in {*tmp_path.rglob("*")} - before} == {"deep"}
    assert all(name.isprintable() for name in tree_bytes(tmp_path / "deep/tree"))
    pack(tmp_path / "deep/tree", tmp_path / "back.zip")
    assert read_members(tmp_path / "back.zip") == read_members(archive)


@pytest.mark.parametrize("kind", ["bomb", "many entries", "bad crc", "cut short"])
def test_a_damaged_or_boundless_zip_is_refused(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(BAD_FILES[kind](members()))
    with pytest.raises(CorruptFileError):
        unpack(archive, tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_many_nodes_of_names_that_collide(tmp_path: Path) -> None:
    tool = documents(1)
    names = ("Con", "con", "NUL", "aux.txt", "..", "Start", "START", "ſtart", "é", "é", "/", "")
    tool["flow_definition.json"]["nodes"] = [
        {"id": names[number % 12] * (number % 3), "type": "end", "name": names[number % 7]} for number in range(2_000)
    ]
    archive = write_zip(tmp_path / "many.zip", tool)
    unpack(archive, tmp_path / "tree")
    found = [path.name for path in (tmp_path / "tree/nodes").iterdir()]
    assert len(found) == 2_000
    assert len({name.casefold() for name in found}) == 2_000
    assert not {name.partition(".")[0].casefold() for name in found} & {"con", "nul", "aux"}
    pack(tmp_path / "tree", tmp_path / "back.zip")
    assert read_members(tmp_path / "back.zip") == read_members(archive)


def test_credentials_are_reported_with_their_place_and_never_shown(tmp_path: Path) -> None:
    tool = documents(1)
    nodes = tool["flow_definition.json"]["nodes"]
    nodes[3]["config"]["headers"] = {"Authorization": "Bearer abcdefghijklmnop", "X-Key": "{{env.TOKEN}}"}
    nodes[5]["config"]["headers"] = [{"key": "x-api-key", "value": "0123456789abcdef"}]
    nodes[1]["config"]["prompt"] = "First line\nuse kg-12345678-1234-1234-1234-123456789012 here"
    nodes[7]["config"]["script"] = "x = `-----BEGIN RSA PRIVATE KEY-----`\n"
    nodes[9]["config"]["headers"] = {"authorization": "{{env.TOKEN}}", "password": "${secret}", "token": ""}
    archive = write_zip(tmp_path / "leaky.zip", tool)
    found = [str(each) for each in unpack(archive, tmp_path / "tree").findings]
    assert [each.rpartition(":")[0].partition("--")[2] + each.rpartition(":")[2] for each in found] == [
        "n6.json:12 this looks like a credential by its name",
        "n8.json:9 this looks like a private key",
        "n2.config.prompt.md:2 this looks like a GALE key",
        "n4.json:11 this looks like a bearer token",
    ]
    with pytest.raises(SourceError, match="looks like"):
        unpack(archive, tmp_path / "strict", strict=True)
    assert not (tmp_path / "strict").exists()
