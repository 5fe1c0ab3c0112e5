"""The sandbox itself: it listens, and offers tools."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from gale_tui.sandbox.calls import Gale
from gale_tui.sandbox.clock import SandboxTime
from gale_tui.sandbox.jobs import Memory
from gale_tui.sandbox.listener import Listener
from gale_tui.sandbox.tools import DEMO, SampleTool

if TYPE_CHECKING:
    import ssl

SANDBOX_KEY: Final = "kg-5a9db0c5-0000-4000-8000-000000000001-5a9db0c5-0000-4000-8000-000000000002"
"""The key of every sandbox; it opens nothing else."""


class Sandbox(Gale):
    """A GALE on loopback, for the demo, for development and for tests.

    Args:
        port: 0 for one that is free.
        key: The valid `x-api-key`; may be changed while it runs (:attr:`key`).
        clock: Monotonic seconds; jobs, links and pauses follow it.
        seed: Makes all ids the same ones each time. Without it those of the offered tools still are, those of jobs not.
        catalogue: The tools to offer, in their order.
        strict_flow: Whether an export without `flowId` is refused even where the tool has one deployed flow only. The
            vendor's parameter table requires it, its sample request leaves it out ("Export a Tool API").
        tls: Server side context; https instead of http.
        keep: A file that port and jobs are kept in for the next run.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        key: str = SANDBOX_KEY,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        speed: float = 1.0,
        seed: int | None = None,
        catalogue: Sequence[SampleTool] = DEMO,
        strict_flow: bool = True,
        tls: ssl.SSLContext | None = None,
        keep: Path | None = None,
    ) -> None:
        super().__init__(SandboxTime(clock, wall, speed), key, seed, strict_flow)
        self._tls = tls
        self._lock = threading.Lock()
        self._running = False
        self._listeners: dict[str, Listener] = {}
        self._ports = {"own": port}
        self._urls: dict[str, str] = {}
        for sample in catalogue:
            self.add_tool(sample.flow.name, sample.script, what=sample.what, flow=sample.flow, later=sample.later)
        self._memory = Memory(keep, self._time) if keep is not None else None
        self._port_kept = False
        if self._memory is not None:
            self._jobs.update({job.dock_status_id: job for job in self._memory.jobs(self.tools)})
            if port == 0 and self._memory.port:
                self._ports["own"] = self._memory.port
                self._port_kept = True

    def start(self) -> None:
        """Listens, on daemon threads. After a stop it listens at the same port again and knows its jobs.

        Raises:
            OSError: The port is not available.
        """
        with self._lock:
            if self._running:
                return
            self._time.stopping.clear()
            try:
                self._listen("own")
            except OSError as error:
                if not self._port_kept or error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
                # Another program has the port of last time: the kept jobs' origin is gone, new ones work.
                self._ports["own"] = 0
                self._listen("own")
            self._running = True
        self._remember()

    def stop(self) -> None:
        """Closes the ports and every connection at once; nothing is left running, and no file that it made."""
        self._time.stopping.set()
        with self._lock:
            self._running = False
            listeners, self._listeners = list(self._listeners.values()), {}
        for listener in listeners:
            listener.close()
        self._delivery.forget_files()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its origin, such as `http://127.0.0.1:49152`; known from the first start on."""
        return self._base("own")

    def _base(self, which: str) -> str:
        with self._lock:
            if which not in self._urls or (self._running and which not in self._listeners):
                if not self._running:
                    raise ConnectionAbortedError("the sandbox is not running")
                self._listen(which)
            return self._urls[which]

    def _listen(self, which: str) -> None:
        tls = None if which == "plain" else self._tls
        listener = Listener(self._ports.get(which, 0), self.answer, self._time, tls)
        self._listeners[which] = listener
        self._ports[which] = listener.port
        self._urls[which] = listener.url
        listener.begin()

    def _remember(self) -> None:
        if self._memory is not None:
            with self.lock:
                self._memory.save(self._ports["own"], self._jobs.values())
