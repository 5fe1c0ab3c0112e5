"""The fields of the two ids of an export."""

from __future__ import annotations

from typing import Literal

from textual.widget import Widget

from gale_tui.core.identifiers import clean_id, id_warning
from gale_tui.tui.widgets.forms.checks import Finding, check_with, tidy_id
from gale_tui.tui.widgets.forms.fields import TextField

__all__ = ["id_field"]

_WORDS = {
    "tool": ("Tool ID", "a-…", "The Tool ID is needed."),
    "flow": ("Flow ID", "cf-…", "The Flow ID is needed: GALE exports a tool with its call flow."),
}


def id_field(
    kind: Literal["tool", "flow"], input_id: str, *, value: str, hint: str, below: Widget | None = None
) -> TextField:
    """A field for a Tool ID or a Flow ID, which must be there; an unusual shape is only warned of.

    Args:
        kind: Which of the two.
        input_id: Widget id of the input.
        value: Its text at first.
        hint: What the line says while the field is empty or fine.
        below: What opens below it.
    """
    label, placeholder, required = _WORDS[kind]

    def odd(text: str) -> Finding:
        warning = id_warning(kind, clean_id(text))
        return Finding(warning, "warning") if warning else Finding()

    return TextField(
        label,
        input_id,
        value=value,
        placeholder=placeholder,
        hint=hint,
        check=check_with(clean_id, odd),
        required=required,
        tidy=tidy_id,
        below=below,
    )
