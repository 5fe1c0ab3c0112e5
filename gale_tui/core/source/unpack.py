"""From a saved export to a folder of source. The way back is proved before anything is written."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gale_tui.core.archive.contents import role_of
from gale_tui.core.archive.tool import read_tool
from gale_tui.core.archive.verify_zip import Sink, ZipEntry, verify_zip
from gale_tui.core.errors import SourceError
from gale_tui.core.source.credentials_scan import Finding, find_credentials
from gale_tui.core.source.join import ORIGINAL, join
from gale_tui.core.source.lossless_json import TREE_STYLE, Style, TooDeepError, likely_styles, parse, too_full, write
from gale_tui.core.source.manifest import Manifest, Member
from gale_tui.core.source.names import APPLICATION, FLOW, LAYOUT, MANIFEST, VALUES, VARIABLES, Names
from gale_tui.core.source.references import unresolved_references
from gale_tui.core.source.split import Pieces, split_document, split_variables
from gale_tui.core.source.tree_writer import TreeChanges, write_tree
from gale_tui.core.untrusted_text import inert

_MEMBERS_LIMIT: Final = 512 << 20
"""Bytes of all members together; they are held in memory."""
_DOCUMENTS: Final = {"flow": FLOW, "application": APPLICATION, "variables": VARIABLES}


@dataclass(frozen=True, slots=True)
class Source:
    """A tool as files."""

    name: str
    """Of the tool: server text."""
    files: Mapping[str, bytes]
    """With the manifest and, if there are any, the values."""
    notes: tuple[str, ...]
    """Sentences about what is split less finely, or missing."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The result of an unpack."""

    name: str
    folder: Path
    changes: TreeChanges
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    """Texts that look like credentials."""


def unpack(archive: Path, folder: Path, *, force: bool = False, strict: bool = False) -> Unpacked:
    """Unpacks a saved export into a folder, new or unpacked before.

    Args:
        folder: Created if it is not there.
        force: Overwrites files that were edited since they were unpacked.
        strict: Refuses texts that look like credentials; nothing is written then.

    Raises:
        NotAZipError, CorruptFileError: The file is no whole zip.
        SourceError: It is no tool's export, a document is not JSON, or edits in the folder would be lost.
        FileSystemError: A file cannot be read or written.
    """
    source = split_members(read_members(archive))
    findings = find_credentials({name: content for name, content in source.files.items() if name != VALUES})
    if strict and findings:
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise SourceError(
            f"This looks like {first.kind}{more}", "Nothing was written", file=first.file, line=first.line
        )
    changes = write_tree(folder, source.files, force=force)
    return Unpacked(source.name, folder, changes, source.notes, tuple(findings))


def read_members(archive: Path) -> dict[str, bytes]:
    """The members of a zip, by name, in its order.

    Raises:
        NotAZipError, CorruptFileError: The file is no whole zip.
        SourceError: A member is there twice, or all of them are larger than any tool's.
        FileSystemError: It cannot be read.
    """
    found: dict[str, bytearray] = {}
    total = 0

    def collect(entry: ZipEntry) -> Sink:
        nonlocal total
        total += entry.size
        if total > _MEMBERS_LIMIT:
            raise SourceError(
                f"{inert(archive, 400)} holds more than {_MEMBERS_LIMIT >> 20} MiB; no tool's export does"
            )
        if entry.name in found:
            raise SourceError(f"{inert(entry.name, 80)!r} is in {inert(archive, 400)} twice")
        content = found[entry.name] = bytearray()
        return content.extend

    verify_zip(archive, collect=collect)
    return {name: bytes(content) for name, content in found.items()}


def split_members(members: Mapping[str, bytes]) -> Source:
    """A tool's members as files, proved to join to the same members.

    Raises:
        SourceError: None of them is a tool's document, or one cannot be read.
    """
    whole: set[str] = set()
    while True:
        try:
            return _ToolSplitter(members, whole).source()
        except _InexactError as error:
            inexact = {str(error)} if str(error) in members else set(members)
            if inexact <= whole:
                raise SourceError(f"{inert(min(inexact), 80)} would not come back as it is") from error
            whole |= inexact


class _InexactError(Exception):
    """A member, or a file of the tree, that does not come back as it is; by its name."""


class _ToolSplitter:
    """The way from members to files.

    Args:
        whole: Members that are known not to come back as they are from anything smaller.
    """

    def __init__(self, members: Mapping[str, bytes], whole: Set[str]) -> None:
        self._members = members
        self._whole = whole
        self._names = Names()
        self._notes: list[str] = []
        self._documents: dict[str, Any] = {}
        self._files: dict[str, bytes] = {}
        self._pieces = Pieces()
        self._listed: list[Member] = []
        self._json_only: set[str] = set()
        """Members that come back equal as JSON, not byte for byte."""

    def source(self) -> Source:
        """The files, proved."""
        places: dict[str, str] = {}
        for name in sorted(self._members, key=lambda each: each.count("/")):
            file = _DOCUMENTS.get(role_of(name))
            if file is not None and file not in places.values():
                places[name] = file
        if not places:
            raise SourceError("This is not the export of a tool: it has none of the three files")
        self._notes += [
            f"{file} is not in the export; GALE's import form wants it"
            for file in _DOCUMENTS.values()
            if file not in places.values()
        ]
        for name, content in self._members.items():
            file = places.get(name) or self._names.other(name)
            if file == VARIABLES:
                self._add_variables(name, content)
            elif name in places:
                self._add_document(name, file, content, nodes=True)
            else:
                self._add_other(name, file, content)
        return self._prove()

    def _add_other(self, name: str, file: str, content: bytes) -> None:
        """A further member: pretty if it is JSON, else as it is."""
        if file.endswith(".json") and name not in self._whole:
            with contextlib.suppress(SourceError):
                self._add_document(name, file, content, nodes=False)
                return
        self._files[file] = content
        self._listed.append(Member(name, file, None))

    def _add_document(self, name: str, file: str, content: bytes, *, nodes: bool) -> None:
        """A document, as finely as its way back allows."""
        document, style = None, None
        if (read := self._read(name, content)) is not None:
            document, style = read
            self._documents[file] = document
            if style is None and file in _DOCUMENTS.values():
                self._note(name, "its layout or nesting is unusual")
        if name in self._whole:
            self._note(name, "it would not come back as it is from smaller ones")
        elif style is not None:
            try:
                rest, pieces = split_document(document, file, self._names, nodes=nodes)
                self._files[file] = write(rest)
                self._pieces.update(pieces)
                self._listed.append(Member(name, file, style))
                return
            except RecursionError:
                self._note(name, "it is nested too deeply")
        self._files[file] = content
        self._listed.append(Member(name, file, None))

    def _read(self, name: str, content: bytes) -> tuple[Any, Style | None] | None:
        """A document, and the style that reproduces it if there is one; None for one that is not parsed."""
        if too_full(content):
            self._note(name, "it holds too many values")
            return None
        try:
            document = parse(content, inert(name, 120))
        except TooDeepError:
            self._note(name, "it is nested too deeply")
            return None
        styles = likely_styles(content.decode())
        try:
            return document, next((each for each in styles if write(document, each) == content), None)
        except RecursionError:
            return document, None

    def _note(self, name: str, why: str) -> None:
        self._notes.append(f"{inert(name, 80)} is kept as one file: {why}")

    def _add_variables(self, name: str, content: bytes) -> None:
        """The variables: their values never stay, so that the document is split however it is written."""
        try:
            if (read := self._read(name, content)) is None:
                raise RecursionError
            document, style = read
            rest, values = split_variables(document)
        except RecursionError:
            raise SourceError(
                f"The values in {inert(name, 80)} have no usable names: too deeply nested or too large"
            ) from None
        if style is None:
            style = TREE_STYLE
            if ORIGINAL in values:
                self._json_only.add(name)
            else:
                values[ORIGINAL] = content.decode()
            self._notes.append(f"{inert(name, 80)} has an unusual layout, which an edit of it or its values ends")
        self._files[VARIABLES] = write(rest)
        self._pieces.values = values
        self._documents[VARIABLES] = document
        self._listed.append(Member(name, VARIABLES, style))

    def _prove(self) -> Source:
        files = self._files
        files |= {file: write(node) for file, node in self._pieces.nodes.items()}
        files |= {file: f"{text}\n".encode() for file, text in self._pieces.texts.items()}
        if self._pieces.layout:
            files[LAYOUT] = write(self._pieces.layout)
        manifest = Manifest(
            tuple(self._listed),
            tuple(self._pieces.nodes),
            self._pieces.origins,
            tuple(unresolved_references(self._documents)),
        )
        values = self._pieces.values
        try:
            joined = join(files, manifest, values)
        except SourceError as error:
            raise _InexactError(error.file) from error
        for name, content in self._members.items():
            same = joined.members[name] == content
            if not same and name in self._json_only:
                same = write(parse(joined.members[name])) == write(parse(content))
            if not same:
                raise _InexactError(name)
        files[MANIFEST] = manifest.write()
        if VARIABLES in self._documents:
            files[VALUES] = write(values)
        tool = read_tool(*(self._documents.get(each) for each in (FLOW, APPLICATION, VARIABLES)))
        return Source(tool.name if tool else "", files, tuple(self._notes))
