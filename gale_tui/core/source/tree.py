"""Reads a tree from the disk. Links in its folder are never followed."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gale_tui.core.errors import FileSystemError, SourceError
from gale_tui.core.filesystem import NO_LINK, PLAIN
from gale_tui.core.source.manifest import Manifest, read_manifest
from gale_tui.core.source.names import ATTRIBUTES, IGNORE, MANIFEST, NODES, STATE, VALUES, checked_path
from gale_tui.core.untrusted_text import inert

_FILE_LIMIT: Final = 256 << 20
_TREE_LIMIT: Final = 512 << 20
_FILES_LIMIT: Final = 200_000
JOURNAL: Final = "journal.json"
_OWN: Final = ("layout.json", "app_definition.", "flow_definition.")


@contextlib.contextmanager
def file_system_errors(folder: Path) -> Iterator[None]:
    """Turns what the system refuses into a `FileSystemError` that names the file, or else the folder."""
    try:
        yield
    except OSError as error:
        name = inert(error.filename or folder, 400)
        raise FileSystemError(f"{name}: {error.strerror or type(error).__name__}") from error


def read_files(folder: Path) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest and all files of a tree, without the values.

    Raises:
        SourceError: The folder is no unpacked tool, or an unpack into it was cut short.
        FileSystemError: It cannot be read.
    """
    with file_system_errors(folder):
        if (folder / STATE / JOURNAL).exists():
            raise SourceError(f"The last unpack into {inert(folder, 400)} was interrupted", "Run it again")
        content = read_file(folder, MANIFEST)
        if content is None:
            raise SourceError(f"{inert(folder, 400)} is not an unpacked tool: it has no {MANIFEST}")
        manifest = read_manifest(content)
        found: dict[str, bytes] = {}
        total = 0
        for path in sorted({*_find_files(folder), *manifest.files()}):
            if path in (MANIFEST, VALUES, IGNORE, ATTRIBUTES):
                continue
            each = read_file(folder, path)
            if each is not None:
                found[path] = each
                total += len(each)
            if total > _TREE_LIMIT:
                raise SourceError(f"{inert(folder, 400)} has more than {_TREE_LIMIT >> 20} MiB; no tool has")
    return manifest, found


def read_values_file(folder: Path) -> bytes | None:
    """The values that unpack left in the tree; None if they are not there."""
    with file_system_errors(folder):
        return read_file(folder, VALUES)


def _find_files(folder: Path) -> Iterator[str]:
    """Files that a tree may have, as they lie in the folder; those of other names are left alone."""
    for inside in ("", NODES):
        place = folder / inside
        if inside and (place.is_symlink() or not place.is_dir()):
            continue
        with os.scandir(place) as entries:
            for number, entry in enumerate(entries):
                if number > _FILES_LIMIT:
                    raise SourceError(f"{inert(place, 400)} has more than {_FILES_LIMIT:,} files; no tool has")
                path = f"{inside}/{entry.name}" if inside else entry.name
                if entry.is_file(follow_symlinks=False) and (inside == NODES or path.startswith(_OWN)):
                    with contextlib.suppress(SourceError):
                        yield checked_path(path)


def read_file(folder: Path, path: str) -> bytes | None:
    """A file's content; None if it is not there.

    Raises:
        SourceError: A link or something else that is no file stands in its place, or it is too large.
        OSError: It cannot be read.
    """
    if not check_parent(folder, path):
        return None
    target = os.path.join(folder, path)
    if not NO_LINK and os.path.islink(target):
        raise not_followed(path)
    try:
        descriptor = os.open(target, os.O_RDONLY | PLAIN | NO_LINK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise not_followed(path) from None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise SourceError(f"{path} is no file", "Move it away")
        if found.st_size > _FILE_LIMIT:
            raise SourceError(f"{path} has more than {_FILE_LIMIT >> 20} MiB")
        content = os.read(descriptor, found.st_size + 1)
        while len(content) < found.st_size and (more := os.read(descriptor, found.st_size)):
            content += more
        return content
    finally:
        os.close(descriptor)


def check_parent(folder: Path, path: str) -> bool:
    """Returns True if the folder that a file stands in is there.

    Raises:
        SourceError: A link stands in its place.
    """
    parent, _, _ = path.rpartition("/")
    if parent:
        try:
            found = os.lstat(os.path.join(folder, parent))
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(found.st_mode):
            raise not_followed(parent)
    return True


def not_followed(path: str) -> SourceError:
    return SourceError(f"{path} is a link, or not a file that unpack wrote", "Links are not followed; move it away")
