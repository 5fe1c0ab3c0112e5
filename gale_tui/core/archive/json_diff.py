"""Differences between two JSON values, and between two texts. Order and time stamps alone are no difference."""

from __future__ import annotations

import difflib
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""Stands for a field that one side does not have."""

_KEYS: Final = ("id", "_id", "nodeId", "name", "key")
_TIME_NAME: Final = re.compile(
    r"(?:last_?)?(?:created|updated|modified|exported|deployed|published|saved|changed|accessed)"
    r"(?:_?(?:at|on|time|date|ts|timestamp))?|(?:time_?stamp|export_?(?:time|date))",
    re.IGNORECASE,
)
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?.{0,16})?")
_EARLIEST: Final = 1_000_000_000
"""Numbers from here on are seconds or milliseconds since the epoch, where the name says that it is a time."""
_LONG: Final = 40
_WORK_LIMIT: Final = 250_000
"""Pairs of lines, or of words, that are compared with each other."""
_CONTEXT: Final = 2


@dataclass(frozen=True, slots=True)
class FieldChange:
    field: str
    """Where it is: `config.prompt`, `guardrails[Toxicity].threshold`. Server text."""
    before: Any
    """A JSON value, or ABSENT."""
    after: Any


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a text's difference."""

    mark: Literal[" ", "-", "+", "…"]
    """`…` stands for equal lines that are left out."""
    spans: tuple[tuple[str, bool], ...]
    """The line in pieces, each with whether it is what changed."""

    @property
    def text(self) -> str:
        return "".join(piece for piece, _ in self.spans)


# Values


def is_time(name: str, value: object) -> bool:
    """True for a time stamp: by its name and by its look."""
    if not _TIME_NAME.fullmatch(name):
        return False
    if isinstance(value, str):
        return not value or _ISO.fullmatch(value) is not None or (value.isdigit() and len(value) in (10, 13))
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= _EARLIEST)


def canonical(value: object) -> str:
    """The value as text that is the same for all that counts as the same."""
    if isinstance(value, dict):
        inner = (f"{json.dumps(k)}:{canonical(v)}" for k, v in sorted(value.items()) if not is_time(k, v))
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(sorted(canonical(each) for each in value)) + "]"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value)


def equivalent(before: object, after: object) -> bool:
    """True if there is no difference but order and time stamps."""
    return next(differences(before, after), None) is None


def differences(before: object, after: object, at: str = "") -> Iterator[FieldChange]:
    """Every field that differs between two JSON values.

    Items of lists are matched by their id or name, else by being equal, whatever their order. `at` is where they are.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(each for each in after if each not in before)]:
            one, other = before.get(name, ABSENT), after.get(name, ABSENT)
            if all(each is ABSENT or is_time(name, each) for each in (one, other)):
                continue
            yield from differences(one, other, f"{at}.{name}" if at else name)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_differences(before, after, at)
    elif (before is ABSENT) != (after is ABSENT) or canonical(before) != canonical(after):
        yield FieldChange(at, before, after)


def _list_differences(before: list[Any], after: list[Any], at: str) -> Iterator[FieldChange]:
    key = _shared_key(before, after)
    if key is not None:
        ones = {_key_text(each[key]): each for each in before}
        others = {_key_text(each[key]): each for each in after}
        for name in [*ones, *(each for each in others if each not in ones)]:
            yield from differences(ones.get(name, ABSENT), others.get(name, ABSENT), f"{at}[{name}]")
        return
    pairs = itertools.zip_longest(_unequal(before, after), _unequal(after, before), fillvalue=(None, ABSENT))
    for (one_at, one), (other_at, other) in pairs:
        place = other_at if one_at is None else one_at
        yield from differences(one, other, f"{at}[{place}]")


def _shared_key(before: Sequence[object], after: Sequence[object]) -> str | None:
    """A field by which the objects of both lists can be told apart."""
    return next((key for key in _KEYS if _are_unique(before, key) and _are_unique(after, key)), None)


def _are_unique(items: Sequence[object], key: str) -> bool:
    names = [_key_text(each.get(key)) for each in items if isinstance(each, dict)]
    return len(names) == len(items) == len(set(names)) and "" not in names


def _key_text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _unequal(items: list[Any], others: list[Any]) -> list[tuple[int, Any]]:
    """Those items, with their places, that the other list has no equal of."""
    left = Counter(canonical(each) for each in others)
    found: list[tuple[int, Any]] = []
    for number, each in enumerate(items):
        text = canonical(each)
        if left[text] > 0:
            left[text] -= 1
        else:
            found.append((number, each))
    return found


# Texts


def is_long_text(change: FieldChange) -> bool:
    """True if the change is shown line by line: two texts, at least one of them long or of several lines."""
    texts = (change.before, change.after)
    return all(isinstance(each, str) for each in texts) and any(len(each) > _LONG or "\n" in each for each in texts)


def text_difference(before: str, after: str, context: int = _CONTEXT) -> list[DiffLine]:
    """The lines that differ, with `context` lines around them.

    Texts too large to be compared line by line are given as one replaced by the other.
    """
    ones, others = before.splitlines(), after.splitlines()
    if ones == others:
        # They end, or end their lines, differently.
        return [DiffLine("-", ((json.dumps(before[-40:]), True),)), DiffLine("+", ((json.dumps(after[-40:]), True),))]
    found: list[DiffLine] = []
    for tag, i1, i2, j1, j2 in _operations(ones, others):
        if tag == "equal":
            found += [DiffLine(" ", ((line, False),)) for line in ones[i1:i2]]
        else:
            found += _diff_lines(ones[i1:i2], others[j1:j2])
    return _shorten(found, context)


def _operations(ones: Sequence[str], others: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """As difflib's opcodes, within bounds: equal ends are split off first, and a text too large is one replacement."""
    start = 0
    while start < min(len(ones), len(others)) and ones[start] == others[start]:
        start += 1
    end = 0
    while end < min(len(ones), len(others)) - start and ones[-1 - end] == others[-1 - end]:
        end += 1
    inner, others_inner = ones[start : len(ones) - end], others[start : len(others) - end]
    operations: list[tuple[str, int, int, int, int]] = []
    if start:
        operations.append(("equal", 0, start, 0, start))
    if len(inner) * len(others_inner) > _WORK_LIMIT:
        operations.append(("replace", start, len(ones) - end, start, len(others) - end))
    else:
        matcher = difflib.SequenceMatcher(None, inner, others_inner, autojunk=False)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            operations.append((tag, i1 + start, i2 + start, j1 + start, j2 + start))
    if end:
        operations.append(("equal", len(ones) - end, len(ones), len(others) - end, len(others)))
    return operations


_WORD: Final = re.compile(r"\s*\S+|\s+")


def _diff_lines(ones: Sequence[str], others: Sequence[str]) -> Iterator[DiffLine]:
    # A rough sum beforehand: words are compared pair by pair.
    if len(ones) != len(others) or sum(len(a) * len(b) for a, b in zip(ones, others, strict=True)) > 40 * _WORK_LIMIT:
        yield from (DiffLine("-", ((line, False),)) for line in ones)
        yield from (DiffLine("+", ((line, False),)) for line in others)
        return
    pairs = [_diff_words(one, other) for one, other in zip(ones, others, strict=True)]
    yield from (DiffLine("-", removed) for removed, _ in pairs)
    yield from (DiffLine("+", added) for _, added in pairs)


_Spans = tuple[tuple[str, bool], ...]


def _diff_words(one: str, other: str) -> tuple[_Spans, _Spans]:
    """Two lines in pieces, those words marked that differ."""
    ones, others = _WORD.findall(one), _WORD.findall(other)
    removed: list[tuple[str, bool]] = []
    added: list[tuple[str, bool]] = []
    kept = 0
    for tag, i1, i2, j1, j2 in _operations(ones, others):
        if i2 > i1:
            removed.append(("".join(ones[i1:i2]), tag != "equal"))
        if j2 > j1:
            added.append(("".join(others[j1:j2]), tag != "equal"))
        if tag == "equal":
            kept += sum(len(word) for word in ones[i1:i2])
    if kept * 3 < min(len(one), len(other)):
        # Lines that share a few words only are easier to read without marks.
        return ((one, False),), ((other, False),)
    return tuple(removed), tuple(added)


def _shorten(lines: list[DiffLine], context: int) -> list[DiffLine]:
    changed = (number for number, line in enumerate(lines) if line.mark != " ")
    near = {at for number in changed for at in range(number - context, number + context + 1)}
    shown: list[DiffLine] = []
    for kept, group in itertools.groupby(range(len(lines)), near.__contains__):
        numbers = list(group)
        if kept:
            shown += [lines[number] for number in numbers]
        else:
            words = "1 line is the same" if len(numbers) == 1 else f"{len(numbers):,} lines are the same"
            shown.append(DiffLine("…", ((words, False),)))
    return shown


def change_as_json(change: FieldChange) -> Mapping[str, object]:
    """A change as data; a side that does not have the field is left out."""
    sides = {"before": change.before, "after": change.after}
    return {"field": change.field, **{name: value for name, value in sides.items() if value is not ABSENT}}
