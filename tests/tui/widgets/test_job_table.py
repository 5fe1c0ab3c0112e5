"""The table of jobs: what it shows, where its cursor is, and what little it sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import MouseScrollDown
from textual.pilot import Pilot

from gale_tui.core.models import Download, DownloadProgress, DownloadState, Job, JobState
from gale_tui.tui import theme
from gale_tui.tui.formatting.job_text import JobFacts
from gale_tui.tui.widgets.tables.columns import COLUMNS, columns_for
from gale_tui.tui.widgets.tables.job_table import JobTable
from tests.tui.jobs_for_tests import NOON, WidgetApp, added, changed, forgotten, job, shown, utc


@pytest.fixture(autouse=True)
def in_utc() -> Iterator[None]:
    with utc():
        yield


class TableApp(WidgetApp):
    """An app with the table alone."""

    def __init__(self, jobs: list[Job], *, theme_name: str = theme.DARK) -> None:
        self.progress: dict[str, DownloadProgress] = {}
        self.table = JobTable(id="jobs", facts_of=lambda each, now: JobFacts(each, now, self.progress.get(each.id)))
        self.table.tick(NOON)
        self.table.set_jobs(jobs)
        super().__init__(self.table, theme_name=theme_name)

    def on_row_scroll_highlighted(self, message: JobTable.Highlighted) -> None:
        self.messages.append(("highlighted", current(self)))

    def on_row_scroll_opened(self, message: JobTable.Opened) -> None:
        self.messages.append(("opened", current(self)))


def current(app: TableApp) -> str | None:
    return app.table.current.id if app.table.current else None


def cursor_line(app: TableApp) -> int:
    """The line of the widget that the cursor is on."""
    row = app.table.cursor_row()
    assert row is not None
    return row - app.table.scroll_offset.y + 1


async def sent_by(app: TableApp, pilot: Pilot[None]) -> int:
    """Bytes that the terminal would get for what was done since `app.sent` was cleared."""
    await pilot.pause()
    return len("".join(app.sent).encode())


def titles(app: TableApp) -> list[str]:
    return re.findall(r"Tool \d+", "\n".join(shown(app.table)))


JOBS = [job(number) for number in range(1, 6)]


async def test_rows_are_newest_first_under_a_header() -> None:
    app = TableApp(list(reversed(JOBS)))
    async with app.run_test(size=(100, 12)):
        lines = shown(app.table)

        assert lines[0].split() == ["Tool", "Env", "Started", "▼", "Status", "Elapsed", "File"]
        assert titles(app) == ["Tool 1", "Tool 2", "Tool 3", "Tool 4", "Tool 5"]
        assert lines[1].split() == ["●", "Tool", "1", "staging", "11:59:00", "IN_PROGRESS", "1:00"]
        assert current(app) == "job-1"


@pytest.mark.parametrize("width", range(50, 240, 3))
async def test_every_line_is_as_wide_as_the_table(width: int) -> None:
    columns = columns_for(width)
    ends = [column.x + column.width for column in columns]

    assert all(end < column.x for end, column in zip(ends, columns[1:], strict=False))
    assert all(column.width > 0 for column in columns)
    assert ends[-1] <= width


@pytest.mark.parametrize(("width", "missing"), [(60, {"environment", "started"}), (80, set()), (160, set())])
def test_columns_follow_the_width(width: int, missing: set[str]) -> None:
    assert {column.name for column in columns_for(width)} == {"glyph", *COLUMNS} - missing


async def test_a_line_never_exceeds_a_narrow_table() -> None:
    app = TableApp([job(label="人事" * 40, environment_name="e" * 90, status="S" * 90, reason="r" * 900)])
    for width in (20, 33, 80):
        async with app.run_test(size=(width, 5)):
            assert {app.table.render_line(y).cell_length for y in range(5)} == {width}
        app = TableApp([job(label="人事" * 40, environment_name="e" * 90, status="S" * 90, note="n" * 900)])


async def test_keys_move_the_cursor() -> None:
    app = TableApp([job(number) for number in range(1, 31)])
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.focus()
        expected = {
            "j": 2,
            "down": 3,
            "k": 2,
            "up": 1,
            "pagedown": 11,
            "pageup": 1,
            "G": 30,
            "g": 1,
            "end": 30,
            "home": 1,
        }
        for key, number in expected.items():
            await pilot.press(key)
            assert current(app) == f"job-{number}", key
            assert 1 <= cursor_line(app) <= 10
        await pilot.press("up", "enter")
        assert app.messages[-1] == ("opened", "job-1")


async def test_the_mouse_selects_opens_and_scrolls() -> None:
    app = TableApp([job(number) for number in range(1, 31)])
    async with app.run_test(size=(80, 11)) as pilot:
        await pilot.click(JobTable, offset=(10, 3))
        assert current(app) == "job-3"
        await pilot.click(JobTable, offset=(10, 4), times=2)
        assert app.messages[-1] == ("opened", "job-4")
        app.table._on_mouse_scroll_down(_wheel(app.table))
        await pilot.pause()
        assert app.table.scroll_offset.y > 0
        assert current(app) == "job-4"
        before = list(app.messages)
        await pilot.click(JobTable, offset=(0, 0))
        await pilot.click(JobTable, offset=(79, 5))
        assert app.messages == before


def _wheel(table: JobTable) -> MouseScrollDown:
    return MouseScrollDown(table, 5, 5, 0, 0, 0, False, False, False)


async def test_the_cursor_stays_on_its_job() -> None:
    app = TableApp(JOBS)
    async with app.run_test(size=(80, 12)) as pilot:
        app.table.select("job-3")
        app.table.apply(added(job(0)))
        assert current(app) == "job-3"
        app.table.set_sort("tool", reverse=True)
        assert current(app) == "job-3"
        app.table.set_jobs([*JOBS, job(7)])
        assert current(app) == "job-3"
        app.table.set_filter(lambda each: each.id in ("job-3", "job-5"))
        assert current(app) == "job-3"
        await pilot.pause()
        assert titles(app) == ["Tool 5", "Tool 3"]


async def test_a_new_job_comes_on_top_and_the_view_is_steady_elsewhere() -> None:
    app = TableApp([job(number) for number in range(1, 31)])
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.apply(added(job(0)))
        await pilot.pause()
        assert titles(app)[:2] == ["Tool 0", "Tool 1"]
        assert cursor_line(app) == 2

        await pilot.press("G")
        before = shown(app.table)[1:]
        app.table.apply(added(job(-1)))
        await pilot.pause()
        assert shown(app.table)[1:] == before
        assert current(app) == "job-30"


async def test_the_cursor_at_the_bottom_is_not_pushed_out() -> None:
    app = TableApp([job(number) for number in range(1, 31)])
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.select("job-10")
        assert cursor_line(app) == 10
        app.table.apply(added(job(0)))
        await pilot.pause()
        assert cursor_line(app) == 10


async def test_forgetting_moves_the_cursor_to_what_took_the_place() -> None:
    app = TableApp(JOBS)
    async with app.run_test(size=(80, 12)) as pilot:
        for gone, then in (("job-2", "job-3"), ("job-5", "job-3")):
            app.table.select(gone) if gone == "job-2" else None
            app.table.apply(forgotten(next(each for each in JOBS if each.id == gone)))
            await pilot.pause()
            assert current(app) == then
        for number in (3, 4, 1):
            app.table.apply(forgotten(job(number)))
        await pilot.pause()
        assert current(app) is None
        assert app.messages[-1] == ("highlighted", None)
        app.table.apply(forgotten(job(99)))
        app.table.apply(added(job(6)))
        await pilot.pause()
        assert current(app) == "job-6"
        assert titles(app) == ["Tool 6"]


async def test_forgetting_at_the_end_leaves_no_gap() -> None:
    app = TableApp([job(number) for number in range(1, 31)])
    async with app.run_test(size=(80, 11)) as pilot:
        await pilot.press("G")
        for number in (2, 30, 29):
            app.table.apply(forgotten(job(number)))
        await pilot.pause()
        assert titles(app) == [f"Tool {number}" for number in range(19, 29)]
        assert current(app) == "job-28"


async def test_changes_keep_rows_where_they_are_until_sorted_again() -> None:
    app = TableApp(JOBS)
    async with app.run_test(size=(80, 12)):
        app.table.set_sort("status", reverse=False)
        app.table.apply(changed(replace(JOBS[0], state=JobState.SUCCEEDED, status="SUCCESS")))
        assert titles(app) == ["Tool 1", "Tool 2", "Tool 3", "Tool 4", "Tool 5"]
        app.table.set_sort("status", reverse=False)
        assert titles(app) == ["Tool 2", "Tool 3", "Tool 4", "Tool 5", "Tool 1"]
        app.table.apply(added(job(6)))
        assert titles(app) == ["Tool 2", "Tool 3", "Tool 4", "Tool 5", "Tool 6", "Tool 1"]
        with pytest.raises(KeyError, match="nonsense"):
            app.table.set_sort("nonsense", reverse=False)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("reverse", [False, True])
async def test_inserting_one_by_one_gives_the_order_of_sorting_all(column: str, reverse: bool) -> None:
    jobs = [
        job(
            number,
            label=f"Tool {number * 7 % 10}",
            environment_name=f"env {number % 3}",
            state=list(JobState)[number % 8],
            ended_at=NOON if number % 2 else None,
        ).with_download(size=number * 13 % 5)
        for number in range(1, 20)
    ]
    whole, single = JobTable(), JobTable()
    whole.set_sort(column, reverse)
    single.set_sort(column, reverse)
    whole.set_jobs(jobs)
    for each in jobs:
        single.apply(added(each))

    assert [whole.rows.at(row).id for row in range(19)] == [single.rows.at(row).id for row in range(19)]


async def test_a_filter_takes_in_and_lets_go_without_stealing_the_row_under_the_cursor() -> None:
    app = TableApp(JOBS)
    async with app.run_test(size=(80, 12)) as pilot:
        app.table.set_filter(lambda each: each.state is JobState.RUNNING)
        app.table.select("job-2")
        for number in (2, 4):
            app.table.apply(changed(job(number, state=JobState.SUCCEEDED, status="SUCCESS")))
        assert titles(app) == ["Tool 1", "Tool 2", "Tool 3", "Tool 5"]
        app.table.apply(added(job(6, state=JobState.FAILED, status="FAILED")))
        assert current(app) == "job-2"
        app.table.action_cursor_down()
        assert titles(app) == ["Tool 1", "Tool 3", "Tool 5"]
        assert current(app) == "job-3"
        app.table.apply(changed(job(6)))
        assert titles(app) == ["Tool 1", "Tool 3", "Tool 5", "Tool 6"]
        app.table.set_filter(None)
        await pilot.pause()
        assert titles(app) == ["Tool 1", "Tool 2", "Tool 3", "Tool 4", "Tool 5", "Tool 6"]
        assert current(app) == "job-3"


async def test_empty_states_say_what_to_do() -> None:
    app = TableApp([])
    async with app.run_test(size=(80, 12)) as pilot:
        assert "No exports yet" in "".join(shown(app.table))
        app.table.empty_text = "No environment yet\nPress c to add one."
        await pilot.pause()
        assert "Press c to add one." in "".join(shown(app.table))
        app.table.set_jobs(JOBS)
        app.table.set_filter(lambda each: False)
        await pilot.pause()
        assert "Nothing matches" in "".join(shown(app.table))
        assert current(app) is None
        await pilot.press("down", "G", "enter", "pageup")
        app.table.set_filter(None)
        assert current(app) == "job-1"


async def test_marks_are_shown_and_go_with_their_jobs() -> None:
    app = TableApp(JOBS)
    async with app.run_test(size=(80, 12)):
        app.table.toggle_mark("job-2")
        app.table.toggle_mark("job-3")
        app.table.toggle_mark("job-3")
        assert app.table.marked == {"job-2"}
        assert [line[0] for line in shown(app.table)[1:4]] == [" ", "◆", " "]
        app.table.apply(forgotten(JOBS[1]))
        assert app.table.marked == set()


async def test_production_is_seen_without_colours() -> None:
    app = TableApp(
        [job(1, environment_name="live", production=True), job(2, environment_name="PROD-EU", production=True)]
    )
    async with app.run_test(size=(80, 12)):
        assert "!live" in shown(app.table)[1]
        assert "PROD-EU" in shown(app.table)[2]
        assert "!" not in shown(app.table)[2]


async def test_a_status_change_sends_at_most_250_bytes_and_the_same_again_nothing() -> None:
    jobs = [job(number, label=f"Banking Assistant {number}") for number in range(1, 31)]
    app = TableApp(jobs)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        done = replace(jobs[4], state=JobState.SUCCEEDED, status="SUCCESS", ended_at=NOON)
        saved = done.with_download(state=DownloadState.SAVED, size=1_234_567, path=Path("/d/Banking Assistant.zip"))
        changes = [
            replace(jobs[4], percentage=42.0),
            replace(jobs[0], percentage=42.0),
            done,
            saved,
            replace(jobs[6], state=JobState.FAILED, status="FAILED", reason="node n3 has no model", ended_at=NOON),
        ]
        for each in changes:
            app.sent.clear()
            app.table.apply(changed(each))
            assert 0 < await sent_by(app, pilot) <= 250
            app.sent.clear()
            app.table.apply(changed(each))
            app.table.apply(changed(replace(each, last_asked_at=NOON, revision=9)))
            assert await sent_by(app, pilot) == 0
        app.table.apply(changed(replace(jobs[29], percentage=42.0)))
        assert await sent_by(app, pilot) == 0


async def test_a_tick_repaints_the_selected_row_each_second_and_others_every_five() -> None:
    app = TableApp(JOBS)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        elapsed = []
        for second in range(1, 6):
            app.sent.clear()
            app.table.tick(NOON + second)
            await pilot.pause()
            # Of each only the digit that changed, where it stands.
            elapsed.append(len(re.findall(r"\x1b\[\d+;\d+H", "".join(app.sent))))
        assert elapsed == [1, 1, 1, 1, 5]


async def test_what_finished_does_not_tick() -> None:
    app = TableApp([job(1, state=JobState.SUCCEEDED, status="SUCCESS", ended_at=NOON - 10)])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.sent.clear()
        for second in range(1, 12):
            app.table.tick(NOON + second)
            await pilot.pause()
        assert app.sent == []


async def test_a_row_that_scrolls_into_view_is_up_to_date() -> None:
    jobs = [job(number) for number in range(1, 31)]
    app = TableApp(jobs)
    async with app.run_test(size=(80, 11)) as pilot:
        await pilot.press("G")
        await pilot.press("g")
        app.table.apply(changed(replace(jobs[29], status="PAUSED_AT_HOST")))
        app.table.tick(NOON + 3)
        await pilot.press("G")
        last = shown(app.table)[10]
        assert "PAUSED_AT_HOST" in last
        assert "30:03" in last


async def test_a_row_that_comes_back_into_view_is_up_to_date() -> None:
    jobs = [job(number) for number in range(1, 31)]
    app = TableApp(jobs)
    async with app.run_test(size=(80, 11)) as pilot:
        await pilot.pause()
        app.table.apply(added(job(0)))
        await pilot.pause()
        app.table.apply(changed(replace(jobs[9], status="PAUSED_AT_HOST")))
        app.table.apply(forgotten(job(0)))
        await pilot.pause()
        assert "PAUSED_AT_HOST" in shown(app.table)[10]

        await pilot.resize_terminal(80, 6)
        await pilot.pause()
        app.table.apply(changed(replace(jobs[9], status="GOING_ON")))
        await pilot.resize_terminal(80, 11)
        await pilot.pause()
        assert "GOING_ON" in shown(app.table)[10]


async def test_progress_is_shown() -> None:
    busy = job(1, state=JobState.SUCCEEDED, status="SUCCESS", download=Download(DownloadState.RUNNING, size=1000))
    app = TableApp([busy, *JOBS[1:]])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.sent.clear()
        app.progress["job-1"] = DownloadProgress(990, 1000, 10.0)
        app.table.repaint_jobs(["job-1"])
        assert 0 < await sent_by(app, pilot) <= 120
        assert "↓ 99 % 10 B/s 0:01" in shown(app.table)[1]
        app.table.apply(changed(replace(busy, download=Download(DownloadState.SAVED, size=1000))))
        assert "saved 1.0 kB" in shown(app.table)[1]


async def test_focus_is_seen() -> None:
    app = TableApp(JOBS)
    async with app.run_test(size=(80, 12)) as pilot:
        app.table.focus()
        await pilot.pause()
        focused = app.table.render_line(1)
        app.screen.set_focus(None)
        await pilot.pause()
        blurred = app.table.render_line(1)
        other = app.table.render_line(2)
        backgrounds = {next(iter(line)).style.bgcolor for line in (focused, blurred, other)}  # type: ignore[union-attr]  # our segments have one
        assert len(backgrounds) == 3


async def test_another_theme_recolours_every_line() -> None:
    app = TableApp(JOBS)
    async with app.run_test(size=(80, 12)) as pilot:
        before = [app.table.render_line(y) for y in range(12)]
        app.theme = theme.LIGHT
        await pilot.pause()
        after = [app.table.render_line(y) for y in range(12)]
        assert [line.text for line in before] == [line.text for line in after]
        assert all(one != other for one, other in zip(before, after, strict=True))


async def test_without_colour_the_cursor_is_reversed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = TableApp(JOBS)
    async with app.run_test(size=(80, 12)) as pilot:
        app.table.focus()
        await pilot.pause()
        assert all(segment.style and segment.style.reverse for segment in app.table.render_line(1))
        assert not any(segment.style and segment.style.reverse for segment in app.table.render_line(2))
