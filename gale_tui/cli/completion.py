"""`gale-tui completion SHELL`: commands and options complete, and so do environments, sets and ids of the history."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import Any

SHELLS = ("bash", "zsh", "fish")
HOW = """\
set up:
  bash   eval "$(gale-tui completion bash)"      in ~/.bashrc
  zsh    eval "$(gale-tui completion zsh)"       in ~/.zshrc, after compinit
  fish   gale-tui completion fish | source       in ~/.config/fish/config.fish
"""
RECENT = 300
"""Jobs of the history whose ids are offered."""


def add_completion(commands: Any) -> None:
    command: argparse.ArgumentParser = commands.add_parser(
        "completion",
        help="print the completion script of a shell",
        epilog=HOW,
    )
    command.add_argument("shell", choices=SHELLS)


def shell_code(shell: str) -> str:
    """The script that makes a shell complete gale-tui's arguments."""
    from argcomplete.shell_integration import shellcode

    return shellcode(["gale-tui"], shell=shell)


def complete(parser: argparse.ArgumentParser) -> None:
    """Answers the shell that completes a command line; returns only if none does."""
    import argcomplete

    _add_completers(parser)
    argcomplete.autocomplete(parser)


def _add_completers(parser: argparse.ArgumentParser) -> None:
    # argparse lists its options nowhere else.
    for option in parser._actions:
        if isinstance(option, argparse._SubParsersAction):
            for each in option.choices.values():
                _add_completers(each)
        elif option.dest in ("env", "export_env", "set_name", "tool_id", "flow_id"):
            option.completer = _offered  # type: ignore[attr-defined]  # argcomplete's own


def _offered(action: argparse.Action, **_: object) -> list[str]:
    """The completions of an option; none if the history or the configuration cannot be read."""
    from gale_tui.core.config.config_file import ConfigFile
    from gale_tui.core.config.paths import Paths
    from gale_tui.core.errors import GaleError

    paths = Paths.find(os.environ)
    try:
        if action.dest in ("env", "export_env"):
            return sorted(each.name for each in ConfigFile(paths.config_file).load().environments)
        history = paths.store_file
        return sorted(set(asyncio.run(_in_history(history, action.dest)))) if history.exists() else []
    except (GaleError, OSError):
        return []


async def _in_history(history: Path, field: str) -> list[str]:
    """Names of sets, or ids of recent jobs."""
    from gale_tui.core.history.store import JobStore

    async with await JobStore.open(history) as store:
        if field == "set_name":
            return [each.name for each in await store.sets.all()]
        return [str(getattr(job, field)) for job in await store.load(limit=RECENT)]
