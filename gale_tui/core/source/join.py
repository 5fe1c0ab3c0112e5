"""From the files of a tree back to the members of a zip, and whether an import can use them."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gale_tui.core.errors import SourceError
from gale_tui.core.source.lossless_json import TooDeepError, line_at, parse, too_full, write
from gale_tui.core.source.manifest import Manifest, Member
from gale_tui.core.source.names import APPLICATION, FLOW, LAYOUT, MANIFEST, NODES, VALUES, VARIABLES, checked_path
from gale_tui.core.source.split import FILE, LAYOUT_KEY, LITERAL, VALUE
from gale_tui.core.untrusted_text import inert

Values = Mapping[str, Any]
ORIGINAL: Final = "$original"
"""Beside the values: the variables' document as it was, if no style reproduces it."""
_ENDINGS: Final = (".json", ".md", ".py", ".js", ".txt")


@dataclass(frozen=True, slots=True)
class Joined:
    """The members of a zip, made from a tree."""

    members: dict[str, bytes]
    documents: dict[str, Any]
    """By their file in the tree; without those that are too large or too deep to be parsed."""
    unused: tuple[str, ...] = ()
    """Values that no variable of the tree takes."""


@dataclass(slots=True)
class _Tree:
    files: Mapping[str, bytes]
    values: Values | None
    layout: Mapping[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    """Values that were put in their place."""

    def line(self, file: str, key: str, value: object) -> int:
        """The line where a reference stands; 0 if it cannot be found."""
        if not isinstance(value, str):
            return 0
        reference = re.compile(rf'"{re.escape(key)}"\s*:\s*{re.escape(json.dumps(value, ensure_ascii=False))}')
        text = self.files[file].decode("utf-8", "replace")
        found = reference.search(text)
        return line_at(text, found.start()) if found else _line_of(self.files[file], value)


def _line_of(content: bytes, value: str) -> int:
    """The first line that holds a text as a JSON value; 0 if none does."""
    text = content.decode("utf-8", "replace")
    for spelled in (json.dumps(value, ensure_ascii=False), json.dumps(value)):
        at = text.find(spelled)
        if at >= 0:
            return line_at(text, at)
    return 0


def place_of(value: str, files: Mapping[str, bytes]) -> tuple[str, int]:
    """File and line where a reference stands: as a JSON value, or as `{{env.NAME}}` in a text."""
    for file in sorted(files, key=lambda name: not name.startswith(f"{NODES}/")):
        if value.startswith("env."):
            at = files[file].find(value.encode())
            if at >= 0:
                return file, files[file].count(b"\n", 0, at) + 1
        elif file.endswith(".json") and (line := _line_of(files[file], value)):
            return file, line
    return FLOW, 0


def parse_values(content: bytes, file: str) -> dict[str, Any]:
    """Values of environment variables by name.

    Raises:
        SourceError: It is no JSON object.
    """
    return _object(content, file, 'values by name, such as {"CURRENCY": "EUR"}')


def join(files: Mapping[str, bytes], manifest: Manifest, values: Values | None) -> Joined:
    """Makes the members of a zip.

    Args:
        files: The tree's, without the values.
        values: Of the environment variables; None leaves every one empty.

    Raises:
        SourceError: A file is missing, is not JSON, or a reference does not resolve; with file and line.
    """
    tree = _Tree(files, values)
    if LAYOUT in files:
        tree.layout = _object(files[LAYOUT], LAYOUT, "positions by name")
    members: dict[str, bytes] = {}
    documents: dict[str, Any] = {}
    for member in manifest.members:
        if member.file not in files:
            raise SourceError("This file is missing", "Restore it, or unpack the export again", file=member.file)
        if member.name in members:
            raise SourceError(f"{inert(member.name, 80)!r} is a member twice", file=MANIFEST)
        members[member.name] = _member(tree, member, documents)
    if any(each.file == FLOW and each.style is not None for each in manifest.members):
        _check_unused(tree)
    unused = sorted(set(values or ()) - tree.taken) if VARIABLES in documents else []
    return Joined(members, documents, tuple(unused))


def _member(tree: _Tree, member: Member, documents: dict[str, Any]) -> bytes:
    content = tree.files[member.file]
    if member.style is None:
        if member.file.endswith(".json") and not too_full(content):
            try:
                documents[member.file] = parse(content, member.file)
            except TooDeepError:
                pass
            except SourceError:
                if member.file in (FLOW, APPLICATION, VARIABLES):
                    raise
        return content
    document = _resolve(parse(content, member.file), tree, member.file, nodes=True)
    documents[member.file] = document
    original = (tree.values or {}).get(ORIGINAL) if member.file == VARIABLES else None
    if type(original) is str:
        tree.taken.add(ORIGINAL)
        with contextlib.suppress(SourceError, RecursionError):
            if write(parse(original)) == write(document):
                return original.encode()
    try:
        return write(document, member.style)
    except RecursionError:
        raise TooDeepError(member.file) from None


def _check_unused(tree: _Tree) -> None:
    for file in tree.files:
        if file not in tree.used and file.startswith(f"{NODES}/") and file.endswith(_ENDINGS):
            reference = json.dumps({FILE: file}, ensure_ascii=False)
            raise SourceError(f"Nothing refers to this file. Add {reference} to {FLOW}, or delete the file", file=file)


def _object(content: bytes, file: str, what: str) -> dict[str, Any]:
    found = parse(content, file)
    if not isinstance(found, dict):
        raise SourceError(f"This is not an object of {what}", file=file, line=1)
    return found


def _resolve(document: Any, tree: _Tree, file: str, *, nodes: bool) -> Any:
    """The document with its references resolved."""

    def walk(value: Any) -> Any:
        kind = type(value)
        if kind is dict:
            if len(value) == 1:
                key = next(iter(value))
                if key in _RESOLVERS:
                    return _RESOLVERS[key](value[key], tree, file, nodes)
            return {key: walk(each) if type(each) in (dict, list) else each for key, each in value.items()}
        if kind is list:
            return [walk(each) if type(each) in (dict, list) else each for each in value]
        return value

    try:
        return walk(document)
    except RecursionError:
        raise TooDeepError(file) from None


def _file(value: Any, tree: _Tree, file: str, nodes: bool) -> Any:
    try:
        path = checked_path(value)
        if path not in tree.files:
            raise SourceError(f"{path} is not there{_renamed_hint(path, tree)}")
        if path.endswith(".json") and not (nodes and path.startswith(f"{NODES}/")):
            raise SourceError(f"{path} cannot stand here: only a flow takes nodes from files")
    except SourceError as error:
        raise SourceError(error.what, error.advice, file=file, line=tree.line(file, FILE, value)) from None
    tree.used.add(path)
    if path.endswith(".json"):
        return _resolve(parse(tree.files[path], path), tree, path, nodes=False)
    try:
        # A text ends as editors end a file: the last line feed is the file's own.
        return tree.files[path].decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        at = tree.files[path].count(b"\n", 0, error.start) + 1
        raise SourceError("This is not UTF-8", file=path, line=at) from None


def _renamed_hint(path: str, tree: _Tree) -> str:
    """A hint at the new name of a renamed file."""
    _, dashes, own = path.rpartition("--")
    found = [each for each in tree.files if dashes and each.endswith(f"--{own}") and each.startswith(f"{NODES}/")]
    return f", but {found[0]} is: was it renamed?" if len(found) == 1 else ""


def _layout(value: Any, tree: _Tree, file: str, nodes: bool) -> Any:
    if isinstance(value, str) and value in tree.layout:
        return tree.layout[value]
    line = tree.line(file, LAYOUT_KEY, value)
    raise SourceError(f"{inert(value)!r} is not in {LAYOUT}; write the value here", file=file, line=line)


def _value(value: Any, tree: _Tree, file: str, nodes: bool) -> Any:
    if tree.values is None:
        return ""
    if isinstance(value, str) and value in tree.values:
        tree.taken.add(value)
        return tree.values[value]
    line = tree.line(file, VALUE, value)
    advice = f"Add it to {VALUES}, or use --env-values FILE or --without-values"
    raise SourceError(f"No value for {inert(value)!r}", advice, file=file, line=line)


_RESOLVERS: Final[dict[str, Callable[[Any, _Tree, str, bool], Any]]] = {
    LITERAL: lambda value, tree, file, nodes: value,
    FILE: _file,
    LAYOUT_KEY: _layout,
    VALUE: _value,
}
