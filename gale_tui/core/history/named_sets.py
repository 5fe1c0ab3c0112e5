"""Named sets of tools: a batch that is kept, to be run again from the palette or by `gale-tui export --set NAME`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gale_tui.core.batch.parser import MOST_TOOLS, BatchTool
from gale_tui.core.errors import ConfigError, StoreError
from gale_tui.core.untrusted_text import inert

__all__ = ["ToolSet", "clean_set_name", "items_text", "tools_of"]

NAME_LIMIT: Final = 60


@dataclass(frozen=True, slots=True)
class ToolSet:
    """A set as the history keeps it."""

    name: str
    tools: tuple[BatchTool, ...]
    environment_id: str | None = None
    """Where it is run where nothing else is said."""
    created_at: float = 0.0
    """Seconds since the epoch."""
    used_at: float | None = None
    """When it was last run."""


def clean_set_name(text: str) -> str:
    """A set's name as it is kept: trimmed, white space inside made single.

    Raises:
        ConfigError: It is empty, too long, or has characters that cannot be typed again.
    """
    name = " ".join(text.split())
    if not name:
        raise ConfigError("The set has no name", "Give it one, such as nightly")
    if len(name) > NAME_LIMIT:
        raise ConfigError(f"The set's name has {len(name)} characters", f"Use at most {NAME_LIMIT}")
    if inert(name, NAME_LIMIT) != name:
        raise ConfigError("The set's name has characters in it that cannot be seen", "Use letters and digits")
    if name.startswith("-"):
        raise ConfigError("The set's name begins with a dash, as an option does", "Begin it with a letter")
    return name


def items_text(tools: Sequence[BatchTool]) -> str:
    """The tools as the history keeps them."""
    return json.dumps([{"tool_id": tool.tool_id, "flow_id": tool.flow_id, "label": tool.label} for tool in tools])


def tools_of(name: str, text: str) -> tuple[BatchTool, ...]:
    """The tools that were kept.

    Raises:
        StoreError: It is not what `items_text` makes.
    """
    try:
        items: Any = json.loads(text)
        tools = tuple(
            BatchTool(_text(each["tool_id"]), _text(each["flow_id"]), _text(each.get("label", "")))
            for each in items[:MOST_TOOLS]
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"The set {inert(name, NAME_LIMIT)} cannot be read", "Save it again under its name") from error
    return tools


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text is kept as text")
    return value
