"""Names that every system takes, whatever a server, a file or a person calls a thing."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gale_tui.core.config.settings import DEFAULT_PATTERN
from gale_tui.core.downloads.file_names import PART, Naming
from gale_tui.core.errors import SourceError
from gale_tui.core.source.names import Names, checked_path
from gale_tui.core.untrusted_text import safe_file_stem

DEVICES = ("con", "PRN", "aux", "Nul", "COM1", "lpt9", "com¹", "CONIN$", "conout$")
TRAPS = st.sampled_from(
    [
        *DEVICES,
        *(f"{each}.txt" for each in DEVICES),
        "con ",
        "nul .a",
        "a.",
        "a ",
        "a:b",
        "a|b?",
        "..",
        "~",
        "a\0",
        "é",
        "E\u0301",
    ]
)
TEXTS = st.one_of(TRAPS, st.text(max_size=300), st.lists(TRAPS, max_size=4).map("".join))


def assert_legal(path: str) -> None:
    for name in path.split("/"):
        assert 0 < len(name.encode()) <= 255
        assert not re.search(r'[\x00-\x1f<>:"/\\|?*]', name)
        assert name[-1] not in " ."
        stem = name.partition(".")[0].rstrip(" ")
        assert stem.lower() not in {each.lower() for each in DEVICES}


@given(TEXTS, TEXTS, TEXTS, st.sampled_from([DEFAULT_PATTERN, "{name}", "{label}", "{tool}{label}", "con.{time}"]))
def test_saved_files(stem: str, environment: str, label: str, pattern: str) -> None:
    naming = Naming(environment, 1.7e9, pattern, tool=label, label=label)
    for name in itertools.islice(naming.names(stem), 3):
        assert_legal(name)
        assert_legal(name + PART)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=2, max_size=6))
def test_files_of_an_unpacked_tool(members: list[tuple[str, str, str]]) -> None:
    names, made = Names(), []
    for name, node_id, text in members:
        node, _ = names.node(name, node_id, text)
        made += [node, names.text(node, (text, name), ".md"), names.other(name), names.other(f"{text}.json")]
    for path in made:
        assert_legal(path)
        assert checked_path(path) == path
    assert len({path.casefold() for path in made}) == len(made)


@given(TEXTS)
def test_folders(name: str) -> None:
    assert_legal(safe_file_stem(name, "tool"))


@pytest.mark.parametrize(
    "name", ["nodes/con.json", "files/NUL.txt", "aux", "files/a.", "files/a ", "files/a:b", "files/lpt1"]
)
def test_a_manifest_that_names_others_is_refused(name: str) -> None:
    with pytest.raises(SourceError):
        checked_path(name)
