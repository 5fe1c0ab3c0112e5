"""Jobs as the engine would hand them over, and a screen that notes what it would send to a terminal."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from rich.console import Console
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.binding import BindingType
from textual.widget import Widget

from gale_tui.core.models import ChangeKind, Job, JobChange, JobState
from gale_tui.tui import theme
from gale_tui.tui.terminal.lean import LeanCompositor, LeanScreen

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
    return JobChange(ChangeKind.ADDED, new)


def changed(new: Job) -> JobChange:
    """It is another now."""
    return JobChange(ChangeKind.CHANGED, new)


def forgotten(old: Job) -> JobChange:
    """It went."""
    return JobChange(ChangeKind.REMOVED, old)


class NotingCompositor(LeanCompositor):
    """Notes every update as the terminal would get it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def render_partial_update(self) -> ChopsUpdate | None:
        update = super().render_partial_update()
        if update is not None:
            self.sent.append(update.render_segments(TRUECOLOR))
        return update

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        update = super().render_full_update(simplify)
        self.sent.append(update.render_segments(TRUECOLOR))
        return update


class NotingScreen(LeanScreen[None]):
    """Holds the widgets under test."""

    def __init__(self, widgets: Callable[[], list[Widget]]) -> None:
        super().__init__()
        self.compositor = NotingCompositor()
        self._compositor = self.compositor
        self._widgets = widgets

    def compose(self) -> Iterator[Widget]:
        yield from self._widgets()


class WidgetApp(App[None]):
    """An app with one screen of the given widgets, in the app's own themes."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, *widgets: Widget, theme_name: str = theme.DARK) -> None:
        super().__init__()
        theme.register(self)
        self.theme = theme_name
        self.messages: list[object] = []
        self.noting = NotingScreen(lambda: list(widgets))

    def get_default_screen(self) -> NotingScreen:
        return self.noting

    @property
    def sent(self) -> list[str]:
        """What was sent since it was last cleared."""
        return self.noting.compositor.sent


def shown(widget: Widget) -> list[str]:
    """The widget's lines as text."""
    return [widget.render_line(y).text for y in range(widget.size.height)]
