"""`gale-tui unpack` and `gale-tui pack`: a tool as a folder of source, and back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from gale_tui.core.source.pack import Packed
    from gale_tui.core.source.unpack import Unpacked

UNPACKED = """\
the folder:
  flow_definition.json, app_definition.json, nodes/NAME--ID.json, long texts as .md, .py, .js and .txt beside them,
  positions and time stamps in layout.json, names of variables in env_variables.json. Their values go to
  env_values.json, which .gitignore names. Commit all the rest.

exit codes:
  0 unpacked · 2 refused: no tool's export, edits would be lost, --strict · 6 damaged zip, or a disk error
"""
PACKED = """\
The values of variables come from env_values.json in the folder, unless one of the options names others.

exit codes:
  0 packed · 2 refused: the file and the line are named · 6 a file cannot be read or written
"""


def add_source(commands: Any) -> None:
    unpack: argparse.ArgumentParser = commands.add_parser(
        "unpack",
        help="unpack a saved export into a folder for version control",
        description="Unpack a saved export into a folder that people can read, compare and commit. Only files that "
        "changed are written; edits that were not committed are never overwritten.",
        epilog=UNPACKED,
    )
    unpack.add_argument("archive", metavar="FILE.zip", type=Path)
    unpack.add_argument(
        "folder", metavar="DIR", type=Path, nargs="?", help="the folder; by default the file's name without .zip"
    )
    unpack.add_argument("--force", action="store_true", help="overwrite edits that were not committed")
    unpack.add_argument("--strict", action="store_true", help="refuse texts that look like credentials")
    pack: argparse.ArgumentParser = commands.add_parser(
        "pack",
        help="pack an unpacked tool into a zip that GALE imports",
        description="Pack an unpacked tool into a zip that GALE imports.",
        epilog=PACKED,
    )
    pack.add_argument("folder", metavar="DIR", type=Path)
    pack.add_argument("archive", metavar="FILE.zip", type=Path, nargs="?", help="by default DIR.zip")
    values = pack.add_mutually_exclusive_group()
    values.add_argument("--env-values", metavar="FILE", type=Path, help="take the values of variables from this file")
    values.add_argument("--without-values", action="store_true", help="leave the values of variables empty")
    pack.add_argument("--force", action="store_true", help="replace FILE.zip if it exists")
    pack.add_argument("--strict", action="store_true", help="refuse texts that look like credentials")


def unpack_command(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Runs `gale-tui unpack`; returns the exit code.

    Raises:
        GaleError: It was refused or failed.
    """
    from gale_tui.core.source.unpack import unpack
    from gale_tui.core.untrusted_text import inert

    archive: Path = arguments.archive
    folder: Path = arguments.folder or Path(archive.name.removesuffix(".zip") or "tool")
    if folder == archive:
        folder = Path(f"{folder}-unpacked")
    done = unpack(archive, folder, force=arguments.force, strict=arguments.strict)
    _narrate(done, err)
    changes = done.changes
    counts = f"{len(changes.written)} written, {len(changes.removed)} removed, {changes.unchanged} unchanged"
    out.write(f"Unpacked {inert(done.name or archive.name, 120)} into {inert(folder, 4096)}: {counts}.\n")
    return 0


def pack_command(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Runs `gale-tui pack`; returns the exit code.

    Raises:
        GaleError: It was refused or failed.
    """
    from gale_tui.core.source.pack import pack
    from gale_tui.core.untrusted_text import inert

    folder: Path = arguments.folder
    target: Path = arguments.archive or Path(f"{folder.resolve().name or 'tool'}.zip")
    done = pack(
        folder,
        target,
        values=arguments.env_values,
        without_values=arguments.without_values,
        force=arguments.force,
        strict=arguments.strict,
    )
    _narrate(done, err)
    out.write(f"Packed {inert(folder, 4096)} into {inert(target, 4096)}: {done.members} files.\n")
    return 0


def _narrate(done: Unpacked | Packed, err: TextIO) -> None:
    err.writelines(f"gale-tui: {note}.\n" for note in done.notes)
    err.writelines(f"gale-tui: {finding}\n" for finding in done.findings)
