"""The progress and the result of a batch."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button

from gale_tui.core.batch.report import BatchAccount
from gale_tui.tui.screens.base import GaleModal, form_css
from gale_tui.tui.widgets.forms.fields import FormButton
from gale_tui.tui.widgets.pages.batch_lines import account_lines
from gale_tui.tui.widgets.pages.text_page import TextPage

Answer = Literal["retry", "continue", "discard"]


class BatchAccountDialog(GaleModal[Answer]):
    """The result for each tool, growing while the batch runs. Dismissed with what to do next."""

    CSS_PATH = form_css("report.tcss")
    AUTO_FOCUS = "#close"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,B", "dismiss", "Close"),
        Binding("left", "app.focus_previous", "Previous", show=False),
        Binding("right", "app.focus_next", "Next", show=False),
        Binding("down,j", "scroll_page(1)", "Down", show=False),
        Binding("up,k", "scroll_page(-1)", "Up", show=False),
    ]

    def __init__(self, account: BatchAccount) -> None:
        super().__init__()
        self._account = account

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Batch: {self._account.name}" if self._account.name else "Batch")
            yield TextPage(id="page")
            with Horizontal(classes="dialog--buttons"):
                yield FormButton("Close", "close", "primary")
                yield FormButton("Stop", "stop")
                yield FormButton("Retry failed", "retry")
                yield FormButton("Continue", "continue")
                yield FormButton("Discard", "discard")

    def on_mount(self) -> None:
        self.show(self._account)

    def show(self, account: BatchAccount) -> None:
        self._account = account
        if not self.query("#discard"):
            # Some widgets are not mounted yet.
            return
        batch = self.gale.batch
        self.query_one("#stop").display = batch.unstarted > 0 and not account.stopped
        retry = self.query_one("#retry", FormButton)
        retry.display = batch.failed > 0
        retry.label = Content(f"Retry failed ({batch.failed})")
        pending = None if batch.running else batch.pending
        for name, words in (("continue", "Continue"), ("discard", "Discard")):
            button = self.query_one(f"#{name}", FormButton)
            button.display = pending is not None
            button.label = Content(f"{words} ({pending.unstarted if pending is not None else 0})")
        page = self.query_one("#page", TextPage)
        page.show(lambda width: account_lines(account, width), keep_place=True)

    def action_scroll_page(self, by: int) -> None:
        self.query_one("#page", TextPage).scroll_relative(y=by, animate=False)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "stop":
                self.gale.batch.stop()
                self.query_one("#close").focus()
                self.gale.say("Batch stopped. Running exports continue.")
            case "retry" | "continue" | "discard" as answer:
                self.dismiss(answer)
            case _:
                self.dismiss(None)
