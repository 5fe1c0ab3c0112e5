"""The keys of actions as `config.toml` changes them: what can be used, and what is wrong with the rest."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from gale_tui.core.untrusted_text import inert
from gale_tui.tui.actions import ACTIONS, Action, Place, key_text, usual_key

__all__ = ["NO_CHANGES", "KeyMap", "key_name", "read_keys"]

_MODIFIERS = ("ctrl+", "shift+", "alt+", "super+", "meta+", "hyper+")
_NAMED = frozenset(key.value for key in Keys if not key.value.startswith("<"))
_TEXT_PLACES = (Place.FORM, Place.ENVIRONMENT_FORM, Place.SETTINGS, Place.FILTER, Place.SEARCH)
_TOGETHER = (
    {Place.JOBS, Place.TABLE, Place.EVERYWHERE},
    {Place.FILTER, Place.EVERYWHERE},
    {Place.DETAILS, Place.EVERYWHERE},
    {Place.FORM, Place.EVERYWHERE},
    {Place.BATCH, Place.TABLE, Place.EVERYWHERE},
    {Place.ENVIRONMENTS, Place.EVERYWHERE},
    {Place.ENVIRONMENT_FORM, Place.EVERYWHERE},
    {Place.SETTINGS, Place.EVERYWHERE},
    {Place.INSPECT, Place.PAGE, Place.EVERYWHERE},
    {Place.COMPARE, Place.PAGE, Place.EVERYWHERE},
    {Place.SEARCH, Place.EVERYWHERE},
)
"""Places whose keys work at the same time, so that one key cannot stand for two of their actions."""


@dataclass(frozen=True, slots=True)
class KeyMap:
    """The changes that hold."""

    changed: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Keys by action id, as the framework names them, for those actions that have others than their own."""
    problems: tuple[str, ...] = ()
    """A sentence about each change that does not hold."""

    def keys(self, action: Action) -> tuple[str, ...]:
        """The keys of an action, the one to show first."""
        return self.changed.get(action.id, action.keys)

    def text(self, action_id: str) -> str:
        """The key to show for an action, as people write it; empty where there is none."""
        keys = self.changed.get(action_id)
        return key_text(keys[0]) if keys else usual_key(action_id)

    def for_framework(self) -> dict[str, str]:
        """The changes as the framework's key map."""
        return {action_id: ",".join(keys) for action_id, keys in self.changed.items()}


NO_CHANGES = KeyMap()


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


def _types_text(key: str) -> bool:
    return len(key) == 1 or key == "space" or _is_character(key)


def read_keys(changes: Mapping[str, str]) -> KeyMap:
    """Reads the `keys` of the settings. A change that cannot hold leaves the action its own keys."""
    if not changes:
        return NO_CHANGES
    actions = {each.id: each for each in ACTIONS}
    wanted: dict[str, tuple[str, ...]] = {}
    problems: list[str] = []
    for action_id, text in changes.items():
        action = actions.get(action_id)
        shown = inert(action_id, 40)
        if action is None:
            problems.append(f"keys in config.toml: there is no action “{shown}”; help and palette show what there is.")
            continue
        if not action.bound:
            problems.append(f"keys in config.toml: the key of “{shown}” belongs to the field and cannot be changed.")
            continue
        keys = [(each, key_name(each)) for each in ([","] if text.strip() == "," else text.split(","))]
        unknown = next((each for each, name in keys if name is None), None)
        if unknown is not None:
            problems.append(
                f"keys in config.toml: “{inert(unknown, 40)}” for “{shown}” is no key; write a, f5 or ctrl+k, say."
            )
            continue
        names = tuple(dict.fromkeys(name for _, name in keys if name is not None))
        typed = next((name for name in names if _types_text(name)), None)
        if action.place in _TEXT_PLACES and typed is not None:
            problems.append(
                f"keys in config.toml: “{key_text(typed)}” for “{shown}” is text in the fields there; use an F key."
            )
            continue
        wanted[action_id] = names
    return KeyMap(MappingProxyType(_without_clashes(wanted, problems)), tuple(problems))


def _without_clashes(wanted: dict[str, tuple[str, ...]], problems: list[str]) -> dict[str, tuple[str, ...]]:
    """The changes that leave every key of a place with one meaning; the others become sentences.

    A change that falls away gives its action the old keys back, which may clash in turn: hence again and again.
    """
    holding = dict(wanted)
    while (clash := _first_clash(holding)) is not None:
        action, other, key = clash
        loser, winner = (action, other) if action.id in holding else (other, action)
        del holding[loser.id]
        problems.append(
            f"keys in config.toml: “{key_text(key)}” for “{loser.id}” is the key of “{winner.id}” already; "
            f"{key_text(loser.keys[0]) if loser.keys else 'the palette'} stays."
        )
    return holding


def _first_clash(changed: Mapping[str, tuple[str, ...]]) -> tuple[Action, Action, str] | None:
    for places in _TOGETHER:
        taken: dict[str, Action] = {}
        # Later lines of the file lose against earlier ones, and all of them against keys that nobody changed.
        order = sorted(
            (each for each in ACTIONS if each.place in places),
            key=lambda each: (each.id in changed, list(changed).index(each.id) if each.id in changed else 0),
        )
        for action in order:
            if action.id not in changed:
                for key in action.keys:
                    taken.setdefault(key, action)
                continue
            for key in changed[action.id]:
                other = taken.setdefault(key, action)
                if other is not action:
                    return action, other, key
    return None
