"""The files of the history: private from the first byte, set aside if damaged."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gale_tui.core.errors import StoreError
from gale_tui.core.filesystem import make_private_folder, sync_folder

MOUNTINFO: Path = Path("/proc/self/mountinfo")
"""The table of mounts, see proc(5); only Linux has one."""

# WAL shares memory between the processes of one machine: a file served over a network, or by a program that may not
# implement shared maps, gets a rollback journal.
_NETWORK: Final = frozenset(
    re.findall(
        r"\w+",
        "9p afs beegfs ceph cifs coda davfs drvfs gfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs "
        "panfs prl_fs pvfs2 smb2 smb3 smbfs vboxsf virtiofs vmhgfs",
    )
)


_making = threading.Lock()


def on_network(folder: Path) -> bool:
    """True if `folder` is known to be on a network file system."""
    try:
        lines = os.fsdecode(MOUNTINFO.read_bytes()).splitlines()
    except OSError:
        return False
    real = os.path.realpath(folder)
    longest, kind = -1, ""
    for line in lines:
        head, separator, tail = line.partition(" - ")
        fields, described = head.split(), tail.split()
        if not separator or len(fields) < 5 or not described:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])
        inside = real == point or real.startswith(point if point.endswith("/") else f"{point}/")
        # Of two mounts on one point the later one is seen.
        if inside and len(point) >= longest:
            longest, kind = len(point), described[0]
    return kind in _NETWORK or kind.startswith("fuse.")


def make_private(path: Path) -> None:
    """Makes the folder (0700) and an empty file (0600), whatever the umask; an existing file is closed to others.

    An existing file is never opened, and one thread alone makes it: closing a file drops all locks that this process
    has on it.

    Raises:
        StoreError: The folder or the file cannot be made, or something else has its name.
    """
    for each in (path, *_companions(path)):
        # A pipe in the place of a journal would hold SQLite up for ever.
        if _is_no_file(each):
            raise StoreError(f"The history cannot be kept: {each} is not a file", "Move it away, then start again")
    try:
        with _making:
            make_private_folder(path.parent)
            try:
                # Through a link to where the file shall be, as for any file.
                descriptor = os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            except FileExistsError:
                with contextlib.suppress(OSError):
                    if (mode := path.stat().st_mode) & 0o077:
                        path.chmod(mode & 0o700)
                return
            os.close(descriptor)
            path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"The history cannot be kept in {path.parent}: {error.strerror or 'the system refused it'}",
            "Make the folder writable, free some space, or set GALE_TUI_HOME to another folder",
        ) from error
    sync_folder(path.parent)


def _is_no_file(path: Path) -> bool:
    """True for a folder, pipe or device. Looks once: another process may remove its journal meanwhile."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def file_identity(path: Path) -> tuple[int, int] | None:
    """Device and inode, which survive a rename; None if there is no such file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _companions(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-journal"))


def has_database_header(path: Path) -> bool:
    """True if the file starts like a database that today's SQLite can write."""
    try:
        with path.open("rb") as file:
            start = file.read(20)
    except OSError:
        return True
    return start[:16] == b"SQLite format 3\0" and {*start[18:20]} <= {1, 2}


def remove_database(path: Path) -> None:
    """Deletes a database of ours and the files beside it, as far as they are there."""
    for each in (path, *_companions(path)):
        with contextlib.suppress(OSError):
            each.unlink()


def set_aside(path: Path) -> Path:
    """Moves a database and the files beside it to a stamped name.

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
        with contextlib.suppress(FileNotFoundError):
            real.rename(target)
        for old, new in zip(_companions(real), _companions(target), strict=True):
            with contextlib.suppress(FileNotFoundError):
                old.rename(new)
    except OSError as error:
        raise StoreError(
            f"The history {real} is damaged and cannot be set aside: {error.strerror or 'the system refused it'}",
            "Move it away yourself, then start again",
        ) from error
    sync_folder(real.parent)
    return target
