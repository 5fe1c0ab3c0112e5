"""Handles keys in the order in which they were typed, even while a screen opens."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from textual import events
from textual.command import CommandPalette
from textual.widgets import Input

if TYPE_CHECKING:
    from textual.app import App
    from textual.message_pump import MessagePump

LONGEST: Final = 2.0
"""Longest wait of a key for the effects of the one before, in seconds."""
_ROUNDS: Final = 3
"""Passes in which neither screen nor focus changes: a key, the message that a widget makes of it, what that opens."""
_LOOK: Final = 0.005
"""Seconds between two checks of a worker."""

Turn = events.Key | events.Paste | Callable[[], None]


class KeyQueue:
    """Hands on keys and pastes one by one, each once the screen that the one before it opened can take it.

    Args:
        app: Whose screens take the keys. A screen's `KEYS_WAIT_FOR` names groups of its workers that open something.
        handle: Handles a key or paste whose turn it is.
    """

    def __init__(self, app: App[Any], handle: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._handle = handle
        self._turns: deque[Turn] = deque()
        self._task: asyncio.Task[None] | None = None
        self._typing = False

    def put(self, *turns: Turn) -> None:
        """Queues keys and pastes, and functions to call between them."""
        self._turns.extend(turns)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        try:
            while self._turns:
                await self._take(self._turns.popleft())
        except Exception as error:
            self._app.call_later(_raise, error)

    async def _take(self, turn: Turn) -> None:
        typed = isinstance(turn, events.Key) and turn.is_printable and isinstance(self._app.focused, Input)
        if self._typing and not typed:
            await self._settle()
        # Text in a field opens nothing, so that what is typed there need not wait.
        self._typing = typed
        if isinstance(turn, events.Event):
            await self._handle(turn)
        else:
            turn()
        if not typed:
            await self._settle()

    async def _settle(self) -> None:
        """Returns once screens and widgets have handled the effects of the keys so far."""
        app = self._app
        deadline = asyncio.get_running_loop().time() + LONGEST
        same = 0
        while same < _ROUNDS and app.screen_stack and asyncio.get_running_loop().time() < deadline:
            screen, focused = app.screen, app.focused
            for pump in (focused or screen).ancestors_with_self:
                await self._reached(pump, deadline)
            if self._opening():
                same = 0
                await asyncio.sleep(_LOOK)
            elif app.screen_stack and (screen, focused) == (app.screen, app.focused):
                same += 1
            else:
                same = 0

    async def _reached(self, pump: MessagePump, deadline: float) -> None:
        """Returns once a message queue has handled what waits in it now, or is closed."""
        reached = asyncio.Event()
        if not pump.call_later(reached.set):
            return
        while not reached.is_set() and (pump is self._app or pump.is_attached):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return
            # A widget that is removed meanwhile calls nothing.
            await asyncio.wait([asyncio.ensure_future(reached.wait())], timeout=min(left, 0.1))

    def _opening(self) -> bool:
        app = self._app
        if not app.screen_stack:
            return False
        screen = app.screen
        groups: frozenset[str] = getattr(screen, "KEYS_WAIT_FOR", frozenset())
        return any(
            worker.node is screen and not worker.is_finished
            for worker in app.workers
            if isinstance(screen, CommandPalette) or worker.group in groups
        )


def _raise(error: Exception) -> None:
    raise error
