"""A list of tools while it is edited: every change checks all lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from gale_tui.core.batch.tools import BadLine, Batch, BatchTool, Typed, check_unique, checked_tool, tool_warning
from gale_tui.core.errors import ConfigError
from gale_tui.core.untrusted_text import inert, redact_links


@dataclass(frozen=True, slots=True)
class ListLine:
    """A line as it is typed, and its problem."""

    number: int
    """From 1; it stays when other lines are removed."""
    tool_id: str = ""
    flow_id: str = ""
    label: str = ""
    kind: str = ""
    """As typed; if empty, the id decides."""
    stated: str = ""
    """A problem of the line as it was written; it stays until the line is edited."""
    text: str = ""
    """An invalid line as it was written, made inert."""
    tool: BatchTool | None = None
    """None for an invalid line."""
    problem: str = ""
    """Why the line is invalid, without a full stop."""
    warning: str = ""
    """A warning, without a full stop."""

    @property
    def typed(self) -> Typed:
        return self.tool_id, self.flow_id, self.label, self.kind

    @property
    def title(self) -> str:
        """The label, else the id, else the line itself."""
        return self.label or self.tool_id or self.flow_id or self.text


@dataclass(frozen=True)
class BatchList:
    """Lines in their order. Immutable, so that each change can be undone."""

    lines: tuple[ListLine, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences about what was left out."""
    last: int = 0
    """The highest line number so far."""

    @classmethod
    def of(cls, tools: Sequence[BatchTool]) -> BatchList:
        """The list of known tools, numbered from 1."""
        return cls().with_batch(Batch(tuple(replace(tool, line=place) for place, tool in enumerate(tools, 1))))

    def with_batch(self, batch: Batch, lines: int = 0) -> BatchList:
        """Appends a batch, with line numbers that continue.

        Args:
            lines: Its number of lines, empty ones included.
        """
        new = [ListLine(tool.line, tool.tool_id, tool.flow_id, tool.label, tool.kind.word) for tool in batch.tools]
        new += [ListLine(bad.line, *bad.typed, bad.problem if bad.fixed else "", bad.text) for bad in batch.bad]
        new.sort(key=lambda line: line.number)
        highest = max([lines, *(line.number for line in new)])
        added = tuple(replace(line, number=line.number + self.last) for line in new)
        notes = tuple(dict.fromkeys((*self.notes, *batch.notes)))
        return _check_lines((*self.lines, *added), notes, self.last + highest)

    def with_line(self, tool_id: str, flow_id: str, label: str, kind: str = "") -> BatchList:
        """Adds a line at the end."""
        line = ListLine(self.last + 1, tool_id.strip(), flow_id.strip(), label.strip(), kind.strip())
        return _check_lines((*self.lines, line), self.notes, self.last + 1)

    def edited(self, place: int, tool_id: str, flow_id: str, label: str, kind: str = "") -> BatchList:
        """Replaces the line at a place (from 0)."""
        line = ListLine(self.lines[place].number, tool_id.strip(), flow_id.strip(), label.strip(), kind.strip())
        return _check_lines((*self.lines[:place], line, *self.lines[place + 1 :]), self.notes, self.last)

    def without(self, place: int) -> BatchList:
        """Removes the line at a place (from 0)."""
        return _check_lines((*self.lines[:place], *self.lines[place + 1 :]), self.notes, self.last)

    @cached_property
    def tools(self) -> tuple[BatchTool, ...]:
        return tuple(line.tool for line in self.lines if line.tool is not None)

    @cached_property
    def bad(self) -> tuple[BadLine, ...]:
        return tuple(BadLine(line.number, _shown(line), line.problem) for line in self.lines if line.problem)

    @property
    def plain(self) -> tuple[BatchTool, ...]:
        """The tools without line numbers, as a set keeps them."""
        return tuple(replace(tool, line=0) for tool in self.tools)

    def next_invalid(self, place: int) -> int | None:
        """The place of the next invalid line, wrapping round."""
        wrong = [at for at, line in enumerate(self.lines) if line.problem]
        return next((at for at in wrong if at > place), wrong[0] if wrong else None)


def _shown(line: ListLine) -> str:
    return line.text or inert(redact_links(" ".join(each for each in (line.tool_id, line.flow_id, line.label) if each)))


def _check_lines(lines: Sequence[ListLine], notes: tuple[str, ...], last: int) -> BatchList:
    known: dict[tuple[str, str], int] = {}
    checked: list[ListLine] = []
    for line in lines:
        tool, problem, warning = None, line.stated, ""
        if not problem:
            try:
                tool = checked_tool(*line.typed, line.number)
                check_unique(tool, known)
                warning = tool_warning(tool)
            except ConfigError as error:
                tool, problem = None, error.what
        checked.append(replace(line, tool=tool, problem=problem, warning=warning))
    return BatchList(tuple(checked), notes, last)
