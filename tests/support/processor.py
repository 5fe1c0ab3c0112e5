"""A limit of processor time: what other processes do meanwhile does not count."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator

import pytest

__all__ = ["processor_seconds"]


@contextlib.contextmanager
def processor_seconds(most: float) -> Iterator[None]:
    """Fails the test once this process, with its threads, has computed for longer; Windows has no such timer."""
    if sys.platform == "win32":
        yield
        return

    def too_long(*_: object) -> None:
        pytest.fail(f"took more than {most} s of processor time")

    before = signal.signal(signal.SIGVTALRM, too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, most)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
