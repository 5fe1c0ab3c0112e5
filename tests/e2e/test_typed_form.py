"""What is typed in the export form outlives kill -9."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from pathlib import Path

from tests.e2e.terminal import GALE_TUI, PtyProgram, environ_for, wait_until
from tests.support.sandbox import Sandbox

TOOL, FLOW = "a-4f19b2c0-1111-4111-8111-111111111111", "cf-71d0a0b2-2222"


def drafts(home: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{home}/jobs.sqlite3?mode=ro", uri=True)) as database:
        found: int = database.execute("SELECT count(*) FROM drafts WHERE text LIKE ?", (f"%{FLOW}%",)).fetchone()[0]
        return found


def test_a_typed_form_is_offered_after_a_kill(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Sandbox(seed=5) as sandbox:
        environ = environ_for(
            tmp_path / "account", GALE_HOST=sandbox.url, GALE_API_KEY=sandbox.key, GALE_TUI_HOME=str(home)
        )
        with PtyProgram(GALE_TUI, environ, width=80, height=24) as terminal:
            terminal.wait_for("No exports yet")
            terminal.type("n")
            terminal.wait_for("Tool ID")
            terminal.type(f"{TOOL}\t{FLOW}")
            wait_until(lambda: drafts(home), "the draft in the history")
            os.kill(terminal.process.pid, signal.SIGKILL)
            terminal.process.wait()
        with PtyProgram(GALE_TUI, environ, width=80, height=24) as terminal:
            terminal.wait_for("No exports yet")
            terminal.type("n")
            terminal.wait_for("Draft not exported")
            terminal.write(b"\x1b[15~")
            terminal.wait_for(TOOL)
            terminal.wait_for(FLOW)
        assert not sandbox.jobs
