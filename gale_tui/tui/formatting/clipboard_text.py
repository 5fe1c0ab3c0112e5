"""Texts about a job for other places than the screen: a chat, a shell."""

from __future__ import annotations

import getpass
import re
import shlex
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from gale_tui.core.jobs.reasons import describe
from gale_tui.core.models import DownloadState, Job
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.formatting.job_text import elapsed_seconds
from gale_tui.tui.formatting.quantities import elapsed_text, size_text


def row_line(job: Job, now: float) -> str:
    """A job's row as one line of text, with all that the table's columns say."""
    environment = f"{job.environment_name} (PROD)" if job.production else job.environment_name
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.created_at))
    status = (
        f"{job.status} {job.percentage:.0f} %" if job.percentage is not None and not job.state.final else job.status
    )
    seconds = elapsed_seconds(job, now)
    download = job.download
    file = download.path.name if download.state is DownloadState.SAVED and download.path else ""
    parts = (
        job.title,
        environment,
        started,
        status,
        "" if seconds is None else elapsed_text(seconds),
        job.reason or describe(job).text,
        file or ("" if download.state is DownloadState.NONE else str(download.state)),
        size_text(download.size) if file and download.size is not None else "",
    )
    return "  ".join(inert(part, 300) for part in parts if part)


def scp_line(path: Path, environ: Mapping[str, str]) -> str:
    """The shell line that fetches a file from this computer to where one sits.

    The path is quoted twice: for the shell that the line is pasted into, and with backslashes for this computer, where
    an older scp (or `scp -O`) has a shell read it and one of OpenSSH 9 or later takes it as a pattern over SFTP.

    Args:
        environ: The environment variables. SSH_CONNECTION has the address by which this computer was reached; without
            it the computer's own name has to do.
    """
    connection = environ.get("SSH_CONNECTION", "").split()
    host = connection[2] if len(connection) == 4 else socket.gethostname()
    port = connection[3] if len(connection) == 4 else "22"
    user = environ.get("USER") or environ.get("LOGNAME") or getpass.getuser()
    host = f"[{host}]" if ":" in host else host
    options = "" if port == "22" else f"-P {shlex.quote(port)} "
    there = re.sub(r"([^\w@%+=:,./-])", r"\\\1", str(path))
    return f"scp {options}{shlex.quote(f'{user}@{host}:{there}')} ."


def scp_note(environ: Mapping[str, str]) -> str:
    """A note on where to run that line and what to change in it; `environ` as for `scp_line`."""
    run = "Run it on the computer that is to have the file; any scp of OpenSSH will do."
    if len(environ.get("SSH_CONNECTION", "").split()) == 4:
        return f"{run} It goes the way you came here; put your own host where you came through another one."
    return f"{run} The host is this computer's own name: put the one by which it is known there."
