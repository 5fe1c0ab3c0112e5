"""What an export holds, be it a zip or an unpacked folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gale_tui.core.archive.contents import ArchiveContents, contents_of, read_archive
from gale_tui.core.source.pack import read_folder


def read_contents(path: Path, *, checkpoint: Callable[[], None] | None = None) -> ArchiveContents:
    """Looks into a saved export or an unpacked one.

    Args:
        path: A zip or a folder.
        checkpoint: Called now and then, to end early: what it raises goes through.

    Raises:
        NotAZipError, CorruptFileError: The file is no whole zip.
        SourceError: The folder is no unpacked tool, or it cannot be packed.
        FileSystemError: Something cannot be read.
    """
    if not path.is_dir():
        return read_archive(path, checkpoint=checkpoint)
    members, known = read_folder(path)
    return contents_of(path, members, values_known=known)
