"""`gale-tui prune`: removes saved exports that newer ones have replaced."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, TextIO

DAY = 86_400.0


def add_prune(commands: Any) -> None:
    command: argparse.ArgumentParser = commands.add_parser(
        "prune",
        help="remove old saved exports",
        description="Remove saved exports that gale-tui recorded and that nobody changed since. The newest of each "
        "tool always stays, and so does every other file.",
        epilog="exit codes:\n  0 done, or nothing to remove · 2 usage · 6 a file could not be removed",
    )
    command.add_argument(
        "--keep", metavar="N", type=int, dest="newest", help="keep the newest N files of each tool (at least 1)"
    )
    command.add_argument("--older-than", metavar="DAYS", type=float, help="remove only files saved longer ago")
    command.add_argument("--dry-run", action="store_true", help="show what would go, remove nothing")
    command.set_defaults(prune_parser=command)


async def prune(history: Path, arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Runs the command; returns the exit code.

    Raises:
        StoreError: The history cannot be used.
    """
    from gale_tui.core.history.prune import file_matches, find_old_files
    from gale_tui.core.history.store import JobStore
    from gale_tui.core.jobs.transitions import remove_file
    from gale_tui.core.untrusted_text import inert

    newest, days = arguments.newest, arguments.older_than
    if newest is None and days is None:
        arguments.prune_parser.error("--keep N or --older-than DAYS is needed")
    if newest is not None and newest < 1:
        arguments.prune_parser.error("--keep needs at least 1")
    if days is not None and not 0 <= days < 100_000:
        arguments.prune_parser.error("--older-than needs a number of days from 0 on")
    before = None if days is None else time.time() - days * DAY
    failed = 0
    async with await JobStore.open(history) as store:
        found = find_old_files(await store.load(), keep=newest or 1, before=before)
        old = [each for each in found if file_matches(each)]
        out.writelines(f"{inert(each.path, 4096)}\n" for each in old)
        total = sum(each.size for each in old)
        files = "1 file" if len(old) == 1 else f"{len(old)} files"
        verb = "would go" if arguments.dry_run else "to remove"
        out.write(f"{files} {verb}, {total:,} bytes.\n" if old else "Nothing to remove.\n")
        out.flush()
        for each in () if arguments.dry_run else old:
            try:
                each.path.unlink()
            except OSError as error:
                failed += 1
                err.write(f"gale-tui: {inert(each.path, 4096)}: {error.strerror or 'cannot be removed'}\n")
                continue
            for job in each.jobs:
                await store.update(job.id, remove_file, "file removed by prune", again=True)
    return 6 if failed else 0
