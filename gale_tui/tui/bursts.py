"""A burst of keys is a paste that the terminal did not bracket: it must not run one action for each letter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual import events

__all__ = ["KeyBursts"]

FIRST_WAIT = 0.01
"""Seconds that a key waits for company: far less than between two presses of a hand."""
QUIET = 0.15
"""Seconds without a key after which a burst is over: a slow line cuts a paste into pieces."""
FEWEST = 4
"""Keys that make a burst; fewer may be a quick hand on a line that delivers in lumps."""
MOVES = frozenset("jkgG")
"""A held key arrives in lumps as well, and does no harm."""


class KeyBursts:
    """Holds printable keys back for a moment, and tells single presses from pastes.

    Args:
        press: Handles a key that was pressed.
        paste: Handles the text of a burst.
    """

    def __init__(self, press: Callable[[events.Key], Awaitable[None]], paste: Callable[[str], None]) -> None:
        self._press = press
        self._paste = paste
        self._held: list[events.Key] = []
        self._timer: asyncio.TimerHandle | None = None
        self._release: asyncio.Task[None] | None = None

    def takes(self, event: events.Key) -> bool:
        """True where the key is held back, to be pressed or pasted in a moment."""
        if not self._held and not (event.is_printable and event.character):
            return False
        self._held.append(event)
        if self._timer is not None:
            self._timer.cancel()
        wait = QUIET if self._is_paste() else FIRST_WAIT
        self._timer = asyncio.get_running_loop().call_later(wait, self._over)
        return True

    def _is_paste(self) -> bool:
        if len(self._held) < FEWEST:
            return False
        return any(event.character not in MOVES for event in self._held)

    def _over(self) -> None:
        self._timer = None
        held, paste = self._held, self._is_paste()
        self._held = []
        if paste:
            self._paste("".join(_text(event) for event in held))
        else:
            self._release = asyncio.ensure_future(self._press_all(held))

    async def _press_all(self, held: list[events.Key]) -> None:
        for event in held:
            await self._press(event)


def _text(event: events.Key) -> str:
    if event.key in ("enter", "ctrl+j"):
        return "\n"
    return event.character or ""
