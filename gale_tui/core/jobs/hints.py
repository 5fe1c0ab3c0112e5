"""Sentences of the engine that name an action: the key for it is the screen's to know, and there need not be a screen.

A sentence is whole without the key: `Export again‹key:export_again›` is shown as `Export again (e)`, with the key that
the action has in this very gale-tui, and as `Export again` where there are no keys. It is kept in the history as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = ["hint", "with_keys", "without_keys"]

_BEGIN: Final = "‹key:"
_HINT: Final = re.compile(r"‹key:([a-z_]+)›")


def hint(action: str) -> str:
    """What stands right behind the words for an action in a sentence.

    Args:
        action: Its id, as the key map has it.
    """
    return f"{_BEGIN}{action}›"


def with_keys(text: str, key: Callable[[str], str]) -> str:
    """The text with keys in the places of the hints.

    Args:
        text: Made with `hint`, or any other.
        key: The key of an action as people write it; empty where it has none.
    """
    if _BEGIN not in text:
        return text

    def shown(match: re.Match[str]) -> str:
        name = key(match[1])
        return f" ({name})" if name else ""

    return _HINT.sub(shown, text)


def without_keys(text: str) -> str:
    """The text for where there are no keys."""
    return with_keys(text, lambda action: "")
