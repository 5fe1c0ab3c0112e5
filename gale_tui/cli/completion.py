"""`gale-tui completion SHELL`: commands and options complete, and so do environments, sets and ids of the history."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gale_tui.core.config.paths import Paths
    from gale_tui.core.history.store import JobStore

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
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
    completers: dict[str, Callable[[], Iterable[str]]] = {
        "env": _environments,
        "export_env": _environments,
        "set_name": _sets,
        "tool_id": lambda: _ids("tool_id"),
        "flow_id": lambda: _ids("flow_id"),
    }
    # argparse lists its options nowhere else.
    for option in parser._actions:
        if isinstance(option, argparse._SubParsersAction):
            for each in option.choices.values():
                _add_completers(each)
        elif option.dest in completers:
            option.completer = _quietly(completers[option.dest])  # type: ignore[attr-defined]  # argcomplete's own


def _quietly(found: Callable[[], Iterable[str]]) -> Callable[..., list[str]]:
    """What is offered; nothing where the history or the configuration cannot be read."""

    def completer(**_: object) -> list[str]:
        from gale_tui.core.errors import GaleError

        try:
            return sorted(set(found()))
        except (GaleError, OSError):
            return []

    return completer


def _environments() -> list[str]:
    from gale_tui.core.config.config_file import ConfigFile

    return [each.name for each in ConfigFile(_paths().config_file).load().environments]


def _sets() -> list[str]:
    async def names(store: JobStore) -> list[str]:
        return [each.name for each in await store.sets.all()]

    return _of_history(names)


def _ids(field: str) -> list[str]:
    async def ids(store: JobStore) -> list[str]:
        return [str(getattr(job, field)) for job in await store.load(limit=RECENT)]

    return _of_history(ids)


def _of_history(read: Callable[[JobStore], Awaitable[list[str]]]) -> list[str]:
    from gale_tui.core.history.store import JobStore

    async def found(history: Path) -> list[str]:
        async with await JobStore.open(history) as store:
            return await read(store)

    history = _paths().store_file
    return asyncio.run(found(history)) if history.exists() else []


def _paths() -> Paths:
    from gale_tui.core.config.paths import Paths

    return Paths.find(os.environ)
