"""Who polls, downloads or posts which job: leases that end with their time or with the process that holds them."""

from __future__ import annotations

import os
import socket
import time
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

from gale_tui.core.history.connection import Connection
from gale_tui.core.history.rows import Row

LeaseKind: TypeAlias = Literal["poll", "download", "post", "batch"]

_MARGIN: Final = 2.0
"""Seconds by which the clocks of two machines with one history may differ."""

_LONGEST: Final = 3600.0
"""Seconds; a longer lease is damage."""
_PROC: Final = Path("/proc")

_SELECT: Final = "SELECT owner, host, pid, granted_at, expires_at FROM leases WHERE job_id = ? AND kind = ?"


@cache
def _this_host() -> str:
    """Machine, boot and container: where a process number means one process."""
    parts = [socket.gethostname()]
    try:
        parts.append((_PROC / "sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink(_PROC / "self/ns/pid"))
    except OSError:
        pass
    return " ".join(parts)


def _is_dead(host: str, pid: int) -> bool:
    """True if the process is certainly gone; if its number is used again, its lease ends with its time."""
    # On Windows a signal 0 would be a ctrl+c.
    if host == _this_host() and os.name == "posix":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
    return False


class Leases:
    """The leases of one store, on the connection that writes; see `JobStore` for what the methods do."""

    def __init__(self, database: Connection, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._held: set[tuple[str, LeaseKind]] = set()

    def acquire(self, job_id: str, kind: LeaseKind, seconds: float) -> bool:
        # A first look without a lock: a "no" need not wait for anybody.
        if self._is_free(job_id, kind):
            with self._database.transaction(durable=False):
                if self._is_free(job_id, kind):
                    self.grant(job_id, kind, seconds)
                    return True
        self._held.discard((job_id, kind))
        return False

    def grant(self, job_id: str, kind: LeaseKind, seconds: float) -> None:
        """Acquires the lease of a new or free job in the open transaction."""
        now = time.time()
        # Older versions compare when the process began; "" stands for unknown.
        self._database.write(
            "INSERT OR REPLACE INTO leases (job_id, kind, owner, host, pid, process_started, granted_at, "
            "expires_at) VALUES (?, ?, ?, ?, ?, '', ?, ?)",
            (job_id, kind, self._owner, _this_host(), os.getpid(), now, now + seconds),
        )
        self._held.add((job_id, kind))

    def _is_free(self, job_id: str, kind: LeaseKind) -> bool:
        table = "batches" if kind == "batch" else "jobs"
        if self._database.row(f"SELECT 1 FROM {table} WHERE id = ?", (job_id,)) is None:  # noqa: S608  # one of two
            return False
        row = self._database.row(_SELECT, (job_id, kind))
        return row is None or row[0] == self._owner or _has_ended(row)

    def renew(self, seconds: float) -> tuple[tuple[str, LeaseKind], ...]:
        if not self._held:
            return ()
        with self._database.transaction(durable=False):
            now = time.time()
            self._database.write(
                "UPDATE leases SET granted_at = ?, expires_at = ? WHERE owner = ?", (now, now + seconds, self._owner)
            )
            rows = self._database.rows("SELECT job_id, kind FROM leases WHERE owner = ?", (self._owner,))
        lost = self._held.difference(rows)
        self._held.intersection_update(rows)
        return tuple(sorted(lost))

    def release(self, job_id: str, kind: LeaseKind) -> None:
        self._held.discard((job_id, kind))
        # Mostly there is none, and nothing is written.
        if self._database.value(_SELECT, (job_id, kind)) == self._owner:
            sql = "DELETE FROM leases WHERE job_id = ? AND kind = ? AND owner = ?"
            self._database.write_once(sql, (job_id, kind, self._owner), durable=False)

    def release_all(self) -> None:
        if self._held:
            self._database.write_once("DELETE FROM leases WHERE owner = ?", (self._owner,), durable=False)
            self._held.clear()


def is_held(database: Connection, of: str, kind: LeaseKind) -> bool:
    """True while any store has the lease; `of` is the id of a job or batch."""
    found = database.row(_SELECT, (of, kind))
    return found is not None and not _has_ended(found)


def _has_ended(row: Row) -> bool:
    _, host, pid, granted_at, expires_at = row
    now = time.time()
    try:
        # A lease that was granted in the future is one from before the clock was set back.
        if now > expires_at + _MARGIN or granted_at > now + _MARGIN + (expires_at - granted_at):
            return True
        return expires_at - granted_at > _LONGEST or _is_dead(host, pid)
    except (TypeError, OverflowError):
        # Values that are damaged belong to nobody.
        return True
