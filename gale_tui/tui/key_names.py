"""Names of keys: the framework's, and as people write them (`F1`, `?`, `esc`, `ctrl+p`)."""

from __future__ import annotations

import unicodedata

from textual.keys import KEY_NAME_REPLACEMENTS, Keys

_NAMES = {
    "minus": "-",
    "plus": "+",
    "underscore": "_",
    "at": "@",
    "backslash": "\\",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "slash": "/",
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
    if key in _NAMES:
        return _NAMES[key]
    modifier, plus, last = key.rpartition("+")
    if plus and last:
        return f"{modifier}+{key_text(last)}"
    try:
        character = unicodedata.lookup(key.replace("_", " ")) if len(key) > 1 else key
    except KeyError:
        return key
    return character if character.isprintable() and not character.isspace() else key


_MODIFIERS = ("ctrl+", "shift+", "alt+", "super+", "meta+", "hyper+")
_NAMED = frozenset(key.value for key in Keys if not key.value.startswith("<"))


def key_name(text: str) -> str | None:
    """A key as the framework names it, from that name or the character itself; None where there is no such key."""
    text = text.strip()
    if len(text) == 1:
        return _character_name(text)
    name = text.lower()
    name = "escape" if name == "esc" else name
    rest, modifiers = name, ""
    while (modifier := next((each for each in _MODIFIERS if rest.startswith(each)), None)) is not None:
        rest, modifiers = rest.removeprefix(modifier), modifiers + modifier
    if not modifiers and name in _NAMED:
        return name
    if len(rest) == 1:
        character = _character_name(rest)
        return f"{modifiers}{character}" if character else None
    if rest in _NAMED or _is_character(rest):
        return f"{modifiers}{rest}"
    return None


def _character_name(character: str) -> str | None:
    if character.isspace():
        return "space" if character == " " else None
    if not character.isprintable():
        return None
    if character.isalnum():
        return character
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name) or None


_PUNCTUATION = frozenset(
    name for code in range(33, 127) if not chr(code).isalnum() and (name := _character_name(chr(code)))
)


def _is_character(name: str) -> bool:
    return name in _PUNCTUATION


def types_text(key: str) -> bool:
    """Returns True if the key, as the framework names it, types a character into a field."""
    return len(key) == 1 or key == "space" or _is_character(key)
