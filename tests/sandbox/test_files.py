"""The zips themselves."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from gale_tui.sandbox import flows
from gale_tui.sandbox.files import FILLER_NAME, sized_zip, tool_documents, tool_zip
from gale_tui.sandbox.flows import REVISION, Flow
from gale_tui.sandbox.tools import DEMO
from tests.support.bad_files import BAD_FILES

FLOWS = [sample.flow for sample in DEMO]
LATER = [flow for sample in DEMO for flow in sample.later]
DOCUMENTS = tool_documents(flows.BANKING, "a-1", "cf-1")


def test_the_demo_has_tools_enough_and_no_two_alike() -> None:
    assert len(FLOWS) >= 6
    assert len({sample.flow.name for sample in DEMO}) == len(FLOWS)
    contents = [tool_documents(flow, "a-1", "cf-1") for flow in FLOWS]
    for name in contents[0]:
        assert len({documents[name] for documents in contents}) == len(FLOWS)


@pytest.mark.parametrize("flow", [*FLOWS, *LATER], ids=lambda flow: f"{flow.name} {flow.version}")
def test_a_flow_holds_together(flow: Flow) -> None:
    documents = {name: json.loads(text) for name, text in tool_documents(flow, "a-1", "cf-1").items()}
    nodes = documents["flow_definition.json"]["nodes"]
    assert len(nodes) == 12
    assert len({node["type"] for node in nodes}) >= 5
    ids = [node["id"] for node in nodes]
    targets = {target for node in nodes for target in node["next"].values()}
    assert targets <= set(ids)
    assert [node["id"] for node in nodes if not node["next"]] == [nodes[-1]["id"]]
    prompts = [node["config"] for node in nodes if node["type"] == "genAI"]
    assert len(prompts) >= 2
    for config in prompts:
        assert len(config["prompt"]) > 20
        assert 0 <= config["hyperparameters"]["temperature"] <= 1
    assert all(node["timeoutSeconds"] > 0 for node in nodes)
    application = documents["app_definition.json"]
    assert (application["name"], application["toolId"]) == (flow.name, "a-1")
    assert application["description"]
    assert application["version"]
    assert application["guardrails"]
    assert documents["env_variables.json"]["environmentVariables"]


def test_a_step_refers_to_steps_that_are_there() -> None:
    for flow in (*FLOWS, *LATER):
        names = {node.name for node in flow.nodes}
        for node in flow.nodes:
            for reference in node.text.split("{{context.steps.")[1:]:
                assert reference.partition(".")[0].partition("}")[0] in names, (flow.name, node.name)
            for reference in node.text.split("{{env.")[1:]:
                assert reference.partition("}")[0] in flow.variables, (flow.name, node.name)


def test_versions_differ_in_one_prompt() -> None:
    texts = [tool_documents(flows.BANKING, "a-1", "cf-1", version) for version in range(1, 8)]
    assert len({documents["flow_definition.json"] for documents in texts}) == 7
    for documents in texts[1:]:
        assert documents["app_definition.json"] == texts[0]["app_definition.json"]
        first, other = (json.loads(each["flow_definition.json"])["nodes"] for each in (texts[0], documents))
        changed = [(old, new) for old, new in zip(first, other, strict=True) if old != new]
        ((old, new),) = changed
        assert new["config"].pop("prompt").startswith(old["config"].pop("prompt"))
        assert old == new
    assert REVISION.encode() in texts[1]["flow_definition.json"]


def test_a_zip_is_the_same_each_time() -> None:
    assert tool_zip(DOCUMENTS) == tool_zip(DOCUMENTS)


@pytest.mark.parametrize("size", [6000, 1 << 20, (3 << 20) + 17])
def test_a_sized_zip_has_its_size_to_the_byte(tmp_path: Path, size: int) -> None:
    for name in ("one", "two"):
        with (tmp_path / name).open("wb") as file:
            sized_zip(file, DOCUMENTS, size, "seed")
    assert (tmp_path / "one").stat().st_size == size
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    with zipfile.ZipFile(tmp_path / "one") as archive:
        assert archive.testzip() is None
        filler = archive.read(FILLER_NAME)
    blocks = [filler[start : start + (1 << 20)] for start in range(0, len(filler), 1 << 20)]
    assert len(set(blocks)) == len(blocks)


@pytest.mark.parametrize("size", [10, 1 << 40])
def test_a_size_that_cannot_be(size: int) -> None:
    file = io.BytesIO()
    with pytest.raises(ValueError, match="a zip of this tool has from"):
        sized_zip(file, DOCUMENTS, size, "seed")
    assert file.getvalue() == b""


def test_each_damage_is_what_it_says() -> None:
    def opened(kind: str) -> zipfile.ZipFile:
        return zipfile.ZipFile(io.BytesIO(BAD_FILES[kind](DOCUMENTS)))

    with opened("bad crc") as archive:
        assert archive.testzip() == "flow_definition.json"
    for kind in ("cut short", "not a zip", "html", "empty"):
        with pytest.raises(zipfile.BadZipFile):
            opened(kind)
    with opened("bomb") as archive:
        assert archive.getinfo("flow_definition.json").file_size == 8 << 20
    assert len(BAD_FILES["bomb"](DOCUMENTS)) < 16 << 10
    with opened("hostile names") as archive:
        assert "../../../../tmp/evil.json" in archive.namelist()
    with opened("many entries") as archive:
        assert len(archive.namelist()) > 65_535
