"""The account of a batch as lines of a page."""

from __future__ import annotations

from collections.abc import Iterator

from gale_tui.core.batch.report import BatchAccount, BatchEntry, Outcome
from gale_tui.core.jobs.reasons import describe_entry
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.formatting.pieces import Line, Piece, Tone, wrap_words
from gale_tui.tui.formatting.quantities import clip, fit

_LABEL = 24
_WORD = 12


def account_lines(account: BatchAccount, width: int) -> list[Line]:
    """The sums, then the tools that failed, those that changed, and those that are still running."""
    bad = any(account.not_good) or bool(account.bad)
    lines: list[Line] = [*wrap_words((Piece(account.sentence, Tone.FAILURE if bad else Tone.SUCCESS),), width, "")]
    if account.stopped:
        lines += wrap_words((Piece(account.stopped, Tone.WARNING),), width, "")
    lines.append(())
    for entry in account.not_good:
        lines += _entry_lines(str(entry.outcome), entry, describe_entry(entry).text, Tone.ERROR, width)
    for each in account.bad:
        line = Piece(f"line {each.line}".ljust(_WORD), Tone.FAILURE)
        lines += wrap_words((line, Piece(f"{each.problem}  "), Piece(each.text, Tone.MUTED)), width, " " * _WORD)
    if bad:
        lines.append(())
    changed = [entry for entry in account.entries if entry.unchanged is False]
    new = [entry for entry in account.entries if entry.outcome is Outcome.SAVED and entry.unchanged is None]
    ready = [entry for entry in account.entries if entry.outcome is Outcome.READY]
    going = [entry for entry in account.entries if entry.outcome is None]
    running = [entry for entry in going if entry.job is not None]
    waiting = [entry for entry in going if entry.job is None]
    groups = (("changed", changed), ("saved", new), ("ready", ready), ("running", running), ("not started", waiting))
    for word, entries in groups:
        for entry in entries:
            lines += _entry_lines(word, entry, _where(entry), Tone.MUTED, width)
        if entries:
            lines.append(())
    if account.unchanged:
        files = "1 file holds" if account.unchanged == 1 else f"{account.unchanged} files hold"
        text = f"{files} the same as the last saved export of the tool."
        lines += wrap_words((Piece(text, Tone.MUTED),), width, "")
    return lines


def _where(entry: BatchEntry) -> str:
    job = entry.job
    if job is None:
        return ""
    if entry.outcome is None:
        return inert(job.status, 40)
    return inert(job.download.path.name, 200) if job.download.path is not None else ""


def _entry_lines(word: str, entry: BatchEntry, text: str, tone: Tone, width: int) -> Iterator[Line]:
    job = entry.job
    title = fit(inert(job.title if job is not None else entry.tool.title, 120), _LABEL)
    words = Piece(word.ljust(_WORD), Tone.FAILURE if tone is Tone.ERROR else Tone.TEXT)
    if tone is Tone.MUTED:
        # A file's name is there to be recognised, not to be read.
        rest = max(0, width - _WORD - _LABEL - 2)
        yield words, Piece(f"{title}  "), Piece(clip(inert(text, 300), rest), tone)
        return
    yield from wrap_words((words, Piece(f"{title}  "), Piece(inert(text, 300), tone)), width, " " * _WORD)
