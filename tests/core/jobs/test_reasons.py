"""The sentences about jobs and their files, and that nothing compares a sentence."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from gale_tui.core.batch.report import BatchEntry, Outcome
from gale_tui.core.batch.tools import BatchTool
from gale_tui.core.jobs.reasons import Sentence, clock_time, describe, describe_download, describe_entry
from gale_tui.core.models import Download, DownloadReason, DownloadState, Job, JobReason, JobState
from gale_tui.tui.actions import ACTIONS
from tests.support.history_samples import sample_job

AT = time.mktime((2026, 11, 23, 12, 0, 33, 0, 0, -1))
SENTENCES: list[tuple[JobState, JobReason | None, str]] = [
    (JobState.RUNNING, None, ""),
    (JobState.WAITING, JobReason.RATE_LIMITED, "Rate limit reached, sends again at 12:00:33"),
    (JobState.WAITING, JobReason.UNREACHABLE, "Not sent: GALE said no, sends again at 12:00:33"),
    (JobState.WAITING, JobReason.CLOSED, "Not sent yet: gale-tui ended before its turn came"),
    (JobState.WAITING, JobReason.ENVIRONMENT_GONE, "Not sent: the environment staging is gone"),
    (JobState.WAITING, JobReason.ENVIRONMENT_MOVED, "Not sent: staging has another host now"),
    (
        JobState.UNCONFIRMED,
        JobReason.NO_ANSWER,
        "GALE said no. GALE may already have started this export. Check the console, then export again (e)",
    ),
    (
        JobState.UNCONFIRMED,
        JobReason.CLOSED,
        "gale-tui ended before the answer came. GALE may already have started this export. "
        "Check the console, then export again (e)",
    ),
    (JobState.REJECTED, JobReason.NOT_FOUND, "GALE said no"),
    (
        JobState.LOST,
        JobReason.NOT_FOUND,
        "GALE no longer knows this dock status id. Refresh it, or export again (e)",
    ),
    (JobState.RUNNING, JobReason.KEY_REFUSED, "Waiting for a key: GALE said no"),
    (JobState.RUNNING, JobReason.KEY_MISSING, "Waiting for a key: GALE said no"),
    (JobState.RUNNING, JobReason.NOT_ALLOWED, "This key may not read the job (403): GALE said no"),
    (JobState.RUNNING, JobReason.RATE_LIMITED, "Rate limit reached, polling more slowly"),
    (JobState.RUNNING, JobReason.NOT_FOUND, "GALE does not know this dock status id (404), still polling"),
    (JobState.RUNNING, JobReason.CONFIGURATION, "Not polled: GALE said no"),
    (
        JobState.RUNNING,
        JobReason.ENVIRONMENT_GONE,
        "Not polled: the environment staging is gone. It was started at https://staging.example",
    ),
    (
        JobState.RUNNING,
        JobReason.ENVIRONMENT_MOVED,
        "Not polled: staging has another host now. It was started at https://staging.example",
    ),
    (JobState.RUNNING, JobReason.SERVER_ERROR, "No answer since 12:00:33: GALE said no"),
    (JobState.RUNNING, JobReason.LINK_REFUSED, "GALE said no"),
    (JobState.SUCCEEDED, JobReason.LINK_REFUSED, "GALE said no"),
]
FILES: list[tuple[DownloadState, DownloadReason | None, float | None, str]] = [
    (DownloadState.WANTED, None, None, ""),
    (DownloadState.NOT_READY, DownloadReason.NOT_READY, AT, "Not ready yet, tries again at 12:00:33"),
    (DownloadState.WANTED, DownloadReason.LINK_EXPIRED, AT, "Link expired: it broke, tries again at 12:00:33"),
    (DownloadState.RESUMABLE, DownloadReason.INTERRUPTED, AT, "it broke, tries again at 12:00:33"),
    (DownloadState.RESUMABLE, DownloadReason.INTERRUPTED, None, "it broke. Resume the download (d)"),
    (DownloadState.RESUMABLE, DownloadReason.STOPPED, None, "Stopped. Resume the download (d)"),
    (
        DownloadState.RESUMABLE,
        DownloadReason.CLOSED,
        None,
        "gale-tui ended before the file was whole. Resume the download (d)",
    ),
    (DownloadState.RESUMABLE, DownloadReason.DISK, None, "it broke. Then download again (d)"),
    (
        DownloadState.EXPIRED,
        DownloadReason.LINK_EXPIRED,
        None,
        "The link has expired and GALE gives no fresh one. Export again (e)",
    ),
    (DownloadState.FAILED, DownloadReason.NO_LINK, None, "GALE gives no link to the file. Export again (e)"),
    (DownloadState.FAILED, DownloadReason.NO_FRESH_LINK, None, "No fresh link: it broke. Export again (e)"),
    (DownloadState.FAILED, DownloadReason.CORRUPT, None, "it broke"),
    (DownloadState.FAILED, DownloadReason.LINK_REFUSED, None, "it broke"),
    (
        DownloadState.FAILED,
        DownloadReason.ENVIRONMENT_GONE,
        None,
        "The environment staging is gone or has another host now",
    ),
    (DownloadState.SAVED, DownloadReason.CORRUPT, None, "Not saved again: it broke"),
]
KEYS = {"export_again": "e", "download": "d"}


@pytest.mark.parametrize(("state", "reason", "words"), SENTENCES)
def test_a_job(state: JobState, reason: JobReason | None, words: str) -> None:
    note = "GALE said no" if reason else ""
    job = sample_job(state=state, created_at=AT, reason_code=reason, resume_at=AT, last_asked_at=AT, note=note)
    assert describe(job).with_key(KEYS.__getitem__) == words


@pytest.mark.parametrize(("state", "reason", "at", "words"), FILES)
def test_a_file(state: DownloadState, reason: DownloadReason | None, at: float | None, words: str) -> None:
    download = Download(state=state, reason_code=reason, next_try_at=at, error="it broke" if reason else "")
    job = sample_job(state=JobState.SUCCEEDED, created_at=AT, download=download)
    assert describe_download(job).with_key(KEYS.__getitem__) == words


@pytest.mark.parametrize("reason", JobReason)
@pytest.mark.parametrize("state", JobState)
def test_every_action_named_is_one(state: JobState, reason: JobReason) -> None:
    for file_reason in DownloadReason:
        download = Download(state=DownloadState.RESUMABLE, reason_code=file_reason)
        job = sample_job(state=state, reason_code=reason, download=download)
        for sentence in (describe(job), describe_download(job)):
            assert sentence.action in ("", *(action.id for action in ACTIONS))


def test_a_sentence_of_an_older_gale_tui_is_shown_as_it_is() -> None:
    job = sample_job(note="no answer since 12:00:33", download=Download(error="disk full"))
    assert (describe(job).text, describe_download(job).text) == ("no answer since 12:00:33", "disk full")


def test_what_is_not_in_the_history_is_added() -> None:
    job = sample_job(unwritten="The disk is full")
    assert describe(job).text == "Not in the history yet: The disk is full"


def test_an_action_without_a_key_is_named_alone() -> None:
    assert Sentence("Export again", "export_again").with_key(lambda action: "") == "Export again"


@pytest.mark.parametrize(
    ("outcome", "job", "words"),
    [
        (Outcome.SAVED, sample_job(), ""),
        (Outcome.NOT_STARTED, None, "stopped"),
        (Outcome.FAILED, sample_job(state=JobState.FAILED), "no reason given"),
        (Outcome.FAILED, sample_job(state=JobState.FAILED, reason="no model"), "no model"),
        (Outcome.NOT_SAVED, sample_job(download=Download(error="disk full")), "disk full"),
        (Outcome.REJECTED, sample_job(state=JobState.REJECTED, note="GALE said no"), "GALE said no"),
    ],
)
def test_a_line_of_a_batch(outcome: Outcome, job: Job | None, words: str) -> None:
    entry = BatchEntry(BatchTool("a-1", "cf-1"), outcome, job, why="stopped")
    assert describe_entry(entry).text == words


def test_a_time_of_day() -> None:
    assert clock_time(AT) == clock_time(AT, AT - 3600) == "12:00:33"


def test_a_time_on_another_day_has_the_day() -> None:
    job = sample_job(state=JobState.WAITING, reason_code=JobReason.RATE_LIMITED, created_at=AT, resume_at=AT + 86400)
    assert describe(job).text == "Rate limit reached, sends again at 2026-11-24 12:00:33"


SENTENCE = r"(?:note|error|what|advice|reason|why|sentence)"
COMPARED = re.compile(
    rf"\b{SENTENCE}\)?\.(?:startswith|endswith)\("
    rf"|\bstr\(error\)\.(?:startswith|endswith)\("
    rf"|[\"'][^\"'\n]+[\"'] (?:not )?in (?:str\(error\)|(?:job|download|error|entry|condition)\.{SENTENCE}\b)"
    rf"|\b(?:job|download|error|entry|condition)\.{SENTENCE} *[!=]= *f?[\"'][^\"']"
)
ALLOWED = {
    # The HTTP library's own texts: it has one class for both.
    "gale_tui/core/http/http_errors.py",
}


def test_no_sentence_steers_the_program() -> None:
    root = Path(__file__).parents[3]
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for path in sorted((root / "gale_tui").rglob("*.py"))
        if str(path.relative_to(root)) not in ALLOWED
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if COMPARED.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        'if job.note.startswith("403: "):',
        "download.error.endswith(THEN_SAVE)",
        'if error.what == "stopped":',
        'return "refused" in str(error)',
        "str(error).endswith('.')",
        'if "is gone" in job.note:',
    ],
)
def test_the_pattern_finds_a_sentence_that_is_compared(line: str) -> None:
    assert COMPARED.search(line)
