"""The base of screens with a page of lines: search, back, reading files on a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from gale_tui.core.threads import DaemonThreads
from gale_tui.tui.formatting.quantities import count_text
from gale_tui.tui.screens.base import GaleScreen
from gale_tui.tui.widgets.line_input import SearchInput
from gale_tui.tui.widgets.pages.text_page import TextPage

R = TypeVar("R")


class PageScreen(GaleScreen[None]):
    """A page with a search line below it."""

    CSS_PATH = "pages.tcss"
    AUTO_FOCUS = "#page"

    def compose_page(self) -> ComposeResult:
        yield TextPage(id="page")
        yield SearchInput(id="search", placeholder="words to search for")

    @property
    def page(self) -> TextPage:
        return self.query_one("#page", TextPage)

    async def read(self, function: Callable[[Callable[[], None]], R]) -> R:
        """Runs a function on its own thread; its argument ends it once nobody waits for it any more.

        Raises:
            Exception: Whatever the function raises.
        """
        done = threading.Event()

        def checkpoint() -> None:
            if done.is_set():
                raise InterruptedError

        try:
            return await DaemonThreads("inspect", keep=0).call(function, checkpoint)
        finally:
            done.set()

    # Searching

    def searching(self) -> bool:
        return bool(self.query_one("#search", Input).value)

    def action_search(self) -> None:
        field = self.query_one("#search", Input)
        field.display = True
        field.focus()

    @on(Input.Changed, "#search")
    def _search_changed(self, event: Input.Changed) -> None:
        self.page.search(event.value)
        self._show_found()

    def action_keep_search(self) -> None:
        self.query_one("#search").display = bool(self.query_one("#search", Input).value)
        self.page.focus()

    def action_found_next(self) -> None:
        self._step(1)

    def action_found_previous(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        if not self.query_one("#search", Input).value:
            self.action_search()
            return
        self.page.step(by)
        self._show_found()

    def _show_found(self) -> None:
        words = self.query_one("#search", Input).value
        present, count = self.page.found
        if not words:
            self.page.border_subtitle = ""
        elif not count:
            self.page.border_subtitle = "not found"
        else:
            lines = count_text(count, "line")
            self.page.border_subtitle = f"{present:,} of {lines}" if present else f"in {lines}"

    def action_back(self) -> None:
        """Clears the search; without one goes back."""
        field = self.query_one("#search", Input)
        if field.display:
            field.value = ""
            field.display = False
            self.page.focus()
            self.show_keys(self.PLACE)
        else:
            self.dismiss(None)
