"""`gale-tui sandbox`: the sandbox alone, for developing against it."""

from __future__ import annotations

import contextlib
import queue
import signal
from typing import TextIO

from gale_tui.sandbox.server import Sandbox


def serve(port: int | None, out: TextIO) -> int:
    """Runs a sandbox until SIGINT, SIGTERM or SIGHUP.

    Here an export may leave `flowId` out, as the vendor's sample request does ("Export a Tool API").

    Args:
        port: None or 0 for one that is free.
        out: Gets its URL, its key, the tools and a ready command line.

    Returns:
        0 after a signal; 2 if the port is not available.
    """
    if port is not None and not 0 <= port < 65536:
        _say(out, f"Port {port} is not valid: use a number from 1 to 65535, or leave --port out for a free one.")
        return 2
    sandbox = Sandbox(port=port or 0, strict_flow=False)
    try:
        sandbox.start()
    except OSError as error:
        _say(out, f"The sandbox cannot use port {port}: {error.strerror}. Choose another, or leave --port out.")
        return 2
    # A handler may run while the same thread waits: an Event's lock would then wait for itself.
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, frame: ended.put(number))
    with sandbox:
        _say(out, _introduction(sandbox))
        ended.get()
    return 0


def _introduction(sandbox: Sandbox) -> str:
    first = sandbox.offered[0]
    export = f"{sandbox.url}/api/public/tools/{first.tool_id}/export?flowId={first.flow_id}"
    lines = ["GALE sandbox, on this machine only", "", f"URL  {sandbox.url}", f"key  {sandbox.key}", ""]
    for tool in sandbox.offered:
        lines += [f"{tool.name}: {tool.what}", f"  tool {tool.tool_id}", f"  flow {tool.flow_id}"]
    lines += [
        "",
        "Start an export:",
        "",
        f"curl --location --request POST '{export}' \\",
        f"--header 'x-api-key: {sandbox.key}' \\",
        "--header 'Content-Type: application/json'",
        "",
        "Dock status:",
        "",
        f"curl '{sandbox.url}/api/public/dock-status/ds-…' --header 'x-api-key: {sandbox.key}'",
        "",
        "ctrl+c ends it.",
    ]
    return "\n".join(lines)


def _say(out: TextIO, text: str) -> None:
    # Whoever reads the output may be gone, as with `| head`; the sandbox runs on for its clients.
    with contextlib.suppress(BrokenPipeError):
        out.write(f"{text}\n")
        out.flush()
