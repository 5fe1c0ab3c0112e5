"""One download without a screen, as the engine does it: received, hashed, verified, named. Tells as JSON what it cost.

A small file is fetched before: code and connections are there by then, as they are in the app after its first frame.
The part that `curl -o` does as well, and the end that it does not (verifying, forcing to the disk, naming), apart.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from gale_tui.core.downloads.download import DownloadPlan, DownloadTask
from gale_tui.core.downloads.file_names import Naming
from gale_tui.core.http.transport import Transport
from gale_tui.core.identifiers import parse_host
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret, SignedUrl


def main() -> None:
    """Downloads `argv[1]` into the folder `argv[2]`, after the small file `argv[3]`."""
    link, folder = sys.argv[1], Path(sys.argv[2])
    environment = Environment(id="env", name="env", origin=parse_host(link))
    transport = Transport(environment, lambda: Secret("kg-benchmark-0000"))
    synced: list[float] = []

    def step(name: str) -> None:
        if name == "fsync":
            synced.append(time.perf_counter())

    small = DownloadPlan(SignedUrl(sys.argv[3]), folder, "small", Naming("env", time.time()))
    DownloadTask(transport, small).run()
    plan = DownloadPlan(SignedUrl(link), folder, "file", Naming("env", time.time()))
    task = DownloadTask(transport, plan, step=step)
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    saved = task.run()
    ended = time.perf_counter()
    after = resource.getrusage(resource.RUSAGE_SELF)
    transport.close()
    told = {
        "seconds": ended - began,
        "received": synced[0] - began,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory": (after.ru_maxrss - before.ru_maxrss) * 1024,
        "size": saved.size,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
