"""A tool as its export describes it, found wherever its JSON keeps it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from gale_tui.core.secret import HIDDEN, Secret
from gale_tui.core.untrusted_text import inert

_TEXT_LIMIT: Final = 10_000
_LEVELS: Final = 4
"""Levels down to which lists of nodes, guardrails and variables are looked for."""
IDS: Final = ("id", "nodeId", "_id")
NAMES: Final = ("name", "displayName", "label", "title", "key")
_TOOL_NAMES: Final = ("name", "displayName", "toolName", "appName")
_APPLICATION_LIMIT: Final = 1 << 20
"""Bytes of an application's definition that are read for its name."""
KINDS: Final = ("type", "nodeType", "kind")
_MODELS: Final = ("model", "modelName", "modelId", "llm", "llmModel")
Part = Literal["nodes", "guardrails", "variables"]
_PARTS: Final[dict[Part, tuple[str, ...]]] = {
    "nodes": ("nodes", "steps"),
    "guardrails": ("guardrails", "guardRails", "scanners"),
    "variables": ("environmentVariables", "envVariables", "env_variables", "variables"),
}
_PLAIN: Final = frozenset({*NAMES, *IDS, "type", "secure", "isSecure", "secret", "scope", "description"})
"""Fields of a variable that are always shown."""


@dataclass(frozen=True, slots=True)
class ToolPart:
    """A node of the flow, or a guardrail, which has only a name."""

    id: str
    """Its own; its place in the list (`#3`) where it has none."""
    kind: str
    name: str
    fields: Mapping[str, Any] = field(repr=False)
    """Everything that the export says of it."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable. Exports carry their values, which only the exporting person may see."""

    name: str
    value: Secret
    """As text; as JSON where it is none."""
    secure: bool
    fields: Mapping[str, Any] = field(repr=False)
    """The other fields, without the value."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Server text throughout, not safe for a screen."""

    name: str
    description: str
    version: str
    nodes: tuple[ToolPart, ...]
    models: tuple[tuple[str, int], ...]
    """With the number of nodes that use each, most used first."""
    guardrails: tuple[ToolPart, ...]
    variables: tuple[Variable, ...]

    @property
    def nodes_by_kind(self) -> dict[str, list[ToolPart]]:
        """The nodes of each type, the most frequent type first."""
        kinds: dict[str, list[ToolPart]] = {}
        for node in self.nodes:
            kinds.setdefault(node.kind, []).append(node)
        return dict(sorted(kinds.items(), key=lambda each: (-len(each[1]), each[0])))


def read_tool(flow: object, application: object, variables: object) -> Tool | None:
    """The tool of an export's three documents, each of them None if it is missing.

    Returns:
        None if there is neither a flow nor an application.
    """
    documents = [each for each in (application, flow) if isinstance(each, dict)]
    if not documents:
        return None
    nodes = tuple(_find_nodes(flow if isinstance(flow, dict) else application))
    models = Counter(model for node in nodes for model in sorted(set(_find_models(node.fields, _LEVELS))))
    return Tool(
        name=_first_text(documents, _TOOL_NAMES),
        description=_first_text(documents, ("description",)),
        version=_first_text(documents, ("version", "appVersion", "toolVersion")),
        nodes=nodes,
        models=tuple(sorted(models.items(), key=lambda each: (-each[1], each[0]))),
        guardrails=tuple(_find_guardrails(documents)),
        variables=read_variables(variables),
    )


def tool_name(path: Path) -> str:
    """The name that a verified export gives its tool; empty if it gives none."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.filename.endswith("app_definition.json") and entry.file_size <= _APPLICATION_LIMIT:
                    found = json.loads(archive.read(entry))
                    return inert(_first_text([found], _TOOL_NAMES), 200) if isinstance(found, dict) else ""
    except (OSError, ValueError, RecursionError, NotImplementedError, zipfile.BadZipFile):
        return ""
    return ""


def text_of(value: object) -> str:
    """A JSON value as text: strings as they are, the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def value_text(value: object) -> str:
    """A JSON value in a line, inert: strings in quotation marks."""
    if isinstance(value, str):
        return f'"{inert(value, 500)}"'
    return "null" if value is None else inert(text_of(value), 500)


def _first_text(documents: Sequence[dict[str, Any]], names: tuple[str, ...]) -> str:
    for document in documents:
        for where in (document, *(each for each in document.values() if isinstance(each, dict))):
            if found := text_field(where, names):
                return found
    return ""


def text_field(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of these fields that holds a text or a number, as text; empty if none does."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and text_of(value):
            return text_of(value)[:_TEXT_LIMIT]
    return ""


def find_part(document: object, part: Part) -> object:
    """The list or object that holds a part of the tool; the outermost, None if there is none."""
    names = _PARTS[part]
    level = [document]
    for _ in range(_LEVELS):
        for each in level:
            if isinstance(each, dict):
                for name in names:
                    if isinstance(each.get(name), list | dict):
                        return each[name]
        level = [
            inner for each in level if isinstance(each, dict) for inner in each.values() if isinstance(inner, dict)
        ]
    return None


def _objects(found: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object of a list, or of an object by key; the key is empty in a list."""
    pairs: Iterable[tuple[str, Any]] = found.items() if isinstance(found, dict) else ()
    if isinstance(found, list):
        pairs = ((each if isinstance(each, str) else "", each) for each in found)
    for key, each in pairs:
        yield key, each if isinstance(each, dict) else {"value": each}


def node_identity(key: str, fields: Mapping[str, Any]) -> tuple[str, str, str]:
    """Id, type and name of a node, each empty if it has none.

    Args:
        key: Its key in an object of nodes; empty in a list.
    """
    data = fields.get("data")
    inner = data if isinstance(data, dict) else {}
    return (
        text_field(fields, IDS) or key,
        text_field(fields, KINDS) or text_field(inner, KINDS),
        text_field(fields, NAMES) or text_field(inner, NAMES),
    )


def _find_nodes(document: object) -> Iterator[ToolPart]:
    for number, (key, fields) in enumerate(_objects(find_part(document, "nodes")), 1):
        node_id, kind, name = node_identity(key, fields)
        node_id = node_id or f"#{number}"
        yield ToolPart(node_id, kind or "unknown", name or node_id, fields)


def _find_models(fields: object, levels: int) -> Iterator[str]:
    if levels <= 0 or not isinstance(fields, dict):
        return
    for name, value in fields.items():
        if name in _MODELS:
            model = text_field(value, NAMES + IDS) if isinstance(value, dict) else value
            if isinstance(model, str) and model:
                yield model[:_TEXT_LIMIT]
        elif isinstance(value, dict):
            yield from _find_models(value, levels - 1)


def _find_guardrails(documents: Sequence[dict[str, Any]]) -> Iterator[ToolPart]:
    found = (list(_objects(find_part(document, "guardrails"))) for document in documents)
    for number, (key, fields) in enumerate(next(filter(None, found), ()), 1):
        name = text_field(fields, NAMES) or key or text_field(fields, KINDS + IDS) or f"#{number}"
        yield ToolPart("", "", name, fields)


def without_parts(document: object, *parts: Part) -> object:
    """The document without the lists that hold these parts of the tool."""
    left_out = [found for part in parts if (found := find_part(document, part)) is not None]
    return _without(document, {id(each) for each in left_out}, _LEVELS)


def _without(value: object, left_out: set[int], levels: int) -> object:
    if not isinstance(value, dict) or levels <= 0:
        return value
    return {name: _without(each, left_out, levels - 1) for name, each in value.items() if id(each) not in left_out}


# Variables


def variable_list(document: object) -> list[dict[str, Any]] | None:
    """The variables where each is an object with a name."""
    found = document if isinstance(document, list) else find_part(document, "variables")
    if isinstance(found, list) and all(isinstance(each, dict) and text_field(each, NAMES) for each in found):
        return found
    return None


def read_variables(document: object) -> tuple[Variable, ...]:
    """The environment variables of `env_variables.json`, in a list of objects or as an object of values."""
    listed = variable_list(document)
    if listed is not None:
        return tuple(
            Variable(
                name=text_field(each, NAMES),
                value=Secret(text_of(each.get("value", each.get("defaultValue")))),
                secure=any(each.get(name) is True for name in ("secure", "isSecure", "secret")),
                fields={name: value for name, value in each.items() if name not in ("value", "defaultValue")},
            )
            for each in listed
        )
    named = find_part(document, "variables")
    if named is None:
        named = document
    if not isinstance(named, dict):
        return ()
    return tuple(Variable(name, Secret(text_of(value)), False, {}) for name, value in named.items())


def mask_variables(document: object) -> object:
    """`env_variables.json` with every value hidden, to be shown."""
    listed = variable_list(document)
    known = {id(each) for each in listed} if listed is not None else set()
    return _mask(document, known)


def _mask(value: object, known: set[int]) -> object:
    if isinstance(value, dict):
        plain = _PLAIN if id(value) in known else frozenset()
        return {
            name: each if name in plain and not isinstance(each, dict | list) else _mask(each, known)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_mask(each, known) for each in value]
    return value if value is None or isinstance(value, bool) else HIDDEN
