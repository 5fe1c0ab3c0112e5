"""Changes that screens follow, as messages."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from gale_tui.core.models import JobChange


@dataclass
class JobChanged(Message):
    """A job was added, changed or forgotten; it is already written."""

    change: JobChange


class HistoryLoaded(Message):
    """Older jobs were read from the history after the start."""


class EnvironmentsChanged(Message):
    """Environments, their keys, their connection or the choice among them changed."""
