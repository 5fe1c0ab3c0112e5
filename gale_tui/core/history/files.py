"""The files of the history: private from the first byte, locked as their file system can, set aside if damaged."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gale_tui.core.errors import StoreError

if sys.platform != "win32":
    import fcntl

__all__ = ["companions", "file_identity", "folder_lock", "make_private", "on_network", "set_aside"]

MOUNTINFO: Path = Path("/proc/self/mountinfo")

# WAL shares memory between the processes of one machine: what is served over a network, or by a program that may not
# implement shared maps, gets a rollback journal.
_NETWORK: Final = frozenset(
    re.findall(
        r"\w+",
        "9p afs beegfs ceph cifs coda davfs drvfs gfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs "
        "panfs prl_fs pvfs2 smb2 smb3 smbfs vboxsf virtiofs vmhgfs",
    )
)


_making = threading.Lock()


def on_network(folder: Path, mountinfo: Path | None = None) -> bool:
    """True where `folder` is known to lie on a network file system.

    Args:
        folder: An existing folder.
        mountinfo: The table of mounts, as proc(5) describes it; elsewhere than on Linux there is none.
    """
    try:
        lines = os.fsdecode((mountinfo or MOUNTINFO).read_bytes()).splitlines()
    except OSError:
        return False
    real = os.path.realpath(folder)
    longest, kind = -1, ""
    for line in lines:
        head, separator, tail = line.partition(" - ")
        fields, described = head.split(), tail.split()
        if not separator or len(fields) < 5 or not described:
            continue
        point = _unescaped(fields[4])
        inside = real == point or real.startswith(point if point.endswith("/") else f"{point}/")
        # Of two mounts on one point the later one is seen.
        if inside and len(point) >= longest:
            longest, kind = len(point), described[0]
    return kind in _NETWORK or kind.startswith("fuse.")


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def make_private(path: Path) -> bool:
    """Makes the folder (0700) and an empty file (0600), whatever the umask; an existing file is closed to others.

    The file is never opened once it is there, and made by one thread alone: closing a file drops all locks that this
    process has on it.

    Returns:
        True where the file is new.

    Raises:
        StoreError: The folder or the file cannot be made.
    """
    with _making:
        new = _make_private(path)
    if new:
        _sync_folder(path.parent)
    return new


def _make_private(path: Path) -> bool:
    try:
        missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
                folder.chmod(0o700)
        try:
            # Through a link to where the file shall be, as for any file.
            descriptor = os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            if path.is_dir():
                raise StoreError(f"{path} is a folder, not a history", "Move it away") from None
            with contextlib.suppress(OSError):
                if (mode := path.stat().st_mode) & 0o077:
                    path.chmod(mode & 0o700)
            return False
        os.close(descriptor)
        path.chmod(0o600)
        return True
    except OSError as error:
        raise StoreError(
            f"The history cannot be kept in {path.parent}: {error.strerror or 'the system refused it'}",
            "Make the folder writable, free some space, or set GALE_TUI_HOME to another folder",
        ) from error


def _sync_folder(folder: Path) -> None:
    """Lets a new name survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keeps other processes of this machine out of the same block, where the system can."""
    with contextlib.ExitStack() as stack:
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                descriptor = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def file_identity(path: Path) -> tuple[int, int] | None:
    """What stays the same of a file that is renamed; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def companions(path: Path) -> tuple[Path, ...]:
    """The files that SQLite keeps beside a database."""
    return tuple(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-journal"))


def set_aside(path: Path) -> Path:
    """Moves a database and what belongs to it to a stamped name beside it.

    Raises:
        StoreError: It cannot be moved.
    """
    real = Path(os.path.realpath(path))
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = real.with_name(f"{real.name}.damaged-{stamp}")
    number = 2
    while os.path.lexists(target):
        target = real.with_name(f"{real.name}.damaged-{stamp}-{number}")
        number += 1
    try:
        # The database first: left without it, its log is dropped when a new database is made, never played into it.
        real.rename(target)
        for old, new in zip(companions(real), companions(target), strict=True):
            with contextlib.suppress(FileNotFoundError):
                old.rename(new)
    except OSError as error:
        raise StoreError(
            f"The history {real} is damaged and cannot be set aside: {error.strerror or 'the system refused it'}",
            "Move it away yourself, then start again",
        ) from error
    _sync_folder(real.parent)
    return target
