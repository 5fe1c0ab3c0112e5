"""What was on the screen after each piece that a program wrote: found afterwards, so that it disturbs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyte

from tests.benchmarks.watched import Chunk

__all__ = ["Frame", "frames", "highlighted", "lines"]

APART = 0.008
"""Seconds between two pieces that belong to different updates of the screen."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One update of the screen."""

    at: float
    """When its last byte came."""
    bytes: int


def frames(chunks: Sequence[Chunk], screen: pyte.Screen) -> Iterator[Frame]:
    """Draws the pieces on the screen, update by update; look at the screen between two of them."""
    stream = pyte.ByteStream(screen)
    count = 0
    for chunk, following in zip(chunks, [*chunks[1:], None], strict=True):
        stream.feed(chunk.data)
        count += len(chunk.data)
        if following is None or following.at - chunk.at > APART:
            yield Frame(chunk.at, count)
            count = 0


def lines(screen: pyte.Screen) -> list[str]:
    """The text on the screen."""
    return [line.rstrip() for line in screen.display]


def highlighted(screen: pyte.Screen, first: int, column: int = 4) -> int | None:
    """The row of a table that stands out by its background; None where there is none, or more than one.

    Args:
        screen: At least five lines of it below the table's first row.
        first: The line of the table's first row.
        column: Where to look.
    """
    backs = [screen.buffer[y][column].bg for y in range(first, screen.lines - 3)]
    usual = max(set(backs), key=backs.count)
    odd = [row for row, back in enumerate(backs) if back != usual]
    return odd[0] if len(odd) == 1 else None
