"""Files that the sandbox serves in place of a tool's zip, each with something wrong."""

from __future__ import annotations

import functools
import hashlib
import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Final

from gale_tui.sandbox.files import BLOCK, entry_info, tool_zip
from gale_tui.sandbox.script import File
from tests.support.answers import headed

__all__ = ["BAD_FILES", "bad_file"]

_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Sign in to go on</form></body></html>"
)
_NAMES: Final = (
    "../../../../tmp/evil.json",
    "/etc/cron.d/evil",
    "C:\\evil.json",
    "a\x1b[31m.json",
    "x" * 2000,
    "e\u202ehtml.json",
)


def _bad_crc(documents: dict[str, bytes]) -> bytes:
    packed = bytearray(tool_zip(documents, compressed=False))
    packed[packed.index(documents["flow_definition.json"]) + 40] ^= 0x20
    return bytes(packed)


def _cut_short(documents: dict[str, bytes]) -> bytes:
    whole = tool_zip(documents)
    return whole[: len(whole) * 2 // 3]


def _bomb(documents: dict[str, bytes]) -> bytes:
    """Some 10 KiB that become 8 MiB."""
    packed = io.BytesIO(tool_zip({name: documents[name] for name in documents if name != "flow_definition.json"}))
    with zipfile.ZipFile(packed, "a") as archive, archive.open(entry_info("flow_definition.json"), "w") as entry:
        for _ in range(8):
            entry.write(bytes(BLOCK))
    return packed.getvalue()


@functools.cache
def _many_entries() -> bytes:
    """More than the number in a plain zip's end can say.

    The parts of a zip with one of them are repeated: the library takes ten times as long.
    """
    count, name = 70_000, b"e/%05d"
    one = tool_zip({(name % 0).decode(): b""})
    entry, listed = one.index(name % 0), one.rindex(name % 0)
    directory = one.index(b"PK\1\2")
    offset = directory + 42
    entries = b"".join(one[:entry] + name % number + one[entry + 7 : directory] for number in range(count))
    listing = b"".join(
        one[directory:offset] + struct.pack("<L", number * directory) + name % number for number in range(count)
    )
    assert listed == offset + 4
    end = len(entries) + len(listing)
    return b"".join(
        (
            entries,
            listing,
            struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(listing), len(entries)),
            struct.pack("<4sLQL", b"PK\6\7", 0, end, 1),
            struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(listing), len(entries), 0),
        )
    )


BAD_FILES: Final[Mapping[str, Callable[[dict[str, bytes]], bytes]]] = {
    "bad crc": _bad_crc,
    "cut short": _cut_short,
    "not a zip": lambda documents: b"%PDF-1.7\n" + hashlib.sha256(b"no zip").digest() * 64,
    "html": lambda documents: _PAGE,
    "empty": lambda documents: b"",
    "bomb": _bomb,
    "hostile names": lambda documents: tool_zip({**documents, **dict.fromkeys(_NAMES, b"{}")}),
    "many entries": lambda documents: _many_entries(),
}
"""What makes each out of the documents of a tool."""


def bad_file(kind: str) -> File:
    """One of them as a script's file."""
    return File(pack=BAD_FILES[kind], edit=headed(content_type="text/html; charset=utf-8") if kind == "html" else None)
