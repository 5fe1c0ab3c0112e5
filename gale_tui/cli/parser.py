"""The arguments of the command line. argparse is imported only where there are any."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from gale_tui import __version__

if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
examples:
  gale-tui                         the app
  gale-tui --demo                  the app on an embedded GALE, nothing to configure, nothing kept
  gale-tui --from request.har      the export form, filled from a captured request; of several, the batch
  gale-tui export --tool-id a-… --flow-id cf-… --env staging
                                   export and save one tool without a screen
  gale-tui export --set nightly    all tools of a set; --from FILE for a list
  gale-tui diff OLD.zip NEW.zip    what changed between two exports, zips or folders
  gale-tui unpack FILE.zip DIR     a saved export as a folder for version control; pack DIR FILE.zip goes back
  gale-tui prune --keep 5          remove saved exports but the newest 5 of each tool
  gale-tui jobs --filter failed    the history, filtered as in the app; --json for scripts
  gale-tui info                    where files are and what was found
"""


def make_parser() -> argparse.ArgumentParser:
    import argparse

    from gale_tui.cli.completion import add_completion
    from gale_tui.cli.export_options import absolute_path, add_export
    from gale_tui.cli.jobs import add_jobs
    from gale_tui.cli.prune import add_prune
    from gale_tui.cli.source import add_source

    class Parser(argparse.ArgumentParser):
        def __init__(self, **options: Any) -> None:
            super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

        def error(self, message: str) -> NoReturn:
            # The typed word may be a key in the wrong place.
            from gale_tui.core.untrusted_text import redact_links

            super().error(redact_links(message))

    parser = Parser(
        prog="gale-tui",
        description="Export tools from Kore.ai GALE (Agent Platform), follow the jobs, save the files.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=f"gale-tui {__version__}")
    parser.add_argument("--demo", action="store_true", help="run on an embedded GALE; nothing to configure")
    parser.add_argument("--keep", metavar="DIR", type=absolute_path, help="with --demo: keep its files in this folder")
    parser.add_argument("--env", metavar="NAME", help="the environment to start with")
    parser.add_argument(
        "--from", metavar="FILE", dest="from_file",
        help="open the form filled from a file: an Export request as URL, curl, fetch or HAR, or a list",
    )  # fmt: skip
    parser.add_argument("--download-dir", metavar="DIR", type=absolute_path, help="where files are saved")
    parser.add_argument("--readonly", action="store_true", help="nothing that changes the server can be started")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument(
        "--log-level", metavar="LEVEL", default="info", choices=("debug", "info", "warning", "error"),
        help="debug, info (the default), warning or error",
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    sandbox = commands.add_parser("sandbox", help="run the embedded GALE alone, for developing against")
    sandbox.add_argument("--port", type=int, metavar="N", default=0, help="port on loopback; a free one by default")
    commands.add_parser("info", help="where files are and what was found; no secrets")
    add_export(commands)
    _add_diff(commands)
    add_source(commands)
    add_prune(commands)
    add_jobs(commands)
    add_completion(commands)
    return parser


def _add_diff(commands: Any) -> None:
    diff: argparse.ArgumentParser = commands.add_parser(
        "diff",
        help="what changed between two exports of a tool, zips or unpacked folders",
        description="Compare two exports of a tool: nodes, prompts, guardrails, variables. Order and time stamps alone "
        "are no difference; values of environment variables are never printed.",
        epilog="exit codes:\n  0 no difference · 1 they differ · 2 one of them cannot be read",
    )
    diff.add_argument("before", metavar="A", type=Path, help="a zip, or a folder that unpack made")
    diff.add_argument("after", metavar="B", type=Path, nargs="?")
    diff.add_argument(
        "--set", metavar="NAME", dest="set_name",
        help="compare the folder A of export --unpack with the last saved exports of a set",
    )  # fmt: skip
    diff.set_defaults(diff_parser=diff)
    how = diff.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="the differences as one JSON object")
    how.add_argument("--stat", action="store_true", help="one line for each thing that differs")


WITHOUT_ARGUMENTS: Final[Mapping[str, object]] = {
    "command": None,
    "from_file": None,
    "demo": False,
    "keep": None,
    "env": None,
    "download_dir": None,
    "readonly": False,
    "no_mouse": False,
    "log_level": "info",
}
"""The arguments of most starts."""
EXPORT_USES: Final = frozenset({"env", "download_dir", "log_level"})
"""Options of the app that `export` accepts too. Any other is refused, or it would be silently ignored."""


def refusal(arguments: argparse.Namespace) -> str:
    """A sentence about options that cannot be combined; empty if they can."""
    if arguments.keep is not None and not arguments.demo:
        return "--keep goes with --demo."
    if arguments.command is None:
        return _app_refusal(arguments)
    if arguments.command == "diff" and (arguments.after is None) == (arguments.set_name is None):
        arguments.diff_parser.error("two exports are needed: A and B, or --set NAME and the folder A")
    command = arguments.command
    fitting = {"command", "from_file", *(EXPORT_USES if command == "export" else ())}
    others = {name: default for name, default in WITHOUT_ARGUMENTS.items() if name not in fitting}
    unused = next((name for name, default in others.items() if getattr(arguments, name) != default), None)
    if unused is not None:
        advice = ""
        if command == "export" and arguments.demo:
            advice = " To try it out, start gale-tui sandbox and set GALE_HOST and GALE_API_KEY to what it prints."
        elif command == "export" and arguments.readonly:
            advice = " It starts no exports."
        return f"--{unused.replace('_', '-')} does not go with {command}.{advice}"
    if arguments.from_file is not None:
        return "--from FILE is for the app. Without a screen: gale-tui export --from FILE."
    return ""


def _app_refusal(arguments: argparse.Namespace) -> str:
    if arguments.demo and arguments.env:
        return "--env does not go with --demo, which has its own environment."
    if arguments.from_file == "-":
        return (
            "--from - cannot be: the app needs the terminal for its keys, and reads nothing else from standard input. "
            "Give a file, paste the text in the app, or use: gale-tui export --from -"
        )
    if arguments.from_file is not None and arguments.readonly:
        return "--from opens an export, and --readonly starts none. Leave one of them out."
    return ""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parses the arguments; exits with 2 if they are wrong."""
    # Nearly every start is one without arguments, and a parser for them takes as long as opening the history.
    completing = "_ARGCOMPLETE" in os.environ
    if argv or completing:
        parser = make_parser()
        if completing:
            from gale_tui.cli.completion import complete

            complete(parser)
        return parser.parse_args(argv)
    return cast("argparse.Namespace", SimpleNamespace(**WITHOUT_ARGUMENTS))
