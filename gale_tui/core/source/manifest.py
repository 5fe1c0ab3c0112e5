"""`gale-tool.json`: which members a tree packs into, how each is written, and where its texts came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gale_tui.core.errors import SourceError
from gale_tui.core.source.lossless_json import Style, parse, write
from gale_tui.core.source.names import MANIFEST, checked_path

FORMAT: Final = "1"
"""Version of the tree's format, as a number is spelled."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the zip."""

    name: str
    """As it stands in the zip: server text."""
    file: str
    """Where it is in the tree."""
    style: Style | None
    """How its JSON is written; None if the file is the member, byte for byte."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A tree's manifest. It holds nothing that an edited text changes."""

    members: tuple[Member, ...]
    nodes: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    """Where each text stands: file, `#` and a JSON pointer."""
    unresolved: tuple[str, ...] = ()
    """References that led nowhere in the export already."""

    def files(self) -> Iterable[str]:
        """Every file of the tree that the manifest knows."""
        return {*(each.file for each in self.members), *self.nodes, *self.texts}

    def write(self) -> bytes:
        members = [
            {"name": each.name, "file": each.file, "style": None if each.style is None else each.style.as_json()}
            for each in self.members
        ]
        return write(
            {
                "format": int(FORMAT),
                "members": members,
                "nodes": sorted(self.nodes),
                "texts": dict(sorted(self.texts.items())),
                "unresolved": sorted(self.unresolved),
            }
        )


def read_manifest(content: bytes) -> Manifest:
    """Reads a manifest.

    Raises:
        SourceError: It is none, or of a format that this version does not know.
    """
    found = parse(content, MANIFEST)
    if not isinstance(found, dict) or "format" not in found:
        raise SourceError("This is not a manifest of an unpacked tool", file=MANIFEST)
    if found["format"] != FORMAT:
        raise SourceError("Another version of gale-tui unpacked this", "Use that version", file=MANIFEST)
    try:
        return Manifest(
            tuple(
                Member(
                    _text(each["name"]),
                    checked_path(each["file"], MANIFEST),
                    None if each["style"] is None else Style.from_json(each["style"]),
                )
                for each in found["members"]
            ),
            tuple(checked_path(each, MANIFEST) for each in found["nodes"]),
            {checked_path(file, MANIFEST): _text(origin) for file, origin in found["texts"].items()},
            tuple(map(_text, found["unresolved"])),
        )
    except (KeyError, TypeError, AttributeError):
        raise SourceError("Part of the manifest is missing", "Unpack the export again", file=MANIFEST) from None


_text = str.__str__
"""The text that it is given; TypeError for anything else."""
