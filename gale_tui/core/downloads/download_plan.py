"""What a download is to do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gale_tui.core.config.settings import DEFAULT_PATTERN
from gale_tui.core.secret import SignedUrl

__all__ = ["DownloadPlan", "SavedFile"]


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """What to fetch, where it goes, and what is there already."""

    url: SignedUrl
    """Absolute."""
    folder: Path
    fallback_stem: str
    """What the file is called where the server gives it no name."""
    environment_name: str
    finished_at: float
    """When the job ended, in seconds since the epoch: it is in the file's name."""
    part: Path | None = None
    """An unfinished file to go on with."""
    received: int = 0
    """Bytes in it when it was last looked at; the file itself counts."""
    validator: str | None = None
    """What `on_part` was told about it."""
    size: int | None = None
    """Bytes of the whole file, as `on_part` was told."""
    pattern: str = DEFAULT_PATTERN
    """What the file is called, as the setting `filename_pattern` says it."""
    tool: str = ""
    label: str = ""
    make_parents: bool = False
    """Whether to make the folder's parents as well: for the default folder, not for one that somebody typed."""


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that is verified, on the disk, and has its name."""

    path: Path
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal."""
    entries: int
    """Files in the zip."""
    name: str
    """What the server calls it, made safe, without `.zip`; empty where it does not say or was not asked."""
