"""The tools that the sandbox offers when nobody scripts it: the story that the demo tells."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from gale_tui.sandbox import flows
from gale_tui.sandbox.flows import Flow
from gale_tui.sandbox.script import Fault, File, Link, Script


@dataclass(frozen=True, slots=True)
class Kind:
    """The kinds of exports, as in the vendor's pages of the API family."""

    paths: tuple[str, ...]
    """Spellings of its place in a call's path; all of them are answered unless a script says otherwise."""
    id_prefix: str
    subject: str
    job_type: str
    job_id_prefix: str
    takes_flow: bool = True


KINDS: Final = {
    "tool": Kind(("tools",), "a-", "toolId", "TOOLS", "agent-ej-"),
    "workflow": Kind(("workflow", "workflows"), "a-", "workflowId", "WORKFLOWS", "workflow-ej-"),
    "model": Kind(("models",), "cm-", "modelId", "MODELS", "model-ej-", takes_flow=False),
}


_LIMITED: Final = Fault(
    status=429,
    message="Rate limit for this API has been reached. Please try again later",
    headers=(("Retry-After", "4"),),
)


@dataclass(frozen=True, slots=True)
class SampleTool:
    """A tool that a sandbox starts with; its ids are made by the sandbox."""

    what: str
    flow: Flow
    script: Script = field(default_factory=Script)
    later: tuple[Flow, ...] = ()
    """The flows of its second export, its third and so on; further exports have the last one."""


DEMO: Final[tuple[SampleTool, ...]] = (
    SampleTool(
        "succeeds within seconds, with a percentage",
        flows.BANKING,
        Script(duration=5.0, percentages=True, url_in="both"),
    ),
    SampleTool(
        "slow, no percentage; edited after its first export",
        flows.LEAVE,
        Script(duration=18.0, url_in="both"),
        later=(flows.LEAVE_EDITED, flows.LEAVE_RELEASED),
    ),
    SampleTool(
        "fails with a reason",
        flows.CLAIMS,
        Script(
            duration=4.0,
            percentages=True,
            outcome="FAILED",
            reason='Node "Summarise claim" (n4) has no model assigned',
        ),
    ),
    SampleTool(
        "is rate-limited at first, waits and recovers",
        flows.ORDERS,
        Script(
            duration=8.0,
            percentages=True,
            url_in="both",
            on_export=(_LIMITED,),
            on_status=(Fault(), replace(_LIMITED, headers=(("Retry-After", "3"),), times=2)),
        ),
    ),
    SampleTool(
        "has a large file that takes some seconds to download",
        flows.POLICIES,
        Script(duration=4.0, percentages=True, url_in="both", file=File(size=24 << 20, pace=float(4 << 20))),
    ),
    SampleTool(
        "succeeds, but its link works only some seconds later",
        flows.INVOICES,
        Script(duration=4.0, url_in="status", link=Link(ready_after=5.0)),
    ),
    SampleTool(
        "has a bad connection: polls fail, a download is cut",
        flows.SUPPORT,
        Script(
            duration=10.0,
            percentages=True,
            url_in="both",
            on_status=(Fault(), Fault(status=503), Fault(cut="answer")),
            on_download=(Fault(cut=3 << 20),),
            file=File(size=8 << 20, pace=float(4 << 20)),
        ),
    ),
)
"""One tool for each case that is worth seeing."""
