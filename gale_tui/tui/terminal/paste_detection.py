"""A paste that the terminal did not bracket, into a field that reads requests: typed before it is known as one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from textual import events
from textual.widgets import Input

from gale_tui.tui.terminal.bursts import FEWEST, PAUSE, QUIET, UNFINISHED, Typed, is_unfinished, press_behind, text_of
from gale_tui.tui.widgets.forms.fields import FieldInput

__all__ = ["TypedBursts"]

_REQUEST: Final = re.compile(r"https?://|^\s*(?:curl|fetch\(|\$session)|\.har[\"']?\s*$", re.IGNORECASE)


class TypedBursts:
    """Lets keys be typed at once, but an `enter` right behind a burst of them waits for what follows.

    Where nothing follows it is pressed. Where more does, the whole is a paste of several lines: the fields get back
    what was in them, and the text is read like any other paste. An address on one line is read in the same way.

    Args:
        press: Handles a key that was pressed.
    """

    def __init__(self, press: Callable[[Typed], Awaitable[None]]) -> None:
        self._press = press
        self._typed: list[events.Key] = []
        self._held: list[events.Key] = []
        self._before: dict[FieldInput, tuple[str, int]] = {}
        self._last = 0.0
        self._patient = False
        self._timer: asyncio.TimerHandle | None = None
        self._release: asyncio.Task[None] | None = None

    @property
    def holding(self) -> bool:
        """True while keys are held back."""
        return bool(self._held)

    def takes(self, event: events.Key, field: Input | None) -> bool:
        """True where the key is held back.

        Args:
            event: The key.
            field: What has the focus, if that is a text field.
        """
        gap, self._last = event.time - self._last, event.time
        text = text_of(event)
        if self._held:
            self._cancel()
            if text:
                self._held.append(event)
                self._wait(QUIET)
            else:
                self.end(event)
            return True
        if gap > PAUSE:
            self._forget()
        if not text or not isinstance(field, FieldInput) or field.reading is None:
            self._forget()
            return False
        self._cancel()
        self._before.setdefault(field, (field.value, field.cursor_position))
        if text == "\n" and len(self._typed) >= FEWEST:
            self._held.append(event)
        else:
            self._typed.append(event)
        self._wait(QUIET)
        return bool(self._held)

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._over)

    def _cancel(self) -> None:
        self._patient = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _forget(self) -> None:
        self._cancel()
        self._typed, self._held, self._before = [], [], {}

    def _over(self) -> None:
        text = "".join(map(text_of, (*self._typed, *self._held)))
        if not self._patient and len(self._held) > 1 and is_unfinished(text):
            self._patient = True
            self._wait(UNFINISHED)
            return
        self.end()

    def end(self, *behind: Typed) -> None:
        """Ends the burst; what is given comes behind it."""
        typed, held, before = self._typed, self._held, self._before
        self._forget()
        keys = [*typed, *held]
        text = "".join(map(text_of, keys))
        several = "\n" in text.strip()
        pressed = press_behind(keys) if several else held
        field = next(iter(before), None)
        if field is not None and (several or _REQUEST.search(text)):

            def read() -> None:
                _read(field, before, text, several)
                self._press_soon([*pressed, *behind])

            # Behind the keys that it has still to take.
            field.call_later(read)
        else:
            self._press_soon([*pressed, *behind])

    def _press_soon(self, keys: Sequence[Typed]) -> None:
        if keys:
            self._release = asyncio.ensure_future(self._press_all(keys))

    async def _press_all(self, keys: Sequence[Typed]) -> None:
        for event in keys:
            await self._press(event)


def _read(field: FieldInput, before: dict[FieldInput, tuple[str, int]], text: str, several: bool) -> None:
    """Reads what was typed as a paste. Where there is nothing in a single line it stays as it was typed."""
    typed = {each: (each.value, each.cursor_position) for each in before}
    _put_back(before)
    if field.reading is not None and field.reading(text):
        return
    if several:
        field.focus()
        field.insert_line(text)
    else:
        _put_back(typed)


def _put_back(values: dict[FieldInput, tuple[str, int]]) -> None:
    for field, (value, cursor) in values.items():
        with field.prevent(Input.Changed):
            field.value = value
        field.cursor_position = cursor
