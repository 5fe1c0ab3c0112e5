"""Runs gale-tui's journey in processes that kill themselves: `python -m tests.e2e.crash_runner URL KEY`.

Each line of its input is a JSON object: `home`, `tool`, `flow` and `die`, the number of the step before which the
process kills itself (0: never); with `export` a new export is started, without it the engine takes up what is there;
with `tools` a batch of them is started, with `resume` one that was cut short gone on with.
A line is answered with the exit status as `os.waitpid` gives it, and what the process found.

The process is forked, from one that has imported everything and runs no thread: some hundred of them start in seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from gale_tui.cli.export import export
from gale_tui.cli.export_options import complete_export
from gale_tui.cli.parser import parse
from gale_tui.core.batch.report import is_settled
from gale_tui.core.config.paths import Paths
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.identifiers import parse_host
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret
from gale_tui.core.threads import DaemonThreads
from tests.support.clocks import ScaledClock

__all__ = ["FACTOR", "Steps", "export_arguments", "make_engine", "pid_file"]

FACTOR = 50.0


class Steps:
    """Counts the steps, and dies before one of them.

    Args:
        die: Its number, from 1; 0 for none.
    """

    def __init__(self, die: int) -> None:
        self.die = die
        self.names: list[str] = []

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.die:
            os.kill(os.getpid(), signal.SIGKILL)


def pid_file(home: Path) -> Path:
    """Where a process with this home says its number."""
    return home.with_name(f"{home.name}.pid")


def make_engine(home: Path, url: str, key: str, steps: Steps) -> GaleEngine:
    """An engine for the sandbox, as the variables GALE_HOST and GALE_API_KEY would make it."""
    paths = Paths.under(home)
    threads = DaemonThreads("gale")
    environment = Environment("env", "env", parse_host(url), source="variables")
    credentials = Credentials(
        config_file=paths.config_file, threads=threads, use_keyring=False, fixed={"env": Secret(key)}
    )
    return GaleEngine(
        paths=paths,
        credentials=credentials,
        threads=threads,
        extra_environments=(environment,),
        clock=ScaledClock(FACTOR),
        rng=random.Random(1),  # noqa: S311  # jitter
        step=steps,
    )


def export_arguments(*argv: str) -> argparse.Namespace:
    """The arguments of `gale-tui export` as the program completes them."""
    arguments = parse(("export", *argv))
    complete_export(arguments, chosen=False)
    return arguments


async def start_export(engine: GaleEngine, order: dict[str, Any]) -> int:
    """`gale-tui export`, its exit code."""
    arguments = export_arguments("--tool-id", order["tool"], "--flow-id", order["flow"])
    return await export(engine, arguments, io.StringIO(), io.StringIO())


async def run_batch(engine: GaleEngine, order: dict[str, Any]) -> int:
    """`gale-tui export --from` or `--resume`, its exit code."""
    tools = Path(order["home"]).with_suffix(".csv")
    tools.write_text("".join(f"{tool},{order['flow']},{tool}\n" for tool in order["tools"]))
    argv = ("--resume",) if order["resume"] else ("--from", str(tools))
    return await export(engine, export_arguments(*argv), io.StringIO(), io.StringIO())


async def take_up(engine: GaleEngine) -> list[dict[str, object]]:
    """Starts the engine, waits until nothing more happens by itself, and tells what it knows."""
    await engine.start()
    try:
        async with asyncio.timeout(120):
            # Left alone for a moment even where all seems to be settled: an export sent again would be sent now.
            await engine.clock.sleep(3)
            while not all(is_settled(job) for job in engine.jobs.values()):  # noqa: ASYNC110  # several jobs, no event
                await asyncio.sleep(0.01)
        return [
            {"state": job.state, "download": job.download.state, "path": str(job.download.path), "posts": job.posts}
            for job in engine.jobs.values()
        ]
    finally:
        await engine.close()


def run(order: dict[str, Any], url: str, key: str) -> dict[str, Any]:
    """In the forked process: does what was asked."""
    pid_file(Path(order["home"])).write_text(str(os.getpid()))
    steps = Steps(order["die"])
    engine = make_engine(Path(order["home"]), url, key, steps)
    if "tools" in order:
        code = asyncio.run(run_batch(engine, order))
        return {"code": code, "steps": steps.names}
    if order["export"]:
        code = asyncio.run(start_export(engine, order))
        return {"code": code, "steps": steps.names}
    return {"jobs": asyncio.run(take_up(engine)), "steps": steps.names}


def serve(url: str, key: str) -> None:
    """Answers the lines of the input."""
    for line in sys.stdin:
        order = json.loads(line)
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                answer = json.dumps(run(order, url, key)).encode()
            except BaseException as error:
                answer = json.dumps({"error": repr(error)}).encode()
            os.write(writer, answer)
            os._exit(0)
        os.close(writer)
        with open(reader, "rb") as told:
            said = told.read()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"status": status, **json.loads(said or b"{}")}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
