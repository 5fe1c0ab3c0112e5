"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Counts and sizes of a run."""

    starts: int
    """Starts of each program, beyond one to warm up."""
    idle: float
    """Seconds of doing nothing."""
    watched: float
    """Seconds of watching jobs run."""
    keys: int
    """Key presses in each situation."""
    sizes: tuple[int, ...]
    """Bytes of the files to download."""
    repeats: int
    """Runs of which the median counts."""
    histories: tuple[int, ...]
    """Jobs."""
    polled: int
    """Jobs that are polled at once."""
    polls: int
    """Status calls to measure."""


FULL = Plan(
    starts=9,
    idle=30.0,
    watched=20.0,
    keys=240,
    sizes=(1 << 20, 64 << 20, 1 << 30),
    repeats=5,
    histories=(100, 1_000, 10_000),
    polled=500,
    polls=4_000,
)
QUICK = Plan(
    starts=2,
    idle=3.0,
    watched=8.0,
    keys=24,
    sizes=(1 << 20, 16 << 20),
    repeats=2,
    histories=(100, 1_000),
    polled=60,
    polls=300,
)
