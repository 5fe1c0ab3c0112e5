"""Every event on every state of a job and of its file, and the fields that an event sets."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from gale_tui.core.downloads.saved_file import SavedFile
from gale_tui.core.errors import (
    AuthenticationError,
    LinkRefusedError,
    NameNotFoundError,
    RateLimitedError,
    UnansweredError,
)
from gale_tui.core.gale_api.answers import DockStatus, ExportStarted, ResponseNote
from gale_tui.core.jobs import transitions as t
from gale_tui.core.models import Download, DownloadReason, DownloadState, Job, JobReason, JobState
from gale_tui.core.secret import SignedUrl
from tests.support.history_samples import sample_job

NOTE = ResponseNote("GET /x", 200, "{}")
LINK = SignedUrl("https://files.example/a.zip?signature=1")
FILE = SavedFile(Path("/downloads/a.zip"), 7, "ab" * 32, name="a")


def started(status: str = "IN_PROGRESS") -> ExportStarted:
    return ExportStarted(status, None, "no model", None, None, None, "Bank", NOTE, dock_status_id="ds-1")


def status(word: str = "IN_PROGRESS", link: SignedUrl | None = None) -> DockStatus:
    return DockStatus(word, None, "no model", link, None, None, None, NOTE)


def accept(word: str) -> Callable[[Job], Job]:
    return lambda job: t.accept(job, started(word), at=9.0)


def answer(word: str) -> Callable[[Job], Job]:
    return lambda job: t.apply_status(job, status(word), asked_at=8.0, at=9.0)


def delay(reason: DownloadReason) -> Callable[[Job], Job]:
    return lambda job: t.delay_download(job, reason, "403", 9.0)


S = JobState
UNANSWERED = {S.REQUESTING, S.WAITING, S.UNCONFIRMED}
POLLED = {S.RUNNING, S.LOST}
EVENTS: dict[str, tuple[Callable[[Job], Job], set[JobState], JobState | None]] = {
    "accept": (accept("IN_PROGRESS"), UNANSWERED, S.RUNNING),
    "accept, at its end": (accept("SUCCESS"), UNANSWERED, S.SUCCEEDED),
    "accept, failed": (accept("FAILED"), UNANSWERED, S.FAILED),
    "wait after a 429": (
        lambda job: t.wait(job, RateLimitedError("slow down", status=429), 50.0),
        UNANSWERED,
        S.WAITING,
    ),
    "wait for the network": (lambda job: t.wait(job, NameNotFoundError("no name"), 50.0), UNANSWERED, S.WAITING),
    "reject": (lambda job: t.reject(job, AuthenticationError("no", status=401), 9.0), UNANSWERED, S.REJECTED),
    "mark_unconfirmed": (lambda job: t.mark_unconfirmed(job, UnansweredError("cut")), UNANSWERED, S.UNCONFIRMED),
    "mark_abandoned": (t.mark_abandoned, {S.REQUESTING}, S.UNCONFIRMED),
    "postpone": (lambda job: t.postpone(job, 9.0), {S.REQUESTING}, S.WAITING),
    "send": (lambda job: t.send(job, job.resume_at), {S.WAITING}, S.REQUESTING),
    "send, at another time": (lambda job: t.send(job, -1.0), set(), None),
    "hold": (lambda job: t.hold(job, JobReason.ENVIRONMENT_GONE), {S.WAITING}, S.WAITING),
    "apply_status": (answer("IN_PROGRESS"), POLLED, S.RUNNING),
    "apply_status, succeeded": (answer("success"), POLLED, S.SUCCEEDED),
    "apply_status, failed": (answer("FAILED"), POLLED, S.FAILED),
    "mark_lost": (t.mark_lost, POLLED, S.LOST),
    "record_trouble": (
        lambda job: t.record_trouble(job, JobReason.NO_ANSWER, UnansweredError("cut"), since=8.0, at=9.0),
        POLLED,
        None,
    ),
}


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("name", EVENTS)
def test_every_event_on_every_state(name: str, state: JobState) -> None:
    event, applies, after = EVENTS[name]
    job = sample_job(state=state, status="WORD", resume_at=5.0 if state is S.WAITING else None, posts=1)
    changed = event(job)
    if state in applies:
        assert changed != job
        assert changed.state is (after or state)
    else:
        assert changed is job
    assert changed.download.state in (DownloadState.NONE, DownloadState.WANTED)


D = DownloadState
PENDING = {D.WANTED, D.NOT_READY, D.RUNNING, D.RESUMABLE, D.EXPIRED}
ALL = set(D)
FILE_EVENTS: dict[str, tuple[Callable[[Job], Job], set[DownloadState], DownloadState | None]] = {
    "request_file": (t.request_file, ALL, D.WANTED),
    "start_download": (t.start_download, PENDING, D.RUNNING),
    "record_part": (lambda job: t.record_part(job, Path("/downloads/b.part"), "v", 9, 3), PENDING, None),
    "renew_link": (lambda job: t.renew_link(job, LINK), PENDING, None),
    "delay_download, not ready": (delay(DownloadReason.NOT_READY), PENDING, D.NOT_READY),
    "delay_download, expired": (delay(DownloadReason.LINK_EXPIRED), PENDING, D.WANTED),
    "delay_download, cut": (delay(DownloadReason.INTERRUPTED), PENDING, D.RESUMABLE),
    "interrupt_download": (lambda job: t.interrupt_download(job, DownloadReason.STOPPED), PENDING, D.RESUMABLE),
    "fail_download": (lambda job: t.fail_download(job, DownloadReason.CORRUPT, "bad"), PENDING, D.FAILED),
    "fail_download, disk": (lambda job: t.fail_download(job, DownloadReason.DISK, "full"), PENDING, D.RESUMABLE),
    "lose_link, expired": (lambda job: t.lose_link(job, DownloadReason.LINK_EXPIRED), PENDING, D.EXPIRED),
    "lose_link, none": (lambda job: t.lose_link(job, DownloadReason.NO_LINK), PENDING, D.FAILED),
    "mark_download_left": (t.mark_download_left, {D.RUNNING}, D.RESUMABLE),
    "save": (lambda job: t.save(job, FILE, 9.0), ALL - {D.SAVED}, D.SAVED),
    "replace_file": (lambda job: t.replace_file(job, Path("/downloads/b.zip")), {D.SAVED}, D.SAVED),
    "remove_file": (t.remove_file, ALL, D.NONE),
}  # fmt: skip


def with_file(state: DownloadState, of: JobState = S.SUCCEEDED) -> Job:
    return sample_job(state=of, download=Download(state=state, part=Path("/downloads/a.part"), received=2))


@pytest.mark.parametrize("state", DownloadState)
@pytest.mark.parametrize("name", FILE_EVENTS)
def test_every_event_on_every_state_of_the_file(name: str, state: DownloadState) -> None:
    event, applies, after = FILE_EVENTS[name]
    job = with_file(state)
    changed = event(job)
    if state in applies:
        assert changed.download.state is (after or state)
    else:
        assert changed is job
    assert changed.state is S.SUCCEEDED


@pytest.mark.parametrize("state", [state for state in JobState if state is not S.SUCCEEDED])
@pytest.mark.parametrize("name", sorted(FILE_EVENTS.keys() - {"request_file", "mark_download_left", "remove_file"}))
def test_a_job_that_has_not_succeeded_has_no_file(name: str, state: JobState) -> None:
    job = with_file(D.WANTED, state)
    assert FILE_EVENTS[name][0](job) is job


@pytest.mark.parametrize("state", JobState)
def test_a_file_is_requested_ahead_of_the_end(state: JobState) -> None:
    job = sample_job(state=state, save_when_ready=False)
    ahead = state in (S.REQUESTING, S.WAITING, S.RUNNING, S.LOST)
    assert t.request_file(job).save_when_ready is ahead


def test_posts_are_counted_where_something_may_have_reached_gale() -> None:
    job = sample_job(state=S.REQUESTING, posts=1)
    assert accept("IN_PROGRESS")(job).posts == 2
    assert t.wait(job, RateLimitedError("slow down", status=429), 5.0).posts == 2
    assert t.wait(job, NameNotFoundError("no name"), 5.0).posts == 1
    assert t.reject(job, AuthenticationError("no", status=401), 9.0).posts == 2
    assert t.reject(job, NameNotFoundError("no name"), 9.0).posts == 1
    assert t.mark_unconfirmed(job, UnansweredError("cut")).posts == 2
    assert t.postpone(job, 9.0).posts == 1


def test_an_error_leaves_its_code_status_and_words() -> None:
    error = AuthenticationError("GALE refused the key", status=401, detail="expired", body="{}")
    job = t.reject(sample_job(state=S.REQUESTING), error, 9.0)
    assert (job.reason_code, job.http_status, job.reason) == (JobReason.KEY_REFUSED, 401, "expired")
    assert job.last_response == "401\n{}"


def test_an_identical_answer_changes_nothing() -> None:
    job = answer("IN_PROGRESS")(sample_job())
    assert answer("IN_PROGRESS")(job) is job


def test_an_answer_ends_a_trouble_and_its_wait() -> None:
    error = RateLimitedError("slow down", status=429)
    error.retry_after = 90.0
    troubled = t.record_trouble(sample_job(), JobReason.RATE_LIMITED, error, since=8.0, at=9.0)
    assert (troubled.http_status, troubled.resume_at) == (429, 99.0)
    job = answer("IN_PROGRESS")(troubled)
    assert (job.reason_code, job.http_status, job.note, job.resume_at) == (None, None, "", None)


def test_a_refused_link_is_remembered_until_there_is_another() -> None:
    refused = dataclasses.replace(status(), link_refused=LinkRefusedError("ftp"))
    job = t.apply_status(sample_job(), refused, asked_at=1.0, at=2.0)
    job = answer("SUCCESS")(job)
    assert (job.reason_code, job.note) == (JobReason.LINK_REFUSED, "ftp.")
    job = t.apply_status(sample_job(), status("SUCCESS", LINK), asked_at=1.0, at=2.0)
    assert (job.reason_code, job.download_url) == (None, LINK)


@pytest.mark.parametrize("wanted", [True, False])
def test_success_requests_the_file_where_that_was_wanted(wanted: bool) -> None:
    job = answer("SUCCESS")(sample_job(save_when_ready=wanted))
    assert job.download.state is (D.WANTED if wanted else D.NONE)


def test_a_file_saved_before_stays_saved_when_fetching_it_again_fails() -> None:
    again = t.request_file(t.save(with_file(D.WANTED), FILE, 9.0))
    for changed in (t.fail_download(again, DownloadReason.CORRUPT, "bad"), t.lose_link(again, DownloadReason.NO_LINK)):
        assert changed.download.state is D.SAVED
        assert changed.download.path == FILE.path
        assert changed.download.reason_code is not None


def test_a_saved_file_drops_the_link() -> None:
    job = t.save(t.renew_link(with_file(D.WANTED), LINK), FILE, 9.0)
    assert job.download_url is None


def test_a_fault_of_the_disk_without_a_part_is_a_failure() -> None:
    job = sample_job(state=S.SUCCEEDED, download=Download(state=D.RUNNING))
    assert t.fail_download(job, DownloadReason.DISK, "full").download.state is D.FAILED


def test_nobody_else_changes_fields_of_a_job() -> None:
    """Poller, exporter, download queue, recovery and commands call transitions."""
    found = []
    for path in Path(t.__file__).parent.glob("*.py"):
        if path.name == "transitions.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            job = isinstance(node, ast.Call) and node.args and ast.unparse(node.args[0]) in ("job", "known")
            if name.endswith("with_download") or (name in ("replace", "dataclasses.replace") and job):
                found.append(f"{path.name}:{getattr(node, 'lineno', 0)}")
    assert found == []
