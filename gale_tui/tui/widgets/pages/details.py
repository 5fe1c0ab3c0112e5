"""The pane with everything known of one job: beside the table, below it, or on a screen of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual.strip import Strip

from gale_tui.core.models import DownloadProgress, Job, JobEvent
from gale_tui.tui.actions import default_key
from gale_tui.tui.formatting.glyphs import Glyphs, choose_glyphs
from gale_tui.tui.formatting.pieces import Piece, Tone
from gale_tui.tui.formatting.styles import ToneStyles
from gale_tui.tui.widgets.pages.detail_lines import Line, full_lines, summary_lines
from gale_tui.tui.widgets.pages.selectable_lines import SelectableLines

__all__ = ["DetailsPane"]

SUMMARY_HEIGHT = 8
"""Lines below which the pane shows the gist instead of all."""


class DetailsPane(SelectableLines):
    """One job's ids, timeline, file and last answer."""

    DEFAULT_CSS = """
    DetailsPane {
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.glyphs = glyphs or choose_glyphs()
        self.empty_text = "No job selected"
        self.key_of: Callable[[str], str] = default_key
        self.usual_of: Callable[[Job], float | None] = lambda job: None
        self._job: Job | None = None
        self._events: tuple[JobEvent, ...] = ()
        self._progress: DownloadProgress | None = None
        self._now: float | None = None
        self._lines: list[Line] = []
        self._tone_styles = ToneStyles(self)

    def show(
        self,
        job: Job | None,
        events: Sequence[JobEvent] = (),
        progress: DownloadProgress | None = None,
        *,
        now: float | None = None,
    ) -> None:
        """Shows a job, or that there is none.

        Args:
            job: The job.
            events: Its timeline, oldest first.
            progress: The last reading of its running download.
            now: Seconds since the epoch; None for the machine's clock.
        """
        other = (job.id if job else None) != (self._job.id if self._job else None)
        self._job, self._events, self._progress, self._now = job, tuple(events), progress, now
        if other and self.scroll_offset.y:
            self.scroll_to(y=0, animate=False)
        self._lay_out()

    def tick(self, now: float) -> None:
        """Takes the time (seconds since the epoch) and repaints what it changes of a job that goes on."""
        if self._job is not None and self._now is not None and not self._job.state.final:
            self._now = now
            self._lay_out()

    def on_resize(self) -> None:
        """Wraps anew."""
        self._lay_out()

    def notify_style_update(self) -> None:
        """Takes on another theme."""
        super().notify_style_update()
        self._tone_styles.clear()

    def _new_lines(self, width: int, height: int) -> list[Line]:
        now = time.time() if self._now is None else self._now
        if self._job is None:
            return [(Piece(self.empty_text, Tone.MUTED),)]
        if height < SUMMARY_HEIGHT:
            return summary_lines(
                self._job,
                self._events,
                self._progress,
                self.glyphs,
                now=now,
                width=width,
                height=height,
                key=self.key_of,
                usual=self.usual_of(self._job),
            )
        return full_lines(
            self._job,
            self._events,
            self._progress,
            self.glyphs,
            now=now,
            width=width,
            key=self.key_of,
            usual=self.usual_of(self._job),
        )

    def _lay_out(self) -> None:
        width, height = self.scrollable_content_region.size
        if not width or not height:
            return
        before, self._lines = self._lines, self._new_lines(max(1, width - 1), height)
        self.set_line_count(len(self._lines))
        if self._lines != before:
            self.refresh()

    @property
    def text(self) -> str:
        """All of the lines."""
        return "\n".join("".join(piece.text for piece in line) for line in self._lines)

    def render_line(self, y: int) -> Strip:
        """A line of the pane."""
        width = self.content_region.width
        y += self.scroll_offset.y
        base = self._tone_styles.style(Tone.TEXT)
        if y >= len(self._lines):
            return Strip.blank(width, base)
        strip = Strip(
            [Segment(piece.text, self._tone_styles.style(piece.tone)) for piece in self._lines[y] if piece.text]
        )
        return self.finish(strip, y, width, base)
