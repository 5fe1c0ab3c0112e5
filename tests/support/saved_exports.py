"""Zips as exports leave them, made for a test."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gale_tui.sandbox import flows
from gale_tui.sandbox.files import tool_documents

__all__ = ["FLOW", "TOOL", "documents", "write_zip"]

TOOL = "a-11111111-2222-4333-8444-555555555555"
FLOW = "cf-66666666-7777-4888-9999-000000000000"


def documents(version: int = 1) -> dict[str, Any]:
    """The three documents of a tool, parsed, to be changed at will."""
    made = tool_documents(flows.BANKING, TOOL, FLOW, version)
    return copy.deepcopy({name: json.loads(content) for name, content in made.items()})


def write_zip(
    path: Path, contents: Mapping[str, Any], moment: tuple[int, int, int, int, int, int] = (2026, 1, 2, 3, 4, 6)
) -> Path:
    """Writes a zip of files: bytes as they are, all else as JSON."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            info = zipfile.ZipInfo(name, moment)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content if isinstance(content, bytes) else json.dumps(content))
    path.write_bytes(packed.getvalue())
    return path
