"""SQLite as the store uses it: connections, transactions, and what its errors mean."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from gale_tui.core.errors import StoreError
from gale_tui.core.history.files import has_database_header
from gale_tui.core.history.rows import DamagedError, Row

T = TypeVar("T")
Step: TypeAlias = Callable[[str], None]

BUSY_SECONDS: Final = 5.0
"""How long a call waits for another process to finish its transaction."""
_SLICE: Final = 0.2
_ENDING: Final = 0.7

_DAMAGE: Final = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
_BUSY: Final = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))
_DENIED: Final = frozenset((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH))
_SYSTEM: Final = (
    _BUSY | _DENIED | {sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM}
)
"""Errors that say nothing about the content of the file."""


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _store_error(error: sqlite3.Error, path: Path) -> StoreError:
    code = _code(error)
    if code in _BUSY:
        return _held_error()
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"The disk is full: the history {path} could not be written", "Free some space and try again")
    if code in _DENIED:
        return StoreError(f"The history {path} may not be written", "Make the file and its folder writable")
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreError(f"The history {path} cannot be opened", "Check that its folder exists and is writable")
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(f"The disk did not read or write the history {path} ({error})", "Check the disk, try again")
    return StoreError(f"The history {path} could not be used ({error})")


def _held_error() -> StoreError:
    return StoreError(
        "Another gale-tui is holding the history",
        "Look for one that was stopped (ctrl+z) and continue or end it",
    )


class BusyRetry:
    """Retries while another process keeps the database busy.

    SQLite's own waiting cannot be cut short, so it is kept to slices.

    Args:
        opening: True while the file is opened: whatever is wrong with its content is damage then.
    """

    def __init__(self, path: Path, *, opening: bool = False) -> None:
        self._path = path
        self._opening = opening
        self._ending_at: float | None = None
        self.waiting_since: float | None = None
        """When the present wait began, on the monotonic clock; None while nothing is in the way."""

    def end(self) -> None:
        """From now on, all waits together take less than a second."""
        self._ending_at = time.monotonic() + _ENDING

    def run(self, attempt: Callable[[], T], deadline: float) -> T:
        """The result of `attempt`, which is called again each time it finds the database busy.

        Raises:
            StoreError: It failed, or was still busy at `deadline` (monotonic).
            DamagedError: The database is damaged.
        """
        while True:
            if self.waiting_since is not None and time.monotonic() >= self._limit(deadline):
                # A call that was queued behind a wait does not wait once more.
                raise _held_error()
            try:
                result = attempt()
            except UnicodeDecodeError as error:
                # SQLite quotes the damaged schema in its message.
                raise DamagedError("its tables cannot be read") from error
            except sqlite3.Error as error:
                self._raise_unless_busy(error)
                if self.waiting_since is None:
                    self.waiting_since = time.monotonic()
                if time.monotonic() >= self._limit(deadline):
                    raise _store_error(error, self._path) from error
            else:
                self.waiting_since = None
                return result

    def _raise_unless_busy(self, error: sqlite3.Error) -> None:
        code = _code(error)
        if code in _DAMAGE or (self._opening and code not in _SYSTEM):
            raise DamagedError(str(error)) from error
        if code in _DENIED and not has_database_header(self._path):
            # SQLite reads a format that it does not know, but writes none.
            raise DamagedError("its format is unknown") from error
        if code not in _BUSY:
            raise _store_error(error, self._path) from error

    def _limit(self, deadline: float) -> float:
        return deadline if self._ending_at is None else min(deadline, self._ending_at)


class Connection(sqlite3.Connection):
    """A connection whose every transaction takes its lock at the start, so that none fails half-way."""

    step: Step | None = None
    """For tests: called with "db write" before each statement that writes, "db commit" and "db committed" around each
    commit."""
    logged = True
    """True with a write-ahead log; with a rollback journal every commit must reach the disk before the next, or the
    file could be damaged."""
    _full: bool | None = None

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        found: Row | None = self.execute(sql, parameters).fetchone()
        return found

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first value of the first row; None if there is none."""
        found = self.row(sql, parameters)
        return None if found is None else found[0]

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several queries that see the file as of one moment."""
        self.execute("BEGIN")
        try:
            yield
        finally:
            self.rollback()

    def write(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Runs one statement that writes; returns how many rows it changed."""
        if self.step is not None:
            self.step("db write")
        return self.execute(sql, parameters).rowcount

    def write_once(self, sql: str, parameters: Sequence[Any] = (), *, durable: bool) -> int:
        """Runs one statement in a transaction; returns how many rows it changed."""
        with self.transaction(durable=durable):
            return self.write(sql, parameters)

    @contextlib.contextmanager
    def transaction(self, *, durable: bool) -> Iterator[None]:
        """A transaction that holds the write lock from its start.

        Args:
            durable: True if it must survive a power cut and not only the end of the process.
        """
        full = durable or not self.logged
        if full != self._full:
            self.execute(f"PRAGMA synchronous={'FULL' if full else 'NORMAL'}")
            self._full = full
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            if self.step is not None:
                self.step("db commit")
            self.execute("COMMIT")
        except BaseException:
            if self.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    self.execute("ROLLBACK")
            raise
        if self.step is not None:
            self.step("db committed")


def connect(path: Path, *, readonly: bool = False) -> Connection:
    """A connection in autocommit mode, which may be handed from thread to thread; text may have bytes replaced."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={'ro' if readonly else 'rw'}",
        uri=True,
        timeout=_SLICE,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=64,
        factory=Connection,
    )
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection
