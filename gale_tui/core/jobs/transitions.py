"""All that can become of a job: pure functions from a job and an event to the job.

Where an event does not apply, the very same job is returned, and nothing is written. Exporter, poller, download queue,
recovery and commands call these inside a transaction of the history and change no field themselves.

=====================  ================================  ====================================
event                  job state before                  job state after
=====================  ================================  ====================================
`accept`               requesting, waiting, unconfirmed  running, succeeded, failed
`wait`                 requesting, waiting, unconfirmed  waiting
`reject`               requesting, waiting, unconfirmed  rejected
`mark_unconfirmed`     requesting, waiting, unconfirmed  unconfirmed
`mark_abandoned`       requesting                        unconfirmed
`postpone`             requesting                        waiting
`send`                 waiting                           requesting
`hold`                 waiting                           waiting, with the reason
`apply_status`         running, lost                     running, succeeded, failed
`mark_lost`            running, lost                     lost
`record_trouble`       running, lost                     the same, with the reason
=====================  ================================  ====================================

The file of a job; pending means not none, saved or failed, and that the job has succeeded:

=====================  ================================  ====================================
event                  file before                       file after
=====================  ================================  ====================================
`request_file`         any, of a succeeded job           wanted
`request_file`         any, of an unfinished job         the same, saved when ready
`start_download`       pending                            running
`record_part`          pending                            the same, with its part
`renew_link`           pending                            the same, with another link
`delay_download`       pending                            wanted, not ready or resumable
`interrupt_download`   pending                            resumable
`fail_download`        pending                            failed; resumable after a fault of the disk with a part
`lose_link`            pending                            expired or failed
`mark_download_left`   running                           resumable
`save`                 any but saved, job succeeded      saved
`replace_file`         saved                             the same, at another path
`remove_file`          any                               none
=====================  ================================  ====================================

A file that was saved before is still saved when fetching it once more fails.

Times are seconds since the epoch.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gale_tui.core.errors import AnswerError, GaleError
from gale_tui.core.gale_api.answers import DockStatus, ExportStarted, ResponseNote
from gale_tui.core.models import Download, DownloadReason, DownloadState, Job, JobReason, JobState
from gale_tui.core.secret import SignedUrl

if TYPE_CHECKING:
    from gale_tui.core.downloads.saved_file import SavedFile

_UNANSWERED: Final = (JobState.REQUESTING, JobState.WAITING, JobState.UNCONFIRMED)
"""GALE has not answered the export."""
_UNFINISHED: Final = (JobState.REQUESTING, JobState.WAITING, JobState.RUNNING, JobState.LOST)
_SETTLED: Final = (DownloadState.NONE, DownloadState.SAVED, DownloadState.FAILED)
"""Nobody waits for the file."""
_SUCCESS: Final = frozenset({"success", "successful", "completed", "done"})
_PARTIAL: Final = frozenset({"partialsuccess"})
_FAILURE: Final = frozenset({"failed", "failure", "error", "cancelled", "canceled", "aborted"})


def final_state(status: str) -> JobState:
    """The state that the server's status word stands for; an unknown word means that the job runs.

    Case, blanks, hyphens and underscores do not count: the vendor's pages differ in them.
    """
    word = _normalize(status)
    if word in _SUCCESS or word in _PARTIAL:
        return JobState.SUCCEEDED
    return JobState.FAILED if word in _FAILURE else JobState.RUNNING


def _normalize(status: str) -> str:
    return re.sub(r"[\s_-]+", "", status).lower()


def mark_unwritten(job: Job, what: str) -> Job:
    """The history does not take the last change; in memory alone."""
    return dataclasses.replace(job, unwritten=what)


# The export


def accept(job: Job, started: ExportStarted, at: float) -> Job:
    """GALE has started the export."""
    if job.state not in _UNANSWERED:
        return job
    accepted = dataclasses.replace(
        job,
        state=JobState.RUNNING,
        status="",
        dock_status_id=started.dock_status_id,
        posts=job.posts + 1,
        started_at=at,
    )
    return apply_status(accepted, started, asked_at=None, at=at)


def wait(job: Job, error: GaleError, resume_at: float) -> Job:
    """Nothing was processed, and the POST is sent at `resume_at`."""
    if job.state not in _UNANSWERED:
        return job
    posts = job.posts + isinstance(error, AnswerError)
    return _set_state(_set_error(job, error), JobState.WAITING, posts=posts, resume_at=resume_at)


def reject(job: Job, error: GaleError, at: float) -> Job:
    """Certainly nothing was started."""
    if job.state not in _UNANSWERED:
        return job
    answered = isinstance(error, AnswerError)
    return dataclasses.replace(
        _set_error(job, error),
        state=JobState.REJECTED,
        status="REJECTED" if answered else "NOT SENT",
        posts=job.posts + answered,
        resume_at=None,
        note=str(error),
        reason=(error.detail if isinstance(error, AnswerError) else "") or error.what,
        ended_at=at,
    )


def mark_unconfirmed(job: Job, error: GaleError) -> Job:
    """The POST may or may not have arrived."""
    if job.state not in _UNANSWERED:
        return job
    return _set_state(_set_error(job, error), JobState.UNCONFIRMED, posts=job.posts + 1, resume_at=None)


def mark_abandoned(job: Job) -> Job:
    """The process that sent the POST has ended: it may or may not have arrived."""
    if job.state is not JobState.REQUESTING:
        return job
    return _set_state(_set_reason(job, JobReason.CLOSED), JobState.UNCONFIRMED, posts=job.posts + 1)


def postpone(job: Job, at: float) -> Job:
    """The POST certainly has not left, and is sent when gale-tui runs again."""
    if job.state is not JobState.REQUESTING:
        return job
    return _set_state(_set_reason(job, JobReason.CLOSED), JobState.WAITING, resume_at=at)


def send(job: Job, resume_at: float | None) -> Job:
    """The POST leaves now, unless the job was given another time than `resume_at` meanwhile."""
    if job.state is not JobState.WAITING or job.resume_at != resume_at:
        return job
    return _set_state(_set_reason(job, None), JobState.REQUESTING, resume_at=None)


def hold(job: Job, reason: JobReason) -> Job:
    """The POST cannot be sent now."""
    return _set_reason(job, reason) if job.state is JobState.WAITING else job


# The status


def apply_status(job: Job, status: DockStatus, *, asked_at: float | None, at: float) -> Job:
    """GALE has answered at `at` how the job stands; an identical answer changes nothing."""
    if not job.state.polled:
        return job
    state, link = final_state(status.status), status.download_url
    link_refused = str(status.link_refused or "")
    # a link that gets a new signature in every answer is recorded when the job ends, not each time.
    new_link = link if link is not None and (state.final or job.download_url is None) else job.download_url
    if new_link is None and job.reason_code is JobReason.LINK_REFUSED:
        link_refused = link_refused or job.note
    changed = dataclasses.replace(
        _set_reason(job, _answer_reason(status.status, link_refused), note=link_refused),
        state=state,
        status=status.status,
        percentage=status.percentage if status.percentage is not None or state.final else job.percentage,
        reason=status.reason if state is JobState.FAILED else None,
        name=status.name or job.name,
        export_job_id=status.export_job_id or job.export_job_id,
        tool_id=job.tool_id or status.tool_id or "",
        kind=job.kind if job.tool_id else status.kind or job.kind,
        download_url=new_link,
        resume_at=None,
        ended_at=(job.ended_at or at) if state.final else None,
    )
    if state is JobState.SUCCEEDED and job.save_when_ready and job.download.state is DownloadState.NONE:
        changed = changed.with_download(state=DownloadState.WANTED)
    if changed == job:
        return job
    return dataclasses.replace(
        changed, last_asked_at=asked_at, last_answer_at=at, last_response=_response(status.response)
    )


def mark_lost(job: Job) -> Job:
    """GALE has not known the job for long."""
    if not job.state.polled:
        return job
    return _set_state(_set_reason(job, JobReason.NOT_FOUND), JobState.LOST)


def record_trouble(job: Job, reason: JobReason, error: GaleError | None = None, *, since: float, at: float) -> Job:
    """A poll brought no usable answer, or was not possible.

    Args:
        job: The job.
        reason: Why.
        error: The error of the poll, if one was sent.
        since: When the first of the polls in a row without an answer was sent.
        at: When that was.
    """
    if not job.state.polled:
        return job
    note = error.what if error is not None else ""
    status = resume_at = None
    if isinstance(error, AnswerError):
        status = error.status
        resume_at = at + error.retry_after if error.retry_after else None
        note = error.detail if reason is JobReason.NOT_ALLOWED else note
    job = _set_reason(job, reason, note=note, http_status=status)
    return dataclasses.replace(job, last_asked_at=since, resume_at=resume_at)


# The file


def is_file_pending(job: Job) -> bool:
    """True while the file is to be fetched."""
    return job.state is JobState.SUCCEEDED and job.download.state not in _SETTLED


def request_file(job: Job) -> Job:
    """The user wants the file; a saved one is fetched once more, under another name."""
    if job.state in _UNFINISHED:
        return dataclasses.replace(job, save_when_ready=True)
    if job.state is not JobState.SUCCEEDED:
        return job
    if job.download.state is DownloadState.SAVED:
        job = job.with_download(part=None, received=0, validator=None)
    return _set_file(job, DownloadState.WANTED)


def start_download(job: Job) -> Job:
    """The file is being received."""
    return _set_file(job, DownloadState.RUNNING) if is_file_pending(job) else job


def record_part(
    job: Job, part: Path | None, validator: str | None, size: int | None, received: int | None = None
) -> Job:
    """`received` bytes of `size` are on disk; None leaves a number as it is."""
    if not is_file_pending(job):
        return job
    received = job.download.received if received is None else received
    return job.with_download(part=part, validator=validator, size=size, received=received)


def renew_link(job: Job, link: SignedUrl) -> Job:
    """GALE has given another link."""
    return dataclasses.replace(job, download_url=link) if is_file_pending(job) else job


def delay_download(job: Job, reason: DownloadReason, error: str, next_try_at: float | None) -> Job:
    """The file is tried again automatically at `next_try_at`, or at once; the part is kept."""
    if not is_file_pending(job):
        return job
    match reason:
        case DownloadReason.NOT_READY | DownloadReason.LINK_NOT_YET_VALID:
            state = DownloadState.NOT_READY
        case DownloadReason.LINK_EXPIRED | DownloadReason.LINK_REJECTED | DownloadReason.FILE_MISSING:
            state = DownloadState.WANTED
        case _:
            state = DownloadState.RESUMABLE
    return _set_file(job, state, reason, error, next_try_at)


def interrupt_download(job: Job, reason: DownloadReason, error: str = "", *, resume_at: float | None = None) -> Job:
    """The part is kept and resumed when the user wants it, or at `resume_at` by whoever runs then."""
    return _set_file(job, DownloadState.RESUMABLE, reason, error, resume_at) if is_file_pending(job) else job


def fail_download(job: Job, reason: DownloadReason, error: str = "") -> Job:
    """Trying again does not help. The part is kept after a fault of the disk, else deleted."""
    if not is_file_pending(job):
        return job
    if reason is not DownloadReason.DISK:
        job = job.with_download(part=None, received=0, validator=None)
        return _keep_saved(_set_file(job, DownloadState.FAILED, reason, error))
    kept = job.download.part is not None
    return _set_file(job, DownloadState.RESUMABLE if kept else DownloadState.FAILED, reason, error)


def lose_link(job: Job, reason: DownloadReason, error: str = "") -> Job:
    """There is no link that works."""
    if not is_file_pending(job):
        return job
    state = DownloadState.EXPIRED if reason is DownloadReason.LINK_EXPIRED else DownloadState.FAILED
    return _keep_saved(dataclasses.replace(_set_file(job, state, reason, error), download_url=None))


def mark_download_left(job: Job) -> Job:
    """The process that received the file has ended; the user may resume it."""
    if job.download.state is not DownloadState.RUNNING:
        return job
    return _set_file(job, DownloadState.RESUMABLE, DownloadReason.CLOSED)


def save(job: Job, file: SavedFile, at: float) -> Job:
    """The file is verified and has its name; nothing if another instance was quicker."""
    if job.state is not JobState.SUCCEEDED or job.download.state is DownloadState.SAVED:
        return job
    job = _set_file(job, DownloadState.SAVED).with_download(
        path=file.path,
        part=None,
        received=file.size,
        size=file.size,
        validator=None,
        sha256=file.sha256,
        saved_at=at,
    )
    # The signed link is a secret that is no longer needed.
    # GALE puts the word before some tools' names in the name of the file.
    name = job.name or file.name.removeprefix("Exported_") or None
    job = dataclasses.replace(job, name=name, download_url=None)
    return job if job.reason_code is JobReason.PARTIAL else _set_reason(job, None)


def replace_file(job: Job, path: Path) -> Job:
    """The saved file was a copy of an earlier one, which stands for both."""
    return job.with_download(path=path) if job.download.state is DownloadState.SAVED else job


def remove_file(job: Job) -> Job:
    """The saved file was deleted."""
    return dataclasses.replace(job, download=Download())


def _set_file(
    job: Job,
    state: DownloadState,
    reason: DownloadReason | None = None,
    error: str = "",
    next_try_at: float | None = None,
) -> Job:
    return job.with_download(state=state, reason_code=reason, error=error, next_try_at=next_try_at)


def _keep_saved(job: Job) -> Job:
    download = job.download
    if download.sha256 is None or download.path is None:
        return job
    return job.with_download(state=DownloadState.SAVED, part=None)


def _set_state(job: Job, state: JobState, **changes: Any) -> Job:
    """Sets a state of ours, whose word is its name."""
    return dataclasses.replace(job, state=state, status=state.name, **changes)


def _set_reason(job: Job, reason: JobReason | None, *, note: str = "", http_status: int | None = None) -> Job:
    return dataclasses.replace(job, reason_code=reason, note=note, http_status=http_status)


def _set_error(job: Job, error: GaleError) -> Job:
    status, response = None, str(error)
    if isinstance(error, AnswerError):
        status, response = error.status, f"{error.status}\n{error.body or error.detail}"
    job = _set_reason(job, error.reason, note=error.what, http_status=status)
    return dataclasses.replace(job, last_response=response)


def _answer_reason(status: str, link_refused: str) -> JobReason | None:
    if final_state(status) is JobState.FAILED:
        return JobReason.FAILED
    if link_refused:
        return JobReason.LINK_REFUSED
    return JobReason.PARTIAL if _normalize(status) in _PARTIAL else None


def _response(response: ResponseNote) -> str:
    return f"{response.request}\n{response.status}\n{response.text}"
