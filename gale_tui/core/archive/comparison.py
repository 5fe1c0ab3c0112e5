"""Compares two exports of a tool. Order and time stamps alone are no difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from gale_tui.core.archive.contents import ArchiveContents, Role
from gale_tui.core.archive.json_diff import (
    FieldChange,
    change_as_json,
    differences,
    equivalent,
    is_long_text,
    text_difference,
)
from gale_tui.core.archive.tool import Part, Tool, ToolPart, Variable, find_part, mask_variables, without_parts
from gale_tui.core.secret import HIDDEN, Secret

_NO_VALUE: Final = Secret("")


@dataclass(frozen=True, slots=True)
class Change:
    """A node, guardrail, variable or further file that one side lacks, or that differs. Server text."""

    mark: Literal["+", "-", "~"]
    """In the later export only, in the earlier one only, or in both."""
    name: str
    id: str = ""
    """Of a node, as its kind."""
    kind: str = ""
    fields: tuple[FieldChange, ...] = ()
    """The fields that differ; of a variable without values."""
    before: Secret = _NO_VALUE
    """The value of a variable."""
    after: Secret = _NO_VALUE

    @property
    def value_changed(self) -> bool:
        """True for a variable of both sides whose value differs."""
        return self.mark == "~" and self.before.reveal() != self.after.reveal()


@dataclass(frozen=True, slots=True)
class Comparison:
    before: ArchiveContents
    after: ArchiveContents
    about: tuple[FieldChange, ...]
    """Name, description, version and the rest of the application."""
    nodes: tuple[Change, ...]
    """Added nodes, then removed ones, then those that differ; the others alike."""
    guardrails: tuple[Change, ...]
    variables: tuple[Change, ...]
    settings: tuple[FieldChange, ...]
    """The flow's definition without its nodes."""
    files: tuple[Change, ...]

    @property
    def count(self) -> int:
        """How many nodes, guardrails, variables, settings and files differ."""
        parts = len(self.nodes) + len(self.guardrails) + len(self.variables)
        return len(self.about) + parts + len(self.settings) + len(self.files)

    @property
    def same(self) -> bool:
        return self.count == 0


def compare(before: ArchiveContents, after: ArchiveContents) -> Comparison:
    """Compares two archives part by part: the tool's by their meaning, what else is in them by its checksum.

    Values of environment variables are compared only if both sides have them.
    """
    one, other = before.tool or _NOTHING, after.tool or _NOTHING
    values = before.values_known and after.values_known
    return Comparison(
        before,
        after,
        about=_compare_rest(before, after, "application", "guardrails"),
        nodes=_compare_parts(one.nodes, other.nodes, "id"),
        guardrails=_compare_parts(one.guardrails, other.guardrails, "name"),
        variables=_compare_variables(one.variables, other.variables, values=values),
        settings=_compare_rest(before, after, "flow", "nodes", "guardrails")
        + (_hidden_rest(before, after) if values else ()),
        files=_compare_files(before, after),
    )


_NOTHING: Final = Tool("", "", "", (), (), (), ())


def _compare_rest(before: ArchiveContents, after: ArchiveContents, role: Role, *parts: Part) -> tuple[FieldChange, ...]:
    """The differences of a document besides the parts that are compared on their own."""
    one, other = before.document(role), after.document(role)
    if one is None or other is None:
        return ()
    return tuple(differences(without_parts(one.value, *parts), without_parts(other.value, *parts)))


def _hidden_rest(before: ArchiveContents, after: ArchiveContents) -> tuple[FieldChange, ...]:
    """The differences of the variables' document besides the variables."""
    documents = [archive.document("variables") for archive in (before, after)]
    if any(each is None or find_part(each.value, "variables") is None for each in documents):
        return ()
    return tuple(
        FieldChange(each.field, HIDDEN, HIDDEN) for each in _compare_rest(before, after, "variables", "variables")
    )


_Split = tuple[tuple[Any, ...], tuple[Any, ...], tuple[tuple[Any, Any], ...]]


def _match(ones: Mapping[object, Any], others: Mapping[object, Any]) -> _Split:
    added = tuple(each for key, each in others.items() if key not in ones)
    removed = tuple(each for key, each in ones.items() if key not in others)
    return added, removed, tuple((each, others[key]) for key, each in ones.items() if key in others)


def _by_key(items: Iterable[Any], field: str) -> dict[object, Any]:
    """Items by a field of theirs; those that share its value are told apart by their number."""
    found: dict[object, Any] = {}
    for each in items:
        key, number = getattr(each, field), 1
        while (key, number) in found:
            number += 1
        found[key, number] = each
    return found


def _compare_parts(ones: tuple[ToolPart, ...], others: tuple[ToolPart, ...], key: str) -> tuple[Change, ...]:
    added, removed, both = _match(_by_key(ones, key), _by_key(others, key))
    # A flow that was imported again has new ids: the same name and type is the same node then.
    renamed = {(each.name, each.kind): each for each in removed}
    found = {(each.name, each.kind): each for each in added}
    if len(renamed) == len(removed) and len(found) == len(added):
        again = [key for key in renamed if key in found]
        both += tuple((renamed[key], found[key]) for key in again)
        added = tuple(each for each in added if (each.name, each.kind) not in again)
        removed = tuple(each for each in removed if (each.name, each.kind) not in again)
    changed = (
        Change("~", other.name, other.id, other.kind, tuple(differences(one.fields, other.fields)))
        for one, other in both
    )
    return (
        *(Change("+", each.name, each.id, each.kind) for each in added),
        *(Change("-", each.name, each.id, each.kind) for each in removed),
        *(each for each in changed if each.fields),
    )


def _compare_variables(ones: tuple[Variable, ...], others: tuple[Variable, ...], *, values: bool) -> tuple[Change, ...]:
    added, removed, both = _match(_by_key(ones, "name"), _by_key(others, "name"))
    changed = []
    for one, other in both:
        # Other fields may hold values as well: of another stage, or earlier ones.
        shown = [mask_variables([dict(each.fields) | {"name": each.name}]) for each in (one, other)]
        plain = tuple(differences(shown[0], shown[1]))
        hidden = tuple(differences(one.fields, other.fields)) if values else ()
        fields = plain or tuple(FieldChange(each.field, HIDDEN, HIDDEN) for each in hidden)
        fields = tuple(
            FieldChange(each.field.removeprefix(f"[{one.name}]."), each.before, each.after) for each in fields
        )
        sides = (one.value, other.value) if values else (_NO_VALUE, _NO_VALUE)
        change = Change("~", other.name, fields=fields, before=sides[0], after=sides[1])
        if change.value_changed or fields:
            changed.append(change)
    return (
        *(Change("+", each.name, after=each.value) for each in added),
        *(Change("-", each.name, before=each.value) for each in removed),
        *changed,
    )


def _compare_files(before: ArchiveContents, after: ArchiveContents) -> tuple[Change, ...]:
    """Files that were not compared by their meaning, by size and checksum."""
    understood = _compared_documents(before) & _compared_documents(after)
    ones, others = (
        {each.name: (each.size, each.checksum) for each in archive.entries if each.name not in understood}
        for archive in (before, after)
    )
    changed = (name for name in ones if name in others and ones[name] != others[name])
    return (
        *(Change("+", name) for name in others if name not in ones),
        *(Change("-", name) for name in ones if name not in others),
        *(Change("~", name) for name in changed if not _same_document(before, after, name)),
    )


def _compared_documents(archive: ArchiveContents) -> set[str]:
    """Names of the documents whose parts are compared one by one."""
    found: set[str] = set()
    for role in ("flow", "application", "variables"):
        document = archive.document(role)
        if document is None or archive.tool is None:
            continue
        if role == "variables" and document.value and not archive.tool.variables:
            continue
        found.add(document.name)
    return found


def _same_document(before: ArchiveContents, after: ArchiveContents, name: str) -> bool:
    """True if a further JSON file differs in order or time stamps alone."""
    one, other = (
        next((each for each in archive.documents if each.name == name and not each.problem), None)
        for archive in (before, after)
    )
    return one is not None and other is not None and equivalent(one.value, other.value)


# As data


def comparison_as_json(result: Comparison) -> dict[str, object]:
    """A comparison as data for scripts. Values of environment variables are left out."""
    return {
        "same": result.same,
        "before": _archive_as_json(result.before),
        "after": _archive_as_json(result.after),
        "about": [change_as_json(each) for each in result.about],
        "nodes": _by_mark(result.nodes, _node_as_json, lambda each: {**_node_as_json(each), "fields": _fields(each)}),
        "guardrails": _by_mark(result.guardrails, _name, lambda each: {"name": each.name, "fields": _fields(each)}),
        "variables": _by_mark(
            result.variables,
            _name,
            lambda each: {"name": each.name, "value_changed": each.value_changed, "fields": _fields(each)},
        ),
        "settings": [change_as_json(each) for each in result.settings],
        "files": _by_mark(result.files, _name, _name),
    }


def _archive_as_json(archive: ArchiveContents) -> dict[str, object]:
    tool = archive.tool
    return {
        "path": str(archive.path),
        "sha256": archive.sha256,
        "name": tool.name if tool else None,
        "version": tool.version if tool else None,
    }


def _by_mark(
    changes: Iterable[Change], one_sided: Callable[[Change], object], changed: Callable[[Change], object]
) -> dict[str, list[object]]:
    ways = {"added": ("+", one_sided), "removed": ("-", one_sided), "changed": ("~", changed)}
    return {name: [show(each) for each in changes if each.mark == mark] for name, (mark, show) in ways.items()}


def _name(change: Change) -> str:
    return change.name


def _node_as_json(change: Change) -> dict[str, object]:
    return {"id": change.id, "name": change.name, "type": change.kind}


def _fields(change: Change) -> list[dict[str, object]]:
    found = []
    for each in change.fields:
        field = dict(change_as_json(each))
        if is_long_text(each):
            field["diff"] = [f"{line.mark}{line.text}" for line in text_difference(each.before, each.after)]
        found.append(field)
    return found
