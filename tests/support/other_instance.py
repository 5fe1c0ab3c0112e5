"""A second process with the same history, driven line by line: `python -m tests.support.other_instance FILE`.

Each line of its input is a JSON list of a word and arguments, each line of its output the answer. `die` and `freeze`
make the process kill or stop itself just before the n-th step (write or commit) from then on.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from gale_tui.core.errors import StoreError
from gale_tui.core.history.store import JobStore
from gale_tui.core.models import JobState
from tests.support.forked import Forked
from tests.support.history_samples import sample_job

__all__ = ["OtherInstance", "other_instance"]


class OtherInstance:
    """The handle on such a process."""

    def __init__(self, process: Forked, lines: asyncio.StreamReader) -> None:
        self.process = process
        self._lines = lines

    async def ask(self, *words: object) -> Any:
        """Sends a line and gives the answer; None where the process ended instead."""
        self.tell(*words)
        return await self.answer()

    def tell(self, *words: object) -> None:
        """Sends a line."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(words).encode() + b"\n")

    async def answer(self) -> Any:
        """The next answer; None where the process ended instead."""
        line = await self._lines.readline()
        return json.loads(line) if line else None

    async def stopped(self) -> None:
        """Waits until the process has stopped itself."""
        while _state(self.process.pid) != "T":  # noqa: ASYNC110  # no event tells it
            await asyncio.sleep(0.005)

    def go_on(self) -> None:
        """Lets a stopped process run."""
        self.process.send_signal(signal.SIGCONT)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@contextlib.asynccontextmanager
async def other_instance(path: Path, *first: object) -> AsyncIterator[OtherInstance]:
    """Starts one; with words, they are sent before it opens the history."""
    command = [sys.executable, "-m", "tests.support.other_instance", str(path)]
    process = Forked(command, env=os.environ, stdin=subprocess.PIPE, stderr=2)
    lines = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), process.stdout
    )
    other = OtherInstance(process, lines)
    try:
        if first:
            other.tell(*first)
        other.tell("open")
        if not first:
            assert await other.answer() == "open"
        yield other
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()
        pipe.close()
        # It is closed in the loop's next turn.
        await asyncio.sleep(0)


class _Steps:
    """Counts steps down to a signal."""

    def __init__(self) -> None:
        self.left = 0
        self.signal = signal.SIGKILL
        self.seen = 0

    def __call__(self, name: str) -> None:
        self.seen += 1
        if self.left:
            self.left -= 1
            if not self.left:
                # Of this thread: one sent to the process may let it run on until another thread has taken it.
                signal.pthread_kill(threading.get_ident(), self.signal)


async def _serve(path: Path) -> None:
    steps = _Steps()
    store: JobStore | None = None
    for line in sys.stdin:
        word, *arguments = json.loads(line)
        if word in ("die", "freeze"):
            steps.left, steps.signal = arguments[0], signal.SIGKILL if word == "die" else signal.SIGSTOP
            continue
        if word == "open":
            store = await JobStore.open(path, step=steps)
            answer: object = "open"
        elif store is not None:
            try:
                answer = await _do(store, word, *arguments)
            except StoreError as error:
                answer = f"StoreError: {error}"
        if word == "steps":
            answer, steps.seen = steps.seen, 0
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


async def _do(store: JobStore, word: str, *arguments: Any) -> object:
    match word, *arguments:
        case "add", job_id:
            return (await store.add(sample_job(job_id), "requested")).job.revision
        case "percentage", job_id, percentage:
            change = await store.update(job_id, lambda job: dataclasses.replace(job, percentage=percentage), "told")
            return change and change.job.revision
        case "count", job_id, times:
            for _ in range(times):
                await store.update(job_id, lambda job: dataclasses.replace(job, posts=job.posts + 1), "counted")
            return "counted"
        case "state", job_id, state:
            change = await store.update(job_id, lambda job: dataclasses.replace(job, state=JobState(state)))
            return change and change.job.revision
        case "forget", job_id:
            forgotten = await store.remove(job_id)
            return forgotten and forgotten.job.revision
        case "acquire", job_id, kind, seconds:
            return await store.acquire(job_id, kind, seconds=seconds)
        case "renew", seconds:
            return await store.renew_all(seconds=seconds)
        case "close", *_:
            await store.close()
            return "closed"
    return None


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
