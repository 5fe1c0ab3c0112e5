"""The line at the top: the GALE for new exports, its key, and the counts of the jobs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from gale_tui.core.models import Environment
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.formatting import glyphs
from gale_tui.tui.formatting.job_counts import JobCounts
from gale_tui.tui.formatting.pieces import Piece, Tone, plain_text
from gale_tui.tui.formatting.quantities import clip
from gale_tui.tui.widgets.toned import TonedWidget

TITLE = " gale-tui"
_ENVIRONMENT_TONES = (Tone.BADGE, Tone.BADGE_EDGE, Tone.DANGER_BADGE, Tone.DANGER_EDGE)
LEAST_HOST = 12
"""Cells of the host below which it is left out."""


class HeaderBar(TonedWidget):
    """The first line of the screen."""

    DEFAULT_CSS = """
    HeaderBar {
        height: 1;
        width: 1fr;
        background: $panel;
        color: $foreground;
    }
    """

    auto_links = False

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Environment | None, str, JobCounts, Sequence[str]] = (None, "", JobCounts(), ())

    def show(self, environment: Environment | None, key: str, counts: JobCounts, badges: Sequence[str]) -> None:
        """Shows the environment for new exports, where its key lives, the counts, and words like DEMO or PAUSED."""
        self._shown = environment, key, counts, badges
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base = self.style_of(Tone.TEXT)
        clicks = dict.fromkeys(_ENVIRONMENT_TONES, Style.from_meta({"@click": "screen.switch_environment"}))
        segments = [
            Segment(piece.text, self.style_of(piece.tone) + clicks.get(piece.tone))
            for piece in self._pieces(width)
            if piece.text
        ]
        return Strip(segments).adjust_cell_length(width, base).simplify()

    def _pieces(self, width: int) -> list[Piece]:
        environment, key, counts, badges = self._shown
        separator = Piece(f" {glyphs.DOT} ", Tone.MUTED)
        right = [Piece(f"{counts.running} running", Tone.RUNNING if counts.running else Tone.MUTED)]
        if counts.failed:
            right += [separator, Piece(f"{counts.failed} failed", Tone.ERROR)]
        right += [separator, Piece(f"{counts.saved} saved", Tone.MUTED)]
        left = [Piece(TITLE, Tone.TITLE), Piece("  ")]
        if environment is None:
            left.append(Piece("no environment", Tone.MUTED))
        else:
            # PROD is shown even if the environment's name does not contain it.
            name = inert(environment.name, 60).upper()
            if environment.production and "PROD" not in name:
                name = f"PROD {name}"
            tone = Tone.DANGER_BADGE if environment.production else Tone.BADGE
            left += self._badge(clip(name, max(12, width // 4)), tone)
        for badge in badges:
            left += [Piece(" "), *self._badge(inert(badge, 20), Tone.NOTICE_BADGE)]
        room = width - 1 - cell_len(plain_text(left))
        while cell_len(plain_text(right)) + 2 > room and right:
            del right[-2:]
        # In steps of four cells: one more digit in a count should not move the rest of the line.
        room -= -4 * (-(cell_len(plain_text(right)) + 2) // 4)
        left += self._place(environment, key, room)
        gap = width - 1 - cell_len(plain_text([*left, *right]))
        return [*left, Piece(" " * max(1, gap)), *right, Piece(" ")]

    def _place(self, environment: Environment | None, key_text: str, room: int) -> list[Piece]:
        """Host and key in at most `room` cells: the host is shortened first, then the key, then both are left out."""
        host = inert(environment.origin.display, 253) if environment is not None else ""
        full = inert(key_text, 40)
        short, colon, rest = full.partition(": ")
        full = f"{short} ({rest})" if colon else full
        for key in (full, short, ""):
            tail = f" {glyphs.DOT} key: {key}" if key else ""
            least = cell_len(host) if key == full != short else min(LEAST_HOST, cell_len(host))
            free = room - 1 - cell_len(tail)
            if host and free >= least:
                return [Piece(f" {clip(host, free)}"), Piece(tail, Tone.MUTED)]
        return []

    def _badge(self, text: str, tone: Tone) -> list[Piece]:
        """A word on its own background, which reaches half a cell to either side."""
        edge = Tone(f"{tone} edge")
        return [Piece(glyphs.BADGE_LEFT, edge), Piece(text, tone), Piece(glyphs.BADGE_RIGHT, edge)]
