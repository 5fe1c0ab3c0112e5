"""Named sets of tools: batches that are kept, to be run again from the palette or by `gale-tui export --set NAME`."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gale_tui.core.batch.tools import MOST_TOOLS, BatchTool
from gale_tui.core.errors import ConfigError, StoreError
from gale_tui.core.kinds import KINDS
from gale_tui.core.untrusted_text import inert

if TYPE_CHECKING:
    from gale_tui.core.history.open_store import Run

NAME_LIMIT: Final = 60
_SELECT: Final = "SELECT name, environment_id, created_at, used_at, items FROM sets"


@dataclass(frozen=True, slots=True)
class ToolSet:
    """A set as the history has it."""

    name: str
    tools: tuple[BatchTool, ...]
    environment_id: str | None = None
    """Where it runs unless another environment is chosen."""
    created_at: float = 0.0
    """Seconds since the epoch."""
    used_at: float | None = None
    """When it was last run."""


class ToolSets:
    def __init__(self, read: Run, write: Run) -> None:
        self._read = read
        self._write = write

    async def all(self) -> list[ToolSet]:
        """All sets that can be read, by name."""
        sets = []
        for row in await self._read(lambda history: history.reading.rows(f"{_SELECT} ORDER BY name")):
            # One that cannot be read can be saved again, and is no reason to hide the others.
            with contextlib.suppress(StoreError):
                sets.append(_set_of(row))
        return sets

    async def find(self, name: str) -> ToolSet | None:
        row = await self._read(lambda history: history.reading.row(f"{_SELECT} WHERE name = ?", (name,)))
        return None if row is None else _set_of(row)

    async def require(self, name: str, advice: str = "") -> ToolSet:
        """The set of that name.

        Raises:
            ConfigError: There is none; it names those that there are, then gives the advice.
        """
        if (found := await self.find(name)) is not None:
            return found
        known = ", ".join(each.name for each in await self.all()) or "none yet"
        raise ConfigError(
            f"No set is called {inert(name, 80)!r}", f"Known sets: {known}{'. ' if advice else ''}{advice}"
        )

    async def save(self, new: ToolSet) -> None:
        """Writes a set in place of the one with its name."""
        items = [
            {"tool_id": tool.tool_id, "flow_id": tool.flow_id, "label": tool.label, "kind": tool.kind.word}
            for tool in new.tools
        ]
        sql = "INSERT OR REPLACE INTO sets (name, environment_id, created_at, used_at, items) VALUES (?, ?, ?, ?, ?)"
        row = (new.name, new.environment_id, new.created_at, new.used_at, json.dumps(items))
        await self._write(lambda history: history.database.write_once(sql, row, durable=True))

    async def mark_used(self, name: str, *, at: float) -> None:
        sql = "UPDATE sets SET used_at = ? WHERE name = ?"
        await self._write(lambda history: history.database.write_once(sql, (at, name), durable=False))

    async def remove(self, name: str) -> bool:
        """Deletes a set; False if there is none of that name. Jobs and files stay."""
        sql = "DELETE FROM sets WHERE name = ?"
        return await self._write(lambda history: history.database.write_once(sql, (name,), durable=True)) > 0


def clean_set_name(text: str) -> str:
    """The name trimmed, with single spaces.

    Raises:
        ConfigError: It is empty, too long, or has characters that cannot be typed again.
    """
    name = " ".join(text.split())
    if not name:
        raise ConfigError("The set has no name", "Give it one, such as nightly")
    if len(name) > NAME_LIMIT:
        raise ConfigError(f"The set's name has {len(name)} characters", f"Use at most {NAME_LIMIT}")
    if inert(name, NAME_LIMIT) != name:
        raise ConfigError("The set's name has invisible characters", "Use letters and digits")
    if name.startswith("-"):
        raise ConfigError("The set's name begins with a dash, as an option does", "Begin it with a letter")
    return name


def _set_of(row: tuple[Any, ...]) -> ToolSet:
    name, environment_id, created_at, used_at, items = row
    return ToolSet(
        name,
        _tools_of(name, items),
        environment_id if isinstance(environment_id, str) else None,
        created_at if isinstance(created_at, float) else 0.0,
        used_at if isinstance(used_at, float) else None,
    )


def _tools_of(name: object, text: str) -> tuple[BatchTool, ...]:
    try:
        items: Any = json.loads(text)
        return tuple(
            BatchTool(
                _text(each["tool_id"]),
                _text(each["flow_id"]),
                _text(each.get("label", "")),
                kind=KINDS[each.get("kind", "tool")],
            )
            for each in items[:MOST_TOOLS]
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"The set {inert(name, NAME_LIMIT)} cannot be read", "Save it again under its name") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value
