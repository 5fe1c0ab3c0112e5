"""The app: one engine, the screens, and the events between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Input

from gale_tui.core.errors import CredentialError, GaleError
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.jobs.reasons import Sentence, describe_download
from gale_tui.core.models import DownloadState, EnvironmentCondition, Job, JobChange, JobState
from gale_tui.core.untrusted_text import inert
from gale_tui.tui import theme
from gale_tui.tui.actions import Place, bindings
from gale_tui.tui.batch_controller import BatchController
from gale_tui.tui.formatting.glyphs import needs_ascii
from gale_tui.tui.formatting.job_counts import JobCounts
from gale_tui.tui.formatting.job_text import file_text
from gale_tui.tui.formatting.quantities import count_text
from gale_tui.tui.keymap import read_keys
from gale_tui.tui.navigation import Navigation
from gale_tui.tui.screens.job_actions import JobActions
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.terminal.notifications import Notifier, ending_text
from gale_tui.tui.terminal.terminal_app import TerminalApp

if TYPE_CHECKING:
    from pathlib import Path

    from textual.notifications import SeverityLevel

    from gale_tui.core.batch.reader import Paste

WATCHED_SECONDS = 60.0
"""Seconds after a key for which the terminal counts as watched, in a multiplexer that reports no focus."""


class GaleApp(TerminalApp):
    """The Textual app.

    Args:
        engine: Not yet started; the app starts and closes it.
        signals: False if somebody else handles signals, in tests.
        on_first_frame: Called once, when the jobs are on the screen.
        opening: Opens the export form or the batch with it; a path is read there.
        follow_paste: Whether that may choose the environment; False if the command line has.
    """

    TITLE = "gale-tui"
    # That of the first screen as well: parsed together rather than all again when the screen comes.
    CSS_PATH: ClassVar[CSSPathType | None] = ["app.tcss", "screens/jobs.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.EVERYWHERE)]

    def __init__(
        self,
        engine: GaleEngine,
        *,
        signals: bool = True,
        on_first_frame: Callable[[], None] | None = None,
        opening: Paste | Path | None = None,
        follow_paste: bool = True,
    ) -> None:
        super().__init__(signals=signals)
        self.engine = engine
        self._on_first_frame = on_first_frame
        self._opening = opening
        self._follow_paste = follow_paste
        self.ascii = needs_ascii(engine.settings.glyphs)
        self.key_text = ""
        self.job_counts = JobCounts()
        self._focus_reported = False
        self._key_at = time.monotonic()
        self._notifier = Notifier(self.write_terminal, lambda: engine.settings, self._is_watched, self.multiplexer)
        self.jobs_screen = JobsScreen()
        self.navigation = Navigation(self, self.jobs_screen)
        self.batch = BatchController(self, self.jobs_screen)
        theme.register(self)
        self.theme = engine.settings.theme or theme.DARK
        self.animation_level = "none"
        self.set_keymap(read_keys(engine.settings.keys).for_framework())

    # Start and end

    async def on_mount(self) -> None:
        """Opens the history, shows the jobs, and the screen that has to come first."""
        self.listen_to_signals()
        self.app_resume_signal.subscribe(self, self.repaint_resumed)
        self.paint_soon(self.jobs_screen)
        try:
            await self.engine.start()
        except GaleError as error:
            self.exit(2, message=str(error))
            return
        self.job_counts.count(self.engine.jobs.values())
        self.engine.registry.listeners.append(self._job_changed)
        self.engine.connection_status.listeners.append(self._condition_changed)
        self.engine.on_loaded.append(self._history_loaded)
        self.engine.on_notice.append(lambda text: self.say(text, severity="warning", seconds=12))
        await self.push_screen(self.jobs_screen)
        self.call_after_refresh(self._first_frame_drawn)

    def _first_frame_drawn(self) -> None:
        if self._on_first_frame is not None:
            self._on_first_frame()
        for text in (*self.engine.notices, *self.engine.problems, *read_keys(self.engine.settings.keys).problems):
            self.say(text, severity="warning", seconds=12)
        self.engine.warm_up()
        self._notifier.show_running(self.job_counts.running)
        self.environments_changed()
        self.run_worker(self.batch.find_interrupted(), name="cut short")
        if self._opening is not None:
            self.navigation.open_form(pasted=self._opening, follow_paste=self._follow_paste)
        elif not self.engine.environments and not self.engine.settings.seen_welcome:
            self.navigation.open_environments()
            self.save_settings(seen_welcome=True)
        self._watch_size()

    def _watch_size(self) -> None:
        from gale_tui.tui.screens.too_small import TooSmallScreen, too_small

        if too_small(self.size) and not isinstance(self.screen, TooSmallScreen):
            self.push_screen(TooSmallScreen())

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        if self.jobs_screen.is_mounted:
            self.call_later(self._watch_size)

    async def on_unmount(self) -> None:
        """Closes the engine, so that running jobs can be resumed."""
        self._notifier.close()
        await self.engine.close()

    # Keys

    async def on_event(self, event: events.Event) -> None:
        """Records whether the terminal is watched."""
        if isinstance(event, events.Key):
            self._key_at = time.monotonic()
        elif isinstance(event, events.AppFocus | events.AppBlur):
            self._focus_reported = True
        await super().on_event(event)

    async def handle_event(self, event: events.Event) -> None:
        """Opens the form with a paste over the jobs."""
        if isinstance(event, events.Paste) and not event.is_forwarded and self._over_the_jobs:
            self.navigation.open_form(pasted=event.text)
        else:
            await super().handle_event(event)

    @property
    def _over_the_jobs(self) -> bool:
        return bool(self.screen_stack) and self.screen is self.jobs_screen and not isinstance(self.focused, Input)

    def _is_watched(self) -> bool:
        """True if the user watches: by the terminal's focus reports, or by recent keys if a multiplexer sends none."""
        if self._focus_reported or not self.multiplexer:
            return self.app_focus
        return time.monotonic() - self._key_at < WATCHED_SECONDS

    # Changes in the engine

    def _job_changed(self, change: JobChange) -> None:
        if not self.screen_stack:
            # At the end the screens close first: changes during the engine's close are for the next start.
            return
        for screen in {self.jobs_screen, self.screen}:
            if isinstance(screen, JobActions):
                screen.call_later(screen.job_changed, change)
        self._report_ending(change)
        self.job_counts.apply(change)
        self._notifier.notify(ending_text(change))
        self._notifier.show_running(self.job_counts.running)

    def _report_ending(self, change: JobChange) -> None:
        job, before = change.job, change.previous
        if before is None:
            return
        title = inert(job.title, 60)
        if before.download.state is not job.download.state:
            self._report_unsaved(title, before, job)
        if before.state is job.state:
            return
        if job.state is JobState.FAILED:
            reason = inert(job.reason, 200) or "No reason given."
            self.say(f"{title}: {job.status}. {reason}", severity="error", seconds=8)
        elif job.state in (JobState.UNCONFIRMED, JobState.LOST):
            words = "the server may have started it" if job.state is JobState.UNCONFIRMED else "GALE no longer knows it"
            self.say(f"{title}: {job.status}, {words}. See its details.", severity="warning", seconds=12)

    def _report_unsaved(self, title: str, before: Job, job: Job) -> None:
        download = job.download
        if download.state in (DownloadState.FAILED, DownloadState.EXPIRED):
            text = file_text(self.jobs_screen.facts(job, self.engine.clock.time()), 400).text
            self.say(f"{title}: {text}", severity="error", seconds=12)
        elif download.state is DownloadState.SAVED and download.path == before.download.path is not None:
            why = describe_download(job).with_key(self.jobs_screen.key) or "Not saved again"
            self.say(f"{title}: {why}. The first file stays.", severity="error", seconds=12)

    def _condition_changed(self, condition: EnvironmentCondition) -> None:
        self.jobs_screen.call_later(self.jobs_screen.show_state)
        if condition.state == "needs key":
            self.navigation.open_key_dialog(condition.environment_id, condition.text)

    def _history_loaded(self, jobs: Sequence[Job]) -> None:
        self.job_counts.count(jobs)
        self.jobs_screen.call_later(self.jobs_screen.history_loaded)

    # Messages to the user

    def say(self, text: str | Sentence, *, severity: SeverityLevel = "information", seconds: float = 4) -> None:
        """Shows a sentence in the corner, made inert; the same one is not shown twice."""
        if isinstance(text, Sentence):
            text = text.with_key(read_keys(self.engine.settings.keys).text)
        text = inert(text, 600)
        self.drop_notifications(text)
        self.notify(text, severity=severity, timeout=seconds, markup=False)

    async def _find_key_text(self) -> None:
        environment = self.engine.environments.current
        try:
            status = await self.engine.credentials.key_status(environment) if environment is not None else None
            self.key_text = f"{status.place} {status.hint}".strip() if status is not None else ""
        except CredentialError as error:
            self.key_text = error.what
        self.jobs_screen.call_later(self.jobs_screen.show_state)

    def environments_changed(self) -> None:
        """Call it after a change of environments, keys or the current environment."""
        self.run_worker(self._find_key_text(), name="key text", exclusive=True, group="key text")

    # Everywhere

    def action_help(self) -> None:
        """Opens the help of the screen or dialog that is shown, or closes it."""
        from gale_tui.tui.screens.help import HelpScreen
        from gale_tui.tui.screens.too_small import TooSmallScreen

        screen = self.screen
        if isinstance(screen, HelpScreen):
            screen.dismiss()
        elif not isinstance(screen, CommandPalette | TooSmallScreen):
            self.push_screen(HelpScreen(screen))

    def action_command_palette(self) -> None:
        from gale_tui.tui.palette import GalePalette

        if not isinstance(self.screen, CommandPalette):
            self.push_screen(GalePalette())

    def action_toggle_theme(self) -> None:
        self.save_settings(theme=theme.LIGHT if self.theme == theme.DARK else theme.DARK)

    def action_toggle_mouse(self) -> None:
        """Leaves the mouse to the terminal, or takes it back; remembered."""
        on = not self.mouse_on
        self.save_settings(mouse=on)
        self.switch_mouse(on)
        back = f"Mouse released to the terminal; {self.jobs_screen.key('mouse')} takes it back."
        waits = " Inside screen a lone esc then waits for the next key." if self.multiplexer == "screen" else ""
        self.say(f"The mouse is back.{waits}" if on else back, seconds=8 if waits else 4)

    @property
    def mouse_on(self) -> bool:
        return self.engine.settings.mouse if self.driver is None else self.driver.mouse

    def action_settings(self) -> None:
        from gale_tui.tui.screens.settings import SettingsScreen

        if not any(isinstance(screen, SettingsScreen) for screen in self.screen_stack):
            self.push_screen(SettingsScreen())

    def save_settings(self, **changes: object) -> bool:
        """Saves settings and applies them; shows the error if that fails."""
        if "theme" in changes:
            self.theme = str(changes["theme"]) or theme.DARK
        try:
            self.engine.save_settings(**changes)
        except GaleError as error:
            self.say(str(error), severity="warning", seconds=8)
            return False
        settings = self.engine.settings
        if "mouse" in changes:
            self.switch_mouse(settings.mouse)
        if "glyphs" in changes:
            self.ascii = needs_ascii(settings.glyphs)
            for screen in self.screen_stack:
                for widget in (screen, *screen.walk_children(Widget)):
                    widget.refresh()
        if "terminal_title" in changes:
            self._notifier.close()
            self._notifier.show_running(self.job_counts.running)
        return True

    def copy_to_clipboard(self, text: str) -> None:
        """Sends a text to the terminal's clipboard; where copying is off, it can be pasted in gale-tui alone."""
        self.keep_copied(text)
        if self.engine.settings.clipboard != "off":
            self.send_to_clipboard(text)

    def action_copy_or_hint(self) -> None:
        """Copies the selected text; says how to quit where nothing is selected."""
        selected = self.screen.get_selected_text()
        if selected:
            self.copy_to_clipboard(selected)
            off = self.engine.settings.clipboard == "off"
            self.say("Copied inside gale-tui only: copying is off." if off else "Copied (through the terminal).")
        else:
            leave, quits, copies = map(self.jobs_screen.key, ("quit_jobs", "quit", "copy"))
            self.say(f"ctrl+c does not end gale-tui: {leave} or {quits} does. {copies} copies from a job.")

    async def action_quit(self) -> None:
        """Quits; asks first if a download would be cut short or a key be lost."""
        demo = self.engine.demo
        count = len(self.engine.downloads.running())
        reasons: list[str] = []
        if count:
            later = "the demo keeps nothing" if demo else "the next start resumes"
            reasons.append(f"{count_text(count, 'download')} will be cut short; {later}.")
        if self.engine.credentials.session_only:
            reasons.append("A key that lives in this session only is lost.")
        if self.batch.quit_reason:
            reasons.append(self.batch.quit_reason)
        going_on = sum(1 for job in self.engine.jobs.values() if job.state.polled)
        words = ""
        if going_on:
            goes, is_saved = ("go", "they are") if going_on > 1 else ("goes", "it is")
            next_start = "" if demo else f"; {is_saved} followed and saved at the next start"
            words = f"{count_text(going_on, 'export')} {goes} on at GALE{next_start}."
        if not reasons:
            self.exit(0, message=words or None)
            return
        from gale_tui.tui.screens.dialogs import ConfirmDialog

        def answered(yes: bool | None) -> None:
            if yes:
                self.exit(0, message=words or None)

        question = "\n".join(filter(None, (*reasons, words)))
        self.push_screen(ConfirmDialog("Quit", question, confirm="Quit"), answered)
