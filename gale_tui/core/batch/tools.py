"""The tools of a batch, and its invalid lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import clean_id, clean_label, id_warning
from gale_tui.core.kinds import TOOL, Kind, kind_named, kind_of
from gale_tui.core.untrusted_text import contains_key, inert, redact_links

MOST_TOOLS: Final = 2000
"""Tools of one batch."""
LABEL_LIMIT: Final = 120
"""Characters of a label."""
TOO_MANY: Final = f"more than {MOST_TOOLS:,} tools in one batch"

Typed: TypeAlias = tuple[str, str, str, str]
"""Id, Flow ID, label and kind of a line, as they are written."""


@dataclass(frozen=True, slots=True)
class BatchTool:
    """A tool, workflow or model of a batch or of a set."""

    tool_id: str
    flow_id: str
    """Empty where the kind has none."""
    label: str = ""
    line: int = 0
    """Line of the list, from 1; 0 if it was not read from lines."""
    kind: Kind = TOOL

    @property
    def title(self) -> str:
        """The label, else the id."""
        return self.label or self.tool_id


@dataclass(frozen=True, slots=True)
class BadLine:
    """An invalid line."""

    line: int
    """From 1."""
    text: str
    """The line, made inert, bounded, without keys and without the queries of links."""
    problem: str
    """Why it is invalid, without a full stop."""
    typed: Typed = ("", "", "", "")
    """Id, Flow ID, label and kind as far as they can be told apart and may be shown; to be edited."""
    fixed: bool = False
    """True if the problem is one of the line as it was written, and not visible in `typed`."""

    @classmethod
    def of(cls, number: int, line: str, problem: str, typed: Sequence[str], *, fixed: bool) -> Self:
        """An invalid line, without secrets."""
        # A hidden cell cannot be edited, so the problem stays until the line is typed again.
        tool_id, flow_id, label, kind = (cell if _may_be_shown(cell) else "" for cell in typed)
        hidden = (tool_id, flow_id, label, kind) != tuple(typed) or contains_key(line)
        shown = inert(redact_links(line[:4096]), 120)
        return cls(number, shown, problem, (tool_id, flow_id, label, kind), fixed or hidden)


@dataclass(frozen=True, slots=True)
class Batch:
    """The result of reading a list."""

    tools: tuple[BatchTool, ...] = ()
    bad: tuple[BadLine, ...] = ()
    unusual: int = 0
    """How many tools of a list have ids of an unusual shape."""
    hosts: tuple[str, ...] = ()
    """Scheme, host and port that captured requests were sent to."""
    notes: tuple[str, ...] = ()
    """Sentences about captured requests that were left out."""
    hostless: tuple[int, ...] = ()
    """Lines of captured ids without a host; none for a list, which never has hosts."""

    @property
    def count(self) -> int:
        """The number of lines that are not empty, valid or not."""
        return len(self.tools) + len(self.bad)


def checked_tool(tool_id: str, flow_id: str, label: str, kind: str = "", number: int = 0) -> BatchTool:
    """The tool that a line names.

    Args:
        flow_id: As it is typed; not used where the kind has none.
        kind: As it is typed; if empty, the id's prefix decides.

    Raises:
        ConfigError: It names none; `what` says why, without a full stop.
    """
    named = kind_named(kind) if kind else None
    if kind and named is None:
        raise ConfigError(f"no kind of export: {inert(redact_links(kind[:200]), 40)}")
    if not tool_id:
        raise ConfigError(f"no {(named or TOOL).word.capitalize()} ID")
    tool_id = _id(tool_id, f"{(named or TOOL).word.capitalize()} ID")
    found = named or kind_of(tool_id) or TOOL
    if found.needs_flow and not flow_id:
        raise ConfigError("no Flow ID")
    flow_id = _id(flow_id, "Flow ID") if found.needs_flow else ""
    try:
        return BatchTool(tool_id, flow_id, clean_label(label, LABEL_LIMIT), number, found)
    except ConfigError as error:
        raise ConfigError(_lower(error.what)) from None


def tool_warning(tool: BatchTool) -> str:
    """A warning of unusual ids of a tool, without a full stop; usually empty."""
    flow = id_warning("flow", tool.flow_id) if tool.kind.needs_flow else None
    return (id_warning(tool.kind, tool.tool_id) or flow or "").rstrip(".")


def _may_be_shown(cell: str) -> bool:
    return len(cell) <= 200 and inert(redact_links(cell), 400) == cell and not cell.lower().startswith("kg-")


def _id(text: str, name: str) -> str:
    try:
        return clean_id(text)
    except ConfigError as error:
        raise ConfigError(f"{name}: {_lower(error.what)}") from None


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"


def check_unique(tool: BatchTool, lines: dict[tuple[str, str], int]) -> None:
    """Adds a tool to `lines`, the line numbers of the tools of the batch.

    Raises:
        ConfigError: It is a duplicate or one too many; without a full stop.
    """
    before = lines.setdefault((tool.tool_id, tool.flow_id), tool.line)
    if before != tool.line:
        raise ConfigError(f"the same tool and flow as line {before}")
    if len(lines) > MOST_TOOLS:
        raise ConfigError(TOO_MANY)
