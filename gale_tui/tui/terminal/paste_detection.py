"""A paste that the terminal did not bracket arrives as keys; it must not run one action for each letter."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from textual import events
from textual.widget import Widget
from textual.widgets import Input

FIRST_WAIT: Final = 0.01
"""Seconds that a key is held to see whether others follow: far less than between two presses of a hand."""
QUIET: Final = 0.15
"""Seconds without a key after which a burst is over: a slow line cuts a paste into pieces."""
UNFINISHED: Final = 1.0
"""The same for a paste that cannot end where it does: within a quotation, behind a line that continues."""
PAUSE: Final = 0.04
"""Seconds before an `enter` that is a press; the keys of a paste come closer together, those of a hand never."""
FEWEST: Final = 4
"""Keys from which a burst may be a paste."""
LONG: Final = 16
"""Characters, not all alike, that no hand types in one burst."""

_PASTED: Final = re.compile(
    r"https?://|\b(?:a|cf|ds|agent-ej)-[0-9a-f]{4}|[^,;\t\n]{3}[,;][^,;\t\n]{3}|\S\t\S.*\n.*\S\t\S", re.IGNORECASE
)
"""Ids, an address or a list. A tab in one line alone is a hand's, on its way to the next field."""
_REQUEST: Final = re.compile(r"https?://|^\s*(?:curl|fetch\(|\$session)|\.har[\"']?\s*$", re.IGNORECASE)


class ReadingInput(Input):
    """A text field that can read more in a paste than its own value."""

    read_more: Callable[[str], bool] | None = None
    """Called with each paste first; returns True if it read more in it than this field's own value."""

    def insert_line(self, text: str) -> None:
        """Inserts the first line of a text."""
        raise NotImplementedError


class PasteDetector:
    """Tells single presses from pastes.

    Outside of text fields keys are held for a moment, until it is clear which they are. In a text field they are typed
    at once, and only an `enter` right behind a burst waits: if more follows, or the burst is a request, the fields get
    back what was in them and the text is read like any other paste.

    Args:
        put: Queues keys and pastes, and functions to call between them.
    """

    def __init__(self, put: Callable[..., None]) -> None:
        self._put = put
        self._typed: list[events.Key] = []
        self._held: list[events.Key] = []
        self._before: dict[ReadingInput, tuple[str, int]] = {}
        self._last = 0.0
        self._patient = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def holding(self) -> bool:
        """True if keys are held."""
        return bool(self._held)

    def holds(self, event: events.Key, focused: Widget | None) -> bool:
        """Returns True if the key is held, to be pressed or pasted in a moment."""
        gap, self._last = event.time - self._last, event.time
        text = _text_of(event)
        if self._held:
            self._cancel()
            if not text:
                # No paste has such a key in it.
                self.end(event)
                return True
            self._held.append(event)
            self._wait()
            return True
        if not isinstance(focused, Input):
            self._forget()
            if not (event.is_printable and event.character):
                return False
            self._held.append(event)
            self._wait()
            return True
        if gap > PAUSE:
            self._forget()
        if not text or not isinstance(focused, ReadingInput) or focused.read_more is None:
            self._forget()
            return False
        self._cancel()
        if not self._before:
            # The keys are handled later, so that the focus lags: a tab among them may have left this field.
            others = focused.screen.query(ReadingInput)
            self._before = {each: (each.value, each.cursor_position) for each in (focused, *others)}
        (self._held if text == "\n" and len(self._typed) >= FEWEST else self._typed).append(event)
        self._wait()
        return bool(self._held)

    def end(self, *following: events.Key | events.Paste) -> None:
        """Ends the burst and queues its events, followed by `behind`."""
        typed, held, before = self._typed, self._held, self._before
        self._forget()
        keys = [*typed, *held]
        text = _text(keys)
        pasted = looks_pasted(text)
        turns: Sequence[object] = held
        if before:
            several = pasted and "\n" in text.strip()
            if several or _REQUEST.search(text):
                # Queued behind the keys that the field has not handled yet.
                read = partial(_read, next(iter(before)), before, text, several)
                turns = [read, *(_final_enter(keys) if several else held)]
        elif pasted:
            pressed = _final_enter(keys)
            turns = [events.Paste(_text(keys[: len(keys) - len(pressed)])), *pressed]
        self._put(*turns, *following)

    def _wait(self, seconds: float | None = None) -> None:
        if seconds is None:
            short = not self._before and (len(self._held) < FEWEST or _all_alike(_text(self._held)))
            seconds = FIRST_WAIT if short else QUIET
        self._timer = asyncio.get_running_loop().call_later(seconds, self._over)

    def _over(self) -> None:
        text = _text((*self._typed, *self._held))
        if not self._patient and len(self._held) > 1 and looks_pasted(text) and is_unfinished(text):
            self._patient = True
            self._wait(UNFINISHED)
            return
        self.end()

    def _cancel(self) -> None:
        self._patient = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _forget(self) -> None:
        self._cancel()
        self._typed, self._held, self._before = [], [], {}


def looks_pasted(text: str) -> bool:
    """Returns True for a paste, not for a key held down: it is long, or has ids, an address, a list, or a request."""
    if len(text) < FEWEST or _all_alike(text):
        return False
    return len(text.strip()) >= LONG or bool(_PASTED.search(text) or _REQUEST.search(text))


def _all_alike(text: str) -> bool:
    return len(set(text.strip())) < FEWEST - 1


def _text(keys: Sequence[events.Key]) -> str:
    return "".join(map(_text_of, keys))


def _text_of(event: events.Key) -> str:
    """The character that a key types; empty if it types none."""
    if event.key in ("enter", "ctrl+j"):
        return "\n"
    if event.key == "tab":
        return "\t"
    return event.character or "" if event.is_printable else ""


def _final_enter(keys: Sequence[events.Key]) -> list[events.Key]:
    """The `enter` at the end of a burst, where it is a press and no line break of the text before it."""
    if len(keys) < 2 or _text_of(keys[-1]) != "\n" or keys[-1].time - keys[-2].time < PAUSE:
        return []
    return [] if is_unfinished(_text(keys[:-1])) else [keys[-1]]


def is_unfinished(text: str) -> bool:
    """Returns True if a copied request cannot end here, so that more of it must follow."""
    text = text.strip()
    if text.endswith(("\\", "^", " `")):
        return True
    if text.startswith("curl"):
        from gale_tui.core.paste.text import quotes_closed

        return not quotes_closed(text)
    if text.startswith(("fetch(", "await fetch(", "{", "$session")):
        return text.count("{") > text.count("}") or text.count("(") > text.count(")")
    return False


def _read(field: ReadingInput, before: dict[ReadingInput, tuple[str, int]], text: str, several: bool) -> None:
    """Reads typed text as a paste. A single line without a request stays as it was typed."""
    typed = {each: (each.value, each.cursor_position) for each in before}
    _put_back(before)
    if field.read_more is not None and field.read_more(text):
        return
    if several:
        field.focus()
        field.insert_line(text)
    else:
        _put_back(typed)


def _put_back(values: dict[ReadingInput, tuple[str, int]]) -> None:
    for field, (value, cursor) in values.items():
        with field.prevent(Input.Changed):
            field.value = value
        field.cursor_position = cursor
