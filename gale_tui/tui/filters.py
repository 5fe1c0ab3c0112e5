"""Filtering the job table by words: `status:failed env:prod "leave bot" -sandbox`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gale_tui.core.jobs.reasons import describe, describe_download
from gale_tui.core.models import DownloadState, Job

_QUOTES = "\"'"


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter, or several in quotes."""

    text: str
    """Case-folded; what has to be in the job's texts, or must not be."""
    field: str = ""
    """The only text that is looked at; empty for all of them."""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """What a job has to be like: all of the terms hold."""

    terms: tuple[Term, ...]
    unknown: tuple[str, ...] = ()
    """What stands before a colon and is no field; such words are looked for as they are."""

    @property
    def advice(self) -> str:
        """A sentence about fields that do not exist; empty where there is nothing to say."""
        if not self.unknown:
            return ""
        names = " ".join(f"{name}:" for name in FIELDS)
        return f"There is no {self.unknown[0]}: to filter by, only {names}"

    def test(self, texts: JobTexts) -> Callable[[Job], bool] | None:
        """A test for jobs; None where every job passes."""
        terms = self.terms
        if not terms:
            return None

        def passes(job: Job) -> bool:
            fields = texts.of(job)
            return all((term.text in fields[term.field]) is not term.negated for term in terms)

        return passes


def parse_filter(line: str) -> Filter:
    """Reads a filter as it is typed; what is unfinished, such as a lone `status:` or `-`, filters nothing out."""
    terms: list[Term] = []
    unknown: list[str] = []
    for word, literal in _words(line):
        negated = not literal and len(word) > 1 and word.startswith("-")
        rest = word[1:] if negated else word
        field, colon, value = rest.partition(":")
        if not literal and colon and field.casefold() in FIELDS:
            rest, field = value, field.casefold()
        else:
            if not literal and field.isalpha() and value and not value.startswith("//"):
                unknown.append(field)
            field = ""
        text = rest.casefold()
        if text and (literal or text != "-"):
            terms.append(Term(text, field, negated))
    return Filter(tuple(terms), tuple(unknown))


def _words(line: str) -> list[tuple[str, bool]]:
    """The words, each with whether all of it stood in quotes and so means nothing but itself.

    A quote counts where a word begins, after a leading `-` and after a colon; elsewhere it is an apostrophe.
    """
    words: list[tuple[str, bool]] = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        word, begin = "", at
        literal = line[at] in _QUOTES
        while at < len(line) and not line[at].isspace():
            opens = at == begin or word == "-" or word.endswith(":")
            if line[at] in _QUOTES and opens:
                end = line.find(line[at], at + 1)
                end = len(line) if end < 0 else end
                word += line[at + 1 : end]
                at = end + 1
            else:
                word += line[at]
                at += 1
        if word:
            words.append((word, literal))
    return words


def _lines(*parts: str | None) -> str:
    # Words in quotes do not match across parts: nobody can type the end of a line.
    return "\n".join(part for part in parts if part)


def _download(job: Job) -> str:
    return "" if job.download.state is DownloadState.NONE else str(job.download.state)


def _file(job: Job) -> str:
    download = job.download
    return _lines(
        download.path.name if download.path else "", _download(job), describe_download(job).text, download.sha256
    )


FIELDS: Mapping[str, Callable[[Job], str]] = {
    "status": lambda job: _lines(job.status, str(job.state), _download(job)),
    "env": lambda job: _lines(job.environment_name, "prod" if job.production else "", job.origin),
    "tool": lambda job: _lines(job.label, job.name, job.tool_id),
    "flow": lambda job: job.flow_id,
    "id": lambda job: _lines(job.tool_id, job.flow_id, job.dock_status_id, job.export_job_id),
    "file": _file,
    "why": lambda job: _lines(job.reason, describe(job).text),
    "started": lambda job: _local(job.created_at),
}
"""The texts of a job, by the name that narrows a word to one of them."""


def _local(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if 0 <= at < 1e11 else ""


class JobTexts:
    """The texts that jobs are filtered by, kept from key press to key press: a job never changes, it is replaced."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Job, dict[str, str]]] = {}

    def of(self, job: Job) -> dict[str, str]:
        """A job's texts by field, case-folded; all of them together under the empty name."""
        known = self._known.get(job.id)
        if known is not None and known[0] is job:
            return known[1]
        texts = {name: make(job).casefold() for name, make in FIELDS.items()}
        texts[""] = "\n".join(texts.values())
        self._known[job.id] = (job, texts)
        return texts

    def forget(self) -> None:
        """Gives the memory back while nothing is filtered."""
        self._known.clear()
