"""The home screen: every export job, live."""

from __future__ import annotations

import asyncio
from functools import partial

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input

from gale_tui.core.models import Job, JobChange
from gale_tui.tui.actions import Place
from gale_tui.tui.filters import JobTexts, parse_filter
from gale_tui.tui.formatting import glyphs
from gale_tui.tui.screens.job_actions import MarkedJobActions
from gale_tui.tui.widgets.header import HeaderBar
from gale_tui.tui.widgets.line_input import FilterInput
from gale_tui.tui.widgets.pages.details import DetailsPane
from gale_tui.tui.widgets.tables.columns import COLUMNS, TITLES
from gale_tui.tui.widgets.tables.job_table import JobTable

BESIDE_FROM = 140
"""Columns from which the details stand beside the table."""
BELOW_FROM = 100
"""Columns from which they stand below it."""


class JobsScreen(MarkedJobActions):
    """Table, details, header and keys."""

    CSS_PATH = "jobs.tcss"
    AUTO_FOCUS = "#jobs"
    PLACE = Place.JOBS

    def __init__(self) -> None:
        super().__init__()
        self._trouble = ""
        self._filter = ""
        self._title = ""
        self._texts = JobTexts()

    def compose(self) -> ComposeResult:
        # Before there is anything to be styled again.
        self._arrange()
        yield HeaderBar()
        with Container(id="body"):
            with Container(id="list"):
                yield JobTable(id="jobs", facts_of=self.facts)
                yield FilterInput(id="filter", placeholder='words; status:failed env:prod -word "two words"')
            details = DetailsPane(self.engine, self.facts, id="details")
            # All keys belong to the row that is seen selected.
            details.can_focus = False
            yield details
        yield self.key_bar()

    @property
    def details(self) -> DetailsPane:
        return self.query_one("#details", DetailsPane)

    def on_mount(self) -> None:
        self.table.tick(self.engine.clock.time())
        self.history_loaded()
        self.set_interval(1.0, self._tick)
        self.set_interval(0.5, self._read_progress)

    # Display

    def _arrange(self) -> None:
        width, height = self.app.size
        self.set_class(width >= BESIDE_FROM, "-beside")
        self.set_class(BELOW_FROM <= width < BESIDE_FROM and height >= 20, "-below")

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()
        self.show_details()

    def show_state(self) -> None:
        """Shows everything but the rows and the details."""
        engine = self.engine
        environment = engine.environments.current
        states = (("DEMO", engine.demo), ("READ-ONLY", engine.readonly), ("PAUSED", engine.scheduler.paused))
        badges = [word for word, holds in states if holds]
        if environment is not None:
            condition = engine.connection_status.of(environment.id).state
            if condition != "fine":
                badges.append(condition.upper())
        self.query_one(HeaderBar).show(environment, self.gale.key_text, self.gale.job_counts, badges)
        if engine.environments:
            end = ", then enter: the demo's GALE offers a tool to export." if engine.demo else " to start one."
            words = f"No exports yet\nPress {self.key('new_export')}{end}"
        else:
            words = f"No environment yet\nPress {self.key('environments')} to add the host and key of your GALE."
        self.table.empty_text = words
        self.show_title()

    def show_title(self) -> None:
        """Shows in the table's title how many jobs match and are marked, and a batch's progress."""
        table = self.table
        matches = f"{table.row_count():,} of {len(table.rows.jobs):,} match" if self._filter else ""
        marked = len(table.marked)
        hidden = marked - len(table.marked_jobs) if marked else 0
        marks = f"{marked:,} marked" + (f" ({hidden:,} hidden)" if hidden else "") if marked else ""
        title = " · ".join(word for word in ("Export jobs", matches, self.gale.batch.status_line, marks) if word)
        if title != self._title:
            self._title = title
            table.border_title = Content(title)

    @on(JobTable.Highlighted)
    def _highlighted(self) -> None:
        job = self.table.current
        self.engine.scheduler.watch(job.id if job else None)
        self.show_details()

    def show_details(self) -> None:
        if self.details.display:
            job = self.table.current
            self.details.follow(job.id if job else None)

    def _tick(self) -> None:
        trouble = self.engine.registry.store.trouble
        if trouble and trouble != self._trouble:
            self.gale.say(trouble, severity="warning", seconds=8)
        self._trouble = trouble
        if self.is_current:
            self.table.tick(self.engine.clock.time())

    def _read_progress(self) -> None:
        if self.is_current:
            self.table.repaint_jobs(self.engine.downloads.running())

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Shows changes that came while another screen was open."""
        if self.is_mounted and self.query("#jobs"):
            self.show_state()
            self.table.tick(self.engine.clock.time())
            self.call_after_refresh(self.gale.batch.offer_to_continue)

    # Changes in the engine

    def job_changed(self, change: JobChange) -> None:
        self.table.apply(change)
        self.show_state()
        if change.job.id == self.details.job_id:
            self.show_details()

    def history_loaded(self) -> None:
        self.table.set_jobs(self.engine.jobs.values())
        self.show_state()

    # Actions

    def action_new_export(self) -> None:
        self.gale.navigation.open_form()

    def action_refresh_all(self) -> None:
        self.gale.say(self.engine.jobs.refresh_all())

    def action_pause(self) -> None:
        scheduler = self.engine.scheduler
        scheduler.paused = not scheduler.paused
        self.show_state()
        self.gale.say(f"Polling paused; {self.key('pause')} resumes it." if scheduler.paused else "Polling resumed.")

    def action_batch(self) -> None:
        self.gale.batch.open()

    def action_batch_account(self) -> None:
        self.gale.batch.show_account()

    def action_track(self) -> None:
        from gale_tui.tui.screens.dialogs import TrackDialog

        if self.engine.environments:
            self.app.push_screen(TrackDialog(), self.select)
        else:
            self.action_environments()

    def select(self, job: Job | None) -> None:
        """Puts the cursor on a job, if there is one."""
        if job is not None:
            self.table.select(job.id)

    def action_environments(self) -> None:
        self.gale.navigation.open_environments()

    def action_switch_environment(self) -> None:
        from gale_tui.tui.screens.dialogs import EnvironmentPicker

        def picked(environment_id: str | None) -> None:
            if environment_id is not None:
                self.engine.environments.use(environment_id)
                self.gale.environments_changed()

        if self.engine.environments:
            self.app.push_screen(EnvironmentPicker(), picked)
        else:
            self.action_environments()

    @on(JobTable.Opened)
    def action_open_details(self) -> None:
        job = self.selected_job()
        if job is not None:
            from gale_tui.tui.screens.job_details import JobDetailsScreen

            self.app.push_screen(JobDetailsScreen(job.id))

    # Filter and order

    def action_filter(self) -> None:
        self._show_filter(True)
        self.query_one("#filter", FilterInput).focus()
        self.run_worker(self._read_texts(), group="filter", exclusive=True)

    def _show_filter(self, shown: bool) -> None:
        self.query_one("#filter").display = shown
        self.set_class(shown, "-filtering")

    async def _read_texts(self) -> None:
        """Caches the texts of a long history before the first letter is typed."""
        for at, job in enumerate(tuple(self.engine.jobs.values())):
            self._texts.of(job)
            if at % 500 == 499:
                await asyncio.sleep(0)

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self._filter = event.value.strip()
        wanted = parse_filter(self._filter)
        if not wanted.terms:
            self._texts.forget()
        self.table.no_match_text = (
            f"Nothing matches the filter\n{wanted.advice or self.key('filter_clear') + ' clears it.'}"
        )
        self.table.set_filter(partial(wanted.passes, self._texts))
        self.show_title()

    def action_keep_filter(self) -> None:
        self._show_filter(bool(self._filter))
        self.table.focus()

    def action_clear_filter(self) -> None:
        before = self._filter
        self.query_one("#filter", FilterInput).value = ""
        self._show_filter(False)
        self.table.focus()
        if not before:
            self.table.clear_marks()
            self.show_title()

    def action_filter_down(self) -> None:
        self.table.action_cursor_down()

    def action_filter_up(self) -> None:
        self.table.action_cursor_up()

    def action_sort(self) -> None:
        column = COLUMNS[(COLUMNS.index(self.table.rows.sort_column) + 1) % len(COLUMNS)]
        self._sort(column, reverse=column == "started")

    def action_sort_reverse(self) -> None:
        self._sort(self.table.rows.sort_column, reverse=not self.table.rows.sort_reverse)

    def _sort(self, column: str, *, reverse: bool) -> None:
        self.table.set_sort(column, reverse)
        usual = column == "started" and reverse
        arrow = glyphs.DESCENDING if reverse else glyphs.ASCENDING
        # Narrow tables do not have the column, so that its title cannot show it.
        self.table.border_subtitle = "" if usual else f"by {TITLES[column]} {arrow}"

    def action_sort_by(self, column: str) -> None:
        """Sorts by a column; by the same one again, the other way round."""
        same = self.table.rows.sort_column == column
        self._sort(column, reverse=not self.table.rows.sort_reverse if same else column == "started")
