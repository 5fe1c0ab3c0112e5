"""Names of saved files."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gale_tui.core.config.settings import DEFAULT_PATTERN
from gale_tui.core.untrusted_text import safe_file_stem

PART: Final = ".part"
"""Ending of an unfinished file, after the name that it will have."""

_LENGTHS = ((120, 40), (60, 20))
"""Bytes of stem and environment in a name; the second pair where the first is too long for the file system."""
_WHOLE = (190, 110)
"""Bytes of a name that follows a pattern, without number and ending."""
_SUFFIX = r"((?:\.tar)?\.[A-Za-z0-9]{1,11})"
_ANY_NAME = re.compile(rf"(.+?){_SUFFIX}", re.DOTALL)
_NAME = re.compile(rf"(.*--\d{{8}}T\d{{6}}Z)(?:-\d+)?{_SUFFIX}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Naming:
    """The parts of a file's name besides its stem."""

    environment_name: str
    finished_at: float
    """When the job ended, in seconds since the epoch."""
    pattern: str = DEFAULT_PATTERN
    """The setting `filename_pattern`."""
    tool: str = ""
    """The tool's id, for ``{tool}``."""
    label: str = ""
    """The job's label, for ``{label}``."""

    def names(self, stem: str, suffix: str = ".zip", *, short: bool = False) -> Iterator[str]:
        """Names for a file, each to be tried when those before are in use.

        ``Banking Assistant--staging--20261123T120034Z.zip``, then the same with ``-2``, ``-3`` …; at most 200 bytes.

        Args:
            stem: The name of the tool or of the server's file; not yet safe.
            suffix: The ending, with its dot.
            short: For file systems with shorter names: at most 120 bytes.
        """
        stem_bytes, environment_bytes = _LENGTHS[short]
        safe = safe_file_stem(stem, "export", stem_bytes)
        try:
            moment = datetime.fromtimestamp(self.finished_at, UTC)
        except (ValueError, OverflowError, OSError):
            moment = datetime.fromtimestamp(0, UTC)
        values = {
            "name": safe,
            "environment": safe_file_stem(self.environment_name, "environment", environment_bytes),
            "time": moment.strftime("%Y%m%dT%H%M%SZ"),
            "tool": _part(self.tool, stem_bytes),
            "label": _part(self.label, stem_bytes),
        }
        # The whole is made safe as well: the pattern may begin with a dot or make a reserved name.
        return _numbered(safe_file_stem(self.pattern.format_map(values), safe, _WHOLE[short]), suffix)


def _part(text: str, limit_bytes: int) -> str:
    return safe_file_stem(text, "", limit_bytes) if text.strip() else ""


def names_after(part: Path, names: Iterator[str], pattern: str = DEFAULT_PATTERN) -> Iterator[str]:
    """The names for an existing part: its own, then the next ones; `names` where its name is none of ours.

    With a pattern of the user's, any name with an ending is.
    """
    own = part.name.removesuffix(PART)
    found = _NAME.fullmatch(own) or (None if pattern == DEFAULT_PATTERN else _ANY_NAME.fullmatch(own))
    if found is None:
        return names
    return itertools.chain([own], (name for name in _numbered(found[1], found[2]) if name != own))


def suffix_of(name: str) -> str:
    """The ending of a file's name, such as `.zip` or `.tar.gz`; `.bin` if there is none that is safe to use."""
    found = re.fullmatch(rf".+?{_SUFFIX}", name, re.DOTALL)
    return found[1] if found is not None else ".bin"


def _numbered(base: str, suffix: str) -> Iterator[str]:
    yield f"{base}{suffix}"
    for number in range(2, 1000):
        yield f"{base}-{number}{suffix}"
