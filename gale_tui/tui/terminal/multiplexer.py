"""Differences inside tmux and GNU screen, which stand between the program and the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Multiplexer = Literal["", "tmux", "screen"]

CHUNK = 240
"""Bytes of a sequence that GNU screen passes on in one piece; older ones have room for 256."""


def find_multiplexer(environ: Mapping[str, str]) -> Multiplexer:
    """Which of the two the program runs in; of both, the inner one as far as the variables say."""
    if environ.get("STY") and (not environ.get("TMUX") or environ.get("TERM", "").startswith("screen.")):
        return "screen"
    return "tmux" if environ.get("TMUX") else ""


def wrap_sequence(sequence: str, multiplexer: Multiplexer) -> str:
    """A sequence for the terminal itself, packed so that it gets there.

    tmux acts on such a sequence itself where `set-clipboard` is on, and hands the packed one on where
    `allow-passthrough` is; so it is given both. GNU screen hands on packed ones only, and short ones.

    Args:
        sequence: An operating system command that ends in BEL: a packed one cannot end in ESC \\.
    """
    if multiplexer == "tmux":
        packed = sequence.replace("\x1b", "\x1b\x1b")
        return f"{sequence}\x1bPtmux;{packed}\x1b\\"
    if multiplexer == "screen":
        return "".join(f"\x1bP{sequence[at : at + CHUNK]}\x1b\\" for at in range(0, len(sequence), CHUNK))
    return sequence
