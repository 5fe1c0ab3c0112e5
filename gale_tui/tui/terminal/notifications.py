"""Signals for a user who looks elsewhere: bell, desktop notification, the terminal's title."""

from __future__ import annotations

from collections.abc import Callable

from gale_tui.core.config.settings import Settings
from gale_tui.core.models import DownloadState, JobChange, JobState
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.terminal.multiplexer import Multiplexer, wrap_sequence

SAVE_TITLE = "\x1b[22;2t"
RESTORE_TITLE = "\x1b[23;2t"
_ENDINGS = (JobState.FAILED, JobState.UNCONFIRMED, JobState.LOST)
_FILE_ENDINGS = {DownloadState.SAVED: "saved", DownloadState.FAILED: "not saved", DownloadState.EXPIRED: "not saved"}


def ending_text(change: JobChange) -> str:
    """A few words where this change is the end of a job, as the user sees it; else empty."""
    job, before = change.job, change.previous
    if before is None:
        return ""
    words = _FILE_ENDINGS.get(job.download.state, "") if job.download.state is not before.download.state else ""
    if words and job.download.path == before.download.path is not None:
        # Saved before, and not again.
        words = "not saved"
    ended = job.state in _ENDINGS or (job.state is JobState.SUCCEEDED and not job.save_when_ready)
    if ended and job.state is not before.state:
        words = inert(job.status, 40)
    # A semicolon would end the text of OSC 777.
    return f"{inert(job.title, 60)}: {words}".replace(";", ",") if words else ""


class Notifier:
    """Signals the end of jobs outside the screen, as set in the settings."""

    def __init__(
        self,
        write: Callable[[str], None],
        settings: Callable[[], Settings],
        focused: Callable[[], bool],
        multiplexer: Multiplexer = "",
    ) -> None:
        self._write = write
        self._settings = settings
        self._focused = focused
        self._multiplexer = multiplexer
        self._titled: str | None = None

    def notify(self, text: str) -> None:
        """Rings or notifies the desktop, unless the terminal has the focus."""
        how = self._settings().notifications
        if not text or how == "off" or self._focused():
            return
        if how in ("bell", "both"):
            self._write("\x07")
        if how in ("desktop", "both"):
            # Two dialects: iTerm2, kitty and Windows Terminal know the first, urxvt, foot and others the second.
            dialects = (f"\x1b]9;gale-tui: {text}", f"\x1b]777;notify;gale-tui;{text}")
            if self._multiplexer:
                self._write("".join(wrap_sequence(f"{each}\x07", self._multiplexer) for each in dialects))
            else:
                self._write("".join(f"{each}\x1b\\" for each in dialects))

    def show_running(self, count: int) -> None:
        """Puts the number of running exports into the terminal's title."""
        if not self._settings().terminal_title:
            return
        title = f"gale-tui: {count} running" if count else "gale-tui"
        if title == self._titled:
            return
        before, self._titled = self._titled, title
        self._write(f"{SAVE_TITLE if before is None else ''}\x1b]2;{title}\x1b\\")

    def close(self) -> None:
        """Gives the terminal its own title back."""
        if self._titled is not None:
            self._titled = None
            # GNU screen keeps no titles in store: without one it shows its own.
            self._write("\x1b]2;\x1b\\" if self._multiplexer == "screen" else RESTORE_TITLE)
