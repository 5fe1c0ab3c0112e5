"""A terminal that is gone (tmux ended, a dropped line) must not keep the program from ending."""

from __future__ import annotations

import io
import threading
from types import SimpleNamespace
from typing import cast

from textual.driver import Driver
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.tui.app import GaleApp
from tests.tui.stub_engine import StubEngine


def test_the_end_waits_for_no_writer_that_has_died() -> None:
    app = GaleApp(cast("GaleEngine", StubEngine()), signals=False)
    # As the framework leaves it: the thread died of its first write, and what came behind fills its queue.
    writer = WriterThread(io.StringIO())
    for _ in range(MAX_QUEUED_WRITES):
        writer.write("x")
    writer.join = lambda timeout=None: None  # type: ignore[method-assign]  # it was never started, as good as dead
    app._driver = cast("Driver", SimpleNamespace(_writer_thread=writer))
    app._let_go_of_writer()
    stopping = threading.Thread(target=writer.stop, daemon=True)
    stopping.start()
    stopping.join(10)
    assert not stopping.is_alive()
