"""The command line, and the wiring: the only module that knows the app, the sandbox and the engine."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gale_tui.cli.parser import parse, refusal
from gale_tui.core.clock import Clock
from gale_tui.core.errors import GaleError
from gale_tui.core.models import Environment, ToolChoice
from gale_tui.core.secret import Secret

if TYPE_CHECKING:
    import argparse
    import random

    from gale_tui.core.batch.reader import Paste
    from gale_tui.core.config.paths import Paths
    from gale_tui.core.jobs.engine import GaleEngine
    from gale_tui.sandbox.server import Sandbox

READ_FIRST: Final = 1 << 20
"""Bytes of a file of `--from` that is still read before the first frame; a larger one is read by the app."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """Replacements that tests inject."""

    environ: Mapping[str, str]
    clock: Clock | None = None
    rng: random.Random | None = None
    new_id: Callable[[], str] | None = None
    sandbox: Sandbox | None = None
    """The demo's GALE; a new one if None."""


def main(argv: Sequence[str] | None = None, wiring: Wiring | None = None) -> int:
    """Runs gale-tui and returns its exit code.

    Args:
        argv: The arguments without the program's name; those of the process where None.
        wiring: Clock, jitter and variables from outside; the real ones where None.
    """
    wiring = wiring or Wiring(environ=os.environ)
    arguments = parse(sys.argv[1:] if argv is None else argv)
    # Documents are many objects without cycles; the end of the process frees them.
    if arguments.command not in (None, "unpack", "pack"):
        gc.enable()
    try:
        if problem := refusal(arguments):
            return _complain(problem)
        return _run(arguments, wiring)
    except GaleError as error:
        return _complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        return 130


def _complain(text: str, code: int = 2) -> int:
    from gale_tui.core.untrusted_text import redact_links

    sys.stderr.write(f"gale-tui: {redact_links(text)}\n")
    return code


def _run(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Runs the command; each imports its own modules."""
    match arguments.command:
        case None:
            return _app(arguments, wiring)
        case "export":
            return _export(arguments, wiring)
        case "sandbox":
            from gale_tui.sandbox.standalone import serve

            return serve(arguments.port, sys.stdout)
        case "info":
            from gale_tui.cli.info import report

            sys.stdout.write(asyncio.run(report(_paths(wiring), wiring.environ)))
        case "completion":
            from gale_tui.cli.completion import shell_code

            sys.stdout.write(shell_code(arguments.shell))
        case "diff":
            from gale_tui.cli.diff import diff, diff_set

            if arguments.set_name is None:
                return diff(arguments.before, arguments.after, arguments, sys.stdout, sys.stderr)
            return asyncio.run(diff_set(_paths(wiring).store_file, arguments, sys.stdout, sys.stderr))
        case "unpack":
            from gale_tui.cli.source import unpack_command

            return unpack_command(arguments, sys.stdout, sys.stderr)
        case "pack":
            from gale_tui.cli.source import pack_command

            return pack_command(arguments, sys.stdout, sys.stderr)
        case "prune":
            from gale_tui.cli.prune import prune

            return asyncio.run(prune(_paths(wiring).store_file, arguments, sys.stdout, sys.stderr))
        case "jobs":
            from gale_tui.cli.jobs import list_jobs

            history = _paths(wiring).store_file
            return asyncio.run(list_jobs(history, arguments, sys.stdout, sys.stderr)) if history.exists() else 0
    return 0


def _paths(wiring: Wiring) -> Paths:
    from gale_tui.core.config.paths import Paths

    return Paths.find(wiring.environ)


def _engine(arguments: argparse.Namespace, wiring: Wiring, named: str | None) -> GaleEngine:
    """The engine for real environments: those of `config.toml`, and the one of the variables; begins the log.

    Args:
        named: The environment that was chosen, if one was.
    """
    from gale_tui.core.config.environments import environment_from_variables
    from gale_tui.core.logs import setup_logging

    paths = _paths(wiring)
    setup_logging(paths.log_file, arguments.log_level.upper())
    provided = environment_from_variables(wiring.environ)
    engine = _make_engine(paths, wiring, provided, arguments.download_dir, readonly=arguments.readonly)
    engine.environments.choose(named)
    return engine


def _make_engine(
    paths: Paths,
    wiring: Wiring,
    provided: tuple[Environment, Secret] | None,
    download_dir: Path | None,
    *,
    readonly: bool,
    demo: bool = False,
    offered: Sequence[ToolChoice] = (),
) -> GaleEngine:
    from gale_tui.core.credentials.credentials import Credentials
    from gale_tui.core.jobs.engine import GaleEngine
    from gale_tui.core.threads import DaemonThreads

    threads = DaemonThreads("gale")
    fixed = {provided[0].id: provided[1]} if provided else {}
    credentials = Credentials(config_file=paths.config_file, threads=threads, use_keyring=not demo, fixed=fixed)
    return GaleEngine(
        paths=paths,
        credentials=credentials,
        threads=threads,
        extra_environments=(provided[0],) if provided else (),
        offered=offered,
        readonly=readonly,
        demo=demo,
        download_dir=download_dir,
        clock=wiring.clock,
        rng=wiring.rng,
        new_id=wiring.new_id,
    )


def _export(arguments: argparse.Namespace, wiring: Wiring) -> int:
    from gale_tui.cli.export_options import complete_export

    named = arguments.export_env or arguments.env
    if arguments.env not in (None, named):
        return _complain("--env is given twice, with different names.")
    complete_export(arguments, chosen=bool(named or wiring.environ.get("GALE_HOST")))

    from gale_tui.cli.export import export

    engine = _engine(arguments, wiring, named)
    return asyncio.run(export(engine, arguments, sys.stdout, sys.stderr))


def _read_file(source: str) -> Paste | Path:
    """Reads the file; returns the path of one so large that the app must show that it is reading.

    Raises:
        ConfigError: It cannot be read, or there is no export in it.
    """
    from gale_tui.core.batch.reader import file_size, read_paste_file

    path = Path(source)
    return path if file_size(path) > READ_FIRST else read_paste_file(path)


def _app(arguments: argparse.Namespace, wiring: Wiring) -> int:
    if problem := _terminal_problem(wiring.environ):
        return _complain(problem)
    opening = _read_file(arguments.from_file) if arguments.from_file is not None else None
    if arguments.demo:
        return _demo(arguments, wiring, opening)
    engine = _engine(arguments, wiring, arguments.env)
    if opening is not None and not engine.environments and getattr(opening, "batch", None) is not None:
        return _complain("No environment yet for a batch. Start gale-tui, add one, and try again.")
    return _show(engine, mouse=not arguments.no_mouse, opening=opening, follow_paste=arguments.env is None)


def _terminal_problem(environ: Mapping[str, str]) -> str:
    advice = "Without a screen use: gale-tui export --tool-id ID --flow-id ID"
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        return f"Standard input or output is not a terminal. {advice}"
    if environ.get("TERM") == "dumb":
        return f"This terminal is dumb (TERM=dumb). {advice}"
    return ""


def _show(engine: GaleEngine, *, mouse: bool, opening: Paste | Path | None = None, follow_paste: bool = True) -> int:
    from gale_tui.core.logs import close_logging
    from gale_tui.tui.terminal.multiplexer import find_multiplexer

    in_screen = find_multiplexer(os.environ) == "screen"
    if in_screen:
        # GNU screen hands COLORTERM on and knows 256 colours; the framework reads this once, when it is imported.
        os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "256")
    from gale_tui.tui.app import GaleApp

    app = GaleApp(engine, on_first_frame=_collect_garbage, opening=opening, follow_paste=follow_paste)
    # While the mouse is on, GNU screen holds a lone esc back until the next key.
    app.run(mouse=mouse and engine.settings.mouse and not in_screen)
    close_logging()
    return app.return_code or 0


def _collect_garbage() -> None:
    # Loaded modules stay to the end: collecting garbage among them again and again would delay keys.
    gc.freeze()
    gc.enable()


def _demo(arguments: argparse.Namespace, wiring: Wiring, opening: Paste | Path | None) -> int:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="gale-tui-demo-", ignore_cleanup_errors=True) as throw_away:
        home = arguments.keep or Path(throw_away)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine, sandbox = demo_engine(home, wiring, arguments.download_dir, readonly=arguments.readonly)
        try:
            return _show(engine, mouse=not arguments.no_mouse, opening=opening)
        finally:
            sandbox.stop()


def demo_engine(
    home: Path, wiring: Wiring, download_dir: Path | None = None, *, readonly: bool = False
) -> tuple[GaleEngine, Sandbox]:
    """An engine on a sandbox of its own, signed in, with the sandbox's tools offered.

    Args:
        home: Where everything is kept.
        download_dir: Where files go, else below `home`.
    """
    from gale_tui.core.config.paths import Paths
    from gale_tui.core.identifiers import parse_host
    from gale_tui.sandbox.server import Sandbox

    paths = Paths.under(home)
    sandbox = wiring.sandbox or Sandbox(keep=home / "sandbox.json")
    sandbox.start()
    environment = Environment(id="demo", name="sandbox", origin=parse_host(sandbox.url), source="demo")
    offered = [ToolChoice(tool.tool_id, tool.flow_id, tool.name, tool.what) for tool in sandbox.offered if tool.flow_id]
    provided = (environment, Secret(sandbox.key))
    engine = _make_engine(paths, wiring, provided, download_dir, readonly=readonly, demo=True, offered=offered)
    engine.environments.choose(None)
    return engine, sandbox
