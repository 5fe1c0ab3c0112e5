"""The tools that the sandbox offers when nobody scripts it: the story that the demo tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gale_tui.sandbox import flows
from gale_tui.sandbox.faults import cut, proper, rate_limited, server_error
from gale_tui.sandbox.flows import Flow
from gale_tui.sandbox.script import File, Link, Script

__all__ = ["DEMO", "Catalogue", "OfferedTool", "SampleTool"]


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool that can be exported, for the form of the demo."""

    tool_id: str
    flow_id: str
    name: str
    what: str
    """What happens when it is exported, in a few words."""


@dataclass(frozen=True, slots=True)
class SampleTool:
    """A tool of a catalogue; its ids are made by the sandbox."""

    what: str
    flow: Flow
    script: Script = field(default_factory=Script)
    later: tuple[Flow, ...] = ()
    """What its second export has, its third and so on; the last of them stays."""

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.flow.name


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The tools that a sandbox starts with, in the order in which they are offered."""

    tools: tuple[SampleTool, ...] = ()


DEMO: Final = Catalogue(
    (
        SampleTool(
            "succeeds within seconds, with a percentage",
            flows.BANKING,
            Script(duration=5.0, percentages=True),
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
                on_export=(rate_limited(4),),
                on_status=(proper(), rate_limited(3, times=2)),
            ),
        ),
        SampleTool(
            "has a large file that takes some seconds to download",
            flows.POLICIES,
            Script(duration=4.0, percentages=True, file=File(size=24 << 20, pace=float(4 << 20))),
        ),
        SampleTool(
            "succeeds, but its link works only some seconds later",
            flows.INVOICES,
            Script(duration=4.0, url_in="status", link=Link(ready_after=5.0)),
        ),
        SampleTool(
            "has a bad line: polls fail, a download is cut",
            flows.SUPPORT,
            Script(
                duration=10.0,
                percentages=True,
                on_status=(proper(), server_error(503), cut("answer")),
                on_download=(cut(3 << 20),),
                file=File(size=8 << 20, pace=float(4 << 20)),
            ),
        ),
    )
)
"""One tool for each thing that a person should have seen."""
