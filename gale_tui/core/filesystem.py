"""Small private files, replaced whole: readers see the old content or the new, never a half."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["folder_locked", "make_private_folder", "replace_file"]

LOCK_PATIENCE = 2.0
"""Seconds to wait for another process that is writing; a stopped one must not stop this one."""


def make_private_folder(folder: Path) -> None:
    """Makes the folder, for its owner only, where it is not there yet. One that is there is left as it is.

    Raises:
        OSError: It cannot be made.
    """
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Writes the file under another name, forces it to the disk and gives it its name; its mode is 0600.

    Where `path` is a link, the file that it points to is replaced.

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
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    # Without it the new name may be lost in a power cut. Not every system opens folders, not every one syncs them.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def folder_locked(folder: Path) -> Iterator[None]:
    """Keeps other processes of ours from changing files in the folder meanwhile, where the system can.

    Advisory: after `LOCK_PATIENCE` seconds, or where there are no locks, it goes on without.
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
