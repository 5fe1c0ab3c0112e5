"""Small private files, replaced whole: readers see the old content or the new, never a half."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["lock_folder", "make_private_folder", "replace_file", "sync_folder"]

LOCK_PATIENCE = 2.0
"""Seconds to wait for another process that holds a folder; a stopped one must not stop this one."""


def make_private_folder(folder: Path) -> None:
    """Makes the folder and missing ones above it with mode 0700, whatever the umask; existing ones stay as they are.

    Raises:
        OSError: It cannot be made.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        with contextlib.suppress(FileExistsError):
            each.mkdir(mode=0o700)
            each.chmod(0o700)


def replace_file(path: Path, content: bytes) -> None:
    """Replaces a file, or the target of a link, in one step that a power cut does not halve; its mode is 0600.

    Raises:
        OSError: It could not be written; the old content is still there.
    """
    target = Path(os.path.realpath(path))
    make_private_folder(target.parent)
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(13, "Permission denied", str(target))
    import secrets

    draft = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(draft, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Lets a new name survive a power cut, if the system can: not every one opens folders or syncs them."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keeps other processes of ours out of the same block, if the system can.

    Advisory: after `LOCK_PATIENCE` seconds, or without locks, it continues without.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = -1
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + LOCK_PATIENCE
        while descriptor >= 0:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.02)
            except OSError:
                break
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)
