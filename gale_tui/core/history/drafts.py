"""The draft of the export form in the history."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from gale_tui.core.errors import StoreError
from gale_tui.core.history.export_drafts import ExportDraft

if TYPE_CHECKING:
    from gale_tui.core.history.open_store import History

__all__ = ["Drafts"]

Run = Callable[[Callable[["History"], Any]], Awaitable[Any]]
_EXPORT = "export"


class Drafts:
    """What was typed and not sent yet.

    Args:
        read: Runs a query on the thread that reads.
        write: Runs a change on the thread that writes.
    """

    def __init__(self, read: Run, write: Run) -> None:
        self._read = read
        self._write = write

    async def keep(self, draft: ExportDraft) -> None:
        """Writes the draft in place of the one before; fields that may hold a secret are left out."""
        kept = draft.without_secrets()
        await self._write(lambda history: _keep(history, kept))

    async def find(self) -> ExportDraft | None:
        """The draft; None where there is none that can be read."""
        row = await self._read(_find)
        with contextlib.suppress(StoreError):
            return ExportDraft.of(row[0], row[1]) if row is not None else None
        return None

    async def drop(self) -> None:
        """Deletes it: it was sent, or cleared."""
        await self._write(_drop)


def _keep(history: History, draft: ExportDraft) -> None:
    with history.opened.writer.transaction(durable=False):
        sql = "INSERT OR REPLACE INTO drafts (name, at, text) VALUES (?, ?, ?)"
        history.opened.writer.write(sql, (_EXPORT, draft.at, draft.text()))


def _find(history: History) -> tuple[str, float] | None:
    sql = "SELECT text, at FROM drafts WHERE name = ?"
    found: tuple[str, float] | None = history.opened.reader.execute(sql, (_EXPORT,)).fetchone()
    return found


def _drop(history: History) -> None:
    writer = history.opened.writer
    if writer.row("SELECT 1 FROM drafts WHERE name = ?", (_EXPORT,)) is not None:
        with writer.transaction(durable=False):
            writer.write("DELETE FROM drafts WHERE name = ?", (_EXPORT,))
