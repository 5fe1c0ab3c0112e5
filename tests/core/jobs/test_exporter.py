"""The export POST against a server: sent once, or visibly again after a 429, and never forgotten."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import socket
import stat
import zipfile
from pathlib import Path

import pytest

from gale_tui.core.clock import SystemClock
from gale_tui.core.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigError,
    ConflictError,
    ForbiddenError,
    GaleError,
    NameNotFoundError,
    NotFoundError,
    NotSentError,
    RefusedError,
    TlsError,
)
from gale_tui.core.history.store import JobStore
from gale_tui.core.identifiers import parse_host
from gale_tui.core.jobs.rate_limits import PollPolicy
from gale_tui.core.models import DownloadState, ExportRequest, JobReason, JobState
from gale_tui.core.secret import Secret
from gale_tui.sandbox.script import Fault
from tests.support import faults
from tests.support.answers import renamed, with_fields
from tests.support.certificates import Authority
from tests.support.engines import FACTOR, FLOW, TOOL, Bench, bench, eventually
from tests.support.sandbox import Sandbox
from tests.support.wire import WireServer

__all__ = ["bench"]


async def test_from_the_ids_to_a_verified_file(bench: Bench) -> None:
    async with bench.engine() as watch:
        job = await bench.export(watch, label="Banking")
        assert (job.state, job.status, job.posts) == (JobState.RUNNING, "IN_PROGRESS", 1)
        job = await watch.saved(job.id)
        events = [event.text for event in await watch.engine.registry.store.events(job.id)]
    assert watch.states(job.id) == [JobState.REQUESTING, JobState.RUNNING, JobState.SUCCEEDED]
    path = job.download.path
    assert path is not None
    assert path.parent == bench.files
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {"flow_definition.json", "app_definition.json", "env_variables.json"}
        assert archive.testzip() is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert job.download_url is None
    assert events[0] == "requested"
    assert {"IN_PROGRESS", "SUCCESS"} < set(events)
    assert events[-1].startswith("saved, sha256 ")
    (post,) = bench.sandbox.posts(TOOL)
    assert post.target == f"/api/public/tools/{TOOL}/export?flowId={FLOW}"
    assert (post.header("x-api-key"), post.body_length) == (bench.sandbox.key, 0)


async def test_the_record_is_in_the_history_before_the_post_leaves(bench: Bench) -> None:
    seen: list[tuple[str, int]] = []

    def step(name: str) -> None:
        if name in ("db committed", "request sent"):
            seen.append((name, bench.posts))

    async with bench.engine(step=step) as watch:
        await bench.export(watch)
    first = seen.index(("request sent", 0))
    assert ("db committed", 0) in seen[:first]


REFUSED: list[tuple[int, type[GaleError]]] = [
    (400, BadRequestError),
    (401, AuthenticationError),
    (403, ForbiddenError),
    (404, NotFoundError),
    (409, ConflictError),
    (422, BadRequestError),
]


@pytest.mark.parametrize(("status", "kind"), REFUSED)
async def test_what_the_server_refuses_is_raised_and_leaves_no_row(
    bench: Bench, status: int, kind: type[GaleError]
) -> None:
    bench.script(on_export=(faults.refused(status, "The flow is not deployed"),))
    async with bench.engine() as watch:
        with pytest.raises(kind):
            await bench.export(watch)
        assert dict(watch.engine.jobs) == {}
    assert bench.posts == 1
    async with bench.engine() as watch:
        assert dict(watch.engine.jobs) == {}


@pytest.mark.parametrize("status", [400, 404, 409])
async def test_in_a_batch_a_refusal_is_a_row(bench: Bench, status: int) -> None:
    bench.script(on_export=(faults.refused(status, "The flow is not deployed"),))
    async with bench.engine() as watch:
        job = await watch.engine.jobs.export(bench.request(), keep_rejected=True)
        assert (job.state, job.status, job.posts) == (JobState.REJECTED, "REJECTED", 1)
        assert job.reason == "The flow is not deployed"
    assert bench.posts == 1


async def test_a_refusal_that_nobody_waits_for_is_a_row(bench: Bench) -> None:
    bench.script(on_export=(Fault(status=404, delay=20.0),))
    async with bench.engine() as watch:
        form = asyncio.create_task(bench.export(watch))
        await eventually(lambda: bench.posts == 1)
        form.cancel()
        with pytest.raises(asyncio.CancelledError):
            await form
        (job_id,) = watch.engine.jobs
        await watch.state(job_id, JobState.REJECTED)


UNCONFIRMED_REASONS = (JobReason.NO_ANSWER, JobReason.BAD_ANSWER, JobReason.SERVER_ERROR, JobReason.REDIRECTED)
UNCONFIRMED = {
    "answer cut off": faults.cut("answer", started=True),
    "answer reset": faults.cut("answer", reset=True),
    "cut in the head": faults.cut("head"),
    "cut in the body": faults.cut(10),
    "500": faults.server_error(500, started=True),
    "gateway": faults.html_page(502),
    "unavailable": faults.server_error(503),
    "page instead of JSON": faults.html_page(200, started=True),
    "bad JSON": faults.bad_json(),
    "empty": faults.empty_body(),
    "oversized": faults.oversized(),
    "see other": Fault(status=303, headers=(("Location", "/elsewhere"),)),
}


@pytest.mark.parametrize("fault", UNCONFIRMED.values(), ids=UNCONFIRMED.keys())
async def test_what_may_have_arrived_is_unconfirmed_and_not_sent_again(bench: Bench, fault: Fault) -> None:
    bench.script(on_export=(fault,))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        assert (job.state, job.status, job.posts) == (JobState.UNCONFIRMED, "UNCONFIRMED", 1)
        assert job.reason_code in UNCONFIRMED_REASONS
    async with bench.engine() as watch:
        # Nor after a restart.
        assert watch.engine.jobs[job.id].state is JobState.UNCONFIRMED
        await bench.clock.sleep(10)
    assert bench.posts == 1


async def test_no_answer_within_the_time_is_unconfirmed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gale_tui.core.gale_api.client.EXPORT_SECONDS", 0.3)
    bench.script(on_export=(faults.stalled("answer", started=True),))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        assert job.state is JobState.UNCONFIRMED
    assert bench.posts == 1


async def test_a_success_without_an_id_is_unconfirmed(bench: Bench) -> None:
    bench.script(edit_export=renamed("dock-statusId"))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        assert job.state is JobState.UNCONFIRMED
    assert bench.posts == 1


async def not_sent(bench: Bench, host: str, kind: type[NotSentError]) -> None:
    """Exports to a host that cannot be reached: alone, and as one of a batch."""
    environment = dataclasses.replace(bench.environment, id="away", name="away", origin=parse_host(host))
    bench.config.save_environment(environment)
    async with bench.engine() as watch:
        watch.engine.credentials.keep_for_session(environment, Secret(bench.sandbox.key))
        with pytest.raises(kind):
            await watch.engine.jobs.export(ExportRequest("away", TOOL, FLOW))
        assert dict(watch.engine.jobs) == {}
        job = await watch.engine.jobs.export(ExportRequest("away", TOOL, FLOW), keep_rejected=True)
        assert (job.state, job.posts) == (JobState.REJECTED, 0)


async def test_a_host_that_refuses_the_connection_leaves_no_row(bench: Bench) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        await not_sent(bench, f"127.0.0.1:{taken.getsockname()[1]}", RefusedError)


async def test_a_host_that_does_not_exist_leaves_no_row(bench: Bench) -> None:
    await not_sent(bench, "nobody.invalid", NameNotFoundError)


async def test_a_certificate_that_nobody_trusts_leaves_no_row(bench: Bench, tmp_path: Path) -> None:
    with Sandbox(tls=Authority(tmp_path).issue("127.0.0.1")) as sandbox:
        await not_sent(bench, sandbox.url, TlsError)
        assert sandbox.requests == []


async def test_after_429_it_waits_visibly_and_is_sent_again(bench: Bench) -> None:
    bench.script(on_export=(faults.rate_limited(30),))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        assert (job.state, job.status) == (JobState.WAITING, "WAITING")
        assert job.resume_at is not None
        assert job.resume_at - job.created_at >= 30
        assert job.reason_code is JobReason.RATE_LIMITED
        waited_until = job.resume_at
        job = await watch.state(job.id, JobState.RUNNING)
        assert bench.clock.time() >= waited_until
        assert job.posts == 2
        assert job.resume_at is None
        await watch.saved(job.id)
        assert watch.states(job.id)[:4] == [
            JobState.REQUESTING,
            JobState.WAITING,
            JobState.REQUESTING,
            JobState.RUNNING,
        ]
    assert bench.posts == 2


async def test_429_without_a_time_waits_longer_each_time(bench: Bench) -> None:
    bench.script(on_export=(faults.rate_limited(None, times=3),))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        job = await watch.state(job.id, JobState.RUNNING)
        assert job.posts == 4
    times = [record.at for record in bench.sandbox.posts(TOOL)]
    gaps = [(later - earlier) * FACTOR for earlier, later in itertools.pairwise(times)]
    assert gaps[0] >= 5
    assert gaps[1] >= 10
    assert gaps[2] >= 20


async def test_a_waiting_export_goes_on_after_a_restart(bench: Bench) -> None:
    bench.script(on_export=(faults.rate_limited(60),))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        assert job.state is JobState.WAITING
    assert bench.posts == 1
    async with bench.engine() as watch:
        job = await watch.saved(job.id)
        assert job.posts == 2
    assert bench.posts == 2


async def test_a_waiting_export_is_sent_once_by_two_instances(bench: Bench) -> None:
    bench.script(on_export=(faults.rate_limited(30),))
    async with bench.engine() as first:
        job = await bench.export(first)
        async with bench.engine() as second, bench.engine() as third:
            await first.saved(job.id)
            await second.saved(job.id)
            await third.saved(job.id)
    assert bench.posts == 2
    assert len(bench.zips) == 1


async def test_a_waiting_export_that_cannot_be_sent_goes_on_waiting(bench: Bench) -> None:
    bench.script(on_export=(faults.rate_limited(20),))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        bench.sandbox.stop()
        await watch.until(job.id, lambda job: job.reason_code is JobReason.UNREACHABLE)
        assert watch.engine.jobs[job.id].state is JobState.WAITING
        bench.sandbox.start()
        await watch.saved(job.id)
    assert bench.posts == 2


async def test_a_waiting_export_of_a_deleted_environment_says_so(bench: Bench) -> None:
    bench.script(on_export=(faults.rate_limited(20),))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        await watch.engine.environments.delete(bench.environment)
        job = await watch.until(job.id, lambda job: job.reason_code is JobReason.ENVIRONMENT_GONE)
        assert job.state is JobState.WAITING
    assert bench.posts == 1


async def test_readonly_starts_nothing_and_sends_nothing_again(bench: Bench) -> None:
    bench.script(on_export=(faults.rate_limited(5),))
    async with bench.engine() as watch:
        job = await bench.export(watch)
    async with bench.engine(readonly=True) as watch:
        with pytest.raises(ConfigError, match="Read-only"):
            await bench.export(watch)
        await bench.clock.sleep(30)
        assert watch.engine.jobs[job.id].state is JobState.WAITING
    assert bench.posts == 1


async def test_no_key_is_said_before_anything_is_recorded(bench: Bench) -> None:
    engine = bench.make()
    other = dataclasses.replace(bench.environment, id="other", name="other")
    bench.config.save_environment(other)
    engine.environments.reload()
    await engine.start()
    try:
        with pytest.raises(GaleError, match="no key"):
            await engine.jobs.export(ExportRequest("other", TOOL, FLOW))
        assert dict(engine.jobs) == {}
    finally:
        await engine.close()
    assert bench.posts == 0


async def test_a_batch_is_sent_one_after_the_other(bench: Bench) -> None:
    turns: list[float] = []

    def step(name: str) -> None:
        if name == "request sent":
            turns.append(bench.clock.monotonic())

    async with bench.engine(step=step) as watch:
        jobs = await asyncio.gather(*(watch.engine.jobs.export(bench.request(), keep_rejected=True) for _ in range(4)))
        assert {job.state for job in jobs} == {JobState.RUNNING}
    # A tenth is left to the loop's timer: a millisecond that it is early is 50 here.
    assert [at - turns[0] >= number - 0.1 for number, at in enumerate(turns)] == [True] * 4


async def test_a_batch_cut_short_sends_the_rest_the_next_time(bench: Bench) -> None:
    async with bench.engine(clock=SystemClock()) as watch:  # too slow to send all of them meanwhile
        batch = [asyncio.create_task(watch.engine.jobs.export(bench.request(), keep_rejected=True)) for _ in range(12)]
        await eventually(lambda: bench.posts >= 2 and len(watch.engine.jobs) == 12)
    await asyncio.gather(*batch, return_exceptions=True)
    assert bench.posts < 12
    # Looked at where nobody sends them yet.
    store = await JobStore.open(bench.paths.store_file)
    waiting = [job for job in await store.load() if job.state is JobState.WAITING]
    await store.close()
    # A request may still be on its way to the server, and one may never get there.
    await eventually(lambda: bench.posts >= 12 - len(waiting) - 1)
    async with bench.engine() as watch:
        assert len(watch.engine.jobs) == 12
        await eventually(lambda: bench.posts == 12)
        await eventually(lambda: not any(job.state is JobState.WAITING for job in watch.engine.jobs.values()))
    assert bench.posts == 12


async def test_a_job_that_fails_at_once_and_one_that_succeeds_at_once(bench: Bench) -> None:
    bench.script(duration=0.0, export_status="SUCCESS")
    async with bench.engine() as watch:
        job = await bench.export(watch)
        assert job.state is JobState.SUCCEEDED
        assert job.download.state in (DownloadState.WANTED, DownloadState.RUNNING, DownloadState.SAVED)
        await watch.saved(job.id)
        bench.script(
            duration=0.0, export_status="FAILED", edit_export=with_fields({"statusMessage": "node n3 has no model"})
        )
        job = await bench.export(watch)
        assert (job.state, job.reason) == (JobState.FAILED, "node n3 has no model")
    assert bench.sandbox.status_calls(job.dock_status_id or "") == []


async def test_not_saved_unless_wanted(bench: Bench) -> None:
    async with bench.engine(policy=PollPolicy()) as watch:
        job = await bench.export(watch, save_when_ready=False)
        job = await watch.state(job.id, JobState.SUCCEEDED)
        assert job.download.state is DownloadState.NONE
        assert "Saving" in (await watch.engine.jobs.download(job.id)).text
        await watch.saved(job.id)


async def test_a_tls_handshake_that_never_ends_has_sent_nothing(bench: Bench) -> None:
    with WireServer(lambda conversation: conversation.hold()) as server:
        url = server.url.replace("http:", "https:")
        bench.environment = dataclasses.replace(bench.environment, origin=parse_host(url))
        bench.config.save_environment(bench.environment)
        async with bench.engine() as watch:
            exporting = asyncio.create_task(bench.export(watch))
            await eventually(lambda: server.connections == 1)
            await watch.engine.close()
            (job,) = watch.engine.jobs.values()
            assert job.state is JobState.WAITING
            assert job.posts == 0
            exporting.cancel()
            await asyncio.gather(exporting, return_exceptions=True)
