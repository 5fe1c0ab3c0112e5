"""Names of keys: the framework's, and as people write them (`F1`, `?`, `esc`, `ctrl+p`)."""

from __future__ import annotations

import re
import unicodedata

from textual.keys import KEY_NAME_REPLACEMENTS, REPLACED_KEYS, Keys, key_to_character

_NAMES = {
    "escape": "esc",
    **{f"f{number}": f"F{number}" for number in range(1, 25)},
    "pageup": "page up",
    "pagedown": "page down",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
}


_WORDS = {arrow: word for word, arrow in _NAMES.items() if not arrow.isascii()}


def ascii_key(text: str) -> str:
    """The text of a key for a terminal without arrows: `down` for `↓`."""
    modifier, plus, last = text.rpartition("+")
    return f"{modifier}{plus}{_WORDS.get(last, last)}" if last else text


def key_text(key: str) -> str:
    """A key as people write it: `F1`, `?`, `esc`, `ctrl+p`."""
    modifier, plus, last = key.rpartition("+")
    character = key_to_character(REPLACED_KEYS.get(last, last)) or last
    shown = character if character.isprintable() and not character.isspace() else last
    return f"{modifier}{plus}{_NAMES.get(last, shown)}"


_MODIFIERS = re.compile(r"((ctrl|shift|alt|super|meta|hyper)\+)+")
_NAMED = frozenset(key.value for key in Keys if not key.value.startswith("<"))


def key_name(text: str) -> str | None:
    """A key as the framework names it, from that name or the character itself; None if there is no such key."""
    text = text.strip()
    name = text.lower() if len(text) > 1 else text
    modifiers = match[0] if (match := _MODIFIERS.match(name)) else ""
    rest = name.removeprefix(modifiers)
    if len(rest) == 1:
        rest = _character_name(rest)
    elif rest == "esc":
        rest = "escape"
    elif rest not in _NAMED | _PUNCTUATION:
        return None
    return f"{modifiers}{rest}" if rest else None


def _character_name(character: str) -> str:
    """The framework's name of a character; empty if no key types it."""
    if character.isalnum():
        return character
    name = unicodedata.name(character, "") if character.isprintable() else ""
    name = name.lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


_PUNCTUATION = frozenset(_character_name(chr(code)) for code in range(33, 127) if not chr(code).isalnum())


def types_text(key: str) -> bool:
    """Returns True if the key, as the framework names it, types a character into a field."""
    return len(key) == 1 or key == "space" or key in _PUNCTUATION
