"""A job as text: the one place where a state becomes a glyph, a word and a colour.

Everything here is pure. Server text is made inert on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rich.cells import cell_len

from gale_tui.core.jobs.reasons import clock_time, describe, describe_download
from gale_tui.core.models import Download, DownloadProgress, DownloadState, Job, JobReason, JobState
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.actions import default_key
from gale_tui.tui.formatting import glyphs
from gale_tui.tui.formatting.pieces import Piece, Tone
from gale_tui.tui.formatting.quantities import (
    clip,
    date_text,
    elapsed_text,
    fit,
    percentage_text,
    size_text,
    speed_text,
)

BAR_CELLS = 8
"""Width of a percentage's bar."""
LEAST_NOTE = 60
"""Cells from which a long note is cut rather than replaced."""
LEAST_NAME = 14
"""Least cells of a cut file name."""


class JobFacts(NamedTuple):
    """A job, and what its texts depend on besides."""

    job: Job
    now: float
    """Seconds since the epoch."""
    progress: DownloadProgress | None = None
    """A reading of its download, where that runs."""
    usual: float | None = None
    """Seconds that exports of the tool usually take, if known."""
    key: Callable[[str], str] = default_key
    """The key of an action, as people write it."""


def elapsed_seconds(job: Job, now: float) -> float | None:
    """Seconds that the job has run, or took; None if unknown."""
    if job.ended_at is not None:
        return max(0.0, job.ended_at - job.created_at)
    if job.state in (JobState.REQUESTING, JobState.WAITING, JobState.RUNNING):
        return max(0.0, now - job.created_at)
    return None


def progress_bar(percentage: float) -> str:
    """A bar; full only at 100."""
    full = int(min(100.0, max(0.0, percentage)) * BAR_CELLS / 100)
    return glyphs.BAR_FULL * full + glyphs.BAR_EMPTY * (BAR_CELLS - full)


_LOOKS: dict[JobState, tuple[str, Tone]] = {
    JobState.REQUESTING: (glyphs.REQUESTING, Tone.RUNNING),
    JobState.WAITING: (glyphs.WAITING, Tone.WARNING),
    JobState.RUNNING: (glyphs.RUNNING, Tone.RUNNING),
    JobState.SUCCEEDED: (glyphs.SUCCESS, Tone.SUCCESS),
    JobState.FAILED: (glyphs.ERROR, Tone.FAILURE),
    JobState.REJECTED: (glyphs.ERROR, Tone.FAILURE),
    JobState.UNCONFIRMED: (glyphs.UNCONFIRMED, Tone.WARNING),
    JobState.LOST: (glyphs.LOST, Tone.WARNING),
}


def is_unsaved(job: Job) -> bool:
    """Returns True if GALE finished but the file could not be saved."""
    return job.state is JobState.SUCCEEDED and job.download.state in (DownloadState.FAILED, DownloadState.EXPIRED)


def glyph_text(job: Job) -> Piece:
    if is_unsaved(job):
        return Piece(glyphs.ERROR, Tone.FAILURE)
    if job.reason_code is JobReason.PARTIAL:
        return Piece(glyphs.WARNING, Tone.WARNING)
    if job.state is JobState.SUCCEEDED and job.download.state is DownloadState.SAVED:
        return Piece(glyphs.SUCCESS, Tone.DONE)
    return Piece(*_LOOKS[job.state])


def status_text(job: Job, width: int) -> Piece:
    """The word of a job's status, with what belongs to it: the percentage, a bar where there is room, or the time.

    The word is the server's own, or ours where it said none.
    """
    tone = glyph_text(job).tone
    word = inert(job.status, 60)
    if job.state is JobState.WAITING and job.resume_at is not None:
        return Piece(clip(f"{word} {clock_time(job.resume_at)}", width), tone)
    if job.state is JobState.RUNNING and job.percentage is not None:
        percentage = percentage_text(job.percentage)
        room = width - len(percentage) - 1
        if room - BAR_CELLS - 1 >= max(11, cell_len(word)):
            # Always in the same place, whatever the word's length.
            bar = progress_bar(job.percentage)
            return Piece(f"{fit(word, max(11, cell_len(word)))} {bar} {percentage}", tone)
        return Piece(f"{clip(word, room)} {percentage}", tone)
    return Piece(clip(word, width), tone)


def file_text(facts: JobFacts, width: int) -> Piece:
    """The text about the file, at most `width` cells; before there is one, the reason or the note of the job."""
    job, usual = facts.job, facts.usual
    piece = _download_text(facts, width) or _job_note(job, facts.key, width)
    if not piece.text and usual is not None and job.state is JobState.RUNNING and job.percentage is None:
        piece = Piece(f"usually {elapsed_text(usual)}", Tone.MUTED)
    return Piece(clip(piece.text, width), piece.tone)


def _download_text(facts: JobFacts, width: int) -> Piece | None:
    job = facts.job
    download = job.download
    error = describe_download(job).with_key(facts.key)
    match download.state:
        case DownloadState.SAVED if error:
            return Piece(_sentence(width, _saved_text(download, 0), error), Tone.WARNING)
        case DownloadState.SAVED:
            return Piece(_saved_text(download, width), Tone.MUTED)
        case DownloadState.RUNNING:
            return Piece(_running_text(download, facts.progress, width), Tone.RUNNING)
        case DownloadState.RESUMABLE:
            done = percentage_text(100 * download.received / download.size) if download.size else ""
            return Piece(_sentence(width, "resumable", done or size_text(download.received), error), Tone.WARNING)
        case DownloadState.NOT_READY:
            text = "not ready"
            if download.next_try_at is not None and width >= 25:
                text = f"not ready, again {date_text(download.next_try_at, facts.now)}"
            return Piece(text, Tone.WARNING)
        case DownloadState.EXPIRED:
            return Piece(_sentence(width, "expired", error), Tone.WARNING)
        case DownloadState.FAILED:
            return Piece(_sentence(width, "not saved", error), Tone.ERROR)
        case DownloadState.WANTED if job.state is JobState.SUCCEEDED:
            return Piece(_sentence(width, "waiting to be saved", error), Tone.MUTED)
        case _:
            return None


def _job_note(job: Job, key: Callable[[str], str], width: int) -> Piece:
    note = inert(describe(job).with_key(key), 300)
    match job.state:
        case JobState.SUCCEEDED:
            return Piece(note or f"{key('download')} saves it", Tone.MUTED)
        case JobState.FAILED | JobState.REJECTED:
            return Piece(inert(job.reason, 300) or note or "no reason given", Tone.ERROR if job.reason else Tone.MUTED)
        case JobState.UNCONFIRMED:
            return Piece(_fit_note(note, width, "the server may have started it", "may have started"), Tone.WARNING)
        case JobState.LOST:
            return Piece(_fit_note(note, width, "the server no longer knows it", "no longer known"), Tone.WARNING)
        case JobState.WAITING:
            return Piece(_fit_note(note, width, "rate limit reached"), Tone.WARNING)
        case _:
            return Piece(note, Tone.WARNING)


def _fit_note(note: str, width: int, *shorter: str) -> str:
    """The note if it fits, wholly or for the most part; else the longest of the shorter ones that fits."""
    if note and (cell_len(note) <= width or width >= LEAST_NOTE):
        return note
    return next((text for text in shorter if cell_len(text) <= width), shorter[-1])


def _running_text(download: Download, progress: DownloadProgress | None, width: int) -> str:
    received = progress.received if progress else download.received
    size = (progress.size if progress else None) or download.size
    words = [glyphs.DOWN]
    if size:
        percentage = 100 * received / size
        words.append(percentage_text(percentage))
        if width >= 32:
            words.insert(1, progress_bar(percentage))
    else:
        words.append(size_text(received))
    if progress is not None:
        words.append(speed_text(progress.speed))
        if progress.seconds_left is not None and progress.speed > 0:
            words.append(elapsed_text(progress.seconds_left + 0.999))
    while len(words) > 2 and cell_len(" ".join(words)) > width:
        words.pop()
    return " ".join(words)


def _saved_text(download: Download, width: int) -> str:
    text = "saved"
    if download.size is not None:
        text = f"{text} {size_text(download.size)}"
    if download.path is not None and width - len(text) - 2 >= LEAST_NAME:
        text = f"{text}  {_short_name(inert(download.path.name, 300), width - len(text) - 2)}"
    return text


def _short_name(name: str, width: int) -> str:
    """A file's name with its ending kept: `Leave Bot….zip`."""
    if cell_len(name) <= width:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 5:
        return clip(name, width)
    return f"{clip(stem, width - len(ending) - 1)}.{ending}"


def _sentence(width: int, word: str, *rest: str) -> str:
    """`word, further, further` as far as it fits `width` cells; no word appears twice."""
    text = word
    for further in rest:
        if not further:
            continue
        safe = inert(further, 300)
        if safe.lower().startswith(word):
            safe = safe[len(word) :].lstrip(" :,;.-")
        if not safe or width - cell_len(text) < min(8, cell_len(safe)) + 2:
            break
        text = f"{text}, {safe}"
    return text
