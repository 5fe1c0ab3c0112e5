"""The contents of a saved export, as lines of a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.cells import cell_len

from gale_tui.core.archive.contents import ArchiveContents, Document
from gale_tui.core.archive.tool import Tool, mask_variables
from gale_tui.core.models import Job
from gale_tui.core.untrusted_text import inert, inert_block
from gale_tui.tui.formatting.pieces import Line, Piece, Tone, hanging, wrap, wrap_words
from gale_tui.tui.formatting.quantities import clip, count_text, fit, size_text
from gale_tui.tui.widgets.pages.detail_lines import path_lines

_LABEL = 11
_LIST_LIMIT = 500
"""Files, nodes of a type, variables that are listed."""
_LINE_LIMIT = 100_000
_TEXT_LIMIT = 4_000
HIDDEN_TEXT = "••••"
"""Replaces a hidden value."""


def _field(label: str, text: str, width: int, tone: Tone = Tone.TEXT) -> Iterator[Line]:
    return hanging((Piece(label.ljust(_LABEL), Tone.MUTED),), text, width, tone)


def _limited(items: Sequence[object]) -> str:
    left = len(items) - _LIST_LIMIT
    return f"and {left:,} more" if left > 0 else ""


def problem_lines(path: Path, problem: str, width: int) -> list[Line]:
    """A file that cannot be looked into."""
    lines: list[Line] = [*_field("File", inert(path, 4096), width), ()]
    return [*lines, *((Piece(part, Tone.ERROR),) for part in wrap(inert(problem, 2000), width))]


def overview_lines(contents: ArchiveContents, job: Job, width: int, *, values: bool, key: str = "v") -> list[Line]:
    """The tool and the file that it is in.

    Args:
        key: The key that shows or hides them.
    """
    lines: list[Line] = []
    if contents.tool is not None:
        lines += _about(contents.tool, width)
        lines.append(())
    for note in contents.notes[:20]:
        lines += _field("Note", f"{note}.", width, Tone.WARNING)
    lines += _file(contents, job, width)
    if contents.tool is not None:
        lines += _tool(contents.tool, width, values, key)
    return lines


def _about(tool: Tool, width: int) -> Iterator[Line]:
    version = f"version {inert(tool.version, 40)}" if tool.version else ""
    name = clip(inert(tool.name) or "no name", max(10, width - cell_len(version) - 2))
    gap = " " * max(2, width - cell_len(name) - cell_len(version))
    yield Piece(name, Tone.TITLE), Piece(gap + version if version else "", Tone.MUTED)
    if tool.description:
        yield from ((Piece(part),) for part in wrap(inert(tool.description, _TEXT_LIMIT), width))


def _file(contents: ArchiveContents, job: Job, width: int) -> Iterator[Line]:
    yield from _field("File", "\n".join(path_lines(contents.path, width - _LABEL)), width)
    yield from _field("", f"{size_text(contents.size)} ({contents.size:,} bytes)", width, Tone.MUTED)
    recorded = job.download.sha256
    yield from _field("SHA-256", contents.sha256, width)
    if recorded == contents.sha256:
        yield from _field("", "unchanged since saved", width, Tone.SUCCESS)
    elif recorded:
        yield from _field("", "changed since saved", width, Tone.ERROR)
    yield ()
    entries = contents.entries
    names = [inert(entry.name, 200) for entry in entries[:_LIST_LIMIT]]
    column = min(max(map(cell_len, names)), max(10, width - _LABEL - 10))
    for number, (entry, name) in enumerate(zip(entries, names, strict=False)):
        label = ("Contents" if number == 0 else "").ljust(_LABEL)
        size = f"  {size_text(entry.size):>7}"
        yield Piece(label, Tone.MUTED), Piece(fit(name, column)), Piece(size, Tone.MUTED)
    if more := _limited(entries):
        yield from _field("", more, width, Tone.MUTED)
    unpacked = size_text(sum(entry.size for entry in entries))
    words = f"{count_text(len(entries), 'file')}, {unpacked} unpacked; all checksums are right"
    yield from _field("", words, width, Tone.MUTED)


def _tool(tool: Tool, width: int, values: bool, key: str) -> Iterator[Line]:
    yield ()
    yield from _field("Nodes", f"{len(tool.nodes):,}" if tool.nodes else "none found", width)
    kinds = tool.nodes_by_kind
    column = min(20, max((cell_len(inert(kind, 60)) for kind in kinds), default=0))
    for kind, nodes in list(kinds.items())[:_LIST_LIMIT]:
        head = Piece(f"{fit(inert(kind, 60), column)} {len(nodes):>4}  ", Tone.RUNNING)
        listed = ", ".join(inert(node.name, 80) for node in nodes[:_LIST_LIMIT])
        yield from hanging((Piece(" " * _LABEL), head), listed, width)
    models = [f"{inert(name, 80)} ({count_text(count, 'node')})" for name, count in tool.models]
    yield from _field("Models", ", ".join(models[:_LIST_LIMIT]) or "none found", width)
    guardrails = [
        inert(each.name, 80) + (" (off)" if each.fields.get("enabled") is False else "") for each in tool.guardrails
    ]
    yield from _field("Guardrails", ", ".join(guardrails[:_LIST_LIMIT]) or "none found", width)
    yield ()
    yield from _variables(tool, width, values, key)


def _variables(tool: Tool, width: int, values: bool, key: str) -> Iterator[Line]:
    if not tool.variables:
        yield from _field("Variables", "none found", width)
        return
    hint = f"{key} hides their values" if values else f"{key} shows their values"
    yield from _field("Variables", f"{len(tool.variables):,}, {hint}", width, Tone.MUTED)
    names = [inert(each.name, 100) for each in tool.variables[:_LIST_LIMIT]]
    column = min(max(map(cell_len, names)), max(10, (width - _LABEL) // 2))
    for each, name in zip(tool.variables, names, strict=False):
        if not each.value:
            value, tone = "no value", Tone.MUTED
        elif values:
            value, tone = inert(each.value.reveal(), 2000), Tone.WARNING
        else:
            value, tone = HIDDEN_TEXT, Tone.MUTED
        secure = "  secure" if each.secure else ""
        first, *rest = hanging((Piece(f"{' ' * _LABEL}{fit(name, column)}  "),), value, width - len(secure), tone)
        yield from ((*first, Piece(secure, Tone.MUTED)), *rest)
    if more := _limited(tool.variables):
        yield from _field("", more, width, Tone.MUTED)


# JSON


def document_text(document: Document, *, values: bool) -> list[str]:
    """A document set out, line by line, not yet inert."""
    if document.problem:
        return [f"{document.problem}."]
    value = document.value if values or document.role != "variables" else mask_variables(document.value)
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    if len(lines) > _LINE_LIMIT:
        left = len(lines) - _LINE_LIMIT
        lines = [*lines[:_LINE_LIMIT], f"… {left:,} more lines are not shown"]
    return lines


_KEY = re.compile(r'(\s*)("(?:[^"\\]|\\.)*":) ')


_COLORED = re.compile(r"(\{\{[^{}\n]{1,200}\}\})|((?<=^ )(?:true|false|null|-?\d[\d.eE+-]{0,40})(?=,?$))")


def _colored(value: str) -> Iterator[Piece]:
    """A value of a JSON line: what a prompt fills in, and numbers and words of JSON, in tones of their own."""
    at = 0
    for match in _COLORED.finditer(value):
        if match.start() > at:
            yield Piece(value[at : match.start()])
        yield Piece(match[0], Tone.SUCCESS if match[1] else Tone.WARNING)
        at = match.end()
    if at < len(value):
        yield Piece(value[at:])


def document_lines(lines: Iterable[str], width: int) -> list[Line]:
    """The lines of a document, inert and wrapped."""
    rows: list[Line] = []
    for line in lines:
        safe = line if line.isascii() and line.isprintable() else inert_block(line, 10_000_000)
        match = _KEY.match(safe)
        pieces: Line = (Piece(safe),)
        if match is not None:
            pieces = (Piece(match[1]), Piece(match[2], Tone.RUNNING), *_colored(safe[match.end() - 1 :]))
        if len(safe) <= width and safe.isascii():
            rows.append(pieces)
        else:
            depth = len(safe) - len(safe.lstrip(" ")) + 2
            rows += wrap_words(pieces, width, " " * min(depth, width // 2))
    return rows
