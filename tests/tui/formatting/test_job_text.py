"""How states, times and sizes are said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gale_tui.core.models import Download, DownloadProgress, DownloadState, Job, JobState
from gale_tui.tui.formatting.glyphs import needs_ascii
from gale_tui.tui.formatting.job_text import JobFacts, elapsed_seconds, file_text, glyph_text, progress_bar, status_text
from gale_tui.tui.formatting.pieces import Piece, Tone, plain_text, wrap_words
from gale_tui.tui.formatting.quantities import (
    clip,
    date_text,
    elapsed_text,
    fit,
    path_text,
    percentage_text,
    size_text,
    speed_text,
)
from gale_tui.tui.terminal.ascii_fallback import ascii_text
from tests.tui.jobs_for_tests import NOON, job, utc


@pytest.fixture(autouse=True)
def in_utc() -> Iterator[None]:
    with utc():
        yield


@given(st.text(), st.integers(0, 40))
def test_fit_fills_exactly_the_width(text: str, width: int) -> None:
    printable = "".join(character for character in text if character.isprintable())

    assert cell_len(fit(printable, width)) == width
    assert cell_len(clip(printable, width)) <= width


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("Leave Bot", 9, "Leave Bot"),
        ("Leave Bot", 8, "Leave B…"),
        ("Leave Bot", 7, "Leave…"),
        ("人事政策", 8, "人事政策"),
        ("人事政策", 7, "人事政…"),
        ("人事政策", 6, "人事…"),
        ("x", 0, ""),
    ],
)
def test_clip_measures_cells(text: str, width: int, expected: str) -> None:
    assert clip(text, width) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0:00"),
        (12.9, "0:12"),
        (-5, "0:00"),
        (71, "1:11"),
        (3723, "1:02:03"),
        (36_000, "10h 00m"),
        (360_000, "4d 04h"),
        (9e7, "1041d"),
    ],
)
def test_elapsed(seconds: float, expected: str) -> None:
    assert elapsed_text(seconds) == expected
    assert len(expected) <= 7


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (1_234_567, "1.2 MB"),
        (5_000_000_000, "5.0 GB"),
        (7 * 10**15, "7000 TB"),
    ],
)
def test_size(count: int, expected: str) -> None:
    assert size_text(count) == expected


def test_speed_and_percentage_never_overstate() -> None:
    assert speed_text(3_140_000) == "3.1 MB/s"
    assert speed_text(-1) == "0 B/s"
    assert percentage_text(99.9) == "99 %"
    assert percentage_text(140) == "100 %"
    assert progress_bar(99.9) == "███████░"
    assert progress_bar(100) == "████████"
    assert progress_bar(40) == "███░░░░░"


@pytest.mark.parametrize(
    ("ago", "width", "expected"),
    [
        (27, 8, "11:59:33"),
        (27, 5, "11:59"),
        (86_400, 8, "23 Nov"),
        (86_400, 5, "11-23"),
        (86_427, 12, "23 Nov 11:59"),
        (400 * 86_400, 8, "Oct 2025"),
        (400 * 86_400, 6, "2025"),
        (400 * 86_400, 12, "20 Oct 2025"),
    ],
)
def test_dates_say_the_day_unless_it_is_today(ago: float, width: int, expected: str) -> None:
    assert date_text(NOON - ago, NOON, width) == expected
    assert len(expected) <= width


STATES = [
    (job(), "●", "IN_PROGRESS", Tone.RUNNING),
    (job(percentage=42.7), "●", "IN_PROGRESS 42 %", Tone.RUNNING),
    (job(status="QUEUED"), "●", "QUEUED", Tone.RUNNING),
    (job(state=JobState.SUCCEEDED, status="SUCCESS"), "✓", "SUCCESS", Tone.SUCCESS),
    (
        job(state=JobState.SUCCEEDED, status="SUCCESS", download=Download(DownloadState.SAVED)),
        "✓",
        "SUCCESS",
        Tone.DONE,
    ),
    (job(state=JobState.FAILED, status="FAILED", percentage=50), "✗", "FAILED", Tone.FAILURE),
    (job(state=JobState.REJECTED, status="REJECTED"), "✗", "REJECTED", Tone.FAILURE),
    (job(state=JobState.UNCONFIRMED, status="UNCONFIRMED"), "?", "UNCONFIRMED", Tone.WARNING),
    (job(state=JobState.LOST, status="LOST"), "~", "LOST", Tone.WARNING),
    (job(state=JobState.REQUESTING, status="REQUESTING"), "◌", "REQUESTING", Tone.RUNNING),
    (job(state=JobState.WAITING, status="WAITING", resume_at=NOON + 45), "…", "WAITING 12:00:45", Tone.WARNING),
    (job(state=JobState.WAITING, status="WAITING"), "…", "WAITING", Tone.WARNING),
]


@pytest.mark.parametrize(("each", "glyph", "words", "tone"), STATES)
def test_every_state_has_a_glyph_a_word_and_a_tone(each: Job, glyph: str, words: str, tone: Tone) -> None:
    assert glyph_text(each) == Piece(glyph, tone)
    assert status_text(each, 17) == Piece(words, tone)


def test_no_two_outcomes_look_alike_without_colour() -> None:
    shown = {state: glyph_text(job(state=state)).text for state in JobState}
    for by_state in (shown, {state: ascii_text(f"◆{text}", "ascii")[1:] for state, text in shown.items()}):
        assert all(cell_len(text) == 1 for text in by_state.values())
        assert by_state.pop(JobState.REJECTED) == by_state[JobState.FAILED]
        assert len(set(by_state.values())) == len(by_state)


def test_the_percentage_survives_a_long_word_and_gets_a_bar_where_there_is_room() -> None:
    odd = job(status="PREPARING_FOR_EXPORT", percentage=7)
    assert status_text(odd, 16).text == "PREPARING_F… 7 %"
    assert status_text(job(percentage=50), 26).text == "IN_PROGRESS ████░░░░ 50 %"
    assert cell_len(status_text(job(percentage=100), 26).text) <= 26


def test_server_text_is_inert() -> None:
    nasty = "\x1b[31mFAILED\x07\u202e\nnow"
    for text in (
        status_text(job(status=nasty), 60).text,
        file_text(JobFacts(job(state=JobState.FAILED, reason=nasty), NOON), 60).text,
        file_text(JobFacts(job(note=nasty), NOON), 60).text,
    ):
        assert text.isprintable()
        assert "\u202e" not in text


def with_file(state: DownloadState, job_state: JobState = JobState.SUCCEEDED, **changes: object) -> Job:
    return job(state=job_state, status="SUCCESS").with_download(state=state, **changes)


PROGRESS = DownloadProgress(13_100_000, 31_000_000, 3_100_000.0)
FILES = [
    (with_file(DownloadState.RUNNING), PROGRESS, 24, "↓ 42 % 3.1 MB/s 0:06"),
    (with_file(DownloadState.RUNNING), PROGRESS, 16, "↓ 42 % 3.1 MB/s"),
    (with_file(DownloadState.RUNNING), PROGRESS, 40, "↓ ███░░░░░ 42 % 3.1 MB/s 0:06"),
    (with_file(DownloadState.RUNNING), DownloadProgress(2_000_000, None, 1e6), 24, "↓ 2.0 MB 1.0 MB/s"),
    (with_file(DownloadState.RUNNING, received=5, size=10), None, 24, "↓ 50 %"),
    (
        with_file(DownloadState.SAVED, size=1_234_567, path=Path("/d/Leave Bot--staging--20261124T115911Z.zip")),
        None,
        28,
        "saved 1.2 MB  Leave Bot….zip",
    ),
    (with_file(DownloadState.SAVED, size=1_234_567, path=Path("/d/Leave Bot.zip")), None, 16, "saved 1.2 MB"),
    (
        with_file(DownloadState.RESUMABLE, received=46, size=100, error="the line was cut"),
        None,
        40,
        "resumable, 46 %, the line was cut",
    ),
    (with_file(DownloadState.RESUMABLE, received=46_000), None, 40, "resumable, 46 kB"),
    (with_file(DownloadState.NOT_READY, next_try_at=NOON + 12), None, 30, "not ready, again 12:00:12"),
    (with_file(DownloadState.NOT_READY, next_try_at=NOON + 12), None, 18, "not ready"),
    (with_file(DownloadState.EXPIRED, error="expired, e exports it again"), None, 40, "expired, e exports it again"),
    (with_file(DownloadState.FAILED, error="disk full"), None, 40, "not saved, disk full"),
    (with_file(DownloadState.WANTED), None, 40, "waiting to be saved"),
    (with_file(DownloadState.NONE), None, 40, "d saves it"),
    (with_file(DownloadState.WANTED, JobState.RUNNING), None, 40, ""),
    (job(state=JobState.FAILED), None, 40, "no reason given"),
    (job(state=JobState.FAILED, reason="node n3 has no model"), None, 40, "node n3 has no model"),
    (job(state=JobState.UNCONFIRMED, note="long words" * 9), None, 40, "the server may have started it"),
    (job(state=JobState.UNCONFIRMED, note="long words" * 9), None, 22, "may have started"),
    (job(state=JobState.LOST, note="long words" * 9), None, 40, "the server no longer knows it"),
    (job(state=JobState.LOST, note="long words" * 9), None, 22, "no longer known"),
    (job(state=JobState.WAITING, note="rate limit reached, goes on at 12:00:33"), None, 22, "rate limit reached"),
    (job(state=JobState.WAITING, note="goes on at 12:00:33"), None, 22, "goes on at 12:00:33"),
    (job(note="no answer since 11:58:12"), None, 40, "no answer since 11:58:12"),
]


@pytest.mark.parametrize(("each", "progress", "width", "expected"), FILES)
def test_file_column(each: Job, progress: DownloadProgress | None, width: int, expected: str) -> None:
    assert file_text(JobFacts(each, NOON, progress), width).text == expected


@pytest.mark.parametrize("width", range(1, 60))
def test_the_file_column_never_exceeds_its_width(width: int) -> None:
    for each, progress, _, _ in FILES:
        assert cell_len(file_text(JobFacts(each, NOON, progress), width).text) <= width


def test_elapsed_runs_only_while_the_job_does() -> None:
    assert elapsed_seconds(job(created_at=NOON - 12), NOON) == 12
    assert elapsed_seconds(job(created_at=NOON + 5), NOON) == 0
    assert elapsed_seconds(job(created_at=NOON - 50, ended_at=NOON - 19, state=JobState.SUCCEEDED), NOON) == 31
    assert elapsed_seconds(job(state=JobState.UNCONFIRMED), NOON) is None


@pytest.mark.parametrize(
    ("setting", "encoding", "term", "ascii_only"),
    [
        ("auto", "utf-8", "xterm-256color", False),
        ("auto", "UTF8", "screen", False),
        ("auto", "utf-8", "linux", True),
        ("auto", "ISO-8859-1", "xterm", True),
        ("ascii", "utf-8", "xterm", True),
        ("unicode", "ascii", "linux", False),
    ],
)
def test_glyphs_follow_terminal_and_setting(
    setting: Literal["auto", "unicode", "ascii"],
    encoding: str,
    term: str,
    ascii_only: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gale_tui.tui.formatting.glyphs.terminal_encoding", lambda: encoding)
    monkeypatch.setenv("TERM", term)
    assert needs_ascii(setting) == ascii_only


def test_a_path_below_the_home_is_written_with_a_tilde(own_home: Path) -> None:
    assert path_text(own_home / "Downloads" / "a.zip") == "~/Downloads/a.zip"
    assert path_text(own_home.parent / "a.zip") == str(own_home.parent / "a.zip")


@pytest.mark.parametrize("width", range(1, 16))
def test_what_is_narrower_than_its_indent_is_wrapped_all_the_same(width: int) -> None:
    lines = wrap_words((Piece("failed      "), Piece("Banking Assistant "), Piece("no-model" * 9)), width, " " * 12)
    assert "".join(map(plain_text, lines)).replace(" ", "") == "failedBankingAssistant" + "no-model" * 9
