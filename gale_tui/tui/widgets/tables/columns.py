"""The columns of the job table: which ones a width has room for, how wide each is, and its text for a job."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gale_tui.core.models import DownloadState, Job, JobState
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.formatting import glyphs
from gale_tui.tui.formatting.job_text import JobFacts, elapsed_seconds, file_text, glyph_text, status_text
from gale_tui.tui.formatting.pieces import Piece, Tone
from gale_tui.tui.formatting.quantities import date_text, elapsed_text, fit

TITLES = {
    "glyph": "",
    "tool": "Tool",
    "environment": "Env",
    "started": "Started",
    "status": "Status",
    "elapsed": "Elapsed",
    "file": "File",
}
GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column at its place. `x` and `width` in cells, without the gap that follows."""

    name: str
    x: int
    width: int
    align: Literal["left", "right"] = "left"


_LAYOUTS: tuple[tuple[float, int, int, int, Mapping[str, int]], ...] = (
    (70, 10, 24, 1, {"status": 16, "elapsed": 8, "file": 13}),
    (94, 12, 22, 1, {"environment": 7, "started": 8, "status": 16, "elapsed": 8, "file": 16}),
    (124, 16, 30, GAP, {"environment": 9, "started": 9, "status": 17, "elapsed": 8, "file": 20}),
    (150, 20, 34, GAP, {"environment": 12, "started": 12, "status": 26, "elapsed": 8, "file": 30}),
    (math.inf, 24, 44, GAP, {"environment": 14, "started": 12, "status": 28, "elapsed": 8, "file": 40}),
)
"""For tables narrower than the first number: least and most cells of the tool, the gap, cells of the other columns."""


@lru_cache(maxsize=64)
def columns_for(width: int) -> tuple[Column, ...]:
    """The columns for a table of `width` cells. Depends on the width alone, never on the rows."""
    _, least, most, gap, others = next(each for each in _LAYOUTS if width < each[0])
    margin = 1 if gap == GAP else 0
    free = width - 3 - margin - sum(others.values()) - gap * len(others)
    # Tool and file share the spare cells; once the tool has its most, the rest is the file's.
    spare = max(0, free - least)
    tool = min(most, least + (spare + 1) // 2)
    columns = [Column("glyph", 0, 2)]
    x = 3
    for name, cells in {"tool": tool, **others, "file": max(1, others["file"] + free - tool)}.items():
        columns.append(Column(name, x, cells, "right" if name == "elapsed" else "left"))
        x += cells + gap
    return tuple(columns)


def header_pieces(columns: Sequence[Column], sort_key: str, reverse: bool) -> list[Piece]:
    pieces = []
    for column in columns:
        title = TITLES[column.name]
        if column.name == sort_key:
            arrow = glyphs.DESCENDING if reverse else glyphs.ASCENDING
            title = f"{title} {arrow}" if len(title) + 2 <= column.width else f"{title}{arrow}"
        tone = Tone.TEXT if column.name == sort_key else Tone.MUTED
        pieces.append(Piece(fit(title, column.width, column.align), tone))
    return pieces


def row_pieces(facts: JobFacts, columns: Sequence[Column], *, marked: bool) -> list[Piece]:
    job, pieces = facts.job, []
    for column in columns:
        width = column.width
        match column.name:
            case "glyph":
                glyph = glyph_text(job)
                piece = Piece((glyphs.MARK if marked else " ") + glyph.text, glyph.tone)
            case "tool":
                piece = Piece(inert(job.title, 200))
            case "environment":
                name = inert(job.environment_name, 60)
                if job.production and "PROD" not in name.upper():
                    # Seen without colours too.
                    name = f"!{name}"
                piece = Piece(name, Tone.DANGER if job.production else Tone.MUTED)
            case "started":
                piece = Piece(date_text(job.created_at, facts.now, width), Tone.MUTED)
            case "status":
                piece = status_text(job, width)
            case "elapsed":
                seconds = elapsed_seconds(job, facts.now)
                tone = Tone.MUTED if job.state.final else Tone.TEXT
                piece = Piece("" if seconds is None else elapsed_text(seconds), tone)
            case _:
                piece = file_text(facts, width)
        pieces.append(Piece(fit(piece.text, width, column.align), piece.tone))
    return pieces


def _elapsed_key(job: Job) -> tuple[object, ...]:
    # Running jobs count as longest, the oldest of them first.
    if job.ended_at is None and not job.state.final:
        return 1, -job.created_at
    return 0, max(0.0, (job.ended_at or job.created_at) - job.created_at)


_SORTED_BY: Mapping[str, Callable[[Job], tuple[object, ...]]] = {
    "started": lambda job: (),
    "tool": lambda job: (job.title.casefold(),),
    "environment": lambda job: (job.environment_name.casefold(),),
    "status": lambda job: (list(JobState).index(job.state), job.status),
    "elapsed": _elapsed_key,
    "file": lambda job: (list(DownloadState).index(job.download.state), job.download.size or 0),
}
COLUMNS = tuple(_SORTED_BY)
"""Names of the columns that a table can be sorted by, in the order in which a key goes through them."""

SortKey = tuple[tuple[object, ...], float, str]


def sort_key(job: Job, column: str, reverse: bool) -> SortKey:
    """The sort key of a job in a column; equal ones are newest first either way."""
    newest = job.created_at if reverse or column == "started" else -job.created_at
    return _SORTED_BY[column](job), newest, job.id
