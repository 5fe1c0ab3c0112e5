"""Form input that is offered again: an export that was not sent, folders to unpack into."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from gale_tui.core.kinds import KINDS, TOOL, Kind
from gale_tui.core.untrusted_text import inert, redact_links

if TYPE_CHECKING:
    from gale_tui.core.history.open_store import History, Run
    from gale_tui.core.history.rows import Row

_SECRET: Final = re.compile(r"kg-|\beyJ|\b(?:cookie|authorization|bearer|x-api-key)\b|token\s*[=:]", re.IGNORECASE)
"""Keys and tokens, and what precedes them in a copied request of which a piece was typed into a field."""
LONGEST: Final = 1000
"""Characters of a field that are kept; the form's own values are never longer."""
_NAME: Final = "export"


@dataclass(frozen=True, slots=True)
class ExportDraft:
    """The form's fields as they were typed."""

    tool_id: str = ""
    flow_id: str = ""
    label: str = ""
    folder: str = ""
    environment_id: str = ""
    at: float = 0.0
    """When it was saved, in seconds since the epoch."""
    kind: Kind = TOOL

    @property
    def empty(self) -> bool:
        """True if nothing would have to be typed again."""
        return not (self.tool_id or self.flow_id or self.label)

    @property
    def title(self) -> str:
        """Label or ids, made inert."""
        return inert(self.label or self.tool_id or self.flow_id, 60)

    def without_secrets(self) -> ExportDraft:
        """The draft without fields that may hold a key, a token or a link."""
        fields = (self.tool_id, self.flow_id, self.label, self.folder)
        tool_id, flow_id, label, folder = (text if _is_harmless(text) else "" for text in fields)
        return replace(self, tool_id=tool_id, flow_id=flow_id, label=label, folder=folder)

    def to_json(self) -> str:
        return json.dumps([self.tool_id, self.flow_id, self.label, self.folder, self.environment_id, self.kind.word])

    @classmethod
    def from_json(cls, text: str, at: object) -> ExportDraft | None:
        """The draft that :meth:`to_json` wrote; None if it did not."""
        try:
            fields: Any = json.loads(text)
            # An older gale-tui wrote no kind.
            tool_id, flow_id, label, folder, environment_id, *kind = (str(each) for each in fields)
        except (ValueError, TypeError, RecursionError):
            return None
        moment = at if isinstance(at, float) else 0.0
        return cls(tool_id, flow_id, label, folder, environment_id, moment, KINDS.get("".join(kind), TOOL))


class Drafts:
    """The export form's draft in the history.

    Args:
        run: Runs a query or a change on the thread that writes, in order, so that earlier saves are found.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    async def save(self, draft: ExportDraft) -> None:
        """Writes the draft in place of the previous one, without secrets."""
        harmless = draft.without_secrets()
        await self._save(_NAME, harmless.to_json(), harmless.at)

    async def find(self) -> ExportDraft | None:
        row = await self._find(_NAME)
        return ExportDraft.from_json(*row) if row is not None else None

    async def clear(self) -> None:
        def delete(history: History) -> None:
            database = history.database
            # Mostly there is none, and nothing is written.
            if database.row("SELECT 1 FROM drafts WHERE name = ?", (_NAME,)) is not None:
                database.write_once("DELETE FROM drafts WHERE name = ?", (_NAME,), durable=False)

        # In one go: a draft that is saved meanwhile stays.
        await self._run(delete)

    async def save_unpack_folder(self, environment_id: str, folder: str) -> None:
        """Remembers where an environment's tools were unpacked last."""
        await self._save(f"unpack {environment_id}", folder)

    async def unpack_folder(self, environment_id: str) -> str:
        """Where an environment's tools were unpacked last; empty if they were not."""
        row = await self._find(f"unpack {environment_id}")
        return str(row[0]) if row is not None else ""

    async def _save(self, name: str, text: str, at: float = 0.0) -> None:
        sql = "INSERT OR REPLACE INTO drafts (name, at, text) VALUES (?, ?, ?)"
        await self._run(lambda history: history.database.write_once(sql, (name, at, text), durable=False))

    async def _find(self, name: str) -> Row | None:
        sql = "SELECT text, at FROM drafts WHERE name = ?"
        return await self._run(lambda history: history.database.row(sql, (name,)))


def _is_harmless(text: str) -> bool:
    return len(text) <= LONGEST and redact_links(text) == text and _SECRET.search(text) is None
