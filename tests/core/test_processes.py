"""No program that gale-tui starts inherits the API key."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import gale_tui
from gale_tui.core.processes import PIPE, start_process

PACKAGE = Path(gale_tui.__file__).parent
STARTING = {
    *(f"subprocess.{name}" for name in ("Popen", "run", "call", "check_call", "check_output")),
    *(f"os.{name}" for name in ("system", "popen", "execv", "execve", "execvp", "posix_spawn", "fork", "startfile")),
}
MODULES = {"subprocess", "webbrowser", "pty", "multiprocessing"}
SHOW = [sys.executable, "-c", "import os; print(sorted(os.environ))"]


def test_the_key_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GALE_API_KEY", "GALE_HOST", "GPG_TTY"):
        monkeypatch.setenv(name, "x")
    output, _ = start_process(SHOW, without=("GPG_TTY",), output=PIPE).communicate(timeout=30)
    assert b"GALE_HOST" in output
    assert b"GALE_API_KEY" not in output
    assert b"GPG_TTY" not in output


def test_nothing_else_starts_programs() -> None:
    sources = ((path, path.read_text("utf-8")) for path in PACKAGE.rglob("*.py"))
    # A module that names none of them is not parsed.
    trees = {path: ast.parse(text) for path, text in sources if any(name in text for name in MODULES | STARTING)}
    found = {path.relative_to(PACKAGE).as_posix() for path, tree in trees.items() if _imported(tree) & MODULES}
    # The others handle its exceptions.
    assert found == {
        "core/processes.py",
        "core/credentials/key_command.py",
        "core/source/tree_writer.py",
        "tui/terminal/desktop.py",
    }
    for path, tree in trees.items():
        if path.name != "processes.py":
            assert not _called(tree) & STARTING, path


def _called(tree: ast.Module) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names
