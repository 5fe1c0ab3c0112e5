"""Things that a tool names and another environment's export of it does not: needed there before an import.

An export does not list what its environment has. Another environment's export of the tool shows some of it; where it
names nothing of a kind, the file does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from gale_tui.core.archive.contents import ArchiveContents
from gale_tui.core.archive.tool import Tool
from gale_tui.core.untrusted_text import inert

_LEVELS: Final = 12
_FILE: Final = re.compile(r".+--(.+)--\d{8}T\d{6}Z(?:-\d+)?\.zip", re.DOTALL)
_TOOLS: Final = frozenset({"linkedtool", "linkedtoolid", "toolid", "toolname", "agentid", "subflowid", "flowid"})
_CONNECTIONS: Final = frozenset(
    {"connection", "connectionid", "connectionname", "credential", "credentialid", "authprofile", "authprofileid",
     "integration", "integrationid"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImportNeed:
    """Things of one kind."""

    kind: str
    """In the plural, for people."""
    missing: tuple[str, ...]
    """Named here and not there: server text."""
    found: bool
    """False if the export names none of the kind; it may need some that the file does not show."""

    @property
    def text(self) -> str:
        """A line for people."""
        if not self.found:
            return f"{self.kind}: not found in this file"
        if not self.missing:
            return f"{self.kind}: all are named there"
        return f"{self.kind}: {', '.join(inert(each, 80) for each in self.missing)}"


def import_needs(source: ArchiveContents, target: ArchiveContents) -> tuple[ImportNeed, ...]:
    """The things that `source` names and `target`, an export of the other environment, does not."""
    return tuple(
        ImportNeed(kind, tuple(name for name in names if name not in there), bool(names))
        for (kind, names), (_, there) in zip(_named(source), _named(target), strict=True)
    )


def environment_of_file(name: str) -> str:
    """The environment in the name that gale-tui gives a file; empty if it has another."""
    found = _FILE.fullmatch(name)
    return found[1] if found else ""


def _named(contents: ArchiveContents) -> Iterator[tuple[str, dict[str, None]]]:
    tool = contents.tool or Tool("", "", "", (), (), (), ())
    yield "variables", dict.fromkeys(each.name for each in tool.variables)
    yield "models", dict.fromkeys(model for model, _ in tool.models)
    yield "guardrails", dict.fromkeys(each.name for each in tool.guardrails)
    fields = [each.fields for each in tool.nodes]
    yield "linked tools", dict.fromkeys(_values(fields, _TOOLS, _LEVELS))
    yield "connections", dict.fromkeys(_values(fields, _CONNECTIONS, _LEVELS))


def _values(value: Any, names: frozenset[str], levels: int) -> Iterator[str]:
    """Texts of fields with these names, and the name or id of objects there."""
    if levels <= 0:
        return
    if isinstance(value, list):
        for each in value:
            yield from _values(each, names, levels - 1)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key.replace("_", "").replace("-", "").lower() in names:
                named = (each.get("name") or each.get("id")) if isinstance(each, dict) else each
                if isinstance(named, str) and named:
                    yield named[:400]
            else:
                yield from _values(each, names, levels - 1)
