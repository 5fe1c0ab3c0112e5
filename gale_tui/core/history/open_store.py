"""An open history: the file, what reads and writes it, and the two threads that these run on."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from gale_tui.core.errors import StoreError
from gale_tui.core.history.connection import DatabaseThread, Patience, Step
from gale_tui.core.history.files import file_identity
from gale_tui.core.history.leases import Leases
from gale_tui.core.history.reader import HistoryReader
from gale_tui.core.history.rows import DamagedError
from gale_tui.core.history.schema import OpenedHistory
from gale_tui.core.history.store_opening import open_history, replace_history
from gale_tui.core.history.writer import HistoryWriter

__all__ = ["History", "Threads"]


class Threads:
    """The two threads of a store."""

    def __init__(self) -> None:
        self.writer = DatabaseThread("history-write")
        self.reader = DatabaseThread("history-read")

    def stop(self) -> None:
        """Lets both end after what they were given."""
        self.writer.stop()
        self.reader.stop()


@dataclass(frozen=True, slots=True)
class History:
    """An open file and what is done with it, each on its own thread."""

    opened: OpenedHistory
    owner: str
    step: Step | None
    identity: tuple[int, int] | None
    writer: HistoryWriter
    leases: Leases
    reader: HistoryReader
    write_patience: Patience
    read_patience: Patience

    @classmethod
    def open(cls, path: Path, owner: str, step: Step | None) -> History:
        """Opens the file; see :func:`open_history`."""
        return cls._of(open_history(path, step), owner, step)

    def replaced(self) -> History:
        """Sets the file aside and opens a new one; see :func:`replace_history`."""
        return self._of(replace_history(self.opened, self.identity, self.step), self.owner, self.step)

    @classmethod
    def _of(cls, opened: OpenedHistory, owner: str, step: Step | None) -> History:
        return cls(
            opened,
            owner,
            step,
            file_identity(opened.path),
            HistoryWriter(opened.writer, owner, logged=opened.logged),
            Leases(opened.writer, owner),
            HistoryReader(opened.reader, owner),
            Patience(opened.path),
            Patience(opened.path),
        )

    def close(self) -> None:
        """Closes the file."""
        self.opened.close()

    def close_reader(self) -> None:
        """Closes the connection that reads, on its thread."""
        with contextlib.suppress(sqlite3.Error):
            self.opened.reader.close()

    def close_writer(self) -> None:
        """Gives the leases back and closes the connection that writes, on its thread."""
        with contextlib.suppress(StoreError, DamagedError):
            self.write_patience.run(self.leases.release_all, time.monotonic())
        if self.writer.scrub_due:
            self.writer.scrub()
        with contextlib.suppress(sqlite3.Error):
            self.opened.writer.close()
