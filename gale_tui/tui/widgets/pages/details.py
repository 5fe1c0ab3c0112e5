"""The pane with everything known of one job: beside the table, below it, or on its own screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.worker import WorkType

from gale_tui.core.errors import GaleError
from gale_tui.core.models import Job, JobEvent
from gale_tui.tui.formatting.job_text import JobFacts
from gale_tui.tui.formatting.pieces import Line, Piece, Tone
from gale_tui.tui.widgets.pages.detail_lines import full_lines, summary_lines
from gale_tui.tui.widgets.pages.text_page import TextPage

if TYPE_CHECKING:
    from gale_tui.core.jobs.engine import GaleEngine

SUMMARY_HEIGHT = 8
"""Lines below which the pane shows a summary instead of all."""


class DetailsPane(TextPage):
    """One job's ids, timeline, file and last answer."""

    def __init__(self, engine: GaleEngine, facts_of: Callable[[Job, float], JobFacts], *, id: str) -> None:
        super().__init__(id=id)
        self._engine = engine
        self._facts_of = facts_of
        self.job_id: str | None = None
        self._events: Sequence[JobEvent] | None = None
        """None until they are read."""

    def on_mount(self) -> None:
        self.set_interval(0.5, self._tick)

    def follow(self, job_id: str | None) -> None:
        """Shows a job as soon as its timeline is read, or that there is none. To be called when it changes, too."""
        if job_id != self.job_id:
            self.job_id, self._events = job_id, None
        # No coroutine: one that the next job comes before would never be awaited.
        read: WorkType[None] = partial(self._read, job_id)
        self.run_worker(read, exclusive=True)

    async def _read(self, job_id: str | None) -> None:
        other = self._events is None
        try:
            self._events = await self._engine.registry.store.events(job_id) if job_id else ()
        except GaleError:
            # The history cannot be read, or is closed already: the details stay as they are.
            return
        self.draw(keep_place=not other)

    def _tick(self) -> None:
        job = self._engine.jobs.get(self.job_id or "")
        changing = job is not None and (not job.state.final or job.id in self._engine.downloads.running())
        if changing and self.display and self.screen.is_current:
            self.draw()

    def draw(self, *, keep_place: bool = True) -> None:
        """Redraws the parts that the clock and a download change."""
        job = self._engine.jobs.get(self.job_id or "")
        if self._events is not None and (job is not None or self.job_id is None):
            self.show(partial(self._job_lines, job, self._events), keep_place=keep_place)

    def on_resize(self) -> None:
        self._lay_out()

    def _job_lines(self, job: Job | None, events: Sequence[JobEvent], width: int) -> list[Line]:
        if job is None:
            return [(Piece("No job selected", Tone.MUTED),)]
        engine, height = self._engine, self.scrollable_content_region.height
        facts = self._facts_of(job, engine.clock.time())
        if height < SUMMARY_HEIGHT:
            return summary_lines(facts, events, width, height)
        return full_lines(facts, events, width)
