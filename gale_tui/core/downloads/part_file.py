"""The unfinished file: ``….part`` beside the place where the file will be.

At every moment there is either no file of the final name or the whole one: the name is given by a link, which fails
where the name is taken. A disk without links has an empty one for a moment.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from gale_tui.core.downloads.direct_io import DirectFile, Flusher
from gale_tui.core.downloads.file_names import PART
from gale_tui.core.errors import FileSystemError, InterruptedDownloadError
from gale_tui.core.filesystem import (
    NO_LINK,
    PLAIN,
    has_other_owner,
    lock_file,
    make_file_private,
    sync_folder,
    unlock_file,
)

Step = Callable[[str], None]
"""Called before the disk is touched, with "create", "write", "truncate", "fsync", "link" or "unlink"."""

_FLAGS = os.O_RDWR | PLAIN | NO_LINK
_NO_PART = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EMLINK, errno.ENXIO)
_NO_LINKS = {
    getattr(errno, name, errno.ENOSYS)
    for name in ("EPERM", "EACCES", "EMLINK", "ENOSYS", "EINVAL", "EXDEV", "ENOTSUP", "EOPNOTSUPP")
}


def file_system_error(error: OSError, where: Path) -> FileSystemError:
    """The error for a refusal of the disk."""
    place = str(where)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return FileSystemError("Disk full", f"Make room for {place}")
        case errno.EROFS:
            return FileSystemError(f"{place} is read-only", "Choose another folder, or make it writable")
        case errno.EACCES | errno.EPERM:
            return FileSystemError(f"No permission to write in {place}", "Choose another folder, or change its mode")
        case errno.ENOENT | errno.ENOTDIR:
            return FileSystemError(f"The folder {place} is gone", "Make it again, or connect its disk")
        case errno.ENAMETOOLONG:
            return FileSystemError(f"The file's name is too long for {place}", "Choose another folder")
        case errno.EFBIG:
            return FileSystemError(f"The disk of {place} takes no file of this size", "Choose another folder")
        case errno.ELOOP:
            return FileSystemError(f"The unfinished file in {place} is a link", "Remove it")
        case _:
            return FileSystemError(
                f"{place} cannot be written: {error.strerror or type(error).__name__}", "Check the disk"
            )


def make_folder(folder: Path, *, parents: bool = False) -> None:
    """Makes a folder, for its owner only, where it is not there.

    Args:
        folder: May be a link to a folder.
        parents: Makes its parents as well. Not for a folder that somebody typed: its disk may not be connected.

    Raises:
        FileSystemError: It cannot be made, or is no folder.
    """
    try:
        if folder.is_dir():
            return
        if parents:
            folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise FileSystemError(f"{folder} is not a folder", "Choose another one") from None
    except OSError as error:
        raise file_system_error(error, folder if parents else folder.parent) from error


def require_room(folder: Path, size: int | None, *, there: int = 0, freed: int = 0) -> None:
    """Checks that the disk has room for the rest of a file, as far as it says.

    Args:
        folder: It need not be there yet.
        size: Bytes of the whole file, where known.
        there: Bytes of it that are there already.
        freed: Bytes of an older part that it replaces.

    Raises:
        FileSystemError: It has not.
    """
    if size is None:
        return
    existing = next((each for each in (folder, *folder.parents) if each.is_dir()), folder)
    try:
        usage = shutil.disk_usage(existing)
    except OSError:
        return
    free = usage.free + freed
    # Some network and virtual file systems do not say: all they have is 0 bytes.
    if usage.total and size - there > free:
        needed = f"{(size - there) / 1e6:,.1f} MB needed, {free / 1e6:,.1f} MB free"
        raise FileSystemError(f"Disk full: {needed} in {folder}", f"Make room for {folder}")


def discard_part(path: Path) -> None:
    """Deletes a part that will not be resumed, unless another process writes it.

    Raises:
        OSError: It cannot be deleted.
    """
    with contextlib.suppress(InterruptedDownloadError):
        part = PartFile.reopen(path, lambda name: None)
        if part is not None:
            part.remove()


class PartFile(DirectFile):
    """An open part. Its methods raise OSError unless they say otherwise.

    Args:
        descriptor: Closed if another process writes the part.
    """

    def __init__(self, descriptor: int, path: Path, step: Step) -> None:
        try:
            # Two programs must not write one part; without locks, the job's lease alone keeps them apart.
            if not lock_file(descriptor):
                raise InterruptedDownloadError("Another gale-tui is saving this file")
            make_file_private(descriptor)
            super().__init__(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self.path = path
        self._step = step
        status = os.fstat(descriptor)
        self._identity = (status.st_dev, status.st_ino)

    @classmethod
    def create(cls, folder: Path, names: Iterable[str], announce: Callable[[Path], None], step: Step) -> PartFile:
        """Makes a part under the first name that neither a file nor a part has.

        Args:
            names: Of the finished file.
            announce: Called with the part's path before it is made, so that it can be recorded and none is forgotten.
            step: See :data:`Step`.
        """
        for name in names:
            path = folder / (name + PART)
            if os.path.lexists(folder / name) or os.path.lexists(path):
                continue
            announce(path)
            step("create")
            try:
                descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            part = cls(descriptor, path, step)
            if not os.path.lexists(folder / name):
                return part
            # Another download has taken the name meanwhile, and has removed its own part of that name already.
            part.remove()
        raise FileSystemError(f"{folder} has too many files of this name", "Choose another folder")

    @classmethod
    def reopen(cls, path: Path, step: Step) -> PartFile | None:
        """Opens a part to resume it; None if it is gone or is no plain file of our own.

        Raises:
            InterruptedDownloadError: Another process is writing it.
        """
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError as error:
            if error.errno in _NO_PART:
                return None
            raise
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or has_other_owner(status):
            os.close(descriptor)
            return None
        return cls(descriptor, path, step)

    @property
    def published(self) -> Path | None:
        """The finished file, where the program ended between naming it and removing the part."""
        if os.fstat(self._fd).st_nlink < 2:
            return None
        with os.scandir(self.path.parent) as entries:
            for entry in entries:
                if not entry.name.endswith(PART) and entry.inode() == self._identity[1]:
                    return self.path.parent / entry.name
        return None

    @property
    def shared(self) -> bool:
        """True if the file has another hard link, so that a write would change that file too."""
        return os.fstat(self._fd).st_nlink > 1

    def append(self, data: memoryview) -> None:
        self._step("write")
        super().append(data)

    def truncate(self) -> None:
        self._step("truncate")
        super().truncate()

    def force(self) -> Flusher:
        """Begins to force all of it to the disk; :meth:`Flusher.wait` ends when that is done."""
        self._step("fsync")
        self.flusher.finish()
        return self.flusher

    def publish(self, names: Iterable[str]) -> Path:
        """Closes the part and gives it the first name that is free, never over an existing file.

        Raises:
            FileSystemError: No name is free, or another file took the part's place.
        """
        self.close()
        folder = self.path.parent
        status = os.stat(self.path, follow_symlinks=False)
        if (status.st_dev, status.st_ino) != self._identity or status.st_size != self.size:
            raise FileSystemError("The unfinished file was changed by another program", "Start over")
        for name in names:
            target = folder / name
            self._step("link")
            try:
                linked = _give_name(self.path, target)
            except FileExistsError:
                continue
            sync_folder(folder)
            if linked:
                self.remove()
            return target
        raise FileSystemError(f"{folder} has too many files of this name", "Choose another folder")

    def remove(self) -> None:
        """Closes and deletes the part."""
        self.close()
        self._step("unlink")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        sync_folder(self.path.parent)

    def close(self) -> None:
        """Closes it; may be called twice."""
        if not self.closed:
            # The flusher may still be at it, with a descriptor that would hold the lock.
            unlock_file(self._fd)
            super().close()


def _give_name(source: Path, target: Path) -> bool:
    """Gives a file a name that must be free. True if it keeps its old name as well.

    Raises:
        FileExistsError: The name is taken.
    """
    if os.name == "nt":
        os.rename(source, target)  # refuses to overwrite there
        return False
    try:
        os.link(source, target, follow_symlinks=False)
        return True
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    # The name is reserved, so that nothing is overwritten; an empty file has it for a moment.
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        os.replace(source, target)
    except OSError:
        os.unlink(target)
        raise
    return False
