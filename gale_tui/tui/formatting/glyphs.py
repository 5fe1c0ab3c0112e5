"""The characters that the screen is drawn with, and whether a terminal can draw them. Each is one cell wide."""

from __future__ import annotations

import os
import sys
from typing import Literal

RUNNING = "●"
SUCCESS = "✓"
WARNING = "!"
ERROR = "✗"
UNCONFIRMED = "?"
WAITING = "…"
REQUESTING = "◌"
LOST = "~"
MARK = "◆"
DOWN = "↓"
BAR_FULL = "█"
BAR_EMPTY = "░"
ELLIPSIS = "…"
ASCENDING = "▲"
DESCENDING = "▼"
DOT = "·"
BADGE_LEFT = "▌"
BADGE_RIGHT = "▐"


def terminal_encoding() -> str:
    """The encoding of the terminal, by the locale."""
    chosen = os.environ.get("PYTHONUTF8") == "1" or "utf8" in sys._xoptions
    if sys.flags.utf8_mode and not chosen:
        # In the locale C Python takes everything for UTF-8; a terminal does not.
        return "ascii"
    return getattr(sys.__stdout__, "encoding", None) or "utf-8"


def needs_ascii(setting: Literal["auto", "unicode", "ascii"]) -> bool:
    """Returns True if this terminal gets ASCII only: the Linux console has few other glyphs."""
    if setting != "auto":
        return setting == "ascii"
    return not terminal_encoding().lower().startswith("utf") or os.environ.get("TERM") == "linux"
