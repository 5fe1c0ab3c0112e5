"""Jobs as rows of the history: a column for each field."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, Final, TypeAlias

from gale_tui.core.kinds import KINDS, TOOL
from gale_tui.core.models import Download, DownloadReason, DownloadState, Job, JobReason, JobState
from gale_tui.core.secret import SignedUrl

Row: TypeAlias = tuple[Any, ...]


class DamagedError(Exception):
    """The file is no database, or a part of it cannot be read."""


# In the order of the fields of Job, without `download`, and of Download.
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
    ("reason_code", "TEXT"),
    ("http_status", "INTEGER"),
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
    ("kind", "TEXT NOT NULL"),
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
    ("download_reason_code", "TEXT"),
    ("download_error", "TEXT NOT NULL"),
    ("download_next_try_at", "REAL"),
    ("download_saved_at", "REAL"),
)

COLUMNS: Final = JOB_COLUMNS + DOWNLOAD_COLUMNS
_INDEX: Final = {name: index for index, (name, _) in enumerate(COLUMNS)}
_DOWNLOAD: Final = len(JOB_COLUMNS)
"""Index of the download's first column."""

_LATEST: Final = 32_503_680_000.0
"""The year 3000: a later moment is damage, and many systems cannot format it."""
_LARGEST: Final = 2**63 - 1
_REPLACED: Final = "\ufffd"
"""What stands for bytes that are not UTF-8."""


def _path_value(path: Path) -> str | bytes:
    """Text if the path is text; the raw bytes of a name that is not UTF-8."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text


def _path(value: str | bytes) -> Path:
    return Path(os.fsdecode(value) if isinstance(value, bytes) else value)


_STATES: Final[dict[str, JobState]] = {state.value: state for state in JobState}
_DOWNLOAD_STATES: Final[dict[str, DownloadState]] = {state.value: state for state in DownloadState}
# A reason that a later gale-tui writes is none here.
_REASONS: Final[dict[str, JobReason]] = {reason.value: reason for reason in JobReason}
_DOWNLOAD_REASONS: Final[dict[str, DownloadReason]] = {reason.value: reason for reason in DownloadReason}
_value: Final = attrgetter("value")
_CONVERSIONS: Final[tuple[tuple[str, Callable[[Any], Any], Callable[[Any], Any]], ...]] = (
    ("production", int, bool),
    ("folder", _path_value, lru_cache(maxsize=64)(_path)),
    ("save_when_ready", int, bool),
    ("tracked", int, bool),
    ("state", _value, _STATES.__getitem__),
    ("reason_code", _value, _REASONS.get),
    ("download_url", SignedUrl.reveal, SignedUrl),
    ("kind", attrgetter("word"), KINDS.__getitem__),
    ("download_state", _value, _DOWNLOAD_STATES.__getitem__),
    ("download_reason_code", _value, _DOWNLOAD_REASONS.get),
    ("download_path", _path_value, _path),
    ("download_part", _path_value, _path),
)
"""What a field is in the database, and what a column is in a job; all others are the same in both. None stays None."""
_TO_ROW: Final = tuple((_INDEX[name], to_row) for name, to_row, _ in _CONVERSIONS)
_TO_JOB: Final = tuple((_INDEX[name], to_job) for name, _, to_job in _CONVERSIONS)
_job_values = attrgetter(*(name for name, _ in JOB_COLUMNS))
_download_values = attrgetter(*(name.removeprefix("download_") for name, _ in DOWNLOAD_COLUMNS))
_MOMENTS: Final = tuple(_INDEX[name] for name, kind in COLUMNS if kind.startswith("REAL") and name != "percentage")
_moments = itemgetter(*_MOMENTS)


def row_of(job: Job) -> Row:
    """The values of a job in the order of `COLUMNS`."""
    values = [*_job_values(job), *_download_values(job.download)]
    for index, convert in _TO_ROW:
        if values[index] is not None:
            values[index] = convert(values[index])
    return tuple(values)


_NO_DOWNLOAD: Final = Download()
_NOTHING: Final = row_of(Job("", "", "", "", "", "", 0.0))[_DOWNLOAD:]


def job_from(row: Row) -> Job:
    """The job of a row that :func:`row_of` made, with defaults in place of values that no job can have.

    Raises:
        DamagedError: Its id cannot be read, so that it could not be changed.
    """
    if not isinstance(row[0], str) or _REPLACED in row[0]:
        raise DamagedError("the id of a job cannot be read")
    try:
        return _convert(row)
    except (KeyError, ValueError):
        return _convert(repair(row))


def _convert(row: Row) -> Job:
    if _unfit(tuple(map(type, row))):
        raise ValueError("a value has another type")
    for moment in _moments(row):
        if moment is not None and not 0.0 <= moment <= _LATEST:
            raise ValueError("a time makes no sense")
    values = list(row)
    for index, convert in _TO_JOB:
        if values[index] is not None:
            values[index] = convert(values[index])
    download = _NO_DOWNLOAD if row[_DOWNLOAD:] == _NOTHING else Download(*values[_DOWNLOAD:])
    values[_DOWNLOAD - 1 :] = [download, values[_DOWNLOAD - 1]]
    return Job(*values)


def value_types(kind: str) -> tuple[type, ...]:
    """The types of the values that a column may hold.

    Args:
        kind: As its table declares it, such as `TEXT NOT NULL`.
    """
    declared, _, condition = kind.partition(" ")
    types = {"TEXT": (str,), "REAL": (float,), "INTEGER": (int,)}.get(declared, (str, bytes))
    return types if "NOT NULL" in condition else (*types, type(None))


_TYPES: Final = tuple(value_types(kind) for _, kind in COLUMNS)


@lru_cache(maxsize=1024)
def _unfit(types: tuple[type, ...]) -> tuple[int, ...]:
    """The indexes of values that have a type which their column never holds."""
    return tuple(index for index, (found, fit) in enumerate(zip(types, _TYPES, strict=True)) if found not in fit)


def repair(row: Row) -> Row:
    """The row of a job, in the order of `COLUMNS`, with defaults in place of the values that cannot be read.

    Nothing is ever exported again because of it: an unknown state is one that asks GALE or the user.
    """
    row = tuple(_coerce(value, types) for value, types in zip(row, _TYPES, strict=True))
    values = list(row)
    defaults = row_of(Job(str(row[0]), "", "", "", "", "", 0.0, production=True))
    unfit = set(_unfit(tuple(map(type, row))))
    unfit |= {index for index in _MOMENTS if isinstance(row[index], float) and not 0.0 <= row[index] <= _LATEST}
    for index in unfit:
        values[index] = defaults[index]
    values[0] = values[0].replace(_REPLACED, "?")
    state, download_state = _INDEX["state"], _INDEX["download_state"]
    if values[state] not in _STATES or state in unfit:
        known = values[_INDEX["dock_status_id"]] is not None
        values[state] = (JobState.RUNNING if known else JobState.UNCONFIRMED).value
    if values[_INDEX["kind"]] not in KINDS:
        values[_INDEX["kind"]] = TOOL.word
    if values[download_state] not in _DOWNLOAD_STATES or download_state in unfit:
        part, saved_at = values[_INDEX["download_part"]], values[_INDEX["download_saved_at"]]
        guess = DownloadState.RESUMABLE if part else DownloadState.SAVED if saved_at else DownloadState.NONE
        values[download_state] = guess.value
    return tuple(values)


def _coerce(value: Any, types: tuple[type, ...]) -> Any:
    if isinstance(value, bytes) and bytes not in types and str in types:
        return value.decode("utf-8", "replace")
    return float(value) if isinstance(value, int) and float in types else value


def dump_job(job: Job) -> str:
    values = zip((name for name, _ in COLUMNS), row_of(job), strict=True)
    known = {name: os.fsdecode(value) if isinstance(value, bytes) else value for name, value in values}
    return json.dumps(known)


def load_job(text: str) -> Job:
    """The job that :func:`dump_job` wrote, by this or an older gale-tui.

    Raises:
        ValueError: It did not.
    """
    try:
        found = json.loads(text)
        return job_from(repair((str.__str__(found["id"]), *(found.get(name) for name, _ in COLUMNS[1:]))))
    except (TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("no removed job") from error


def storable(values: Sequence[Any]) -> Row:
    """The values with what a database cannot hold replaced: halves of surrogate pairs, numbers beyond 64 bits."""

    def possible(value: Any) -> Any:
        if isinstance(value, str):
            return value.encode("utf-8", "replace").decode()
        if isinstance(value, int):
            return max(-_LARGEST, min(_LARGEST, value))
        return value

    return tuple(possible(value) for value in values)
