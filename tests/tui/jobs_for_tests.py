"""Jobs as the engine would hand them over, and a screen that notes what it would send to a terminal."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from rich.color import ColorSystem
from rich.console import Console, RenderableType
from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget

from gale_tui.core.models import Job, JobChange, JobState
from gale_tui.tui import theme
from gale_tui.tui.terminal.screen_diff import ScreenDiff

TRUECOLOR = Console(force_terminal=True, color_system="truecolor", width=200)


@contextmanager
def utc() -> Iterator[None]:
    """Local time is UTC inside."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


NOON = 1_795_521_600.0
"""24 November 2026, 12:00:00 UTC."""


def job(number: int = 1, **changes: Any) -> Job:
    """A running job, the higher its number the older."""
    plain = Job(
        id=f"job-{number}",
        environment_id="staging",
        environment_name="staging",
        origin="https://staging-agent-platform.kore.ai",
        tool_id=f"a-0000000{number}-1111-4222-8333-444444444444",
        flow_id="cf-00000000-1111-4222-8333-444444444444",
        created_at=NOON - 60 * number,
        label=f"Tool {number}",
        state=JobState.RUNNING,
        status="IN_PROGRESS",
        dock_status_id=f"ds-0000000{number}-1111-4222-8333-444444444444",
    )
    return dataclasses.replace(plain, **changes)


def added(new: Job) -> JobChange:
    """It came."""
    return JobChange(new)


def changed(new: Job) -> JobChange:
    """It is another now."""
    return JobChange(new)


def forgotten(old: Job) -> JobChange:
    """It went."""
    return JobChange(old, removed=True)


class WidgetApp(App[None]):
    """An app with one screen of the given widgets, in the app's own themes."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, *widgets: Widget, theme_name: str = theme.DARK) -> None:
        super().__init__()
        self.animation_level = "none"
        theme.register(self)
        self.theme = theme_name
        self.messages: list[object] = []
        self.sent: list[str] = []
        """What a terminal would have been sent since it was last cleared."""
        self._widgets_under_test = widgets
        self._diff = ScreenDiff()

    def compose(self) -> Iterator[Widget]:
        yield from self._widgets_under_test

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        update: object = renderable
        if self._diff.can_diff(update):
            text = self._diff.paint(update, ColorSystem.TRUECOLOR, self.size)
            if text:
                self.sent.append(text)
        super()._display(screen, renderable)


def shown(widget: Widget) -> list[str]:
    """The widget's lines as text."""
    return [widget.render_line(y).text for y in range(widget.size.height)]
