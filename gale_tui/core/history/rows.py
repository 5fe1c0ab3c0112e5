"""Jobs as rows of the history: a column for each field, in an order that makes reading ten thousand of them quick."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from gale_tui.core.models import Download, DownloadState, Job, JobState
from gale_tui.core.secret import SignedUrl

__all__ = ["DOWNLOAD_COLUMNS", "JOB_COLUMNS", "DamagedError", "Row", "job_from", "row_of", "storable"]

Row: TypeAlias = tuple[Any, ...]


class DamagedError(Exception):
    """The file is no database, or a part of it cannot be made out."""


# The order is that of the fields of Job (without `download`, and with `revision` at the end) and of Download.
JOB_COLUMNS: Final = (
    ("id", "TEXT PRIMARY KEY NOT NULL"),
    ("environment_id", "TEXT NOT NULL"),
    ("environment_name", "TEXT NOT NULL"),
    ("origin", "TEXT NOT NULL"),
    ("tool_id", "TEXT NOT NULL"),
    ("flow_id", "TEXT NOT NULL"),
    ("created_at", "REAL NOT NULL"),
    ("production", "INTEGER NOT NULL"),
    ("label", "TEXT NOT NULL"),
    ("folder", ""),
    ("save_when_ready", "INTEGER NOT NULL"),
    ("batch", "TEXT"),
    ("tracked", "INTEGER NOT NULL"),
    ("state", "TEXT NOT NULL"),
    ("status", "TEXT NOT NULL"),
    ("name", "TEXT"),
    ("percentage", "REAL"),
    ("reason", "TEXT"),
    ("note", "TEXT NOT NULL"),
    ("dock_status_id", "TEXT"),
    ("export_job_id", "TEXT"),
    ("download_url", "TEXT"),
    ("posts", "INTEGER NOT NULL"),
    ("resume_at", "REAL"),
    ("started_at", "REAL"),
    ("ended_at", "REAL"),
    ("last_asked_at", "REAL"),
    ("last_answer_at", "REAL"),
    ("last_response", "TEXT NOT NULL"),
    ("revision", "INTEGER NOT NULL"),
)
DOWNLOAD_COLUMNS: Final = (
    ("download_state", "TEXT NOT NULL"),
    ("download_path", ""),
    ("download_part", ""),
    ("download_received", "INTEGER NOT NULL"),
    ("download_size", "INTEGER"),
    ("download_validator", "TEXT"),
    ("download_sha256", "TEXT"),
    ("download_error", "TEXT NOT NULL"),
    ("download_attempts", "INTEGER NOT NULL"),
    ("download_next_try_at", "REAL"),
    ("download_saved_at", "REAL"),
)

_JOB_STATES: Final = {state.value: state for state in JobState}
_DOWNLOAD_STATES: Final = {state.value: state for state in DownloadState}
_NO_DOWNLOAD: Final = Download()
_LARGEST: Final = 2**63 - 1


# A frozen dataclass sets each field through object.__setattr__, which would be most of the time that a history takes
# to load. These twins have the same slots and plain assignment; an instance becomes the real thing by its class.
def _draft(kind: type[Job | Download]) -> Any:
    names = [(field.name, Any) for field in dataclasses.fields(kind)]
    # Nothing but `__init__`: each further method would be compiled at every start.
    return dataclasses.make_dataclass(
        f"_{kind.__name__}Draft", names, slots=True, repr=False, eq=False, match_args=False
    )


_JobDraft = _draft(Job)
_DownloadDraft = _draft(Download)


def _path_value(path: Path | None) -> str | bytes | None:
    """Text where a path is text; the raw bytes of a name that is not UTF-8."""
    if path is None:
        return None
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text


def _path(value: str | bytes) -> Path:
    return Path(os.fsdecode(value) if isinstance(value, bytes) else value)


_folder = lru_cache(maxsize=64)(_path)


def row_of(job: Job) -> Row:
    """The values of a job in the order of `JOB_COLUMNS` and `DOWNLOAD_COLUMNS`."""
    download = job.download
    url = job.download_url
    return (
        job.id,
        job.environment_id,
        job.environment_name,
        job.origin,
        job.tool_id,
        job.flow_id,
        job.created_at,
        int(job.production),
        job.label,
        _path_value(job.folder),
        int(job.save_when_ready),
        job.batch,
        int(job.tracked),
        job.state.value,
        job.status,
        job.name,
        job.percentage,
        job.reason,
        job.note,
        job.dock_status_id,
        job.export_job_id,
        None if url is None else url.reveal(),
        job.posts,
        job.resume_at,
        job.started_at,
        job.ended_at,
        job.last_asked_at,
        job.last_answer_at,
        job.last_response,
        job.revision,
        download.state.value,
        _path_value(download.path),
        _path_value(download.part),
        download.received,
        download.size,
        download.validator,
        download.sha256,
        download.error,
        download.attempts,
        download.next_try_at,
        download.saved_at,
    )


def job_from(row: Row) -> Job:
    """The job of a row that :func:`row_of` made.

    Raises:
        DamagedError: The row holds what no job can have.
    """
    (
        job_id,
        environment_id,
        environment_name,
        origin,
        tool_id,
        flow_id,
        created_at,
        production,
        label,
        folder,
        save_when_ready,
        batch,
        tracked,
        state,
        status,
        name,
        percentage,
        reason,
        note,
        dock_status_id,
        export_job_id,
        download_url,
        posts,
        resume_at,
        started_at,
        ended_at,
        last_asked_at,
        last_answer_at,
        last_response,
        revision,
        download_state,
        path,
        part,
        received,
        size,
        validator,
        sha256,
        error,
        attempts,
        next_try_at,
        saved_at,
    ) = row
    try:
        if download_state == "none" and row[31:] == _NOTHING:
            download: Any = _NO_DOWNLOAD
        else:
            download = _DownloadDraft(
                _DOWNLOAD_STATES[download_state],
                None if path is None else _path(path),
                None if part is None else _path(part),
                received,
                size,
                validator,
                sha256,
                error,
                attempts,
                next_try_at,
                saved_at,
            )
            download.__class__ = Download
        job = _JobDraft(
            job_id,
            environment_id,
            environment_name,
            origin,
            tool_id,
            flow_id,
            created_at,
            production == 1,
            label,
            None if folder is None else _folder(folder),
            save_when_ready == 1,
            batch,
            tracked == 1,
            _JOB_STATES[state],
            status,
            name,
            percentage,
            reason,
            note,
            dock_status_id,
            export_job_id,
            None if download_url is None else SignedUrl(download_url),
            posts,
            resume_at,
            started_at,
            ended_at,
            last_asked_at,
            last_answer_at,
            last_response,
            download,
            revision,
        )
    except (KeyError, TypeError) as error_:
        raise DamagedError("a row makes no sense") from error_
    job.__class__ = Job
    return cast(Job, job)


_NOTHING: Final = row_of(Job("", "", "", "", "", "", 0.0))[31:]


def storable(values: Sequence[Any]) -> Row:
    """The values with what a database cannot hold replaced: halves of surrogate pairs, numbers beyond 64 bits."""

    def possible(value: Any) -> Any:
        if isinstance(value, str):
            return value.encode("utf-8", "replace").decode()
        if isinstance(value, int):
            return max(-_LARGEST, min(_LARGEST, value))
        return value

    return tuple(possible(value) for value in values)
