"""What colour a tone has on a ground, taken from the theme."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rich.style import Style
from textual.color import Color, ColorParseError

from gale_tui.tui.formatting.pieces import Tone

if TYPE_CHECKING:
    from textual.widget import Widget

_TO_BE_SEEN = (Tone.RUNNING, Tone.WARNING, Tone.ERROR, Tone.FAILURE, Tone.DANGER)

_COLORS = {
    Tone.MUTED: ("gale-muted", "foreground-muted"),
    Tone.RUNNING: ("text-primary", "primary"),
    Tone.SUCCESS: ("text-success", "success"),
    Tone.DONE: ("gale-done", "success"),
    Tone.WARNING: ("text-warning", "warning"),
    Tone.ERROR: ("text-error", "error"),
    Tone.FAILURE: ("text-error", "error"),
    Tone.DANGER: ("text-error", "error"),
}
"""Variables of the theme, the first that it has counts. Other tones have the colour of text."""

LEAST_CONTRAST = 4.5
"""WCAG 2, level AA. A tone below it on its ground is mixed with the ground's own text colour until it is not."""


class ToneStyles:
    """Styles of a widget's text, worked out once a theme.

    Grounds are `row`, `header`, `cursor` and `blurred` (a cursor without the focus).
    """

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[tuple[str, str], Style] = {}

    def clear(self) -> None:
        self._styles.clear()

    def style(self, tone: Tone, ground: str = "row") -> Style:
        key = (tone, ground)
        style = self._styles.get(key)
        if style is None:
            badge = "badge" in tone
            style = self._styles[key] = self._badge(tone) if badge else self._work_out(tone, ground)
        return style

    def _variable(self, *names: str) -> Color | None:
        """The first of the theme's variables that is a colour; `auto` and the like are none."""
        variables = self._widget.app.theme_variables
        for name in names:
            with suppress(ColorParseError):
                return Color.parse(variables.get(name, ""))
        return None

    def _work_out(self, tone: Tone, ground: str) -> Style:
        own = self._widget.background_colors[1]
        back, text = own, self._variable("foreground")
        bold = tone in (Tone.FAILURE, Tone.DANGER, Tone.TITLE)
        match ground:
            case "cursor":
                back = self._over(own, self._variable("block-cursor-background", "primary"))
                text = self._variable("block-cursor-foreground") or text
                bold = True
            case "blurred":
                back = self._over(own, self._variable("block-cursor-blurred-background", "panel"))
                text = self._variable("block-cursor-blurred-foreground") or text
            case "header":
                back = self._over(own, self._variable("panel", "surface"))
        plain = back.ansi is None
        text = text or (_black_or_white(back) if plain else Color.parse("ansi_default"))
        fore = self._variable(*_COLORS.get(tone, ())) or text
        if self._widget.app.no_color and tone in _TO_BE_SEEN:
            # Brightness alone leads the eye: to what goes on and what went wrong, not to what is done.
            fore = text
        if plain and fore.ansi is None and text.ansi is None:
            text = self._readable(back, text, _black_or_white(back))
            fore = self._readable(back, back + fore, text)
        # Without colours, or with the terminal's own, the cursor's background may not be seen.
        stressed = self._widget.app.no_color or not plain
        if stressed and ground == "cursor":
            back, fore = own, text
        return Style(
            color=fore.rich_color,
            bgcolor=back.rich_color,
            bold=bold or None,
            reverse=(ground == "cursor" and stressed) or None,
            underline=(ground == "blurred" and stressed) or None,
        )

    def _badge(self, tone: Tone) -> Style:
        """A badge stands on a colour of its own; its edges are half blocks of the widget's background on it."""
        kind = "danger" if "danger" in tone else "notice" if "notice" in tone else "badge"
        fallback = {"danger": "error", "notice": "warning", "badge": "primary"}[kind]
        own = self._widget.background_colors[1]
        back = self._variable(f"gale-{kind}-background", fallback) or own
        text = self._variable(f"gale-{kind}-foreground")
        if text is None:
            text = _black_or_white(back) if back.ansi is None else Color.parse("ansi_black")
        if "edge" in tone:
            return Style(color=own.rich_color, bgcolor=back.rich_color)
        return Style(color=text.rich_color, bgcolor=back.rich_color, bold=True)

    @staticmethod
    def _over(under: Color, color: Color | None) -> Color:
        if color is None:
            return under
        return color if color.ansi is not None or under.ansi is not None else under + color

    @staticmethod
    def _readable(back: Color, fore: Color, text: Color) -> Color:
        for part in (0.0, 0.25, 0.5, 0.75):
            mixed = fore.blend(text, part, alpha=1.0)
            if contrast(back, mixed) >= LEAST_CONTRAST:
                return mixed
        return text


def _black_or_white(back: Color) -> Color:
    """Whichever of the two can be read better. Over 4.5 to 1 on any colour."""
    black, white = Color(0, 0, 0), Color(255, 255, 255)
    return black if contrast(back, black) > contrast(back, white) else white


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of two opaque colours as WCAG 2 defines it, 1 to 21."""

    def luminance(color: Color) -> float:
        parts = (value / 255 for value in color.rgb)
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
