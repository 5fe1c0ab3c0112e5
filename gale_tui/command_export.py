"""`gale-tui export`: the engine without a screen. Data on standard output, narration on standard error."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from gale_tui.core.book import clock_time
from gale_tui.core.engine import GaleEngine
from gale_tui.core.errors import ConfigError, GaleError
from gale_tui.core.hosts import clean_id
from gale_tui.core.models import DownloadState, ExportRequest, Job, JobChange, JobState
from gale_tui.core.text import inert

__all__ = ["ExportCommand", "exit_code", "export", "job_as_json"]

SAVED, FAILED, USAGE, NETWORK, AUTHENTICATION, TIMEOUT, NOT_SAVED, UNCONFIRMED, INTERRUPTED = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    130,
)


@dataclass(frozen=True, slots=True)
class ExportCommand:
    """What the command line asks for."""

    tool_id: str
    flow_id: str
    label: str = ""
    output: Path | None = None
    as_json: bool = False
    timeout: float | None = None
    """Seconds; None waits as long as it takes."""
    yes: bool = False


def job_as_json(job: Job) -> dict[str, object]:
    """A job as data for scripts; no link, no key."""
    download = job.download
    return {
        "tool_id": job.tool_id,
        "flow_id": job.flow_id,
        "label": job.label,
        "environment": job.environment_name,
        "status": job.status,
        "state": job.state.value,
        "reason": job.reason,
        "note": job.note,
        "dock_status_id": job.dock_status_id,
        "export_job_id": job.export_job_id,
        "download": download.state.value,
        "path": str(download.path) if download.path else None,
        "size": download.size if download.state is DownloadState.SAVED else None,
        "sha256": download.sha256,
        "error": download.error,
    }


def settled(job: Job) -> bool:
    """True where nothing more will happen to the job and its file by itself."""
    if job.state in (JobState.FAILED, JobState.REJECTED, JobState.UNCONFIRMED, JobState.LOST):
        return True
    if job.state is not JobState.SUCCEEDED:
        return False
    download = job.download
    if download.state is DownloadState.RESUMABLE:
        return download.next_try_at is None
    return download.state in (DownloadState.SAVED, DownloadState.EXPIRED, DownloadState.FAILED)


def exit_code(job: Job) -> int:
    """What the contract says for a settled job, or for one that was waited for too long."""
    if not settled(job):
        return TIMEOUT
    if job.state is JobState.FAILED:
        return FAILED
    if job.state is JobState.REJECTED:
        return USAGE
    if job.state is JobState.UNCONFIRMED:
        return UNCONFIRMED
    if job.state is JobState.LOST:
        return NETWORK
    if job.download.state is DownloadState.SAVED:
        return SAVED
    return NETWORK if job.download.state in (DownloadState.EXPIRED, DownloadState.RESUMABLE) else NOT_SAVED


async def export(engine: GaleEngine, command: ExportCommand, out: TextIO, err: TextIO) -> int:
    """Runs one export to its end.

    Args:
        engine: Not yet started; closed at the end.
        command: What to do.
        out: For data.
        err: For narration.

    Returns:
        The exit code.
    """
    loop = asyncio.get_running_loop()
    me = asyncio.current_task()
    numbers: list[int] = []

    def stopped(number: int) -> None:
        numbers.append(number)
        if me is not None:
            me.cancel()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, stopped, number)
    try:
        return await _run(engine, command, out, err)
    except GaleError as error:
        err.write(f"gale-tui: {error}\n")
        return error.exit_code
    except asyncio.CancelledError:
        err.write("gale-tui: interrupted; what was started goes on at the server.\n")
        return INTERRUPTED if numbers[:1] in ([], [signal.SIGINT]) else 128 + numbers[0]
    finally:
        await engine.close()


async def _run(engine: GaleEngine, command: ExportCommand, out: TextIO, err: TextIO) -> int:
    environment = engine.current
    if environment is None:
        raise ConfigError(
            "There is no environment yet", "Start gale-tui and press n, or set GALE_HOST and GALE_API_KEY"
        )
    tool_id, flow_id = clean_id(command.tool_id), clean_id(command.flow_id)
    if environment.production and not command.yes:
        raise ConfigError(f"{environment.name} is a PROD environment", "Say --yes to export there")
    await engine.start()
    done = asyncio.Event()
    ours: list[str] = []

    def changed(change: JobChange) -> None:
        job, before = change.job, change.previous
        if ours and job.id != ours[0]:
            return
        _narrate(job, before, err)
        if settled(job):
            done.set()

    engine.book.listeners.append(changed)
    job = await engine.export(
        ExportRequest(
            environment_id=environment.id,
            tool_id=tool_id,
            flow_id=flow_id,
            label=command.label,
            folder=command.output,
            save_when_ready=True,
        )
    )
    ours.append(job.id)
    if not settled(engine.jobs[job.id]):
        done.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), command.timeout)
    job = engine.jobs[job.id]
    code = exit_code(job)
    if command.as_json:
        out.write(json.dumps(job_as_json(job), ensure_ascii=False) + "\n")
    elif job.download.state is DownloadState.SAVED:
        out.write(f"{job.download.path}\n")
    if code == TIMEOUT:
        err.write("gale-tui: not finished in time; the job goes on at the server and in the next gale-tui.\n")
    return code


def _narrate(job: Job, before: Job | None, err: TextIO) -> None:
    words = _words(job)
    if before is None or _words(before) != words:
        err.write(f"{clock_time(time.time())} {inert(job.title, 60)}: {words}\n")
        err.flush()


def _words(job: Job) -> str:
    download = job.download
    if job.state is JobState.SUCCEEDED and download.state is not DownloadState.NONE:
        where = f" {download.path}" if download.state is DownloadState.SAVED else ""
        why = f": {download.error}" if download.error else ""
        return f"{inert(job.status, 40)}, file {download.state.value}{where}{why}"
    reason = job.reason or job.note
    return f"{inert(job.status, 40)}{': ' if reason else ''}{inert(reason, 300)}"
