"""What the engine tells the app, as messages in the past tense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from gale_tui.core.models import EnvironmentCondition, Job, JobChange

__all__ = ["ConditionChanged", "EnvironmentsChanged", "HistoryLoaded", "JobChanged"]


@dataclass
class JobChanged(Message):
    """A job was added, changed or forgotten; it is already written."""

    change: JobChange


@dataclass
class HistoryLoaded(Message):
    """Older jobs were read from the history after the start."""

    jobs: Sequence[Job]


@dataclass
class ConditionChanged(Message):
    """Polling of an environment began to stand differently."""

    condition: EnvironmentCondition


@dataclass
class EnvironmentsChanged(Message):
    """Environments, their keys or the choice among them changed."""
