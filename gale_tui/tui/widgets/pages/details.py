"""The pane with everything known of one job: beside the table, below it, or on a screen of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gale_tui.core.models import DownloadProgress, Job, JobEvent
from gale_tui.tui.actions import default_key
from gale_tui.tui.formatting.pieces import Line, Piece, Tone
from gale_tui.tui.widgets.pages.detail_lines import full_lines, summary_lines
from gale_tui.tui.widgets.pages.selectable_lines import SelectableLines

SUMMARY_HEIGHT = 8
"""Lines below which the pane shows a summary instead of all."""


class DetailsPane(SelectableLines):
    """One job's ids, timeline, file and last answer."""

    def __init__(
        self,
        *,
        id: str | None = None,
        key_of: Callable[[str], str] = default_key,
        usual_of: Callable[[Job], float | None] = lambda job: None,
    ) -> None:
        """Makes the pane.

        Args:
            usual_of: Gives the seconds that exports of a job's tool usually take.
        """
        super().__init__(id=id)
        self._key_of = key_of
        self._usual_of = usual_of
        self._job: Job | None = None
        self._events: Sequence[JobEvent] = ()
        self._progress: DownloadProgress | None = None
        self._now = 0.0

    def show(
        self,
        job: Job | None,
        events: Sequence[JobEvent] = (),
        progress: DownloadProgress | None = None,
        *,
        now: float = 0.0,
    ) -> None:
        """Shows a job, or that there is none.

        Args:
            events: Its timeline, oldest first.
            now: Seconds since the epoch.
        """
        other = (job.id if job else None) != (self._job.id if self._job else None)
        self._job, self._events, self._progress, self._now = job, events, progress, now
        if other and self.scroll_offset.y:
            self.scroll_to(y=0, animate=False)
        self._lay_out()

    def tick(self, now: float) -> None:
        """Takes the time (seconds since the epoch) and repaints what it changes of a job that goes on."""
        if self._job is not None and not self._job.state.final:
            self._now = now
            self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def _new_lines(self, width: int, height: int) -> list[Line]:
        if self._job is None:
            return [(Piece("No job selected", Tone.MUTED),)]
        known = (self._job, self._events, self._progress, self.glyphs)
        usual = self._usual_of(self._job)
        if height < SUMMARY_HEIGHT:
            return summary_lines(*known, now=self._now, width=width, height=height, key=self._key_of, usual=usual)
        return full_lines(*known, now=self._now, width=width, key=self._key_of, usual=usual)

    def _lay_out(self) -> None:
        width, height = self.scrollable_content_region.size
        if not width or not height:
            return
        before, self._lines = self._lines, self._new_lines(max(1, width - 1), height)
        self.set_line_count(len(self._lines))
        if self._lines != before:
            self.refresh()
