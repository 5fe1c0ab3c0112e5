"""How long the exports of each tool usually take, learned from those that succeeded."""

from __future__ import annotations

import statistics
from typing import Final

from gale_tui.core.models import Job, JobState

_REMEMBERED: Final = 5
"""Exports of a tool that count; the latest ones."""


class Durations:
    """Seconds from the accepted export to its SUCCESS, by tool and flow of a host."""

    def __init__(self) -> None:
        self._ended: dict[tuple[str, str, str], dict[str, tuple[float, float]]] = {}

    def learn(self, job: Job) -> None:
        """Takes note of a job that has succeeded; ignores any other."""
        if job.state is not JobState.SUCCEEDED or job.started_at is None or job.ended_at is None:
            return
        known = self._ended.setdefault(_key(job), {})
        known[job.id] = (job.ended_at, max(0.0, job.ended_at - job.started_at))
        if len(known) > _REMEMBERED:
            del known[min(known, key=lambda each: known[each][0])]

    def usual(self, job: Job) -> float | None:
        """Seconds that exports of the job's tool usually take; None if none is known.

        The lower median: an end that was noticed late, after a restart say, does not count for more than it is.
        """
        known = self._ended.get(_key(job))
        return statistics.median_low([seconds for _, seconds in known.values()]) if known else None


def _key(job: Job) -> tuple[str, str, str]:
    return job.origin, job.tool_id, job.flow_id
