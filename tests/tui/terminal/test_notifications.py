"""Bell, desktop notification and title: which changes are endings, and what is written for them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from gale_tui.core.config.settings import Settings
from gale_tui.core.models import Download, DownloadState, Job, JobChange, JobState
from gale_tui.tui.terminal.notifications import RESTORE_TITLE, SAVE_TITLE, Notifier, ending_text
from tests.tui.demo_app import demo_app
from tests.tui.jobs_for_tests import added, forgotten, job

RUNNING = job(1, label="Leave Bot")
BELL = "\x07"
DESKTOP = "\x1b]9;gale-tui: Leave Bot: saved\x1b\\\x1b]777;notify;gale-tui;Leave Bot: saved\x1b\\"


def change(after: Job, before: Job = RUNNING) -> JobChange:
    return JobChange(after, before)


def with_file(state: DownloadState, before: Job = RUNNING) -> Job:
    return dataclasses.replace(before, state=JobState.SUCCEEDED, status="SUCCESS", download=Download(state))


AGAIN = with_file(DownloadState.RUNNING).with_download(path=Path("/d/a.zip"))
"""Saved, and being saved once more."""

# What is an ending


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (change(dataclasses.replace(RUNNING, state=JobState.FAILED, status="FAILED")), "Leave Bot: FAILED"),
        (change(dataclasses.replace(RUNNING, state=JobState.LOST, status="LOST")), "Leave Bot: LOST"),
        (change(with_file(DownloadState.SAVED)), "Leave Bot: saved"),
        (change(with_file(DownloadState.EXPIRED)), "Leave Bot: not saved"),
        # Its file comes yet.
        (change(with_file(DownloadState.WANTED)), ""),
        (change(dataclasses.replace(with_file(DownloadState.NONE), save_when_ready=False)), "Leave Bot: SUCCESS"),
        (change(dataclasses.replace(RUNNING, percentage=40.0)), ""),
        (change(with_file(DownloadState.SAVED), with_file(DownloadState.SAVED)), ""),
        (change(AGAIN.with_download(state=DownloadState.SAVED), AGAIN), "Leave Bot: not saved"),
        (change(AGAIN.with_download(state=DownloadState.SAVED, path=Path("/d/b.zip")), AGAIN), "Leave Bot: saved"),
        (added(RUNNING), ""),
        (forgotten(RUNNING), ""),
    ],
)
def test_which_changes_are_endings(told: JobChange, words: str) -> None:
    assert ending_text(told) == words


def test_the_words_cannot_end_the_sequence() -> None:
    nasty = dataclasses.replace(with_file(DownloadState.SAVED), label="a;b\x1b\\\x07c")
    words = ending_text(change(nasty))
    assert words.isprintable()
    assert ";" not in words


# What is written


class Written:
    """A notifier whose terminal is a list."""

    def __init__(self, focused: bool = False, **settings: Any) -> None:
        self.text: list[str] = []
        self.notifier = Notifier(self.text.append, lambda: Settings(**settings), lambda: focused)


@pytest.mark.parametrize(
    ("how", "text"), [("bell", [BELL]), ("desktop", [DESKTOP]), ("both", [BELL, DESKTOP]), ("off", [])]
)
def test_as_the_setting_says(how: str, text: list[str]) -> None:
    written = Written(notifications=how)
    written.notifier.notify("Leave Bot: saved")
    assert written.text == text


def test_nothing_while_the_terminal_is_looked_at() -> None:
    written = Written(focused=True, notifications="both")
    written.notifier.notify("Leave Bot: saved")
    assert written.text == []


def test_nothing_without_an_ending() -> None:
    written = Written(notifications="both")
    written.notifier.notify("")
    assert written.text == []


def test_the_title_counts_and_is_given_back() -> None:
    written = Written()
    for count in (0, 0, 2, 2, 0):
        written.notifier.show_running(count)
    written.notifier.close()
    written.notifier.close()
    assert written.text == [
        f"{SAVE_TITLE}\x1b]2;gale-tui\x1b\\",
        "\x1b]2;gale-tui: 2 running\x1b\\",
        "\x1b]2;gale-tui\x1b\\",
        RESTORE_TITLE,
    ]


def test_a_title_that_is_switched_off_is_left_alone() -> None:
    written = Written(terminal_title=False)
    written.notifier.show_running(2)
    written.notifier.close()
    assert written.text == []


async def test_without_a_terminal_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with demo_app(tmp_path / "g", 'notifications = "both"') as (app, _):
        assert app.is_headless
        written: list[str] = []
        monkeypatch.setattr(app._driver, "write", written.append)
        app.app_focus = False
        app._notifier.notify("Leave Bot: saved")
        app._notifier.show_running(3)
        assert written == []
