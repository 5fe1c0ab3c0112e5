"""What people read is in plain words: the ones that gale-tui does not use are kept out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BANNED = re.compile(
    r"\b(anew|mend(s|ed|ing)?|told|tak(e|es|en) out|go(es|ne|ing)? on( with)?|says?|said|asks?|asked|asking|of its own"
    r"|for ever|some ten|parted by|drop(s|ped)?|what becomes)\b",
    re.IGNORECASE,
)
DATA = {"flows.py"}
"""Prompts of the sample tools."""
TASKS = re.compile(r"(ask|asking for|drop batch) ?")
"""Names of background tasks and log lines."""


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of several words in a module, docstrings aside."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            words = node.value if " " in node.value else ""
            yield node.lineno, words


MODULES = [path for path in sorted((ROOT / "gale_tui").rglob("*.py")) if path.name not in DATA]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "gale_tui")))
def test_no_module_has_a_banned_word_in_its_texts(path: Path) -> None:
    found = [f"{line}: {text}" for line, text in texts(path) if BANNED.search(text) and not TASKS.fullmatch(text)]
    assert found == []


@pytest.mark.parametrize("name", ["README.md", "screenshots/README.md", "tests/benchmarks/README.md"])
def test_no_page_has_a_banned_word(name: str) -> None:
    text = re.sub(r"`[^`]*`|```.*?```", "", (ROOT / name).read_text("utf-8"), flags=re.DOTALL)
    assert BANNED.findall(text) == []


@pytest.mark.parametrize("text", ["The list begins anew.", "X is asked for no more", "GALE says", "goes on"])
def test_the_pattern_finds_them(text: str) -> None:
    assert BANNED.search(text)
