"""The messages of `gale-tui export`: how each tool ended; on a terminal also its steps, and a line of progress for all.

A log or the mail of a cron job holds the results and nothing else.
"""

from __future__ import annotations

import os
import time
from typing import TextIO

from gale_tui.core.batch.report import BatchEntry, Outcome
from gale_tui.core.jobs.reasons import clock_time, describe, describe_download
from gale_tui.core.models import DownloadState, JobState
from gale_tui.core.untrusted_text import inert, redact_links


class Narration:
    """Messages on standard error."""

    def __init__(self, err: TextIO) -> None:
        self._err = err
        self._terminal = err.isatty()
        self._written: dict[tuple[str, str], str] = {}
        self._shown = ""

    def say(self, text: str) -> None:
        self._write(f"gale-tui: {text}")

    def _write(self, text: str) -> None:
        """Writes a line above the progress."""
        shown = self._shown
        self.show("")
        self._err.write(f"{redact_links(text)}\n")
        self._err.flush()
        self.show(shown)

    def follow(self, entry: BatchEntry) -> None:
        """Writes a tool's new status, if it has one; without a terminal only how it ended."""
        if entry.outcome is None and not self._terminal:
            return
        words = _words(entry)
        key = (entry.tool.tool_id, entry.tool.flow_id)
        if words and self._written.get(key) != words:
            self._written[key] = words
            name = entry.job.title if entry.job is not None else entry.tool.title
            self._write(f"{clock_time(time.time())} {inert(name, 60)}: {words}")

    def show(self, text: str) -> None:
        """Replaces the line of progress; on a terminal only."""
        if not self._terminal or text == self._shown:
            return
        try:
            width = max(20, os.get_terminal_size(self._err.fileno()).columns)
        except (OSError, ValueError):
            width = 80
        line = text if len(text) < width else f"{text[: width - 2]}…"
        # Overwritten with blanks, which works on every terminal.
        self._err.write(f"\r{' ' * min(len(self._shown), width - 1)}\r{line}")
        self._err.flush()
        self._shown = line


def _words(entry: BatchEntry) -> str:
    job = entry.job
    if job is None:
        return f"{entry.outcome}: {entry.why}" if entry.outcome is not None else ""
    if entry.outcome is Outcome.UNFINISHED:
        # The reason that it hangs says more than the time-out does.
        last = describe_download(job) or describe(job)
        return f"{inert(job.status, 40)}, not finished: {inert(last.text, 300) or entry.why}"
    download = job.download
    if job.state is JobState.SUCCEEDED and download.state in (DownloadState.WANTED, DownloadState.RUNNING):
        return inert(job.status, 40)
    if job.state is JobState.SUCCEEDED and download.state is not DownloadState.NONE:
        where = f" {download.path}" if download.state is DownloadState.SAVED else ""
        sentence = describe_download(job) or describe(job)
        why = f": {inert(sentence.text, 400)}" if sentence else ""
        same = ", unchanged" if entry.unchanged else ""
        return f"{inert(job.status, 40)}, file {download.state.value}{same}{where}{why}"
    described = describe(job).text
    reason = described if job.state is JobState.REJECTED else job.reason or described
    return f"{inert(job.status, 40)}{': ' if reason else ''}{inert(reason, 300)}"
