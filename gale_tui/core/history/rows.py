"""Jobs as rows of the history: a column for each field."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, Final, TypeAlias, get_args, get_type_hints

from gale_tui.core.kinds import KINDS, TOOL, Kind
from gale_tui.core.models import Download, DownloadReason, DownloadState, Job, JobReason, JobState
from gale_tui.core.secret import SignedUrl

Row: TypeAlias = tuple[Any, ...]


class DamagedError(Exception):
    """The file is no database, or a part of it cannot be read."""


def _fields(record: type, prefix: str = "") -> dict[str, tuple[type, ...]]:
    """The columns of a record by their names, and the types of their fields."""
    hints = get_type_hints(record)
    names = [field.name for field in dataclasses.fields(record) if field.name not in ("download", "unwritten")]
    return {prefix + name: get_args(hints[name]) or (hints[name],) for name in names}


_FIELDS: Final = _fields(Job) | _fields(Download, "download_")
COLUMNS: Final = tuple(_FIELDS)
"""In the order of the fields of Job, without `download`, and of Download."""
_DOWNLOAD: Final = COLUMNS.index("download_state")
"""Index of the download's first column."""

_LATEST: Final = 32_503_680_000.0
"""The year 3000: a later moment is damage, and many systems cannot format it."""
_LARGEST: Final = 2**63 - 1
_REPLACED: Final = "\ufffd"
"""Replaces bytes that are not UTF-8."""


def _path_value(path: Path) -> str | bytes:
    """Text if the path is text; the raw bytes of a name that is not UTF-8."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text


@lru_cache(maxsize=64)
def _path(value: str | bytes) -> Path:
    return Path(os.fsdecode(value) if isinstance(value, bytes) else value)


_STATES: Final[dict[str, JobState]] = {state.value: state for state in JobState}
_DOWNLOAD_STATES: Final[dict[str, DownloadState]] = {state.value: state for state in DownloadState}
# A reason of a later gale-tui is unknown here and counts as none.
_REASONS: Final[dict[str, JobReason]] = {reason.value: reason for reason in JobReason}
_DOWNLOAD_REASONS: Final[dict[str, DownloadReason]] = {reason.value: reason for reason in DownloadReason}
_value: Final = attrgetter("value")
_CONVERSIONS: Final[dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]]] = {
    bool: (int, bool),
    Path: (_path_value, _path),
    SignedUrl: (SignedUrl.reveal, SignedUrl),
    Kind: (attrgetter("word"), KINDS.__getitem__),
    JobState: (_value, _STATES.__getitem__),
    JobReason: (_value, _REASONS.get),
    DownloadState: (_value, _DOWNLOAD_STATES.__getitem__),
    DownloadReason: (_value, _DOWNLOAD_REASONS.get),
}
"""From a field to its column and back; all others are the same in both. None stays None."""
_FIRST_TYPES: Final = tuple(enumerate(first for first, *_ in _FIELDS.values()))
_CONVERTED: Final = tuple((index, *_CONVERSIONS[first]) for index, first in _FIRST_TYPES if first in _CONVERSIONS)
_STORED: Final[dict[type, tuple[type, ...]]] = {bool: (int,), int: (int,), float: (float,), Path: (str, bytes)}
_TYPES: Final = tuple((*_STORED.get(first, (str,)), *none) for first, *none in _FIELDS.values())
"""The types of the values that a column may hold."""
_job_values = attrgetter(*COLUMNS[:_DOWNLOAD])
_download_values = attrgetter(*(name.removeprefix("download_") for name in COLUMNS[_DOWNLOAD:]))
_MOMENTS: Final = tuple(index for index, first in _FIRST_TYPES if first is float and COLUMNS[index] != "percentage")
_moments = itemgetter(*_MOMENTS)


def row_of(job: Job) -> Row:
    """The values of a job in the order of `COLUMNS`."""
    values = [*_job_values(job), *_download_values(job.download)]
    for index, convert, _ in _CONVERTED:
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
    if not _fit(tuple(map(type, row))):
        raise ValueError("a value has another type")
    for moment in _moments(row):
        if moment is not None and not 0.0 <= moment <= _LATEST:
            raise ValueError("a time makes no sense")
    values = list(row)
    for index, _, convert in _CONVERTED:
        if values[index] is not None:
            values[index] = convert(values[index])
    download = _NO_DOWNLOAD if row[_DOWNLOAD:] == _NOTHING else Download(*values[_DOWNLOAD:])
    values[_DOWNLOAD - 1 :] = [download, values[_DOWNLOAD - 1]]
    return Job(*values)


@lru_cache(maxsize=1024)
def _fit(types: tuple[type, ...]) -> bool:
    """True if each value has a type that its column may hold."""
    return all(found in fit for found, fit in zip(types, _TYPES, strict=True))


def repair(row: Row) -> Row:
    """The row of a job, in the order of `COLUMNS`, with defaults in place of the values that cannot be read.

    Nothing is ever exported again because of it: an unknown state is one that asks GALE or the user.
    """
    values = dict(zip(COLUMNS, map(_coerce, row, _TYPES), strict=True))
    defaults = row_of(Job(str(row[0]), "", "", "", "", "", 0.0, production=True))
    for index, (name, value) in enumerate(values.items()):
        if type(value) not in _TYPES[index] or (
            index in _MOMENTS and value is not None and not 0.0 <= value <= _LATEST
        ):
            # The state is derived from the other fields, below.
            values[name] = "" if name in ("state", "download_state") else defaults[index]
    values["id"] = values["id"].replace(_REPLACED, "?")
    if values["state"] not in _STATES:
        known = values["dock_status_id"] is not None
        values["state"] = (JobState.RUNNING if known else JobState.UNCONFIRMED).value
    if values["kind"] not in KINDS:
        values["kind"] = TOOL.word
    if values["download_state"] not in _DOWNLOAD_STATES:
        part, saved_at = values["download_part"], values["download_saved_at"]
        guess = DownloadState.RESUMABLE if part else DownloadState.SAVED if saved_at else DownloadState.NONE
        values["download_state"] = guess.value
    return tuple(values.values())


def _coerce(value: Any, types: tuple[type, ...]) -> Any:
    if isinstance(value, bytes) and bytes not in types and str in types:
        return value.decode("utf-8", "replace")
    return float(value) if isinstance(value, int) and float in types else value


def dump_job(job: Job) -> str:
    values = zip(COLUMNS, row_of(job), strict=True)
    known = {name: os.fsdecode(value) if isinstance(value, bytes) else value for name, value in values}
    return json.dumps(known)


def load_job(text: str) -> Job:
    """The job that :func:`dump_job` wrote, by this or an older gale-tui.

    Raises:
        ValueError: It did not.
    """
    try:
        found = json.loads(text)
        return job_from(repair((str.__str__(found["id"]), *map(found.get, COLUMNS[1:]))))
    except (TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("no removed job") from error


def storable(values: Sequence[Any]) -> Row:
    """The values with what a database cannot hold replaced: halves of surrogate pairs, numbers beyond 64 bits."""

    def storable_value(value: Any) -> Any:
        if isinstance(value, str):
            return value.encode("utf-8", "replace").decode()
        if isinstance(value, int):
            return max(-_LARGEST, min(_LARGEST, value))
        return value

    return tuple(storable_value(value) for value in values)
