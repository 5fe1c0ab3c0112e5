"""Widths, times, sizes and speeds as short text. Widths are in cells of the terminal, times in seconds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from rich.cells import cell_len, set_cell_size

from gale_tui.tui.formatting.glyphs import ELLIPSIS

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not strftime's: those follow the locale and differ in width."""


# Widths


def clip(text: str, width: int) -> str:
    """The text, cut to at most `width` cells; an ellipsis marks the cut."""
    if len(text) <= width and text.isascii():
        return text
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def fit(text: str, width: int, align: Literal["left", "right"] = "left") -> str:
    text = clip(text, width)
    pad = " " * (width - (len(text) if text.isascii() else cell_len(text)))
    return text + pad if align == "left" else pad + text


# Times and quantities


def count_text(number: int, noun: str) -> str:
    """A number of things: `1 job`, `3 jobs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def date_text(at: float, now: float, width: int = 8) -> str:
    """A moment in at most `width` cells (5 or more): the time of today, else the day, from 12 cells on both."""
    then, today = time.localtime(at), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M:%S" if width >= 8 else "%H:%M", then)
    if then.tm_year != today.tm_year and width < 12:
        return f"{MONTHS[then.tm_mon - 1]} {then.tm_year}" if width >= 8 else str(then.tm_year)
    if width < 6:
        return f"{then.tm_mon:02}-{then.tm_mday:02}"
    day = f"{then.tm_mday:2} {MONTHS[then.tm_mon - 1]}"
    if width < 12:
        return day
    if then.tm_year != today.tm_year:
        return f"{day} {then.tm_year}"
    return f"{day} {then.tm_hour:02}:{then.tm_min:02}"


def elapsed_text(seconds: float) -> str:
    """A duration in at most 7 cells: `0:12`, `1:02:03`, `4d 05h`."""
    whole = max(0, int(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    if hours >= 100:
        days, hour = divmod(hours, 24)
        return f"{days}d {hour:02}h" if days < 1000 else f"{days}d"
    if hours:
        return f"{hours}:{minute:02}:{second:02}" if hours < 10 else f"{hours}h {minute:02}m"
    return f"{minute}:{second:02}"


def size_text(count: int) -> str:
    """A number of bytes in at most 6 cells, in powers of 1,000: `1.2 MB`."""
    if count < 1000:
        return f"{max(0, count)} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 9.95:
            return f"{value:.1f} {unit}"
        if value < 999.5:
            return f"{value:.0f} {unit}"
    return f"{value:.0f} {unit}"


def speed_text(bytes_per_second: float) -> str:
    """A speed: `3.1 MB/s`."""
    return f"{size_text(int(max(0.0, bytes_per_second)))}/s"


def percentage_text(percentage: float) -> str:
    """Whole per cent, rounded down so that 100 means done: `42 %`."""
    return f"{int(min(100.0, max(0.0, percentage)))} %"


# Places


def path_text(path: Path) -> str:
    """A path as people write it: `~` is the home folder."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        # Elsewhere, or there is no home.
        return str(path)
