"""The details of one job as lines of pieces: all of them, or a summary in a few lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from rich.cells import cell_len, chop_cells

from gale_tui.core.jobs.reasons import clock_time, describe
from gale_tui.core.models import DownloadState, Job, JobEvent, JobState
from gale_tui.core.untrusted_text import inert, inert_block
from gale_tui.tui.formatting import glyphs
from gale_tui.tui.formatting.job_text import JobFacts, elapsed_seconds, file_text, glyph_text, status_text
from gale_tui.tui.formatting.pieces import Line, Piece, Tone, hanging, plain_text, wrap
from gale_tui.tui.formatting.quantities import clip, elapsed_text, path_text, size_text

LABEL_CELLS = 12
TIMELINE_LINES = 5
"""Kept for the timeline and a blank line, so that what stands below it does not move with each event."""
ADVICE = {
    JobState.UNCONFIRMED: (
        "GALE may have started this export. Check its console: if the export is there, track its dock "
        "status id; if not, export again."
    ),
    JobState.LOST: "GALE no longer knows this dock status id. It is still polled, less often.",
}
"""Explanations for jobs without a note of their own."""


def summary_lines(facts: JobFacts, events: Sequence[JobEvent], width: int, height: int) -> list[Line]:
    """The job in a few lines: title and status, ids, the latest of its timeline, the file.

    `width` and `height` are cells; there are never more lines than `height`.
    """
    job = facts.job
    lines = [_heading(job, width)]
    ids = _ids(job)
    share = (width + 3) // max(1, len(ids)) - 3
    row: list[Piece] = []
    for label, value in ids:
        shown = clip(value, max(4, share - cell_len(label) - 1))
        row += [Piece(f"{label} ", Tone.MUTED), Piece(shown), Piece("   ")]
    lines.append(tuple(row[:-1]))
    lines.append(_timeline_row(events, facts.now, width))
    file = file_text(facts, max(4, width))
    path = job.download.path
    if job.download.state is DownloadState.SAVED and path is not None:
        lines.append((Piece("saved as ", Tone.MUTED), Piece(_tail(path_text(path), width - 9))))
    elif file.text:
        lines.append((file,))
    elif _kept_when_ready(job):
        lines.append((Piece("saved when it is ready", Tone.MUTED),))
    return lines[: max(0, height)]


def full_lines(facts: JobFacts, events: Sequence[JobEvent], width: int) -> list[Line]:
    """All details of the job, wrapped to `width` cells."""
    job, now = facts.job, facts.now
    lines: list[Line] = [_heading(job, width), (), *_origin_lines(facts, width), ()]
    for label, piece in (*_reason_fields(job, facts.key), *_file_fields(facts, width)):
        lines += _field(label, piece.text, width, piece.tone)
    if lines[-1]:
        lines.append(())
    if events:
        lines.append((Piece("Timeline", Tone.TITLE),))
        timeline: list[Line] = []
        for event in events:
            timeline += hanging((Piece(f"{clock_time(event.at, now)}  ", Tone.MUTED),), inert(event.text, 1000), width)
        lines += [*timeline, *[()] * max(1, TIMELINE_LINES - len(timeline))]
    if job.last_response:
        when = f", {clock_time(job.last_answer_at, now)}" if job.last_answer_at is not None else ""
        lines.append((Piece("Last answer", Tone.TITLE), Piece(when, Tone.MUTED)))
        lines += _answer_lines(job.last_response, width)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _field(label: str, text: str, width: int, tone: Tone = Tone.TEXT) -> Iterator[Line]:
    return hanging((Piece(label.ljust(LABEL_CELLS), Tone.MUTED),), text, width, tone)


def _origin_lines(facts: JobFacts, width: int) -> Iterator[Line]:
    """Where the job runs, what it exports, and since when."""
    job, now, usual = facts.job, facts.now, facts.usual
    name = inert(job.environment_name, 60)
    name = f"PROD {name}" if job.production and "PROD" not in name.upper() else name
    yield from _field("Environment", name, width, Tone.DANGER if job.production else Tone.TEXT)
    yield from _field("Host", inert(job.origin.removeprefix("https://"), 300), width)
    for label, value in _ids(job):
        yield from _field(label, value, width)
    if job.name and job.name != job.title:
        yield from _field("Name", inert(job.name), width)
    yield from _field("Started", clock_time(job.created_at, now), width)
    elapsed = elapsed_seconds(job, now)
    if elapsed is not None:
        known = f", usually {elapsed_text(usual)}" if usual is not None and job.state is JobState.RUNNING else ""
        yield from _field("Elapsed", f"{elapsed_text(elapsed)}{known}", width)


def _reason_fields(job: Job, key: Callable[[str], str]) -> Iterator[tuple[str, Piece]]:
    if job.reason:
        yield "Reason", Piece(inert(job.reason, 2000), Tone.ERROR)
    elif job.state in (JobState.FAILED, JobState.REJECTED):
        yield "Reason", Piece("no reason given", Tone.MUTED)
    note = inert(describe(job).with_key(key), 1000) or ADVICE.get(job.state, "")
    if note:
        yield "Note", Piece(note, Tone.MUTED if job.state is JobState.SUCCEEDED else Tone.WARNING)


def _heading(job: Job, width: int) -> Line:
    glyph = glyph_text(job)
    status = status_text(job, max(12, width // 2))
    room = width - 2 - cell_len(status.text) - 2
    title = clip(inert(job.title), max(1, room))
    return (
        Piece(f"{glyph.text} ", glyph.tone),
        Piece(title, Tone.TITLE),
        Piece(" " * max(2, width - 2 - cell_len(title) - cell_len(status.text))),
        status,
    )


def _ids(job: Job) -> list[tuple[str, str]]:
    kind, dock, export = job.kind.word.capitalize(), job.dock_status_id, job.export_job_id
    ids = ((kind, job.tool_id), ("Flow", job.flow_id), ("Dock status", dock), ("Export job", export))
    return [(label, inert(value, 200)) for label, value in ids if value]


def _timeline_row(events: Sequence[JobEvent], now: float, width: int) -> Line:
    """The latest events that fit in one line, oldest first."""
    row: list[Piece] = []
    for event in reversed(events):
        moment, text = Piece(f"{clock_time(event.at, now)} ", Tone.MUTED), Piece(inert(event.text, 200))
        separator = [Piece(f" {glyphs.DOT} ", Tone.MUTED)] if row else []
        longer = [moment, text, *separator, *row]
        if cell_len(plain_text(longer)) > width:
            return tuple(row) or (moment, Piece(clip(text.text, max(1, width - cell_len(moment.text)))))
        row = longer
    return tuple(row)


def _tail(text: str, width: int) -> str:
    """The text with its beginning cut off where it is too long: of a path the end says more."""
    text = inert(text, 4096)
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:]
    return glyphs.ELLIPSIS + text


def path_lines(path: Path, width: int) -> list[str]:
    """A path in one line if it fits, else its folder and its name, each wrapped to `width` cells."""
    return _broken_path(inert(path_text(path), 4096), width, "")


def _broken_path(text: str, width: int, indent: str) -> list[str]:
    """A path, wrapped; one that does not fit is broken before its last part, which is indented."""
    if cell_len(text) <= width or "/" not in text:
        return wrap(text, width)
    folder, _, name = text.rpartition("/")
    return [*wrap(f"{folder}/", width), *(indent + part for part in wrap(name, width - len(indent)))]


def _checksum(text: str, width: int) -> str:
    """A checksum in two halves where it does not fit in one line."""
    half = len(text) // 2
    return text if len(text) <= width else f"{text[:half]}\n{text[half:]}"


def _kept_when_ready(job: Job) -> bool:
    return job.save_when_ready or job.download.state is DownloadState.WANTED


def _file_fields(facts: JobFacts, width: int) -> Iterable[tuple[str, Piece]]:
    job, now = facts.job, facts.now
    download = job.download
    if download.state is DownloadState.SAVED:
        size = f", {size_text(download.size)} ({download.size:,} bytes)" if download.size is not None else ""
        when = f" {clock_time(download.saved_at, now)}" if download.saved_at is not None else ""
        yield "File", Piece(f"saved{when}{size}", Tone.SUCCESS)
        if download.path is not None:
            yield "", Piece("\n".join(path_lines(download.path, width - LABEL_CELLS)))
        if download.sha256:
            yield "SHA-256", Piece(_checksum(inert(download.sha256, 64), width - LABEL_CELLS))
        return
    if download.state in (DownloadState.NONE, DownloadState.WANTED) and job.state is not JobState.SUCCEEDED:
        if job.state in (JobState.REQUESTING, JobState.WAITING, JobState.RUNNING):
            yield "File", Piece("saved when it is ready" if _kept_when_ready(job) else "not requested", Tone.MUTED)
        return
    yield "File", file_text(facts, max(20, 3 * width))
    if job.download_url is not None and (expires := job.download_url.expires_at) is not None:
        yield "Link", Piece(f"valid until about {clock_time(expires, now)}", Tone.MUTED)
    if download.part is not None:
        yield "Part", Piece("\n".join(path_lines(download.part, width - LABEL_CELLS)), Tone.MUTED)


@lru_cache(maxsize=4)
def _answer_lines(response: str, width: int) -> list[Line]:
    """Request line, HTTP status and body; a JSON body set out."""
    request, _, rest = response.partition("\n")
    status, _, body = rest.partition("\n")
    lines: list[Line] = []
    if status.strip().isdigit():
        sent = f"{inert(request, 500)}: {status.strip()}"
        lines += [(Piece(part, Tone.MUTED),) for part in _broken_path(sent, width, "  ")]
    else:
        words = inert_block(response)
        if not words.lstrip().startswith(("{", "[")):
            return [(Piece(part),) for part in wrap(words, width)]
        body = response
    with suppress(ValueError, RecursionError):
        body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    safe = inert_block(body)
    return lines + [(Piece(part),) for line in safe.split("\n") for part in _chopped(line, width)]


def _chopped(line: str, width: int) -> list[str]:
    """A line of code in pieces of at most `width` cells, all with the indent of the line."""
    if cell_len(line) <= width:
        return [line]
    indent = " " * min(len(line) - len(line.lstrip(" ")) + 2, width // 2)
    first, *rest = chop_cells(line, width)
    return [first, *(indent + part for part in chop_cells("".join(rest), max(1, width - len(indent))))]
