"""Tools to offer in the export form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gale_tui.core.models import Job

__all__ = ["ToolChoice", "tool_choices"]

MOST = 50


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """A tool that the export form offers."""

    tool_id: str
    flow_id: str
    title: str
    note: str = ""


def tool_choices(offered: Iterable[ToolChoice], jobs: Iterable[Job], environment_id: str) -> list[ToolChoice]:
    """Those that are offered anyway, then those of an environment's jobs, newest first, each tool and flow once."""
    choices = {(choice.tool_id, choice.flow_id): choice for choice in offered}
    for job in sorted(jobs, key=lambda job: job.created_at, reverse=True):
        if job.environment_id != environment_id or not job.tool_id or not job.flow_id:
            continue
        choice = ToolChoice(job.tool_id, job.flow_id, job.title, f"last {job.status}")
        choices.setdefault((job.tool_id, job.flow_id), choice)
        if len(choices) >= MOST:
            break
    return list(choices.values())
