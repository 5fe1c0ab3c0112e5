"""The colours: a dark and a light theme, calm and of high contrast, each for terminals of 16, 256 and all colours."""

from __future__ import annotations

import sys
from typing import Any, Final

from textual.app import App
from textual.theme import Theme

DARK: Final = "gale-dark"
LIGHT: Final = "gale-light"

# The colours of the smaller palettes are exactly those that the terminal has: what lies between is rounded to
# something else, dark greys to navy and a warm red to orange.
_COLORS: Final = {
    (DARK, "truecolor"): """
        foreground=#dbe4ee background=#10171f surface=#151e28 panel=#1c2733 boost=#223040
        primary=#5cb3ee secondary=#9fb2c8 accent=#4fd1c0 success=#63cf8e warning=#efc04f error=#ff7f78
        text-primary=#8cccf7 text-success=#7ddba3 text-warning=#f3cd70 text-error=#ff9d97 text-accent=#77dfd1
        cursor=#23486a cursor-text=#ffffff blurred=#1d2c3b hover=#1f2d3c selection=#2f6a9c selection-text=#ffffff
        border=#5cb3ee border-blurred=#33475b scrollbar=#3a5066 scrollbar-hover=#4f6b87 scrollbar-background=#151e28
        footer-text=#b9c6d4 button-text=#0b1118 input-cursor-text=#10171f muted=#94a6b9 done=#63a884
        danger=#c7362f danger-text=#ffffff badge=#2b5f8a badge-text=#ffffff notice=#efc04f notice-text=#1b1503""",
    (LIGHT, "truecolor"): """
        foreground=#1a2531 background=#f7f9fb surface=#ffffff panel=#e8eef4 boost=#dde6ee
        primary=#0f62a8 secondary=#4c6075 accent=#00706a success=#17713f warning=#815000 error=#b3261e
        text-primary=#0c568f text-success=#146637 text-warning=#744800 text-error=#a3211a text-accent=#00645f
        cursor=#cde4f7 cursor-text=#0b1a29 blurred=#e4ebf2 hover=#e8eff6 selection=#a9d0f2 selection-text=#0b1a29
        border=#0f62a8 border-blurred=#b4c2d0 scrollbar=#b3c2d1 scrollbar-hover=#91a6bb scrollbar-background=#eef2f6
        footer-text=#33465a button-text=#ffffff input-cursor-text=#ffffff muted=#526375 done=#3b7556
        danger=#b3261e danger-text=#ffffff badge=#0f62a8 badge-text=#ffffff notice=#ffd873 notice-text=#2b1f00""",
    (DARK, "256"): """
        foreground=#dadada background=#121212 surface=#1c1c1c panel=#262626 boost=#303030
        primary=#5fafff secondary=#949494 accent=#5fd7af success=#5fd787 warning=#ffd75f error=#ff8787
        text-primary=#87d7ff text-success=#87d787 text-warning=#ffd787 text-error=#ff8787 text-accent=#5fd7af
        cursor=#00005f cursor-text=#ffffff blurred=#303030 hover=#303030 selection=#005faf selection-text=#ffffff
        border=#5fafff border-blurred=#4e4e4e scrollbar=#4e4e4e scrollbar-hover=#6c6c6c scrollbar-background=#1c1c1c
        footer-text=#b2b2b2 button-text=#000000 input-cursor-text=#121212 muted=#949494 done=#5faf87
        danger=#af0000 danger-text=#ffffff badge=#005f87 badge-text=#ffffff notice=#ffd75f notice-text=#000000""",
    (LIGHT, "256"): """
        foreground=#262626 background=#ffffff surface=#ffffff panel=#e4e4e4 boost=#dadada
        primary=#005faf secondary=#585858 accent=#005f5f success=#005f00 warning=#875f00 error=#af0000
        text-primary=#005f87 text-success=#005f00 text-warning=#875f00 text-error=#af0000 text-accent=#005f5f
        cursor=#afd7ff cursor-text=#000000 blurred=#e4e4e4 hover=#e4e4e4 selection=#87d7ff selection-text=#000000
        border=#005faf border-blurred=#b2b2b2 scrollbar=#b2b2b2 scrollbar-hover=#949494 scrollbar-background=#e4e4e4
        footer-text=#444444 button-text=#ffffff input-cursor-text=#ffffff muted=#626262 done=#005f5f
        danger=#af0000 danger-text=#ffffff badge=#005faf badge-text=#ffffff notice=#ffd75f notice-text=#000000""",
    (DARK, "standard"): """
        foreground=#ffffff background=#000000 surface=#000000 panel=#000000 boost=#000000
        primary=#00aaaa secondary=#aaaaaa accent=#00aaaa success=#00aa00 warning=#aa5500 error=#aa0000
        text-primary=#55ffff text-success=#55ff55 text-warning=#ffff55 text-error=#ff5555 text-accent=#55ffff
        cursor=#0000aa cursor-text=#ffffff blurred=#aaaaaa blurred-text=#000000 hover=#0000aa
        selection=#00aaaa selection-text=#000000
        border=#00aaaa border-blurred=#555555 scrollbar=#00aaaa scrollbar-hover=#aaaaaa scrollbar-background=#000000
        footer-text=#aaaaaa button-text=#ffffff input-cursor=#aaaaaa input-cursor-text=#000000
        muted=#aaaaaa done=#00aa00
        danger=#aa0000 danger-text=#ffffff badge=#0000aa badge-text=#ffffff notice=#aa5500 notice-text=#000000""",
    (LIGHT, "standard"): """
        foreground=#000000 background=#ffffff surface=#ffffff panel=#ffffff boost=#ffffff
        primary=#0000aa secondary=#555555 accent=#0000aa success=#007700 warning=#aa00aa error=#aa0000
        text-primary=#0000aa text-success=#007700 text-warning=#aa00aa text-error=#aa0000 text-accent=#0000aa
        cursor=#ffff55 cursor-text=#000000 blurred=#aaaaaa hover=#aaaaaa selection=#00aaaa selection-text=#000000
        border=#0000aa border-blurred=#555555 scrollbar=#0000aa scrollbar-hover=#555555 scrollbar-background=#ffffff
        footer-text=#555555 button-text=#ffffff input-cursor-text=#ffffff muted=#555555 done=#007700
        danger=#aa0000 danger-text=#ffffff badge=#0000aa badge-text=#ffffff notice=#aa5500 notice-text=#000000""",
}
"""By theme and by what the terminal has, as rich names it."""


def gale_themes(color_system: str | None) -> tuple[Theme, Theme]:
    """The dark and the light theme for a terminal's colours, as rich names them."""
    return _theme(DARK, color_system), _theme(LIGHT, color_system)


def _theme(name: str, color_system: str | None) -> Theme:
    table = _COLORS.get((name, color_system or ""), _COLORS[name, "truecolor"])
    color = dict(pair.split("=") for pair in table.split())
    base = ("foreground", "background", "surface", "panel", "boost")
    kinds = ("primary", "secondary", "accent", "success", "warning", "error")
    return Theme(
        name=name,
        dark=name == DARK,
        **{each: color[each] for each in (*base, *kinds)},  # type: ignore[arg-type]  # colours, all of them
        variables={
            **{each: color[each] for each in color if each.startswith(("text-", "border", "scrollbar"))},
            "scrollbar-active": color["primary"],
            "block-cursor-background": color["cursor"],
            "block-cursor-foreground": color["cursor-text"],
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-background": color["blurred"],
            "block-cursor-blurred-foreground": color.get("blurred-text", color["foreground"]),
            "block-hover-background": color["hover"],
            "footer-background": color["panel"],
            "footer-foreground": color["footer-text"],
            "footer-description-foreground": color["footer-text"],
            "footer-key-foreground": color["primary"],
            "input-selection-background": color["selection"],
            "input-selection-foreground": color["selection-text"],
            "input-cursor-background": color.get("input-cursor", color["foreground"]),
            "input-cursor-foreground": color["input-cursor-text"],
            "button-color-foreground": color["button-text"],
            "gale-muted": color["muted"],
            "gale-done": color["done"],
            **{
                f"gale-{kind}-{part}": color[f"{kind}{ending}"]
                for kind in ("danger", "badge", "notice")
                for part, ending in (("background", ""), ("foreground", "-text"))
            },
        },
    )


def register(app: App[Any]) -> None:
    """Makes both themes known to the app, in the colours of its terminal."""
    # Where nothing is shown (a test, a picture) the variables of some terminal do not matter.
    shown = sys.stdout.isatty()
    for theme in gale_themes(app.console.color_system if shown else None):
        app.register_theme(theme)
