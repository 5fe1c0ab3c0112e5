"""A job of the sandbox that has succeeded, and downloads of its file."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gale_tui.core.downloads.download import DownloadPlan, DownloadTask
from gale_tui.core.downloads.file_names import Naming
from gale_tui.core.downloads.saved_file import SavedFile
from gale_tui.core.errors import GaleError
from gale_tui.core.http.transport import Transport
from gale_tui.core.identifiers import parse_host
from gale_tui.core.models import Download, Environment
from gale_tui.core.secret import Secret, SignedUrl
from gale_tui.sandbox.script import File, Script
from tests.support.sandbox import Sandbox

__all__ = ["FINISHED", "NAME", "Fetching", "Running", "fetching", "finished"]

FINISHED = 1_795_435_234.0
"""When every job of these tests ended: 2026-11-23 12:00:34 UTC."""
NAME = "Scripted Tool--staging--20261123T120034Z.zip"


@dataclass
class Fetching:
    """Downloads from one place into one folder, and what was recorded about the part."""

    transport: Transport
    folder: Path
    parts: list[tuple[Path, str | None, int | None]] = field(default_factory=list)

    def plan(self, url: str, **fields: Any) -> DownloadPlan:
        """A plan for `url`; anything else may be given."""
        plan = DownloadPlan(SignedUrl(url), self.folder, "fallback", Naming("staging", FINISHED))
        before = {name: fields.pop(name) for name in ("part", "received", "validator", "size") if name in fields}
        return dataclasses.replace(plan, before=Download(**before), **fields)

    def task(
        self,
        url: str,
        *,
        stall: float = 30.0,
        step: Callable[[str], None] | None = None,
        on_part: Callable[[Path, str | None, int | None], None] | None = None,
        **fields: Any,
    ) -> DownloadTask:
        """A download that is not running yet."""
        return DownloadTask(
            self.transport,
            self.plan(url, **fields),
            on_part=on_part or (lambda *part: self.parts.append(part)),
            stall_seconds=stall,
            step=step,
        )

    def again(self, url: str, before: DownloadTask, **more: Any) -> DownloadTask:
        """A download that goes on with what another one left."""
        return self.task(
            url, part=before.part, received=before.received, validator=before.validator, size=before.size, **more
        )

    @property
    def files(self) -> list[str]:
        """What is in the folder."""
        return sorted(path.name for path in self.folder.iterdir())


@contextlib.contextmanager
def fetching(url: str, folder: Path, key: Secret | None = None, **fields: Any) -> Iterator[Fetching]:
    """Downloads for an environment called staging; no socket may be left open in the end."""
    transport = Transport(Environment("e-1", "staging", parse_host(url), **fields), lambda: key)
    folder.mkdir(exist_ok=True)
    try:
        yield Fetching(transport, folder)
    finally:
        transport.close()
    assert len(transport.sockets) == 0


def finished(sandbox: Sandbox, file: File | None = None, **more: Any) -> tuple[str, str]:
    """Dock status id and link of a job that has succeeded at once."""
    tool_id = f"a-{len(sandbox.jobs)}"
    sandbox.script(tool_id, Script(duration=0.0, file=file or File(), **more))
    call = urllib.request.Request(  # noqa: S310  # loopback
        f"{sandbox.url}/api/public/tools/{tool_id}/export?flowId=cf-1",
        method="POST",
        headers={"x-api-key": sandbox.key},
    )
    with urllib.request.urlopen(call) as answer:  # noqa: S310  # loopback
        body = json.load(answer)
    return body["dock-statusId"], body["response"]["downloadUrl"]


class Running:
    """A download on its thread."""

    def __init__(self, task: DownloadTask) -> None:
        self.task = task
        self.outcome: SavedFile | GaleError | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.outcome = self.task.run()
        except GaleError as error:
            self.outcome = error

    def until(self, condition: Callable[[DownloadTask], bool]) -> None:
        """Waits until the download is as far as that."""
        pause = threading.Event()
        while not condition(self.task):
            assert self._thread.is_alive(), self.outcome
            pause.wait(0.002)

    def join(self) -> SavedFile | GaleError | None:
        """Waits for its end."""
        self._thread.join(120)
        assert not self._thread.is_alive()
        return self.outcome
