"""Reads the history, on its own connection, so that no writer delays it."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Sequence
from typing import Final

from gale_tui.core.history.connection import Connection
from gale_tui.core.history.rows import job_from, load_job
from gale_tui.core.history.schema import SELECT_JOBS, UNFINISHED
from gale_tui.core.models import DownloadState, Job, JobChange, JobEvent

_REVISION: Final = "SELECT value FROM counters WHERE name = 'revision'"


class HistoryReader:
    """The queries of `JobStore`, on the thread that reads; all may raise `sqlite3.Error` and `DamagedError`."""

    def __init__(self, database: Connection, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._data_version: int | None = None
        self._seen: int = database.value(_REVISION)

    def load(self, limit: int | None, before: tuple[float, str] | None) -> list[Job]:
        where = "" if before is None else "WHERE (created_at, id) < (?, ?) "
        # SQLite takes a negative limit for none.
        sql = f"{SELECT_JOBS} {where}ORDER BY created_at DESC, id DESC LIMIT ?"
        return self._jobs(sql, (*(before or ()), -1 if limit is None else limit))

    def unfinished(self) -> list[Job]:
        sql = f"{SELECT_JOBS} WHERE {UNFINISHED} ORDER BY created_at DESC, id DESC"
        return self._jobs(sql, ())

    def _jobs(self, sql: str, parameters: Sequence[object]) -> list[Job]:
        # All rows first: a cursor that an unreadable id leaves open would hold this connection in the past.
        return [job_from(row) for row in self._database.rows(sql, parameters)]

    def events(self, job_id: str) -> list[JobEvent]:
        rows = self._database.rows("SELECT at, text FROM events WHERE job_id = ? ORDER BY id", (job_id,))
        return [JobEvent(at if isinstance(at, float) else 0.0, str(text)) for at, text in rows]

    def last_saved(self, origin: str, tool_id: str, flow_id: str, before: float | None) -> Job | None:
        row = self._database.row(
            f"{SELECT_JOBS} WHERE tool_id = ? AND flow_id = ? AND origin = ? AND download_state = ? "
            "AND created_at < ? ORDER BY download_saved_at DESC, created_at DESC LIMIT 1",
            (tool_id, flow_id, origin, DownloadState.SAVED.value, math.inf if before is None else before),
        )
        return None if row is None else job_from(row)

    def removed(self) -> list[tuple[Job, list[JobEvent]]]:
        found = []
        sql = "SELECT content, timeline FROM removed ORDER BY at DESC, job_id"
        for content, timeline in self._database.rows(sql):
            with contextlib.suppress(ValueError, TypeError, RecursionError):
                found.append((load_job(content), [JobEvent(float(at), str(text)) for at, text in json.loads(timeline)]))
        return found

    def foreign_changes(self) -> list[JobChange]:
        # Read first: a later commit changes it again, and is seen the next time.
        version: int = self._database.value("PRAGMA data_version")
        if version == self._data_version:
            return []
        with self._database.snapshot():
            since = (self._seen, self._owner)
            # Revisions are handed out under the write lock, so that this snapshot has all of them up to the counter.
            seen: int = self._database.value(_REVISION)
            rows = self._database.rows(f"{SELECT_JOBS} WHERE revision > ? AND writer != ?", since)
            sql = "SELECT job_id, revision FROM forgotten WHERE revision > ? AND writer != ?"
            removed = self._database.rows(sql, since)
        changes = [JobChange(job_from(row), elsewhere=True) for row in rows]
        changes += [
            JobChange(Job(job_id, "", "", "", "", "", 0.0, revision=revision), removed=True, elsewhere=True)
            for job_id, revision in removed
        ]
        changes.sort(key=lambda change: change.job.revision)
        self._data_version, self._seen = version, seen
        return changes
