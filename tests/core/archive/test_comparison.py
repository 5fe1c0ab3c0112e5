"""What counts as a difference between two exports, and what does not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gale_tui.core.archive import comparison
from gale_tui.core.archive.comparison import Comparison, compare, comparison_as_json
from gale_tui.core.archive.contents import read_archive
from gale_tui.core.archive.json_diff import (
    ABSENT,
    DiffLine,
    FieldChange,
    canonical,
    differences,
    equivalent,
    text_difference,
)
from gale_tui.sandbox.flows import REVISION
from tests.support.processor import processor_seconds
from tests.support.saved_exports import documents, write_zip

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., Comparison]:
    def make(change: Change | None = None, *, before: dict[str, Any] | None = None, **more: Any) -> Comparison:
        after = documents()
        if change is not None:
            change(after)
        one = write_zip(tmp_path / "before.zip", before or documents())
        other = write_zip(tmp_path / "after.zip", after, **more)
        return compare(read_archive(one), read_archive(other))

    return make


def test_one_prompt_is_all_that_differs(tmp_path: Path) -> None:
    before, after = (write_zip(tmp_path / f"{n}.zip", documents(n)) for n in (1, 2))
    it = compare(read_archive(before), read_archive(after))
    assert it.count == 1
    (changed,) = it.nodes
    assert (changed.name, changed.kind) == ("Classify request", "genAI")
    (field,) = changed.fields
    assert field.field == "config.prompt"
    removed, added = text_difference(field.before, field.after)
    assert (removed.mark, added.mark) == ("-", "+")
    assert [text for text, changed in added.spans if changed] == [f" {REVISION}"]
    assert not any(changed for _, changed in removed.spans)
    assert comparison_as_json(it)["nodes"]["changed"][0]["fields"][0]["field"] == "config.prompt"  # type: ignore[index]  # plain JSON


def test_a_file_does_not_differ_from_itself(compared: Callable[..., Comparison]) -> None:
    assert compared().same


def test_order_and_time_stamps_alone_are_no_difference(compared: Callable[..., Comparison]) -> None:
    def change(made: dict[str, Any]) -> None:
        rng = random.Random(1)  # noqa: S311  # an order, not a secret
        for name, document in list(made.items()):
            made[name] = shuffled(document, rng)
        made["flow_definition.json"]["updatedAt"] = "2026-11-23T12:00:00.000Z"
        made["flow_definition.json"]["nodes"][3]["lastModified"] = 1_770_000_000_000
        made["app_definition.json"]["exportedOn"] = "2026-11-23"

    assert compared(change, moment=(2026, 5, 6, 7, 8, 10)).same


def shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(name, shuffled(each, rng)) for name, each in value.items()]
        return dict(rng.sample(items, len(items)))
    if isinstance(value, list):
        return rng.sample([shuffled(each, rng) for each in value], len(value))
    return value


def test_every_kind_of_change_is_found(compared: Callable[..., Comparison]) -> None:
    def change(made: dict[str, Any]) -> None:
        flow, app, env = (made[f"{name}.json"] for name in ("flow_definition", "app_definition", "env_variables"))
        del flow["nodes"][5]
        flow["nodes"].append({"id": "n99", "type": "delay", "name": "Wait"})
        flow["nodes"][1]["timeoutSeconds"] = 21
        flow["settings"]["tracing"] = False
        app["version"] = "1.5.0"
        app["guardrails"][0]["threshold"] = 0.9
        app["guardrails"][1]["name"] = "Jailbreaks"
        env["environmentVariables"][0]["value"] = "https://other.example"
        env["environmentVariables"][1]["secure"] = True
        env["environmentVariables"].append({"name": "NEW", "value": "x-new-value"})
        del env["environmentVariables"][2]
        made["extra.bin"] = b"new"

    it = compared(change)
    assert names(it.nodes, "+") == ["Wait"]
    assert names(it.nodes, "-") == ["Card state"]
    assert [(each.id, each.fields) for each in it.nodes if each.mark == "~"] == [
        ("n2", (FieldChange("timeoutSeconds", 20, 21),))
    ]
    assert it.settings == (FieldChange("settings.tracing", True, False),)
    assert it.about == (FieldChange("version", "1.4.0", "1.5.0"),)
    assert names(it.guardrails, "~") == ["Toxicity"]
    assert names(it.guardrails, "+") == ["Jailbreaks"]
    assert names(it.guardrails, "-") == ["Prompt injection"]
    assert [(each.name, each.value_changed) for each in it.variables if each.mark == "~"] == [
        ("CORE_BANKING_URL", True),
        ("CARD_SERVICE_URL", False),
    ]
    assert [each.fields for each in it.variables if each.name == "CARD_SERVICE_URL"] == [
        (FieldChange("secure", False, True),)
    ]
    assert names(it.variables, "+") == ["NEW"]
    assert names(it.variables, "-") == ["CURRENCY"]
    assert [(each.mark, each.name) for each in it.files] == [("+", "extra.bin")]
    assert it.count == 13


def names(changes: tuple[comparison.Change, ...], mark: str) -> list[str]:
    return [each.name for each in changes if each.mark == mark]


def test_no_value_of_a_variable_is_in_the_json(compared: Callable[..., Comparison]) -> None:
    def change(made: dict[str, Any]) -> None:
        variables = made["env_variables.json"]["environmentVariables"]
        variables[0]["value"] = "hidden-new"
        variables[1]["stages"] = {"prod": "hidden-stage"}
        variables.append({"name": "NEW", "value": "hidden-added"})
        made["env_variables.json"]["inherited"] = {"X": "hidden-inherited"}

    it = compared(change)
    assert not it.same
    assert "hidden" not in json.dumps(comparison_as_json(it))
    assert "hidden" not in repr(it)
    assert "core.bank" not in repr(it)
    assert [each.field for each in it.settings] == ["inherited"]
    (staged,) = (each for each in it.variables if each.mark == "~" and not each.value_changed)
    assert [each.field for each in staged.fields] == ["stages"]


def test_a_flow_imported_again_has_other_ids_but_the_same_nodes(compared: Callable[..., Comparison]) -> None:
    def change(made: dict[str, Any]) -> None:
        for node in made["flow_definition.json"]["nodes"]:
            node["id"] = f"x{node['id']}"

    it = compared(change)
    assert {each.mark for each in it.nodes} == {"~"}
    assert {each.field for changed in it.nodes for each in changed.fields} == {"id"}


def test_what_cannot_be_read_is_compared_by_its_checksum(compared: Callable[..., Comparison]) -> None:
    broken = documents() | {"flow_definition.json": b"{broken"}
    it = compared(lambda made: made.update({"flow_definition.json": b"{broken too"}), before=broken)
    assert [(each.mark, each.name) for each in it.files] == [("~", "flow_definition.json")]
    assert compared(lambda made: made.update({"flow_definition.json": b"{broken"}), before=broken).same


def test_further_json_is_compared_by_its_meaning(compared: Callable[..., Comparison]) -> None:
    before = documents() | {"more.json": b'{"a": 1, "b": [1, 2]}'}
    assert compared(lambda made: made.update({"more.json": b'{"b":[2,1],"a":1}'}), before=before).same
    it = compared(lambda made: made.update({"more.json": b'{"b":[2,1],"a":2}'}), before=before)
    assert [(each.mark, each.name) for each in it.files] == [("~", "more.json")]


# JSON values

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab\n", max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
)


@given(VALUES, st.randoms(use_true_random=False))
def test_shuffling_makes_no_difference(value: Any, rng: random.Random) -> None:
    assert equivalent(value, shuffled(value, rng))


@given(VALUES, VALUES)
def test_what_differs_is_found_and_only_that(one: Any, other: Any) -> None:
    assert equivalent(one, other) is (canonical(one) == canonical(other))


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (0, False), ("1", 1), (None, 0), ([], {}), ([1], [1, 1]), ({}, None)]
)
def test_values_of_other_kinds_differ(one: object, other: object) -> None:
    assert not equivalent([one], [other])
    assert not equivalent({"a": one}, {"a": other})


def test_whole_numbers_are_the_same_however_written() -> None:
    assert equivalent({"a": 1.0}, {"a": 1})


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("modifiedBy", "a", "b"),
        ("created", "by hand", "by import"),
        ("updatedAt", "soon", "later"),
        ("published", True, False),
    ],
)
def test_what_only_sounds_like_a_time_stamp_differs(name: str, one: object, other: object) -> None:
    assert not equivalent({name: one}, {name: other})


def test_items_with_a_name_are_matched_by_it() -> None:
    before = {"inputs": [{"name": "x", "type": "string"}, {"name": "y", "type": "string"}]}
    after = {"inputs": [{"name": "y", "type": "number"}, {"name": "x", "type": "string"}, {"name": "z"}]}
    found = list(differences(before, after))
    assert found == [
        FieldChange("inputs[y].type", "string", "number"),
        FieldChange("inputs[z]", ABSENT, {"name": "z"}),
    ]


# Texts


@given(st.text("ab \n", max_size=60), st.text("ab \n", max_size=60))
def test_a_texts_difference_gives_both_back(one: str, other: str) -> None:
    lines = text_difference(one, other, context=1000)
    if one.splitlines() != other.splitlines():
        assert [line.text for line in lines if line.mark in " -"] == one.splitlines()
        assert [line.text for line in lines if line.mark in " +"] == other.splitlines()
    assert all("".join(text for text, _ in line.spans) == line.text for line in lines)


def test_equal_lines_far_away_are_left_out() -> None:
    one = "\n".join(f"line {n}" for n in range(100))
    lines = text_difference(one, one.replace("line 50", "line fifty"))
    assert [line.mark for line in lines] == ["…", " ", " ", "-", "+", " ", " ", "…"]
    assert lines[0] == DiffLine("…", (("48 lines are the same", False),))


def test_an_end_that_differs_invisibly_is_shown() -> None:
    assert [line.text for line in text_difference("a\n", "a")] == ['"a\\n"', '"a"']


def test_huge_texts_are_compared_in_bounded_time() -> None:
    one = "\n".join(str(n % 7) for n in range(20_000))
    other = "\n".join(str(n % 5) for n in range(20_000))
    with processor_seconds(2):
        assert text_difference(one, other)
    with processor_seconds(2):
        assert text_difference("a b " * 20_000, "b a a " * 20_000)
