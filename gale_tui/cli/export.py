"""`gale-tui export`: the engine without a screen. Data on standard output, narration on standard error."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from pathlib import Path
from typing import Final, TextIO

from gale_tui.cli.exit_codes import INTERRUPTED, account_code
from gale_tui.cli.export_plan import Plan, confirm_plan, make_plan
from gale_tui.cli.jobs import job_as_json
from gale_tui.cli.narration import Narration
from gale_tui.core.batch.report import BatchAccount, BatchEntry, Outcome
from gale_tui.core.errors import CredentialError, ForbiddenError, GaleError, RateLimitedError
from gale_tui.core.history.sets import ToolSet
from gale_tui.core.jobs.batch_runner import BatchRun
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.jobs.reasons import describe, describe_download
from gale_tui.core.models import DownloadState, EnvironmentCondition, Job, JobReason, JobState
from gale_tui.core.signals import handle_signals
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert

LONG_WAIT: Final = 3600.0
"""Seconds: the longest pause of the server that is worth waiting for in a shell."""


class FailFastError(GaleError):
    """One export has failed, and `--fail-fast` stops the others."""

    exit_code = 1


def entry_as_json(entry: BatchEntry, plan: Plan) -> dict[str, object]:
    """The result of a tool as data for scripts: the job, the batch, and whether the file is unchanged. One that was not
    started has the same fields.
    """
    environment, record = plan
    job = entry.job
    if job is None:
        tool, names = entry.tool, (environment.id, environment.name)
        nobody = Job("", *names, "", tool.tool_id, tool.flow_id, 0.0, label=tool.label, kind=tool.kind)
        known = {**job_as_json(nobody), "status": None, "state": "not started", "note": entry.why}
    else:
        known = job_as_json(job)
    outcome = entry.outcome.value if entry.outcome is not None else None
    return {**known, "outcome": outcome, "unchanged": entry.unchanged, "batch": record.name or None}


async def export(engine: GaleEngine, arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Runs one export, or all of a set or list, to the end; returns the exit code.

    Args:
        engine: Not yet started; closed at the end.
    """
    me = asyncio.current_task()
    numbers: list[int] = []

    def stopped(number: int) -> None:
        numbers.append(number)
        if me is None or me.done():
            # The loop is ending; the process may still wait for the reader of its output.
            raise KeyboardInterrupt
        if not closing:
            me.cancel()

    handle_signals(("SIGINT", "SIGTERM", "SIGHUP"), stopped)
    narration = Narration(err)
    engine.on_notice.append(narration.say)
    code, closing = INTERRUPTED, False
    try:
        engine.environments.require_current()
        for problem in engine.problems:
            narration.say(problem)
        code = await _run(engine, arguments, out, narration)
    except GaleError as error:
        narration.say(str(error))
        code = error.exit_code
    except asyncio.CancelledError:
        narration.say("interrupted; running exports continue at GALE.")
    finally:
        closing = True
        await engine.close()
    return 128 + numbers[0] if numbers else code


async def _run(engine: GaleEngine, arguments: argparse.Namespace, out: TextIO, narration: Narration) -> int:
    in_history = arguments.resume or arguments.set_name is not None
    if in_history:
        await engine.start()
    environment, record = plan = await make_plan(engine, arguments)
    confirm_plan(engine, plan, arguments, narration)
    if not in_history:
        # Started last, so that a refused command opens no history and polls nothing.
        await engine.start()
    if arguments.save_set:
        tool_set = ToolSet(arguments.save_set, record.tools, environment.id, engine.clock.time())
        await engine.sets.save(tool_set)
        narration.say(f"saved {len(record.tools)} tools as the set {arguments.save_set}")
    account = await _run_all(engine, arguments, plan, out, narration)
    if arguments.set_name is not None:
        await engine.sets.mark_used(arguments.set_name, at=engine.clock.time())
    if arguments.tool_id is None:
        narration.say(f"{record.title}, {environment.name}: {account.sentence}")
        _say_not_started(account.count(Outcome.NOT_STARTED), narration)
    if account.stopped:
        narration.say(account.stopped)
    code = account_code(account)
    if arguments.unpack is not None:
        code = max(code, await _unpack_all(account, arguments.unpack, narration))
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
            narration.say(f"{title} is not unpacked: a {job.kind} is not a tool.")
            continue
        try:
            done = await threads.call(unpack_job, root, job, job.download.path)
        except GaleError as error:
            code = max(code, error.exit_code)
            narration.say(f"{title} is not unpacked: {error}")
            continue
        for note in (*done.notes, *done.findings):
            narration.say(f"{title}: {note}")
        if done.changes.written or done.changes.removed:
            changed += 1
            counts = f"{len(done.changes.written)} written, {len(done.changes.removed)} removed"
            narration.say(f"{title}: {counts} in {inert(done.folder, 4096)}")
        else:
            unchanged += 1
    tools = "1 tool" if changed == 1 else f"{changed} tools"
    narration.say(f"{inert(root, 4096)}: {tools} changed, {unchanged} unchanged")
    return code


def _say_not_started(count: int, narration: Narration) -> None:
    if count:
        narration.say(f"{count} not started. Continue with gale-tui export --resume or in the app.")


async def _run_all(
    engine: GaleEngine, arguments: argparse.Namespace, plan: Plan, out: TextIO, narration: Narration
) -> BatchAccount:
    several = arguments.tool_id is None
    ended: set[int] = set()

    def changed(account: BatchAccount) -> None:
        for place, entry in enumerate(account.entries):
            if place in ended:
                continue
            narration.follow(entry)
            if entry.outcome is not None:
                ended.add(place)
                _write_result(entry, arguments, plan, out)
        narration.show(account.progress if several else "")
        if arguments.fail_fast and any(account.not_good):
            error = FailFastError("Stopped after the first failure (--fail-fast)")
            run.stop(str(error), error)
        _give_up_hopeless(run, account, engine.clock.time(), several=several)

    run = BatchRun(engine, *plan, changed, resumed=arguments.resume, stored=several, if_changed=arguments.if_changed)
    try:
        await _run_batch(run, engine, arguments.timeout or None)
    except asyncio.CancelledError:
        if several:
            _say_not_started(run.unstarted, narration)
        raise
    return run.account


def _give_up_hopeless(run: BatchRun, account: BatchAccount, now: float, *, several: bool) -> None:
    """Stops waiting for jobs that waiting does not help: the key is refused, or the server wants a long pause."""
    for entry in account.entries:
        job = entry.job
        if entry.outcome is not None or job is None:
            continue
        later = max(job.resume_at or 0.0, job.download.next_try_at or 0.0) - now > LONG_WAIT
        if job.reason_code is not JobReason.NOT_ALLOWED and not later:
            continue
        why = (describe_download(job) or describe(job)).text
        error = RateLimitedError(why, status=429) if later else ForbiddenError(why, status=403)
        run.stop_waiting_for(job.id, why, error)
        if several and job.state is JobState.WAITING:
            run.stop(why, error)


async def _run_batch(run: BatchRun, engine: GaleEngine, seconds: float | None) -> None:
    """Runs a batch to its end, to the time-out, or until its environment needs a key."""
    key_trouble = asyncio.get_running_loop().create_future()

    def condition(now: EnvironmentCondition) -> None:
        if now.state == "needs key" and now.environment_id == run.environment.id and not key_trouble.done():
            key_trouble.set_result(now.text)

    engine.connection_status.listeners.append(condition)
    running = asyncio.create_task(run.run(), name="batch")
    try:
        done, _ = await asyncio.wait((running, key_trouble), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if running not in done:
            if key_trouble in done:
                run.stop_waiting(key_trouble.result(), CredentialError(key_trouble.result()))
            else:
                run.stop_waiting("Timed out; running exports continue at GALE and are followed at the next start")
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        engine.connection_status.listeners.remove(condition)
        key_trouble.cancel()


def _write_result(entry: BatchEntry, arguments: argparse.Namespace, plan: Plan, out: TextIO) -> None:
    job = entry.job
    if arguments.json:
        out.write(json.dumps(entry_as_json(entry, plan), ensure_ascii=False) + "\n")
    elif job is not None and job.download.state is DownloadState.SAVED:
        out.write(f"{job.download.path}\n")
    out.flush()
