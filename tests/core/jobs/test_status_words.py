"""Status words in every spelling of the vendor's pages."""

from __future__ import annotations

import pytest

from gale_tui.core.gale_api.answers import DockStatus, ResponseNote
from gale_tui.core.jobs.transitions import apply_status, final_state
from gale_tui.core.models import DownloadState, JobReason, JobState
from tests.support.history_samples import sample_job

WORDS = {
    JobState.SUCCEEDED: ["SUCCESS", "success", "Successful", "COMPLETED", "DONE", "PARTIAL_SUCCESS", "partial success"],
    JobState.FAILED: ["FAILED", "failed", "FAILURE", "ERROR", "CANCELLED", "Canceled", "ABORTED", " failed "],
    JobState.RUNNING: ["IN_PROGRESS", "IN PROGRESS", "in-progress", "QUEUED", "", "SUCCESS_SOON", "NOT FAILED"],
}


@pytest.mark.parametrize(("state", "word"), [(state, word) for state, words in WORDS.items() for word in words])
def test_words(state: JobState, word: str) -> None:
    assert final_state(word) is state


@pytest.mark.parametrize("word", ["PARTIAL_SUCCESS", "partialSuccess"])
def test_a_partial_success_is_final_is_saved_and_is_no_plain_success(word: str) -> None:
    job = sample_job(state=JobState.RUNNING, save_when_ready=True)
    status = DockStatus(word, None, None, None, None, None, None, ResponseNote("GET /", 200, ""))
    job = apply_status(job, status, asked_at=1.0, at=2.0)
    assert job.state is JobState.SUCCEEDED
    assert job.status == word
    assert job.reason_code is JobReason.PARTIAL
    assert job.download.state is DownloadState.WANTED
