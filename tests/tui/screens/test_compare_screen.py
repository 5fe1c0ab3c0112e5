"""What changed since the last export, in the app itself."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from gale_tui.cli.diff import diff
from gale_tui.cli.parser import parse
from gale_tui.core.models import Download, DownloadState, ExportRequest, Job
from gale_tui.sandbox.flows import REVISION
from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.screens.help import HelpScreen
from gale_tui.tui.screens.saved_file.compare import CompareScreen, saved_exports
from gale_tui.tui.screens.saved_file.inspect import InspectScreen
from gale_tui.tui.widgets.forms.fields import FieldInput
from gale_tui.tui.widgets.pages.text_page import TextPage
from tests.support.sandbox import Sandbox
from tests.support.saved_exports import documents
from tests.tui import real_app
from tests.tui.real_app import until
from tests.tui.saved_jobs import export_versions, page_text, replace_file, running, sandboxed


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    yield from sandboxed()


def compared(app: GaleApp) -> bool:
    return isinstance(app.screen, CompareScreen) and "Before" in page_text(app)


def body(app: GaleApp) -> list[str]:
    """The lines below the two files."""
    return page_text(app).splitlines()[3:]


async def open_compare(app: GaleApp, pilot: Pilot[int], job: Job) -> None:
    app.push_screen(InspectScreen(job))
    await until(pilot, lambda: isinstance(app.screen, InspectScreen) and "SHA-256" in page_text(app))
    await pilot.press("equals_sign")
    await until(pilot, lambda: compared(app))


async def test_from_the_list_the_last_two(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(tmp_path, sandbox, (160, 40)) as (app, pilot, engine):
        await export_versions(pilot, engine, sandbox, 1, 2, 2)
        await pilot.press("g", "equals_sign")
        await until(pilot, lambda: compared(app))
        assert "export 1 and 3 of 3" in str(app.screen.query_one(TextPage).border_title), "2 and 3 do not differ"
        assert real_app.toasts(app)[-1] == "Skipped 1 export without a difference."
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "No difference" in page_text(app))
        assert "export 2 and 3 of 3" in str(app.screen.query_one(TextPage).border_title)
        await pilot.press("escape", "j", "enter", "equals_sign")
        await until(pilot, lambda: compared(app))
        assert "export 1 and 2 of 3" in str(app.screen.query_one(TextPage).border_title)
        assert body(app)[0] == "Different: 1 node changed."


async def test_from_the_list_two_that_are_marked_and_not_one_or_more_than_two(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(tmp_path, sandbox, (160, 40)) as (app, pilot, engine):
        await export_versions(pilot, engine, sandbox, 1)
        await pilot.press("equals_sign")
        assert [each.message for each in app._notifications][-1].startswith("There is only one saved export of")
        other = sandbox.offered[1]
        job = await engine.jobs.export(ExportRequest("demo", other.tool_id, other.flow_id))
        await pilot.press("g", "space", "j", "space", "equals_sign")
        assert not compared(app)
        assert any("has no saved file" in each.message for each in app._notifications)
        await until(pilot, lambda: engine.jobs[job.id].download.state is DownloadState.SAVED)
        await pilot.press("equals_sign")
        await until(pilot, lambda: compared(app))
        assert "Nodes" in body(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.jobs_screen)
        await export_versions(pilot, engine, sandbox, 1)
        await pilot.press("g", "space", "equals_sign")
        assert [each.message for each in app._notifications][-1].startswith("3 jobs are marked")
        assert not compared(app)


async def test_one_prompt_is_shown_and_nothing_else(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(tmp_path, sandbox, (160, 40)) as (app, pilot, engine):
        _, job = await export_versions(pilot, engine, sandbox, 1, 2)
        await open_compare(app, pilot, job)
        lines = body(app)
        assert lines[:5] == [
            "Different: 1 node changed.",
            "",
            "Nodes",
            "  ~ Classify request  genAI · n2",
            "      config.prompt",
        ]
        text = " ".join(each.strip() for each in lines[5:])
        old, new = text[2:].split(" + ")
        assert new == f"{old} {REVISION}"
        page = app.screen.query_one("#page", TextPage)
        strong = [span.text.strip() for line in page._lines for span in line if span.strong]
        assert " ".join(strong) == REVISION
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, InspectScreen))


async def export_by_keys(app: GaleApp, pilot: Pilot[int], name: str) -> Job:
    """Exports an offered tool from the form and waits for its file; the mark is on its row then."""
    known = set(app.engine.jobs)
    await pilot.press("n")
    await real_app.until(pilot, lambda: real_app.shows(app, ExportForm))
    await pilot.pause()
    app.screen.query_one("#tool-id", FieldInput).value = name.split()[0]
    await pilot.press("down", "enter")
    await real_app.until(pilot, lambda: len(app.engine.jobs) > len(known))
    (job_id,) = set(app.engine.jobs) - known
    await real_app.until(pilot, lambda: real_app.saved(app.engine.jobs[job_id]) and app.screen is app.jobs_screen)
    return app.engine.jobs[job_id]


async def compare_by_keys(app: GaleApp, pilot: Pilot[int]) -> None:
    await pilot.press("i")
    await until(pilot, lambda: isinstance(app.screen, InspectScreen) and "SHA-256" in page_text(app))
    await pilot.press("equals_sign")
    await until(pilot, lambda: compared(app))


async def test_the_demo_shows_what_somebody_edited_between_two_exports(tmp_path: Path) -> None:
    with Sandbox(seed=1, speed=real_app.SPEED) as sandbox:
        async with real_app.running(real_app.demo(tmp_path / "demo", sandbox)) as (app, pilot):
            jobs = [await export_by_keys(app, pilot, "Leave Bot") for _ in range(2)]
            await compare_by_keys(app, pilot)
            lines = body(app)
            assert lines[:5] == [
                "Different: 1 node changed.",
                "",
                "Nodes",
                "  ~ Extract dates  genAI · n2",
                "      config.prompt",
            ]
            text = " ".join(each.strip() for each in lines[5:])
            old, new = text[2:].split(" + ")
            assert new == f"{old} A day without a year is the next one to come."
            assert old.startswith("From {{context.input.utterance}} extract")
            assert old.endswith("Today is {{context.system.date}}.")
            await pilot.press("escape", "escape")

            # The same without a screen.
            out, err = io.StringIO(), io.StringIO()
            before, after = (job.download.path for job in jobs)
            assert before is not None
            assert after is not None
            assert diff(before, after, parse(("diff", str(before), str(after))), out, err) == 1
            assert [line.strip() for line in out.getvalue().splitlines()[2:]] == [
                "",
                "Nodes",
                "~ Extract dates (genAI, n2)",
                "config.prompt:",
                f"- {old}",
                f"+ {new}",
            ]
            assert err.getvalue() == ""

            # The next export is a version of its own; the one after that is the same.
            await export_by_keys(app, pilot, "Leave Bot")
            await compare_by_keys(app, pilot)
            assert 'version  "1.4.0" → "1.5.0"' in page_text(app)
            assert "config.prompt" not in page_text(app)
            await pilot.press("left_square_bracket")
            await until(pilot, lambda: compared(app) and "config.prompt" in page_text(app))
            assert 'version  "1.4.0" → "1.5.0"' in page_text(app)

            # A tool that nobody edited is the same.
            await pilot.press("escape", "escape")
            await until(pilot, lambda: app.screen is app.jobs_screen)
            tool = next(each for each in sandbox.offered if each.name == "Banking Assistant")
            for _ in range(2):
                await app.engine.jobs.export(ExportRequest("demo", tool.tool_id, tool.flow_id))
                await until(pilot, lambda: all(map(real_app.saved, app.engine.jobs.values())))
            await pilot.press("g")
            await compare_by_keys(app, pilot)
            assert body(app) == ["No difference: the files are the same, byte for byte."]


async def test_the_last_two_are_compared_or_the_oldest_with_the_one_after_it_and_others_can_be_chosen(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        jobs = await export_versions(pilot, engine, sandbox, 1, 2, 2)
        await open_compare(app, pilot, jobs[-1])

        def title() -> str:
            return str(app.screen.query_one("#page", TextPage).border_title)

        assert "export 1 and 3 of 3" in title(), "the last that differs"
        assert "config.prompt" in page_text(app)
        await pilot.press("left_square_bracket")
        assert "export 1 and 3 of 3" in title()
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "export 2 and 3 of 3" in title() and compared(app))
        assert body(app) == ["No difference: the files are the same, byte for byte."]
        await pilot.press("right_square_bracket")
        assert "export 2 and 3 of 3" in title()

        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.jobs_screen)
        await open_compare(app, pilot, jobs[0])
        assert "export 1 and 2 of 3" in title()
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "export 2 and 3 of 3" in title())


async def test_values_of_variables_are_hidden_until_asked_for(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(tmp_path, sandbox, (100, 30)) as (app, pilot, engine):
        _, job = await export_versions(pilot, engine, sandbox, 1, 1)
        made = documents()
        made["env_variables.json"]["environmentVariables"][0]["value"] = "https://new.example"
        replace_file(job, made)
        await open_compare(app, pilot, job)
        assert "  ~ CORE_BANKING_URL  •••• → ••••" in body(app)
        assert "example" not in page_text(app)
        await pilot.press("v")
        assert "  ~ CORE_BANKING_URL  https://core.bank.example/api/v2 → https://new.example" in body(app)
        await pilot.press("v")
        assert "example" not in page_text(app)


async def test_hostile_text_stays_text(tmp_path: Path, sandbox: Sandbox) -> None:
    hostile = "[red]\x1b]0;x\x07\u202eBot\x9b31m and some more words to make it long"
    async with running(tmp_path, sandbox, (80, 24)) as (app, pilot, engine):
        _, job = await export_versions(pilot, engine, sandbox, 1, 1)
        made = documents()
        made["app_definition.json"]["description"] = hostile
        made["flow_definition.json"]["nodes"][1]["config"]["prompt"] = f"{hostile}\n{hostile}"
        made["flow_definition.json"]["nodes"].append({"id": hostile, "type": hostile, "name": hostile})
        made["flow_definition.json"][hostile] = hostile
        made[f"{hostile}.bin"] = b"x"
        replace_file(job, made)
        await open_compare(app, pilot, job)
        assert "\x1b]" not in app.export_screenshot()
        assert not [each for each in page_text(app) if each != "\n" and not each.isprintable()]
        assert "[red]␛]0;x␇‹U+202E›Bot" in page_text(app)


async def test_a_file_that_is_gone_is_said(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        first, job = await export_versions(pilot, engine, sandbox, 1, 2)
        app.push_screen(InspectScreen(job))
        await until(pilot, lambda: isinstance(app.screen, InspectScreen) and "SHA-256" in page_text(app))
        assert first.download.path is not None
        first.download.path.unlink()
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        # The line is broken where the path is long.
        await until(pilot, lambda: "is not there" in " ".join(page_text(app).split()))
        await pilot.press("v", "f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))


def test_exports_to_compare_are_the_saved_ones_of_the_tool_newest_first() -> None:
    def job(number: int, tool_id: str = "a-1", state: DownloadState = DownloadState.SAVED, path: str = "") -> Job:
        made = Job(id=f"j{number}", environment_id="e", environment_name="e", origin="https://x", tool_id=tool_id,
                   flow_id="cf-1", created_at=float(number))  # fmt: skip
        download = Download(state=state, path=Path(path or f"/x/{number}.zip"), saved_at=float(number))
        return dataclasses.replace(made, download=download)

    jobs = [job(1), job(3), job(2), job(4, "a-2"), job(5, state=DownloadState.RUNNING), job(6, path="/x/2.zip")]
    assert [each.id for each in saved_exports(jobs, jobs[0])] == ["j6", "j3", "j1"]
    assert [each.id for each in saved_exports(jobs, jobs[2])] == ["j3", "j2", "j1"]
