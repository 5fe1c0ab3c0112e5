"""Which files git can give back, so that overwriting them loses nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gale_tui.core.processes import PIPE, start_process

__all__ = ["committed_files"]

_PATIENCE: Final = 30.0
"""Seconds to wait for git."""


def committed_files(folder: Path, paths: Iterable[str]) -> set[str]:
    """Those of the files that are in the last commit as they are on disk; none if git cannot tell."""
    import subprocess  # late: hardly any unpack needs it

    git = shutil.which("git")
    if git is None:
        return set()

    def names(*command: str) -> set[str]:
        # The repository's own configuration must not start programs here.
        options = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--literal-pathspecs")
        with start_process((git, *options, *command), folder=folder, output=PIPE) as process:
            try:
                output, _ = process.communicate(timeout=_PATIENCE)
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
