"""A screen that sends its terminal less for the same picture.

The framework repaints whole styled pieces of a line, resends everything left of what changed and resets all colours
between pieces. Over a slow line that is most of the bytes. The compositor here sends the changed cells alone and only
the colours that differ from the piece before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from rich.color import Color, ColorSystem
from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.geometry import Region
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.strip import Strip

from gale_tui.tui.formatting.glyphs import ASCII, terminal_encoding

__all__ = [
    "ATTRIBUTES",
    "UNUSUAL",
    "LeanChops",
    "LeanCompositor",
    "LeanLayout",
    "LeanModalScreen",
    "LeanScreen",
    "color_codes",
    "color_system",
    "paints_lean",
    "sgr_text",
]

_SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
    "windows": ColorSystem.WINDOWS,
}
ATTRIBUTES = (
    ("bold", "1", "22"),
    ("dim", "2", "22"),
    ("italic", "3", "23"),
    ("underline", "4", "24"),
    ("blink", "5", "25"),
    ("reverse", "7", "27"),
    ("strike", "9", "29"),
)
_Pen = tuple[tuple[str, ...], tuple[str, ...], frozenset[str]]
UNUSUAL = ("blink2", "conceal", "underline2", "frame", "encircle", "overline")


def color_system(console: Console) -> ColorSystem:
    """The colours that the terminal has."""
    return _SYSTEMS.get(console.color_system or "", ColorSystem.TRUECOLOR)


def color_codes(color: Color | None, system: ColorSystem, foreground: bool) -> tuple[str, ...]:
    """The terminal's codes for a colour; those of its own default for None."""
    if color is None:
        return ("39",) if foreground else ("49",)
    return tuple(color.downgrade(system).get_ansi_codes(foreground))


def sgr_text(segments: Iterable[Segment], console: Console) -> str:
    """The segments as text with terminal sequences, each saying only what differs from the one before.

    Begins and ends with all attributes reset, as the framework's own rendering does.
    """
    system = color_system(console)
    parts: list[str] = []
    plain: _Pen = (("39",), ("49",), frozenset())
    fore, back, on = plain
    for text, style, control in segments:
        if control or not text:
            continue
        if style is None:
            style = Style.null()
        if style.link or any(getattr(style, name) for name in UNUSUAL):
            if (fore, back, on) != plain:
                parts.append("\x1b[0m")
                fore, back, on = plain
            parts.append(Strip.render_style(style, text, system))
            continue
        new_fore = color_codes(style.color, system, True)
        new_back = color_codes(style.bgcolor, system, False)
        new_on = frozenset(name for name, _, _ in ATTRIBUTES if getattr(style, name))
        codes: list[str] = []
        if new_on != on:
            # Bold and dim share the code that ends them.
            ending = {off for name, _, off in ATTRIBUTES if name in on and name not in new_on}
            codes += sorted(ending)
            codes += [start for name, start, off in ATTRIBUTES if name in new_on and (name not in on or off in ending)]
        if new_fore != fore:
            codes += new_fore
        if new_back != back:
            codes += new_back
        if codes:
            at_rest = (new_fore, new_back, new_on) == plain
            parts.append("\x1b[0m" if at_rest else f"\x1b[{';'.join(codes)}m")
        fore, back, on = new_fore, new_back, new_on
        parts.append(text)
    if (fore, back, on) != plain:
        parts.append("\x1b[0m")
    return "".join(parts)


class LeanChops(ChopsUpdate):
    """A partial update that resends changed cells only."""

    def render_segments(self, console: Console) -> str:
        parts: list[str] = []
        for y, x1, x2 in self.spans:
            pieces: list[Segment] = []
            cursor = -1
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= x2 or end <= x1:
                    continue
                left, right = max(x, x1), min(end, x2)
                if left != cursor:
                    parts.append(sgr_text(pieces, console))
                    pieces = []
                    parts.append(Control.move_to(left, y).segment.text)
                pieces.extend(strip.crop(left - x, right - x))
                cursor = right
            parts.append(sgr_text(pieces, console))
        return "".join(parts)


class LeanLayout(LayoutUpdate):
    """A full update, line by line."""

    def render_segments(self, console: Console) -> str:
        parts: list[str] = []
        for y, line in enumerate(self.strips, self.region.y):
            parts.append(Control.move_to(self.region.x, y).segment.text)
            parts.append(sgr_text((segment for strip in line for segment in strip), console))
        return "".join(parts)


class LeanCompositor(Compositor):
    """The framework's compositor, with updates that say the same in fewer bytes, and in ASCII where that is wanted."""

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        chops = super()._render_chops(crop, is_rendered_line)
        if self.root is None or getattr(self.root.app, "glyphs", None) is not ASCII:
            return chops
        from gale_tui.tui.terminal.ascii_fallback import plain_strip

        encoding = terminal_encoding()
        return [{x: strip and plain_strip(strip, encoding) for x, strip in line.items()} for line in chops]

    def render_partial_update(self) -> ChopsUpdate | None:
        """An update of the dirty cells, or None where there are none."""
        update = super().render_partial_update()
        return update and LeanChops(update.chops, update.spans, update.chop_ends)

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """An update of the whole screen."""
        update = super().render_full_update(simplify)
        return LeanLayout(update.strips, update.region)


class LeanScreen(Screen[ScreenResultType]):
    """A screen that paints through the lean compositor."""

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name, id, classes)
        self._compositor = LeanCompositor()


class LeanModalScreen(ModalScreen[ScreenResultType]):
    """A modal screen that paints through the lean compositor."""

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name, id, classes)
        self._compositor = LeanCompositor()


def paints_lean(screen: Screen[object]) -> bool:
    """True where several small regions in one line cost less than one that spans them."""
    return isinstance(screen._compositor, LeanCompositor)
