"""Sentences that advise an action, with and without keys."""

from __future__ import annotations

import io

import pytest

from gale_tui.cli.narration import Narration
from gale_tui.core.batch.parser import BatchTool
from gale_tui.core.batch.report import BatchEntry
from gale_tui.core.jobs.export_outcomes import UNCONFIRMED_ADVICE
from gale_tui.core.jobs.hints import hint, with_keys, without_keys
from gale_tui.core.jobs.outcomes import Outcome
from gale_tui.core.jobs.save_outcomes import EXPORT_AGAIN, GO_ON, THEN_SAVE
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.actions import ACTIONS

KEYS = {"export_again": "e", "download": "w", "track": "F4"}


def test_a_key_stands_behind_its_words() -> None:
    text = f"Export again{hint('export_again')}, or track{hint('track')}."
    assert with_keys(text, KEYS.__getitem__) == "Export again (e), or track (F4)."
    assert without_keys(text) == "Export again, or track."
    assert inert(text) == "Export again, or track."


def test_an_action_without_a_key_is_named_alone() -> None:
    assert with_keys(f"Export again{hint('export_again')}.", lambda action: "") == "Export again."


@pytest.mark.parametrize("text", ["", "‹U+202E›", "‹key:›", "‹key:Not One›", "key:download"])
def test_what_is_no_hint_stays(text: str) -> None:
    assert with_keys(text, KEYS.__getitem__) == text


@pytest.mark.parametrize("text", [EXPORT_AGAIN, GO_ON, THEN_SAVE, UNCONFIRMED_ADVICE])
def test_the_sentences_of_the_engine_name_actions_that_there_are(text: str) -> None:
    named: list[str] = []

    def key(action: str) -> str:
        named.append(action)
        return ""

    with_keys(text, key)
    assert named
    assert set(named) <= {each.id for each in ACTIONS}
    assert "‹" not in without_keys(text)


def test_a_run_without_a_screen_names_no_keys() -> None:
    err = io.StringIO()
    tool = BatchTool("a-1", "cf-1")
    Narration(err).follow(BatchEntry(tool, outcome=Outcome.NOT_STARTED, why=f"no. {EXPORT_AGAIN}"))
    assert err.getvalue().endswith(": no. Export again\n")
