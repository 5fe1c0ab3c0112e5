"""Blocking calls on daemon threads.

The default executor and the framework's thread workers are joined at exit, so a call that hangs (a keyring prompt, a
name look-up, a stalled server) would delay quitting.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


class DaemonThreads:
    """Runs blocking functions on daemon threads, which it reuses.

    Args:
        keep: How many idle threads are kept.
        most: How many threads there are, none of which ends before `close`; further calls wait their turn. If None, the
            callers limit the number of calls, and so of threads.
    """

    def __init__(self, name: str, keep: int = 8, most: int | None = None) -> None:
        self._name = name
        self._keep = keep if most is None else most
        self._most = most
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._calls: deque[Callable[[], None]] = deque()
        self._idle = 0
        self._closed = False
        self._count = 0

    def start(self, call: Callable[[], None]) -> None:
        """Runs `call` on a thread; it must handle its own exceptions."""
        with self._ready:
            if self._closed:
                raise RuntimeError(f"{self._name} threads are closed")
            self._calls.append(call)
            if self._idle >= len(self._calls) or self._count == self._most:
                self._ready.notify()
                return
            self._count += 1
            number = self._count
        threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._calls:
                    if self._closed or self._idle >= self._keep:
                        return
                    self._idle += 1
                    self._ready.wait()
                    self._idle -= 1
                call = self._calls.popleft()
            call()
            del call

    async def call(self, function: Callable[..., T], *arguments: Any, within: float | None = None) -> T:
        """Runs `function(*arguments)` on a thread and awaits its result.

        Args:
            within: Seconds to wait; the function itself continues, its result is discarded.

        Raises:
            TimeoutError: It took longer than `within`.
            Exception: Whatever `function` raises.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            result: T | None = None
            error: BaseException | None = None
            try:
                result = function(*arguments)
            except BaseException as caught:
                error = RuntimeError("StopIteration") if isinstance(caught, StopIteration) else caught
            try:
                loop.call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:
                # The loop is closed: the program is ending and nobody waits for this any more.
                return
            finally:
                del result, error

        self.start(run)
        if within is None:
            return await future
        # In an empty context: the loop keeps a cancelled timer until it is due, and its context the caller's screen.
        limit = loop.call_later(within, _settle, future, None, TimeoutError(), context=Context())
        try:
            return await future
        finally:
            limit.cancel()

    def close(self) -> None:
        """Lets idle threads end; busy ones end with their call or with the process."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
