"""The request log: what clients really sent."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from gale_tui.sandbox.wire import Request


class RequestLog:
    """The records of the last 10,000 requests, safe to read from any thread. One is there before its answer is sent."""

    def __init__(self) -> None:
        self._records: deque[Request] = deque(maxlen=10_000)
        self._added = threading.Condition()

    def add(self, record: Request) -> None:
        """Appends a record and wakes who waits for it."""
        with self._added:
            self._records.append(record)
            self._added.notify_all()

    def records(self) -> list[Request]:
        with self._added:
            return list(self._records)

    def of(self, method: str, path: str) -> list[Request]:
        """The records of one call, oldest first; `path` decoded."""
        return [record for record in self.records() if record.method == method and record.path == path]

    def clear(self) -> None:
        with self._added:
            self._records.clear()

    def wait_for(self, enough: Callable[[list[Request]], bool], timeout: float = 10.0) -> list[Request]:
        """Waits until `enough(records)` is true.

        Args:
            enough: Is called with a copy of the records at the start and after each new one.
            timeout: Seconds of real time.

        Raises:
            TimeoutError: It never became true.
        """
        with self._added:
            if not self._added.wait_for(lambda: enough(list(self._records)), timeout):
                raise TimeoutError(f"waited {timeout} s; the log has {len(self._records)} requests")
            return list(self._records)
