"""What `gale-tui export` exports, and where to: one tool, a list, a set, or what was interrupted."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from gale_tui.cli.narration import Narration
from gale_tui.core.batch.tools import BadLine, BatchTool
from gale_tui.core.errors import ConfigError
from gale_tui.core.filesystem import check_folder
from gale_tui.core.history.batches import BatchRecord
from gale_tui.core.identifiers import clean_id, clean_label, has_extra_text, origin_of
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import Environment
from gale_tui.core.untrusted_text import inert


@dataclass(frozen=True, slots=True)
class Plan:
    """What is exported, and where to."""

    environment: Environment
    tools: tuple[BatchTool, ...]
    bad: tuple[BadLine, ...] = ()
    name: str = ""
    several: bool = True
    record: BatchRecord | None = None
    """The interrupted batch that is continued."""

    @property
    def count(self) -> int:
        """How many are started now."""
        return self.record.left if self.record is not None else len(self.tools)


async def make_plan(engine: GaleEngine, arguments: argparse.Namespace) -> Plan:
    """What the arguments stand for.

    Raises:
        ConfigError: Nothing to export, or no environment to export it to.
    """
    if arguments.resume:
        return await _plan_of_interrupted(engine, arguments)
    if arguments.set_name is not None:
        return await _plan_of_set(engine, arguments, arguments.set_name)
    return _plan(engine, arguments)


def _plan(engine: GaleEngine, arguments: argparse.Namespace) -> Plan:
    if arguments.batch is None:
        flow_id = clean_id(arguments.flow_id) if arguments.kind.needs_flow else ""
        tool = BatchTool(clean_id(arguments.tool_id), flow_id, clean_label(arguments.label), kind=arguments.kind)
        return Plan(engine.environments.require_current(), (tool,), several=False)
    batch = arguments.batch
    if not batch.tools and not batch.bad:
        raise ConfigError("The list names no tools", "Give lines of tool_id,flow_id,label")
    environment = (
        _environment_of(engine, batch.hosts, arguments) if batch.hosts else engine.environments.require_current()
    )
    name = "" if arguments.source == "-" else Path(arguments.source).name
    return Plan(environment, batch.tools, batch.bad, arguments.save_set or name)


def _environment_of(engine: GaleEngine, hosts: tuple[str, ...], arguments: argparse.Namespace) -> Environment:
    """The environment that captured requests were sent to. One that was chosen must be it."""
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


async def _plan_of_set(engine: GaleEngine, arguments: argparse.Namespace, name: str) -> Plan:
    kept = await engine.sets.find(name)
    if kept is None:
        names = ", ".join(each.name for each in await engine.sets.all()) or "none yet"
        raise ConfigError(
            f"No set is called {inert(name, 80)!r}", f"Known sets: {names}. --from FILE --save-set NAME makes one"
        )
    environment = None
    if not arguments.environment_chosen and kept.environment_id is not None:
        environment = engine.environments.find(kept.environment_id)
        if environment is None:
            raise ConfigError(f"The environment of the set {kept.name} is gone", "Name another one with --env")
    return Plan(environment or engine.environments.require_current(), kept.tools, (), kept.name)


async def _plan_of_interrupted(engine: GaleEngine, arguments: argparse.Namespace) -> Plan:
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
    return Plan(environment, record.tools, (), record.name, record=record)


def confirm_plan(engine: GaleEngine, plan: Plan, arguments: argparse.Namespace, narration: Narration) -> None:
    """Names what is odd, and refuses what has to be confirmed first.

    Raises:
        ConfigError: Not confirmed, or the files could not be saved.
    """
    for bad in plan.bad:
        narration.say(f"line {bad.line}: {bad.problem}: {bad.text}")
    for note in arguments.batch.notes if arguments.batch is not None else ():
        narration.say(note)
    name, count = plan.environment.name, plan.count
    if plan.environment.production and not arguments.yes:
        exports = f"{count} exports" if plan.several else "the export"
        raise ConfigError(f"{name} is a production environment", f"Add --yes to confirm {exports}")
    if plan.bad and not arguments.skip_invalid:
        invalid = "1 line is" if len(plan.bad) == 1 else f"{len(plan.bad)} lines are"
        advice = f"Correct the list, or add --skip-invalid to export the other {count}" if count else "Correct the list"
        raise ConfigError(f"{invalid} invalid; nothing was started", advice)
    stuck = [tool for tool in plan.tools if has_extra_text(tool.tool_id) or has_extra_text(tool.flow_id or "none")]
    for tool in stuck:
        line = f"line {tool.line}: " if tool.line else ""
        narration.say(f"{line}an odd id, perhaps with something stuck to it: {tool.tool_id} {tool.flow_id}")
    if stuck and plan.record is None and not arguments.yes:
        odd = "1 export has an odd id" if len(stuck) == 1 else f"{len(stuck)} exports have odd ids"
        raise ConfigError(f"{odd}; nothing was started", "Correct the ids, or add --yes to use them as they are")
    if plan.tools and plan.record is None:
        check_folder(arguments.output or engine.default_folder(), chosen=arguments.output is not None)
