"""The base of widgets that draw tones: the colour of a tone on a ground, taken from the theme."""

from __future__ import annotations

from typing import Any

from rich.style import Style
from textual.color import Color
from textual.widget import Widget

from gale_tui.tui.formatting.pieces import Tone

_TO_BE_SEEN = (Tone.RUNNING, Tone.WARNING, Tone.ERROR, Tone.FAILURE, Tone.DANGER)

_COLORS = {
    Tone.MUTED: "gale-muted",
    Tone.RUNNING: "text-primary",
    Tone.SUCCESS: "text-success",
    Tone.DONE: "gale-done",
    Tone.WARNING: "text-warning",
    Tone.ERROR: "text-error",
    Tone.FAILURE: "text-error",
    Tone.DANGER: "text-error",
}
"""Variables of the theme. Other tones have the colour of text."""

LEAST_CONTRAST = 4.5
"""WCAG 2, level AA. A tone below it on its ground is mixed with the ground's own text colour until it is not."""


class TonedWidget(Widget):
    """A widget with text in tones. Their styles are worked out once a theme.

    Grounds are `row`, `header`, `cursor` and `blurred` (a cursor without the focus).
    """

    def __init__(self, *children: Widget, **options: Any) -> None:
        super().__init__(*children, **options)
        self._tone_styles: dict[tuple[str, str], Style] = {}

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._tone_styles.clear()

    def style_of(self, tone: Tone = Tone.TEXT, ground: str = "row") -> Style:
        key = (tone, ground)
        style = self._tone_styles.get(key)
        if style is None:
            badge = "badge" in tone
            style = self._tone_styles[key] = self._badge_style(tone) if badge else self._work_out(tone, ground)
        return style

    def _variable(self, name: str) -> Color:
        return Color.parse(self.app.theme_variables[name])

    def _work_out(self, tone: Tone, ground: str) -> Style:
        own = back = self.background_colors[1]
        text = self._variable("foreground")
        bold = tone in (Tone.FAILURE, Tone.DANGER, Tone.TITLE)
        match ground:
            case "cursor":
                back, text = self._variable("block-cursor-background"), self._variable("block-cursor-foreground")
                bold = True
            case "blurred":
                back = self._variable("block-cursor-blurred-background")
                text = self._variable("block-cursor-blurred-foreground")
            case "header":
                back = self._variable("panel")
        fore = self._variable(_COLORS[tone]) if tone in _COLORS else text
        no_color = self.app.no_color
        if no_color and tone in _TO_BE_SEEN:
            # Brightness alone leads the eye: to running and failed jobs, not to finished ones.
            fore = text
        text = self._readable(back, text, _black_or_white(back))
        fore = self._readable(back, fore, text)
        # Without colours, the cursor's background may not be seen.
        if no_color and ground == "cursor":
            back, fore = own, text
        return Style(
            color=fore.rich_color,
            bgcolor=back.rich_color,
            bold=bold or None,
            reverse=(no_color and ground == "cursor") or None,
            underline=(no_color and ground == "blurred") or None,
        )

    def _badge_style(self, tone: Tone) -> Style:
        """A badge has its own background; its edges are half blocks of the widget's background on it."""
        kind = "danger" if "danger" in tone else "notice" if "notice" in tone else "badge"
        back = self._variable(f"gale-{kind}-background")
        if "edge" in tone:
            return Style(color=self.background_colors[1].rich_color, bgcolor=back.rich_color)
        return Style(color=self._variable(f"gale-{kind}-foreground").rich_color, bgcolor=back.rich_color, bold=True)

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
