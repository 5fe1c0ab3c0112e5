"""The two themes: every text can be read on its ground."""

from __future__ import annotations

import pytest
from rich.color import ColorSystem
from rich.style import Style
from textual.color import Color
from textual.theme import Theme
from textual.widget import Widget

from gale_tui.tui.formatting.pieces import Tone
from gale_tui.tui.terminal.pens import Pen, pens_for
from gale_tui.tui.theme import DARK, LIGHT, gale_themes
from gale_tui.tui.widgets.header import HeaderBar
from gale_tui.tui.widgets.tables.job_table import JobTable
from gale_tui.tui.widgets.toned import contrast
from tests.tui.jobs_for_tests import WidgetApp

AA = 4.5
THEMES = pytest.mark.parametrize(
    "theme",
    [theme for colors in ("truecolor", "256") for theme in gale_themes(colors)],
    ids=["dark", "light", "dark 256", "light 256"],
)
GROUNDS = ("background", "surface", "panel")


def test_contrast_is_wcag_s() -> None:
    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)
    assert contrast(Color(119, 119, 119), Color(255, 255, 255)) == pytest.approx(4.48, abs=0.01)
    assert contrast(Color(9, 9, 9), Color(9, 9, 9)) == 1


@THEMES
@pytest.mark.parametrize(
    "name",
    [
        "foreground",
        "primary",
        "secondary",
        "accent",
        "success",
        "warning",
        "error",
        "text-primary",
        "text-success",
        "text-warning",
        "text-error",
        "text-accent",
        "gale-muted",
        "gale-done",
    ],
)
def test_text_can_be_read_on_every_ground(theme: Theme, name: str) -> None:
    colors = theme.to_color_system().generate() | theme.variables
    for ground in GROUNDS:
        assert contrast(Color.parse(colors[name]), Color.parse(colors[ground])) >= AA, ground


@THEMES
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("block-cursor-foreground", "block-cursor-background"),
        ("block-cursor-blurred-foreground", "block-cursor-blurred-background"),
        ("footer-foreground", "footer-background"),
        ("footer-key-foreground", "footer-background"),
        ("input-selection-foreground", "input-selection-background"),
        ("input-cursor-foreground", "input-cursor-background"),
        ("gale-danger-foreground", "gale-danger-background"),
        ("gale-badge-foreground", "gale-badge-background"),
        ("gale-notice-foreground", "gale-notice-background"),
        ("button-color-foreground", "primary"),
        ("button-color-foreground", "success"),
        ("button-color-foreground", "warning"),
        ("button-color-foreground", "error"),
    ],
)
def test_pairs_can_be_read(theme: Theme, text: str, ground: str) -> None:
    colors = theme.to_color_system().generate() | theme.variables

    assert contrast(Color.parse(colors[text]), Color.parse(colors[ground])) >= AA


@pytest.mark.parametrize("theme", gale_themes("truecolor"), ids=lambda theme: theme.name)
def test_the_background_is_neither_black_nor_white_and_borders_are_seen(theme: Theme) -> None:
    colors = {name: Color.parse(value) for name, value in theme.to_color_system().generate().items() if "#" in value}

    assert colors["background"].rgb not in ((0, 0, 0), (255, 255, 255))
    assert contrast(colors["border"], colors["background"]) >= 3
    assert contrast(colors["border-blurred"], colors["background"]) >= 1.5


def ratio(style: Style) -> float:
    assert style.color is not None
    assert style.bgcolor is not None
    return contrast(Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor))


@pytest.mark.parametrize("theme_name", [DARK, LIGHT])
async def test_every_tone_can_be_read_on_every_ground_of_the_widgets(theme_name: str) -> None:
    table, header = JobTable(), HeaderBar()
    app = WidgetApp(header, table, theme_name=theme_name)
    async with app.run_test(size=(80, 12)):
        for tone in (each for each in Tone if "badge" not in each):
            for ground in ("row", "header", "cursor", "blurred"):
                assert ratio(table.style_of(tone, ground)) >= AA, (tone, ground)
            assert ratio(header.style_of(tone)) >= AA, tone
        for tone in (Tone.BADGE, Tone.DANGER_BADGE, Tone.NOTICE_BADGE):
            assert ratio(header.style_of(tone)) >= AA, tone


class FewColors(WidgetApp):
    """The widgets in the colours of a terminal that has few."""

    def __init__(self, *widgets: Widget, theme_name: str, colors: str) -> None:
        super().__init__(*widgets, theme_name=theme_name)
        for each in gale_themes(colors):
            self.register_theme(each)
        self.theme = "textual-dark"
        self.theme = theme_name


RED = {"standard": {"41", "101"}, "256": {"124", "160"}}


@pytest.mark.parametrize("colors", ["standard", "256"])
@pytest.mark.parametrize("theme_name", [DARK, LIGHT])
async def test_with_few_colours_what_matters_is_told_apart(theme_name: str, colors: str) -> None:
    system = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT}[colors]
    table, header = JobTable(), HeaderBar()
    app = FewColors(header, table, theme_name=theme_name, colors=colors)
    async with app.run_test(size=(80, 12)):

        def pen(tone: Tone, ground: str = "row") -> Pen:
            return pens_for(table.style_of(tone, ground), system)[0]

        for ground in ("row", "cursor"):
            kinds = [pen(tone, ground).fore for tone in (Tone.FAILURE, Tone.WARNING, Tone.SUCCESS, Tone.MUTED)]
            assert len(set(kinds)) == len(kinds), ground
            for tone in (each for each in Tone if "badge" not in each):
                assert pen(tone, ground).fore != pen(tone, ground).back
        badges = [pens_for(header.style_of(tone), system)[0].back for tone in BADGES]
        assert len(set(badges)) == len(badges)
        assert badges[0][-1] in RED[colors]
        assert all(ratio_of(header.style_of(tone), system) >= 4 for tone in BADGES)


BADGES = (Tone.DANGER_BADGE, Tone.BADGE, Tone.NOTICE_BADGE)


def ratio_of(style: Style, system: ColorSystem) -> float:
    """The contrast of a style in the colours that the terminal shows."""
    assert style.color is not None
    assert style.bgcolor is not None
    text, ground = (Color(*each.downgrade(system).get_truecolor()) for each in (style.color, style.bgcolor))
    return contrast(text, ground)
