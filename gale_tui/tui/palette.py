"""The palette: every action of where one is, found by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import CommandInput, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from gale_tui.tui.actions import Action, actions_for
from gale_tui.tui.key_names import key_text
from gale_tui.tui.keymap import read_keys
from gale_tui.tui.set_commands import SetCommands
from gale_tui.tui.terminal.lean import LeanCompositor

if TYPE_CHECKING:
    from gale_tui.tui.context import AppContext

__all__ = ["GaleCommands", "GalePalette"]

TITLE_CELLS = 19
KEY_CELLS = 7


class GalePalette(CommandPalette):
    """The framework's palette with gale-tui's actions; its cursor does not blink."""

    def __init__(self) -> None:
        super().__init__(providers=[GaleCommands, SetCommands], placeholder="What to do …")
        self._compositor = LeanCompositor()

    def on_mount(self) -> None:
        """Keeps quiet while nothing is typed."""
        self.query_one(CommandInput).cursor_blink = False


class GaleCommands(Provider):
    """Offers the actions of the screen below, then those that work everywhere."""

    @property
    def _actions(self) -> list[Action]:
        return [each for each in actions_for(self.screen) if each.palette]

    def _line(self, each: Action, title: Content | None = None) -> Content:
        """Title, key and help on one line."""
        keys = read_keys(cast("AppContext", self.app).engine.settings.keys).keys(each)
        key = key_text(keys[0]) if keys else ""
        return Content.assemble(
            title or Content(each.title),
            " " * max(1, TITLE_CELLS - len(each.title)),
            (f"{key:<{KEY_CELLS}}", "bold $text-primary"),
            (each.help, "$gale-muted"),
        )

    async def _run(self, each: Action) -> None:
        await self.app.screen.run_action(each.name)

    async def discover(self) -> Hits:
        """All of them, while nothing is typed."""
        for each in self._actions:
            yield DiscoveryHit(self._line(each), partial(self._run, each), text=each.title)

    async def search(self, query: str) -> Hits:
        """Those whose title or help matches."""
        matcher = self.matcher(query)
        for each in self._actions:
            score = max(matcher.match(each.title), matcher.match(each.help) * 0.6)
            if score > 0:
                title = matcher.highlight(each.title)
                yield Hit(score, self._line(each, title), partial(self._run, each), text=each.title)
