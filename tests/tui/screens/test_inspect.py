"""Looking into a saved export, in the app itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from gale_tui.tui.formatting.pieces import Line, Piece, Tone, plain_text, wrap_words
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.screens.saved_file import pages
from gale_tui.tui.screens.saved_file.compare import CompareScreen
from gale_tui.tui.screens.saved_file.inspect import InspectScreen
from gale_tui.tui.widgets.pages.inspect_lines import document_lines
from gale_tui.tui.widgets.pages.text_page import TextPage
from gale_tui.tui.widgets.pages.view_bar import ViewBar
from tests.support.sandbox import Sandbox
from tests.support.saved_exports import documents
from tests.tui.real_app import until
from tests.tui.saved_jobs import export_versions, page_text, replace_file, running, sandboxed

HOSTILE = "[red]\x1b]0;x\x07\u202eBot\x9b31m"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    yield from sandboxed()


async def test_i_shows_the_tool_in_the_saved_file_and_values_only_when_asked_for(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        (job,) = await export_versions(pilot, engine, sandbox, 1)
        await until(pilot, lambda: app.jobs_screen.table.current is not None)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, InspectScreen) and "SHA-256" in page_text(app))
        text = page_text(app)
        assert job.download.sha256 is not None
        assert job.download.sha256 in text
        assert "unchanged since saved" in text
        for words in ("flow_definition.json", "version 1.4.0", "gpt-4o-mini (2 nodes)", "Prompt injection", "CURRENCY"):
            assert words in text
        assert "api          3  Read balance, Card state, Create transfer draft" in text
        for _ in range(4):
            assert "core.bank.example" not in page_text(app)
            await pilot.press("tab")
            await pilot.pause(0.05)
        assert "SHA-256" in page_text(app), "round to the first part"
        await pilot.press("v")
        await until(pilot, lambda: "https://core.bank.example/api/v2" in page_text(app))
        await pilot.press("shift+tab")
        await until(pilot, lambda: '"value": "https://core.bank.example/api/v2"' in page_text(app))
        await pilot.press("v")
        await until(pilot, lambda: '"value": "••••"' in page_text(app))
        assert "core.bank" not in page_text(app)

        # A part can be clicked.
        assert '"deployedFlow"' not in page_text(app)
        await pilot.click(ViewBar, offset=(40, 0))
        await until(pilot, lambda: '"deployedFlow"' in page_text(app))

        # The only export is compared with nothing.
        await pilot.press("c")
        assert not isinstance(app.screen, CompareScreen)
        assert any("only one saved export" in each.message for each in app._notifications)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))


async def test_a_file_that_is_read_while_the_screen_closes_is_shown_to_nobody(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = asyncio.Event()

    async def read(screen: InspectScreen, path: Path | None) -> None:
        await removed.wait()

    monkeypatch.setattr(InspectScreen, "read", read)
    monkeypatch.setattr(ViewBar, "on_unmount", lambda bar: removed.set(), raising=False)
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        await export_versions(pilot, engine, sandbox, 1)
        await until(pilot, lambda: app.jobs_screen.table.current is not None)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, InspectScreen))
        await pilot.press("escape")
        await asyncio.wait_for(removed.wait(), 20)
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))


async def test_the_keys_move_the_page_and_search_finds_marks_and_steps(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(tmp_path, sandbox, (80, 24)) as (app, pilot, engine):
        (job,) = await export_versions(pilot, engine, sandbox, 1)
        app.push_screen(InspectScreen(job))
        await until(pilot, lambda: isinstance(app.screen, InspectScreen) and "SHA-256" in page_text(app))
        page = app.screen.query_one("#page", TextPage)
        places = []
        for key in ("j", "down", "k", "pagedown", "G", "pageup", "g"):
            await pilot.press(key)
            await pilot.pause()
            places.append(page.scroll_offset.y)
        assert places[:3] == [1, 2, 1]
        assert places[3] > 10
        assert places[4] == page.max_scroll_y
        assert places[5] < places[4]
        assert places[6] == 0

        await pilot.press("l")
        await until(pilot, lambda: '"nodes": [' in page_text(app))
        await pilot.press("slash", *"GPT-4O")
        await until(pilot, lambda: page.border_subtitle == "1 of 2 lines")
        top = page.scroll_offset.y
        await pilot.press("enter", "n")
        assert page.border_subtitle == "2 of 2 lines"
        assert page.scroll_offset.y > top
        await pilot.press("n", "N")
        assert page.border_subtitle == "2 of 2 lines"
        await pilot.press("slash", *"zzz")
        assert page.border_subtitle == "not found"
        await pilot.press("escape")
        field = app.screen.query_one("#search", Input)
        assert not field.display
        assert page.border_subtitle in ("", None)
        assert isinstance(app.screen, InspectScreen)

        # Words are found across a broken line.
        assert "friendly sentence. Do not guess" not in page_text(app)
        for words, count in (("sentence. Do not guess", 1), ("sentence.  Do not", 0), ("friendly sentence", 1)):
            page.search(words)
            assert len(page._found) == count, words
        (line,) = page._found
        page.search("sentence. do not")
        marked = [
            "".join(segment.text for segment in page.line_segments(y) if segment.style and segment.style.bold)
            for y in (line, line + 1)
        ]
        assert marked == ["sentence.", "Do not"]


async def test_hostile_text_stays_text(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        (job,) = await export_versions(pilot, engine, sandbox, 1)
        made = documents()
        flow = made["flow_definition.json"]
        flow["name"] = made["app_definition.json"]["name"] = made["app_definition.json"]["description"] = HOSTILE
        flow["nodes"][1]["name"] = flow["nodes"][1]["type"] = flow["nodes"][1]["config"]["model"] = HOSTILE
        made["env_variables.json"]["environmentVariables"][0]["name"] = HOSTILE
        made[f"{HOSTILE}.json"] = {HOSTILE: HOSTILE}
        replace_file(job, made)
        app.push_screen(InspectScreen(job))
        await until(pilot, lambda: isinstance(app.screen, InspectScreen) and "SHA-256" in page_text(app))
        assert "changed since saved" in page_text(app)
        for _ in range(5):
            text = page_text(app)
            assert not [each for each in text if each != "\n" and not each.isprintable()]
            assert "Bot" in text or '"flowId"' not in text
            assert "\x1b]" not in app.export_screenshot()
            await pilot.press("tab")
            await pilot.pause(0.05)


async def test_a_file_that_cannot_be_shown_is_said(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        (job,) = await export_versions(pilot, engine, sandbox, 1)
        path = job.download.path
        assert path is not None

        async def is_said(words: str) -> None:
            app.push_screen(InspectScreen(job))
            await until(pilot, lambda: isinstance(app.screen, InspectScreen))
            await until(pilot, lambda: words in page_text(app).replace("\n", " "))
            await pilot.press("tab", "v", "equals_sign")
            assert isinstance(app.screen, InspectScreen)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, JobsScreen))

        path.write_bytes(path.read_bytes()[:-30])
        await is_said("damaged")
        replace_file(job, {"readme.txt": b"hello"})
        await is_said("none of the three files")
        path.unlink()
        await is_said("is not there")


async def test_leaving_ends_the_reading(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        (job,) = await export_versions(pilot, engine, sandbox, 1)
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()

        def reading(path: Path, *, checkpoint: Callable[[], None]) -> None:
            try:
                while True:
                    checkpoint()
            finally:
                loop.call_soon_threadsafe(ended.set_result, True)

        monkeypatch.setattr(pages, "read_contents", reading)
        await app.push_screen(InspectScreen(job))
        await pilot.pause(0.05)
        assert not ended.done()
        await pilot.press("escape")
        assert await asyncio.wait_for(ended, 20)


# Lines


@pytest.mark.parametrize("width", [10, 17, 40])
@pytest.mark.parametrize(
    "text", ["", "a b c", "word " * 30, "x" * 95, "日本語 テスト " * 9, "   indented text " * 5, "a" * 9 + "日" * 9]
)
def test_long_lines_are_broken_and_nothing_is_lost(text: str, width: int) -> None:
    line: Line = (Piece("  - "), Piece(text[:7]), Piece(text[7:], Tone.SUCCESS, True))
    rows = [plain_text(each) for each in wrap_words(line, width, "    ")]
    joined = "".join(rows).replace(" ", "")
    assert joined == plain_text(line).replace(" ", "")
    assert all(cell_len(row) <= width for row in rows)


def test_a_line_is_broken_after_a_gap_that_is_a_piece_of_its_own() -> None:
    line: Line = (Piece("+ "), Piece("one two three"), Piece(" "), Piece("four five", Tone.SUCCESS, True))
    assert [plain_text(each) for each in wrap_words(line, 18, "  ")] == ["+ one two three ", "  four five"]


def test_json_is_coloured_by_its_keys_and_wrapped_between_words() -> None:
    lines = document_lines(['  "prompt": "one two three four five six seven"'], 24)
    assert lines[0][1] == Piece('"prompt":', Tone.RUNNING)
    assert [plain_text(each) for each in lines] == ['  "prompt": "one two', "    three four five six", '    seven"']


def test_what_a_prompt_fills_in_and_values_of_json_have_tones_of_their_own() -> None:
    lines = document_lines(['  "prompt": "Read {{context.input}} first",', '  "timeout": 60,'], 80)
    tones = {span.text: span.tone for line in lines for span in line}
    assert tones["{{context.input}}"] is Tone.SUCCESS
    assert tones["60"] is Tone.WARNING
    assert tones['"prompt":'] is Tone.RUNNING
