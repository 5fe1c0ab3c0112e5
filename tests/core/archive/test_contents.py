"""The tool in a saved zip: what is found, what is hidden, and what a hostile file cannot do."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from gale_tui.core.archive import contents as archive_contents
from gale_tui.core.archive.contents import read_archive
from gale_tui.core.archive.tool import Tool, mask_variables, read_tool, read_variables, without_parts
from gale_tui.core.errors import CorruptFileError, FileSystemError, NotAZipError
from gale_tui.sandbox import flows
from gale_tui.sandbox.files import tool_documents
from tests.support.bad_files import BAD_FILES
from tests.support.saved_exports import FLOW, TOOL, documents, write_zip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Banking Assistant.zip"


def tool_of(path: Path) -> Tool:
    tool = read_archive(path).tool
    assert tool is not None
    return tool


def test_the_tool_of_an_export_is_read(path: Path) -> None:
    contents = read_archive(write_zip(path, documents()))
    assert contents.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert contents.size == path.stat().st_size
    assert [each.name for each in contents.documents] == [
        "flow_definition.json",
        "app_definition.json",
        "env_variables.json",
    ]
    assert contents.notes == ()
    tool = contents.tool
    assert tool is not None
    assert (tool.name, tool.version) == ("Banking Assistant", "1.4.0")
    assert tool.description.startswith("Answers questions")
    assert {kind: len(nodes) for kind, nodes in tool.nodes_by_kind.items()} == {
        "api": 3, "condition": 2, "genAI": 2, "human": 2, "end": 1, "function": 1, "start": 1,
    }  # fmt: skip
    assert tool.models == (("gpt-4o-mini", 2),)
    assert [each.name for each in tool.guardrails][:2] == ["Toxicity", "Prompt injection"]
    assert [each.name for each in tool.variables] == list(flows.BANKING.variables)
    assert [each.value.reveal() for each in tool.variables] == list(flows.BANKING.variables.values())


def test_nothing_shows_the_values_of_variables_by_itself(path: Path) -> None:
    contents = read_archive(write_zip(path, documents()))
    for value in flows.BANKING.variables.values():
        assert value not in repr(contents)
        assert value not in str(contents.tool)


@pytest.mark.parametrize(
    ("flow", "application", "variables"),
    [
        ({"nodes": [{"id": "n1", "type": "genAI", "name": "Ask"}]}, {"name": "T"}, {"A": "1"}),
        (
            {"flow": {"nodes": [{"nodeId": "n1", "data": {"nodeType": "genAI", "label": "Ask"}}]}},
            {"name": "T"},
            [{"key": "A", "value": "1"}],
        ),
        (
            {"definition": {"flow": {"nodes": {"n1": {"kind": "genAI", "title": "Ask"}}}}},
            {"app": {"displayName": "T"}},
            {"variables": {"A": "1"}},
        ),
        (
            {"steps": [{"_id": "n1", "type": "genAI", "name": "Ask"}], "name": "T"},
            None,
            {"envVariables": [{"name": "A", "value": "1"}]},
        ),
    ],
)
def test_undocumented_shapes_are_understood(flow: Any, application: Any, variables: Any) -> None:
    tool = read_tool(flow, application, variables)
    assert tool is not None
    assert tool.name == "T"
    assert [(each.id, each.kind, each.name) for each in tool.nodes] == [("n1", "genAI", "Ask")]
    assert [(each.name, each.value.reveal()) for each in tool.variables] == [("A", "1")]


@pytest.mark.parametrize("odd", [None, 1, "x", [], {}, [1, None], {"nodes": 3}, {"nodes": [1, None, []]}, {"name": {}}])
def test_odd_documents_are_no_error(odd: object) -> None:
    tool = read_tool(odd, odd, odd)
    assert (tool is None) is (not isinstance(odd, dict))
    assert isinstance(read_variables(odd), tuple)


@pytest.mark.parametrize(
    "document",
    [
        {"environmentVariables": [{"name": "A", "value": "hidden-1", "byStage": {"prod": "hidden-2"}, "secure": True}]},
        {"A": "hidden-1", "name": "hidden-2"},
        [{"key": "A", "value": ["hidden-1", {"description": "hidden-2"}]}],
        {"variables": {"A": {"value": "hidden-1", "type": "hidden-2"}}},
        ["hidden-1", 12345],
        "hidden-1",
    ],
)
def test_values_are_masked_wherever_they_stand(document: object) -> None:
    shown = str(mask_variables(document))
    assert "hidden" not in shown
    assert "12345" not in shown
    assert "••••" in shown


def test_a_document_without_its_parts() -> None:
    document = {"a": {"nodes": [1], "b": 2}, "guardrails": [], "c": [{"nodes": 1}]}
    assert without_parts(document, "nodes", "guardrails") == {"a": {"b": 2}, "c": [{"nodes": 1}]}


def test_missing_and_unreadable_documents_are_noted(path: Path) -> None:
    made = documents()
    del made["env_variables.json"]
    made["app_definition.json"] = b"{not json"
    contents = read_archive(write_zip(path, made))
    assert contents.notes == ("app_definition.json is not JSON that can be read", "env_variables.json is not in it")
    assert contents.tool is not None
    assert contents.tool.name == "Banking Assistant"


def test_a_zip_of_something_else_has_no_tool(path: Path) -> None:
    contents = read_archive(write_zip(path, {"readme.txt": b"hello", "other.json": {"nodes": []}}))
    assert contents.tool is None
    assert contents.notes == ("It has none of the three files of a tool's export",)
    assert [each.role for each in contents.documents] == ["other"]


@pytest.mark.parametrize("folder", ["export/", "a\\b\\", "x/FLOW/"])
def test_the_documents_may_be_in_a_folder(path: Path, folder: str) -> None:
    write_zip(path, {f"{folder}{name.upper()}": value for name, value in documents().items()})
    assert tool_of(path).name == "Banking Assistant"


# Hostile files


VALUES = 10_000


def test_json_too_large_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_contents, "DOCUMENT_LIMIT", 2000)
    contents = read_archive(write_zip(path, documents()))
    assert "flow_definition.json was not read: it has" in contents.notes[0]
    assert contents.tool is not None
    assert contents.tool.nodes == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 200 + b"]" * 200, "nested deeper than 100"),
        (b"[" * 200_000, "nested deeper than 100"),
        (b"[" + b"0," * VALUES + b"0]", f"more than {VALUES:,} values"),
        (b"9" * 10_000, "not JSON that can be read"),
        (b"\xff\xfe\x00", "not JSON that can be read"),
        (b"", "not JSON that can be read"),
    ],
    ids=["deep", "deeper", "full", "long number", "no text", "empty"],
)
def test_json_that_would_hurt_is_not_taken(
    path: Path, content: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_contents, "VALUE_LIMIT", VALUES)
    contents = read_archive(write_zip(path, documents() | {"flow_definition.json": content}))
    assert any(words in note for note in contents.notes)
    assert contents.document("flow") is None


@pytest.mark.parametrize("kind", ["bomb", "bad crc", "cut short", "many entries", "not a zip", "empty", "html"])
def test_damaged_and_hostile_zips_are_refused(path: Path, kind: str) -> None:
    made = tool_documents(flows.BANKING, TOOL, FLOW)
    path.write_bytes(BAD_FILES[kind](made))
    with pytest.raises((CorruptFileError, NotAZipError)):
        read_archive(path)


def test_hostile_names_are_noted_and_nothing_is_written(path: Path, tmp_path: Path) -> None:
    path.write_bytes(BAD_FILES["hostile names"](tool_documents(flows.BANKING, TOOL, FLOW)))
    before = sorted(tmp_path.rglob("*"))
    contents = read_archive(path)
    assert contents.tool is not None
    assert any("leads out of the folder" in note for note in contents.notes)
    assert all(note.isprintable() for note in contents.notes)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileSystemError, match="is not there"):
        read_archive(tmp_path / "gone.zip")
    with pytest.raises(FileSystemError, match="not a regular file"):
        read_archive(tmp_path)
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(FileSystemError, match="not a regular file"):
        read_archive(tmp_path / "pipe.zip")


def test_reading_ends_when_it_is_no_longer_wanted(path: Path) -> None:
    write_zip(path, documents())

    def checkpoint() -> None:
        raise InterruptedError("enough")

    with pytest.raises((InterruptedError, FileSystemError)):
        read_archive(path, checkpoint=checkpoint)
