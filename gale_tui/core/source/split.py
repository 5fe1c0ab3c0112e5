"""From a document to files: nodes, long texts, layout and values each get their place, and a reference stays behind.

A reference is an object with one key: `{"$file": "nodes/start--n1.json"}`, `{"$layout": "n1.position"}`,
`{"$value": "CURRENCY"}`. An object of the document that looks like one is wrapped in `{"$literal": …}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gale_tui.core.archive.json_diff import is_time
from gale_tui.core.archive.tool import IDS, KINDS, NAMES, find_part, node_identity, text_field, variable_list
from gale_tui.core.source.lossless_json import Number
from gale_tui.core.source.names import Names, numbered

FILE: Final = "$file"
LAYOUT_KEY: Final = "$layout"
VALUE: Final = "$value"
LITERAL: Final = "$literal"
_REFERENCES: Final = frozenset({FILE, LAYOUT_KEY, VALUE, LITERAL})

LEVELS: Final = 100
"""Levels of nesting of a document that is split."""
_NODE_LISTS: Final = frozenset({"nodes", "steps"})
_POSITIONS: Final = frozenset(
    {"position", "positionabsolute", "coordinates", "coords", "viewport", "canvas", "measured", "dimensions", "layout"}
)
_DRAWN: Final = frozenset({"x", "y", "width", "height", "dragging", "selected"})
"""Fields that belong to the canvas if a position stands beside them; elsewhere they may be a picture's size."""
_LONG: Final = 200
"""Characters from which a text on one line is a file."""
_LONG_SOURCE: Final = 40
"""The same for a field whose name is that of a prompt or a script."""
_PROSE: Final = re.compile(
    r"(?:prompt|instructions?|description|message|content|text|template|persona|goal|context|notes?|policy|markdown)$",
    re.IGNORECASE,
)
_CODE: Final = re.compile(r"(?:script|code|function|source|body|expression|transform)$", re.IGNORECASE)
_SOURCE: Final = re.compile(r"(?:prompt|instructions?|script|code|persona)$", re.IGNORECASE)
_LANGUAGES: Final = ("language", "lang", "runtime", "scriptType", "scriptLanguage", "codeLanguage")
_PYTHON: Final = re.compile(r"^(?:def |import |from \w+ import |class \w+[:(]|print\()", re.MULTILINE)


@dataclass(slots=True)
class Pieces:
    """The files and values that the documents of a tool are split into."""

    nodes: dict[str, Any] = field(default_factory=dict)
    """Documents by file."""
    texts: dict[str, str] = field(default_factory=dict)
    """Texts by file."""
    origins: dict[str, str] = field(default_factory=dict)
    """Where each text stood: file, `#` and a JSON pointer."""
    layout: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    """Values of environment variables."""

    def update(self, other: Pieces) -> None:
        for name in self.__slots__:
            getattr(self, name).update(getattr(other, name))


@dataclass(frozen=True, slots=True)
class _Place:
    """The current place of the walk."""

    file: str
    base: str
    """Prefix of the layout keys."""
    in_node: bool
    depth: int = 0
    path: tuple[str, ...] = ()
    """Names for people: ids of list items rather than numbers."""
    pointer: tuple[str, ...] = ()

    def below(self, step: str, name: str = "") -> _Place:
        """The place of a field or an item."""
        path, pointer = (*self.path, name or step), (*self.pointer, step)
        return _Place(self.file, self.base, self.in_node, self.depth + 1, path, pointer)


def split_document(document: object, file: str, names: Names, *, nodes: bool) -> tuple[Any, Pieces]:
    """Splits a document.

    Args:
        document: As parsed; left as it is.
        file: Its name in the tree.
        nodes: Gives nodes and texts files; else nothing is split.

    Returns:
        The document with references, and its pieces.

    Raises:
        RecursionError: It is nested deeper than `LEVELS`.
    """
    splitter = _Splitter(names, nodes)
    return splitter.walk(document, _Place(file, file.removesuffix(".json"), in_node=False)), splitter.pieces


class _Splitter:
    def __init__(self, names: Names, nodes: bool) -> None:
        self._names = names
        self._splits = nodes
        self.pieces = Pieces()

    def walk(self, value: Any, place: _Place) -> Any:
        if place.depth > LEVELS:
            raise RecursionError
        kind = type(value)
        if kind is dict:
            if len(value) == 1 and next(iter(value)) in _REFERENCES:
                return {LITERAL: value}
            return {key: self._field(value, key, each, place) for key, each in value.items()}
        if kind is list:
            return [self._item(each, str(number), place) for number, each in enumerate(value)]
        return value

    def _item(self, value: Any, number: str, place: _Place) -> Any:
        kind = type(value)
        if kind is dict:
            return self.walk(value, place.below(number, text_field(value, (*IDS, "name", "key"))))
        if kind is list:
            return self.walk(value, place.below(number))
        if kind is str and self._splits:
            return self._text(value, place.path[-1].rstrip("s") if place.path else "", {}, place, number)
        return value

    def _field(self, owner: Mapping[str, Any], key: str, value: Any, place: _Place) -> Any:
        kind = type(value)
        if self._splits and value is not None:
            if kind is str and not is_time(key, value):
                return self._text(value, key, owner, place, key)
            if value and (is_time(key, value) or _is_layout(owner, key, value)):
                name = self._names.key(".".join((place.base, *place.path, key)))
                self.pieces.layout[name] = value
                return {LAYOUT_KEY: name}
            if (
                (kind is dict or kind is list)
                and not place.in_node
                and key.lower() in _NODE_LISTS
                and _are_nodes(value)
            ):
                return self._nodes(value, place.depth)
        return self.walk(value, place.below(key)) if kind is dict or kind is list else value

    def _nodes(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            return {key: self._node(key, each, depth) for key, each in value.items()}
        return [self._node("", each, depth) for each in value]

    def _node(self, key: str, node: dict[str, Any], depth: int) -> Any:
        node_id, kind, name = node_identity(key, node)
        file, base = self._names.node(name, node_id, kind)
        self.pieces.nodes[file] = self.walk(node, _Place(file, base, True, depth + 2))
        return {FILE: file}

    def _text(self, text: str, name: str, owner: Mapping[str, Any], place: _Place, step: str) -> Any:
        longest = _LONG_SOURCE if _SOURCE.search(name) else _LONG
        if len(text) <= longest and "\n" not in text.rstrip("\n"):
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            return text
        here = place.below(step)
        file = self._names.text(place.file, here.path, _ending(owner, name, text))
        self.pieces.texts[file] = text
        pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in here.pointer)
        self.pieces.origins[file] = f"{place.file}#{pointer}"
        return {FILE: file}


def _are_nodes(value: Any) -> bool:
    items = list(value.values()) if isinstance(value, dict) else value
    return bool(items) and all(
        isinstance(each, dict)
        and any(name in each for name in (*IDS, *KINDS))
        and not (len(each) == 1 and next(iter(each)) in _REFERENCES)
        for each in items
    )


def _is_layout(owner: Mapping[str, Any], key: str, value: Any) -> bool:
    lower = key.lower()
    if lower in _POSITIONS:
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ("",)
        return all(type(each) in (Number, bool) for each in items)
    return (
        lower in _DRAWN
        and type(value) in (Number, bool)
        and ("position" in owner or all(type(owner.get(each)) is Number for each in "xy"))
    )


def _ending(owner: Mapping[str, Any], key: str, text: str) -> str:
    language = next((str(owner[each]).lower() for each in _LANGUAGES if isinstance(owner.get(each), str)), "")
    if _CODE.search(key):
        if language.startswith("py"):
            return ".py"
        if language.startswith(("js", "java", "node", "ecma", "type")):
            return ".js"
        if re.search(r"(?:script|code|function)$", key, re.IGNORECASE):
            return ".py" if _PYTHON.search(text) else ".js"
        return ".txt"
    return ".md" if _PROSE.search(key) else ".txt"


# Variables

_SHOWN: Final = frozenset({*NAMES, *IDS, "type", "scope", "description"} - {"key"})


def split_variables(document: object) -> tuple[Any, dict[str, Any]]:
    """`env_variables.json` without values, and the values by name.

    In a list of variables, names, ids, types and descriptions stay; in an object of variables, the keys. Everywhere
    else no text and no number stays.

    Raises:
        RecursionError: It is nested too deeply.
    """
    values: dict[str, Any] = {}

    def take_out(key: str, value: Any) -> dict[str, Any]:
        name = next(each for each in numbered(f"{key}#") if each not in values)
        values[name] = value
        return {VALUE: name}

    listed = variable_list(document)
    known = {id(each): text_field(each, NAMES) for each in listed or ()}
    found = find_part(document, "variables")
    named = None if listed is not None else document if found is None else found

    def walk(value: Any, path: tuple[str, ...]) -> Any:
        if len(path) > LEVELS:
            raise RecursionError
        if isinstance(value, dict):
            if len(value) == 1 and next(iter(value)) in _REFERENCES:
                return take_out(".".join(path), value)
            if value is named:
                return {key: None if each is None else take_out(key, each) for key, each in value.items()}
            if id(value) in known:
                return dict(_variable(value, known[id(value)], take_out))
            return {key: walk(each, (*path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [walk(each, (*path, str(number))) for number, each in enumerate(value)]
        return value if value is None or isinstance(value, bool) else take_out(".".join(path), value)

    return walk(document, ()), values


def _variable(
    fields: Mapping[str, Any], name: str, take_out: Callable[[str, Any], dict[str, Any]]
) -> Iterator[tuple[str, Any]]:
    name_field = next((each for each in NAMES if each in fields and text_field(fields, (each,)) == name), "")
    for key, value in fields.items():
        plain = not isinstance(value, dict | list) and (key == name_field or key in _SHOWN)
        if value is None or plain or (isinstance(value, bool) and key not in ("value", "defaultValue")):
            yield key, value
        else:
            yield key, take_out(name if key == "value" else f"{name}.{key}", value)
