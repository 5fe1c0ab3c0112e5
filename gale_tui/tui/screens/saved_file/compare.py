"""The screen that compares two saved exports of a tool."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import work

from gale_tui.core.archive.comparison import Comparison, compare
from gale_tui.core.models import DownloadState, Job
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.actions import Place
from gale_tui.tui.formatting.pieces import Piece
from gale_tui.tui.formatting.quantities import count_text
from gale_tui.tui.screens.saved_file.pages import PageScreen
from gale_tui.tui.widgets.pages.compare_lines import comparison_lines


def saved_exports(jobs: Iterable[Job], like: Job) -> list[Job]:
    """The saved exports of the same tool, newest first, each file once."""
    found: dict[object, Job] = {}
    # Of several jobs with one file the given one counts, else the newest.
    for job in sorted(jobs, key=lambda job: (job.id == like.id, _saved_at(job)), reverse=True):
        download = job.download
        if job.tool_id == like.tool_id and download.path is not None and download.state is DownloadState.SAVED:
            found.setdefault(download.path, job)
    return sorted(found.values(), key=_saved_at, reverse=True)


def comparison(jobs: Iterable[Job], job: Job, marked: Sequence[Job] = ()) -> CompareScreen | str:
    """The screen that compares a job's file with the export before it, or why there is none.

    Args:
        job: One of them; where it has no file, the tool's last two are compared.
        marked: Two of them to compare instead, for example of one tool in two environments.
    """
    other = next((each for each in marked or (job,) if not each.kind.holds_tool), None)
    if other is not None:
        return f"{other.title} is a {other.kind}, not a tool: there is nothing to compare."
    if len(marked) > 2:
        return f"{len(marked)} jobs are marked; mark two of them to compare, or none."
    if len(marked) == 2:
        for each in marked:
            if each.download.path is None or each.download.state is not DownloadState.SAVED:
                return f"{inert(each.title, 60)} has no saved file to compare."
        return CompareScreen(sorted(marked, key=_saved_at, reverse=True), 1, 0)
    saved = saved_exports(jobs, job)
    if len(saved) < 2:
        many = "only one saved export" if saved else "no saved export"
        return f"There is {many} of {inert(job.title, 60)} yet; two are needed to compare."
    at = next((number for number, each in enumerate(saved) if each.id == job.id), 0)
    # The list is newest first, so the earlier export comes next. The oldest is compared with the one after it.
    before, after = (at + 1, at) if at + 1 < len(saved) else (at, at - 1)
    return CompareScreen(saved, before, after, jump=True)


def _saved_at(job: Job) -> float:
    return job.download.saved_at or job.ended_at or job.created_at


class CompareScreen(PageScreen):
    """Nodes, prompts, guardrails and variables that differ between two of a tool's saved exports.

    Args:
        saved: All of them, newest first.
        after: Number of the later one, less than `before`.
        jump: True to go further back, to the last export that differs.
    """

    PLACE = Place.COMPARE

    def __init__(self, saved: Sequence[Job], before: int, after: int, *, jump: bool = False) -> None:
        super().__init__()
        self._jump = jump
        self._saved = tuple(saved)
        self._before, self._after = before, after
        self._comparison: Comparison | None = None
        self._values = False

    def on_mount(self) -> None:
        self._compare(jump=self._jump)

    def _show_title(self) -> None:
        number = len(self._saved)
        self.page.border_title = (
            f"{inert(self._saved[self._after].title, 50)}: "
            f"export {number - self._before} and {number - self._after} of {number}"
        )

    @work(group="read", exclusive=True)
    async def _compare(self, *, jump: bool = False) -> None:
        self._show_title()
        self._comparison = None
        self.page.show(lambda _: [(Piece("Reading both files …"),)])
        after = await self.read(self._saved[self._after].download.path)
        found = None
        places = range(self._before, len(self._saved)) if jump else [self._before]
        for place in places:
            before = await self.read(self._saved[place].download.path) if after is not None else None
            if after is None or before is None:
                return
            different = await DaemonThreads("compare", keep=0).call(compare, before, after)
            if found is None or not different.same:
                found = place, different
            if not different.same:
                break
        if found is None:
            return
        skipped = found[0] - self._before
        self._before, self._comparison = found
        self._show_title()
        self._show()
        if skipped:
            self.gale.say(f"Skipped {count_text(skipped, 'export')} without a difference.")

    def _show(self, *, keep_place: bool = False) -> None:
        comparison = self._comparison
        if comparison is None:
            return
        before, after = self._saved[self._before], self._saved[self._after]
        now, values, key = self.engine.clock.time(), self._values, self.key("compare_values")
        self.page.show(
            lambda width: comparison_lines(comparison, before, after, width, now=now, values=values, key=key),
            keep_place=keep_place,
        )

    def action_earlier(self) -> None:
        """Compares the later one with an export further back."""
        if self._before + 1 >= len(self._saved):
            self.gale.say("No earlier saved export of this tool.")
            return
        self._before += 1
        self._compare()

    def action_later(self) -> None:
        """Compares with an export closer by; from neighbours moves both of them on."""
        if self._before - 1 > self._after:
            self._before -= 1
        elif self._after > 0:
            self._before, self._after = self._after, self._after - 1
        else:
            self.gale.say("No later saved export of this tool.")
            return
        self._compare()

    def action_values(self) -> None:
        self._values = not self._values
        self._show(keep_place=True)
