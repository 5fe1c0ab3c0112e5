"""Answers of the sandbox with other fields than its own: every spelling of the vendor's pages, and nonsense."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from gale_tui.sandbox.script import Edit, File, Link, Script
from gale_tui.sandbox.wire import Response

__all__ = [
    "ABSENT",
    "all_of",
    "headed",
    "link_to",
    "misjudged",
    "relative_link",
    "renamed",
    "served",
    "vendor_script",
    "weakly_tagged",
    "with_fields",
]

ABSENT: Final = object()
"""As the value of a field: the answer is without it."""


def _put(answer: dict[str, Any], name: str, value: object) -> None:
    *path, last = name.split(".")
    inside = answer
    for part in path:
        if not isinstance(inside.get(part), dict):
            if value is ABSENT:
                return
            inside[part] = {}
        inside = inside[part]
    if value is ABSENT:
        inside.pop(last, None)
    else:
        inside[last] = value


def _get(answer: dict[str, Any], name: str) -> object:
    inside: Any = answer
    for part in name.split("."):
        if not isinstance(inside, dict) or part not in inside:
            return ABSENT
        inside = inside[part]
    return inside


def with_fields(fields: Mapping[str, object]) -> Edit:
    """Sets fields; a dot leads into an object, which is made where it is missing."""

    def edit(answer: dict[str, Any]) -> None:
        for name, value in fields.items():
            _put(answer, name, value)

    return edit


def renamed(old: str, *new: str) -> Edit:
    """Gives a field other names, or none."""

    def edit(answer: dict[str, Any]) -> None:
        value = _get(answer, old)
        _put(answer, old, ABSENT)
        for name in new:
            _put(answer, name, value)

    return edit


def link_to(text: str) -> Link:
    """This, verbatim, in place of a working link."""
    return Link(write=lambda url: text)


def relative_link(start: str = "/") -> Link:
    """A link without scheme and host."""
    return Link(write=lambda url: start + url.split("/", 3)[3])


def all_of(*edits: Edit) -> Edit:
    """One after the other."""

    def edit(answer: dict[str, Any]) -> None:
        for each in edits:
            each(answer)

    return edit


def served(content: bytes, **more: Any) -> File:
    """These bytes in place of a tool's zip."""
    return File(pack=lambda documents: content, **more)


def headed(**headers: str | None) -> Callable[[Response], None]:
    """Sets headers of a file's answer, or leaves them out (None)."""

    def edit(response: Response) -> None:
        for name, value in headers.items():
            response.set(name.replace("_", "-"), value)

    return edit


def weakly_tagged(response: Response) -> None:
    """Makes the ETag of a file a weak one."""
    response.set("ETag", f"W/{dict(response.headers)['ETag']}")


def misjudged(by: int) -> Callable[[Response], None]:
    """Announces so many bytes more than there are."""

    def edit(response: Response) -> None:
        response.length_off = by

    return edit


def vendor_script(kind: str, name: str) -> Script:
    """What the vendor's sample of a kind does: a model is ready at once, and its file is no zip."""
    if kind != "model":
        return Script()
    weights = served(
        b"GGUF" + bytes(range(256)) * 64, name=f"{name}.gguf", edit=headed(content_type="application/octet-stream")
    )
    edit = all_of(renamed("dock-statusId", "_id"), with_fields({"percentageComplete": 100}))
    return Script(duration=0.0, export_status="SUCCESS", edit_export=edit, file=weights)
