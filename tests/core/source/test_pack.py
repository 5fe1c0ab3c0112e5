"""Packing what people edited: as meant, or refused with the file and the line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gale_tui.core.errors import FileSystemError, SourceError
from gale_tui.core.source.pack import pack
from gale_tui.core.source.unpack import read_members, unpack
from tests.support.saved_exports import documents, write_zip
from tests.support.source_trees import members

PROMPT = "nodes/classify-request--n2.config.prompt.md"
NODE = "nodes/classify-request--n2.json"
FLOW = "flow_definition.json"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    unpack(write_zip(tmp_path / "old.zip", members(indent=2, ensure_ascii=False)), tmp_path / "tree")
    return tmp_path / "tree"


def packed(tree: Path, **options: Any) -> dict[str, bytes]:
    pack(tree, tree.parent / "back.zip", force=True, **options)
    return read_members(tree.parent / "back.zip")


def edit(tree: Path, file: str, before: str, after: str) -> None:
    text = (tree / file).read_text()
    assert before in text
    (tree / file).write_text(text.replace(before, after))


def test_an_edited_prompt_is_all_that_differs(tree: Path) -> None:
    (tree / PROMPT).write_text("Sort it.\nBe brief: “ä”.\n")
    expected = documents()
    expected[FLOW]["nodes"][1]["config"]["prompt"] = "Sort it.\nBe brief: “ä”."
    back = packed(tree)
    assert back == {name: json.dumps(value, indent=2, ensure_ascii=False).encode() for name, value in expected.items()}


def test_an_editor_that_leaves_the_last_line_feed_out_changes_nothing_else(tree: Path) -> None:
    (tree / PROMPT).write_text("Sort it.")
    assert json.loads(packed(tree)[FLOW])["nodes"][1]["config"]["prompt"] == "Sort it."


def test_numbers_are_packed_as_they_are_spelled(tree: Path) -> None:
    edit(tree, NODE, '"topP": 1.0', '"topP": 1e3')
    edit(tree, NODE, '"retries": 2', '"retries": 12345678901234567890')
    back = packed(tree)[FLOW]
    assert b'"topP": 1e3' in back
    assert b'"retries": 12345678901234567890' in back


def test_an_added_node_needs_its_reference_then_it_is_packed(tree: Path) -> None:
    (tree / "nodes/late--n13.json").write_text('{"id": "n13", "type": "end", "name": "Late"}')
    with pytest.raises(SourceError, match=r'^nodes/late--n13\.json: Nothing refers to this file\. Add \{"\$file": '):
        packed(tree)
    edit(
        tree,
        FLOW,
        '{"$file": "nodes/reply--n12.json"}',
        '{"$file": "nodes/reply--n12.json"},\n    {"$file": "nodes/late--n13.json"}',
    )
    assert json.loads(packed(tree)[FLOW])["nodes"][-1] == {"id": "n13", "type": "end", "name": "Late"}


def test_a_removed_node_is_refused_where_it_is_referred_to(tree: Path) -> None:
    (tree / "nodes/hand-over--n11.json").unlink()
    with pytest.raises(SourceError, match=r"^flow_definition\.json:17: nodes/hand-over--n11\.json is not there\."):
        packed(tree)
    edit(tree, FLOW, '    {"$file": "nodes/hand-over--n11.json"},\n', "")
    with pytest.raises(SourceError, match=r"^nodes/hand-over--n11\.config\.instruction\.md: Nothing refers"):
        packed(tree)
    (tree / "nodes/hand-over--n11.config.instruction.md").unlink()
    with pytest.raises(SourceError, match=r"^nodes/[a-z-]+--n\d+\.json:\d+: This refers to the node n11, which does"):
        packed(tree)


def test_a_renamed_file_is_refused_and_named_then_packed(tree: Path) -> None:
    os.rename(tree / NODE, tree / "nodes/sort--n2.json")
    with pytest.raises(SourceError, match=r"^flow_definition\.json:8: .* but nodes/sort--n2\.json is: was it renamed"):
        packed(tree)
    edit(tree, FLOW, NODE, "nodes/sort--n2.json")
    assert packed(tree) == members(indent=2, ensure_ascii=False)


def broken(file: str, before: str, after: str) -> Callable[[Path], None]:
    return lambda tree: edit(tree, file, before, after)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (broken(NODE, '"retries": 2', '"retries": 2,'), rf"^{NODE}:1[0-9]: This is not JSON"),
        (broken(NODE, '"retries": 2', '"model": "x"'), rf'^{NODE}:1[0-9]: The key "model" is there twice'),
        (broken(NODE, '"n3"', '"n99"'), rf"^{NODE}:\d+: This refers to the node n99, which does not exist"),
        (broken(NODE, PROMPT, "nodes/other.md"), rf"^{NODE}:9: nodes/other\.md is not there"),
        (broken(NODE, PROMPT, "../../etc/passwd"), rf"^{NODE}:9: '\.\./\.\./etc/passwd' is not part of an unpacked"),
        (broken(NODE, PROMPT, ".git/config"), rf"^{NODE}:9: '\.git/config' is not part"),
        (broken(NODE, PROMPT, "nodes/start--n1.json"), rf"^{NODE}:9: nodes/start--n1\.json cannot stand here"),
        (broken(NODE, '"n2.position"', '"n99.position"'), rf"^{NODE}:5: 'n99\.position' is not in layout\.json"),
        (broken("layout.json", '"x": 120,', '"x" 120,'), r"^layout\.json:3: This is not JSON"),
        (broken("env_values.json", '"CURRENCY"', '"COIN"'), r"^env_variables\.json:\d+: No value for 'CURR"),
        (broken("env_variables.json", '"name": "CURRENCY"', '"name": "COIN"'), r"^nodes/.*: .* the variable CURRENCY"),
        (broken("gale-tool.json", '"format": 1', '"format": 2'), r"^gale-tool\.json: Another version of gale-tui"),
        (broken("gale-tool.json", "nodes/start--n1.json", "../x"), r"^gale-tool\.json: '\.\./x' is not part"),
        (broken("gale-tool.json", '"colon": ": "', '"colon": "="'), r"would not be JSON"),
        *(
            (
                lambda tree, file=file: (tree / file).write_text("[" * 100_000),
                rf"^{re.escape(file)}: This is nested too",
            )
            for file in ("gale-tool.json", "layout.json", NODE, "env_values.json", FLOW)
        ),
        (lambda tree: (tree / "app_definition.json").unlink(), r"^app_definition\.json: This file is missing"),
        (lambda tree: (tree / PROMPT).write_bytes(b"a\n\xff"), rf"^{PROMPT}:2: This is not UTF-8"),
        (lambda tree: (tree / "gale-tool.json").unlink(), r"is not an unpacked tool"),
    ],
)
def test_what_an_import_could_not_use_is_refused_with_its_place(
    tree: Path, change: Callable[[Path], None], words: str
) -> None:
    change(tree)
    with pytest.raises(SourceError, match=words):
        pack(tree, tree.parent / "back.zip")
    assert not (tree.parent / "back.zip").exists()


def test_references_that_led_nowhere_before_are_no_reason(tmp_path: Path) -> None:
    tool = documents()
    tool[FLOW]["nodes"][1]["next"] = {"default": "gone"}
    unpack(write_zip(tmp_path / "old.zip", tool), tmp_path / "tree")
    assert json.loads(packed(tmp_path / "tree")[FLOW]) == tool[FLOW]


def test_values_of_another_stage(tmp_path: Path, tree: Path) -> None:
    values = {**json.loads((tree / "env_values.json").read_text()), "CURRENCY": "USD", "EXTRA": "x"}
    (tmp_path / "prod.json").write_text(json.dumps(values))
    done = pack(tree, tmp_path / "prod.zip", values=tmp_path / "prod.json")
    assert done.notes == ("Values that no variable takes: EXTRA",)
    found = json.loads(read_members(tmp_path / "prod.zip")["env_variables.json"])["environmentVariables"]
    assert {each["name"]: each["value"] for each in found}["CURRENCY"] == "USD"
    assert (tmp_path / "prod.zip").stat().st_mode & 0o777 == 0o600


def test_without_values(tree: Path) -> None:
    (tree / "env_values.json").unlink()
    with pytest.raises(SourceError, match=r"^env_variables\.json:5: No value for 'CORE_BANKING_URL'"):
        packed(tree)
    found = json.loads(packed(tree, without_values=True)["env_variables.json"])["environmentVariables"]
    assert {each["value"] for each in found} == {""}


def test_values_that_cannot_be_read(tmp_path: Path, tree: Path) -> None:
    with pytest.raises(FileSystemError, match="No such file"):
        pack(tree, tmp_path / "x.zip", values=tmp_path / "gone.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(SourceError, match="not an object of values"):
        pack(tree, tmp_path / "x.zip", values=tmp_path / "list.json")


def test_a_zip_that_is_there_is_not_overwritten(tmp_path: Path, tree: Path) -> None:
    (tmp_path / "mine.zip").write_text("mine")
    with pytest.raises(SourceError, match="exists"):
        pack(tree, tmp_path / "mine.zip")
    assert (tmp_path / "mine.zip").read_text() == "mine"


def test_the_same_tree_packs_into_the_same_bytes(tmp_path: Path, tree: Path) -> None:
    pack(tree, tmp_path / "one.zip")
    pack(tree, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_strict_refuses_credentials_that_were_written_in(tree: Path) -> None:
    (tree / PROMPT).write_text("Use Bearer abcdefghijklmnopqrstu\n")
    assert [str(each) for each in pack(tree, tree.parent / "a.zip").findings] == [
        f"{PROMPT}:1: this looks like a bearer token"
    ]
    with pytest.raises(SourceError, match=rf"^{PROMPT}:1: This looks like a bearer token"):
        packed(tree, strict=True)
