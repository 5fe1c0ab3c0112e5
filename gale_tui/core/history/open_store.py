"""Opens the history whatever state its file is in: new, older, damaged or no database at all."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gale_tui.core.errors import NewerStoreError, StoreError
from gale_tui.core.filesystem import lock_folder, sync_folder
from gale_tui.core.history import schema
from gale_tui.core.history.connection import BUSY_SECONDS, BusyRetry, Step, WriteConnection, connect, snapshot
from gale_tui.core.history.files import file_identity, make_private, on_network, remove_database, set_aside
from gale_tui.core.history.leases import Leases
from gale_tui.core.history.reader import HistoryReader
from gale_tui.core.history.rows import DamagedError
from gale_tui.core.history.schema import APPLICATION_ID, LARGEST_REVISION, describe_tables, tables_of
from gale_tui.core.history.writer import HistoryWriter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """An open file with a connection that writes and one that reads."""

    path: Path
    """Where it is, links followed."""
    writer: WriteConnection
    reader: sqlite3.Connection
    logged: bool
    """True with a write-ahead log, False with a rollback journal."""
    notice: str = ""
    """What the user should know, in a sentence or two; usually empty."""

    def close(self) -> None:
        """The connection that writes closes last, so that it can remove the log."""
        self.reader.close()
        self.writer.close()


class History:
    """An open file and what works on it, each on its own thread."""

    def __init__(self, file: HistoryFile, owner: str, step: Step | None) -> None:
        self.file = file
        self._owner = owner
        self._step = step
        self._identity = file_identity(file.path)
        self.leases = Leases(file.writer, owner)
        self.writer = HistoryWriter(file.writer, owner, self.leases, logged=file.logged)
        self.reader = HistoryReader(file.reader, owner)
        self.write_retry = BusyRetry(file.path)
        self.read_retry = BusyRetry(file.path)

    @classmethod
    def open(cls, path: Path, owner: str, step: Step | None) -> History:
        """Opens the history. A new one is made, an older one upgraded, a damaged one set aside and salvaged.

        Raises:
            NewerStoreError: A newer gale-tui wrote it.
            StoreError: It cannot be made, read or written.
        """
        _finish_recovery(path)
        make_private(path)
        path = Path(os.path.realpath(path))
        identity = file_identity(path)
        try:
            file = _open_file(path, step)
        except DamagedError as error:
            file = _start_over(path, step, identity, str(error))
        return cls(file, owner, step)

    def replace_damaged(self) -> History:
        """Closes a file that turned out to be damaged, sets it aside and opens a new one with what can be salvaged."""
        self.file.close()
        make_private(self.file.path)
        file = _start_over(self.file.path, self._step, self._identity, "a part of it cannot be read")
        return History(file, self._owner, self._step)

    def close_reader(self) -> None:
        """Closes the connection that reads, on its thread."""
        with contextlib.suppress(sqlite3.Error):
            self.file.reader.close()

    def close_writer(self) -> None:
        """Releases the leases and closes the connection that writes, on its thread."""
        with contextlib.suppress(StoreError, DamagedError):
            self.write_retry.run(self.leases.release_all, time.monotonic())
        if self.writer.scrub_due:
            self.writer.scrub()
        with contextlib.suppress(sqlite3.Error):
            self.file.writer.close()


class Run(Protocol):
    """Runs a query or a change on its thread."""

    def __call__(self, work: Callable[[History], T], /) -> Coroutine[Any, Any, T]: ...


def _open_file(path: Path, step: Step | None) -> HistoryFile:
    """Opens an existing file: empty, older or current.

    Raises:
        NewerStoreError: A newer gale-tui wrote it.
        StoreError: It cannot be read or written.
        DamagedError: It is no history, or a damaged one.
    """
    retry = BusyRetry(path, opening=True)
    deadline = time.monotonic() + BUSY_SECONDS
    with contextlib.ExitStack() as undo:
        connection = retry.run(lambda: connect(path), deadline)
        undo.callback(connection.close)
        version = retry.run(lambda: _check_version(connection), deadline)
        if version > len(schema.MIGRATIONS):
            raise NewerStoreError(
                f"The history {path} was written by a newer gale-tui",
                "It is left as it is: use that version, or set GALE_TUI_HOME to another folder",
            )
        logged = not on_network(path.parent) and retry.run(lambda: _use_log(connection), deadline)
        if not logged:
            retry.run(lambda: connection.execute("PRAGMA journal_mode=DELETE").fetchone(), deadline)
        writer = WriteConnection(connection, step, power_safe=not logged)
        # Overwritten and deleted content is zeroed: a signed link that was used is in the file no longer.
        writer.pragma("secure_delete=ON")
        writer.pragma("fullfsync=ON")
        writer.pragma(f"journal_size_limit={4 * 1024 * 1024}")
        if version < len(schema.MIGRATIONS):
            BusyRetry(path).run(lambda: _migrate(writer), deadline)
        retry.run(lambda: _probe(writer), deadline)
        reader = retry.run(lambda: connect(path, readonly=True), deadline)
        undo.callback(reader.close)
        retry.run(lambda: reader.execute("SELECT value FROM counters").fetchone(), deadline)
        undo.pop_all()
    return HistoryFile(path, writer, reader, logged)


def _check_version(connection: sqlite3.Connection) -> int:
    newest = len(schema.MIGRATIONS)
    # As of one moment: another process may be making the tables.
    with snapshot(connection):
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = describe_tables(connection)
    if version > newest:
        # Left alone, whoever wrote it, unless everything else in it is today's.
        if tables == tables_of(newest):
            raise DamagedError("its version number is wrong")
    elif application != APPLICATION_ID and (tables or version):
        raise DamagedError("it is a database of another program")
    elif version < 0 or (version < newest and tables != tables_of(version)):
        raise DamagedError("its version number is wrong")
    elif not tables_of(version).items() <= tables.items():
        raise DamagedError("its tables are not as they should be")
    return version


def _use_log(connection: sqlite3.Connection) -> bool:
    try:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as error:
        # A file system that cannot share memory between processes.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL):
            return False
        raise
    return bool(mode == "wal")


def _migrate(writer: WriteConnection) -> None:
    with writer.transaction(durable=True):
        # Another process may have been quicker.
        version: int = writer.pragma("user_version")
        for number in range(version, len(schema.MIGRATIONS)):
            schema.MIGRATIONS[number](writer.write)
        if version < len(schema.MIGRATIONS):
            writer.write(f"PRAGMA application_id={APPLICATION_ID}")
            writer.write(f"PRAGMA user_version={len(schema.MIGRATIONS)}")


def _probe(writer: WriteConnection) -> None:
    """Touches every table and index, so that damage in the first pages shows at once, and corrects the counter."""
    for (table,) in writer.rows("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        # An index whose condition is damaged fails only where something is written.
        writer.row(f"EXPLAIN INSERT INTO {table} SELECT * FROM {table}")  # noqa: S608  # our own names
    highest = max(_highest_revision(writer, table) for table in ("jobs", "forgotten"))
    counter = writer.row("SELECT value FROM counters WHERE name = 'revision'")
    if counter is None:
        raise DamagedError("a counter is missing")
    if not isinstance(counter[0], int) or not highest <= counter[0] <= LARGEST_REVISION:
        writer.write_once("UPDATE counters SET value = ? WHERE name = 'revision'", (highest + 1000,), durable=True)


def _highest_revision(writer: WriteConnection, table: str) -> int:
    sql = f"SELECT max(revision) FROM {table} WHERE revision <= {LARGEST_REVISION}"  # noqa: S608  # our own names
    found = writer.row(sql)
    return found[0] if found is not None and isinstance(found[0], int) else 0


def _start_over(path: Path, step: Step | None, identity: tuple[int, int] | None, why: str) -> HistoryFile:
    """Recovers a damaged history into a new file, then gives it the name; until then the damaged one keeps it."""
    from gale_tui.core.history import salvage

    recovered = _recovered(path)
    with lock_folder(path.parent):
        if file_identity(path) != identity:
            # Another process has recovered it in the meantime.
            return _open_file(path, step)
        remove_database(recovered)
        try:
            make_private(recovered)
            file = _open_file(recovered, step)
            try:
                saved = salvage.copy_readable(path, file.writer, describe_tables(file.reader), BusyRetry(recovered))
            finally:
                file.close()
        except BaseException:
            remove_database(recovered)
            raise
        aside = set_aside(path)
        recovered.rename(path)
        sync_folder(path.parent)
    found = {0: "No job could be read", 1: "One job was recovered"}.get(saved, f"{saved:,} jobs were recovered")
    notice = f"The history was damaged ({why}). {found}; the damaged file is kept as {aside}."
    return replace(_open_file(path, step), notice=notice)


def _recovered(path: Path) -> Path:
    return path.with_name(f"{path.name}.recovered")


def _finish_recovery(path: Path) -> None:
    """Names a recovered history whose process was killed just before."""
    recovered = _recovered(path)
    if os.path.lexists(path) or not recovered.exists():
        return
    with lock_folder(path.parent):
        if not os.path.lexists(path) and recovered.exists():
            recovered.rename(path)
