"""The framework's private names are used in one package, and the program works where they are not what was tested."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import sys
from pathlib import Path

import pytest
import textual
from textual.message_pump import MessagePump

import gale_tui.tui
from gale_tui.tui.terminal.framework import TESTED_WITH, private_problem
from tests.e2e.terminal import PtyProgram, environ_for, wait_until

PACKAGE = Path(gale_tui.tui.__file__).parent
TERMINAL = "gale_tui.tui.terminal"
MODULES = sorted(
    each.name
    for each in pkgutil.walk_packages(gale_tui.tui.__path__, "gale_tui.tui.")
    if not each.name.startswith(TERMINAL)
)


def test_what_is_installed_is_what_was_tested() -> None:
    assert textual.__version__ == TESTED_WITH
    assert private_problem() == ""


@pytest.mark.parametrize("name", MODULES)
def test_private_names_are_used_in_the_terminal_package_alone(name: str) -> None:
    module = importlib.import_module(name)
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual"):
            assert "._" not in (node.module or ""), node.module
            assert not [alias.name for alias in node.names if alias.name.startswith("_")]
    for defined in (each for each in tree.body if isinstance(each, ast.ClassDef)):
        found = getattr(module, defined.name)
        if issubclass(found, MessagePump):
            assert private_uses(defined, found) == set()


HANDLERS = re.compile(r"_on_[a-z_]+|_[a-z]+_of|__\w+__")
"""Names that the framework looks for by their form, which are public in this sense."""


def private_uses(defined: ast.ClassDef, found: type) -> set[str]:
    """The framework's private names that a widget, screen or app reads, sets or overrides on itself."""
    own = {name for each in found.__mro__ if not framework(each) for name in names_set(each)}
    theirs = {name for each in found.__mro__ if framework(each) for name in names_set(each)}
    used = {
        node.attr
        for node in ast.walk(defined)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    } | {node.name for node in defined.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return {name for name in used if name.startswith("_") and name in theirs and not HANDLERS.fullmatch(name)} - (
        own - theirs
    )


def framework(each: type) -> bool:
    return each.__module__.startswith("textual.")


def names_set(each: type) -> set[str]:
    """What a class and its constructor define."""
    constructor = vars(each).get("__init__")
    return {*vars(each), *getattr(getattr(constructor, "__code__", None), "co_names", ())}


LATER = """\
import sys
import textual._compositor
made = textual._compositor.ChopsUpdate.__init__
textual._compositor.ChopsUpdate.__init__ = lambda self, chops, spans, ends: made(self, chops, spans, ends)
from gale_tui.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""gale-tui with another release of the framework, in which a private name has changed."""


def test_with_another_framework_the_framework_paints(tmp_path: Path) -> None:
    environ = environ_for(tmp_path / "account", GALE_TUI_HOME=str(tmp_path / "gale"))
    with PtyProgram(["/usr/bin/env", sys.executable, "-c", LATER, "--demo"], environ, width=80, height=24) as program:
        program.wait_for("No exports yet")
        program.type("n")
        program.wait_for("As curl")
        program.type("\r")
        program.wait_for(re.compile("SUCCESS.*saved"))
        program.type("q")
        assert program.exit_code() == 0
    with PtyProgram(["/usr/bin/env", sys.executable, "-c", LATER, "info"], environ, width=120, height=60) as program:
        assert program.exit_code() == 0
        wait_until(lambda: "the framework's own: textual._compositor.ChopsUpdate" in program.screen(), "the reason")
