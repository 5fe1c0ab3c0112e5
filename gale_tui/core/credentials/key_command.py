"""`key_command`: a program of the user's own that prints the key, `["pass", "show", "gale/staging"]` for example."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from gale_tui.core.errors import ConfigError, KeyCommandError
from gale_tui.core.filesystem import has_other_owner
from gale_tui.core.identifiers import clean_key
from gale_tui.core.logs import redact
from gale_tui.core.processes import PIPE, start_process
from gale_tui.core.secret import Secret
from gale_tui.core.untrusted_text import inert

OUTPUT_LIMIT = 16_384
"""Bytes of the output that are kept; a key is far shorter."""
_HIDDEN_VARIABLES = ("GPG_TTY",)
"""Another environment's key; and the terminal, on which gpg's agent would draw its question over the screen."""


def check_not_writable_by_others(config_file: Path) -> None:
    """Refuses a config file that others can write: they could run any program as this user.

    Raises:
        KeyCommandError: Group or others may write the file or its folder, or somebody else owns it.
    """
    if os.name == "nt":
        # Windows' modes say nothing about others.
        return
    try:
        file = Path(os.path.realpath(config_file))
        for path, info in ((file, file.stat()), (file.parent, file.parent.stat())):
            shared = info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            # In a sticky folder such as /tmp others cannot put a file in the place of this one.
            if shared and not (stat.S_ISDIR(info.st_mode) and info.st_mode & stat.S_ISVTX):
                raise KeyCommandError(
                    f"key_command is not run because others can write {inert(str(path))}",
                    f"Run: chmod go-w {inert(str(path))}",
                )
            if info.st_uid and has_other_owner(info):
                raise KeyCommandError(
                    f"key_command is not run because {inert(str(path))} belongs to another user", "Take it over"
                )
    except OSError as error:
        raise KeyCommandError(
            f"key_command is not run because {config_file} cannot be looked at: {error.strerror}"
        ) from None


def key_from_command(command: Sequence[str], time_limit: float) -> Secret:
    """Runs the program without a shell, terminal or input, and returns the one line that it prints. Blocking.

    It gets its own session, so that it cannot write to the terminal, and is ended with all that is in that
    session when the time is over.

    Args:
        time_limit: Seconds until it is ended.

    Raises:
        KeyCommandError: It cannot be started, fails, takes too long, or prints no key. The message does not repeat the
            output.
    """
    name = inert(command[0], 60)
    try:
        process = start_process(command, without=_HIDDEN_VARIABLES, output=PIPE)
    except FileNotFoundError:
        raise KeyCommandError(f"key_command: no program {name}", "Check its name and PATH") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise KeyCommandError(f"key_command: {name} cannot be started: {reason}") from None
    deadline = time.monotonic() + time_limit
    output, complaint = _Collected(process.stdout), _Collected(process.stderr)
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
        # A child that it left behind may hold the output open; the program's own output is there by then.
        output.join(1.0)
        complaint.join(0.1)
    except subprocess.TimeoutExpired:
        raise KeyCommandError(
            f"key_command: {name} gave no key within {time_limit:g} seconds",
            "It must not prompt: unlock what it reads from first",
        ) from None
    finally:
        if process.poll() is None or output.is_alive() or complaint.is_alive():
            _end(process)
    if process.returncode != 0:
        first = next((line for line in complaint.text().splitlines() if line.strip()), "")
        said = inert(redact(first), 160)
        how = (
            f"failed ({process.returncode})" if process.returncode > 0 else f"was ended by signal {-process.returncode}"
        )
        raise KeyCommandError(
            f"key_command: {name} {how}" + (f", saying: {said}" if said else ""), "Run it by hand to see why"
        )
    return _one_key(output, name)


def _one_key(output: _Collected, name: str) -> Secret:
    lines = [line for line in output.text().splitlines() if line.strip()]
    if not lines:
        raise KeyCommandError(f"key_command: {name} printed nothing", "It must print the key and nothing else")
    if len(lines) > 1 or output.overflowed:
        raise KeyCommandError(
            f"key_command: {name} printed more than one line", "It must print the key and nothing else"
        )
    try:
        return clean_key(lines[0])
    except ConfigError as error:
        raise KeyCommandError(f"key_command: what {name} printed is not a key. {error.what}", error.advice) from None


class _Collected(threading.Thread):
    """Reads a pipe to its end, keeps the beginning, and never lets the program wait."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        super().__init__(name="key-command", daemon=True)
        self._pipe = pipe
        self._kept = bytearray()
        self.overflowed = False
        self.start()

    def run(self) -> None:
        if self._pipe is None:
            return
        with self._pipe as pipe, contextlib.suppress(OSError):
            while part := os.read(pipe.fileno(), 4096):
                room = OUTPUT_LIMIT - len(self._kept)
                self._kept += part[:room]
                self.overflowed = self.overflowed or len(part) > room

    def text(self) -> str:
        return bytes(self._kept).decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if sys.platform != "win32" and hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
