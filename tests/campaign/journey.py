"""One journey: the program is started, disturbed, started again, and looked at once nothing more happens."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import html
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from gale_tui.sandbox.files import tool_zip
from gale_tui.sandbox.jobs import Tool
from gale_tui.sandbox.script import Script
from tests.campaign.chance import FACTOR, Plan, Run, plan
from tests.e2e.terminal import ROOT, Process, PtyProgram, environ_for
from tests.support.sandbox import Sandbox

__all__ = ["Journey", "travel"]

SETTLES = 60.0
"""Real seconds after which a journey that does not come to rest is a violation."""
ENDS = 2.0
"""Seconds within which the program ends when it is told to."""
PROGRAM = (sys.executable, "-m", "tests.faults.fast_program", str(FACTOR))


@dataclass
class Journey:
    """What a seed led to."""

    seed: int
    violations: list[str] = field(default_factory=list)
    slowest_end: float = 0.0
    """Seconds from a signal to the end of the program, the longest of the journey."""


def travel(seed: int, folder: Path, *, ends: float = ENDS) -> Journey:
    """Makes the journey of a seed.

    Args:
        seed: Decides everything but the moments at which the machine does its part.
        folder: Empty; what is left there can be looked at.
        ends: Seconds within which the program has to end.
    """
    return _Traveller(plan(seed), folder, ends).travel()


class _Traveller:
    def __init__(self, decided: Plan, folder: Path, ends: float) -> None:
        self.plan = decided
        self.home = folder / "gale"
        self.account = folder / "account"
        self.ends = ends
        self.journey = Journey(decided.seed)
        self.pressed: dict[str, int] = {}
        """How often each tool's export was asked for."""
        self.written = bytearray()
        """All that the program wrote to terminals and pipes."""

    def travel(self) -> Journey:
        with Sandbox(seed=self.plan.seed, speed=FACTOR, key=self.plan.key, catalogue=()) as gale:
            self.gale = gale
            self.tools = [gale.add_tool(f"Tool {number}", each) for number, each in enumerate(self.plan.scripts)]
            self.environ = environ_for(
                self.account, GALE_HOST=gale.url, GALE_API_KEY=self.plan.key, GALE_TUI_HOME=str(self.home)
            )
            for run in self.plan.runs:
                self._run(run)
            self._heal()
            self._come_to_rest()
            self._check()
        return self.journey

    def violated(self, text: str) -> None:
        self.journey.violations.append(text)

    # Runs

    def _run(self, run: Run) -> None:
        if run.flip is not None:
            self._flip(run.flip)
        with contextlib.ExitStack() as beside:
            if run.beside:
                other = beside.enter_context(self._pty())
                beside.callback(self._end, other)
            if run.screen:
                self._run_screen(run)
            else:
                self._run_headless(run)

    def _flip(self, where: float) -> None:
        """Flips a bit of the first page, which holds no values: a changed value would be as good as the true one."""
        path = self.home / "jobs.sqlite3"
        content = bytearray(path.read_bytes()) if path.exists() else bytearray()
        if content:
            at = int(where * min(len(content), 4096))
            content[at] ^= 1 << at % 8
            path.write_bytes(content)

    def _pty(self, *arguments: str, small: bool = False) -> PtyProgram:
        return PtyProgram([*_limits(small), *PROGRAM, *arguments], self.environ, width=100, height=30)

    def _run_screen(self, run: Run) -> None:
        with self._pty(small=run.disturbance == "small disk") as program:
            steps = [step for tool in self.tools for step in self._steps(tool)]
            keys = list(run.keys)
            deadline = time.monotonic() + run.after
            while time.monotonic() < deadline and program.process.poll() is None:
                if steps and steps[0][0] in program.screen():
                    _, typed, tool = steps.pop(0)
                    if tool is not None:
                        self.pressed[tool.tool_id] = self.pressed.get(tool.tool_id, 0) + 1
                    program.type(typed)
                elif not steps and keys and "Export jobs" in program.screen():
                    program.type(keys.pop(0))
                threading.Event().wait(0.01)
            if run.disturbance == "stall":
                program._stop_reading()
            self._disturb(run, program.process)
            self._end(program)

    def _steps(self, tool: Tool) -> list[tuple[str, str, Tool | None]]:
        return [
            ("Export jobs", "n", None),
            ("Tool ID", f"{tool.tool_id}\t{tool.flow_id}", None),
            (tool.flow_id[:20], "\r", tool),
        ]

    def _run_headless(self, run: Run) -> None:
        lines = "\n".join(f"{tool.tool_id},{tool.flow_id}" for tool in self.tools)
        if not run.resume:
            # What is resumed is counted already.
            for tool in self.tools:
                self.pressed[tool.tool_id] = self.pressed.get(tool.tool_id, 0) + 1
        which = ("--resume",) if run.resume else ("--from", "-")
        process = subprocess.Popen(
            [*_limits(run.disturbance == "small disk"), *PROGRAM, "export", *which, "--json"],
            env=self.environ,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"" if run.resume else lines.encode())
            process.stdin.close()
        process.stdin = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(run.after)
        self._disturb(run, process)
        if process.poll() is None:
            self._signalled(process, signal.SIGTERM)
        self.written += process.communicate(timeout=SETTLES)[0]

    def _disturb(self, run: Run, process: Process) -> None:
        if process.poll() is not None:
            return
        match run.disturbance:
            case "kill":
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            case "terminate" | "stall":
                self._signalled(process, signal.SIGTERM)
            case "hang up":
                self._signalled(process, signal.SIGHUP)
            case "interrupt":
                os.kill(process.pid, signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.5)
            case "stop":
                os.kill(process.pid, signal.SIGSTOP)
                threading.Event().wait(0.5)
                os.kill(process.pid, signal.SIGCONT)
            case "cut lines":
                self.gale.cut_connections()
            case "restart GALE":
                self.gale.stop()
                threading.Event().wait(0.3)
                self.gale.start()

    def _signalled(self, process: Process, number: signal.Signals) -> None:
        """Sends a signal and takes the time to the end."""
        began = time.monotonic()
        os.kill(process.pid, number)
        try:
            process.wait(max(20.0, self.ends))
        except subprocess.TimeoutExpired:
            self.violated(f"does not end after {number.name}")
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        took = time.monotonic() - began
        self.journey.slowest_end = max(self.journey.slowest_end, took)
        if took > self.ends:
            self.violated(f"{number.name} took {took:.1f} s")

    def _end(self, program: PtyProgram) -> None:
        if program.process.poll() is None:
            self._signalled(program.process, signal.SIGTERM)
        program.exit_code()
        self.written += program.raw

    def _heal(self) -> None:
        """From here on GALE answers as it should; what came of the jobs stays."""
        for tool, script in zip(self.tools, self.plan.scripts, strict=True):
            self.gale.script(tool.tool_id, _healed(script))
        scripts = {tool.tool_id: script for tool, script in zip(self.tools, self.plan.scripts, strict=True)}
        for view in self.gale.jobs:
            self.gale.script_job(view.dock_status_id, _healed(scripts[view.tool_id]))

    def _come_to_rest(self) -> None:
        with self._pty() as program:
            deadline = time.monotonic() + SETTLES
            while program.process.poll() is None and not (self._drawn(program) and self._at_rest()):
                if time.monotonic() > deadline:
                    states = [(row["state"], row["download_state"], row["note"]) for row in self.rows()]
                    self.violated(f"does not come to rest: {states}")
                    break
                threading.Event().wait(0.05)
            if program.process.poll() is not None:
                self.violated(f"ended by itself with {program.process.returncode}")
            self._end(program)
            if b"\x1b[?1049l" not in program.raw:
                self.violated("the terminal is not restored")

    def _drawn(self, program: PtyProgram) -> bool:
        return "Export jobs" in program.screen()

    def _at_rest(self) -> bool:
        return all(_over(row) for row in self.rows())

    # What must hold

    def rows(self) -> list[sqlite3.Row]:
        """The jobs of the history as another process reads them."""
        path = self.home / "jobs.sqlite3"
        if not path.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            try:
                return database.execute("select * from jobs order by created_at").fetchall()
            except sqlite3.OperationalError:
                return []  # the tables are not there yet

    def _check(self) -> None:
        self._check_posts()
        self._check_jobs()
        self._check_files()
        self._check_secrets()

    def _check_posts(self) -> None:
        for tool in self.tools:
            sent = [each for each in self.gale.posts(tool.tool_id) if each.status != 429]
            if len(sent) > self.pressed.get(tool.tool_id, 0):
                self.violated(f"{len(sent)} exports of {tool.name}, asked for {self.pressed.get(tool.tool_id, 0)}")
        for record in self.gale.requests:
            if record.origin != self.gale.url and record.header("x-api-key"):
                self.violated(f"the key went to {record.origin}")

    def _set_aside(self) -> bool:
        """True if a flipped bit made the history unreadable: what it held is in the file that was set aside."""
        return any(self.home.glob("jobs.sqlite3.damaged-*"))

    def _check_jobs(self) -> None:
        rows = self.rows()
        known = {row["dock_status_id"] for row in rows}
        doubtful: dict[str, int] = {}
        for row in rows:
            if row["state"] == "unconfirmed":
                doubtful[row["tool_id"]] = doubtful.get(row["tool_id"], 0) + 1
        for view in self.gale.jobs:
            if view.dock_status_id not in known and not self._set_aside():
                doubtful[view.tool_id] = doubtful.get(view.tool_id, 0) - 1
                if doubtful[view.tool_id] < 0:
                    self.violated(f"GALE runs {view.dock_status_id}, and no row tells of it")

    def _check_files(self) -> None:
        folder = self.home / "downloads"
        rows = self.rows()
        saved = {Path(row["download_path"]).name for row in rows if row["download_path"]}
        parts = {Path(row["download_part"]).name for row in rows if row["download_part"]}
        flawed = {
            tool.tool_id
            for tool, each in zip(self.tools, self.plan.scripts, strict=True)
            if each.file.pack is not tool_zip
        }
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name not in saved | parts and not self._set_aside():
                self.violated(f"nobody knows of {path.name}")
        for row in rows:
            if row["download_state"] != "saved":
                continue
            if row["tool_id"] in flawed:
                self.violated("a damaged file counts as saved")
                continue
            content = Path(row["download_path"]).read_bytes()
            if hashlib.sha256(content).hexdigest() != row["download_sha256"]:
                self.violated("the checksum is of another file")
            with zipfile.ZipFile(row["download_path"]) as archive:
                if archive.testzip() is not None:
                    self.violated("a saved zip is damaged")

    def _check_secrets(self) -> None:
        key = self.plan.key
        signatures = {found for each in self.gale.requests if (found := each.query.get("signature"))}
        for where, content in self._everything():
            for name, form in _forms(key).items():
                if form in content:
                    self.violated(f"the key ({name}) is in {where}")
            if not where.startswith(
                "jobs.sqlite3"
            ):  # a link stays in the history, and in one set aside, until its file is saved
                for signature in signatures:
                    if signature.encode() in content:
                        self.violated(f"the signature of a link is in {where}")

    def _everything(self) -> Iterator[tuple[str, bytes]]:
        yield "what was written to the terminal", bytes(self.written)
        yield "what was written, colours aside", re.sub(rb"\x1b\[[0-9;?]*[ -/]*[@-~]", b"", bytes(self.written))
        for path in sorted((*self.home.rglob("*"), *self.account.rglob("*"))):
            yield f"the name {path.name}", path.name.encode()
            if path.is_file():
                yield path.name, path.read_bytes()


def _limits(small: bool) -> list[str]:
    """A disk that takes no file over 100 kB, as far as a process can have one of its own."""
    return ["/bin/sh", "-c", 'ulimit -f 200; exec "$@"', "sh"] if small else []


def _healed(script: Script) -> Script:
    file = dataclasses.replace(script.file, pace=None)
    return dataclasses.replace(script, duration=0.5, on_export=(), on_status=(), on_download=(), file=file)


def _over(row: sqlite3.Row) -> bool:
    """True where nothing more happens by itself."""
    if row["state"] in ("unconfirmed", "failed", "rejected", "lost"):
        return True
    if row["state"] != "succeeded":
        return False
    if row["download_state"] == "resumable":
        return row["download_next_try_at"] is None
    return row["download_state"] in ("saved", "expired", "failed", "none")


def _forms(key: str) -> dict[str, bytes]:
    """The key as it may be written."""
    return {
        "plain": key.encode(),
        "JSON": json.dumps(key)[1:-1].encode(),
        "percent": quote(key, safe="").encode(),
        "base64": base64.b64encode(key.encode()),
        "HTML": html.escape(key).encode(),
    }
