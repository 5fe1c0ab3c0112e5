"""Named sets of tools in the history, and the last saved export of a tool."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from gale_tui.core.errors import StoreError
from gale_tui.core.history.connection import WriteConnection
from gale_tui.core.history.named_sets import ToolSet, items_text, tools_of
from gale_tui.core.history.rows import job_from
from gale_tui.core.history.schema import SELECT_JOBS
from gale_tui.core.models import DownloadState, Job

if TYPE_CHECKING:
    from gale_tui.core.history.open_store import History

__all__ = ["ToolSets", "last_saved"]

Run = Callable[[Callable[["History"], Any]], Awaitable[Any]]

_LATEST = 1e300
"""Later than any time."""
_SELECT = "SELECT name, environment_id, created_at, used_at, items FROM sets"


class ToolSets:
    """Named sets of tools.

    Args:
        read: Runs a query on the thread that reads.
        write: Runs a change on the thread that writes.
    """

    def __init__(self, read: Run, write: Run) -> None:
        self._read = read
        self._write = write

    async def all(self) -> list[ToolSet]:
        """All sets that can be read, by name."""
        sets: list[ToolSet] = await self._read(lambda history: _read_sets(history.opened.reader))
        return sets

    async def find(self, name: str) -> ToolSet | None:
        """The set of that name.

        Raises:
            StoreError: It cannot be read.
        """
        found: ToolSet | None = await self._read(lambda history: _read_set(history.opened.reader, name))
        return found

    async def save(self, tool_set: ToolSet) -> None:
        """Writes a set in place of the one with its name."""
        await self._write(lambda history: _save_set(history.opened.writer, tool_set))

    async def mark_used(self, name: str, *, at: float) -> None:
        """Records when a set was last run, in seconds since the epoch."""
        await self._write(lambda history: _mark_used(history.opened.writer, name, at))

    async def remove(self, name: str) -> bool:
        """Deletes a set; False if there is none of that name. Jobs and files stay."""
        removed: bool = await self._write(lambda history: _remove_set(history.opened.writer, name))
        return removed


def _set_from(row: tuple[str, str | None, float, float | None, str]) -> ToolSet:
    name, environment_id, created_at, used_at, items = row
    return ToolSet(name, tools_of(name, items), environment_id, created_at, used_at)


def _read_sets(connection: sqlite3.Connection) -> list[ToolSet]:
    sets = []
    for row in connection.execute(f"{_SELECT} ORDER BY name"):
        try:
            sets.append(_set_from(row))
        except StoreError:
            # It can be saved again, and is no reason to hide the others.
            continue
    return sets


def _read_set(connection: sqlite3.Connection, name: str) -> ToolSet | None:
    row = connection.execute(f"{_SELECT} WHERE name = ?", (name,)).fetchone()
    return None if row is None else _set_from(row)


def _save_set(database: WriteConnection, tool_set: ToolSet) -> None:
    values = (tool_set.name, tool_set.environment_id, tool_set.created_at, tool_set.used_at, items_text(tool_set.tools))
    with database.transaction(durable=True):
        database.write(
            "INSERT OR REPLACE INTO sets (name, environment_id, created_at, used_at, items) VALUES (?, ?, ?, ?, ?)",
            values,
        )


def _mark_used(database: WriteConnection, name: str, at: float) -> None:
    with database.transaction(durable=False):
        database.write("UPDATE sets SET used_at = ? WHERE name = ?", (at, name))


def _remove_set(database: WriteConnection, name: str) -> bool:
    with database.transaction(durable=True):
        return database.write("DELETE FROM sets WHERE name = ?", (name,)) > 0


def last_saved(
    connection: sqlite3.Connection, origin: str, tool_id: str, flow_id: str, before: float | None = None
) -> Job | None:
    """The newest job of a tool with its flow whose file was saved, of those made before; None where there is none."""
    sql = (
        f"{SELECT_JOBS} WHERE tool_id = ? AND flow_id = ? AND origin = ? AND download_state = ? AND created_at < ? "
        "ORDER BY download_saved_at DESC, created_at DESC LIMIT 1"
    )
    row = connection.execute(
        sql, (tool_id, flow_id, origin, DownloadState.SAVED.value, _LATEST if before is None else before)
    ).fetchone()
    return None if row is None else job_from(row)
