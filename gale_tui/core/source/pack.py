"""From a folder of source to the zip that GALE imports, or to what that zip would hold."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gale_tui.core.archive.contents import ArchiveContents, contents_of, read_archive
from gale_tui.core.errors import FileSystemError, SourceError
from gale_tui.core.filesystem import replace_file
from gale_tui.core.source.credentials_scan import Finding, find_credentials
from gale_tui.core.source.join import Joined, join, parse_values, place_of
from gale_tui.core.source.names import APPLICATION, FLOW, VALUES, VARIABLES
from gale_tui.core.source.references import unresolved_references
from gale_tui.core.source.tree import file_system_errors, read_files, read_values_file
from gale_tui.core.untrusted_text import inert

_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""The time stamp of every member, so that the same tree packs into the same bytes."""
_VALUES_LIMIT: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Packed:
    path: Path
    members: int
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    """Texts that look like credentials."""


def pack(
    folder: Path,
    target: Path,
    *,
    values: Path | None = None,
    without_values: bool = False,
    force: bool = False,
    strict: bool = False,
) -> Packed:
    """Packs a tree into a zip.

    Args:
        target: The zip, with mode 0600: it holds the values of environment variables.
        values: A JSON object of values by name; those that unpack left in the tree if None.
        without_values: Leaves every value empty.
        force: Replaces a file that is there.
        strict: Refuses texts that look like credentials.

    Raises:
        SourceError: The tree cannot be packed, or an import could not use it; with file and line.
        FileSystemError: A file cannot be read or written.
    """
    if target.exists() and not force:
        raise SourceError(f"{inert(target, 400)} exists", "Choose another name, or use --force")
    files, joined, unresolved = _join_folder(folder, values, without_values)
    if unresolved:
        file, line = place_of(unresolved[0], files)
        what = f"the variable {unresolved[0][4:]}" if unresolved[0].startswith("env.") else f"the node {unresolved[0]}"
        raise SourceError(f"This refers to {inert(what, 120)}, which does not exist", file=file, line=line)
    findings = find_credentials(files)
    if strict and findings:
        raise SourceError(
            f"This looks like {findings[0].kind}", "Nothing was packed", file=findings[0].file, line=findings[0].line
        )
    try:
        replace_file(target, _zip(joined.members))
    except OSError as error:
        raise FileSystemError(f"{inert(target, 400)}: {error.strerror or type(error).__name__}") from error
    notes = [
        f"{file} is not in the tree; GALE's import form wants it"
        for file in (FLOW, APPLICATION, VARIABLES)
        if file not in files
    ]
    if joined.unused:
        names = ", ".join(inert(each, 60) for each in joined.unused[:5])
        notes.append(f"Values that no variable takes: {names}")
    return Packed(target, len(joined.members), tuple(notes), tuple(findings))


def read_contents(path: Path, *, checkpoint: Callable[[], None] | None = None) -> ArchiveContents:
    """Looks into a saved export, or into the one that an unpacked tool would pack into.

    Args:
        path: A zip or a folder.
        checkpoint: Called now and then, to end early: what it raises goes through.

    Raises:
        NotAZipError, CorruptFileError: The file is no whole zip.
        SourceError: The folder is no unpacked tool, or it cannot be packed.
        FileSystemError: Something cannot be read.
    """
    if not path.is_dir():
        return read_archive(path, checkpoint=checkpoint)
    known = read_values_file(path) is not None
    _, joined, _ = _join_folder(path, None, without_values=not known)
    return contents_of(path, joined.members, values_known=known)


def _join_folder(
    folder: Path, values: Path | None, without_values: bool
) -> tuple[Mapping[str, bytes], Joined, list[str]]:
    manifest, files = read_files(folder)
    found = None
    if values is not None:
        with file_system_errors(values), values.open("rb") as file:
            found = parse_values(file.read(_VALUES_LIMIT), inert(values, 400))
    elif not without_values:
        content = read_values_file(folder)
        found = {} if content is None else parse_values(content, VALUES)
    joined = join(files, manifest, found)
    unresolved = [each for each in unresolved_references(joined.documents) if each not in manifest.unresolved]
    return files, joined, unresolved


def _zip(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo("member", _MOMENT)
            # Set afterwards: the constructor changes characters that it takes for separators.
            info.filename = info.orig_filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            info.create_system = 3
            archive.writestr(info, content, compresslevel=6)
    return packed.getvalue()
