"""The characters that the screen is drawn with, and which of them a terminal can draw."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a terminal can draw. Each is one cell wide."""

    running: str = "●"
    success: str = "✓"
    warning: str = "!"
    error: str = "✗"
    unconfirmed: str = "?"
    waiting: str = "…"
    requesting: str = "◌"
    lost: str = "~"
    mark: str = "◆"
    down: str = "↓"
    bar_full: str = "█"
    bar_empty: str = "░"
    ellipsis: str = "…"
    ascending: str = "▲"
    descending: str = "▼"
    dot: str = "·"
    badge_left: str = "▌"
    badge_right: str = "▐"


UNICODE = Glyphs()
ASCII = Glyphs(
    running="*",
    success="+",
    error="x",
    waiting=".",
    requesting="o",
    mark=">",
    down="v",
    bar_full="#",
    bar_empty="-",
    ellipsis="~",
    ascending="^",
    descending="v",
    dot="-",
    badge_left="[",
    badge_right="]",
)


def glyphs_of(app: object) -> Glyphs:
    """The characters that an app draws with."""
    glyphs: Glyphs = getattr(app, "glyphs", UNICODE)
    return glyphs


def terminal_encoding() -> str:
    """The encoding of the terminal, by the locale."""
    chosen = os.environ.get("PYTHONUTF8") == "1" or "utf8" in sys._xoptions
    if sys.flags.utf8_mode and not chosen:
        # In the locale C Python takes everything for UTF-8; a terminal does not.
        return "ascii"
    return getattr(sys.__stdout__, "encoding", None) or "utf-8"


def choose_glyphs(
    setting: Literal["auto", "unicode", "ascii"] = "auto",
    *,
    encoding: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Glyphs:
    """The glyphs for this terminal.

    Args:
        setting: What the user asks for; `auto` looks at the terminal.
        encoding: Of the terminal; None for that of standard output.
        environ: Environment variables; None for the process's own. The Linux console has no glyphs beyond a few.
    """
    if setting == "auto":
        known = encoding if encoding is not None else terminal_encoding()
        term = (os.environ if environ is None else environ).get("TERM", "")
        setting = "unicode" if known.lower().replace("-", "").startswith("utf") and term != "linux" else "ascii"
    return UNICODE if setting == "unicode" else ASCII
