"""Protocols of the app for screens, navigation and batches: no screen imports the app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from gale_tui.core.batch.reader import Paste
    from gale_tui.core.batch.tools import Batch, BatchTool
    from gale_tui.core.history.batches import BatchRecord
    from gale_tui.core.history.sets import ToolSet
    from gale_tui.core.jobs.engine import GaleEngine
    from gale_tui.core.jobs.reasons import Sentence
    from gale_tui.core.models import Environment, Job
    from gale_tui.tui.formatting.job_counts import JobCounts

T = TypeVar("T")
BatchStart: TypeAlias = "Batch | ToolSet | tuple[BatchTool, ...]"
"""The contents of a new batch: a list that was read, a set, or tools."""


class NavigationContext(Protocol):
    """Screens that several screens open; :class:`gale_tui.tui.navigation.Navigation`."""

    def open_form(
        self, again: Job | None = None, pasted: str | Paste | Path = "", *, follow_paste: bool = True
    ) -> None: ...
    def open_environments(self) -> None: ...
    def open_compare(self, job: Job, marked: Sequence[Job] = ()) -> None: ...
    def open_unpack(self, jobs: Sequence[Job], done: Callable[[Path | None], None] | None = None) -> None: ...
    def can_export(self) -> bool: ...


class BatchContext(Protocol):
    """The batch that runs or ran last; :class:`gale_tui.tui.batch_controller.BatchController`."""

    pending: BatchRecord | None

    @property
    def running(self) -> bool: ...
    @property
    def unstarted(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def status_line(self) -> str: ...
    def open(self, first: BatchStart = (), environment: Environment | None = None, note: str = "") -> None: ...
    def open_marked(self, jobs: Sequence[Job]) -> None: ...
    def show_account(self) -> None: ...
    def offer_to_continue(self) -> None: ...
    def stop(self) -> None: ...


class AppContext(Protocol):
    """The app as screens use it."""

    engine: GaleEngine
    ascii: bool
    """Whether the terminal draws ASCII alone."""
    key_text: str
    """The place of the key of the environment for new exports, for the header."""
    job_counts: JobCounts

    @property
    def navigation(self) -> NavigationContext: ...
    @property
    def batch(self) -> BatchContext: ...
    @property
    def mouse_on(self) -> bool: ...
    def say(self, text: str | Sentence, *, severity: SeverityLevel = "information", seconds: float = 4) -> None: ...
    def save_settings(self, **changes: object) -> bool: ...
    def environments_changed(self) -> None: ...


class AppHost(AppContext, Protocol):
    """The framework's app as navigation and batches use it."""

    @property
    def screen(self) -> Screen[Any]: ...
    @property
    def screen_stack(self) -> list[Screen[Any]]: ...
    def push_screen(self, screen: Screen[T], callback: Callable[[T | None], None] | None = None) -> Any: ...
    async def push_screen_wait(self, screen: Screen[T]) -> T | Any: ...
    def run_worker(
        self, work: Awaitable[None], name: str | None = "", group: str = "default", *, exclusive: bool = False
    ) -> Any: ...
