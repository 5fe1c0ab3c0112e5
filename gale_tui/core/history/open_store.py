"""Opens the history whatever state its file is in: new, older, damaged or no database at all."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gale_tui.core.errors import NewerStoreError, StoreError
from gale_tui.core.filesystem import lock_folder, sync_folder
from gale_tui.core.history import schema
from gale_tui.core.history.connection import BUSY_SECONDS, BusyRetry, Connection, Step, connect
from gale_tui.core.history.files import file_identity, make_private, on_network, remove_database, set_aside
from gale_tui.core.history.leases import Leases
from gale_tui.core.history.reader import HistoryReader
from gale_tui.core.history.rows import DamagedError
from gale_tui.core.history.schema import APPLICATION_ID, LARGEST_REVISION, describe_tables, tables_of
from gale_tui.core.history.writer import HistoryWriter

T = TypeVar("T")


class History:
    """An open file and what works on it, each on its own thread.

    Args:
        path: Where it is, links followed.
        database: The connection that writes.
        reading: The connection that reads.
    """

    def __init__(self, path: Path, database: Connection, reading: Connection, owner: str) -> None:
        self.path = path
        self.database = database
        self.reading = reading
        self.notice = ""
        """A sentence or two for the user; usually empty."""
        self._owner = owner
        self._identity = file_identity(path)
        self.leases = Leases(database, owner)
        self.writer = HistoryWriter(database, owner, self.leases)
        self.reader = HistoryReader(reading, owner)
        self.write_retry = BusyRetry(path)
        self.read_retry = BusyRetry(path)

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
            return _open_file(path, owner, step)
        except DamagedError as error:
            return _start_over(path, owner, step, identity, str(error))

    def replace_damaged(self) -> History:
        """Closes a file that turned out to be damaged, sets it aside and opens a new one with what can be salvaged."""
        self.close()
        make_private(self.path)
        return _start_over(self.path, self._owner, self.database.step, self._identity, "a part of it cannot be read")

    def close(self) -> None:
        """The connection that writes closes last, so that it can remove the log."""
        self.reading.close()
        self.database.close()

    def close_writer(self) -> None:
        """Releases the leases and closes the connection that writes, on its thread."""
        with contextlib.suppress(StoreError, DamagedError):
            self.write_retry.run(self.leases.release_all, time.monotonic())
        if self.writer.scrub_due:
            self.writer.scrub()
        self.database.close()


class Run(Protocol):
    """Runs a query or a change on its thread."""

    def __call__(self, work: Callable[[History], T], /) -> Coroutine[Any, Any, T]: ...


def _open_file(path: Path, owner: str, step: Step | None) -> History:
    """Opens an existing file: empty, older or current.

    Raises:
        NewerStoreError: A newer gale-tui wrote it.
        StoreError: It cannot be read or written.
        DamagedError: It is no history, or a damaged one.
    """
    retry = BusyRetry(path, opening=True)
    deadline = time.monotonic() + BUSY_SECONDS
    with contextlib.ExitStack() as undo:
        database = retry.run(lambda: connect(path), deadline)
        undo.callback(database.close)
        version = retry.run(lambda: _check_version(database), deadline)
        if version > len(schema.MIGRATIONS):
            raise NewerStoreError(
                f"The history {path} was written by a newer gale-tui",
                "It is left as it is: use that version, or set GALE_TUI_HOME to another folder",
            )
        database.logged = not on_network(path.parent) and retry.run(lambda: _use_log(database), deadline)
        if not database.logged:
            retry.run(lambda: database.value("PRAGMA journal_mode=DELETE"), deadline)
        database.step = step
        # Overwritten and deleted content is zeroed: a signed link that was used is in the file no longer.
        database.value("PRAGMA secure_delete=ON")
        database.value("PRAGMA fullfsync=ON")
        database.value(f"PRAGMA journal_size_limit={4 * 1024 * 1024}")
        if version < len(schema.MIGRATIONS):
            BusyRetry(path).run(lambda: _migrate(database), deadline)
        retry.run(lambda: _probe(database), deadline)
        reading = retry.run(lambda: connect(path, readonly=True), deadline)
        undo.callback(reading.close)
        history = retry.run(lambda: History(path, database, reading, owner), deadline)
        undo.pop_all()
    return history


def _check_version(database: Connection) -> int:
    newest = len(schema.MIGRATIONS)
    # As of one moment: another process may be making the tables.
    with database.snapshot():
        version: int = database.value("PRAGMA user_version")
        application = database.value("PRAGMA application_id")
        tables = describe_tables(database)
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


def _use_log(database: Connection) -> bool:
    try:
        mode = database.value("PRAGMA journal_mode=WAL")
        database.value("PRAGMA user_version")
    except sqlite3.OperationalError as error:
        # A file system that cannot share memory between processes.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL):
            return False
        raise
    return bool(mode == "wal")


def _migrate(database: Connection) -> None:
    with database.transaction(durable=True):
        # Another process may have been quicker.
        version: int = database.value("PRAGMA user_version")
        for number in range(version, len(schema.MIGRATIONS)):
            schema.MIGRATIONS[number](database.write)
        if version < len(schema.MIGRATIONS):
            database.write(f"PRAGMA application_id={APPLICATION_ID}")
            database.write(f"PRAGMA user_version={len(schema.MIGRATIONS)}")


def _probe(database: Connection) -> None:
    """Touches every table and index, so that damage in the first pages shows at once, and corrects the counter."""
    for (table,) in database.rows("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        # An index whose condition is damaged fails only where something is written.
        database.row(f"EXPLAIN INSERT INTO {table} SELECT * FROM {table}")  # noqa: S608  # our own names
    tables = ("jobs", "forgotten")
    sql = "SELECT CAST(max(revision) AS INTEGER) FROM {} WHERE revision <= ?"
    highest = max(database.value(sql.format(table), (LARGEST_REVISION,)) or 0 for table in tables)
    counter = database.row("SELECT value FROM counters WHERE name = 'revision'")
    if counter is None:
        raise DamagedError("a counter is missing")
    if not isinstance(counter[0], int) or not highest <= counter[0] <= LARGEST_REVISION:
        database.write_once("UPDATE counters SET value = ? WHERE name = 'revision'", (highest + 1000,), durable=True)


def _start_over(path: Path, owner: str, step: Step | None, identity: tuple[int, int] | None, why: str) -> History:
    """Recovers a damaged history into a new file, then gives it the name; until then the damaged one keeps it."""
    from gale_tui.core.history import salvage

    recovered = _recovered(path)
    with lock_folder(path.parent):
        if file_identity(path) != identity:
            # Another process has recovered it in the meantime.
            return _open_file(path, owner, step)
        remove_database(recovered)
        try:
            make_private(recovered)
            new = _open_file(recovered, owner, step)
            try:
                saved = salvage.copy_readable(path, new.database, describe_tables(new.reading), BusyRetry(recovered))
            finally:
                new.close()
        except BaseException:
            remove_database(recovered)
            raise
        aside = set_aside(path)
        recovered.rename(path)
        sync_folder(path.parent)
    found = {0: "No job could be read", 1: "One job was recovered"}.get(saved, f"{saved:,} jobs were recovered")
    history = _open_file(path, owner, step)
    history.notice = f"The history was damaged ({why}). {found}; the damaged file is kept as {aside}."
    return history


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
