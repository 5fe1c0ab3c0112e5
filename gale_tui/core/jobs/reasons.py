"""The sentences about a job and its file, made from their reason codes; nothing compares them.

A row that an older gale-tui wrote has no code: it keeps its sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gale_tui.core.batch.report import GOOD, BatchEntry, Outcome
from gale_tui.core.models import DownloadReason, DownloadState, Job, JobReason, JobState


@dataclass(frozen=True, slots=True)
class Sentence:
    """The text, without a full stop at its end."""

    text: str
    action: str = ""
    """Id of the action that its last words name; a screen appends the key."""

    def with_key(self, key: Callable[[str], str]) -> str:
        """The text with the key of its action behind it, as `key` gives it; without one where that is empty."""
        name = key(self.action) if self.action else ""
        return f"{self.text} ({name})" if name else self.text

    def __bool__(self) -> bool:
        return bool(self.text)

    def __str__(self) -> str:
        return self.text


def clock_time(at: float, since: float | None = None) -> str:
    """Seconds since the epoch as local time, `12:00:33`, with the day where it is another than that of `since`."""
    then = time.localtime(at)
    same_day = since is None or then[:3] == time.localtime(since)[:3]
    return time.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S", then)


_CAUSES: Final = {
    DownloadReason.NOT_READY: "Not ready yet",
    DownloadReason.STOPPED: "Stopped",
    DownloadReason.CLOSED: "gale-tui ended before the file was whole",
    DownloadReason.LINK_EXPIRED: "Link expired: {}",
    DownloadReason.NO_FRESH_LINK: "No fresh link: {}",
}
"""Why a file is not saved, with the words of the error; for any other reason these alone."""
_LINK_TROUBLE: Final = (DownloadReason.LINK_REJECTED, DownloadReason.FILE_MISSING, DownloadReason.NO_FRESH_LINK)


def describe(job: Job) -> Sentence:
    """Why the job is where it is and what to do; empty if there is nothing to say."""
    sentence = Sentence(job.note) if job.reason_code is None else _describe(job, job.reason_code)
    if job.unwritten:
        return _join(sentence.text, Sentence(f"Not in the history yet: {job.unwritten}"))
    return sentence


def _describe(job: Job, reason: JobReason) -> Sentence:
    match job.state:
        case JobState.WAITING:
            return Sentence(_waiting(job, reason))
        case JobState.UNCONFIRMED:
            cause = "gale-tui ended before the answer came" if reason is JobReason.CLOSED else job.note
            check = "GALE may already have started this export. Check the console, then export again"
            return _join(cause, Sentence(check, "export_again"))
        case JobState.LOST if reason is JobReason.NOT_FOUND:
            return Sentence("GALE no longer knows this dock status id. Refresh it, or export again", "export_again")
        case JobState.SUCCEEDED if reason is JobReason.PARTIAL:
            return Sentence("GALE reports a partial success: check the file")
        case JobState.RUNNING | JobState.LOST:
            return Sentence(_polling_trouble(job, reason))
    return Sentence(job.note)


def _waiting(job: Job, reason: JobReason) -> str:
    when = f"sends again at {clock_time(job.resume_at, job.created_at)}" if job.resume_at is not None else "sends again"
    match reason:
        case JobReason.CLOSED:
            return "Not sent yet: gale-tui ended before its turn came"
        case JobReason.ENVIRONMENT_GONE:
            return f"Not sent: the environment {job.environment_name} is gone"
        case JobReason.ENVIRONMENT_MOVED:
            return f"Not sent: {job.environment_name} has another host now"
        case JobReason.RATE_LIMITED:
            return f"Rate limit reached, {when}"
    return f"Not sent: {job.note}, {when}"


def _polling_trouble(job: Job, reason: JobReason) -> str:
    match reason:
        case JobReason.KEY_REFUSED | JobReason.KEY_MISSING:
            return f"Waiting for a key: {job.note}"
        case JobReason.NOT_ALLOWED:
            return f"This key may not read the job (403){f': {job.note}' if job.note else ''}"
        case JobReason.RATE_LIMITED:
            if job.resume_at is not None and job.resume_at - (job.last_asked_at or job.created_at) > 60:
                return f"Rate limit reached, polled again at {clock_time(job.resume_at, job.created_at)}"
            return "Rate limit reached, polling more slowly"
        case JobReason.NOT_FOUND:
            return "GALE does not know this dock status id (404), still polling"
        case JobReason.CONFIGURATION:
            return f"Not polled: {job.note}"
        case JobReason.ENVIRONMENT_GONE:
            return f"Not polled: the environment {job.environment_name} is gone. It was started at {job.origin}"
        case JobReason.ENVIRONMENT_MOVED:
            return f"Not polled: {job.environment_name} has another host now. It was started at {job.origin}"
        case JobReason.LINK_REFUSED:
            return job.note
    since = f" since {clock_time(job.last_asked_at, job.created_at)}" if job.last_asked_at else ""
    return f"No answer{since}: {job.note}"


def describe_download(job: Job) -> Sentence:
    """Why the file is not saved and what to do; empty if there is nothing to say."""
    download = job.download
    if download.reason_code is None:
        return Sentence(download.error)
    sentence = _describe_download(job, download.reason_code)
    if download.state is DownloadState.SAVED:
        return Sentence(f"Not saved again: {sentence.text}", sentence.action)
    return sentence


def _describe_download(job: Job, reason: DownloadReason) -> Sentence:
    download, error = job.download, job.download.error
    again = Sentence("Export again", "export_again")
    match reason:
        case DownloadReason.LINK_EXPIRED if download.state is DownloadState.EXPIRED:
            return _join("The link has expired and GALE gives no fresh one", again)
        case DownloadReason.NO_LINK:
            return _join("GALE gives no link to the file", again)
        case DownloadReason.ENVIRONMENT_GONE:
            return Sentence(f"The environment {job.environment_name} is gone or has another host now")
        case DownloadReason.DISK:
            return _join(error, Sentence("Then download again", "download"))
    cause = _CAUSES.get(reason, "{}").format(error)
    if download.state is DownloadState.FAILED:
        return _join(cause, again) if reason in _LINK_TROUBLE else Sentence(cause)
    if download.next_try_at is not None:
        return Sentence(f"{cause}, tries again at {clock_time(download.next_try_at, job.created_at)}")
    if download.state is DownloadState.RESUMABLE:
        return _join(cause, Sentence("Resume the download", "download"))
    return Sentence(cause)


def describe_entry(entry: BatchEntry) -> Sentence:
    """Why a tool of a batch is not saved; empty if it is."""
    job = entry.job
    if entry.outcome is None or entry.outcome in GOOD:
        return Sentence("")
    if job is None or entry.outcome is Outcome.UNFINISHED:
        return Sentence(entry.why)
    if entry.outcome is Outcome.NOT_SAVED:
        return describe_download(job) or Sentence(job.download.state.value)
    if entry.outcome is Outcome.FAILED:
        return Sentence(job.reason or job.note or "no reason given")
    return describe(job)


def _join(cause: str, advice: Sentence) -> Sentence:
    return Sentence(". ".join(part.rstrip(".") for part in (cause, advice.text) if part), advice.action)
