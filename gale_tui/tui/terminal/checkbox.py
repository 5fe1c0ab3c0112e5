"""A check box that every terminal can draw; how the framework draws its own has a private name."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox


class FormCheckbox(Checkbox):
    """A check box of one line: ``[x]`` or ``[ ]``."""

    DEFAULT_CSS = """
    FormCheckbox {
        border: none; padding: 0; background: transparent; height: 1; width: auto;
        & > .toggle--button { color: $foreground; background: transparent; }
        &.-on > .toggle--button { color: $text-accent; background: transparent; text-style: bold; }
        &:focus { border: none; background-tint: $foreground 0%; }
    }
    """

    @property
    def _button(self) -> Content:
        return Content.assemble(("[x]" if self.value else "[ ]", self.get_visual_style("toggle--button")))
