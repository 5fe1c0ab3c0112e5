"""Writes the table of tests/faults/README.md from a run: `python -m tests.faults.write_table`.

With parts of names it brings those faults about alone, prints all that was seen, and writes nothing.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from tests.faults.catalogue import CATALOGUE
from tests.faults.world import Injected, Outcome, bring_about

__all__ = ["TABLE", "names_in_table"]

TABLE = Path(__file__).with_name("README.md")
BEGIN = "<!-- table: written by python -m tests.faults.write_table -->\n"
END = "<!-- end of table -->\n"
LONGEST = 220
"""Characters of a line that are shown in the table."""


def run(fault: Injected) -> Outcome:
    """Brings a fault about in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="gale-fault-") as folder:
        return asyncio.run(bring_about(fault, Path(folder) / "gale"))


def names_in_table(text: str) -> list[str]:
    """The names of the faults in the table, in its order."""
    return re.findall(r"^\| (\w+: [^|]+?) \|", text, re.MULTILINE)


def verbatim(text: str) -> str:
    """Text as code in a cell of a table."""
    text = text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()}…"
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|")


def told(fault: Injected, outcome: Outcome) -> list[str]:
    """The lines that matter: those that have the words that are looked for, and the last one."""
    lines = [line for line in outcome.seen if any(words in line for words in fault.sees)]
    if outcome.seen[-1] not in lines:
        lines.append(outcome.seen[-1])
    return lines


def line_of(fault: Injected, outcome: Outcome) -> str:
    """A line of the table."""
    seen = "<br>".join(verbatim(line) for line in told(fault, outcome))
    disk = "<br>".join(verbatim(line) for line in outcome.disk)
    how = fault.how.replace("|", "\\|")
    return f"| {fault.name} | {how} | {seen} | {disk} | {outcome.posts} | `test_fault[{fault.name}]` |\n"


def failures(fault: Injected, outcome: Outcome) -> list[str]:
    """What is not as the catalogue has it."""
    wrong = [f"not seen: {words}" for words in fault.sees if not any(words in line for line in outcome.seen)]
    if outcome.disk != fault.disk:
        wrong.append(f"on disk: {outcome.disk} instead of {fault.disk}")
    if outcome.posts != fault.posts:
        wrong.append(f"{outcome.posts} POSTs instead of {fault.posts}")
    return wrong


def show(wanted: list[str]) -> int:
    """Prints what comes of some faults."""
    wrong = 0
    for fault in CATALOGUE:
        if not any(part in fault.name for part in wanted):
            continue
        outcome = run(fault)
        bad = failures(fault, outcome)
        wrong += len(bad)
        lines = [*outcome.seen, *(f"disk: {line}" for line in outcome.disk), f"POSTs: {outcome.posts}", *bad]
        sys.stdout.write("\n    ".join([fault.name, *lines]) + "\n")
    return min(wrong, 1)


def write() -> int:
    """Brings all faults about and writes the table."""
    lines = [
        "| fault | how | what the user sees | on the disk afterwards | POSTs | test |\n",
        "|---|---|---|---|---|---|\n",
    ]
    for fault in CATALOGUE:
        outcome = run(fault)
        bad = failures(fault, outcome)
        if bad:
            sys.stderr.write(f"{fault.name}: {'; '.join(bad)}\n")
            return 1
        lines.append(line_of(fault, outcome))
    before, _, rest = TABLE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    TABLE.write_text(f"{before}{BEGIN}\n{''.join(lines)}\n{END}{after}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(show(sys.argv[1:]) if sys.argv[1:] else write())
