"""Whether an export brought anything new: two saved files compared by their contents. All of it blocks."""

from __future__ import annotations

from pathlib import Path

from gale_tui.core.archive.verify_zip import verify_zip
from gale_tui.core.errors import GaleError
from gale_tui.core.models import Download, DownloadState
from gale_tui.core.source.unpack import read_members


def is_unchanged(before: Download, after: Download) -> bool | None:
    """Returns True if two files have members of the same names, sizes and CRC-32; None if one cannot be read."""
    if before.sha256 is not None and before.sha256 == after.sha256:
        return True
    if before.path is None or after.path is None or after.state is not DownloadState.SAVED:
        return None
    try:
        return _contents(before.path) == _contents(after.path)
    except GaleError:
        return None


def _contents(path: Path) -> frozenset[tuple[str, int, int]]:
    return frozenset((entry.name, entry.size, entry.checksum) for entry in verify_zip(path).entries)


def have_same_bytes(before: Path, after: Path) -> bool:
    """Returns True if two zips have the same members, byte for byte; False as well if one cannot be read."""
    try:
        return read_members(before) == read_members(after)
    except GaleError:
        return False
