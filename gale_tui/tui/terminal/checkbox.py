"""A check box that every terminal can draw; how the framework draws its own has a private name."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox


class FormCheckbox(Checkbox):
    """A check box of one line: ``[x]`` or ``[ ]``."""

    @property
    def _button(self) -> Content:
        return Content.assemble(("[x]" if self.value else "[ ]", self.get_visual_style("toggle--button")))
