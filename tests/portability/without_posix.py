"""Programs that find nothing of POSIX: `python -m tests.portability.without_posix app HOME …|cli ARGUMENT …`.

Everything is hidden before the first import of gale_tui. `sys.platform` stays what it is, so that only code which asks
for a capability gets by. `app` exports a tool of the demo with keys and prints the rows, once for each HOME; `cli` is
`gale-tui`, with `+` between several commands.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import stat
import sys
from pathlib import Path
from typing import Any, NoReturn

import platformdirs  # noqa: F401  # by sys.platform it imports names that are hidden below

__all__ = ["hide_posix"]

MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")
FUNCTIONS = (
    *("chown", "chroot", "fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getpgid", "getuid"),
    *("killpg", "mkfifo", "setsid"),
)
FLAGS = ("O_CLOEXEC", "O_DIRECT", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK")
SIGNALS = ("SIGCONT", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGSTOP", "SIGTSTP", "SIGWINCH")


def hide_posix() -> None:
    """Hides what Windows lacks as well."""
    # Which loop this process has decides the standard library, by sys.platform.
    loop: Any = asyncio.SelectorEventLoop
    loop.add_signal_handler = loop.remove_signal_handler = _not_implemented
    modules: dict[str, Any] = sys.modules
    for name in MODULES:
        modules[name] = None
    for name in (*FUNCTIONS, *FLAGS):
        if hasattr(os, name):
            delattr(os, name)
    for name in SIGNALS:
        if hasattr(signal, name):
            delattr(signal, name)
    opened = os.open

    def open_no_folder(path: Any, *arguments: Any, **named: Any) -> int:
        descriptor = opened(path, *arguments, **named)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise PermissionError(13, "Permission denied", path)
        return descriptor

    os.open = open_no_folder
    # It is chosen at its import, by what `os` had then.
    removal: Any = shutil
    removal._use_fd_functions = False


def _not_implemented(*_: object) -> NoReturn:
    raise NotImplementedError


async def _app(home: Path) -> None:
    from gale_tui.cli.main import Wiring, demo_engine
    from gale_tui.core.models import DownloadState
    from gale_tui.sandbox.server import Sandbox
    from gale_tui.tui.app import GaleApp

    with Sandbox(seed=1, speed=40.0) as sandbox:
        engine, _ = demo_engine(home, Wiring(environ={}, sandbox=sandbox))
        app = GaleApp(engine)
        async with app.run_test() as pilot:
            while app.screen is not app.jobs_screen:
                await pilot.pause(0.01)
            await pilot.press("n")
            while type(app.screen).__name__ != "ExportForm":
                await pilot.pause(0.01)
            await pilot.pause()
            known = set(engine.jobs)
            await pilot.press("enter")
            while not set(engine.jobs) - known or any(
                job.download.state is not DownloadState.SAVED for job in engine.jobs.values()
            ):
                await pilot.pause(0.01)
            await pilot.press("q")
        sys.stdout.writelines(
            f"{job.status} {job.download.state.value} {job.download.path}\n" for job in engine.jobs.values()
        )


if __name__ == "__main__":
    hide_posix()
    if sys.argv[1] == "app":
        for home in sys.argv[2:]:
            asyncio.run(_app(Path(home)))
    else:
        from gale_tui.cli.main import main

        for _, words in itertools.groupby(sys.argv[2:], "+".__ne__):
            command = list(words)
            if command != ["+"] and (code := main(command)):
                sys.exit(code)
