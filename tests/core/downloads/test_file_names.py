"""Names of saved files, and how they are given."""

from __future__ import annotations

import errno
import itertools
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gale_tui.core.downloads.file_names import PART, Naming, names_after
from gale_tui.core.downloads.part_file import PartFile, file_system_error, make_folder
from gale_tui.core.errors import FileSystemError

MOMENT = 1_795_435_234.0
STAMP = "20261123T120034Z"


def first(stem: str, environment: str = "staging", at: float = MOMENT, *, short: bool = False) -> str:
    return next(Naming(environment, at).names(stem, short=short))


def created(folder: Path, name: str = "a.zip", content: bytes = b"content") -> PartFile:
    part = PartFile.create(folder, [name], lambda path: None, lambda step: None)
    part.append(memoryview(content))
    return part


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


class TestNames:
    def test_stem_environment_and_moment(self) -> None:
        names = Naming("staging", MOMENT).names("Banking Assistant.zip")
        base = f"Banking Assistant--staging--{STAMP}"
        assert list(itertools.islice(names, 3)) == [f"{base}.zip", f"{base}-2.zip", f"{base}-3.zip"]

    @given(
        st.text(max_size=400),
        st.text(max_size=100),
        st.floats(allow_nan=True, allow_infinity=True),
        st.booleans(),
    )
    def test_any_text_makes_a_usable_name(self, stem: str, environment: str, at: float, short: bool) -> None:
        for name in itertools.islice(Naming(environment, at).names(stem, short=short), 3):
            assert len(name.encode()) <= (120 if short else 200)
            assert re.search(r"--\d{8}T\d{6}Z(-\d)?\.zip$", name)
            assert "/" not in name
            assert "\\" not in name
            assert not name.startswith((".", "-"))
            assert not any(ord(letter) < 32 or letter in "\u202e\u2066\u200b" for letter in name)

    def test_long_ones_are_cut_between_letters(self) -> None:
        name = first("東" * 300, "環" * 100)
        assert len(name.encode()) <= 200
        assert "東" * 40 in name
        assert name.endswith(f"--{STAMP}.zip")
        last = list(Naming("環" * 100, MOMENT).names("東" * 300))[-1]
        assert len(last.encode()) <= 200

    def test_a_part_keeps_its_name(self) -> None:
        names = names_after(Path(f"/d/A--s--{STAMP}-3.zip{PART}"), iter(["other.zip"]))
        assert list(itertools.islice(names, 3)) == [f"A--s--{STAMP}{end}.zip" for end in ("-3", "", "-2")]

    def test_unless_it_is_not_one_of_ours(self) -> None:
        assert list(names_after(Path("/d/strange.part"), iter(["other.zip"]))) == ["other.zip"]


class TestPublish:
    def test_the_mode_does_not_depend_on_the_umask(self, folder: Path) -> None:
        before = os.umask(0o777)
        try:
            path = created(folder).publish(["a.zip"])
        finally:
            os.umask(before)
        assert path.stat().st_mode & 0o7777 == 0o600

    @pytest.mark.parametrize("taken", ["file", "folder", "dangling link"])
    def test_a_name_that_is_taken_is_left_alone(self, folder: Path, taken: str) -> None:
        part = created(folder)
        target = folder / "a.zip"
        if taken == "file":
            target.write_bytes(b"precious")
        elif taken == "folder":
            target.mkdir()
        else:
            target.symlink_to(folder / "nowhere")
        assert part.publish(["a.zip", "b.zip"]) == folder / "b.zip"
        assert sorted(path.name for path in folder.iterdir()) == ["a.zip", "b.zip"]
        assert not (folder / "nowhere").exists()
        assert taken != "file" or target.read_bytes() == b"precious"

    def test_a_part_that_is_there_is_not_used(self, folder: Path) -> None:
        (folder / "a.zip.part").write_bytes(b"another's")
        part = PartFile.create(folder, ["a.zip", "b.zip"], lambda path: None, lambda step: None)
        part.close()
        assert part.path.name == "b.zip.part"
        assert (folder / "a.zip.part").read_bytes() == b"another's"

    def test_nor_is_one_that_comes_up_meanwhile(self, folder: Path) -> None:
        def step(name: str) -> None:
            if not list(folder.iterdir()):
                (folder / "a.zip.part").write_bytes(b"another's")

        told: list[Path] = []
        part = PartFile.create(folder, ["a.zip", "b.zip"], told.append, step)
        part.close()
        assert told == [folder / "a.zip.part", folder / "b.zip.part"]
        assert part.path == told[1]
        assert told[0].read_bytes() == b"another's"

    def test_a_name_that_another_download_takes_meanwhile_is_left_to_it(self, folder: Path) -> None:
        def step(name: str) -> None:
            if name == "create":
                (folder / "a.zip").touch()

        told: list[Path] = []
        part = PartFile.create(folder, ["a.zip", "b.zip"], told.append, step)
        part.close()
        assert part.path == told[-1] == folder / f"b.zip{PART}"
        assert sorted(each.name for each in folder.iterdir()) == ["a.zip", f"b.zip{PART}"]

    def test_no_name_is_free(self, folder: Path) -> None:
        part = created(folder)
        (folder / "a.zip").touch()
        with pytest.raises(FileSystemError, match="too many"):
            part.publish(["a.zip"])
        assert part.path.exists()
        with pytest.raises(FileSystemError, match="too many"):
            PartFile.create(folder, ["a.zip"], lambda path: None, lambda step: None)

    @pytest.mark.parametrize("replacing", [True, False])
    def test_without_hard_links(self, folder: Path, monkeypatch: pytest.MonkeyPatch, replacing: bool) -> None:
        # No file system without links can be had in a test: the refusal of one stands in for it.
        def refuse(*arguments: object, **more: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        (folder / "a.zip").write_bytes(b"precious")
        part = created(folder, "x.zip")
        if replacing:
            assert part.publish(["a.zip", "b.zip"]).read_bytes() == b"content"
        else:
            monkeypatch.setattr(os, "replace", refuse)
            with pytest.raises(OSError, match="not permitted"):
                part.publish(["a.zip", "b.zip"])
        assert (folder / "a.zip").read_bytes() == b"precious"
        left = "b.zip" if replacing else f"x.zip{PART}"
        assert sorted(path.name for path in folder.iterdir()) == ["a.zip", left]

    def test_names_that_are_too_long_for_the_disk(self, folder: Path) -> None:
        with pytest.raises(OSError, match="too long"):
            PartFile.create(folder, ["x" * 260], lambda path: None, lambda step: None)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "Disk full"),
        (errno.EDQUOT, "Disk full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "No permission"),
        (errno.ENOENT, "is gone"),
        (errno.ENAMETOOLONG, "too long"),
        (errno.EFBIG, "of this size"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_each_refusal_of_the_disk_has_its_word(code: int, words: str) -> None:
    error = file_system_error(OSError(code, os.strerror(code)), Path("/data/exports"))
    assert words in error.what
    assert error.advice


def test_a_folder_is_made_through_a_link(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "link").symlink_to(folder / "real")
    make_folder(folder / "link" / "new")
    make_folder(folder / "link")
    assert (folder / "real" / "new").is_dir()


def test_steps_are_told_before_they_are_done(folder: Path) -> None:
    seen: list[tuple[str, list[str]]] = []

    def step(name: str) -> None:
        seen.append((name, sorted(path.name for path in folder.iterdir())))

    part = PartFile.create(folder, ["a.zip"], lambda path: None, step)
    part.append(memoryview(b"x"))
    part.publish(["a.zip"])
    assert seen == [
        ("create", []),
        ("write", ["a.zip.part"]),
        ("link", ["a.zip.part"]),
        ("unlink", ["a.zip", "a.zip.part"]),
    ]
