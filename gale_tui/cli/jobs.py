"""`gale-tui jobs`: the history on standard output, and a job as data for scripts."""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from gale_tui.core.jobs.reasons import describe, describe_download
from gale_tui.core.models import DownloadState, Job
from gale_tui.core.untrusted_text import inert


def add_jobs(commands: Any) -> None:
    command: argparse.ArgumentParser = commands.add_parser(
        "jobs",
        help="list the jobs of the history, newest first",
        description="List the jobs of the history, newest first. Nothing is polled.",
        epilog="filters, as in the app:\n  gale-tui jobs --filter 'status:failed env:prod \"leave bot\" -sandbox'",
    )
    command.add_argument("--filter", metavar="WORDS", default="", help="only jobs that match, as in the app")
    command.add_argument("--json", action="store_true", help="one JSON object per job")


async def list_jobs(history: Path, arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Runs the command; returns the exit code.

    Args:
        history: The history's file, which is there.
        err: For notices about the history and the filter.

    Raises:
        StoreError: The history cannot be used.
    """
    from gale_tui.core.history.store import JobStore
    from gale_tui.tui.filters import JobTexts, parse_filter

    wanted = parse_filter(arguments.filter)
    if wanted.advice:
        err.write(f"gale-tui: {wanted.advice}\n")
    async with await JobStore.open(history, on_notice=lambda text: print(f"gale-tui: {text}", file=err)) as store:
        jobs = await store.load()
    texts = JobTexts()
    for job in jobs:
        if wanted.passes(texts, job):
            out.write((json.dumps(job_as_json(job), ensure_ascii=False) if arguments.json else _line(job)) + "\n")
    return 0


def _line(job: Job) -> str:
    from gale_tui.tui.formatting.job_text import JobFacts, file_text

    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.created_at))
    file = str(job.download.path) if job.download.state is DownloadState.SAVED and job.download.path else ""
    note = file or file_text(JobFacts(job, time.time(), key=lambda action: ""), 200).text
    words = (started, inert(job.environment_name, 20), inert(job.status, 20), inert(job.title, 60))
    return f"{words[0]}  {words[1]:<12} {words[2]:<16} {words[3]:<30} {inert(note, 300)}".rstrip()


def job_as_json(job: Job) -> dict[str, object]:
    """A job as data for scripts, null where nothing is known; no link, no key. Times are ISO 8601 in UTC."""
    download = job.download
    return {
        "kind": job.kind.word,
        "tool_id": job.tool_id or None,
        "flow_id": job.flow_id or None,
        "label": job.label or None,
        "name": job.name,
        "environment": job.environment_name,
        "status": job.status or None,
        "state": "not sent" if job.unsent else job.state.value,
        "reason": job.reason,
        "reason_code": download.reason_code or job.reason_code,
        "http_status": job.http_status,
        "note": describe(job).text or None,
        "dock_status_id": job.dock_status_id,
        "export_job_id": job.export_job_id,
        "created_at": _iso(job.created_at or None),
        "started_at": _iso(job.started_at),
        "ended_at": _iso(job.ended_at),
        "saved_at": _iso(download.saved_at),
        "download": download.state.value,
        "path": str(download.path) if download.path else None,
        "size": download.size if download.state is DownloadState.SAVED else None,
        "sha256": download.sha256,
        "error": describe_download(job).text or None,
    }


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
