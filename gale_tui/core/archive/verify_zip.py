"""Tests a zip as ``unzip -t`` does, without trusting anything that it says about itself.

Every entry is read, its checksum compared, and its two headers with each other. Nothing is extracted, and what is read
is bounded: in memory to a few MiB, in time by the limits below.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gale_tui.core.errors import CorruptFileError, FileSystemError, NotAZipError
from gale_tui.core.untrusted_text import inert

Sink = Callable[[bytes], object]
"""Called with the bytes of an entry, piece by piece."""

ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""First four bytes of a zip: of its first entry, or of the end record where it is empty."""

ENTRIES_LIMIT: Final = 10_000
TOTAL_LIMIT: Final = 4 << 30
"""Decompressed bytes of all entries together."""
_RATIO_LIMIT: Final = 200
"""Decompressed bytes for each compressed one, in entries larger than 1 MiB."""
_BLOCK = 1 << 20
_RATIO_FROM = 1 << 20
_DIRECTORY_LIMIT = 4 << 20
"""Bytes of the central directory, which is read whole: 10,000 entries with names of 300 bytes fit."""
_LOCAL_HEADER = struct.Struct("<6x2H4x3L2H")
_ENCRYPTED = 0x2041  # bit 0: encrypted; bit 6: strong encryption; bit 13: hidden headers
_SIZES_LATER = 0x0008
_ZIP64 = 0xFFFFFFFF
"""In the place of a size that stands in the extra field."""
_AGAIN = "Download it again"
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OverflowError, ValueError)
"""Exceptions of the library for a damaged zip."""


@dataclass(frozen=True, slots=True)
class ZipEntry:
    name: str
    """As it stands there: server text, not safe for a screen or as a path."""
    size: int
    """Bytes, decompressed."""
    checksum: int = field(default=0, compare=False)
    """CRC-32, compared with the contents."""


class _BoundedFile(io.FileIO):
    """A file that returns at most as many bytes at once as a central directory may have."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = max(0, os.fstat(self.fileno()).st_size - self.tell())
        if size > _DIRECTORY_LIMIT:
            raise CorruptFileError("The zip's list of contents is larger than any tool's", _AGAIN)
        return super().read(size) or b""


def verify_zip(
    path: Path,
    *,
    checkpoint: Callable[[], None] | None = None,
    stored: Mapping[int, tuple[int, int]] | None = None,
    collect: Callable[[ZipEntry], Sink | None] | None = None,
) -> tuple[ZipEntry, ...]:
    """Reads a zip through; returns its files, without folders, in the order of its directory.

    Args:
        checkpoint: Called about every MiB, so that a cancelled test ends soon: what it raises goes through.
        stored: Size and CRC-32 of stored entries that were summed up while the file was written, by the offset of
            their header: where they are what the directory says, the entry is not read again.
        collect: Asked for each file; what it returns is given the contents on the way. They are known to be whole
            once this function returns, and never more than the entry's size.

    Raises:
        NotAZipError: The file is something else.
        CorruptFileError: It is damaged, encrypted, empty, or beyond the limits.
        FileSystemError: It cannot be read.
    """
    try:
        with _BoundedFile(path) as file:
            start = file.read(4)
            if start not in ZIP_STARTS:
                raise NotAZipError("The file is not a zip", _AGAIN)
            try:
                directory = zipfile.ZipFile(file)
            except _DAMAGE as error:
                what = "The zip is damaged or was cut short: it has no list of contents"
                raise CorruptFileError(what, _AGAIN) from error
            entries = directory.infolist()
            _check_limits(entries, os.fstat(file.fileno()).st_size)
            for entry in entries:
                sink = collect(_entry(entry)) if collect is not None and not entry.filename.endswith("/") else None
                _read_entry(directory, file, entry, (stored or {}).get(entry.header_offset), checkpoint, sink)
    except OSError as error:
        raise FileSystemError(f"The file cannot be read: {error.strerror or type(error).__name__}") from error
    files = tuple(_entry(entry) for entry in entries if not entry.filename.endswith("/"))
    if not files:
        raise CorruptFileError("The zip holds no files", "Look at the tool in the console, then export it again")
    return files


def _entry(info: zipfile.ZipInfo) -> ZipEntry:
    return ZipEntry(info.filename, info.file_size, info.CRC)


def _check_limits(entries: list[zipfile.ZipInfo], file_size: int) -> None:
    if len(entries) > ENTRIES_LIMIT:
        raise CorruptFileError(f"The zip has {len(entries):,} entries; more than {ENTRIES_LIMIT:,} are not read")
    if sum(entry.file_size for entry in entries) > TOTAL_LIMIT:
        raise CorruptFileError(f"Unpacked, the zip would be larger than {TOTAL_LIMIT:,} bytes; it is not read")
    if sum(entry.compress_size for entry in entries) > file_size:
        raise CorruptFileError("The zip is damaged: its entries are larger than the file", _AGAIN)
    if entries and min(entry.header_offset for entry in entries) != 0:
        # The end record may be that of a zip inside this one, which begins later.
        raise CorruptFileError("The zip is damaged or was cut short: its list of contents is another zip's", _AGAIN)
    for entry in entries:
        name = inert(entry.filename, 80)
        if entry.flag_bits & _ENCRYPTED:
            raise CorruptFileError(f"{name} in the zip is encrypted and cannot be tested")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CorruptFileError(f"{name} in the zip is packed in a way that cannot be tested")
        if entry.file_size > _RATIO_FROM and entry.file_size > _RATIO_LIMIT * entry.compress_size:
            raise CorruptFileError(f"{name} in the zip unpacks to more than {_RATIO_LIMIT} times its size")


def odd_names(files: Iterable[ZipEntry]) -> list[str]:
    """Warnings of a sound zip: names that lead out of a folder, duplicate names."""
    notes: list[str] = []
    seen: set[str] = set()
    for file in files:
        path = file.name.replace("\\", "/")
        if path.startswith("/") or path[1:2] == ":" or ".." in path.split("/"):
            notes.append(f"{inert(file.name, 80)} leads out of the folder that the zip is unpacked in")
        if file.name in seen:
            notes.append(f"{inert(file.name, 80)} is in it more than once")
        seen.add(file.name)
    return notes[:20]


def _read_entry(
    archive: zipfile.ZipFile,
    file: io.FileIO,
    entry: zipfile.ZipInfo,
    known: tuple[int, int] | None,
    checkpoint: Callable[[], None] | None,
    sink: Sink | None,
) -> None:
    """Reads one entry and gives its contents to `sink`.

    Without a sink, one that is stored is read only where its `known` size and checksum are not those it must have.

    Raises:
        CorruptFileError: It is not what the directory says.
        OSError: The file cannot be read.
    """
    size = 0
    try:
        with archive.open(entry) as stream:
            _compare_headers(file, entry, archive.start_dir)
            stored = entry.compress_type == zipfile.ZIP_STORED
            if stored and known == (entry.compress_size, entry.CRC) and sink is None:
                return
            while block := stream.read(_BLOCK):
                if checkpoint is not None:
                    checkpoint()
                if sink is not None:
                    sink(block)
                size += len(block)
        if size != entry.file_size:
            raise EOFError
    except _DAMAGE as error:
        raise CorruptFileError(f"The zip is damaged: {inert(entry.filename, 80)} cannot be read", _AGAIN) from error


def _compare_headers(file: io.FileIO, entry: zipfile.ZipInfo, end: int) -> None:
    """Makes the comparisons that the library leaves out: the entry's own header without its name, and its end.

    Raises:
        zipfile.BadZipFile: They do not agree, or it reaches into the directory, which begins at `end`.
    """
    file.seek(entry.header_offset)
    flags, method, crc, packed, size, *lengths = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    agree = method == entry.compress_type and not flags & _ENCRYPTED
    if not flags & _SIZES_LATER and _ZIP64 not in (packed, size):
        agree = agree and (crc, packed, size) == (entry.CRC, entry.compress_size, entry.file_size)
    if method == zipfile.ZIP_STORED:
        agree = agree and entry.compress_size == entry.file_size
    if not agree or entry.header_offset + _LOCAL_HEADER.size + sum(lengths) + entry.compress_size > end:
        raise zipfile.BadZipFile
