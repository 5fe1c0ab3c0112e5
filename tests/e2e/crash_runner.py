"""Runs gale-tui's journey in processes that kill themselves: `python -m tests.e2e.crash_runner URL KEY`.

Each line of its input is a JSON object: `home`, `tools`, `flow` and `die`, the number of the step before which the
process kills itself (0: never). One tool is exported, of several a batch is started. A line is answered with the exit
status as `os.waitpid` gives it, and what the process found.

The process is forked, from one that has imported everything and runs no thread: a hundred of them start in seconds.
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


def arguments_of(order: dict[str, Any]) -> argparse.Namespace:
    """The command line of an order."""
    tools: list[str] = order["tools"]
    if len(tools) == 1:
        return export_arguments("--tool-id", tools[0], "--flow-id", order["flow"])
    path = Path(order["home"]).with_suffix(".csv")
    path.write_text("".join(f"{tool},{order['flow']},{tool}\n" for tool in tools))
    return export_arguments("--from", str(path))


def run(order: dict[str, Any], arguments: argparse.Namespace, url: str, key: str) -> dict[str, Any]:
    """In the forked process: does what was asked."""
    pid_file(Path(order["home"])).write_text(str(os.getpid()))
    steps = Steps(order["die"])
    engine = make_engine(Path(order["home"]), url, key, steps)
    code = asyncio.run(export(engine, arguments, io.StringIO(), io.StringIO()))
    return {"code": code, "steps": steps.names}


def serve(url: str, key: str) -> None:
    """Answers the lines of the input."""
    for line in sys.stdin:
        order = json.loads(line)
        # Read here, where the parser's patterns and texts are kept for the next one.
        arguments = arguments_of(order)
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                answer = json.dumps(run(order, arguments, url, key)).encode()
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
