"""The app as far as it concerns the terminal: painting, signals, the clipboard, a crash, the end of the terminal."""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import re
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.app import App
from textual.driver import Driver
from textual.screen import Screen

from gale_tui.core.signals import handle_signals
from gale_tui.tui.formatting.glyphs import terminal_encoding
from gale_tui.tui.terminal.framework import private_problem
from gale_tui.tui.terminal.key_queue import KeyQueue
from gale_tui.tui.terminal.multiplexer import find_multiplexer, wrap_sequence
from gale_tui.tui.terminal.paste_detection import PasteDetector

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual._compositor import ChopsUpdate, LayoutUpdate

    from gale_tui.tui.terminal.driver import TerminalDriver

log = logging.getLogger("gale_tui.app")

HUNG_UP = 129
"""Exit code where the terminal is gone, as of SIGHUP."""
_WITHOUT_COLORS = re.compile(r"vt[1-4]\d\d.*|.+-m(ono)?")
"""Names of terminals that have no colours."""
_MOUSE_MODES = (1000, 1003, 1015, 1006)
_MOUSE_PIXELS = 1016
_ENDING = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGABRT", "SIGTERM")


class TerminalApp(App[int]):
    """An app that sends its terminal only what differs, never waits for it, and ends on a signal or when it is gone.

    Args:
        signals: False if somebody else handles signals, in tests.
    """

    ascii = False
    """Whether the terminal draws ASCII alone."""

    def __init__(self, *, signals: bool = True) -> None:
        if _WITHOUT_COLORS.fullmatch(os.environ.get("TERM", "")):
            os.environ.setdefault("NO_COLOR", "1")
        super().__init__()
        self._handles_signals = signals
        self._tested = not private_problem()
        self._repaint_due = False
        self._keys = KeyQueue(self, self.handle_event)
        self._pastes = PasteDetector(self._keys.put)
        self.driver: TerminalDriver | None = None
        """None without a terminal, or where the framework's own driver does the work."""
        self.multiplexer = find_multiplexer(os.environ)
        if self._tested:
            from gale_tui.tui.terminal.screen_diff import ScreenDiff

            self._diff = ScreenDiff()
        else:
            log.warning("the framework paints by itself: %s", private_problem())

    def get_driver_class(self) -> type[Driver]:
        """Our own driver where there is one for the system."""
        if sys.platform != "win32" and not private_problem():
            with contextlib.suppress(ImportError):
                from gale_tui.tui.terminal.driver import TerminalDriver

                return TerminalDriver
        try:
            return super().get_driver_class()
        except ImportError:
            # Neither termios nor Windows: there is no terminal, and a pilot needs none.
            return Driver

    # Painting

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Sends what differs from what the terminal shows; while that is behind nothing, and then the newest."""
        sent = self._tested and self._running and not (self._closed or self._batch_count or self.is_headless)
        update: object = renderable
        if sent and renderable is not None:
            from gale_tui.tui.terminal.screen_diff import PaintedUpdate

            if self._diff.can_diff(update):
                if self.driver is not None and self.driver.behind:
                    self._repaint_later(self.driver)
                    self.post_display_hook()
                    return
                text = self._difference(update)
                cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
                if not text and cursor == self._previous_cursor_position:
                    self.post_display_hook()
                    return
                renderable = cast("RenderableType", PaintedUpdate(text))
            else:
                self._diff.forget()
        super()._display(screen, renderable)

    def _difference(self, update: LayoutUpdate | ChopsUpdate) -> str:
        from rich.color import ColorSystem
        from rich.console import COLOR_SYSTEMS
        from textual.color import Color

        system = COLOR_SYSTEMS.get(self.console.color_system or "", ColorSystem.TRUECOLOR)
        ground = Color.parse(self.theme_variables["background"]).rich_color if self.no_color else None
        return self._diff.paint(
            update,
            None if self.no_color else system,
            self.size,
            ground=ground,
            ascii_in=terminal_encoding() if self.ascii else None,
        )

    def _repaint_later(self, driver: TerminalDriver) -> None:
        if self._repaint_due:
            return
        self._repaint_due = True

        def repaint() -> None:
            self._repaint_due = False
            self.refresh()

        driver.output.when_sent(partial(driver.call_soon, repaint))

    def forget_screen(self) -> None:
        """Sends everything with the next repaint: the terminal may show something else."""
        if self._tested:
            self._diff.forget()

    def on_resize(self, event: events.Resize) -> None:
        """The terminal may have cut or wrapped what it showed."""
        self.forget_screen()

    def repaint_resumed(self, _: App[object]) -> None:
        """Draws the screen after ctrl+z and `fg`."""
        self.forget_screen()
        self.refresh(layout=True)
        self.screen.refresh(layout=True)

    def paint_soon(self, screen: Screen[Any]) -> None:
        """Lets the timer pass meanwhile that a screen's first paint waits for."""
        if self._tested:
            screen._update_timer.resume()

    # Keys

    async def on_event(self, event: events.Event) -> None:
        """Queues keys and pastes; holds keys that may belong to a paste."""
        if event.is_forwarded or self.is_headless or not isinstance(event, events.Key | events.Paste):
            await self.handle_event(event)
        elif isinstance(event, events.Paste) and self._pastes.holding:
            self._pastes.end(event)
        elif isinstance(event, events.Paste) or not self._pastes.holds(event, self.focused):
            self._keys.put(event)

    async def handle_event(self, event: events.Event) -> None:
        await super().on_event(event)

    # Besides the screen

    def write_terminal(self, text: str) -> None:
        """Sends a sequence that is no part of the picture."""
        driver = self.driver or getattr(self, "_driver", None)
        if driver is not None and not self.is_headless:
            driver.write(text)

    def switch_mouse(self, on: bool) -> None:
        """Takes the mouse, or leaves it to the terminal."""
        driver = self.driver
        if driver is not None and driver.mouse is not on:
            driver.mouse = on
            modes = _MOUSE_MODES if on else (_MOUSE_PIXELS, *_MOUSE_MODES)
            driver.write("".join(f"\x1b[?{mode}{'h' if on else 'l'}" for mode in modes))

    def send_to_clipboard(self, text: str) -> None:
        encoded = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
        self.write_terminal(wrap_sequence(f"\x1b]52;c;{encoded}\x07", self.multiplexer))

    def keep_copied(self, text: str) -> None:
        """Keeps a text to be pasted in the program itself."""
        if self._tested:
            self._clipboard = text

    def drop_notifications(self, text: str) -> None:
        if self._tested:
            for shown in tuple(self._notifications):
                if shown.message == text:
                    self._unnotify(shown, refresh=False)

    def open_url(self, url: str, *, new_tab: bool = True) -> None:
        """Opens nothing: no text of a server may start a browser."""

    # The end

    def listen_to_signals(self) -> None:
        """Lets signals that end the program end it in order."""
        if not self._handles_signals:
            return
        handle_signals(_ENDING, self._signalled)
        if not private_problem():
            handle_signals(["SIGCONT"], self._continued)

    def _continued(self, number: int) -> None:
        if self.driver is not None:
            self.driver.resume_stopped()

    def _signalled(self, number: int) -> None:
        log.info("ending on signal %d", number)
        self.exit(return_code=128 + number)

    def terminal_gone(self) -> None:
        """Ends the program as SIGHUP does, a signal that not every wrapper passes on."""
        if self.return_code is None:
            log.info("ending: the terminal is gone")
            self.exit(return_code=HUNG_UP)

    def _fatal_error(self) -> None:
        """A crash report without local variables: they may hold a key."""
        from rich.text import Text

        from gale_tui.core.logs import crash_text

        error = sys.exc_info()[1]
        text = crash_text(error) if error is not None else "unknown error"
        log.error("crash: %s", text)
        self._exit_renderables.append(
            Text(f"{text}\ngale-tui crashed. Exports continue at the server; start gale-tui again to follow them.")
        )
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        """Prints the framework's last messages through the writer that never waits."""
        if self.driver is None or not self._exit_renderables:
            super()._print_error_renderables()
            return
        with self.error_console.capture() as captured:
            super()._print_error_renderables()
        self.driver.write(captured.get())
        self.driver.close()
