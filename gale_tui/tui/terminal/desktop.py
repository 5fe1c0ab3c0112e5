"""Shows a saved file's folder, if there is a desktop."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gale_tui.core.processes import start_process
from gale_tui.core.untrusted_text import inert

_PATIENCE = 5.0
"""Seconds after which a program that still runs counts as having opened the folder."""


def folder_command(
    path: Path,
    environ: Mapping[str, str],
    *,
    platform: str = sys.platform,
    which: Callable[[str], str | None] = shutil.which,
) -> list[str] | None:
    """The command that shows the folder of a file on the desktop, or None if there is no desktop.

    Args:
        environ: The environment variables: they tell of a display, and of a login from elsewhere.
    """
    away = "SSH_CONNECTION" in environ or "SSH_TTY" in environ
    if platform == "win32":
        return None if away else ["explorer", f"/select,{path}"]
    if platform == "darwin":
        return None if away else ["open", "-R", str(path)]
    # A display that is forwarded over SSH would show this computer's folder on the other one: that is what is wanted.
    if not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return None
    opener = which("xdg-open")
    return [opener, str(path.parent)] if opener else None


def show_folder(command: Sequence[str], path: Path) -> str:
    """Runs the command; blocking, for at most a few seconds.

    Returns:
        A sentence to show: what was opened, or where the file is.
    """
    where = f"The file is {inert(str(path), 400)}"
    try:
        started = start_process(command)
    except OSError as error:
        return f"The folder could not be opened: {error.strerror}. {where}"
    try:
        code = started.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        # It stays open as long as the user likes; nobody waits for its end.
        started.returncode = 0
        return f"Opened {inert(str(path.parent), 400)}"
    # Windows' explorer always exits with 1.
    if code and command[0] != "explorer":
        return f"The desktop did not open the folder. {where}"
    return f"Opened {inert(str(path.parent), 400)}"
