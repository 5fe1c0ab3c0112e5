"""The finished file: checking it, finding one that the history does not know, comparing two."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gale_tui.core.archive.tool import tool_name
from gale_tui.core.archive.verify_zip import verify_zip
from gale_tui.core.downloads.file_names import PART
from gale_tui.core.errors import DownloadError, GaleError
from gale_tui.core.models import Download, DownloadState


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that is verified, on the disk, and has its name."""

    path: Path
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal."""
    name: str = ""
    """The tool's own, else that of the file at the server without `.zip`; empty if neither is known."""


def check_file(
    path: Path,
    any_file: bool,
    checkpoint: Callable[[], None] | None = None,
    stored: Mapping[int, tuple[int, int]] | None = None,
) -> str:
    """The tool's name in a zip, which is whole; "" for a file that need not be a zip.

    Raises:
        NotAZipError, CorruptFileError, FileSystemError: As :func:`verify_zip`, which has the arguments.
    """
    if any_file:
        return ""
    verify_zip(path, checkpoint=checkpoint, stored=stored)
    return tool_name(path)


def find_published(part: Path | None, size: int | None, *, any_file: bool = False) -> SavedFile | None:
    """The finished file of a part that is gone, or None: the program was killed just after it gave the file its name.

    Reads all of it: call it on a thread.

    Args:
        part: As the history has it.
        size: Bytes of the whole file; without them no file counts as it.
        any_file: It need not be a zip.
    """
    if part is None or size is None or part.suffix != PART or os.path.lexists(part):
        return None
    path = part.with_suffix("")
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            return None
        name = check_file(path, any_file)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, DownloadError):
        return None
    return SavedFile(path, size, digest, name)


def is_unchanged(before: Download, after: Download) -> bool | None:
    """Returns True if two files have members of the same names, sizes and CRC-32; None if one cannot be read.

    Reads all of them: call it on a thread.
    """
    if before.sha256 is not None and before.sha256 == after.sha256:
        return True
    if before.path is None or after.path is None or after.state is not DownloadState.SAVED:
        return None
    try:
        return _contents(before.path) == _contents(after.path)
    except GaleError:
        return None


def _contents(path: Path) -> frozenset[tuple[str, int, int]]:
    return frozenset((entry.name, entry.size, entry.checksum) for entry in verify_zip(path))


def have_same_bytes(before: Path, after: Path) -> bool:
    """Returns True if two zips have the same members, byte for byte; False as well if one cannot be read."""
    # Imported here: a download needs none of it.
    from gale_tui.core.source.unpack import read_members

    try:
        return read_members(before) == read_members(after)
    except GaleError:
        return False
