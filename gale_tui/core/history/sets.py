"""Named sets of tools in the history, and the last saved export of a tool."""

from __future__ import annotations

import sqlite3

from gale_tui.core.errors import StoreError
from gale_tui.core.history.connection import WriteConnection
from gale_tui.core.history.named_sets import ToolSet, items_text, tools_of
from gale_tui.core.history.rows import job_from
from gale_tui.core.history.schema import SELECT_JOBS
from gale_tui.core.models import DownloadState, Job

__all__ = ["forget_set", "keep_set", "last_saved", "read_set", "read_sets", "use_set"]

_LATEST = 1e300
"""Later than any time."""
_SELECT = "SELECT name, environment_id, created_at, used_at, items FROM sets"


def _set_from(row: tuple[str, str | None, float, float | None, str]) -> ToolSet:
    name, environment_id, created_at, used_at, items = row
    return ToolSet(name, tools_of(name, items), environment_id, created_at, used_at)


def read_sets(connection: sqlite3.Connection) -> list[ToolSet]:
    """All sets that can be read, by name."""
    sets = []
    for row in connection.execute(f"{_SELECT} ORDER BY name"):
        try:
            sets.append(_set_from(row))
        except StoreError:
            # It can be saved again, and is no reason to hide the others.
            continue
    return sets


def read_set(connection: sqlite3.Connection, name: str) -> ToolSet | None:
    """The set of that name; None where there is none.

    Raises:
        StoreError: It is there and cannot be read.
    """
    row = connection.execute(f"{_SELECT} WHERE name = ?", (name,)).fetchone()
    return None if row is None else _set_from(row)


def keep_set(database: WriteConnection, kept: ToolSet) -> None:
    """Writes a set in place of the one with its name."""
    with database.transaction(durable=True):
        database.write(
            "INSERT OR REPLACE INTO sets (name, environment_id, created_at, used_at, items) VALUES (?, ?, ?, ?, ?)",
            (kept.name, kept.environment_id, kept.created_at, kept.used_at, items_text(kept.tools)),
        )


def use_set(database: WriteConnection, name: str, at: float) -> None:
    """Notes when a set was last run."""
    with database.transaction(durable=False):
        database.write("UPDATE sets SET used_at = ? WHERE name = ?", (at, name))


def forget_set(database: WriteConnection, name: str) -> bool:
    """Deletes a set; False where there is none of that name."""
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
