"""Colours and attributes of a cell, and the terminal's codes for changing from one to another."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from rich.color import Color, ColorSystem
from rich.style import Style


class Pen(NamedTuple):
    """How a cell is drawn, in the terminal's codes."""

    fore: tuple[str, ...] | None
    """None: any, as of a blank."""
    back: tuple[str, ...]
    attributes: frozenset[str]


PLAIN = Pen(("39",), ("49",), frozenset())

_ATTRIBUTES = (
    ("bold", "1", "22"),
    ("dim", "2", "22"),
    ("italic", "3", "23"),
    ("underline", "4", "24"),
    ("blink", "5", "25"),
    ("reverse", "7", "27"),
    ("strike", "9", "29"),
)
"""The attributes of a cell; rarer ones and links are left out."""
_SEEN_ON_BLANKS = frozenset({"underline", "reverse", "strike", "blink"})
_DEFAULT = Color.default()
_STANDOUT = 60
"""Difference in brightness, of 255, from which a ground without colours is drawn in reverse."""


def pens_for(style: Style | None, system: ColorSystem | None, ground: Color | None = None) -> tuple[Pen, Pen]:
    """The pen for characters and the one for blanks.

    Args:
        system: The colours that the terminal has; None for none at all.
        ground: The screen's background. Without colours, what stands out from it is drawn in reverse.
    """
    style = style or Style.null()
    attributes = {name for name, _, _ in _ATTRIBUTES if getattr(style, name)}
    if system is None:
        if _stands_out(style.bgcolor, ground):
            attributes ^= {"reverse"}
        pen = Pen(PLAIN.fore, PLAIN.back, frozenset(attributes))
    else:
        fore = (style.color or _DEFAULT).downgrade(system).get_ansi_codes(foreground=True)
        back = (style.bgcolor or _DEFAULT).downgrade(system).get_ansi_codes(foreground=False)
        pen = Pen(tuple(fore), tuple(back), frozenset(attributes))
    return pen, pen if pen.attributes & _SEEN_ON_BLANKS else Pen(None, pen.back, frozenset())


def _stands_out(color: Color | None, ground: Color | None) -> bool:
    if color is None or ground is None:
        return False
    return abs(_brightness(color) - _brightness(ground)) >= _STANDOUT


def _brightness(color: Color) -> float:
    red, green, blue = color.get_truecolor()
    return 0.3 * red + 0.59 * green + 0.11 * blue


@lru_cache(maxsize=1024)
def change_pen(old: Pen, new: Pen) -> tuple[str, Pen]:
    """The codes that change one pen into the other, and the pen afterwards."""
    fore, back, on = new
    if fore is None:
        # A blank: attributes that it does not show stay as they are.
        fore, on = old.fore, old.attributes - _SEEN_ON_BLANKS
    if (fore, back, on) == PLAIN:
        return ("" if old == PLAIN else "\x1b[0m"), PLAIN
    # Bold and dim share the code that ends them.
    ending = {off for name, _, off in _ATTRIBUTES if name in old.attributes and name not in on}
    codes = sorted(ending)
    codes += [start for name, start, off in _ATTRIBUTES if name in on and (name not in old.attributes or off in ending)]
    if fore != old.fore:
        codes += fore or ()
    if back != old.back:
        codes += back
    return (f"\x1b[{';'.join(codes)}m" if codes else ""), Pen(fore, back, on)
