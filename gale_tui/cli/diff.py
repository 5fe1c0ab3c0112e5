"""`gale-tui diff`: what changed between two exports, zips or unpacked folders, on standard output."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from gale_tui.core.archive.comparison import Change, Comparison, compare, comparison_as_json
from gale_tui.core.archive.import_needs import environment_of_file, import_needs
from gale_tui.core.archive.json_diff import ABSENT, FieldChange, is_long_text, text_difference
from gale_tui.core.archive.tool import value_text
from gale_tui.core.errors import GaleError
from gale_tui.core.models import DownloadState
from gale_tui.core.secret import HIDDEN
from gale_tui.core.source.names import slug
from gale_tui.core.source.pack import read_contents
from gale_tui.core.untrusted_text import inert

SAME, DIFFER, TROUBLE = 0, 1, 2


def diff(before: Path, after: Path, arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Compares two exports.

    Returns:
        0 if nothing differs but order and time stamps, 1 if something does, 2 if one cannot be read.
    """
    archives = []
    for path in (before, after):
        try:
            archives.append(read_contents(path))
        except GaleError as error:
            name = inert(path)
            err.write(f"gale-tui: {error}\n" if name in str(error) else f"gale-tui: {name}: {error}\n")
            return TROUBLE
    comparison = compare(*archives)
    for archive in archives:
        for note in archive.notes:
            err.write(f"gale-tui: {inert(archive.path)}: {note}.\n")
    target = _target(before, after)
    if arguments.json:
        # ASCII: no name may carry an escape sequence to the terminal.
        found = comparison_as_json(comparison)
        if target:
            needs = import_needs(*archives)
            found["import_into"] = {
                "environment": target,
                **{need.kind.replace(" ", "_"): {"missing": need.missing, "found": need.found} for need in needs},
            }
        out.write(json.dumps(found) + "\n")
    else:
        lines = stat_lines(comparison) if arguments.stat else report_lines(comparison)
        out.writelines(f"{line}\n" for line in lines)
        if target and not arguments.stat:
            title = f"To import this into {inert(target, 60)}"
            out.writelines(f"{line}\n" for line in _section(title, (need.text for need in import_needs(*archives))))
    return SAME if comparison.same else DIFFER


async def diff_set(history: Path, arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Compares the folder of each of a set's tools with the file that was saved last: what changed in GALE since.

    Args:
        arguments: `before` is the folder that `export --unpack` wrote.

    Returns:
        As :func:`diff`, the highest of all.

    Raises:
        ConfigError: There is no such set.
        StoreError: The history cannot be used.
    """
    from gale_tui.core.history.store import JobStore
    from gale_tui.core.source.repository import find_tool_folder

    async with await JobStore.open(history) as store:
        tool_set = await store.sets.require(arguments.set_name)
        jobs = [job for job in await store.load() if job.download.state is DownloadState.SAVED]
    code = SAME
    for tool in tool_set.tools:
        saved = [
            job
            for job in jobs
            if (job.tool_id, job.flow_id) == (tool.tool_id, tool.flow_id)
            and tool_set.environment_id in (None, job.environment_id)
        ]
        job = max(saved, key=lambda each: each.download.saved_at or each.created_at, default=None)
        folder = None
        if job is not None:
            folder = find_tool_folder(arguments.before, job.environment_name, job.tool_id, job.flow_id)
        if job is None or job.download.path is None or folder is None:
            what = "no saved export" if job is None else f"not unpacked in {inert(arguments.before, 400)}"
            err.write(f"gale-tui: {inert(tool.title, 60)}: {what}.\n")
            code = TROUBLE
            continue
        code = max(code, diff(folder, job.download.path, arguments, out, err))
        out.write("" if arguments.json else "\n")
    return code


def _target(before: Path, after: Path) -> str:
    """The environment of the second side, if it is not the first one's; also empty if a name does not show it."""
    old, new = _environment(before), _environment(after)
    return new if old and old.casefold() != new.casefold() else ""


def _environment(path: Path) -> str:
    if not path.is_dir():
        return slug(environment_of_file(path.name))
    # Unpacked into a repository: ENVIRONMENT/TOOL with an index beside the tools.
    parent = path.absolute().parent
    return parent.name if (parent / "tools.json").is_file() else ""


def report_lines(comparison: Comparison) -> Iterator[str]:
    """The comparison as lines of text, inert; values of environment variables are left out."""
    yield f"--- {inert(comparison.before.path, 4096)}"
    yield f"+++ {inert(comparison.after.path, 4096)}"
    if comparison.same:
        yield "No difference."
        return
    yield from _section("Tool", _fields(comparison.about))
    yield from _section("Nodes", _changes(comparison.nodes))
    yield from _section("Guardrails", _changes(comparison.guardrails))
    yield from _section("Environment variables", _changes(comparison.variables))
    yield from _section("Flow settings", _fields(comparison.settings))
    yield from _section("Files", _changes(comparison.files))


def stat_lines(comparison: Comparison) -> Iterator[str]:
    """One line for each thing that differs, with its changed fields and lines counted, then the sum."""
    rows: list[tuple[str, str]] = []
    for name, fields in (("tool", comparison.about), ("flow settings", comparison.settings)):
        if fields:
            rows.append((f"~ {name}", _extent(fields)))
    for part, changes in (
        ("", comparison.nodes),
        ("guardrail ", comparison.guardrails),
        ("variable ", comparison.variables),
    ):
        for each in changes:
            if each.mark == "~":
                extent = "changed" if part == "variable " else _extent(each.fields)
            else:
                extent = "added" if each.mark == "+" else "removed"
            rows.append((f"{each.mark} {part}{_title(each)}", extent))
    rows += [(f"{each.mark} file {_title(each)}", "") for each in comparison.files]
    width = max((len(name) for name, _ in rows), default=0)
    yield from (f"{name:{width}}  {extent}".rstrip() for name, extent in rows)
    yield "No difference." if comparison.same else f"{comparison.count} differ" if comparison.count > 1 else "1 differs"


def _extent(changes: Sequence[FieldChange]) -> str:
    """How much of something changed: `2 fields, +3 -1 lines`."""
    text = "1 field" if len(changes) == 1 else f"{len(changes)} fields"
    marks = [
        line.mark
        for change in changes
        if is_long_text(change)
        for line in text_difference(change.before, change.after)
        if line.mark in "+-"
    ]
    return f"{text}, +{marks.count('+')} -{marks.count('-')} lines" if marks else text


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield title
        yield from (f"  {line}" if line else "" for line in found)


def _changes(changes: Iterable[Change]) -> Iterator[str]:
    for each in changes:
        yield f"{each.mark} {_title(each)}{': another value (values are not shown)' if each.value_changed else ''}"
        yield from (f"    {line}" for line in _fields(each.fields))


def _title(change: Change) -> str:
    about = f" ({inert(change.kind, 40)}, {inert(change.id, 80)})" if change.id else ""
    return inert(change.name, 200) + about


def _fields(changes: Iterable[FieldChange]) -> Iterator[str]:
    for change in changes:
        name = inert(change.field, 200) or "(all of it)"
        if is_long_text(change):
            yield f"{name}:"
            for line in text_difference(change.before, change.after):
                yield f"  {line.mark} {inert(line.text, 10_000)}".rstrip()
        elif change.before is ABSENT:
            yield f"{name}: added {value_text(change.after)}"
        elif change.after is ABSENT:
            yield f"{name}: removed {value_text(change.before)}"
        elif change.before == HIDDEN == change.after:
            yield f"{name}: changed (values are not shown)"
        else:
            yield f"{name}: {value_text(change.before)} → {value_text(change.after)}"
