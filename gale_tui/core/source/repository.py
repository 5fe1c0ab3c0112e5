"""A folder of many unpacked tools: `ENVIRONMENT/TOOL/`, with an index that keeps each tool in its folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gale_tui.core.errors import SourceError
from gale_tui.core.filesystem import lock_folder
from gale_tui.core.models import Job
from gale_tui.core.source.lossless_json import parse, write
from gale_tui.core.source.names import numbered, slug
from gale_tui.core.source.tree import file_system_errors
from gale_tui.core.source.unpack import Unpacked, unpack
from gale_tui.core.untrusted_text import inert, safe_file_stem

_INDEX: Final = "tools.json"
_OWNER: Final = "environment"
"""The index's key for the name of its environment; the other keys are ids with a slash between them."""
_INDEX_LIMIT: Final = 16 << 20


def tool_folder(root: Path, environment: str, tool_id: str, flow_id: str, title: str) -> Path:
    """The folder that a tool is unpacked into: the same each time, even if the tool was renamed.

    Raises:
        SourceError: The index is damaged.
        FileSystemError: It cannot be read or written.
    """
    key = f"{tool_id}/{flow_id}"
    with file_system_errors(root):
        place = _environment_folder(root, environment)
        place.mkdir(parents=True, exist_ok=True)
        with lock_folder(place):
            index = _read_index(place)
            name = index.get(key)
            if name is None:
                taken = {each.casefold() for key, each in index.items() if key != _OWNER}
                names = numbered(f"{_folder_name(title, 'tool')}-")
                name = next(
                    each for each in names if each.casefold() not in taken and not os.path.lexists(place / each)
                )
                index |= {_OWNER: environment, key: name}
                draft = place / f".{_INDEX}.new"
                draft.write_bytes(write(dict(sorted(index.items()))))
                os.replace(draft, place / _INDEX)
    return place / name


def unpack_job(root: Path, job: Job, path: Path) -> Unpacked:
    """Unpacks a job's saved file into its tool's folder below `root`.

    Raises:
        GaleError: As :func:`~gale_tui.core.source.unpack.unpack` and :func:`tool_folder`.
    """
    return unpack(path, tool_folder(root, job.environment_name, job.tool_id, job.flow_id, job.title))


def find_tool_folder(root: Path, environment: str, tool_id: str, flow_id: str) -> Path | None:
    """The folder that a tool was unpacked into; None if it was not.

    Raises:
        SourceError: The index is damaged.
        FileSystemError: It cannot be read.
    """
    with file_system_errors(root):
        place = _environment_folder(root, environment)
        name = _read_index(place).get(f"{tool_id}/{flow_id}")
    return None if name is None else place / name


def _environment_folder(root: Path, environment: str) -> Path:
    """The environment's own folder, or the next one that is free: “prod eu” and “prod-eu” make the same name."""
    places = (root / name for name in numbered(f"{_folder_name(environment, 'environment')}-"))
    return next(each for each in places if _read_index(each).get(_OWNER, environment) == environment)


def _folder_name(text: str, fallback: str) -> str:
    return safe_file_stem(slug(text), fallback, 80)


def _read_index(place: Path) -> dict[str, str]:
    path = place / _INDEX
    try:
        with path.open("rb") as file:
            content = file.read(_INDEX_LIMIT)
    except FileNotFoundError:
        return {}
    found: Mapping[str, object] = parse(content, inert(path, 400))
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and (key == _OWNER or name == safe_file_stem(name, "", 100))
        for key, name in found.items()
    ):
        raise SourceError("This is not an index of unpacked tools", file=inert(path, 400))
    return {key: str(name) for key, name in found.items()}
