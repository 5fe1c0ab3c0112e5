"""What counts as running, saved and failed, and that each job counts once."""

from __future__ import annotations

from gale_tui.core.models import Download, DownloadState, Job, JobChange, JobState
from gale_tui.tui.formatting.job_counts import JobCounts
from tests.tui.jobs_for_tests import job


def named(job_id: str, state: JobState, download: DownloadState = DownloadState.NONE) -> Job:
    return job(id=job_id, state=state, download=Download(state=download))


def test_a_job_whose_file_could_not_be_saved_counts_as_failed() -> None:
    counts = JobCounts()
    counts.count(
        [
            named("saved", JobState.SUCCEEDED, DownloadState.SAVED),
            named("expired", JobState.SUCCEEDED, DownloadState.EXPIRED),
            named("corrupt", JobState.SUCCEEDED, DownloadState.FAILED),
            named("ready", JobState.SUCCEEDED),
            named("coming", JobState.SUCCEEDED, DownloadState.RUNNING),
            named("failed", JobState.FAILED),
            named("rejected", JobState.REJECTED),
            named("running", JobState.RUNNING),
        ]
    )
    assert (counts.running, counts.saved, counts.failed) == (1, 1, 4)
    for removed, expected in ((False, (1, 2, 3)), (True, (1, 1, 3))):
        counts.apply(JobChange(named("expired", JobState.SUCCEEDED, DownloadState.SAVED), removed=removed))
        assert (counts.running, counts.saved, counts.failed) == expected
