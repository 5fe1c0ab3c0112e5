"""The palette: every action of where one is, found by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from gale_tui.tui.actions import Action, actions_for, key_text

if TYPE_CHECKING:
    from gale_tui.tui.app import GaleApp

__all__ = ["GaleCommands"]


class GaleCommands(Provider):
    """Offers the actions of the screen below, then those that work everywhere."""

    @property
    def _actions(self) -> list[Action]:
        return [each for each in actions_for(self.screen) if each.palette]

    def _words(self, each: Action) -> str:
        key = f"  {key_text(each.keys[0])}" if each.keys else ""
        return f"{each.title}{key}"

    async def _run(self, each: Action) -> None:
        await cast("GaleApp", self.app).screen.run_action(each.name)

    async def discover(self) -> Hits:
        """All of them, while nothing is typed."""
        for each in self._actions:
            yield DiscoveryHit(self._words(each), partial(self._run, each), text=each.title, help=each.help)

    async def search(self, query: str) -> Hits:
        """Those whose title or help matches."""
        matcher = self.matcher(query)
        for each in self._actions:
            score = max(matcher.match(each.title), matcher.match(each.help) * 0.6)
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(self._words(each)),
                    partial(self._run, each),
                    text=each.title,
                    help=each.help,
                )
