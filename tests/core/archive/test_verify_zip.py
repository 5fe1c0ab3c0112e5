"""Zips: whole, damaged, hostile."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gale_tui.core.archive.verify_zip import TOTAL_LIMIT, ZipEntry, odd_names, verify_zip
from gale_tui.core.downloads.stored_entries import StoredEntries
from gale_tui.core.errors import CorruptFileError, FileSystemError, NotAZipError
from tests.support.examples import examples

TEXT = b'{"node": "greeting"}\n' * 2000
NOISE = random.Random(5).randbytes(3_000_000)  # noqa: S311  # filler


def made(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def written(content: bytes) -> Path:
        path = tmp_path / "file.zip"
        path.write_bytes(content)
        return path

    return written


Write = Callable[[bytes], Path]


class TestWhole:
    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_what_it_holds(self, write: Write, method: int) -> None:
        entries = verify_zip(write(made(("a.json", TEXT), ("b/", b""), ("b/noise", NOISE), method=method)))
        assert [(entry.name, entry.size) for entry in entries] == [("a.json", 42000), ("b/noise", 3_000_000)]
        assert odd_names(entries) == []

    def test_one_with_data_descriptors(self, write: Write) -> None:
        class Unseekable(io.BytesIO):
            def seekable(self) -> bool:
                return False

            def tell(self) -> int:
                raise io.UnsupportedOperation

            def seek(self, *where: int) -> int:
                raise io.UnsupportedOperation

        packed = Unseekable()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.json", TEXT)
        assert verify_zip(write(packed.getvalue()))[0].size == len(TEXT)

    def test_zip64(self, write: Write) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive, archive.open("big", "w", force_zip64=True) as entry:
            entry.write(NOISE)
        assert verify_zip(write(packed.getvalue())) == (ZipEntry("big", 3_000_000),)

    def test_names_that_lead_out_or_come_twice_are_noted(self, write: Write) -> None:
        files = ("../../evil", "/etc/passwd", "C:\\evil", "a\\..\\..\\b", "fine..json", "x\x1b[31m", "x\x1b[31m")
        with pytest.warns(UserWarning, match="Duplicate"):
            content = made(*((name, b"{}") for name in files))
        notes = odd_names(verify_zip(write(content)))
        assert len(notes) == 5
        assert all(note.isprintable() for note in notes)


class TestDamaged:
    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_a_single_bit(self, write: Write, method: int) -> None:
        content = bytearray(made(("a.json", NOISE[:5000]), method=method))
        for position in range(100, 5000, 490):
            content[position] ^= 4
            with pytest.raises(CorruptFileError):
                verify_zip(write(bytes(content)))
            content[position] ^= 4
        verify_zip(write(bytes(content)))

    def test_cut_short_anywhere(self, write: Write) -> None:
        content = made(("a.json", TEXT), ("b.json", b"{}"))
        for length in range(len(content)):
            with pytest.raises((CorruptFileError, NotAZipError)):
                verify_zip(write(content[:length]))

    def test_something_else(self, write: Write) -> None:
        for content in (b"", b"PK", b"%PDF-1.7 and so on", b"<html>" * 50):
            with pytest.raises(NotAZipError):
                verify_zip(write(content))

    def test_empty(self, write: Write) -> None:
        for content in (made(), made(("folder/", b""))):
            with pytest.raises(CorruptFileError, match="holds no files"):
                verify_zip(write(content))

    def test_encrypted(self, write: Write) -> None:
        content = bytearray(made(("secret.json", TEXT)))
        content[content.index(b"PK\x01\x02") + 8] |= 1
        with pytest.raises(CorruptFileError, match=r"secret\.json in the zip is encrypted"):
            verify_zip(write(bytes(content)))

    def test_packed_otherwise(self, write: Write) -> None:
        with pytest.raises(CorruptFileError, match="cannot be tested"):
            verify_zip(write(made(("a", TEXT), method=zipfile.ZIP_BZIP2)))

    def test_the_headers_disagree(self, write: Write) -> None:
        content = bytearray(made(("a", TEXT)))
        content[8:10] = struct.pack("<H", zipfile.ZIP_STORED)
        with pytest.raises(CorruptFileError, match="a cannot be read"):
            verify_zip(write(bytes(content)))

    def test_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(FileSystemError):
            verify_zip(tmp_path / "gone.zip")

    @settings(max_examples=examples(100))
    @given(st.data())
    def test_any_change_raises_one_of_ours_or_nothing(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        content = bytearray(made(("a.json", b"{}" * 40), ("b/c.json", b"[]"), method=zipfile.ZIP_DEFLATED))
        for position in data.draw(st.lists(st.integers(4, len(content) - 1), min_size=1, max_size=6)):
            content[position] = data.draw(st.integers(0, 255))
        path = tmp_path_factory.mktemp("zip") / "file.zip"
        path.write_bytes(content)
        try:
            entries = verify_zip(path)
        except (CorruptFileError, NotAZipError):
            return
        assert sum(entry.size for entry in entries) <= TOTAL_LIMIT


def passing(content: bytes, piece: int) -> dict[int, tuple[int, int]]:
    """What is found in a zip that passes in pieces of that length."""
    entries = StoredEntries()
    for start in range(0, len(content), piece):
        entries.update(memoryview(content)[start : start + piece])
    return entries.found


class TestInPassing:
    CONTENT = made(("a", b"x"), ("b", NOISE[:100_000]), ("c/d", NOISE[:70_001]), method=zipfile.ZIP_STORED)

    @pytest.mark.parametrize("piece", [1, 7, 29, 30, 31, 4096, 1 << 20])
    def test_large_stored_entries_are_summed_up(self, piece: int) -> None:
        offset = 30 + 1 + 1
        assert passing(self.CONTENT, piece) == {
            offset: (100_000, zlib.crc32(NOISE[:100_000])),
            offset + 31 + 100_000: (70_001, zlib.crc32(NOISE[:70_001])),
        }

    def test_they_are_not_read_again(self, write: Write) -> None:
        known = passing(self.CONTENT, 4096)
        changed = bytearray(self.CONTENT)
        changed[5000] ^= 1
        path = write(bytes(changed))
        assert len(verify_zip(path, stored=known)) == 3
        with pytest.raises(CorruptFileError):
            verify_zip(path)

    def test_unless_they_are_not_what_the_directory_says(self, write: Write) -> None:
        changed = bytearray(self.CONTENT)
        changed[5000] ^= 1
        with pytest.raises(CorruptFileError, match="b cannot be read"):
            verify_zip(write(bytes(changed)), stored=passing(bytes(changed), 4096))

    def test_nothing_is_made_of_anything_else(self) -> None:
        for content in (NOISE[:1000], made(("a", TEXT)), made(), b"PK\x03\x04", b"PK\x03\x04" + bytes(200)):
            assert passing(content, 64) == {}


class TestHeaders:
    """What `unzip -t` finds."""

    INNER = made(("a.json", TEXT))

    def test_cut_behind_a_zip_inside_of_it(self, write: Write) -> None:
        outer = made(("inner.zip", self.INNER), ("b.json", TEXT), method=zipfile.ZIP_STORED)
        path = write(outer[: outer.index(self.INNER) + len(self.INNER)])
        with pytest.raises(CorruptFileError, match="another zip"):
            verify_zip(path)

    def test_bytes_before_the_first_entry(self, write: Write) -> None:
        with pytest.raises(CorruptFileError, match="another zip"):
            verify_zip(write(b"PK\x03\x04" + self.INNER))

    @pytest.mark.parametrize("name", ["a.json", "Büro.json", "日本.json"])
    @pytest.mark.parametrize("where", ["local", "central"])
    def test_a_flipped_byte_of_a_name(self, write: Write, name: str, where: str) -> None:
        content = bytearray(made((name, TEXT)))
        at = content.index(name.encode()) if where == "local" else content.rindex(name.encode())
        content[at] ^= 1
        with pytest.raises(CorruptFileError):
            verify_zip(write(bytes(content)))

    @pytest.mark.parametrize("offset", [14, 18, 22], ids=["checksum", "packed", "size"])
    def test_a_flipped_byte_of_the_local_header(self, write: Write, offset: int) -> None:
        content = bytearray(made(("a.json", TEXT)))
        content[offset] ^= 1
        with pytest.raises(CorruptFileError):
            verify_zip(write(bytes(content)))

    @pytest.mark.parametrize("name", ["Büro.json", "日本.json", "caf\u00e9"])
    def test_names_that_are_not_ascii(self, write: Write, name: str) -> None:
        assert verify_zip(write(made((name, TEXT))))[0].name == name


class TestLimits:
    def test_entries(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        content = made(*((f"{number}", b"x") for number in range(4)))
        monkeypatch.setattr(f"{verify_zip.__module__}.ENTRIES_LIMIT", 4)
        verify_zip(write(content))
        monkeypatch.setattr(f"{verify_zip.__module__}.ENTRIES_LIMIT", 3)
        with pytest.raises(CorruptFileError, match="4 entries; more than 3"):
            verify_zip(write(content))

    def test_decompressed_bytes(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        content = made(("a", TEXT), ("b", TEXT))
        monkeypatch.setattr(f"{verify_zip.__module__}.TOTAL_LIMIT", 2 * len(TEXT))
        verify_zip(write(content))
        monkeypatch.setattr(f"{verify_zip.__module__}.TOTAL_LIMIT", 2 * len(TEXT) - 1)
        with pytest.raises(CorruptFileError, match="larger than"):
            verify_zip(write(content))

    def test_ratio(self, write: Write) -> None:
        verify_zip(write(made(("small", bytes(1 << 20)))))
        with pytest.raises(CorruptFileError, match="more than 200 times"):
            verify_zip(write(made(("bomb", bytes((1 << 20) + 1)))))

    def test_a_header_that_lies_stops_early(self, write: Write) -> None:
        content = bytearray(made(("bomb", bytes(64 << 20))))
        # The directory says 20 bytes: the ratio looks fine.
        at = content.index(b"PK\x01\x02") + 24
        content[at : at + 4] = struct.pack("<I", 20)
        calls: list[None] = []
        with pytest.raises(CorruptFileError, match="bomb cannot be read"):
            verify_zip(write(bytes(content)), checkpoint=lambda: calls.append(None))
        assert len(calls) <= 1

    def test_entries_that_reach_into_the_directory(self, write: Write) -> None:
        content = bytearray(made(("a", TEXT), ("b", b"{}")))
        at = content.rindex(b"PK\x01\x02") + 20
        struct.pack_into("<I", content, at, struct.unpack_from("<I", content, at)[0] + 1)
        with pytest.raises(CorruptFileError, match="b cannot be read"):
            verify_zip(write(bytes(content)))

    def test_entries_that_share_their_bytes(self, write: Write) -> None:
        content = made(("a", NOISE[:1000]), method=zipfile.ZIP_STORED)
        start = content.index(b"PK\x01\x02")
        end = content.index(b"PK\x05\x06")
        entry, tail = content[start:end], bytearray(content[end:])
        struct.pack_into("<HHI", tail, 8, 50, 50, 50 * len(entry))
        with pytest.raises(CorruptFileError, match="larger than the file"):
            verify_zip(write(content[:start] + entry * 50 + bytes(tail)))

    def test_a_directory_of_many_megabytes(self, write: Write) -> None:
        content = made(*((f"{number:05}{'x' * 600}", b"") for number in range(8000)))
        with pytest.raises(CorruptFileError, match="list of contents is larger"):
            verify_zip(write(content))

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_it_can_be_stopped_halfway(self, write: Write, method: int) -> None:
        calls: list[None] = []

        def checkpoint() -> None:
            calls.append(None)
            if len(calls) == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            verify_zip(write(made(("a", NOISE), method=method)), checkpoint=checkpoint)
