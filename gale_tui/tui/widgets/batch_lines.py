"""A batch before it starts, and the account of one, as lines of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gale_tui.core.batch_account import BatchAccount, BatchEntry
from gale_tui.core.batches import BadLine, Batch, BatchTool
from gale_tui.core.outcomes import Outcome
from gale_tui.core.text import inert
from gale_tui.tui.format import Glyphs, Tone, clip
from gale_tui.tui.quantities import fit
from gale_tui.tui.widgets.page_lines import PageLine, Span, worded

__all__ = ["account_lines", "batch_lines", "empty_lines"]

_NUMBER = 5
_LABEL = 24
_ID = 14
_WORD = 12


def empty_lines(width: int) -> list[PageLine]:
    """What can be put here."""
    texts = (
        "Paste the tools to export: lines of Tool ID, Flow ID and a label, as CSV, TSV or with spaces; or captured "
        "Export requests.",
        "o opens a set that was kept. On the jobs screen space marks rows, and e exports the marked ones.",
    )
    lines: list[PageLine] = [()]
    for text in texts:
        lines += [*worded((Span(text, Tone.MUTED),), width, ""), ()]
    return lines


def batch_lines(batch: Batch, width: int, glyphs: Glyphs) -> list[PageLine]:
    """What is wrong with a list, with line numbers, then what is exported."""
    lines: list[PageLine] = []
    for note in batch.notes:
        lines += worded((Span(note, Tone.WARNING),), width, "")
    if batch.bad:
        one = len(batch.bad) == 1
        heading = f"{'1 line is' if one else f'{len(batch.bad)} lines are'} wrong and left out"
        lines += [*worded((Span(heading, Tone.FAILURE),), width, ""), *_problems(batch.bad, width, Tone.ERROR, glyphs)]
    if batch.warnings:
        one = len(batch.warnings) == 1
        heading = (
            "1 line is unusual and taken as it is"
            if one
            else f"{len(batch.warnings)} lines are unusual and taken as they are"
        )
        lines += [
            *worded((Span(heading, Tone.WARNING),), width, ""),
            *_problems(batch.warnings, width, Tone.WARNING, glyphs),
        ]
    if batch.tools:
        count = len(batch.tools)
        lines.append((Span("1 export" if count == 1 else f"{count} exports", Tone.TITLE),))
        lines += [_tool_line(place, tool, width, glyphs) for place, tool in enumerate(batch.tools, 1)]
    return lines


def _problems(bad: Sequence[BadLine], width: int, tone: Tone, glyphs: Glyphs) -> Iterator[PageLine]:
    for each in bad:
        number = Span(f"{each.line:>{_NUMBER}}  ", Tone.MUTED)
        yield from worded((number, Span(each.problem, tone)), width, " " * (_NUMBER + 2))
        if each.text:
            yield Span(" " * (_NUMBER + 2)), Span(clip(each.text, width - _NUMBER - 2, glyphs.ellipsis), Tone.MUTED)
    yield ()


def _tool_line(place: int, tool: BatchTool, width: int, glyphs: Glyphs) -> PageLine:
    number = f"{tool.line or place:>{_NUMBER}}  "
    room = width - len(number)
    label = min(_LABEL, max(10, room - 2 * (_ID + 2)))
    ids = max(_ID, (room - label - 4) // 2)
    return (
        Span(number, Tone.MUTED),
        Span(fit(tool.label or "no label", label, ellipsis=glyphs.ellipsis) + "  ", _named(tool)),
        Span(fit(inert(tool.tool_id, 200), ids, ellipsis=glyphs.ellipsis) + "  "),
        Span(clip(inert(tool.flow_id, 200), ids, glyphs.ellipsis), Tone.MUTED),
    )


def _named(tool: BatchTool) -> Tone:
    return Tone.TEXT if tool.label else Tone.MUTED


def account_lines(account: BatchAccount, width: int, glyphs: Glyphs) -> list[PageLine]:
    """The sums, then what is not good, what has changed, and what still goes on."""
    bad = any(entry.outcome not in (None, Outcome.SAVED) for entry in account.entries) or bool(account.bad)
    lines: list[PageLine] = [*worded((Span(account.sentence, Tone.FAILURE if bad else Tone.SUCCESS),), width, "")]
    if account.stopped:
        lines += worded((Span(account.stopped, Tone.WARNING),), width, "")
    lines.append(())
    for entry in account.not_good:
        lines += _entry_lines(str(entry.outcome), entry, entry.reason, Tone.ERROR, width, glyphs)
    for each in account.bad:
        line = Span(f"line {each.line}".ljust(_WORD), Tone.FAILURE)
        lines += worded((line, Span(f"{each.problem}  "), Span(each.text, Tone.MUTED)), width, " " * _WORD)
    if bad:
        lines.append(())
    changed = [entry for entry in account.entries if entry.unchanged is False]
    new = [entry for entry in account.entries if entry.outcome is Outcome.SAVED and entry.unchanged is None]
    going = [entry for entry in account.entries if entry.outcome is None]
    for word, entries in (("changed", changed), ("saved", new), ("to go", going)):
        for entry in entries:
            lines += _entry_lines(word, entry, _where(entry), Tone.MUTED, width, glyphs)
        if entries:
            lines.append(())
    if account.unchanged:
        files = "1 file holds" if account.unchanged == 1 else f"{account.unchanged} files hold"
        text = f"{files} the same as the last saved export of the tool."
        lines += worded((Span(text, Tone.MUTED),), width, "")
    return lines


def _where(entry: BatchEntry) -> str:
    job = entry.job
    if job is None:
        return "not started yet"
    if entry.outcome is None:
        return inert(job.status, 40)
    return inert(job.download.path.name, 200) if job.download.path is not None else ""


def _entry_lines(word: str, entry: BatchEntry, text: str, tone: Tone, width: int, glyphs: Glyphs) -> Iterator[PageLine]:
    job = entry.job
    title = fit(inert(job.title if job is not None else entry.tool.title, 120), _LABEL, ellipsis=glyphs.ellipsis)
    words = Span(word.ljust(_WORD), Tone.FAILURE if tone is Tone.ERROR else Tone.TEXT)
    if tone is Tone.MUTED:
        # A file's name is there to be known again, not to be read.
        rest = max(0, width - _WORD - _LABEL - 2)
        yield words, Span(f"{title}  "), Span(clip(inert(text, 300), rest, glyphs.ellipsis), tone)
        return
    yield from worded((words, Span(f"{title}  "), Span(inert(text, 300), tone)), width, " " * _WORD)
