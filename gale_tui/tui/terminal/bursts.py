"""A burst of keys is a paste that the terminal did not bracket: it must not run one action for each letter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from textual import events

__all__ = ["FEWEST", "PAUSE", "QUIET", "UNFINISHED", "KeyBursts", "Typed", "is_unfinished", "press_behind", "text_of"]

Typed = events.Key | events.Paste
"""What comes from the keyboard, or from the terminal in its place."""
FIRST_WAIT = 0.01
"""Seconds that a key waits for company: far less than between two presses of a hand."""
QUIET = 0.15
"""Seconds without a key after which a burst is over: a slow line cuts a paste into pieces."""
UNFINISHED = 1.0
"""The same for a paste that cannot end where it does: within a quotation, behind a line that goes on."""
PAUSE = 0.04
"""Seconds without a key after which `enter` is a press of its own. The keys of a paste come closer together, those of a
hand never so close."""
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

    def __init__(self, press: Callable[[Typed], Awaitable[None]], paste: Callable[[str], None]) -> None:
        self._press = press
        self._paste = paste
        self._held: list[events.Key] = []
        self._patient = False
        self._timer: asyncio.TimerHandle | None = None
        self._release: asyncio.Task[None] | None = None

    @property
    def holding(self) -> bool:
        """True while a burst is not over."""
        return bool(self._held)

    def takes(self, event: events.Key) -> bool:
        """True where the key is held back, to be pressed or pasted in a moment."""
        if not self._held and not (event.is_printable and event.character):
            return False
        if self._timer is not None:
            self._timer.cancel()
        self._patient = False
        if not text_of(event):
            # No paste has such a key in it.
            self.end(event)
            return True
        self._held.append(event)
        wait = QUIET if self._is_paste() else FIRST_WAIT
        self._timer = asyncio.get_running_loop().call_later(wait, self._over)
        return True

    def _is_paste(self) -> bool:
        if len(self._held) < FEWEST:
            return False
        return any(event.character not in MOVES for event in self._held)

    def _over(self) -> None:
        if not self._patient and self._is_paste() and is_unfinished("".join(map(text_of, self._held))):
            self._patient = True
            self._timer = asyncio.get_running_loop().call_later(UNFINISHED, self._over)
            return
        self.end()

    def end(self, *behind: Typed) -> None:
        """Ends the burst; what is given comes behind it."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        held, paste = self._held, self._is_paste()
        self._held = []
        if paste:
            pressed = press_behind(held)
            self._paste("".join(map(text_of, held[: len(held) - len(pressed)])))
            held = pressed
        if held or behind:
            self._release = asyncio.ensure_future(self._press_all([*held, *behind]))

    async def _press_all(self, held: Sequence[Typed]) -> None:
        for event in held:
            await self._press(event)


def text_of(event: events.Key) -> str:
    """What a key is in a text; nothing where it is no part of any."""
    if event.key in ("enter", "ctrl+j"):
        return "\n"
    if event.key == "tab":
        return "\t"
    return event.character or "" if event.is_printable else ""


def press_behind(keys: Sequence[events.Key]) -> list[events.Key]:
    """The `enter` at the end of a burst, where it is a press and no line break of the text before it."""
    if len(keys) < 2 or text_of(keys[-1]) != "\n" or keys[-1].time - keys[-2].time < PAUSE:
        return []
    return [] if is_unfinished("".join(map(text_of, keys[:-1]))) else [keys[-1]]


def is_unfinished(text: str) -> bool:
    """True where a copied request cannot end here, so that the rest of it is still to come."""
    text = text.strip()
    if text.endswith(("\\", "^", " `")):
        return True
    if text.startswith("curl"):
        from gale_tui.core.paste.text import quotes_closed

        return not quotes_closed(text)
    if text.startswith(("fetch(", "await fetch(", "{", "$session")):
        return text.count("{") > text.count("}") or text.count("(") > text.count(")")
    return False
