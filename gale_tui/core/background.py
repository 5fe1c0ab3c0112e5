"""Tasks beside the screens: their errors are reported, and they end together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from gale_tui.core.errors import GaleError


def report_failure(task: asyncio.Task[Any]) -> None:
    """Hands the exception that ended a task to the loop's handler; for `add_done_callback`."""
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler({"message": f"{task.get_name()} failed", "exception": error})


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels tasks and waits for their ends, whatever those are."""
    cancelled = tuple(tasks)
    for task in cancelled:
        task.cancel()
    await asyncio.gather(*cancelled, return_exceptions=True)


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
        task.add_done_callback(self._finish)
        if self._ended:
            task.cancel()
        return task

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), GaleError):
            self._notify(str(error))
        else:
            report_failure(task)

    async def end(self) -> None:
        """Cancels all tasks and waits for them."""
        self._ended = True
        await cancel_all(self._tasks)
