"""Signals that end the program, on every event loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from types import FrameType


def handle_signals(names: Sequence[str], handle: Callable[[int], object]) -> None:
    """Calls `handle` with the signal's number in the running loop; signals that the system lacks are left out."""
    loop = asyncio.get_running_loop()

    def pass_on(number: int, frame: FrameType | None) -> None:
        # RuntimeError: the loop is closed, the program ends already.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(handle, number)

    for name in names:
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, handle, number)
        except NotImplementedError:
            # Windows' loops handle none.
            signal.signal(number, pass_on)
