"""The list that a batch screen edits, and what undo brings back."""

from __future__ import annotations

from gale_tui.core.batch.editor import BatchList
from gale_tui.core.batch.tools import BatchTool
from gale_tui.core.history.sets import ToolSet


class ListHistory:
    """A list, the set that it was opened from, and those before."""

    def __init__(self, tools: tuple[BatchTool, ...]) -> None:
        self.list = BatchList.of(tools)
        self.opened_set: ToolSet | None = None
        self._before: list[tuple[BatchList, ToolSet | None]] = []

    @property
    def is_saved(self) -> bool:
        """Returns True if the list is that of its set, unchanged."""
        return self.opened_set is not None and self.list.plain == self.opened_set.tools

    @property
    def unsaved(self) -> BatchList | None:
        """The list that leaving would lose; None for an unchanged set."""
        return self.list if self.list.lines and not self.is_saved else None

    def push(self, before: BatchList) -> None:
        """Makes undo bring back a list from elsewhere."""
        self._before.append((before, None))

    def change(self, changed: BatchList, opened: ToolSet | None) -> None:
        self._before.append((self.list, self.opened_set))
        self.list, self.opened_set = changed, opened

    def undo(self) -> int | None:
        """Takes the last change back; returns the first line that it changed, None if there is nothing to undo."""
        if not self._before:
            return None
        after = self.list.lines
        self.list, self.opened_set = self._before.pop()
        lines = self.list.lines
        same = next((at for at, (one, other) in enumerate(zip(lines, after, strict=False)) if one != other), len(after))
        return min(same, max(0, len(lines) - 1))
