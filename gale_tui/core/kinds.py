"""The kinds of things that GALE exports, as its pages "Export a Tool", "Export a Workflow" and "Export a Model" say.

All that differs between them is in :data:`KINDS`; a further kind is one line there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """The differences of one kind of export."""

    word: str
    """For people, options, lists and the history."""
    paths: tuple[str, ...]
    """Spellings of its place in the path of a call, the one of the vendor's table first."""
    id_prefix: str
    job_type: str
    """Value of `jobType`."""
    subject: str
    """Field of an answer that has its id."""
    scope: str
    """The vendor's name of the scope that a key needs."""
    needs_flow: bool = True
    holds_tool: bool = True
    """The file is a tool's zip, which can be inspected, compared and unpacked."""
    older: tuple[str, ...] = ()
    """Older words, in paths and fields of captured requests."""

    @property
    def words(self) -> tuple[str, ...]:
        """All its words, in the singular."""
        return (self.word, *self.older)

    def __str__(self) -> str:
        return self.word


TOOL: Final = Kind("tool", ("tools",), "a-", "TOOLS", "toolId", "Export Tool", older=("agent",))
WORKFLOW: Final = Kind("workflow", ("workflow", "workflows"), "a-", "WORKFLOWS", "workflowId", "Export Workflow")
MODEL: Final = Kind(
    "model", ("models",), "cm-", "MODELS", "modelId", "Export Model", needs_flow=False, holds_tool=False
)

KINDS: Final[Mapping[str, Kind]] = {kind.word: kind for kind in (TOOL, WORKFLOW, MODEL)}
"""By their word, in the order in which they are offered."""


def kind_named(text: str) -> Kind | None:
    """The kind of a word, in the singular or plural and any case; None if there is none."""
    word = text.strip().casefold()
    return next((kind for kind in KINDS.values() if word.removesuffix("s") in kind.words), None)


def kind_of(subject_id: str) -> Kind | None:
    """The kind that an id's prefix stands for; None if it may be several, or none."""
    found = [kind for kind in KINDS.values() if subject_id.startswith(kind.id_prefix)]
    return found[0] if len(found) == 1 else None


def fitting_kind(kind: Kind, subject_id: str) -> Kind:
    """The kind, unless the id's prefix is that of others; then the first of those."""
    if subject_id.startswith(kind.id_prefix):
        return kind
    return next((other for other in KINDS.values() if subject_id.startswith(other.id_prefix)), kind)
