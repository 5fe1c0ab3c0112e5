"""The palette: the actions of the screen below and the saved sets, found by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import CommandInput, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from gale_tui.core.errors import GaleError
from gale_tui.tui.actions import Action, actions_for
from gale_tui.tui.key_names import key_text
from gale_tui.tui.keymap import read_keys

if TYPE_CHECKING:
    from gale_tui.core.history.sets import ToolSet
    from gale_tui.tui.context import AppContext

TITLE_CELLS = 19
KEY_CELLS = 7


class GalePalette(CommandPalette):
    """The framework's palette with gale-tui's actions; its cursor does not blink."""

    def __init__(self) -> None:
        super().__init__(providers=[GaleCommands, SetCommands], placeholder="Search actions…")

    def on_mount(self) -> None:
        self.query_one(CommandInput).cursor_blink = False


class GaleCommands(Provider):
    """The actions of the screen below, then those that work everywhere."""

    @property
    def _actions(self) -> list[Action]:
        readonly = cast("AppContext", self.app).engine.readonly
        return [each for each in actions_for(self.screen) if each.palette and not (readonly and each.exports)]

    def _line(self, each: Action, title: Content | None = None) -> Content:
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
        for each in self._actions:
            yield DiscoveryHit(self._line(each), partial(self._run, each), text=each.title)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for each in self._actions:
            score = max(matcher.match(each.title), matcher.match(each.help) * 0.6)
            if score > 0:
                title = matcher.highlight(each.title)
                yield Hit(score, self._line(each, title), partial(self._run, each), text=each.title)


class SetCommands(Provider):
    """Opens each set in the batch screen."""

    _sets: tuple[ToolSet, ...] = ()

    async def startup(self) -> None:
        try:
            self._sets = tuple(await cast("AppContext", self.app).engine.sets.all())
        except GaleError:
            self._sets = ()

    def _open(self, each: ToolSet) -> None:
        cast("AppContext", self.app).batch.open(opened=each)

    async def discover(self) -> Hits:
        for each in self._sets:
            yield DiscoveryHit(_line(each, None), partial(self._open, each), text=_title(each))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for each in self._sets:
            title = _title(each)
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, _line(each, matcher.highlight(title)), partial(self._open, each), text=title)


def _title(each: ToolSet) -> str:
    return f"Run set {each.name}"


def _line(each: ToolSet, title: Content | None) -> Content:
    return Content.assemble(title or Content(_title(each)), "  ", (f"{len(each.tools):,} tools", "$gale-muted"))
