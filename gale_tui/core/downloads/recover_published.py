"""A file that was published just before the program was killed, unknown to the history."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from gale_tui.core.archive.tool import tool_name
from gale_tui.core.archive.verify_zip import verify_zip
from gale_tui.core.downloads.download import SavedFile
from gale_tui.core.downloads.file_names import PART
from gale_tui.core.errors import DownloadError

__all__ = ["published_before"]


def published_before(part: Path | None, size: int | None, *, any_file: bool = False) -> SavedFile | None:
    """The finished file of a part that is gone, or None. Reads all of it: call it on a thread.

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
        entries = 0 if any_file else len(verify_zip(path).entries)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, DownloadError):
        return None
    return SavedFile(path, size, digest, entries, "" if any_file else tool_name(path))
