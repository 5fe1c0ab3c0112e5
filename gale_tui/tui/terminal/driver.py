"""The terminal's input and output, neither of which may hold up the program."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import sys
from codecs import getincrementaldecoder
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from gale_tui.core.output import OutputThread

if TYPE_CHECKING:
    from textual.app import App

BEHIND = 1024
"""Bytes not yet sent from which a new picture waits for the terminal."""
PATIENCE = 0.5
"""Seconds that the end waits for the terminal to read the last bytes."""
_TICK = 0.1
"""Seconds between checks whether the program ends."""


class Owner(Protocol):
    """The app, as the driver knows it."""

    driver: TerminalDriver | None

    def terminal_gone(self) -> None:
        """The terminal can no longer be read or written."""


class TerminalDriver(LinuxDriver):
    """The framework's driver, except that no write waits and that a terminal that is gone ends the program."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        owner = cast("Owner", app)
        owner.driver = self
        self._app_loop = asyncio.get_running_loop()
        self._gone = partial(self.call_soon, owner.terminal_gone)
        # Standard output, not standard error as the framework: that may be a log.
        self.output = OutputThread(sys.__stdout__.fileno() if sys.__stdout__ else 1, self._gone)

    def call_soon(self, function: Callable[[], None]) -> None:
        """Calls a function on the app's thread."""
        # The loop is closed where the program ends already.
        with contextlib.suppress(RuntimeError):
            self._app_loop.call_soon_threadsafe(function)

    @property
    def behind(self) -> bool:
        """True if the terminal has not yet read all that was sent."""
        return self.output.pending > BEHIND

    @property
    def mouse(self) -> bool:
        """True if the terminal reports the mouse; used when its settings are restored, at the end and on ctrl+z."""
        return self._mouse

    @mouse.setter
    def mouse(self, on: bool) -> None:
        self._mouse = on

    def write(self, data: str) -> None:
        self.output.write(data.encode("utf-8", "replace"))

    def close(self) -> None:
        """Waits a moment for the last bytes."""
        self.output.drain(PATIENCE)
        super().close()

    def resume_stopped(self) -> None:
        """Prepares the terminal again after SIGCONT, whatever stopped the process.

        The framework does so as well, but ends its reading thread and gives the terminal's settings back at SIGTSTP
        alone. After a SIGSTOP two threads would read the keys, the loser of the last one would hold up the end of the
        process, and the settings from before would be lost.
        """
        if not self._auto_restart:
            return
        if not self._must_signal_resume:
            self.suspend_application_mode()
            self._must_signal_resume = True
        self.resume_application_mode()

    def run_input_thread(self) -> None:
        """Reads keys until the program ends, or the terminal does."""
        parser = XTermParser()
        decode = getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            ready, _, _ = select.select([self.fileno], [], [], _TICK)
            if ready:
                try:
                    data = os.read(self.fileno, 4096)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                if not data:
                    self._gone()
                    return
                for event in parser.feed(decode(data)):
                    self._pass_on(event)
            for event in parser.tick():
                self._pass_on(event)

    def _pass_on(self, event: Message) -> None:
        if isinstance(event, events.Key) and event.key.startswith("alt+") and event.character:
            # A terminal without key reports sends the same for alt and a key as for esc and then the key.
            self.process_message(events.Key("escape", "\x1b"))
            event = events.Key(event.key.removeprefix("alt+"), event.character)
        self.process_message(event)
