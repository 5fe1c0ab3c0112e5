"""The filter line: what is read from it, and which jobs pass."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from gale_tui.core.models import Download, DownloadState, Job, JobState
from gale_tui.tui.filters import JobTexts, Term, parse_filter
from gale_tui.tui.formatting import glyphs
from tests.tui.demo_app import demo_app
from tests.tui.jobs_for_tests import NOON, job
from tests.tui.real_app import until

LEAVE = job(1, label="Leave Bot", state=JobState.FAILED, status="FAILED", reason="node n3 has no model")
BANK = job(
    2,
    label="Banking Assistant",
    environment_name="live",
    production=True,
    state=JobState.SUCCEEDED,
    status="SUCCESS",
    download=Download(
        DownloadState.SAVED, path=Path("/d/Banking Assistant--live--20261124T120000Z.zip"), sha256="9f2c"
    ),
)
CLAIMS = job(3, label="Don't leave: claims", name="Claims", note="the server may have started it")
JOBS = (LEAVE, BANK, CLAIMS)


def passing(line: str, jobs: tuple[Job, ...] = JOBS) -> list[Job]:
    wanted, texts = parse_filter(line), JobTexts()
    return [each for each in jobs if wanted.passes(texts, each)]


@pytest.mark.parametrize(
    ("line", "terms"),
    [
        ("", ()),
        ("   ", ()),
        ("Leave  BOT", (Term("leave"), Term("bot"))),
        ("status:Failed env:prod", (Term("failed", "status"), Term("prod", "env"))),
        ("STATUS:failed", (Term("failed", "status"),)),
        ('"leave bot"', (Term("leave bot"),)),
        ("'leave bot'", (Term("leave bot"),)),
        ('tool:"leave bot"', (Term("leave bot", "tool"),)),
        ("-leave", (Term("leave", negated=True),)),
        ("-env:prod", (Term("prod", "env", negated=True),)),
        ('-"leave bot"', (Term("leave bot", negated=True),)),
        ('-tool:"leave bot"', (Term("leave bot", "tool", negated=True),)),
        # In quotes nothing means anything but itself.
        ('"status:failed"', (Term("status:failed"),)),
        ('"-x"', (Term("-x"),)),
        ("a-b", (Term("a-b"),)),
        ("don't", (Term("don't"),)),
        # Half typed: nothing is hidden by it.
        ("-", ()),
        ("status:", ()),
        ("-status:", ()),
        ('"', ()),
        ('-"', ()),
        ('"leave bo', (Term("leave bo"),)),
        # A colon that is no field's: a time, an address.
        ("12:00", (Term("12:00"),)),
        ("https://gale", (Term("https://gale"),)),
    ],
)
def test_what_is_read(line: str, terms: tuple[Term, ...]) -> None:
    assert parse_filter(line).terms == terms


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("leave", [LEAVE, CLAIMS]),
        ("leave bot", [LEAVE]),
        ('"leave bot"', [LEAVE]),
        ('"bot leave"', []),
        ("-leave", [BANK]),
        ("status:failed", [LEAVE]),
        ("failed -env:prod", [LEAVE]),
        ("env:prod", [BANK]),
        ("-env:prod", [LEAVE, CLAIMS]),
        ("status:saved", [BANK]),
        ("-status:saved", [LEAVE, CLAIMS]),
        ("status:leave", []),
        ("file:20261124", [BANK]),
        ("9F2C", [BANK]),
        ("why:model", [LEAVE]),
        ("may have", [CLAIMS]),
        ("id:ds-00000003", [CLAIMS]),
        ("tool:claims", [CLAIMS]),
        ("don't", [CLAIMS]),
        ("kore.ai", [LEAVE, BANK, CLAIMS]),
    ],
)
def test_which_jobs_pass(line: str, found: list[Job]) -> None:
    assert passing(line) == found


def test_words_do_not_reach_from_one_text_into_the_next() -> None:
    assert passing('"FAILED staging"') == []


@pytest.mark.parametrize("at", [NOON, NOON + 59.9, NOON + 14 * 60 + 59, NOON + 15 * 60, 0.0])
def test_the_time_is_the_one_on_the_screen(at: float) -> None:
    shown = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    assert JobTexts().of(dataclasses.replace(LEAVE, created_at=at))["started"] == shown


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -1.0, 1e300])
def test_a_time_that_is_none_has_no_text(at: float) -> None:
    assert JobTexts().of(dataclasses.replace(LEAVE, created_at=at))["started"] == ""


def test_a_field_that_is_none_is_named() -> None:
    wanted = parse_filter("stat:failed")
    assert wanted.terms == (Term("stat:failed"),)
    assert wanted.advice.startswith("There is no stat: to filter by")
    assert "status:" in wanted.advice
    assert parse_filter("status:failed 12:00 https://x").advice == ""


def test_a_job_that_was_replaced_is_read_anew() -> None:
    wanted, texts = parse_filter("status:failed"), JobTexts()
    before = job(1)
    assert not wanted.passes(texts, before)
    assert wanted.passes(texts, dataclasses.replace(before, state=JobState.FAILED, status="FAILED"))
    assert not wanted.passes(texts, before)


# In the app


async def test_the_filter_line_narrows_the_table_as_it_is_typed(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g") as (app, pilot):
        table = app.jobs_screen.table
        table.set_jobs(JOBS)
        await pilot.press("slash", *"env:prod")
        await until(pilot, lambda: table.row_count() == 1)
        assert table.current == BANK
        await pilot.press("enter")
        assert app.focused is table
        assert app.jobs_screen.query_one("#filter").display
        await pilot.press("slash", *(["backspace"] * 8), *"stat:x")
        await until(pilot, lambda: table.row_count() == 0)
        assert "There is no stat: to filter by" in table.no_match_text
        await pilot.press("escape")
        await until(pilot, lambda: table.row_count() == 3)
        assert not app.jobs_screen.query_one("#filter").display


async def test_the_order_is_chosen_and_turned_round(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g") as (app, pilot):
        table = app.jobs_screen.table
        table.set_jobs(JOBS)
        assert (table.rows.sort_column, table.rows.sort_reverse, table.border_subtitle or "") == ("started", True, "")
        await pilot.press("s")
        assert (table.rows.sort_column, table.rows.sort_reverse) == ("tool", False)
        assert table.border_subtitle == f"by Tool {glyphs.ASCENDING}"
        await pilot.press("S")
        assert (table.rows.sort_column, table.rows.sort_reverse) == ("tool", True)
        assert table.border_subtitle == f"by Tool {glyphs.DESCENDING}"
        for _ in range(5):
            await pilot.press("s")
        assert (table.rows.sort_column, table.rows.sort_reverse, table.border_subtitle or "") == ("started", True, "")
