"""The pane with all of one job."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from gale_tui.core.models import Download, DownloadProgress, DownloadState, Job, JobEvent, JobState
from gale_tui.tui.formatting.job_text import JobFacts
from gale_tui.tui.formatting.pieces import Line, wrap
from gale_tui.tui.widgets.pages.detail_lines import full_lines, summary_lines
from gale_tui.tui.widgets.pages.details import DetailsPane
from tests.support.clocks import START, FakeClock
from tests.tui.jobs_for_tests import NOON, WidgetApp, job, shown, utc

if TYPE_CHECKING:
    from gale_tui.core.jobs.engine import GaleEngine

EVENTS = [
    JobEvent(NOON - 86_400, "requested"),
    JobEvent(NOON - 59, "IN_PROGRESS"),
    JobEvent(NOON - 30, "SUCCESS"),
]
ANSWER = 'GET /api/public/dock-status/ds-1\n200\n{"_id":"ds-1","status":"IN_PROGRESS","name":"B\\u001b[31m\\u202eot"}'
SAVED = Download(
    DownloadState.SAVED,
    path=Path("/home/ops/Downloads/Tool 1--staging--20261124T115930Z.zip"),
    size=1_234_567,
    sha256="9f2c" * 16,
    saved_at=NOON - 29,
)


@pytest.fixture(autouse=True)
def in_utc() -> Iterator[None]:
    with utc():
        yield


def text_of(lines: list[Line]) -> str:
    return "\n".join("".join(piece.text for piece in line) for line in lines)


def full(each: Job, *, width: int = 76, progress: DownloadProgress | None = None) -> str:
    lines = full_lines(JobFacts(each, NOON, progress), EVENTS, width)
    return text_of(lines)


def test_everything_is_there() -> None:
    done = job(
        1,
        state=JobState.SUCCEEDED,
        status="SUCCESS",
        ended_at=NOON - 30,
        export_job_id="agent-ej-25",
        last_response=ANSWER,
        last_answer_at=NOON - 30,
        download=SAVED,
    )
    text = full(done)

    for part in (
        "✓ Tool 1",
        "SUCCESS",
        "Environment staging",
        "Host        staging-agent-platform.kore.ai",
        "Tool        a-00000001-1111-4222-8333-444444444444",
        "Flow        cf-00000000",
        "Dock status ds-00000001",
        "Export job  agent-ej-25",
        "Started     11:59:00",
        "Elapsed     0:30",
        "File        saved 11:59:31, 1.2 MB (1,234,567 bytes)",
        "/home/ops/Downloads/Tool 1--staging--20261124T115930Z.zip",
        "9f2c" * 16,
        "2026-11-23 12:00:00  requested",
        "11:59:01  IN_PROGRESS",
        "Last answer, 11:59:30",
        "GET /api/public/dock-status/ds-1: 200",
        '  "status": "IN_PROGRESS",',
    ):
        assert part in text
    assert text.replace("\n", "").isprintable()
    assert "\u202e" not in text


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        (job(), "File        saved when it is ready"),
        (job(save_when_ready=False), "File        not requested"),
        (job(state=JobState.SUCCEEDED), "File        d saves it"),
        (job(state=JobState.FAILED, reason="node n3 has no model"), "Reason      node n3 has no model"),
        (job(state=JobState.FAILED), "Reason      no reason given"),
        (job(state=JobState.UNCONFIRMED), "Note        GALE may have started this export."),
        (job(state=JobState.LOST, note="asked again at 12:10"), "Note        asked again at 12:10"),
        (job(production=True, environment_name="live"), "Environment PROD live"),
        (job(label="Mine", name="Theirs"), "Name        Theirs"),
        (
            job(state=JobState.SUCCEEDED, download=Download(DownloadState.RUNNING, part=Path("/d/x.zip.part"))),
            "Part        /d/x.zip.part",
        ),
        (job(last_response="no such thing"), "no such thing"),
    ],
)
def test_what_a_state_needs_to_be_said(each: Job, expected: str) -> None:
    assert expected in full(each)


def test_a_running_download_shows_its_progress() -> None:
    each = job(state=JobState.SUCCEEDED, download=Download(DownloadState.RUNNING))

    assert "↓ ████░░░░ 50 % 1.0 MB/s 0:05" in full(each, progress=DownloadProgress(5_000_000, 10_000_000, 1e6))


@pytest.mark.parametrize("width", [1, 9, 24, 40, 100])
def test_no_line_exceeds_the_width(width: int) -> None:
    each = job(
        label="人事" * 30, reason="x " * 200 + "y" * 200, state=JobState.FAILED, last_response=ANSWER, download=SAVED
    )
    lines = full(each, width=max(width, 24)).split("\n")
    summary = text_of(summary_lines(JobFacts(each, NOON), EVENTS, width, 4)).split("\n")

    assert max(map(cell_len, lines)) <= max(width, 24)
    assert len(summary) == 4


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one", 10, ["one"]),
        ("", 5, [""]),
        ("abcdefgh ij", 3, ["abc", "def", "gh", "ij"]),
        ("人事政策", 4, ["人事", "政策"]),
        ("a\nb", 9, ["a", "b"]),
    ],
)
def test_wrapping(text: str, width: int, expected: list[str]) -> None:
    assert wrap(text, width) == expected


def test_the_summary_keeps_the_latest_of_the_timeline_and_the_end_of_the_path() -> None:
    each = job(state=JobState.SUCCEEDED, status="SUCCESS", ended_at=NOON, download=SAVED)
    events = [*EVENTS, JobEvent(NOON - 29, "saved, sha256 9f2c…")]
    lines = text_of(summary_lines(JobFacts(each, NOON), events, 60, 4)).split("\n")

    assert lines[2] == "11:59:30 SUCCESS · 11:59:31 saved, sha256 9f2c…"
    assert lines[3] == "saved as …ps/Downloads/Tool 1--staging--20261124T115930Z.zip"


class Followed(dict[str, Job]):
    """An engine and its jobs, as far as the pane asks them."""

    def __init__(self, *jobs: Job) -> None:
        super().__init__({each.id: each for each in jobs})
        self.jobs = self.downloads = self.registry = self.store = self.durations = self
        self.clock = FakeClock()
        self.clock.wall_offset = NOON - START
        self.timeline = EVENTS

    async def events(self, job_id: str) -> list[JobEvent]:
        return self.timeline

    def progress(self, job_id: str) -> None:
        return None

    def usual(self, job: Job) -> None:
        return None

    def running(self) -> tuple[str, ...]:
        return ()

    def pane(self) -> DetailsPane:
        return DetailsPane(cast("GaleEngine", self), JobFacts, id="details")


async def show(pilot: Pilot[None], pane: DetailsPane, job_id: str | None = "job-1") -> None:
    pane.follow(job_id)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def test_a_job_that_the_next_one_comes_before_is_not_read(recwarn: pytest.WarningsRecorder) -> None:
    engine = Followed(job(1))
    pane = engine.pane()
    async with WidgetApp(pane).run_test(size=(80, 24)) as pilot:
        for number in range(3):
            pane.follow(f"job-{number}")
        await pilot.pause()
    gc.collect()
    assert not [each for each in recwarn if "never awaited" in str(each.message)]


async def test_only_changed_cells_are_sent() -> None:
    running = job(1, last_response=ANSWER, last_answer_at=NOON - 30, percentage=42.0)
    engine = Followed(running)
    pane = engine.pane()
    app = WidgetApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        engine.timeline = EVENTS[:2]
        await show(pilot, pane)
        while not pane.show_vertical_scrollbar:
            await pilot.pause()
        await pilot.pause()
        app.sent.clear()
        engine["job-1"] = replace(running, revision=5)
        await show(pilot, pane)
        assert app.sent == []

        engine["job-1"] = replace(running, state=JobState.SUCCEEDED, status="SUCCESS", ended_at=NOON - 30)
        engine.timeline = EVENTS
        await show(pilot, pane)
        assert 0 < len("".join(app.sent).encode()) <= 400
        assert "SUCCESS" in shown(pane)[0]
        assert "SUCCESS" in "\n".join(shown(pane)[1:])


async def test_it_scrolls_and_begins_at_the_top_with_another_job() -> None:
    long = job(1, last_response="\n".join(f"line {number}" for number in range(100)))
    engine = Followed(long, job(2))
    pane = engine.pane()
    app = WidgetApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, pane)
        pane.focus()
        await pilot.press("end")
        await pilot.pause()
        assert "line 99" in shown(pane)[-1]
        engine["job-1"] = replace(long, revision=2)
        await show(pilot, pane)
        assert "line 99" in shown(pane)[-1]
        await show(pilot, pane, "job-2")
        assert "Tool 2" in shown(pane)[0]
        await show(pilot, pane, None)
        assert "No job selected" in shown(pane)[0]
        assert "".join(shown(pane)[1:]).strip() == ""


async def test_it_wraps_anew_when_resized_and_shows_the_summary_when_low() -> None:
    pane = Followed(job(1)).pane()
    app = WidgetApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, pane)
        assert "Timeline" in "\n".join(shown(pane))
        await pilot.resize_terminal(60, 4)
        await pilot.pause()
        assert "Timeline" not in "\n".join(shown(pane))
        assert "11:59:30 SUCCESS" in shown(pane)[2]


async def test_text_is_selected_with_the_mouse() -> None:
    pane = Followed(job(1)).pane()
    app = WidgetApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, pane)
        y = next(y for y, line in enumerate(shown(pane)) if line.startswith("Tool "))
        await pilot.mouse_down(DetailsPane, offset=(12, y))
        await pilot.hover(DetailsPane, offset=(21, y))
        await pilot.mouse_up(DetailsPane, offset=(21, y))
        await pilot.pause()
        assert app.screen.get_selected_text() == "a-00000001"
        assert shown(pane)[y].startswith("Tool        a-00000001-1111")


async def test_time_passes_for_a_job_that_goes_on() -> None:
    engine = Followed(job(1))
    pane = engine.pane()
    app = WidgetApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, pane)
        assert any(line.startswith("Elapsed     1:00") for line in shown(pane))
        engine.clock.wall_offset += 5
        pane._tick()
        assert any(line.startswith("Elapsed     1:05") for line in shown(pane))
        engine["job-1"] = job(1, state=JobState.SUCCEEDED)
        await show(pilot, pane)
        before = shown(pane)
        engine.clock.wall_offset += 86_400
        pane._tick()
        assert shown(pane) == before
