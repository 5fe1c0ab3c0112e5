"""`gale-tui export`: the engine without a screen. Data on standard output, narration on standard error."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from gale_tui.cli.exit_codes import INTERRUPTED, account_code, exit_code
from gale_tui.cli.jobs import job_as_json
from gale_tui.cli.narration import Narration
from gale_tui.core.batch.outcomes import Outcome, settled
from gale_tui.core.batch.parser import BadLine, Batch, BatchTool
from gale_tui.core.batch.report import BatchAccount, BatchEntry
from gale_tui.core.errors import ConfigError, CredentialError, ForbiddenError, GaleError, RateLimitedError
from gale_tui.core.filesystem import check_folder
from gale_tui.core.history.batches import KeptBatch
from gale_tui.core.history.sets import ToolSet
from gale_tui.core.identifiers import clean_id, clean_label, has_text_stuck, origin_of
from gale_tui.core.jobs.batch_runner import BatchRun
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.jobs.reasons import describe, describe_download
from gale_tui.core.kinds import TOOL, Kind
from gale_tui.core.models import DownloadState, Environment, EnvironmentCondition, Job, JobReason, JobState
from gale_tui.core.signals import handle_signals
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert

__all__ = ["ExportCommand", "entry_as_json", "exit_code", "export", "settled"]

LONG_WAIT: Final = 3600.0
"""Seconds: where the server wants to be left alone for longer, nobody waits in a shell."""


class FailFastError(GaleError):
    """One export has failed, and the others were not to be started then."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class ExportCommand:
    """What the command line asks for: one tool, a set, or a list."""

    tool_id: str = ""
    flow_id: str = ""
    kind: Kind = TOOL
    label: str = ""
    output: Path | None = None
    as_json: bool = False
    timeout: float | None = None
    """Seconds; None waits as long as it takes."""
    yes: bool = False
    set_name: str | None = None
    batch: Batch | None = None
    """A list that was read."""
    batch_name: str = ""
    """What the list is called."""
    resume: bool = False
    """Go on with what was cut short."""
    keep_as: str = ""
    """The set that the list is kept as; empty for none."""
    environment_chosen: bool = True
    """False where a set's own environment, or the one that requests were sent to, goes before the one last used."""
    unpack: Path | None = None
    """Where each saved tool is unpacked."""
    if_changed: bool = False
    """Keep no second copy of a file that holds what the last one holds."""
    fail_fast: bool = False
    """Start no more exports once one has failed."""
    skip_invalid: bool = False
    """Export the rest of a list with invalid lines."""


@dataclass(frozen=True, slots=True)
class _Plan:
    environment: Environment
    tools: tuple[BatchTool, ...]
    bad: tuple[BadLine, ...] = ()
    name: str = ""
    several: bool = True
    kept: KeptBatch | None = None
    """What was cut short and is gone on with."""

    @property
    def count(self) -> int:
        """How many are started now."""
        return self.kept.left if self.kept is not None else len(self.tools)


def entry_as_json(entry: BatchEntry, environment: Environment, batch: str) -> dict[str, object]:
    """What became of a tool as data for scripts: the job, the batch, and whether the file is like the one before.

    One that was not started has the same fields.
    """
    job = entry.job
    if job is None:
        tool = entry.tool
        nobody = Job(
            "", environment.id, environment.name, "", tool.tool_id, tool.flow_id, 0.0, label=tool.label, kind=tool.kind
        )
        known = {**job_as_json(nobody), "status": None, "state": "not started", "note": entry.why}
    else:
        known = job_as_json(job)
    outcome = entry.outcome.value if entry.outcome is not None else None
    return {**known, "outcome": outcome, "unchanged": entry.unchanged, "batch": batch or None}


async def export(engine: GaleEngine, command: ExportCommand, out: TextIO, err: TextIO) -> int:
    """Runs one export, or all of a set or list, to the end.

    Args:
        engine: Not yet started; closed at the end.
        command: What to do.
        out: For data.
        err: For narration.

    Returns:
        The exit code.
    """
    me = asyncio.current_task()
    numbers: list[int] = []

    def stopped(number: int) -> None:
        numbers.append(number)
        if me is None or me.done():
            # The loop ends already; the process may still wait for whoever reads its output.
            raise KeyboardInterrupt
        if not closing:
            me.cancel()

    handle_signals(("SIGINT", "SIGTERM", "SIGHUP"), stopped)
    narration = Narration(err)
    engine.on_notice.append(lambda text: narration.say(f"gale-tui: {text}"))
    code, closing = INTERRUPTED, False
    try:
        engine.environments.require_current()
        for problem in engine.problems:
            narration.say(f"gale-tui: {problem}")
        code = await _run(engine, command, out, narration)
    except GaleError as error:
        narration.say(f"gale-tui: {error}")
        code = error.exit_code
    except asyncio.CancelledError:
        narration.say("gale-tui: interrupted; running exports continue at GALE.")
    finally:
        closing = True
        await engine.close()
    return 128 + numbers[0] if numbers else code


async def _run(engine: GaleEngine, command: ExportCommand, out: TextIO, narration: Narration) -> int:
    if command.resume:
        await engine.start()
        plan = await _plan_of_kept(engine, command)
        _confirm(engine, plan, command, narration)
    elif command.set_name is None:
        plan = _plan(engine, command)
        _confirm(engine, plan, command, narration)
        await engine.start()
    else:
        await engine.start()
        plan = await _plan_of_set(engine, command, command.set_name)
        _confirm(engine, plan, command, narration)
    if command.keep_as:
        kept = ToolSet(command.keep_as, plan.tools, plan.environment.id, engine.clock.time())
        await engine.sets.save(kept)
        narration.say(f"gale-tui: saved {len(plan.tools)} tools as the set {command.keep_as}")
    account = await _run_all(engine, command, plan, out, narration)
    if command.set_name is not None:
        await engine.sets.mark_used(command.set_name, at=engine.clock.time())
    if plan.several:
        narration.say(f"gale-tui: {plan.name or 'batch'}, {plan.environment.name}: {account.sentence}")
    if plan.several:
        _say_left(account.count(Outcome.NOT_STARTED), narration)
    if account.stopped:
        narration.say(f"gale-tui: {account.stopped}")
    code = account_code(account)
    if command.unpack is not None:
        code = max(code, await _unpack_all(account, command.unpack, narration))
    return code


async def _unpack_all(account: BatchAccount, root: Path, narration: Narration) -> int:
    """Unpacks each saved tool and says what changed; returns the exit code."""
    from gale_tui.core.source.repository import unpack_job

    code = changed = unchanged = 0
    threads = DaemonThreads("unpack", keep=1)
    for entry in account.entries:
        job = entry.job
        if entry.outcome is not Outcome.SAVED or job is None or job.download.path is None:
            continue
        title = inert(job.title, 60)
        if not job.kind.holds_tool:
            narration.say(f"gale-tui: {title} is not unpacked: a {job.kind} is not a tool.")
            continue
        try:
            done = await threads.call(unpack_job, root, job, job.download.path)
        except GaleError as error:
            code = max(code, error.exit_code)
            narration.say(f"gale-tui: {title} is not unpacked: {error}")
            continue
        for note in (*done.notes, *(f"{each.file}:{each.line}: this looks like {each.kind}" for each in done.findings)):
            narration.say(f"gale-tui: {title}: {note}")
        if done.changes.written or done.changes.removed:
            changed += 1
            counts = f"{len(done.changes.written)} written, {len(done.changes.removed)} removed"
            narration.say(f"gale-tui: {title}: {counts} in {inert(done.folder, 4096)}")
        else:
            unchanged += 1
    tools = "1 tool" if changed == 1 else f"{changed} tools"
    narration.say(f"gale-tui: {inert(root, 4096)}: {tools} changed, {unchanged} unchanged")
    return code


def _say_left(count: int, narration: Narration) -> None:
    if count:
        narration.say(f"gale-tui: {count} not started. Continue with gale-tui export --resume or in the app.")


# What to do


def _plan(engine: GaleEngine, command: ExportCommand) -> _Plan:
    if command.batch is None:
        flow_id = clean_id(command.flow_id) if command.kind.needs_flow else ""
        tool = BatchTool(clean_id(command.tool_id), flow_id, clean_label(command.label), kind=command.kind)
        return _Plan(engine.environments.require_current(), (tool,), several=False)
    batch = command.batch
    if not batch.tools and not batch.bad:
        raise ConfigError("The list names no tools", "Give lines of tool_id,flow_id,label")
    environment = (
        _environment_of(engine, batch.hosts, command) if batch.hosts else engine.environments.require_current()
    )
    return _Plan(environment, batch.tools, batch.bad, command.keep_as or command.batch_name)


def _environment_of(engine: GaleEngine, hosts: tuple[str, ...], command: ExportCommand) -> Environment:
    """The environment that captured requests were sent to. One that was chosen must be it."""
    origins = {origin_of(host) for host in hosts}
    names = ", ".join(sorted(inert(origin.display, 80) for origin in origins))
    if command.environment_chosen:
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


async def _plan_of_set(engine: GaleEngine, command: ExportCommand, name: str) -> _Plan:
    kept = await engine.sets.find(name)
    if kept is None:
        names = ", ".join(each.name for each in await engine.sets.all()) or "none yet"
        raise ConfigError(
            f"No set is called {inert(name, 80)!r}", f"Known sets: {names}. --from FILE --save-set NAME makes one"
        )
    environment = None
    if not command.environment_chosen and kept.environment_id is not None:
        environment = engine.environments.find(kept.environment_id)
        if environment is None:
            raise ConfigError(f"The environment of the set {kept.name} is gone", "Name another one with --env")
    return _Plan(environment or engine.environments.require_current(), kept.tools, (), kept.name)


async def _plan_of_kept(engine: GaleEngine, command: ExportCommand) -> _Plan:
    found = await engine.batches.interrupted()
    if command.environment_chosen:
        current = engine.environments.require_current()
        found = [each for each in found if each.environment_id == current.id]
    if not found:
        raise ConfigError("Nothing to resume", "A batch that another gale-tui runs is not interrupted")
    kept = found[0]
    environment = engine.environments.find(kept.environment_id)
    if environment is None or not kept.goes_to(environment):
        name = inert(kept.environment_name, 60)
        raise ConfigError(
            f"The environment {name} of {kept.title} is gone or has another host now", "Discard the batch in the app"
        )
    return _Plan(environment, kept.tools, (), kept.name, kept=kept)


def _confirm(engine: GaleEngine, plan: _Plan, command: ExportCommand, narration: Narration) -> None:
    """Refuses what needs a word from the person who asks for it."""
    for bad in plan.bad:
        narration.say(f"gale-tui: line {bad.line}: {bad.problem}: {bad.text}")
    for note in command.batch.notes if command.batch is not None else ():
        narration.say(f"gale-tui: {note}")
    name, count = plan.environment.name, plan.count
    if plan.environment.production and not command.yes:
        exports = f"{count} exports" if plan.several else "the export"
        raise ConfigError(f"{name} is a production environment", f"Add --yes to confirm {exports}")
    if plan.bad and not command.skip_invalid:
        invalid = "1 line is" if len(plan.bad) == 1 else f"{len(plan.bad)} lines are"
        advice = f"Correct the list, or add --skip-invalid to export the other {count}" if count else "Correct the list"
        raise ConfigError(f"{invalid} invalid; nothing was started", advice)
    stuck = [tool for tool in plan.tools if has_text_stuck(tool.tool_id) or has_text_stuck(tool.flow_id or "none")]
    for tool in stuck:
        line = f"line {tool.line}: " if tool.line else ""
        narration.say(f"gale-tui: {line}an odd id, perhaps with something stuck to it: {tool.tool_id} {tool.flow_id}")
    if stuck and plan.kept is None and not command.yes:
        odd = "1 export has an odd id" if len(stuck) == 1 else f"{len(stuck)} exports have odd ids"
        raise ConfigError(f"{odd}; nothing was started", "Correct the ids, or add --yes to use them as they are")
    if plan.tools and plan.kept is None:
        check_folder(command.output or engine.default_folder(), chosen=command.output is not None)


# Doing it


async def _run_all(
    engine: GaleEngine, command: ExportCommand, plan: _Plan, out: TextIO, narration: Narration
) -> BatchAccount:
    told: set[int] = set()

    def changed(account: BatchAccount) -> None:
        for place, entry in enumerate(account.entries):
            if place in told:
                continue
            narration.follow(entry)
            if entry.outcome is not None:
                told.add(place)
                _give_out(entry, command, plan, out)
        narration.show(account.progress if plan.several else "")
        if command.fail_fast and any(account.not_good):
            error = FailFastError("Stopped after the first failure (--fail-fast)")
            run.stop(str(error), error)
        leave_hopeless(account)

    def leave_hopeless(account: BatchAccount) -> None:
        """Leaves jobs that no waiting helps: the key is refused, or the server wants a long pause."""
        for entry in account.entries:
            job = entry.job
            if entry.outcome is not None or job is None:
                continue
            later = max(job.resume_at or 0.0, job.download.next_try_at or 0.0) - engine.clock.time() > LONG_WAIT
            if job.reason_code is not JobReason.NOT_ALLOWED and not later:
                continue
            why = (describe_download(job) or describe(job)).text
            error = RateLimitedError(why, status=429) if later else ForbiddenError(why, status=403)
            run.leave(job.id, why, error)
            if plan.several and job.state is JobState.WAITING:
                run.stop(why, error)

    if plan.kept is not None:
        run = BatchRun.going_on(engine, plan.environment, plan.kept, changed, if_changed=command.if_changed)
    else:
        run = BatchRun(
            engine,
            plan.environment,
            plan.tools,
            name=plan.name,
            folder=command.output,
            bad=plan.bad,
            on_change=changed,
            record=plan.several,
            if_changed=command.if_changed,
        )
    key_wanted = asyncio.get_running_loop().create_future()

    def condition(now: EnvironmentCondition) -> None:
        if now.state == "needs key" and now.environment_id == plan.environment.id and not key_wanted.done():
            key_wanted.set_result(now.text)

    engine.connection_status.listeners.append(condition)
    running = asyncio.create_task(run.run(), name="batch")
    try:
        done, _ = await asyncio.wait(
            (running, key_wanted), timeout=command.timeout, return_when=asyncio.FIRST_COMPLETED
        )
        if running not in done:
            if key_wanted in done:
                run.give_up(key_wanted.result(), CredentialError(key_wanted.result()))
            else:
                run.give_up("Timed out; running exports continue at GALE and are followed at the next start")
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    except asyncio.CancelledError:
        if plan.several:
            _say_left(run.left, narration)
        raise
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        engine.connection_status.listeners.remove(condition)
        key_wanted.cancel()
    return run.account


def _give_out(entry: BatchEntry, command: ExportCommand, plan: _Plan, out: TextIO) -> None:
    job = entry.job
    if command.as_json:
        out.write(json.dumps(entry_as_json(entry, plan.environment, plan.name), ensure_ascii=False) + "\n")
    elif job is not None and job.download.state is DownloadState.SAVED:
        out.write(f"{job.download.path}\n")
    out.flush()
