"""`gale-tui unpack` and `gale-tui pack` of a large tool, against `python -m json.tool` over its members."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.figures import Figure, at_most, median, size
from tests.benchmarks.plan import Plan
from tests.support.saved_exports import documents, write_zip

LIMIT = 5.0
TIMES = 3
WANTED = 5 << 20
"""Bytes of JSON."""


def run(plan: Plan) -> list[Figure]:
    """Processor time of both commands together, prompts on few lines and on many."""
    with tempfile.TemporaryDirectory(prefix="gale-bench-") as name:
        return [_measured(Path(name) / str(lines), lines) for lines in (4, 40)]


def large_tool(lines: int) -> dict[str, bytes]:
    """The sample tool with as many nodes as give 5 MiB; each has a prompt of so many lines."""
    tool = documents()
    flow = tool["flow_definition.json"]
    prompt = "\n".join(
        ["Answer the customer in one friendly sentence, never guess, and hand over when unsure."] * lines
    )
    step = flow["nodes"][1]
    flow["nodes"] = []
    count = 0
    while count < WANTED:
        number = len(flow["nodes"]) + 1
        node = {
            **step,
            "id": f"n{number}",
            "name": f"Step {number}",
            "config": {**step["config"], "prompt": f"{number}. {prompt}"},
            "next": {"default": f"n{number + 1}"},
        }
        flow["nodes"].append(node)
        count += len(json.dumps(node, indent=2))
    flow["nodes"][-1]["next"] = {}
    return {file: json.dumps(value, indent=2).encode() for file, value in tool.items()}


def _measured(folder: Path, lines: int) -> Figure:
    folder.mkdir()
    members = large_tool(lines)
    archive = write_zip(folder / "tool.zip", members)
    for file, content in members.items():
        (folder / file).write_bytes(content)
    ours, theirs = [], []
    for number in range(TIMES):
        tree = folder / f"tree-{number}"
        spent = _processor_time([sys.executable, "-m", "gale_tui", "unpack", archive, tree])
        spent += _processor_time([sys.executable, "-m", "gale_tui", "pack", tree, folder / f"{number}.zip"])
        ours.append(spent)
        theirs.append(sum(_processor_time([sys.executable, "-m", "json.tool", folder / file]) for file in members))
    mine, reference = median(ours), median(theirs)
    nodes = json.loads(members["flow_definition.json"])["nodes"]
    whole = size(sum(map(len, members.values())))
    return at_most(
        f"unpack + pack, {whole} in {len(nodes):,} nodes with prompts of {lines} lines (processor time)",
        f"{mine:.2f} s",
        mine / reference,
        LIMIT,
        f"json.tool {reference:.2f} s",
        f"at most {LIMIT:.0f}",
    )


def _processor_time(command: list[str | Path]) -> float:
    """Seconds that a command spent, in user and system mode."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
