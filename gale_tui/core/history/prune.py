"""Which saved exports can go: those that gale-tui recorded, that are whole, and that are not a tool's newest."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gale_tui.core.models import DownloadState, Job


@dataclass(frozen=True, slots=True)
class OldFile:
    """A saved export that can go."""

    path: Path
    size: int
    """Bytes."""
    sha256: str
    saved_at: float
    """Seconds since the epoch."""
    jobs: tuple[Job, ...]
    """All that point to it."""


def find_old_files(jobs: Iterable[Job], *, keep: int, before: float | None) -> list[OldFile]:
    """The files beyond the newest of each tool, oldest first. The disk is not looked at.

    Args:
        keep: How many files of each tool stay, at least one.
        before: Only files saved before that time go; None for any.
    """
    owners: dict[Path, list[Job]] = {}
    tools: dict[tuple[str, str, str], dict[Path, float]] = {}
    for job in jobs:
        download = job.download
        if download.path is None or download.state is not DownloadState.SAVED:
            continue
        owners.setdefault(download.path, []).append(job)
        files = tools.setdefault((job.origin, job.tool_id, job.flow_id), {})
        files[download.path] = max(files.get(download.path, 0.0), download.saved_at or job.created_at)
    kept: set[Path] = set()
    old: dict[Path, float] = {}
    for files in tools.values():
        newest = sorted(files, key=lambda path: files[path], reverse=True)
        kept.update(newest[: max(1, keep)])
        kept.update(path for path in newest if before is not None and files[path] >= before)
        old.update((path, files[path]) for path in newest)
    found = []
    for path, saved_at in sorted(old.items(), key=lambda each: each[1]):
        recorded = {(job.download.sha256, job.download.size) for job in owners[path]}
        if path not in kept and len(recorded) == 1 and (one := next(iter(recorded)))[0] is not None:
            found.append(OldFile(path, one[1] or 0, one[0], saved_at, tuple(owners[path])))
    return found


def file_matches(old: OldFile) -> bool:
    """Returns True if the file is there, is no link, and has the checksum that was recorded."""
    try:
        if not stat.S_ISREG(os.lstat(old.path).st_mode):
            return False
        with old.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == old.sha256
    except OSError:
        return False
