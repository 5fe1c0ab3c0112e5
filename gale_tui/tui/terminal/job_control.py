"""Back from a stop: the terminal is prepared once more, whatever stopped the process."""

from __future__ import annotations

from textual.driver import Driver

__all__ = ["continued"]


def continued(driver: Driver | None) -> None:
    """Prepares the terminal again after SIGCONT.

    The framework does so as well, but ends its reading thread and gives the terminal's settings back at SIGTSTP alone.
    After a SIGSTOP two threads would read the keys, the loser of the last one would hold up the end of the process, and
    the settings from before would be lost.
    """
    if driver is None or not driver._auto_restart:
        return
    if not getattr(driver, "_must_signal_resume", True):
        driver.suspend_application_mode()
        driver._must_signal_resume = True  # type: ignore[attr-defined]  # of the driver for Unix
    driver.resume_application_mode()
