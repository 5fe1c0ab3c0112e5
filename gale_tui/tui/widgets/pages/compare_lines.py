"""The differences between two saved exports, as lines of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.cells import cell_len

from gale_tui.core.archive.comparison import Change, Comparison
from gale_tui.core.archive.import_needs import ImportNeed, import_needs
from gale_tui.core.archive.json_diff import ABSENT, DiffLine, FieldChange, is_long_text, text_difference
from gale_tui.core.archive.tool import value_text
from gale_tui.core.models import Job
from gale_tui.core.secret import HIDDEN, Secret
from gale_tui.core.untrusted_text import inert, inert_block
from gale_tui.tui.formatting import glyphs
from gale_tui.tui.formatting.pieces import Line, Piece, Tone, wrap_words
from gale_tui.tui.formatting.quantities import clip, date_text, size_text
from gale_tui.tui.widgets.pages.inspect_lines import HIDDEN_TEXT

_LINE_LIMIT: Final = 50_000
_TONES: Final = {"-": Tone.ERROR, "+": Tone.SUCCESS, " ": Tone.MUTED, "…": Tone.MUTED}


def comparison_lines(
    comparison: Comparison,
    before: Job,
    after: Job,
    width: int,
    *,
    now: float,
    values: bool,
    key: str = "v",
) -> list[Line]:
    """The two files, how much differs, and each difference.

    Args:
        key: The key that shows or hides them.
    """
    page = _Page(width, values, key)
    sections = [
        ("Tool", page.fields(comparison.about, "  ")),
        ("Nodes", page.parts(comparison.nodes)),
        ("Guardrails", page.parts(comparison.guardrails)),
        ("Environment variables", page.variables(comparison.variables)),
        ("Flow settings", page.fields(comparison.settings, "  ")),
        ("Files", page.parts(comparison.files)),
    ]
    if before.environment_id != after.environment_id:
        # Imports usually go to production. If neither or only the earlier side is, the newer file is the one to import.
        into_after = after.production and not before.production
        target = after if into_after else before
        sides = (comparison.before, comparison.after) if into_after else (comparison.after, comparison.before)
        title = f"To import this into {inert(target.environment_name, 40)}"
        sections.append((title, page.needs(import_needs(*sides))))
    lines = [_file("Before", before, width, now), _file("After", after, width, now), ()]
    lines += page.wrapped("", Piece(_summary(comparison), Tone.TITLE))
    for title, part in sections:
        if part_lines := list(part):
            lines += [(), (Piece(title, Tone.RUNNING),), *part_lines]
    left = len(lines) - _LINE_LIMIT
    if left > 0:
        return [*lines[:_LINE_LIMIT], (Piece(f"{left:,} more lines: gale-tui diff shows them", Tone.MUTED),)]
    return lines


def _file(label: str, job: Job, width: int, now: float) -> Line:
    at = job.download.saved_at or job.ended_at or job.created_at
    when = date_text(at, now, 12)
    size = size_text(job.download.size or 0)
    name = job.download.path.name if job.download.path else ""
    head = f"{label:<7} {when:<12}  {clip(inert(job.environment_name, 40), 14)}  "
    shown = _middle(inert(name, 400), max(8, width - cell_len(head) - cell_len(size) - 2))
    return Piece(head, Tone.MUTED), Piece(shown), Piece(f"  {size}", Tone.MUTED)


def _middle(text: str, width: int) -> str:
    """The text without its middle where it is too long: of a file's name the end is what differs."""
    if cell_len(text) <= width:
        return text
    tail = text[-min(22, width // 2) :]
    return clip(text, width - cell_len(tail)) + tail


def _summary(comparison: Comparison) -> str:
    if comparison.same:
        if comparison.before.sha256 == comparison.after.sha256:
            return "No difference: the files are the same, byte for byte."
        return "No difference (order and time stamps are ignored)."
    nodes = [each.mark for each in comparison.nodes]
    counts = (
        (len(comparison.about), "field of the tool", "fields of the tool"),
        (nodes.count("+"), "node added", "nodes added"),
        (nodes.count("-"), "node removed", "nodes removed"),
        (nodes.count("~"), "node changed", "nodes changed"),
        (len(comparison.guardrails), "guardrail", "guardrails"),
        (len(comparison.variables), "variable", "variables"),
        (len(comparison.settings), "flow setting", "flow settings"),
        (len(comparison.files), "other file", "other files"),
    )
    parts = [f"{count:,} {one if count == 1 else many}" for count, one, many in counts if count]
    return f"Different: {', '.join(parts)}."


class _Page:
    """The lines of a comparison, wrapped to a width."""

    def __init__(self, width: int, values: bool, key: str) -> None:
        self._key = key
        self._width = width
        self._values = values

    def wrapped(self, indent: str, *pieces: Piece) -> Iterator[Line]:
        """A line, going on below where it is too long."""
        return wrap_words((Piece(indent), *pieces), self._width, f"{indent}  ")

    def _item(self, mark: str, name: str, kind: str = "", what: str = "") -> Iterator[Line]:
        tone = {"+": Tone.SUCCESS, "-": Tone.ERROR}.get(mark, Tone.WARNING)
        about = f"  {kind}" if kind else ""
        pieces = (Piece(f"{mark} ", tone), Piece(name, Tone.TITLE), Piece(about, Tone.MUTED), Piece(what))
        return self.wrapped("  ", *pieces)

    def parts(self, changes: Iterable[Change]) -> Iterator[Line]:
        """Added, removed and changed parts."""
        for each in changes:
            kind = f"{inert(each.kind, 40)} {glyphs.DOT} {inert(each.id, 80)}" if each.id else ""
            yield from self._item(each.mark, inert(each.name, 200), kind)
            yield from self.fields(each.fields, "      ")

    def variables(self, changes: Iterable[Change]) -> Iterator[Line]:
        """Added, removed and changed variables; with their values if those are shown."""
        hidden = False
        for each in changes:
            before, after = self._value(each.before), self._value(each.after)
            values = {"+": after, "-": before}.get(each.mark, f"{before} → {after}" if each.value_changed else "")
            hidden = hidden or bool(values and not self._values)
            yield from self._item(each.mark, inert(each.name, 200), "", f"  {values}" if values else "")
            yield from self.fields(each.fields, "      ")
        if hidden:
            yield (Piece(f"  {self._key} shows the values", Tone.MUTED),)

    def _value(self, value: Secret) -> str:
        if not value:
            return "no value"
        return inert(value.reveal(), 2000) if self._values else HIDDEN_TEXT

    def needs(self, needs: Iterable[ImportNeed]) -> Iterator[Line]:
        for need in needs:
            yield from self._item("+" if need.missing else " ", need.text)

    def fields(self, changes: Iterable[FieldChange], indent: str) -> Iterator[Line]:
        """Fields that differ: long texts line by line, the rest as before and after."""
        for change in changes:
            name = inert(change.field, 200) or "all of it"
            if is_long_text(change):
                yield from self.wrapped(indent, Piece(name, Tone.MUTED))
                for line in text_difference(change.before, change.after):
                    yield from self._text_line(line, f"{indent}  ")
            else:
                yield from self.wrapped(indent, Piece(f"{name}  ", Tone.MUTED), *self._sides(change))

    def _sides(self, change: FieldChange) -> Iterator[Piece]:
        if change.before == HIDDEN == change.after:
            yield Piece("changed; values are not shown")
        elif change.before is ABSENT:
            yield from (Piece("added ", Tone.MUTED), Piece(value_text(change.after), Tone.SUCCESS))
        elif change.after is ABSENT:
            yield from (Piece("removed ", Tone.MUTED), Piece(value_text(change.before), Tone.ERROR))
        else:
            yield Piece(value_text(change.before), Tone.ERROR)
            yield Piece(" → ", Tone.MUTED)
            yield Piece(value_text(change.after), Tone.SUCCESS)

    def _text_line(self, line: DiffLine, indent: str) -> Iterator[Line]:
        tone = _TONES[line.mark]
        if line.mark == "…":
            yield (Piece(f"{indent}{glyphs.DOT * 3} {line.text}", tone),)
            return
        pieces: list[Piece] = []
        for text, strong in line.spans:
            shown = inert_block(text, 20_000)
            words = shown.lstrip(" ")
            # A line under a gap would look like a word of its own.
            pieces += [Piece(shown[: len(shown) - len(words)], tone), Piece(words, tone, strong)]
        yield from self.wrapped(indent, Piece(f"{line.mark} ", tone), *pieces)
