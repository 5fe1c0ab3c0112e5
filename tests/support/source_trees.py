"""Tools and trees for the tests of unpack and pack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gale_tui.core.source.join import join, parse_values
from gale_tui.core.source.manifest import read_manifest
from gale_tui.core.source.names import ATTRIBUTES, IGNORE, MANIFEST, STATE, VALUES
from gale_tui.core.source.references import unresolved_references
from gale_tui.core.source.unpack import Source
from tests.support.saved_exports import documents

__all__ = ["members", "packed", "tree_bytes"]


def members(version: int = 1, **layout: Any) -> dict[str, bytes]:
    """The sample tool's members, written as `json.dumps` does with these arguments."""
    return {name: json.dumps(value, **layout).encode() for name, value in documents(version).items()}


def packed(source: Source) -> dict[str, bytes]:
    """What a tree packs into, as `pack` finds out; everything that is refused raises."""
    files = {name: content for name, content in source.files.items() if name not in (MANIFEST, VALUES)}
    manifest = read_manifest(source.files[MANIFEST])
    values = parse_values(source.files[VALUES], VALUES) if VALUES in source.files else {}
    joined = join(files, manifest, values)
    assert set(unresolved_references(joined.documents)) <= set(manifest.unresolved)
    assert not joined.unused
    return joined.members


def tree_bytes(folder: Path) -> Mapping[str, bytes]:
    """Every file of a folder with its content, without what unpack keeps for itself."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in (STATE, IGNORE, ATTRIBUTES, ".git")
    }
