"""What the answer to an export POST, or its absence, makes of the job: pure functions of the job in the history."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gale_tui.core.errors import AnswerError, GaleError
from gale_tui.core.jobs.hints import hint
from gale_tui.core.jobs.job_registry import clock_time
from gale_tui.core.models import DownloadState, ExportStarted, Job, JobState
from gale_tui.core.secret import SignedUrl

__all__ = [
    "accepted",
    "final_state",
    "left_behind",
    "noted",
    "postponed",
    "rejected",
    "sending",
    "unconfirmed",
    "waiting",
    "wanted",
]

Change = Callable[[Job], Job]

UNCONFIRMED_ADVICE = (
    f"GALE may have started the export. Look for it in the console; track its dock status id{hint('track')}, "
    f"or export again{hint('export_again')}, knowing that there may be two"
)


def final_state(status: str) -> JobState:
    """What the server's status word means for a job; an unknown word means that it goes on."""
    return {"SUCCESS": JobState.SUCCEEDED, "FAILED": JobState.FAILED}.get(status.strip().upper(), JobState.RUNNING)


def wanted(job: Job, state: JobState) -> Job:
    """The job with its file asked for, where it has succeeded and its file is to be saved when ready."""
    if state is JobState.SUCCEEDED and job.save_when_ready and job.download.state is DownloadState.NONE:
        return job.with_download(state=DownloadState.WANTED)
    return job


def accepted(started: ExportStarted, link: SignedUrl | None, note: str, now: float, posts: int) -> Change:
    """GALE has started the export."""
    state = final_state(started.status)
    response = started.response

    def change(job: Job) -> Job:
        job = dataclasses.replace(
            job,
            state=state,
            status=started.status,
            dock_status_id=started.dock_status_id,
            export_job_id=started.export_job_id,
            download_url=link,
            name=started.name,
            percentage=started.percentage,
            reason=started.reason if state is JobState.FAILED else None,
            note=note,
            posts=posts,
            resume_at=None,
            started_at=now,
            ended_at=now if state.final else None,
            last_answer_at=now,
            last_response=f"{response.request}\n{response.status}\n{response.text}",
        )
        return wanted(job, state)

    return change


def waiting(error: GaleError, why: str, resume_at: float, posts: int) -> Change:
    """Nothing was processed, and the POST goes out at `resume_at`."""
    return lambda job: dataclasses.replace(
        job,
        state=JobState.WAITING,
        status="WAITING",
        posts=posts,
        resume_at=resume_at,
        note=f"{why}, goes on at {clock_time(resume_at)}",
        last_response=_answer(error),
    )


def unconfirmed(error: GaleError, posts: int) -> Change:
    """The POST may or may not have arrived."""
    return lambda job: dataclasses.replace(
        job,
        state=JobState.UNCONFIRMED,
        status="UNCONFIRMED",
        posts=posts,
        resume_at=None,
        note=f"{error.what}. {UNCONFIRMED_ADVICE}",
        last_response=_answer(error),
    )


def rejected(error: GaleError, now: float, posts: int) -> Change:
    """Certainly nothing was started."""
    return lambda job: dataclasses.replace(
        job,
        state=JobState.REJECTED,
        status="REJECTED",
        posts=posts,
        resume_at=None,
        reason=(error.detail if isinstance(error, AnswerError) else "") or error.what,
        note=str(error),
        ended_at=now,
        last_response=_answer(error),
    )


def sending(job: Job) -> Job:
    """A waiting job whose POST leaves now; any other job as it is."""
    if job.state is not JobState.WAITING:
        return job
    return dataclasses.replace(job, state=JobState.REQUESTING, status="REQUESTING", note="", resume_at=None)


def postponed(now: float) -> Change:
    """The POST certainly has not left, and does when gale-tui runs again."""
    return lambda job: (
        dataclasses.replace(
            job,
            state=JobState.WAITING,
            status="WAITING",
            resume_at=now,
            note="not sent yet: gale-tui ended before its turn came",
        )
        if job.state is JobState.REQUESTING
        else job
    )


def left_behind(job: Job) -> Job:
    """A job whose POST was under way when its process ended; any other job as it is."""
    if job.state is not JobState.REQUESTING:
        return job
    return dataclasses.replace(
        job,
        state=JobState.UNCONFIRMED,
        status="UNCONFIRMED",
        posts=job.posts + 1,
        note=f"gale-tui ended before the answer came. {UNCONFIRMED_ADVICE}",
    )


def noted(note: str) -> Change:
    """Why a waiting job is not sent."""
    return lambda job: dataclasses.replace(job, note=note) if job.state is JobState.WAITING else job


def _answer(error: GaleError) -> str:
    return f"{error.status}\n{error.body or error.detail}" if isinstance(error, AnswerError) else str(error)
