"""The sample tools' flows, guardrails and variables, from which the zips are made; their texts are in `flows.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Node:
    kind: str
    """start, genAI, condition, api, function, docSearch, human, delay, loop, imageToText, textToSpeech or end."""
    name: str
    text: str = ""
    """A prompt, a condition, a URL, a script: what this kind of step runs on."""
    model: str = ""
    temperature: float = 0.2
    timeout: int = 60
    """Seconds."""
    goes_to: Mapping[str, int] | None = None
    """Number of the next step for each result; the following step where it is not given."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A tool as an export has it."""

    name: str
    description: str
    variables: Mapping[str, str]
    guardrails: tuple[str, ...]
    nodes: tuple[Node, ...]
    version: str = "1.4.0"
    """Of the tool; it need not change with every edit."""


REVISION: Final = "Answer in at most three sentences."
"""Text that each later version of a tool adds to its first prompt."""


def _read_flows() -> dict[str, Flow]:
    document = json.loads(Path(__file__).with_name("flows.json").read_text("utf-8"))
    return {
        key: Flow(
            flow["name"],
            flow["description"],
            flow["variables"],
            tuple(flow["guardrails"]),
            tuple(Node(**node) for node in flow["nodes"]),
        )
        for key, flow in document.items()
    }


_FLOWS: Final = _read_flows()
BANKING: Final = _FLOWS["banking"]
LEAVE: Final = _FLOWS["leave"]
CLAIMS: Final = _FLOWS["claims"]
ORDERS: Final = _FLOWS["orders"]
POLICIES: Final = _FLOWS["policies"]
INVOICES: Final = _FLOWS["invoices"]
SUPPORT: Final = _FLOWS["support"]

_TODAY: Final = "Today is {{context.system.date}}."
LEAVE_EDITED: Final = replace(
    LEAVE,
    nodes=tuple(
        replace(node, text=node.text.replace(_TODAY, f"{_TODAY} A day without a year is the next one to come."))
        for node in LEAVE.nodes
    ),
)
"""Somebody has edited a prompt of the Leave Bot, and nothing else."""
LEAVE_RELEASED: Final = replace(
    LEAVE_EDITED,
    version="1.5.0",
    description="Takes requests for leave in everyday words, checks them against the rules of the country and files "
    "them for approval.",
)
"""The edited Leave Bot has become a version of its own."""
