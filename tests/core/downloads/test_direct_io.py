"""A file that grows by large pieces: past the system's memory where that can be, whole and in order everywhere."""

from __future__ import annotations

import errno
import mmap
import os
import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gale_tui.core.downloads.direct_io import LARGE, STEP, DirectFile, Flusher

PIECE = 1 << 20
O_DIRECT: int = getattr(os, "O_DIRECT", 0)
linux = pytest.mark.skipif(sys.platform != "linux", reason="O_DIRECT is Linux's")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is large already, though most of it is a hole."""
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(LARGE)
    return path


@pytest.fixture
def growing(path: Path) -> Iterator[DirectFile]:
    file = DirectFile(os.open(path, os.O_RDWR))
    yield file
    file.close()


def piece(length: int = PIECE, *, seed: int = 1) -> memoryview:
    """Random bytes that begin at a page, as those of a download do."""
    buffer = memoryview(mmap.mmap(-1, length))
    buffer[:] = random.Random(seed).randbytes(length)  # noqa: S311  # to tell them apart
    return buffer


def direct(file: DirectFile) -> bool:
    """Whether its next write goes past the system's memory."""
    import fcntl

    return bool(fcntl.fcntl(file._fd, fcntl.F_GETFL) & O_DIRECT)


def refused(folder: Path) -> bool:
    """Whether the disk of a folder knows no such writing."""
    try:
        os.close(os.open(folder / "probe", os.O_RDWR | os.O_CREAT | O_DIRECT))
    except OSError:
        return True
    return False


@linux
def test_whole_blocks_of_a_large_file_go_past_the_systems_memory(growing: DirectFile, tmp_path: Path) -> None:
    growing.append(piece())
    assert direct(growing) is not refused(tmp_path)


@linux
def test_what_is_no_whole_block_does_not(growing: DirectFile, path: Path) -> None:
    pieces = [piece(), piece(PIECE + 5), piece(), piece(PIECE - 5), piece()]
    ways = []
    for each in pieces:
        growing.append(each)
        ways.append(direct(growing))
    can = ways[0]
    assert ways == [can, False, False, False, can]
    assert path.read_bytes()[LARGE:] == b"".join(pieces)


@linux
def test_a_small_file_does_not(tmp_path: Path) -> None:
    file = DirectFile(os.open(tmp_path / "small", os.O_RDWR | os.O_CREAT))
    file.append(piece())
    assert not direct(file)
    file.close()


@linux
def test_what_was_written_so_is_read_back(growing: DirectFile) -> None:
    written = piece()
    growing.append(written)
    # Neither the place in memory nor the place in the file is a whole block.
    buffer = memoryview(bytearray(1000))
    assert growing.read_into(buffer, LARGE + 1234) == 1000
    assert buffer == written[1234:2234]


@linux
@pytest.mark.parametrize("where", ["write", "F_SETFL"])
def test_a_disk_that_refuses_gets_it_the_other_way(
    growing: DirectFile, path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    import fcntl

    write, control, refusals = os.write, fcntl.fcntl, []

    def refusing_write(fd: int, data: memoryview) -> int:
        if control(fd, fcntl.F_GETFL) & O_DIRECT:
            refusals.append(where)
            raise OSError(errno.EINVAL, "Invalid argument")
        return write(fd, data)

    def refusing_control(fd: int, command: int, flags: int = 0) -> int:
        if command == fcntl.F_SETFL and flags & O_DIRECT:
            refusals.append(where)
            raise OSError(errno.EINVAL, "Invalid argument")
        return control(fd, command, flags)

    if where == "write":
        monkeypatch.setattr(os, "write", refusing_write)
    else:
        monkeypatch.setattr(fcntl, "fcntl", refusing_control)
    pieces = [piece(seed=number) for number in range(3)]
    for each in pieces:
        growing.append(each)
    assert path.read_bytes()[LARGE:] == b"".join(pieces)
    # It is not asked again for each piece.
    assert refusals == ([] if where == "write" and refused(path.parent) else [where])


def test_a_growing_file_is_forced_to_the_disk_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forced = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda fd: forced.set(), raising=False)
    flusher = Flusher(os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT))
    flusher.grown(STEP - 1)
    assert not forced.is_set()
    flusher.grown(STEP)
    assert forced.wait(10)
    flusher.finish()
    assert flusher.wait()
    flusher.close()


def test_a_slow_disk_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, times = threading.Event(), threading.Event(), []

    def slow(fd: int) -> None:
        times.append(fd)
        begun.set()
        assert go_on.wait(10)

    monkeypatch.setattr(os, "fdatasync", slow, raising=False)
    flusher = Flusher(os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT))
    flusher.grown(STEP)
    assert begun.wait(10)
    for number in range(2, 10):
        flusher.grown(number * STEP)
    flusher.finish()
    go_on.set()
    assert flusher.wait()
    assert len(times) == 1
    flusher.close()


def test_a_failure_on_the_way_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()

    def fail(fd: int) -> None:
        failed.set()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail, raising=False)
    flusher = Flusher(os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT))
    flusher.grown(STEP)
    assert failed.wait(10)
    # The system says it once; the last call, which is the real one here, succeeds.
    flusher.finish()
    with pytest.raises(OSError, match="Input/output"):
        flusher.wait()
    with pytest.raises(OSError, match="Input/output"):
        flusher.grown(2 * STEP)
    flusher.close()


def test_waiting_ends_when_it_is_abandoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda fd: go_on.wait(10))
    flusher = Flusher(os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT))
    flusher.finish()
    flusher.abandon()
    assert not flusher.wait()
    go_on.set()
    flusher.close()
