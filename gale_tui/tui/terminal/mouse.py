"""Leaving the mouse to the terminal while the program runs, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gale_tui.tui.terminal.driver import TerminalDriver

__all__ = ["MouseSwitch"]

_MODES = (1000, 1003, 1015, 1006)
_PIXELS = 1016


class MouseSwitch:
    """The mouse reports of the terminal."""

    def __init__(self, driver: Callable[[], TerminalDriver | None]) -> None:
        self._driver = driver

    @property
    def on(self) -> bool | None:
        """Whether the mouse works in the program; None where there is no terminal."""
        driver = self._driver()
        return None if driver is None else driver.mouse

    def switch(self, on: bool) -> None:
        driver = self._driver()
        if driver is None or driver.mouse is on:
            return
        driver.mouse = on
        modes = _MODES if on else (_PIXELS, *_MODES)
        driver.write("".join(f"\x1b[?{mode}{'h' if on else 'l'}" for mode in modes))
