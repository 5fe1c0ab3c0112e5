"""Changes a tree so that a kill leaves the old one or the new one.

The new files are written into `.gale-unpack/new`; a journal that lists them then decides for the new tree. Whoever
finds a journal moves the remaining files into place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gale_tui.core.errors import FileSystemError, SourceError
from gale_tui.core.filesystem import NO_LINK, PLAIN, lock_folder
from gale_tui.core.processes import PIPE, start_process
from gale_tui.core.source.manifest import read_manifest
from gale_tui.core.source.names import ATTRIBUTES, IGNORE, MANIFEST, STATE, VALUES, checked_path
from gale_tui.core.source.tree import JOURNAL, check_parent, file_system_errors, not_followed, read_file
from gale_tui.core.untrusted_text import inert

_HASHES: Final = "files.json"
_NEW: Final = "new"
_NAMED: Final = 5
"""Files that a refusal names."""
_GIT_SECONDS: Final = 30.0
_LINES: Final[Mapping[str, tuple[str, ...]]] = {
    IGNORE: (f"/{VALUES}", f"/{STATE}/"),
    # A text's own line ends are part of it.
    ATTRIBUTES: ("* -text",),
}


@dataclass(frozen=True, slots=True)
class TreeChanges:
    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int


def write_tree(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    force: bool = False,
) -> TreeChanges:
    """Makes the folder hold these files, and none that an earlier unpack wrote beside them.

    Files that are the same already are not written; files of others are left alone.

    Args:
        folder: Created if it is not there.
        files: The whole tree, with the manifest and the values.
        force: Overwrites files that were edited since they were unpacked.

    Raises:
        SourceError: The folder is neither empty nor an unpacked tool, or edits would be lost.
        FileSystemError: It cannot be written.
    """
    with file_system_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with lock_folder(folder):
            _finish_journal(folder)
            return _write(folder, files, force)


def _write(folder: Path, files: Mapping[str, bytes], force: bool) -> TreeChanges:
    old = _old_files(folder)
    hashes = _read_hashes(folder)
    files = {**files, **{name: _add_lines(read_file(folder, name), lines) for name, lines in _LINES.items()}}
    present = {path: read_file(folder, path) for path in files}
    new = {path: content for path, content in files.items() if present[path] != content}
    removed = {path: content for path in sorted(old - files.keys()) if (content := read_file(folder, path)) is not None}
    lost = [
        path
        for path, content in (*((path, present[path]) for path in new), *removed.items())
        if content is not None and path not in _LINES and hashes.get(path) != _hash(content)
    ]
    if lost and not force and (lost := [each for each in lost if each not in _committed_files(folder, lost)]):
        names = ", ".join(lost[:_NAMED]) + (f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else "")
        raise SourceError(
            f"Edited since the last unpack, and would be overwritten: {names}",
            "Commit the edits, or use --force to discard them",
        )
    after = {path: _hash(content) for path, content in files.items()}
    state = _state_folder(folder)
    if new or removed:
        _stage(state, new, removed, after)
        _finish_journal(folder)
        _verify(folder, new)
    elif after != hashes:
        _replace_json(state / _HASHES, after)
    written = tuple(path for path in new if path not in _LINES)
    return TreeChanges(written, tuple(removed), len(files) - len(_LINES) - len(written))


def _old_files(folder: Path) -> set[str]:
    """The files of an earlier unpack, by the manifest in the folder.

    Raises:
        SourceError: The folder belongs to somebody else.
    """
    content = read_file(folder, MANIFEST)
    if content is None:
        others = [name for name in os.listdir(folder) if name not in (STATE, ".git", IGNORE, ATTRIBUTES)]
        if others:
            raise SourceError(
                f"{inert(folder, 400)} is neither empty nor an unpacked tool", "Choose a folder that is new or empty"
            )
        return set()
    manifest = read_manifest(content)
    return {*manifest.files(), MANIFEST, "layout.json", VALUES}


def _stage(state: Path, new: Mapping[str, bytes], removed: Mapping[str, bytes], after: Mapping[str, str]) -> None:
    """Writes the new files beside the tree, then the journal that makes them the tree."""
    staged = state / _NEW
    staged.mkdir(mode=0o700)
    for parent in {path.rpartition("/")[0] for path in new} - {""}:
        (staged / parent).mkdir()
    for path, content in new.items():
        _create_file(os.path.join(staged, path), content, 0o600 if path == VALUES else 0o666)
    # The ignore file is written before the values, so that they never get into version control.
    moves = sorted(new, key=lambda path: (path not in _LINES, path))
    journal = {"move": moves, "remove": {path: _hash(content) for path, content in removed.items()}, "files": after}
    _replace_json(state / JOURNAL, journal)


def _state_folder(folder: Path) -> Path:
    """The folder of unpack's own state, cleared of the files of an interrupted run."""
    state = folder / STATE
    with contextlib.suppress(FileExistsError):
        state.mkdir(mode=0o700)
    if not stat.S_ISDIR(os.lstat(state).st_mode):
        raise not_followed(STATE)
    new = state / _NEW
    if new.is_symlink() or new.is_file():
        new.unlink()
    elif new.is_dir():
        shutil.rmtree(new)
    return state


def _create_file(target: str, content: bytes, mode: int) -> None:
    """Writes a file that is not there yet."""
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | PLAIN | NO_LINK, mode), "wb") as file:
        file.write(content)


def _replace_json(target: Path, value: object) -> None:
    draft = target.with_name(f"{target.name}.new")
    # An interrupted run may have left it.
    draft.unlink(missing_ok=True)
    _create_file(str(draft), json.dumps(value).encode(), 0o600)
    os.replace(draft, target)


def _finish_journal(folder: Path) -> None:
    """Moves the files of a journal into place; does nothing without one."""
    state = folder / STATE
    content = read_file(folder, f"{STATE}/{JOURNAL}")
    if content is None:
        return
    try:
        journal = json.loads(content)
        moves = [checked_path(path) for path in journal["move"]]
        removals = {checked_path(path): str(digest) for path, digest in journal["remove"].items()}
        after = {checked_path(path): str(digest) for path, digest in journal["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SourceError(f"{STATE}/{JOURNAL} cannot be read", "Delete it, then unpack again") from None
    staged = state / _NEW
    check_parent(folder, f"{STATE}/{_NEW}/any")
    for path in moves:
        if not check_parent(folder, path):
            (folder / path).parent.mkdir()
        # One that is not staged any more was moved before an interruption.
        with contextlib.suppress(FileNotFoundError):
            os.replace(os.path.join(staged, path), os.path.join(folder, path))
    twins = {path.casefold(): path for path in moves}
    for path, digest in removals.items():
        here = read_file(folder, path)
        if here is None or _hash(here) != digest:
            continue
        # On a disk that ignores case, this may be the file that was just written.
        twin = twins.get(path.casefold())
        if twin is None or not os.path.samefile(folder / path, folder / twin):
            os.unlink(folder / path)
    for inside in {path.partition("/")[0] for path in removals if "/" in path}:
        with contextlib.suppress(OSError):
            os.rmdir(folder / inside)
    _replace_json(state / _HASHES, after)
    os.unlink(state / JOURNAL)
    shutil.rmtree(state / _NEW, ignore_errors=True)


def _verify(folder: Path, new: Mapping[str, bytes]) -> None:
    for path, content in new.items():
        if read_file(folder, path) != content:
            raise FileSystemError(f"{path} was changed by somebody else while it was written", "Run it again")


def _read_hashes(folder: Path) -> dict[str, str]:
    content = read_file(folder, f"{STATE}/{_HASHES}")
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _add_lines(content: bytes | None, lines: Iterable[str]) -> bytes:
    """The file with these lines added, once each; all other lines stay."""
    text = content or b""
    existing = {line.strip() for line in text.splitlines()}
    if text and not text.endswith(b"\n"):
        text += b"\n"
    missing = [line.encode() for line in lines if line.encode() not in existing]
    return content if content is not None and not missing else b"".join([text, *(line + b"\n" for line in missing)])


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _committed_files(folder: Path, paths: Iterable[str]) -> set[str]:
    """Those of the files that are in the last commit as they are on disk; none if git cannot tell."""
    git = shutil.which("git")
    if git is None:
        return set()

    def names(*command: str) -> set[str]:
        # The repository's own configuration must not start programs here.
        options = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--literal-pathspecs")
        with start_process((git, *options, *command), folder=folder, output=PIPE) as process:
            try:
                output, _ = process.communicate(timeout=_GIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, git)
        return set(output.decode("utf-8", "surrogateescape").split("\0"))

    try:
        tracked = names("ls-files", "-z", "--", ".")
        edited = names("diff", "--no-ext-diff", "--no-textconv", "--name-only", "--relative", "-z", "HEAD", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return set()
    return set(paths) & tracked - edited
