"""References in the documents of a tool: to nodes by id or name, to environment variables by name.

References are recognised by their shape, as no schema is public.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gale_tui.core.archive.tool import node_identity, read_variables

_NODE_LISTS: Final = ("nodes", "steps")
_NEXT: Final = frozenset(
    {"next", "nextnode", "nextnodeid", "nextstep", "nextstepid", "goto", "onsuccess", "onerror", "onfailure"}
)
_EDGE_LISTS: Final = frozenset({"edges", "connections", "links", "transitions"})
_ENDS: Final = frozenset(
    {"from", "to", *(f"{end}{part}" for end in ("source", "target") for part in ("", "id", "node", "nodeid"))}
)
_VARIABLE: Final = re.compile(r"\{\{\s{0,8}env\.([A-Za-z_][A-Za-z0-9_]{0,200})")


def unresolved_references(documents: Mapping[str, Any]) -> list[str]:
    """Ids of nodes that are not there, and `env.NAME` of variables that are not, each once, in order."""
    known: set[str] = set()
    targets: dict[str, None] = {}
    variables: dict[str, None] = {}
    for file, document in documents.items():
        if file == "env_variables.json":
            known.update(f"env.{each.name}" for each in read_variables(document))
            continue
        for value, in_nodes in _objects(document):
            if in_nodes:
                node_id, _, name = node_identity("", value)
                known.update((node_id, name))
            for key, each in value.items():
                lower = key.lower()
                if lower in _NODE_LISTS and isinstance(each, dict):
                    known.update(each)
                if in_nodes and lower in _NEXT:
                    targets.update(dict.fromkeys(_targets(each)))
                elif lower in _EDGE_LISTS and isinstance(each, list):
                    targets.update(dict.fromkeys(_ends(each)))
                for text in each if isinstance(each, list) else (each,):
                    if type(text) is str and "{{" in text:
                        variables.update(dict.fromkeys(f"env.{name}" for name in _VARIABLE.findall(text)))
    return [each for each in (*targets, *variables) if each and each not in known]


def _objects(document: Any) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every object of a document, and whether it is a node."""
    waiting: list[tuple[Any, bool]] = [(document, False)]
    while waiting:
        value, in_nodes = waiting.pop()
        if isinstance(value, dict):
            yield value, in_nodes
            for key, each in reversed(value.items()):
                if isinstance(each, list | dict):
                    if key.lower() in _NODE_LISTS:
                        items = each.values() if isinstance(each, dict) else each
                        waiting.extend((item, True) for item in reversed(items))
                    else:
                        waiting.append((each, False))
        elif isinstance(value, list):
            waiting.extend((each, False) for each in reversed(value) if isinstance(each, list | dict))


def _targets(value: Any) -> Iterator[str]:
    """The ids in `"n2"`, `["n2"]`, `{"default": "n2"}` or `[{"target": "n2"}]`."""
    if type(value) is str:
        yield value
    elif isinstance(value, dict):
        yield from (each for each in value.values() if type(each) is str)
    elif isinstance(value, list):
        yield from (each for each in value if type(each) is str)
        yield from _ends(value)


def _ends(edges: list[Any]) -> Iterator[str]:
    for edge in edges:
        if isinstance(edge, dict):
            yield from (each for key, each in edge.items() if key.lower() in _ENDS and type(each) is str)
