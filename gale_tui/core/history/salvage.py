"""Copies the rows of a damaged history, read without SQLite, page by page: damage costs what it hit and nothing else.

Follows the file format at https://www.sqlite.org/fileformat2.html. A row is known by the types of its values, whatever
the header or the schema say. Deleted content is zeroed in our files, so no removed job comes back.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from gale_tui.core.history.connection import BUSY_SECONDS, BusyRetry, WriteConnection
from gale_tui.core.history.rows import COLUMNS, Row, repair, value_types
from gale_tui.core.history.schema import INSERT_JOB, LARGEST_REVISION, Columns

_USUAL_PAGE: Final = 4096
_TABLE_LEAF: Final = 13
_LOG_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_LARGEST_ROW: Final = 1 << 24
_MOST_PLACES: Final = 1_000_000


def copy_readable(damaged: Path, writer: WriteConnection, tables: Mapping[str, Columns], retry: BusyRetry) -> int:
    """Copies what can be read of a damaged history into a new one; returns the number of jobs.

    Args:
        damaged: The file.
        writer: Of the new one.
        tables: The columns of today's tables.
        retry: Of the new one.

    Raises:
        StoreError: The new one could not be written.
    """
    try:
        found = _read_rows(damaged, tables)
    except OSError:
        return 0
    order = [name for name, _ in tables["jobs"]]
    indexes = [order.index(name) for name, _ in COLUMNS]
    revision = [name for name, _ in COLUMNS].index("revision")
    removed = {row[0] for row in found["forgotten"]}
    jobs: dict[str, Row] = {}
    for number, row in enumerate(found["jobs"]):
        job = repair(tuple(row[index] for index in indexes), f"recovered-{number}")
        if job[0] not in removed and (job[0] not in jobs or jobs[job[0]][revision] < job[revision]):
            jobs[job[0]] = job

    def copy() -> None:
        with writer.transaction(durable=True):
            for row in jobs.values():
                writer.write(INSERT_JOB, (*row, "", row[revision], ""))
            for row in sorted(row for row in found["events"] if row[1] in jobs):
                writer.write("INSERT INTO events (job_id, at, text) VALUES (?, ?, ?)", row[1:4])
            for table in ("sets", "batches", "batch_starts", "drafts", "forgotten", "removed"):
                marks = ", ".join("?" * len(tables[table]))
                for row in found[table]:
                    writer.write(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608  # our own names
            writer.write(
                "UPDATE counters SET value = (SELECT coalesce(max(revision), 0) + 1000 FROM jobs WHERE revision < ?) "
                "WHERE name = 'revision'",
                (LARGEST_REVISION,),
            )

    retry.run(copy, time.monotonic() + BUSY_SECONDS)
    return len(jobs)


def _read_rows(path: Path, tables: Mapping[str, Columns]) -> dict[str, list[Row]]:
    """The rows of each table that can be read, in the order of its columns; later columns may be None.

    Args:
        path: The database; its log beside it is read, too.
        tables: The columns of today's tables.

    Raises:
        OSError: The file cannot be read.
    """
    content = path.read_bytes()
    stated = int.from_bytes(content[16:18], "big")
    sizes = {_USUAL_PAGE, stated} if stated >= 512 and stated & (stated - 1) == 0 else {_USUAL_PAGE}
    found = [_read_with(content, path.with_name(f"{path.name}-wal"), size, tables) for size in sorted(sizes)]
    return max(found, key=lambda rows: sum(map(len, rows.values())))


def _read_with(content: bytes, log: Path, size: int, tables: Mapping[str, Columns]) -> dict[str, list[Row]]:
    pages = {
        number + 1: content[at : at + size].ljust(size, b"\0") for number, at in enumerate(range(0, len(content), size))
    }
    with suppress(OSError):
        pages.update(_committed(log.read_bytes(), size))
    rows: dict[str, list[Row]] = {name: [] for name in tables}
    for page_number, page in pages.items():
        for row_number, values in _cells(pages, page, 100 if page_number == 1 else 0):
            for name, columns in tables.items():
                row = _row_of(name, values, columns)
                if row is not None:
                    rows[name].append((row_number, *row[1:]) if name == "events" else row)
                    break
    return rows


def _committed(log: bytes, size: int) -> dict[int, bytes]:
    """The newest committed content of each page in a write-ahead log."""
    done: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    salt = log[16:24]
    for at in range(_LOG_HEADER, len(log) - size - _FRAME_HEADER + 1, size + _FRAME_HEADER):
        number, pages_after = struct.unpack_from(">II", log, at)
        if log[at + 8 : at + 16] != salt:
            # From here on, what an earlier round of the log left.
            break
        pending[number] = log[at + _FRAME_HEADER : at + _FRAME_HEADER + size]
        if pages_after:
            done.update(pending)
            pending.clear()
    return done


def _cells(pages: Mapping[int, bytes], page: bytes, start: int) -> Iterator[tuple[int, list[Any]]]:
    """Row ids and records on a page, if it is a leaf of a table."""
    if page[start] != _TABLE_LEAF:
        return
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    pointers = page[start + 8 : start + 8 + 2 * count]
    for at in range(0, len(pointers) - 1, 2):
        with suppress(IndexError, ValueError, struct.error):
            row_number, payload = _payload(pages, page, int.from_bytes(pointers[at : at + 2], "big"))
            yield row_number, _record(payload)


def _payload(pages: Mapping[int, bytes], page: bytes, at: int) -> tuple[int, bytes]:
    """A cell's row id and record, with the pages that it overflows into."""
    length, at = _varint(page, at)
    row_number, at = _varint(page, at)
    if length > _LARGEST_ROW:
        raise ValueError("no row is that long")
    size = len(page)
    most, least = size - 35, (size - 12) * 32 // 255 - 23
    if length <= most:
        return row_number, page[at : at + length]
    here = least + (length - least) % (size - 4)
    payload = page[at : at + (here if here <= most else least)]
    at += len(payload)
    following = int.from_bytes(page[at : at + 4], "big")
    while len(payload) < length and following in pages:
        further = pages[following]
        payload += further[4 : 4 + length - len(payload)]
        following = int.from_bytes(further[:4], "big")
    # What is missing behind a lost page costs the end of one value.
    return row_number, payload.ljust(length, b"\0")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for _ in range(8):
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    return value << 8 | data[at], at + 1


_INTEGERS: Final = (0, 1, 2, 3, 4, 6, 8)
"""Bytes of an integer, by its serial type."""


def _record(payload: bytes) -> list[Any]:
    end, at = _varint(payload, 0)
    body = end
    values: list[Any] = []
    while at < end:
        kind, at = _varint(payload, at)
        if kind >= 12:
            length = (kind - 12) // 2
            piece = payload[body : body + length]
            value: Any = piece if kind % 2 == 0 else piece.decode("utf-8", "replace")
        elif kind in (8, 9):
            length, value = 0, kind - 8
        elif kind == 7:
            length = 8
            (value,) = struct.unpack_from(">d", payload, body)
        elif kind <= 6:
            length = _INTEGERS[kind]
            value = int.from_bytes(payload[body : body + length], "big", signed=True) if kind else None
        else:
            raise ValueError("no such type")
        if body + length > len(payload):
            raise ValueError("longer than its record")
        body += length
        values.append(value)
    if not values or body != len(payload):
        raise ValueError("not as long as its record")
    return values


def _row_of(table: str, values: list[Any], columns: Columns) -> Row | None:
    """The values as a row of the table, or None if they are of another one."""
    # A job is known by its many columns, and whatever is wrong in it costs a value; other rows are right or left out.
    if len(values) > len(columns) or (len(values) < 40 if table == "jobs" else len(values) != len(columns)):
        return None
    if table == "batch_starts" and not (isinstance(values[1], int) and values[1] < _MOST_PLACES):
        # Else a draft that was saved on the full second.
        return None
    row: list[Any] = []
    for value, (_, kind) in zip(values, columns, strict=False):
        # SQLite stores a whole number in a column of floats as an integer.
        fitting = float(value) if kind.startswith("REAL") and isinstance(value, int) else value
        if table != "jobs" and fitting.__class__ not in value_types(kind):
            return None
        row.append(fitting)
    return (*row, *[None] * (len(columns) - len(row)))
