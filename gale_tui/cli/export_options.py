"""The options of `gale-tui export`."""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gale_tui.core.errors import ConfigError
from gale_tui.core.kinds import KINDS, TOOL, Kind, kind_of

if TYPE_CHECKING:
    from gale_tui.core.batch.tools import Batch

LARGEST = 50 << 20
"""Bytes of a list or of a HAR file."""

EXAMPLES = """\
lists:
  Lines of tool_id,flow_id,label, separated by commas, semicolons, tabs or spaces; a header is optional and may name a
  further column, kind (tool, workflow or model); # begins a comment. Captured Export requests (addresses, curl, fetch,
  PowerShell, a HAR file) are read too, and go only to the environment that they were captured from. A list
  with invalid lines starts nothing without --skip-invalid; odd ids, and ids captured without their host, need --yes.

interrupted:
  A set or list that is interrupted (ctrl+c, SIGTERM, a crash) keeps what it had not started. --resume continues with
  it, each tool exported once; so does the app. Without --resume the list starts from its beginning.

exit codes:
  0 saved · 1 GALE reports FAILED · 2 usage, configuration, not confirmed · 3 network or server, try again
  4 key or permission · 5 timeout, the job continues · 6 not saved (disk, corrupt file) · 7 unconfirmed
  130 interrupted. Of several jobs, the highest.

examples:
  gale-tui export --tool-id a-… --flow-id cf-…
  gale-tui export --tool-id a-… --flow-id cf-… --env prod --yes --output /backup --json
  gale-tui export --kind workflow --tool-id a-… --flow-id cf-…
  gale-tui export --kind model --tool-id cm-…
  gale-tui export --from tools.csv --save-set nightly
  pbpaste | gale-tui export --from -
  GALE_HOST=gale.kore.ai GALE_API_KEY=$(pass gale) gale-tui export --set nightly

in a crontab, where there is no keyring, the key comes from key_command in config.toml, or from GALE_HOST and
GALE_API_KEY:
  30 2 * * *  gale-tui export --set nightly --output /backup --json >>$HOME/nightly.jsonl 2>>$HOME/nightly.log
"""


def add_export(commands: Any) -> None:
    export: argparse.ArgumentParser = commands.add_parser(
        "export",
        help="export and save without a screen",
        description="Export tools with their call flows, wait for the jobs, save the verified zips.",
        epilog=EXAMPLES,
    )
    which = export.add_argument_group("what to export: one tool, a set or a list")
    which.add_argument("--tool-id", metavar="ID")
    which.add_argument("--flow-id", metavar="ID")
    which.add_argument(
        "--kind", choices=tuple(KINDS), help="what the id is of; a tool by default; a model needs no --flow-id"
    )
    which.add_argument("--label", metavar="TEXT", default="", help="display name of the one tool")
    which.add_argument("--set", metavar="NAME", dest="set_name", help="a named set of tools")
    which.add_argument(
        "--from", metavar="FILE", dest="source", help="a list of tools, CSV or TSV; - reads standard input"
    )
    which.add_argument("--resume", action="store_true", help="continue an interrupted batch")
    which.add_argument("--save-set", metavar="NAME", help="with --from: also save as a set")
    export.add_argument("--env", metavar="NAME", dest="export_env", help="the environment; else the one last used")
    export.add_argument("--output", metavar="DIR", type=absolute_path, help="folder for the files")
    export.add_argument("--json", action="store_true", help="one JSON object per job on standard output")
    export.add_argument(
        "--timeout", metavar="S", type=float, default=0.0, help="seconds to wait in all; the jobs continue"
    )
    export.add_argument("--yes", action="store_true", help="confirm a production environment, or odd ids")
    export.add_argument("--skip-invalid", action="store_true", help="export the rest of a list with invalid lines")
    export.add_argument("--fail-fast", action="store_true", help="start no more exports once one has failed")
    export.add_argument(
        "--unpack", metavar="DIR", type=absolute_path,
        help="unpack each saved tool into DIR/ENVIRONMENT/TOOL, to be committed",
    )  # fmt: skip
    export.add_argument(
        "--if-changed", action="store_true", help="keep no second copy of a file that holds what the last one holds"
    )
    export.set_defaults(export_parser=export)


def complete_export(arguments: argparse.Namespace, *, chosen: bool) -> None:
    """Checks what the parser gave and completes it: the `kind`, the name in `save_set`, and further fields.

    It reads the list into `batch`, before anything else happens. `environment_chosen` is False if a set's own
    environment, or the one that requests were sent to, goes before the one last used.

    Args:
        chosen: Whether the environment was named, on the command line or by the variables.

    Raises:
        ConfigError: The list cannot be read, or does not say where it goes.
    """
    kind = KINDS[arguments.kind] if arguments.kind else kind_of(arguments.tool_id or "") or TOOL
    _check_combination(arguments, kind)
    batch = _read(arguments.source) if arguments.source is not None else None
    if batch is not None and batch.hostless and not (arguments.yes or arguments.export_env or arguments.env):
        raise ConfigError(
            f"The request in line {batch.hostless[0]} does not name its host; nothing was started",
            "Add --env NAME, or --yes to use the environment that was used last",
        )
    if arguments.save_set is not None:
        from gale_tui.core.history.sets import clean_set_name

        arguments.save_set = clean_set_name(arguments.save_set)
    arguments.kind, arguments.batch, arguments.environment_chosen = kind, batch, chosen


def absolute_path(text: str) -> Path:
    """A path as an argument has it: `~` is the user's home, a relative one starts at the working folder."""
    return Path(os.path.expanduser(text)).absolute()


def _check_combination(arguments: argparse.Namespace, kind: Kind) -> None:
    """Ends with a usage error where options do not go together."""
    parser: argparse.ArgumentParser = arguments.export_parser
    one = arguments.tool_id is not None or arguments.flow_id is not None
    given = (("--set", arguments.set_name), ("--from", arguments.source), ("--resume", arguments.resume or None))
    ways = [name for name, value in given if value is not None]
    if one and ways:
        parser.error(f"--tool-id and --flow-id do not go with {ways[0]}")
    if len(ways) > 1:
        parser.error(f"{ways[0]} does not go with {ways[1]}")
    if arguments.resume and arguments.output is not None:
        parser.error("--output does not go with --resume: the batch has its own folder")
    if ways and arguments.kind is not None:
        parser.error("--kind goes with --tool-id; a list has a column for it")
    if not ways and (arguments.tool_id is None or (arguments.flow_id is None and kind.needs_flow)):
        parser.error("--tool-id and --flow-id are needed, or --set, --from or --resume")
    if not ways and not kind.needs_flow and arguments.flow_id is not None:
        parser.error(f"--flow-id does not go with a {kind}")
    if arguments.save_set is not None and arguments.source is None:
        parser.error("--save-set goes with --from")
    if ways and arguments.label:
        parser.error("--label goes with --tool-id; in a list each line has its own")
    if not 0 <= arguments.timeout < math.inf:
        parser.error("--timeout needs a number of seconds from 0 (no limit) on")


def _read(source: str) -> Batch:
    from gale_tui.core.batch.reader import read_batch

    try:
        if source == "-":
            content = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(source).expanduser().open("rb") as file:
                content = file.read(LARGEST + 1)
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"The list {source} cannot be read: {why}") from error
    if len(content) > LARGEST:
        raise ConfigError(f"The list {source} has more than {LARGEST >> 20} MB", "Split it")
    return read_batch(content)
