"""`gale-tui sandbox`, as a process of its own."""

from __future__ import annotations

import io
import re
import shlex
import signal
import socket
import subprocess
import sys

import pytest

from gale_tui.sandbox.standalone import serve
from tests.sandbox.asking import fetch

PROGRAM = "import sys; from gale_tui.sandbox.standalone import serve; sys.exit(serve(None, sys.stdout))"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_says_how_to_use_it_and_runs_until_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("ctrl+c"):
            line = process.stdout.readline()
            assert line, "it ended early"
            lines.append(line)
        text = "".join(lines)
        url = re.search(r"http://127\.0\.0\.1:\d+", text)
        assert url is not None
        export = re.search(r"^curl (?:.*\\\n)*.*$", text, re.MULTILINE)
        assert export is not None
        words = shlex.split(export[0])
        assert words[:4] == ["curl", "--location", "--request", "POST"]
        headers = dict(word.split(": ", 1) for word in words[5:] if ": " in word)
        assert set(headers) == {"x-api-key", "Content-Type"}
        assert fetch(words[4], headers, method="POST").status == 200
        # The vendor's sample leaves flowId out.
        assert fetch(words[4].partition("?")[0], headers, method="POST").status == 200
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        out = io.StringIO()
        port = taken.getsockname()[1]
        assert serve(port, out) == 2
        assert str(port) in out.getvalue()
    out = io.StringIO()
    assert serve(99999, out) == 2
    assert "65535" in out.getvalue()
