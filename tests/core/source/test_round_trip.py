"""Whatever a tool looks like: unpacked and packed, it is what it was."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gale_tui.core.errors import SourceError
from gale_tui.core.source.lossless_json import Number, Style, write
from gale_tui.core.source.names import Names, checked_path
from gale_tui.core.source.split import Pieces, split_document
from gale_tui.core.source.unpack import split_members
from tests.support.saved_exports import documents
from tests.support.source_trees import members, packed

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

NUMBERS = st.sampled_from(
    ["0", "-0", "1.0", "1e3", "1E+3", "-1.50e-07", "12345678901234567890", "3.141592653589793238", "1764115200000"]
).map(Number)
# fmt: off
KEYS = st.sampled_from([
    "id", "name", "type", "next", "nodes", "steps", "position", "updatedAt", "prompt", "script", "language", "value",
    "x", "y", "target", "edges", "data", "key", "con", "", "$file", "$literal", "$value", "a/b~c", "Ünïcode",
    "e\u202ehtml",
])
TEXTS = st.one_of(
    st.sampled_from([
        "n1", "N1", "Start", "start", "../../etc/passwd", "con", "nul.txt", "{{env.CURRENCY}}", "nodes/start--n1.json",
        "日本語", "</script>", "", "a\x00b", "\ud800", "line\nline", "tail\n", "\r\n\r\n", "x" * 500, "word " * 60,
        "\u2028", "2026-01-01T00:00:00Z",
    ]),
    st.text(max_size=20),
)
# fmt: on
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=12,
)
NODE = st.dictionaries(KEYS, VALUES, max_size=6).flatmap(
    lambda fields: st.tuples(TEXTS, TEXTS).map(lambda own: {"id": own[0], "name": own[1], **fields})
)
NODES = st.one_of(st.lists(NODE, max_size=5), st.dictionaries(TEXTS, NODE, max_size=4), VALUES)
FLOW = st.dictionaries(KEYS, VALUES, max_size=4).flatmap(
    lambda fields: NODES.map(lambda nodes: {**fields, "nodes": nodes, "after": {"flows": [{"steps": nodes}]}})
)
VARIABLE = st.dictionaries(KEYS, VALUES, max_size=4).flatmap(
    lambda fields: TEXTS.map(lambda name: {**fields, "name": name, "value": "v"})
)
VARIABLES = st.one_of(
    VALUES,
    st.lists(VARIABLE, max_size=4),
    st.dictionaries(TEXTS, VALUES, max_size=4).map(lambda named: {"environmentVariables": named}),
    st.lists(VARIABLE, max_size=4).map(lambda listed: {"stage": "dev", "environmentVariables": listed}),
)
STYLES = st.builds(
    Style,
    indent=st.sampled_from([None, "", " ", "  ", "    ", "\t"]),
    newline=st.sampled_from(["\n", "\r\n"]),
    comma=st.just(","),
    colon=st.sampled_from([":", ": ", " : "]),
    start=st.sampled_from(["", "\ufeff", "\n"]),
    end=st.sampled_from(["", "\n", "\r\n"]),
    ascii=st.booleans(),
    upper=st.booleans(),
    escaped=st.sampled_from(["", "/", "<>&", "\u2028\u2029"]),
)


@QUICK
@given(flow=FLOW, application=VALUES, variables=VARIABLES, styles=st.tuples(STYLES, STYLES, STYLES), other=TEXTS)
def test_any_tool_comes_back_byte_for_byte(
    flow: Any, application: Any, variables: Any, styles: tuple[Style, Style, Style], other: str
) -> None:
    tool = {
        "flow_definition.json": write(flow, styles[0]),
        "app_definition.json": write(application, styles[1]),
        "env_variables.json": write(variables, styles[2]),
        f"knowledge/{other}": b"\x00\xff",
    }
    source = split_members(tool)
    back = packed(source)
    assert list(back) == list(tool)
    for name, content in tool.items():
        assert back[name] == content
    folded = [name.casefold() for name in source.files]
    assert len(set(folded)) == len(folded), "no two files for a disk that ignores case"
    for name in source.files:
        assert checked_path(name) == name
        assert len(name.encode()) < 250
    assert split_members(tool).files == source.files, "the same export gives the same bytes"


@QUICK
@given(values=st.dictionaries(st.text("ABC_", min_size=1, max_size=6), st.text(min_size=12, max_size=40), max_size=5))
def test_no_value_of_a_variable_stays_in_the_tree(values: dict[str, str]) -> None:
    secret = {name: f"s3cret-{value}" for name, value in values.items()}
    for variables in (
        secret,
        {"environmentVariables": secret},
        [{"name": name, "value": value, "secret": value} for name, value in secret.items()],
        {"envVariables": [{"key": name, "defaultValue": text, "all": [text]} for name, text in secret.items()]},
        {"by stage": {"dev": [[value] for value in secret.values()]}},
    ):
        tool = {**members(), "env_variables.json": json.dumps(variables).encode()}
        source = split_members(tool)
        assert packed(source) == tool
        for name, content in source.files.items():
            assert (b"s3cret-" in content) == (name == "env_values.json" and bool(secret))


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"indent": 2},
        {"indent": 4, "ensure_ascii": False},
        {"indent": "\t"},
        {"separators": (",", ":")},
        {"separators": (",", ":"), "ensure_ascii": False},
    ],
)
def test_usual_layouts_are_split_finely(layout: dict[str, Any]) -> None:
    source = split_members(members(**layout))
    assert source.notes == ()
    assert sum(name.startswith("nodes/") and name.endswith(".json") for name in source.files) == 12
    assert packed(source) == members(**layout)


def test_an_unusual_layout_is_kept_as_one_file_and_said() -> None:
    odd = b'{ "name":"x" ,\n\n "nodes" : [] }'
    tool = {**members(), "flow_definition.json": odd}
    source = split_members(tool)
    assert source.notes == ("flow_definition.json is kept as one file: its layout or nesting is unusual",)
    assert source.files["flow_definition.json"] == odd
    assert packed(source) == tool


def test_a_document_that_would_not_come_back_is_kept_as_one_file_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def split_wrongly(document: Any, file: str, names: Names, *, nodes: bool) -> tuple[Any, Pieces]:
        rest, pieces = split_document(document, file, names, nodes=nodes)
        return {**rest, "more": "1"} if file == "flow_definition.json" else rest, pieces

    monkeypatch.setattr("gale_tui.core.source.unpack.split_document", split_wrongly)
    tool = members()
    source = split_members(tool)
    assert len(source.notes) == 1
    assert source.notes[0].startswith("flow_definition.json is kept as one file: it would not come back")
    assert source.files["flow_definition.json"] == tool["flow_definition.json"]
    assert packed(source) == tool


def test_a_further_file_that_is_nested_too_deeply_is_kept_as_it_is_and_said() -> None:
    tool = {**members(), "more.json": b"[" * 50_000 + b"]" * 50_000, "no.json": b"{"}
    source = split_members(tool)
    assert source.notes == ("more.json is kept as one file: it is nested too deeply",)
    assert packed(source) == tool


def test_values_leave_even_a_document_of_an_unusual_layout() -> None:
    odd = b'{ "TOKEN":"s3cret" ,\n\n "N" : 1.0 }'
    tool = {**members(), "env_variables.json": odd}
    source = split_members(tool)
    assert len(source.notes) == 1
    assert b"s3cret" not in b"".join(content for name, content in source.files.items() if name != "env_values.json")
    assert packed(source) == tool
    edited = source.files["env_values.json"].replace(b'"TOKEN": "s3cret"', b'"TOKEN": "new"')
    back = packed(replace(source, files={**source.files, "env_values.json": edited}))
    assert back["env_variables.json"] == b'{\n  "TOKEN": "new",\n  "N": 1.0\n}\n'


def test_a_key_that_is_there_twice_is_refused_by_name() -> None:
    tool = {**members(), "flow_definition.json": b'{"a": {"b": 1,\n"b": 2}}'}
    with pytest.raises(SourceError, match=r'flow_definition.json:2: The key "b" is there twice'):
        split_members(tool)


@pytest.mark.parametrize("content", [b"", b"{", b"[NaN]", b"\xff", b"{'a': 1}"])
def test_a_document_that_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(SourceError, match=r"app_definition.json:1: This|app_definition.json:1: NaN"):
        split_members({**members(), "app_definition.json": content})


def test_a_zip_of_something_else_is_refused() -> None:
    with pytest.raises(SourceError, match="not the export of a tool"):
        split_members({"readme.txt": b"x"})


def test_a_deep_document_is_kept_as_one_file() -> None:
    for levels in (150, 5_000):
        deep = b'{"a":' * levels + b"1" + b"}" * levels
        tool = {**members(), "flow_definition.json": deep}
        source = split_members(tool)
        assert source.files["flow_definition.json"] == deep
        assert len(source.notes) == 1
        assert packed(source) == tool


def test_texts_get_the_ending_of_what_they_are() -> None:
    tool = documents()
    node = tool["flow_definition.json"]["nodes"][1]
    node["config"] = {
        "systemPrompt": "You are helpful and you answer in one short sentence.",
        "steps": [{"language": "python", "script": "def run(x):\n    return x\n"}, {"code": "return 1;\nreturn 2;\n"}],
        "messages": [{"role": "user", "content": "a\nb"}],
        "certificate": "x\ny",
    }
    source = split_members({name: json.dumps(value).encode() for name, value in tool.items()})
    assert sorted(name for name in source.files if "--n2." in name and not name.endswith(".json")) == [
        "nodes/classify-request--n2.config.certificate.txt",
        "nodes/classify-request--n2.config.messages.0.content.md",
        "nodes/classify-request--n2.config.steps.0.script.py",
        "nodes/classify-request--n2.config.steps.1.code.js",
        "nodes/classify-request--n2.config.systemPrompt.md",
    ]


def test_moving_a_node_changes_the_layout_alone() -> None:
    before, after = documents(), documents()
    after["flow_definition.json"]["nodes"][3]["position"]["x"] += 10
    after["flow_definition.json"]["nodes"][3]["updatedAt"] = before["flow_definition.json"]["nodes"][3]["updatedAt"] = (
        "2026-01-01T00:00:00Z"
    )
    after["flow_definition.json"]["nodes"][3]["updatedAt"] = "2026-02-01T00:00:00Z"
    ones, others = (
        split_members({name: json.dumps(value).encode() for name, value in tool.items()}).files
        for tool in (before, after)
    )
    assert {name for name in ones if ones[name] != others[name]} == {"layout.json"}


def test_nodes_that_are_moved_in_the_list_keep_their_files() -> None:
    before, after = documents(), documents()
    after["flow_definition.json"]["nodes"].reverse()
    ones, others = (
        split_members({name: json.dumps(value).encode() for name, value in tool.items()}).files
        for tool in (before, after)
    )
    assert {name for name in ones if ones[name] != others[name]} == {"flow_definition.json", "layout.json"}
