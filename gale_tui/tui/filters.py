"""Filtering the job table by words: `status:failed env:prod "leave bot" -sandbox`."""

from __future__ import annotations

import re
import time
from typing import Final, NamedTuple

from gale_tui.core.jobs.reasons import describe, describe_download
from gale_tui.core.models import DownloadState, Job

FIELDS: Final = ("status", "env", "tool", "flow", "id", "file", "why", "started")
"""Names that narrow a word to one of a job's texts."""
_WORD: Final = re.compile(r"""(?=\S)(-?)(?:([^\s:"']+):)?(?:"([^"]*)"?|'([^']*)'?|(\S*))""")
"""A quote counts where a word begins, after a leading `-` and after a colon; elsewhere it is an apostrophe."""


class Term(NamedTuple):
    """One word of a filter, or several in quotes."""

    text: str
    """Case-folded; what has to be in the job's texts, or must not be."""
    field: str = ""
    """The field that is searched; empty for all of them."""
    negated: bool = False


class Filter(NamedTuple):
    """A filter: a job passes if all terms match."""

    terms: tuple[Term, ...]
    advice: str = ""
    """A sentence about an unknown field; the whole word is searched for instead."""

    def passes(self, texts: JobTexts, job: Job) -> bool:
        """Returns True if a job matches."""
        return all((term.text in texts.of(job)[term.field]) is not term.negated for term in self.terms)


def parse_filter(line: str) -> Filter:
    """Reads a filter as it is typed; what is unfinished, such as a lone `status:` or `-`, filters nothing out."""
    terms: list[Term] = []
    advice = ""
    for minus, prefix, double, single, plain in _WORD.findall(line):
        text, field = double or single or plain, prefix.casefold()
        if field and field not in FIELDS:
            if field.isalpha() and text and not text.startswith("//") and not advice:
                advice = f"There is no {prefix}: to filter by, only {' '.join(f'{name}:' for name in FIELDS)}"
            text, field = f"{prefix}:{text}", ""
        if text and (text != plain or text != "-"):
            terms.append(Term(text.casefold(), field, bool(minus)))
    return Filter(tuple(terms), advice)


def _texts(job: Job) -> dict[str, str]:
    """A job's texts by field, case-folded; all of them together under the empty name."""
    download, at = job.download, job.created_at
    file = "" if download.state is DownloadState.NONE else str(download.state)
    name = download.path.name if download.path else ""
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if 0 <= at < 1e11 else ""
    parts: tuple[tuple[str | None, ...], ...] = (
        (job.status, str(job.state), file),
        (job.environment_name, "prod" if job.production else "", job.origin),
        (job.label, job.name, job.tool_id),
        (job.flow_id,),
        (job.tool_id, job.flow_id, job.dock_status_id, job.export_job_id),
        (name, file, describe_download(job).text, download.sha256),
        (job.reason, describe(job).text),
        (started,),
    )
    # Words in quotes do not match across parts: nobody can type the end of a line.
    texts = {field: "\n".join(filter(None, each)).casefold() for field, each in zip(FIELDS, parts, strict=True)}
    return {**texts, "": "\n".join(texts.values())}


class JobTexts:
    """The texts that jobs are filtered by, kept from key press to key press: a job never changes, it is replaced."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Job, dict[str, str]]] = {}

    def of(self, job: Job) -> dict[str, str]:
        """A job's texts by field, and all of them under the empty name."""
        known = self._known.get(job.id)
        if known is None or known[0] is not job:
            known = self._known[job.id] = (job, _texts(job))
        return known[1]

    def forget(self) -> None:
        """Gives the memory back while nothing is filtered."""
        self._known.clear()
