"""The base of screens with a page of lines: search, back, reading files on a thread."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from gale_tui.core.archive.contents import ArchiveContents
from gale_tui.core.errors import GaleError
from gale_tui.core.source.pack import read_contents
from gale_tui.core.threads import DaemonThreads
from gale_tui.tui.screens.base import GaleScreen
from gale_tui.tui.widgets.line_input import SearchInput
from gale_tui.tui.widgets.pages.inspect_lines import problem_lines
from gale_tui.tui.widgets.pages.text_page import TextPage


class PageScreen(GaleScreen[None]):
    """A page with a search line below it."""

    CSS_PATH = "pages.tcss"
    AUTO_FOCUS = "#page"

    def compose(self) -> ComposeResult:
        yield TextPage(id="page")
        yield SearchInput(id="search", placeholder="words to search for")
        yield self.key_bar()

    @property
    def page(self) -> TextPage:
        return self.query_one("#page", TextPage)

    async def read(self, path: Path | None) -> ArchiveContents | None:
        """Reads a saved or an unpacked export on a thread; None if it cannot be read, which is shown."""
        if path is None:
            return None
        done = threading.Event()

        def checkpoint() -> None:
            if done.is_set():
                raise InterruptedError

        try:
            return await DaemonThreads("inspect", keep=0).call(partial(read_contents, path, checkpoint=checkpoint))
        except GaleError as error:
            self.page.show(partial(problem_lines, path, str(error)))
            return None
        finally:
            # Ends the reading if the screen was closed.
            done.set()

    # Searching

    def action_search(self) -> None:
        field = self.query_one("#search", Input)
        field.display = True
        field.focus()

    @on(Input.Changed, "#search")
    def _search_changed(self, event: Input.Changed) -> None:
        self.page.search(event.value)

    def action_keep_search(self) -> None:
        self.query_one("#search").display = bool(self.query_one("#search", Input).value)
        self.page.focus()

    def action_found_next(self) -> None:
        self._step(1)

    def action_found_previous(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        if self.query_one("#search", Input).value:
            self.page.step(by)
        else:
            self.action_search()

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
