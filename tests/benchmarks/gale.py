"""The embedded GALE in a process of its own, so that what is measured shares no interpreter with it.

As a program: writes its URL and key as one line of JSON and serves until standard input ends.
"""

from __future__ import annotations

import http.client
import json
import math
import subprocess
import sys
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.benchmarks.watched import ROOT

__all__ = ["CHANGING", "ENDLESS", "Gale", "file_tool"]

ENDLESS = "a-endless"
"""A tool whose exports never end and never change."""
CHANGING = "a-changing"
"""A tool whose exports say another percentage and word as time goes on."""
STEP = 2.0
"""Seconds from one of its words to the next."""


def file_tool(size: int, *, seconds: float = 0.0) -> str:
    """The tool whose export is done after so many seconds and whose file has that many bytes."""
    return f"a-file-{size}-{seconds:g}"


class Gale:
    """Starts and ends the process.

    Args:
        sizes: Of the files that :func:`file_tool` shall give.
    """

    def __init__(self, *sizes: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.gale", *map(str, sizes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.url: str = told["url"]
        self.key: str = told["key"]
        self._line = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._line.close()
        self._process.communicate(timeout=30)

    @property
    def variables(self) -> dict[str, str]:
        """What tells gale-tui of it."""
        return {"GALE_HOST": self.url, "GALE_API_KEY": self.key}

    def export(self, tool_id: str) -> dict[str, Any]:
        """Starts an export; the answer."""
        self._line.request(
            "POST",
            f"/api/public/tools/{tool_id}/export?flowId=cf-benchmark",
            headers={"x-api-key": self.key, "Content-Type": "application/json"},
        )
        answer: dict[str, Any] = json.loads(self._line.getresponse().read())
        return answer

    def ask(self, dock_status_id: str) -> bytes:
        """One status call over a kept connection, with nothing round it; the answer."""
        self._line.request("GET", f"/api/public/dock-status/{dock_status_id}", headers={"x-api-key": self.key})
        return self._line.getresponse().read()


def main() -> None:
    """Serves until standard input ends."""
    from gale_tui.sandbox.script import File, Script
    from tests.support.sandbox import Sandbox

    words = tuple((STEP * number, f"STEP_{number:03}") for number in range(1, 200))
    with Sandbox() as sandbox:
        sandbox.script(ENDLESS, Script(duration=math.inf))
        sandbox.script(CHANGING, Script(duration=math.inf, statuses=words))
        for size in map(int, sys.argv[1:]):
            for seconds in (0.0, 3.0):
                sandbox.script(file_tool(size, seconds=seconds), Script(duration=seconds, file=File(size=size)))
        sys.stdout.write(json.dumps({"url": sandbox.url, "key": sandbox.key}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
