"""Opens screens from other screens, or shows the sentence that says why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from gale_tui.core.models import DownloadState

if TYPE_CHECKING:
    from pathlib import Path

    from gale_tui.core.batch.reader import Paste
    from gale_tui.core.models import Job
    from gale_tui.tui.context import AppHost
    from gale_tui.tui.screens.jobs import JobsScreen


class Navigation:
    """Opens screens over the jobs. Each is imported when it is first opened."""

    def __init__(self, app: AppHost, jobs: JobsScreen) -> None:
        self._app = app
        self._jobs = jobs

    def can_export(self) -> bool:
        """Returns True if an export can be started; else says why not, and opens the environments if there is none."""
        app = self._app
        if not app.engine.environments:
            app.say("First add an environment: its host and a key.", severity="warning")
            self.open_environments()
            return False
        if app.engine.readonly:
            app.say("Read-only: no export can be started. Start gale-tui without --readonly.", severity="warning")
            return False
        return True

    def open_form(
        self, again: Job | None = None, pasted: str | Paste | Path = "", *, follow_paste: bool = True
    ) -> None:
        """Opens the export form, or the batch for a pasted list.

        Args:
            pasted: Fills it with a paste. The form itself reads a file, or a text that takes long.
        """
        app = self._app
        if pasted:
            from gale_tui.core.batch.reader import Paste, is_slow_to_read, read_paste

            if isinstance(pasted, str) and not is_slow_to_read(pasted):
                paste = read_paste(pasted)
                # A text without a request may be an id, which the form handles.
                pasted = paste if paste.batch is not None or paste.captured.requests else pasted
            if isinstance(pasted, Paste) and pasted.batch is not None:
                app.batch.open(pasted.batch, None if follow_paste else app.engine.environments.current)
                return
        # A pasted request may add the first environment.
        if not (pasted and not app.engine.readonly) and not self.can_export():
            return
        from gale_tui.tui.screens.export_form import ExportForm

        app.push_screen(ExportForm(again, pasted, follow_paste=follow_paste), self._jobs.select)

    def open_environments(self) -> None:
        from gale_tui.tui.screens.environments.environments import EnvironmentsScreen

        self._app.push_screen(EnvironmentsScreen(), lambda _: self._app.environments_changed())

    def open_key_dialog(self, environment_id: str, reason: str) -> None:
        """Asks for a key that is missing or refused, once at a time."""
        from gale_tui.tui.screens.dialogs import KeyDialog

        environment = self._app.engine.environments.find(environment_id)
        if environment is None:
            return
        if environment.source != "config":
            self._app.say(reason, severity="error", seconds=12)
        elif not any(isinstance(screen, KeyDialog) for screen in self._app.screen_stack):
            self._app.push_screen(KeyDialog(environment, reason), lambda _: self._app.environments_changed())

    def open_compare(self, job: Job, marked: Sequence[Job] = ()) -> None:
        """Compares a saved file with the export before it, or two marked ones."""
        from gale_tui.tui.screens.saved_file.compare import comparison

        screen = comparison(self._app.engine.jobs.values(), job, marked)
        if isinstance(screen, str):
            self._app.say(screen)
        else:
            self._app.push_screen(screen)

    def open_unpack(self, jobs: Sequence[Job], done: Callable[[Path | None], None] | None = None) -> None:
        """Asks for a folder and unpacks saved files into it; calls `done` with the last tool's folder, or None."""
        saved = [job for job in jobs if job.download.path is not None and job.download.state is DownloadState.SAVED]
        tools = _newest(job for job in saved if job.kind.holds_tool)
        if not tools:
            other = f"{saved[0].title} is a {saved[0].kind}, not a tool: there is nothing to unpack." if saved else ""
            self._app.say(other or "No saved file to unpack.")
            return
        from gale_tui.tui.screens.saved_file.unpack import UnpackDialog

        self._app.push_screen(UnpackDialog(tools), done)


def _newest(jobs: Iterable[Job]) -> list[Job]:
    """The latest export of each tool and flow in each environment."""
    by_age = sorted(jobs, key=lambda job: job.created_at)
    return list({(job.environment_id, job.tool_id, job.flow_id): job for job in by_age}.values())
