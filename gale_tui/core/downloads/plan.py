"""What a download is to fetch, and what makes the name of its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gale_tui.core.config.settings import DEFAULT_PATTERN
from gale_tui.core.secret import SignedUrl


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """One file: its link, where it goes, and what is there already."""

    url: SignedUrl
    """Absolute."""
    folder: Path
    fallback_stem: str
    """Its name where the server gives none."""
    environment_name: str
    finished_at: float
    """When the job ended, in seconds since the epoch; part of the name."""
    part: Path | None = None
    """An unfinished file to resume."""
    received: int = 0
    """Bytes in it when it was last looked at; the file itself counts."""
    validator: str | None = None
    """Of the part, for `If-Range`."""
    size: int | None = None
    """Bytes of the whole file, where known."""
    pattern: str = DEFAULT_PATTERN
    """The setting `filename_pattern`."""
    tool: str = ""
    label: str = ""
    any_file: bool = False
    """The file is no tool's zip: its length is checked, its contents and size are not."""
    make_parents: bool = False
    """Makes the folder's parents as well: for the default folder, not for one that somebody typed."""
