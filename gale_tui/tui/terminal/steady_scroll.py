"""A scroll view whose content may grow and shrink without the whole screen being laid out and painted again."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView

from gale_tui.tui.terminal.framework import private_problem

THUMB_STEPS = 8
"""Steps in which a scrollbar's thumb is drawn, per cell."""


class SteadyScroll(ScrollView, can_focus=True):
    """A number of lines, drawn by `render_line`; code that changes them requests the repaints."""

    def set_line_count(self, count: int) -> None:
        """Sets the number of lines."""
        size = Size(0, count)
        if size == self.virtual_size:
            return
        if private_problem():
            self.virtual_size = size
            return
        # Set as usual, the size would have the framework lay out the screen and paint all of this widget.
        self.set_reactive(SteadyScroll.virtual_size, size)
        if not self.container_size:
            return
        self._refresh_scrollbars()
        if self.show_vertical_scrollbar:
            bar, height = self.vertical_scrollbar, self.container_size.height
            if bar.window_size != height or abs(count - bar.window_virtual_size) * height * THUMB_STEPS >= count:
                bar.window_virtual_size, bar.window_size = count, height
        self.scroll_y = self.scroll_target_y = self.validate_scroll_y(self.scroll_y)
