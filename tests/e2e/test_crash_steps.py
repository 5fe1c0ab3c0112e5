"""Killed before each single step of its journey, gale-tui knows its job the next time and has no wrong file.

The steps are each write to the history, each commit, the POST, and all that a download does to the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gale_tui.cli.export import export
from gale_tui.core.batch.report import is_settled
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import DownloadState, Job, JobState
from gale_tui.sandbox.script import File, Script
from tests.e2e.crash_runner import FACTOR, Steps, export_arguments, make_engine, pid_file
from tests.e2e.terminal import wait_until
from tests.support import faults
from tests.support.engines import eventually
from tests.support.forked import Forked
from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked here")

FLOW = "cf-22222222-2222-4222-8222-222222222222"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that every job gives: large enough for several writes."""
    path = tmp_path_factory.mktemp("served") / "tool.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("flow_definition.json", "{}")
        archive.writestr("attachment.bin", os.urandom(2_200_000))
    return path


class Runner:
    """The process that forks the others."""

    def __init__(self, process: Forked) -> None:
        self._process = process

    def export(self, home: Path, *tools: str, die: int = 0) -> dict[str, Any]:
        """Exports tools in one process, to its end or its death."""
        order = {"home": str(home), "tools": tools, "flow": FLOW, "die": die}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer


@contextlib.contextmanager
def runner(sandbox: Sandbox) -> Iterator[Runner]:
    command = [sys.executable, "-m", "tests.e2e.crash_runner", sandbox.url, sandbox.key]
    process = Forked(command, env=os.environ, stdin=subprocess.PIPE, stderr=2)
    try:
        yield Runner(process)
    finally:
        process.kill()
        process.communicate()


def wait_for_quiet(sandbox: Sandbox) -> None:
    """Returns once the server has read all that processes sent which have ended: until then a POST may be under way."""
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname, address.port)) as line:
        # Answered, so every connection before it was accepted.
        line.sendall(b"GET /quiet HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while line.recv(65536):
            pass
    wait_until(lambda: sandbox.connections == 0, "the end of every connection")


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_files(home: Path, digest: str) -> int:
    """Every file that has its name is whole; returns how many there are."""
    folder = home / "downloads"
    zips = sorted(folder.glob("*.zip")) if folder.is_dir() else []
    for path in zips:
        assert digest_of(path) == digest, f"{path.name} is not whole"
    return len(zips)


def check_history(home: Path) -> None:
    """The database opens and is sound."""
    path = home / "jobs.sqlite3"
    if path.exists() and path.stat().st_size:
        with contextlib.closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def _take_up(engine: GaleEngine) -> list[Job]:
    await engine.start()
    try:
        async with asyncio.timeout(120):
            # Left alone for a moment even where all seems to be settled: an export sent again would be sent now.
            await engine.clock.sleep(3)
            while not all(is_settled(job) for job in engine.jobs.values()):  # noqa: ASYNC110  # several jobs, no event
                await asyncio.sleep(0.01)
        return list(engine.jobs.values())
    finally:
        await engine.close()


def take_up(sandbox: Sandbox, home: Path) -> list[Job]:
    """The jobs of the next start, once nothing more happens by itself; it needs no process of its own."""
    return asyncio.run(_take_up(make_engine(home, sandbox.url, sandbox.key, Steps(0))))


def resume(sandbox: Sandbox, home: Path) -> int:
    """`gale-tui export --resume`, its exit code."""
    engine = make_engine(home, sandbox.url, sandbox.key, Steps(0))
    return asyncio.run(export(engine, export_arguments("--resume"), io.StringIO(), io.StringIO()))


def jobs_in(home: Path) -> list[tuple[str, str]]:
    """The states of the jobs in the history, and of their downloads."""
    with contextlib.closing(sqlite3.connect(home / "jobs.sqlite3")) as database:
        return database.execute("select state, download_state from jobs").fetchall()


def test_killed_before_every_step_nothing_is_lost_and_nothing_is_sent_twice(tmp_path: Path, served: Path) -> None:
    digest = digest_of(served)
    script = Script(duration=2.0, file=File(pack=lambda documents: served.read_bytes()))
    with Sandbox(speed=FACTOR) as sandbox, runner(sandbox) as runs:
        sandbox.script("a-whole", script)
        whole = runs.export(tmp_path / "whole", "a-whole")
        assert (whole["status"], whole["code"]) == (0, 0)
        steps: list[str] = whole["steps"]
        assert {"db write", "db commit", "db committed", "request sent", "create", "write", "fsync", "link"} <= {*steps}
        (path,) = (tmp_path / "whole" / "downloads").glob("*.zip")
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None

        outcomes: dict[str, int] = {"unknown": 0, "unconfirmed": 0, "saved": 0}
        number = 0
        while True:
            number += 1
            home, tool = tmp_path / str(number), f"a-{number}"
            sandbox.script(tool, script)
            died = runs.export(home, tool, die=number)
            if not os.WIFSIGNALED(died["status"]):
                # It came to its end before so many steps.
                break
            assert os.WTERMSIG(died["status"]) == signal.SIGKILL
            outcomes[_check(sandbox, home, tool, digest)] += 1
        # Leases are prolonged now and then, so that the number of steps differs a little from run to run.
        assert number > 50
        assert min(outcomes.values()) > 0


def _check(sandbox: Sandbox, home: Path, tool: str, digest: str) -> str:
    """What the next start makes of it."""
    wait_for_quiet(sandbox)
    posts = len(sandbox.posts(tool))
    assert posts <= 1
    check_history(home)
    check_files(home, digest)
    jobs = take_up(sandbox, home)
    assert len(sandbox.posts(tool)) == posts, f"{tool}: sent again"
    if not jobs:
        assert posts == 0, f"{tool}: an export that was sent is forgotten"
        return "unknown"
    (job,) = jobs
    check_history(home)
    if job.state is JobState.UNCONFIRMED:
        assert check_files(home, digest) == 0
        return "unconfirmed"
    assert (job.state, job.download.state) == (JobState.SUCCEEDED, DownloadState.SAVED), f"{tool}: {job}"
    assert posts == 1
    assert check_files(home, digest) == 1
    assert job.download.path is not None
    assert job.download.path.is_file()
    assert [each.name for each in (home / "downloads").iterdir() if each.suffix != ".zip"] == []
    return "saved"


def test_killed_while_it_waits_after_429_it_sends_once_more_at_most(tmp_path: Path, served: Path) -> None:
    script = Script(
        duration=1.0,
        on_export=(faults.rate_limited(3),),
        file=File(pack=lambda documents: served.read_bytes()),
    )
    with Sandbox(speed=FACTOR) as sandbox, runner(sandbox) as runs:
        sandbox.script("a-whole", script)
        whole = runs.export(tmp_path / "whole", "a-whole")
        first = whole["steps"].index("request sent")
        second = whole["steps"].index("request sent", first + 1)
        for number in range(first + 2, second + 12, 2):
            home, tool = tmp_path / str(number), f"a-{number}"
            sandbox.script(tool, script)
            died = runs.export(home, tool, die=number)
            assert os.WIFSIGNALED(died["status"])
            wait_for_quiet(sandbox)
            check_history(home)
            (job,) = take_up(sandbox, home)
            posts = len(sandbox.posts(tool))
            assert posts <= 2
            if job.state is JobState.UNCONFIRMED:
                assert job.posts >= posts
            else:
                assert (job.state, job.download.state, posts) == (JobState.SUCCEEDED, DownloadState.SAVED, 2)


@pytest.mark.parametrize("while_it", ["polls", "saves"])
async def test_the_other_goes_on_when_one_is_killed(tmp_path: Path, served: Path, while_it: str) -> None:
    """A process is killed while it polls, or while it saves; another one runs beside it."""
    home, tool = tmp_path / "both", "a-both"
    script = Script(duration=10.0, file=File(pack=lambda documents: served.read_bytes(), pace=30_000.0))
    with Sandbox(speed=FACTOR) as sandbox, runner(sandbox) as runs:
        sandbox.script(tool, script)

        def happens() -> bool:
            (dock,) = (job.dock_status_id for job in sandbox.jobs) if sandbox.jobs else ("",)
            return bool(dock and (sandbox.status_calls(dock) if while_it == "polls" else sandbox.downloads(dock)))

        dying = asyncio.create_task(asyncio.to_thread(runs.export, home, tool))
        await eventually(happens)
        engine = make_engine(home, sandbox.url, sandbox.key, Steps(0))
        await engine.start()
        try:
            os.kill(int(pid_file(home).read_text()), signal.SIGKILL)
            assert os.WIFSIGNALED((await dying)["status"])
            await eventually(lambda: [job.download.state for job in engine.jobs.values()] == [DownloadState.SAVED])
        finally:
            await engine.close()
        assert len(sandbox.posts(tool)) == 1
        assert check_files(home, digest_of(served)) == 1


STEP = 5
"""Every so many steps of a batch the process dies: the steps of one tool are all tried above."""


def test_a_batch_killed_at_any_step_is_gone_on_with_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    with Sandbox(speed=FACTOR) as sandbox, runner(sandbox) as runs:
        outcomes = {"nothing kept": 0, "gone on with": 0, "to its end": 0}
        number = 1
        while True:
            home, tools = tmp_path / str(number), [f"a-{number}-{each}" for each in range(4)]
            for tool in tools:
                # Each has a name of its own: a file whose name two jobs had chosen when both were killed is neither's.
                sandbox.script(tool, Script(duration=1.0, file=File(name=f"{tool}.zip")))
            died = runs.export(home, *tools, die=number)
            if not os.WIFSIGNALED(died["status"]):
                assert (died["code"], len(list((home / "downloads").glob("*.zip")))) == (0, 4)
                break
            outcomes[_check_batch(sandbox, home, tools)] += 1
            number += STEP
        assert min(outcomes.values()) > 0


def _check_batch(sandbox: Sandbox, home: Path, tools: list[str]) -> str:
    wait_for_quiet(sandbox)
    before = [len(sandbox.posts(tool)) for tool in tools]
    assert max(before) <= 1
    check_history(home)
    code = resume(sandbox, home)
    after = [len(sandbox.posts(tool)) for tool in tools]
    assert max(after) <= 1, "sent twice"
    if code == 2:
        # There is no batch to go on with: none was recorded, or each of its tools has its job.
        assert after == before
        jobs = take_up(sandbox, home)
        assert len(jobs) in (0, 4)
        if not jobs:
            assert sum(after) == 0
            return "nothing kept"
        _check_jobs(home)
        return "to its end"
    doubtful = _check_jobs(home)
    assert code == (7 if doubtful else 0)
    assert sum(after) >= 4 - doubtful
    return "gone on with"


def _check_jobs(home: Path) -> int:
    """Each tool has its job, saved but the one whose POST was under way; returns how many those are."""
    check_history(home)
    states = jobs_in(home)
    saved, doubtful = states.count(("succeeded", "saved")), sum(state == "unconfirmed" for state, _ in states)
    assert saved + doubtful == len(states) == 4, states
    assert doubtful <= 1
    assert len(list((home / "downloads").glob("*.zip"))) == saved
    return doubtful
