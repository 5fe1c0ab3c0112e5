"""The request log: what clients really sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["RequestLog", "RequestRecord"]


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request as it came, and what was answered."""

    at: float
    """Reading of the sandbox's clock (seconds, not scaled) when the request was whole."""
    method: str
    target: str
    """The request target, raw."""
    path: str
    """The path of it, percent-decoded."""
    query: dict[str, str] = field(hash=False)
    """Decoded; of a name that came twice, the last value."""
    headers: tuple[tuple[str, str], ...]
    """In their order, names as they were written."""
    body_length: int
    """Bytes of body, 0 without one."""
    status: int
    """The HTTP status answered; 0 where the line was cut or stalled before an answer."""
    origin: str
    """Which of the sandbox's origins was asked."""

    def header(self, name: str) -> str | None:
        """The first value of a header, in any case."""
        wanted = name.lower()
        return next((value for header, value in self.headers if header.lower() == wanted), None)

    def header_values(self, name: str) -> tuple[str, ...]:
        """All values of a header, in any case."""
        wanted = name.lower()
        return tuple(value for header, value in self.headers if header.lower() == wanted)


class RequestLog:
    """The records of all requests, safe to read from any thread. A record is there before its answer is sent."""

    def __init__(self) -> None:
        self._records: list[RequestRecord] = []
        self._added = threading.Condition()

    def add(self, record: RequestRecord) -> None:
        """Appends a record and wakes who waits for it."""
        with self._added:
            self._records.append(record)
            self._added.notify_all()

    def records(self) -> list[RequestRecord]:
        """A copy of all records, oldest first."""
        with self._added:
            return list(self._records)

    def of(self, method: str, path: str) -> list[RequestRecord]:
        """The records of one call, oldest first; `path` decoded."""
        return [record for record in self.records() if record.method == method and record.path == path]

    def clear(self) -> None:
        """Forgets all records."""
        with self._added:
            self._records.clear()

    def wait_for(self, enough: Callable[[list[RequestRecord]], bool], timeout: float = 10.0) -> list[RequestRecord]:
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
