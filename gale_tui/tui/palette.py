"""The palette: the actions of the screen below and the saved sets, found by name."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import CommandInput, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from gale_tui.core.errors import GaleError
from gale_tui.tui.actions import Action, actions_for
from gale_tui.tui.keymap import KeyMap, read_keys

if TYPE_CHECKING:
    from gale_tui.tui.context import AppContext

TITLE_CELLS = 19
KEY_CELLS = 7
_SETS_WITHIN = 0.5
"""Seconds that the history has for the sets."""


class GalePalette(CommandPalette):
    """The framework's palette with gale-tui's actions; its cursor does not blink."""

    def __init__(self) -> None:
        super().__init__(providers=[GaleCommands], placeholder="Search actions…")

    def on_mount(self) -> None:
        self.query_one(CommandInput).cursor_blink = False


@dataclass(frozen=True, slots=True)
class Command:
    title: str
    rest: Content
    """The text behind the title."""
    run: Callable[[], object]
    help: str = ""


class GaleCommands(Provider):
    """The actions of the screen below, then those that work everywhere, then each set, to open in the batch screen."""

    _commands: tuple[Command, ...] = ()

    async def startup(self) -> None:
        app = cast("AppContext", self.app)
        keymap = read_keys(app.engine.settings.keys)
        commands = [
            Command(each.title, _key_and_help(each, keymap), partial(self._run, each.name), each.help)
            for each in actions_for(self.screen)
            if each.palette and not (app.engine.readonly and each.exports)
        ]
        # Actions do not wait for a history that is held up.
        with contextlib.suppress(GaleError, TimeoutError):
            for each in await asyncio.wait_for(app.engine.sets.all(), _SETS_WITHIN):
                rest = Content.styled(f"  {len(each.tools):,} tools", "$gale-muted")
                commands.append(Command(f"Run set {each.name}", rest, partial(app.batch.open, each)))
        self._commands = tuple(commands)

    async def _run(self, action: str) -> None:
        await self.app.screen.run_action(action)

    async def discover(self) -> Hits:
        for each in self._commands:
            yield DiscoveryHit(Content(each.title) + each.rest, each.run, text=each.title)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for each in self._commands:
            score = max(matcher.match(each.title), matcher.match(each.help) * 0.6)
            if score > 0:
                yield Hit(score, matcher.highlight(each.title) + each.rest, each.run, text=each.title)


def _key_and_help(each: Action, keymap: KeyMap) -> Content:
    return Content.assemble(
        " " * max(1, TITLE_CELLS - len(each.title)),
        (f"{keymap.text(each.id):<{KEY_CELLS}}", "bold $text-primary"),
        (each.help, "$gale-muted"),
    )
