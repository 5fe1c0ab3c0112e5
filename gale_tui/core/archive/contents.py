"""The contents of a saved export: its files, and the tool that its JSON describes. Nothing is extracted.

"Import a Tool API" and the console's import form want three files: `flow_definition.json`, `app_definition.json` and
`env_variables.json`. What is inside them is not documented, so every part may be missing or look different.
"""

from __future__ import annotations

import hashlib
import json
import stat
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from gale_tui.core.archive.tool import Tool, read_tool
from gale_tui.core.archive.verify_zip import Sink, ZipEntry, odd_names, verify_zip
from gale_tui.core.errors import FileSystemError
from gale_tui.core.untrusted_text import inert

Role = Literal["flow", "application", "variables", "other"]

_ROLES: Final[dict[str, Role]] = {
    "flow_definition.json": "flow",
    "app_definition.json": "application",
    "env_variables.json": "variables",
}
DOCUMENT_LIMIT: Final = 8 << 20
"""Bytes of a JSON file that is read; a flow of a thousand nodes has about 1 MiB."""
TOGETHER_LIMIT: Final = 16 << 20
DOCUMENTS: Final = 20
DEPTH_LIMIT: Final = 100
"""Levels of nesting."""
VALUE_LIMIT: Final = 1_000_000
"""Values in one document."""
_BLOCK: Final = 1 << 20
_TOO_DEEP: Final = f"was not read: it is nested deeper than {DEPTH_LIMIT} levels"


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON file of the archive."""

    name: str
    """As it stands in the archive: server text."""
    role: Role
    value: object = field(repr=False)
    """As parsed; None if it could not be read. At most 100 levels deep."""
    problem: str = ""
    """A sentence where it could not be read."""


@dataclass(frozen=True, slots=True)
class ArchiveContents:
    """A saved export, looked into."""

    path: Path
    size: int
    """Bytes of the file."""
    sha256: str
    """Hexadecimal, of the file as it is now."""
    entries: tuple[ZipEntry, ...]
    """Its files."""
    documents: tuple[Document, ...]
    tool: Tool | None
    """None if the archive holds no definition of a tool."""
    notes: tuple[str, ...] = ()
    """Warnings, a sentence each."""
    values_known: bool = True
    """False for a folder whose values of environment variables are elsewhere."""

    def document(self, role: Role) -> Document | None:
        """The first readable document of a role."""
        return next((each for each in self.documents if each.role == role and not each.problem), None)


def read_archive(path: Path, *, checkpoint: Callable[[], None] | None = None) -> ArchiveContents:
    """Tests an archive as a download is tested, and reads the tool that is in it.

    Args:
        checkpoint: Called about every MiB, to end early: what it raises goes through.

    Raises:
        NotAZipError: The file is something else.
        CorruptFileError: It is damaged or beyond the limits.
        FileSystemError: It is not there, no ordinary file, or cannot be read.
    """
    size, sha256 = _size_and_checksum(path, checkpoint or (lambda: None))
    collector = _Collector()
    verify_zip(path, checkpoint=checkpoint, collect=collector.collect)
    return _contents(path, size, sha256, collector)


def contents_of(path: Path, members: Mapping[str, bytes], *, values_known: bool) -> ArchiveContents:
    """The same for members that a folder packs into.

    Args:
        path: The folder.
        members: By name.
        values_known: False if the values of environment variables are not in them.
    """
    collector = _Collector()
    digest = hashlib.sha256()
    for name, content in members.items():
        digest.update(content)
        if (sink := collector.collect(ZipEntry(name, len(content), zlib.crc32(content)))) is not None:
            sink(content)
    size = sum(entry.size for entry in collector.entries)
    found = _contents(path, size, digest.hexdigest(), collector)
    unknown = () if values_known else ("It has no env_values.json, so values of variables are not compared",)
    return replace(found, values_known=values_known, notes=(*found.notes, *unknown))


class _Collector:
    """Lists the files of an archive and keeps those with JSON, within limits."""

    def __init__(self) -> None:
        self.entries: list[ZipEntry] = []
        self.found: dict[str, bytearray] = {}
        self.left_out: dict[str, int] = {}
        self._together = 0

    def collect(self, entry: ZipEntry) -> Sink | None:
        self.entries.append(entry)
        if not entry.name.lower().endswith(".json"):
            return None
        if entry.size > DOCUMENT_LIMIT or self._together + entry.size > TOGETHER_LIMIT or len(self.found) >= DOCUMENTS:
            self.left_out[entry.name] = entry.size
            return None
        self._together += entry.size
        content = self.found[entry.name] = bytearray()
        return content.extend


def _contents(path: Path, size: int, sha256: str, collector: _Collector) -> ArchiveContents:
    documents = [_document(name, bytes(content)) for name, content in collector.found.items()]
    documents += [_too_large(name, count) for name, count in list(collector.left_out.items())[:DOCUMENTS]]
    documents.sort(key=lambda each: (_RANK[each.role], each.name.count("/"), each.name))
    by_role = {each.role: each.value for each in reversed(documents) if not each.problem}
    tool = read_tool(by_role.get("flow"), by_role.get("application"), by_role.get("variables"))
    notes = [*odd_names(collector.entries), *(each.problem for each in documents if each.problem)]
    missing = [name for name, role in _ROLES.items() if all(each.role != role for each in documents)]
    if len(missing) == len(_ROLES):
        notes.append("It has none of the three files of a tool's export")
    else:
        notes += [f"{name} is not in it" for name in missing]
    return ArchiveContents(path, size, sha256, tuple(collector.entries), tuple(documents), tool, tuple(notes))


_RANK: Final[dict[Role, int]] = {"flow": 0, "application": 1, "variables": 2, "other": 3}


def _size_and_checksum(path: Path, checkpoint: Callable[[], None]) -> tuple[int, str]:
    digest = hashlib.sha256()
    size = 0
    try:
        # Checked first: opening a pipe would wait without end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileSystemError(f"{inert(path)} is not a regular file")
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                checkpoint()
                digest.update(block)
                size += len(block)
    except FileNotFoundError:
        raise FileSystemError(f"{inert(path)} is not there", "Was it moved or deleted?") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise FileSystemError(f"{inert(path)} cannot be read: {why}") from error
    return size, digest.hexdigest()


def role_of(name: str) -> Role:
    """The document of a tool that a member is, by its name."""
    return _ROLES.get(name.replace("\\", "/").rpartition("/")[2].lower(), "other")


def _too_large(name: str, size: int) -> Document:
    limit = f"more than {DOCUMENT_LIMIT >> 20} MiB of JSON" if size > DOCUMENT_LIMIT else "so much JSON in one archive"
    return Document(
        name, role_of(name), None, f"{inert(name, 80)} was not read: it has {size:,} bytes, and {limit} is not"
    )


def _document(name: str, content: bytes) -> Document:
    try:
        value = json.loads(content)
        problem = _extent_problem(value)
    except RecursionError:
        problem = _TOO_DEEP
    except ValueError:
        problem = "is not JSON that can be read"
    if problem:
        return Document(name, role_of(name), None, f"{inert(name, 80)} {problem}")
    return Document(name, role_of(name), value)


def _extent_problem(value: object) -> str:
    """Why a document is too large for those who walk it, found without recursion; empty if it is not."""
    count, level = 0, [value]
    for _ in range(DEPTH_LIMIT):
        below: list[object] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
            if count + len(below) > VALUE_LIMIT:
                return f"was not read: it holds more than {VALUE_LIMIT:,} values"
        count += len(below)
        if not below:
            return ""
        level = below
    return _TOO_DEEP
