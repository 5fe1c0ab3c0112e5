"""Tasks beside the screens: their errors are reported, and they end together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from gale_tui.core.errors import GaleError

__all__ = ["Background"]


class Background:
    """Tasks of the running loop.

    Args:
        notify: Called with the text of a `GaleError` that ends a task. Other exceptions go to the loop's handler.
    """

    def __init__(self, notify: Callable[[str], None]) -> None:
        self._notify = notify
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = False

    def start(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Starts a task; after `end` it is cancelled at once."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        if self._ended:
            task.cancel()
        return task

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, GaleError):
            self._notify(str(error))
        else:
            task.get_loop().call_exception_handler({"message": f"{task.get_name()} failed", "exception": error})

    async def end(self) -> None:
        """Cancels all tasks and waits for them."""
        self._ended = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
