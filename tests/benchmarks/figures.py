"""What a benchmark found, and how it is shown: measured, reference of the same run, ratio, reach."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["Figure", "at_least", "at_most", "machine", "median", "percentile", "size", "table"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    what: str
    measured: str
    reference: str = ""
    """What it is compared with, measured in the same run."""
    ratio: str = ""
    reach: str = ""
    """What it shall be; empty where nothing was fixed."""
    met: bool | None = None

    def line(self) -> str:
        """As a line for a terminal."""
        parts = [f"{self.what}: {self.measured}"]
        if self.reference:
            parts.append(f"against {self.reference}")
        if self.ratio:
            parts.append(f"ratio {self.ratio}")
        if self.reach:
            parts.append(f"reach {self.reach}: {'met' if self.met else 'MISSED'}")
        return " · ".join(parts)


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def at_most(what: str, measured: str, ratio: float, limit: float, reference: str, reach: str) -> Figure:
    """A figure whose ratio to a reference may not exceed a limit."""
    return Figure(what, measured, reference, f"{ratio:.2f}", reach, ratio <= limit)


def at_least(what: str, measured: str, ratio: float, limit: float, reference: str, reach: str) -> Figure:
    """A figure whose ratio to a reference shall reach a limit."""
    return Figure(what, measured, reference, f"{ratio:.2f}", reach, ratio >= limit)


def size(count: int) -> str:
    """Bytes in the binary unit that fits, such as `64 MiB`."""
    value, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if value == round(value) else f"{value:.1f} {unit}"


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table."""
    rows = [("what", "measured", "reference, same run", "ratio", "reach")]
    for each in figures:
        verdict = "" if each.met is None else (" ✓" if each.met else " ✗")
        rows.append((each.what, each.measured, each.reference, each.ratio, f"{each.reach}{verdict}"))
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "|---|---|---|---|---|")
    return "\n".join(lines)


def machine() -> str:
    """Date, processors, memory, Python and how busy the machine is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = f" ({line.partition(':')[2].strip()})"
            break
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors{model}, {memory:.0f} GiB memory, "
        f"{platform.system()}, Python {platform.python_version()}, load before {load:.1f}"
    )
