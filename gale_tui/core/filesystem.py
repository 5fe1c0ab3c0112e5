"""Small private files, replaced whole; and what not every system can do with files: flags, locks, owners, modes.

Each asks for the system's function, not for the system's name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gale_tui.core.errors import ConfigError

PLAIN: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""Flags for `os.open`: no child inherits the file, bytes stay as they are, a pipe does not wait for its other end."""
NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
"""Flag for `os.open` that refuses a link with ELOOP; 0 if the system has none."""

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
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | PLAIN, 0o600)
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


def check_folder(folder: Path, *, chosen: bool, room: int = 1 << 20) -> None:
    """Tries out whether a file can be saved in a folder; makes no folder, leaves nothing behind.

    Args:
        folder: It need not be there.
        chosen: True for a folder that a person named: the one above it must be there, or its disk is missing.
        room: Bytes that must be free.

    Raises:
        ConfigError: It cannot: no folder, no permission, no room, or the path is too long.
    """
    import shutil
    import tempfile

    try:
        nearest = next(each for each in (folder, *folder.parents) if each.exists())
        if chosen and nearest not in (folder, folder.parent):
            raise ConfigError(f"No such folder: {folder.parent}", "Make it, or connect its disk")
        if not nearest.is_dir():
            raise ConfigError(f"{nearest} is a file, not a folder", "Choose another folder")
        if shutil.disk_usage(nearest).free < room:
            raise ConfigError(f"No space left in {nearest}", "Free some space or choose another folder")
        with contextlib.suppress(FileNotFoundError):
            # As long as the longest name of a download, for file systems that take only shorter ones.
            os.lstat(nearest / ("x" * 131))
        # Without a name where the system can: a kill leaves nothing.
        with tempfile.TemporaryFile(dir=nearest, buffering=0) as probe:
            probe.write(bytes(1 << 16))
            os.fsync(probe.fileno())
    except (OSError, StopIteration, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not a path"
        raise ConfigError(f"Files cannot be saved in {folder}: {why}", "Choose another folder") from error


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
    descriptor = -1
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | PLAIN)
    try:
        deadline = time.monotonic() + LOCK_PATIENCE
        while descriptor >= 0 and not lock_file(descriptor) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def lock_file(descriptor: int) -> bool:
    """Locks an open file or folder without waiting, if the system can.

    Returns:
        False if another process holds the lock.
    """
    if sys.platform != "win32":
        try:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except (ImportError, OSError):
            return True
    return True


def unlock_file(descriptor: int) -> None:
    """Gives up the lock, for all descriptors of the open file."""
    if sys.platform != "win32":
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_UN)


def set_file_flag(descriptor: int, flag: int, *, on: bool) -> None:
    """Changes a flag of an open file, such as `O_DIRECT`.

    Raises:
        OSError: The system cannot.
    """
    if sys.platform != "win32":
        with contextlib.suppress(ImportError):
            import fcntl

            flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
            fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | flag if on else flags & ~flag)
            return
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def make_file_private(descriptor: int) -> None:
    """Sets the mode of an open file to 0600, whatever the umask; a file system without modes has none to protect."""
    if sys.platform != "win32" and hasattr(os, "fchmod"):
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, 0o600)


def has_other_owner(status: os.stat_result) -> bool:
    """Returns True if a file belongs to another user; False also if the system does not tell."""
    return sys.platform != "win32" and hasattr(os, "geteuid") and status.st_uid != os.geteuid()
