"""The keys that `config.toml` changes, and the problems of changes that cannot hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gale_tui.core.untrusted_text import inert
from gale_tui.tui.actions import ACTIONS, FOCUSED, Action, Place, actions_at, default_key, find_action
from gale_tui.tui.key_names import key_name, key_text, types_text

_TEXT_PLACES = (Place.FORM, Place.ENVIRONMENT_FORM, Place.SETTINGS, Place.FILTER, Place.SEARCH)
_TOGETHER = [
    {place, FOCUSED.get(place, place), Place.EVERYWHERE}
    for place in Place
    if place not in (Place.EVERYWHERE, Place.TABLE, Place.PAGE, Place.DIALOG)
]
"""Places whose keys work at the same time, so that one key cannot stand for two of their actions."""


@dataclass(frozen=True, slots=True)
class KeyMap:
    """The changes that hold."""

    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys by action id, as the framework names them, for those actions that have others than their own."""
    problems: tuple[str, ...] = ()
    """A sentence about each change that does not hold."""

    def keys(self, action: Action) -> tuple[str, ...]:
        return self.changed.get(action.id, action.keys)

    def text(self, action_id: str) -> str:
        """The key to show for an action, as people write it; empty if there is none."""
        keys = self.changed.get(action_id)
        return key_text(keys[0]) if keys else default_key(action_id)

    def entries(self, place: Place, *, searching: bool = False) -> list[tuple[str, str, str]]:
        """The footer of a place: key, words and action of each entry; help comes last."""
        shown = [each for each in actions_at(place) if each.footer or (searching and each.searching)]
        return [(key_text(self.keys(each)[0]), each.title, each.name) for each in (*shown, find_action("help"))]

    def for_framework(self) -> dict[str, str]:
        return {action_id: ",".join(keys) for action_id, keys in self.changed.items()}


NO_CHANGES = KeyMap()


def read_keys(changes: Mapping[str, str]) -> KeyMap:
    """Reads the `keys` of the settings. A change that cannot hold leaves the action its own keys."""
    if not changes:
        return NO_CHANGES
    wanted: dict[str, tuple[str, ...]] = {}
    problems: list[str] = []
    for action_id, text in changes.items():
        names = {each: key_name(each) for each in ([","] if text.strip() == "," else text.split(","))}
        problem = _problem(action_id, names)
        if problem:
            problems.append(f"keys in config.toml: {problem}")
        else:
            wanted[action_id] = tuple(dict.fromkeys(name for name in names.values() if name is not None))
    while (clash := _first_clash(wanted)) is not None:
        # A change that falls away gives its action the old keys back, which may clash in turn.
        loser, winner, key = clash
        del wanted[loser.id]
        problems.append(
            f"keys in config.toml: “{key_text(key)}” for “{loser.id}” is the key of “{winner.id}” already; "
            f"{key_text(loser.keys[0])} stays."
        )
    return KeyMap(wanted, tuple(problems))


def _problem(action_id: str, names: Mapping[str, str | None]) -> str:
    """Why an action cannot have these keys, by how they are written; empty if it can, but for a clash."""
    shown = inert(action_id, 40)
    action = next((each for each in ACTIONS if each.id == action_id), None)
    if action is None:
        return f"unknown action “{shown}”; F1 lists the action ids."
    if not action.bound:
        return f"the key of “{shown}” belongs to the field and cannot be changed."
    for written, name in names.items():
        if name is None:
            return f"“{inert(written, 40)}” for “{shown}” is not a key; use a, f5 or ctrl+k."
    typed = next((name for name in names.values() if name is not None and types_text(name)), None)
    if action.place in _TEXT_PLACES and typed is not None:
        return f"“{key_text(typed)}” for “{shown}” is text in the fields there; use an F key."
    return ""


def _first_clash(changed: Mapping[str, tuple[str, ...]]) -> tuple[Action, Action, str] | None:
    """A changed action, the one that has its key already, and the key.

    Later lines of the file lose against earlier ones, and all of them against keys that nobody changed.
    """
    for places in _TOGETHER:
        taken = {key: each for each in actions_at(*places) if each.id not in changed for key in each.keys}
        for action in map(find_action, changed):
            for key in changed[action.id] if action.place in places else ():
                other = taken.setdefault(key, action)
                if other is not action:
                    return action, other, key
    return None
