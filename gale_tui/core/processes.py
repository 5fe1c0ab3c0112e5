"""The one place that starts other programs: none of them inherits the API key."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

DEVNULL = subprocess.DEVNULL
PIPE = subprocess.PIPE
_WITHHELD = ("GALE_API_KEY",)


def start_process(
    command: Sequence[str],
    *,
    without: Sequence[str] = (),
    folder: Path | None = None,
    output: int | IO[Any] = DEVNULL,
) -> subprocess.Popen[bytes]:
    """Starts a program without a shell, terminal, input or `GALE_API_KEY`, in its own session.

    Args:
        without: Further environment variables to leave out.
        folder: Its working folder; this process's where None.
        output: Where standard output and standard error go.

    Raises:
        OSError: It cannot be started.
        ValueError: An argument cannot be passed.
    """
    return subprocess.Popen(  # noqa: S603  # a program of ours or of the user's, its arguments a list
        list(command),
        cwd=folder,
        stdin=DEVNULL,
        stdout=output,
        stderr=output,
        env={name: value for name, value in os.environ.items() if name not in (*_WITHHELD, *without)},
        start_new_session=True,
    )
