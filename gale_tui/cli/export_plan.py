"""What `gale-tui export` exports, and where to: one tool, a list, a set, or an interrupted batch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from gale_tui.cli.narration import Narration
from gale_tui.core.batch.tools import BadLine, BatchTool
from gale_tui.core.errors import ConfigError
from gale_tui.core.filesystem import check_folder
from gale_tui.core.history.batches import BatchRecord
from gale_tui.core.history.sets import ToolSet
from gale_tui.core.identifiers import clean_id, clean_label, has_extra_text, origin_of
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import Environment
from gale_tui.core.untrusted_text import inert

Plan: TypeAlias = tuple[Environment, BatchRecord]
"""The environment and the batch."""


async def make_plan(engine: GaleEngine, arguments: argparse.Namespace) -> Plan:
    """The plan of the arguments: a new batch, or with `--resume` the interrupted one.

    Raises:
        ConfigError: Nothing to export, or no environment to export it to.
    """
    if arguments.resume:
        return await _find_interrupted(engine, arguments)
    bad: Sequence[BadLine] = ()
    if arguments.set_name is not None:
        tool_set = await engine.sets.require(arguments.set_name, "--from FILE --save-set NAME makes one")
        environment, tools, name = _environment_of_set(engine, arguments, tool_set), tool_set.tools, tool_set.name
    elif arguments.batch is not None:
        batch = arguments.batch
        if not batch.tools and not batch.bad:
            raise ConfigError("The list names no tools", "Give lines of tool_id,flow_id,label")
        current = engine.environments.require_current
        environment = _environment_of(engine, batch.hosts, arguments) if batch.hosts else current()
        file = "" if arguments.source == "-" else Path(arguments.source).name
        tools, bad, name = batch.tools, batch.bad, arguments.save_set or file
    else:
        flow_id = clean_id(arguments.flow_id) if arguments.kind.needs_flow else ""
        tool = BatchTool(clean_id(arguments.tool_id), flow_id, clean_label(arguments.label), kind=arguments.kind)
        environment, tools, name = engine.environments.require_current(), (tool,), ""
    record = BatchRecord.new(
        environment, tools, name=name, folder=arguments.output, bad=bad, created_at=engine.clock.time()
    )
    return environment, record


def _environment_of(engine: GaleEngine, hosts: tuple[str, ...], arguments: argparse.Namespace) -> Environment:
    """The environment that captured requests were sent to; a chosen one must be the same."""
    origins = {origin_of(host) for host in hosts}
    names = ", ".join(sorted(inert(origin.display, 80) for origin in origins))
    if arguments.environment_chosen:
        chosen = engine.environments.require_current()
        if origins != {chosen.origin}:
            raise ConfigError(
                f"The requests were sent to {names}, not to {inert(chosen.name, 60)} ({chosen.origin.display})",
                "Nothing was started: choose the environment that they were sent to",
            )
        return chosen
    found = [each for each in engine.environments if each.origin in origins]
    if len(origins) == 1 and len(found) == 1:
        return found[0]
    if len(origins) == 1 and found:
        advice = f"Choose one with --env: {', '.join(inert(each.name, 60) for each in found)}"
        raise ConfigError(f"Several environments have the host {names}", advice)
    raise ConfigError(
        f"The requests were sent to {names}, which has no environment here", "Add it, or split the list by host"
    )


def _environment_of_set(engine: GaleEngine, arguments: argparse.Namespace, tool_set: ToolSet) -> Environment:
    if arguments.environment_chosen or tool_set.environment_id is None:
        return engine.environments.require_current()
    environment = engine.environments.find(tool_set.environment_id)
    if environment is None:
        raise ConfigError(f"The environment of the set {tool_set.name} is gone", "Name another one with --env")
    return environment


async def _find_interrupted(engine: GaleEngine, arguments: argparse.Namespace) -> Plan:
    found = await engine.batches.interrupted()
    if arguments.environment_chosen:
        current = engine.environments.require_current()
        found = [each for each in found if each.environment_id == current.id]
    if not found:
        raise ConfigError("Nothing to resume", "A batch that another gale-tui runs is not interrupted")
    record = found[0]
    environment = engine.environments.find(record.environment_id)
    if environment is None or not record.belongs_to(environment):
        name = inert(record.environment_name, 60)
        raise ConfigError(
            f"The environment {name} of {record.title} is gone or has another host now", "Discard the batch in the app"
        )
    return environment, record


def confirm_plan(engine: GaleEngine, plan: Plan, arguments: argparse.Namespace, narration: Narration) -> None:
    """Warns of unusual ids, and refuses exports that need a confirmation.

    Raises:
        ConfigError: Not confirmed, or the files could not be saved.
    """
    environment, record = plan
    bad = () if arguments.resume else record.bad
    for each in bad:
        narration.say(f"line {each.line}: {each.problem}: {each.text}")
    for note in arguments.batch.notes if arguments.batch is not None else ():
        narration.say(note)
    count = record.unstarted
    if environment.production and not arguments.yes:
        exports = f"{count} exports" if arguments.tool_id is None else "the export"
        raise ConfigError(f"{environment.name} is a production environment", f"Add --yes to confirm {exports}")
    if bad and not arguments.skip_invalid:
        invalid = "1 line is" if len(bad) == 1 else f"{len(bad)} lines are"
        advice = f"Correct the list, or add --skip-invalid to export the other {count}" if count else "Correct the list"
        raise ConfigError(f"{invalid} invalid; nothing was started", advice)
    stuck = [tool for tool in record.tools if has_extra_text(tool.tool_id) or has_extra_text(tool.flow_id or "none")]
    for tool in stuck:
        line = f"line {tool.line}: " if tool.line else ""
        narration.say(f"{line}an odd id, perhaps with something stuck to it: {tool.tool_id} {tool.flow_id}")
    if arguments.resume:
        return
    if stuck and not arguments.yes:
        odd = "1 export has an odd id" if len(stuck) == 1 else f"{len(stuck)} exports have odd ids"
        raise ConfigError(f"{odd}; nothing was started", "Correct the ids, or add --yes to use them as they are")
    if record.tools:
        check_folder(arguments.output or engine.default_folder(), chosen=arguments.output is not None)
