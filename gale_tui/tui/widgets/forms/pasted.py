"""The environment of a pasted request, and the sentences about the paste."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import origin_of
from gale_tui.core.kinds import Kind
from gale_tui.core.models import Environment, Origin
from gale_tui.core.paste.capture import LEFT_OUT, Captured
from gale_tui.core.secret import Secret
from gale_tui.core.untrusted_text import inert


@dataclass(frozen=True, slots=True)
class EnvironmentOffer:
    """The environment of a pasted request, to be added or given its key."""

    origin: Origin
    environment: Environment | None
    """The one with that origin; None if there is none."""
    key: Secret | None
    """The key in the paste. It is for this origin alone."""

    def names(self) -> Iterator[str]:
        """Names that a new environment may have, the best first."""
        host = self.origin.host
        first = host if re.fullmatch(r"[\d.]+|.*:.*", host) else host.partition(".")[0]
        name = "local" if self.origin.loopback else re.sub(r"-?agent-platform$", "", first) or first
        yield name
        yield from (f"{name}-{number}" for number in range(2, 100))


def origin_in(host: str | None) -> Origin | None:
    """The origin of a captured request; None if it is unknown."""
    try:
        return origin_of(host or "")
    except ConfigError:
        return None


def no_export_note(captured: Captured) -> str:
    """A sentence about a request that exports nothing; empty if it is no request."""
    if captured.had_key and not captured.ignored:
        return "This is an API key: it belongs to the environment, and was left out here."
    return " ".join(captured.ignored)


def filled_note(source: str, kind: Kind, has_flow: bool, replaced: Sequence[str]) -> str:
    """The ids taken, and those they replaced."""
    word = kind.word.capitalize()
    taken = f"{word} ID and Flow ID" if has_flow else f"the {word} ID"
    before = f" in place of {' and '.join(inert(each, 60) for each in replaced)}" if replaced else ""
    end = "; it names no flowId." if kind.needs_flow and not has_flow else "."
    return f"Taken from {inert(source, 60)}: {taken}{before}{end}"


def paste_notes(captured: Captured, offer: EnvironmentOffer | None, key: str) -> list[str]:
    """The notes of a paste; where its key can be kept in an environment that is known, how."""
    notes = list(captured.ignored)
    if offer is not None and offer.key is not None and offer.environment is not None:
        if LEFT_OUT in notes:
            notes.remove(LEFT_OUT)
        name = inert(offer.environment.name, 60)
        notes.append(f"Cookies, tokens and keys in it were left out; {key} keeps its API key for {name}.")
    return notes
