"""The kept sets in the palette."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import Hit, Hits, Provider
from textual.content import Content

from gale_tui.core.errors import GaleError
from gale_tui.core.history.sets import ToolSet

if TYPE_CHECKING:
    from gale_tui.tui.context import AppContext

__all__ = ["SetCommands"]


class SetCommands(Provider):
    """Offers to run each set; it is looked at once more before it starts."""

    _sets: tuple[ToolSet, ...] = ()

    async def startup(self) -> None:
        """Reads the sets."""
        try:
            self._sets = tuple(await cast("AppContext", self.app).engine.sets.all())
        except GaleError:
            self._sets = ()

    def _open(self, each: ToolSet) -> None:
        cast("AppContext", self.app).batch.open(opened=each)

    async def discover(self) -> Hits:
        """All sets, while nothing is typed."""
        from textual.command import DiscoveryHit

        for each in self._sets:
            yield DiscoveryHit(_line(each, None), partial(self._open, each), text=_title(each))

    async def search(self, query: str) -> Hits:
        """Those whose name matches."""
        matcher = self.matcher(query)
        for each in self._sets:
            title = _title(each)
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, _line(each, matcher.highlight(title)), partial(self._open, each), text=title)


def _title(each: ToolSet) -> str:
    return f"Run set {each.name}"


def _line(each: ToolSet, title: Content | None) -> Content:
    return Content.assemble(title or Content(_title(each)), "  ", (f"{len(each.tools)} tools", "$gale-muted"))
