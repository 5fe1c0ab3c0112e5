"""Folders: what keeps a file from being saved is found before it matters."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gale_tui.core.errors import ConfigError
from gale_tui.core.filesystem import check_folder


def test_a_folder_that_can_be_used_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    check_folder(folder, chosen=True)
    check_folder(folder / "new", chosen=True)
    check_folder(folder / "several" / "new", chosen=False)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no open file")
def test_a_kill_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    seen: list[list[str]] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen.append(os.listdir(folder)))
    check_folder(folder, chosen=True)
    assert seen == [[]]


def test_a_kill_while_a_folder_is_tried_out_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        os.close(os.open(tmp_path, getattr(os, "O_TMPFILE", os.O_EXCL) | os.O_WRONLY))
    except OSError:
        pytest.skip("this system or file system gives every file a name")
    there: list[list[str]] = []
    really_open = os.open

    def open_and_look(path: str, flags: int, mode: int = 0o777) -> int:
        descriptor = really_open(path, flags, mode)
        there.append(os.listdir(tmp_path))
        return descriptor

    monkeypatch.setattr(os, "open", open_and_look)
    check_folder(tmp_path, chosen=True)
    assert there == [[]]


def test_why_a_folder_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(ConfigError, match="is a file"):
        check_folder(file, chosen=True)
    with pytest.raises(ConfigError, match="is a file"):
        check_folder(file / "below", chosen=True)
    with pytest.raises(ConfigError, match="No such folder:"):
        check_folder(tmp_path / "several" / "new", chosen=True)
    with pytest.raises(ConfigError, match="No space left"):
        check_folder(tmp_path, chosen=True, room=1 << 80)
    with pytest.raises(ConfigError, match="cannot be saved"):
        check_folder(tmp_path / ("x" * 300), chosen=True)


@contextlib.contextmanager
def not_root() -> Iterator[None]:
    """Root, who may write everywhere, is nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_without_permission_is_refused() -> None:
    # Not the test's own folder: nobody else may look into its parents.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        with not_root(), pytest.raises(ConfigError, match="Permission denied"):
            check_folder(folder, chosen=True)
        folder.chmod(0o700)
