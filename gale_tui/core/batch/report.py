"""The account of a batch: what became of each of its tools, and in a sentence of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gale_tui.core.batch.outcomes import GOOD, Outcome
from gale_tui.core.batch.tools import BadLine, BatchTool
from gale_tui.core.errors import GaleError
from gale_tui.core.models import Job


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """One tool of a batch, and what became of it so far."""

    tool: BatchTool
    outcome: Outcome | None = None
    """None while it is not yet known."""
    job: Job | None = None
    """None where there is no row: not started yet, or never."""
    unchanged: bool | None = None
    """True where its saved file holds the same as the one saved before; None where nothing can be compared."""
    why: str = ""
    """Why it was not started or is waited for no longer, a sentence."""
    error: GaleError | None = None
    """What kept it from being started."""


@dataclass(frozen=True, slots=True)
class BatchAccount:
    """Where a batch stands; at its end, the exact account."""

    name: str
    """Of the set, or of the batch; may be empty."""
    entries: tuple[BatchEntry, ...]
    bad: tuple[BadLine, ...] = ()
    """Lines that named no tool."""
    stopped: str = ""
    """Why no more are started, a sentence; empty where all were."""

    def count(self, outcome: Outcome) -> int:
        return sum(1 for entry in self.entries if entry.outcome is outcome)

    @property
    def unchanged(self) -> int:
        """How many saved files hold the same as the ones before."""
        return sum(1 for entry in self.entries if entry.unchanged)

    @property
    def sentence(self) -> str:
        """The whole account in a line: `37 saved (35 unchanged) · 1 failed · 2 lines wrong`."""
        counts = Counter(entry.outcome for entry in self.entries)
        parts = [_saved(counts[Outcome.SAVED], self.unchanged)]
        waiting = sum(1 for entry in self.entries if entry.outcome is None and entry.job is None)
        if running := counts[None] - waiting:
            parts.append(f"{running} running")
        counts[Outcome.NOT_STARTED] += waiting
        parts += [f"{counts[each]} {each}" for each in Outcome if each is not Outcome.SAVED and counts[each]]
        if self.bad:
            parts.append(f"{len(self.bad)} line{'s' if len(self.bad) != 1 else ''} invalid")
        return " · ".join(parts)

    @property
    def progress(self) -> str:
        """One line while it runs: `17 of 40 · 12 saved · 1 failed`."""
        counts = Counter(entry.outcome for entry in self.entries)
        parts = [f"{len(self.entries) - counts[None]} of {len(self.entries)}"]
        if counts[Outcome.SAVED]:
            parts.append(_saved(counts[Outcome.SAVED], self.unchanged))
        parts += [f"{counts[each]} {each}" for each in Outcome if each is not Outcome.SAVED and counts[each]]
        return " · ".join(parts)

    @property
    def not_good(self) -> Iterable[BatchEntry]:
        """What is known not to have been saved, in the order of the list."""
        return (entry for entry in self.entries if entry.outcome is not None and entry.outcome not in GOOD)


def _saved(saved: int, unchanged: int) -> str:
    return f"{saved} saved ({unchanged} unchanged)" if unchanged else f"{saved} saved"
