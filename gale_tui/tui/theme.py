"""The colours: a dark and a light theme, calm and of high contrast, and what the app's own widgets need beyond them."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.theme import Theme

__all__ = ["DARK", "GALE_DARK", "GALE_LIGHT", "LIGHT", "register"]

DARK = "gale-dark"
LIGHT = "gale-light"

GALE_DARK = Theme(
    name=DARK,
    dark=True,
    primary="#5cb3ee",
    secondary="#9fb2c8",
    accent="#4fd1c0",
    success="#63cf8e",
    warning="#efc04f",
    error="#ff7f78",
    foreground="#dbe4ee",
    background="#10171f",
    surface="#151e28",
    panel="#1c2733",
    boost="#223040",
    variables={
        "text-primary": "#8cccf7",
        "text-success": "#7ddba3",
        "text-warning": "#f3cd70",
        "text-error": "#ff9d97",
        "text-accent": "#77dfd1",
        "block-cursor-background": "#23486a",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#1d2c3b",
        "block-cursor-blurred-foreground": "#dbe4ee",
        "block-hover-background": "#1f2d3c",
        "border": "#5cb3ee",
        "border-blurred": "#33475b",
        "scrollbar": "#3a5066",
        "scrollbar-hover": "#4f6b87",
        "scrollbar-active": "#5cb3ee",
        "scrollbar-background": "#151e28",
        "footer-background": "#1c2733",
        "footer-foreground": "#b9c6d4",
        "footer-description-foreground": "#b9c6d4",
        "footer-key-foreground": "#5cb3ee",
        "input-selection-background": "#2f6a9c",
        "input-selection-foreground": "#ffffff",
        "input-cursor-background": "#dbe4ee",
        "input-cursor-foreground": "#10171f",
        "button-color-foreground": "#0b1118",
        "gale-muted": "#94a6b9",
        "gale-done": "#63a884",
        "gale-danger-background": "#c7362f",
        "gale-danger-foreground": "#ffffff",
        "gale-badge-background": "#2b5f8a",
        "gale-badge-foreground": "#ffffff",
        "gale-notice-background": "#efc04f",
        "gale-notice-foreground": "#1b1503",
    },
)

GALE_LIGHT = Theme(
    name=LIGHT,
    dark=False,
    primary="#0f62a8",
    secondary="#4c6075",
    accent="#00706a",
    success="#17713f",
    warning="#815000",
    error="#b3261e",
    foreground="#1a2531",
    background="#f7f9fb",
    surface="#ffffff",
    panel="#e8eef4",
    boost="#dde6ee",
    variables={
        "text-primary": "#0c568f",
        "text-success": "#146637",
        "text-warning": "#744800",
        "text-error": "#a3211a",
        "text-accent": "#00645f",
        "block-cursor-background": "#cde4f7",
        "block-cursor-foreground": "#0b1a29",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#e4ebf2",
        "block-cursor-blurred-foreground": "#1a2531",
        "block-hover-background": "#e8eff6",
        "border": "#0f62a8",
        "border-blurred": "#b4c2d0",
        "scrollbar": "#b3c2d1",
        "scrollbar-hover": "#91a6bb",
        "scrollbar-active": "#0f62a8",
        "scrollbar-background": "#eef2f6",
        "footer-background": "#e8eef4",
        "footer-foreground": "#33465a",
        "footer-description-foreground": "#33465a",
        "footer-key-foreground": "#0f62a8",
        "input-selection-background": "#a9d0f2",
        "input-selection-foreground": "#0b1a29",
        "input-cursor-background": "#1a2531",
        "input-cursor-foreground": "#ffffff",
        "button-color-foreground": "#ffffff",
        "gale-muted": "#526375",
        "gale-done": "#3b7556",
        "gale-danger-background": "#b3261e",
        "gale-danger-foreground": "#ffffff",
        "gale-badge-background": "#0f62a8",
        "gale-badge-foreground": "#ffffff",
        "gale-notice-background": "#ffd873",
        "gale-notice-foreground": "#2b1f00",
    },
)


def register(app: App[Any]) -> None:
    """Makes both themes known to the app; choosing one is its own affair (`app.theme = DARK`)."""
    app.register_theme(GALE_DARK)
    app.register_theme(GALE_LIGHT)
