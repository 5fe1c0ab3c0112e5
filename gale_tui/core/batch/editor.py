"""A list of tools that is being put together: lines that are added, mended, taken out, and judged at every change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from gale_tui.core.batch.parser import MOST_TOOLS, TOO_MANY, BadLine, Batch, BatchTool, checked_tool, tool_warning
from gale_tui.core.errors import ConfigError
from gale_tui.core.untrusted_text import inert, redact_links

__all__ = ["BatchList", "ListLine"]


@dataclass(frozen=True, slots=True)
class ListLine:
    """A line as it is typed, and what is found about it."""

    number: int
    """Where it stands, from 1; it keeps it whatever is taken out."""
    tool_id: str = ""
    flow_id: str = ""
    label: str = ""
    stated: str = ""
    """A problem of the line as it was written, which stays until it is typed anew."""
    text: str = ""
    """The line as it was written, made inert, where it was wrong then."""
    tool: BatchTool | None = None
    """What is exported; None where it is wrong."""
    problem: str = ""
    """Why it is left out, without a full stop."""
    warning: str = ""
    """What is unusual about it, without a full stop."""

    @property
    def title(self) -> str:
        """What to call it: its label, else what there is of it."""
        return self.label or self.tool_id or self.flow_id or self.text


@dataclass(frozen=True)
class BatchList:
    """Lines in their order. It never changes: every change makes a new one, so that each can be taken back."""

    lines: tuple[ListLine, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences about what was not taken at all."""
    last: int = 0
    """The highest number of a line so far."""

    @classmethod
    def of(cls, tools: Sequence[BatchTool]) -> BatchList:
        """The list of tools that are known already, numbered from 1."""
        return cls().with_batch(Batch(tuple(replace(tool, line=place) for place, tool in enumerate(tools, 1))))

    def with_batch(self, batch: Batch, lines: int = 0) -> BatchList:
        """Puts what was read behind what there is, its lines counted on.

        Args:
            batch: What was read.
            lines: How many lines it had, empty ones included.
        """
        new = [ListLine(tool.line, tool.tool_id, tool.flow_id, tool.label) for tool in batch.tools]
        new += [ListLine(bad.line, *bad.typed, bad.problem if bad.fixed else "", bad.text) for bad in batch.bad]
        new.sort(key=lambda line: line.number)
        highest = max([lines, *(line.number for line in new)])
        added = tuple(replace(line, number=line.number + self.last) for line in new)
        notes = tuple(dict.fromkeys((*self.notes, *batch.notes)))
        return _judged((*self.lines, *added), notes, self.last + highest)

    def with_line(self, tool_id: str, flow_id: str, label: str) -> BatchList:
        """Puts one more line at the end."""
        line = ListLine(self.last + 1, tool_id.strip(), flow_id.strip(), label.strip())
        return _judged((*self.lines, line), self.notes, self.last + 1)

    def edited(self, place: int, tool_id: str, flow_id: str, label: str) -> BatchList:
        """Types the line at a place (from 0) anew."""
        line = ListLine(self.lines[place].number, tool_id.strip(), flow_id.strip(), label.strip())
        return _judged((*self.lines[:place], line, *self.lines[place + 1 :]), self.notes, self.last)

    def without(self, place: int) -> BatchList:
        """Takes the line at a place (from 0) out."""
        return _judged((*self.lines[:place], *self.lines[place + 1 :]), self.notes, self.last)

    @cached_property
    def tools(self) -> tuple[BatchTool, ...]:
        """What is exported, each with its line."""
        return tuple(line.tool for line in self.lines if line.tool is not None)

    @cached_property
    def bad(self) -> tuple[BadLine, ...]:
        """What is left out, and why."""
        return tuple(BadLine(line.number, _shown(line), line.problem) for line in self.lines if line.problem)

    @property
    def plain(self) -> tuple[BatchTool, ...]:
        """The tools without the lines that they stand on, as a set keeps them."""
        return tuple(replace(tool, line=0) for tool in self.tools)

    def next_wrong(self, place: int) -> int | None:
        """The place of the next wrong line behind one, going round; None where none is wrong."""
        wrong = [at for at, line in enumerate(self.lines) if line.problem]
        return next((at for at in wrong if at > place), wrong[0] if wrong else None)


def _shown(line: ListLine) -> str:
    return line.text or inert(redact_links(" ".join(each for each in (line.tool_id, line.flow_id, line.label) if each)))


def _judged(lines: Sequence[ListLine], notes: tuple[str, ...], last: int) -> BatchList:
    seen: dict[tuple[str, str], int] = {}
    judged: list[ListLine] = []
    count = 0
    for line in lines:
        tool, problem, warning = None, line.stated, ""
        if not problem:
            try:
                tool = checked_tool(line.tool_id, line.flow_id, line.label, line.number)
            except ConfigError as error:
                problem = error.what
        if tool is not None:
            before = seen.setdefault((tool.tool_id, tool.flow_id), line.number)
            if before != line.number:
                tool, problem = None, f"the same tool and flow as line {before}"
            elif count >= MOST_TOOLS:
                tool, problem = None, TOO_MANY
            else:
                count += 1
                warning = tool_warning(tool)
        judged.append(replace(line, tool=tool, problem=problem, warning=warning))
    return BatchList(tuple(judged), notes, last)
