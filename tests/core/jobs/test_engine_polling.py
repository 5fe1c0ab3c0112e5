"""What comes of a job between its start and its end: answers in every spelling, and troubles that pass."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from gale_tui.core.identifiers import parse_host
from gale_tui.core.jobs.rate_limits import PollPolicy
from gale_tui.core.models import DownloadState, EnvironmentCondition, JobReason, JobState
from gale_tui.core.secret import Secret
from gale_tui.sandbox.script import Edit, Fault, Link, Script
from tests.support import faults
from tests.support.answers import all_of, relative_link, renamed, with_fields
from tests.support.engines import TOOL, Bench, bench, eventually
from tests.support.sandbox import Sandbox

__all__ = ["bench"]

LINK = "response.downloadUrl"
SPELLINGS: dict[str, dict[str, Any]] = {
    "dockStatusId": {"edit_export": renamed("dock-statusId", "dockStatusId")},
    "dockstatusId": {"edit_export": renamed("dock-statusId", "dockstatusId")},
    "_id": {"edit_export": renamed("dock-statusId", "_id")},
    "several": {"edit_export": renamed("dock-statusId", "_id", "dock-statusId", "dockStatusId")},
    "status with dockStatusId": {"edit_status": renamed("_id", "dockStatusId")},
    "status without id": {"edit_status": renamed("_id")},
    "downloadUrl": {"edit_export": renamed(LINK, "downloadUrl")},
    "downloadURL": {"edit_export": renamed(LINK, "downloadURL")},
    "in the status": {"url_in": "status"},
    "downloadURL in the status": {"url_in": "status", "edit_status": renamed(LINK, "downloadURL")},
    "in both": {"url_in": "both"},
    "tool-ej": {"edit_export": with_fields({"exportJobId": "tool-ej-1"})},
    "workflow-ej": {
        "edit_export": all_of(
            renamed("toolId", "workflowId"), with_fields({"exportJobId": "workflow-ej-1", "jobType": "WORKFLOWS"})
        ),
        "edit_status": all_of(renamed("toolId", "workflowId"), with_fields({"jobType": "WORKFLOWS"})),
    },
    "modelId": dict.fromkeys(
        ("edit_export", "edit_status"), all_of(renamed("toolId", "modelId"), with_fields({"jobType": "MODELS"}))
    ),
    "percentages": {"percentages": True},
}


@pytest.mark.parametrize("script", SPELLINGS.values(), ids=SPELLINGS.keys())
async def test_every_spelling_leads_to_the_file(bench: Bench, script: dict[str, Any]) -> None:
    bench.script(duration=2.0, **script)
    async with bench.engine() as watch:
        job = await bench.export(watch)
        job = await watch.saved(job.id)
        assert job.export_job_id is not None
    assert bench.posts == 1


LINKS: dict[str, Link] = {
    "relative": relative_link(),
    "relative without slash": relative_link(""),
    "white space": Link(write=lambda url: f"  \n{url} \t"),
    "for ever": Link(lifetime=math.inf),
    "unsigned and open": Link(signed=False),
    "needs the key": Link(signed=False, key="needed"),
    "signed and needs the key": Link(key="needed"),
    "refuses the key": Link(key="refused"),
    "works early": Link(early=True),
    "redirects on its own origin": Link(redirects=("own", "relative")),
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS.keys())
async def test_every_kind_of_link_leads_to_the_file(bench: Bench, link: Link) -> None:
    bench.script(duration=2.0, link=link)
    async with bench.engine() as watch:
        job = await bench.export(watch)
        await watch.saved(job.id)


REASONS: dict[str, Edit] = {
    "statusMessage": all_of(),
    "message": renamed("statusMessage", "message"),
    "error": renamed("statusMessage", "error"),
    "errors": lambda answer: answer.update(errors=[{"msg": answer.pop("statusMessage", ""), "code": 500}]),
    "response.message": renamed("statusMessage", "response.message"),
}


@pytest.mark.parametrize("where", REASONS)
async def test_a_failure_shows_its_reason(bench: Bench, where: str) -> None:
    bench.script(duration=2.0, outcome="FAILED", reason="node n3 has no model", edit_status=REASONS[where])
    async with bench.engine() as watch:
        job = await bench.export(watch)
        job = await watch.state(job.id, JobState.FAILED)
        assert (job.status, job.reason) == ("FAILED", "node n3 has no model")
        assert job.ended_at is not None
        assert job.download.state is DownloadState.NONE
        events = [event.text for event in await watch.engine.registry.store.events(job.id)]
        assert events[-1] == "FAILED: node n3 has no model"
        assert "has no file" in (await watch.engine.jobs.download(job.id)).text
        before = len(bench.sandbox.requests)
        await bench.clock.sleep(60)
        assert len(bench.sandbox.requests) == before


async def test_a_failure_without_a_reason(bench: Bench) -> None:
    bench.script(duration=2.0, outcome="FAILED")
    async with bench.engine() as watch:
        job = await bench.export(watch)
        job = await watch.state(job.id, JobState.FAILED)
        assert job.reason is None


async def test_unknown_words_are_shown_as_they_came_and_polled_on(bench: Bench) -> None:
    bench.script(duration=100.0, statuses=((2.0, "QUEUED_2"), (50.0, "Almost there")))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        await watch.saved(job.id)
        words = {change.job.status for change in watch.changes}
    assert {"QUEUED_2", "Almost there", "SUCCESS"} <= words


async def test_an_identical_answer_writes_and_tells_nothing(bench: Bench) -> None:
    bench.script(duration=10_000.0)
    async with bench.engine() as watch:
        job = await bench.export(watch)
        dock = job.dock_status_id or ""
        await eventually(lambda: len(bench.sandbox.status_calls(dock)) >= 3)
        revision, told = watch.engine.jobs[job.id].revision, len(watch.changes)
        await eventually(lambda: len(bench.sandbox.status_calls(dock)) >= 7)
        (stored,) = await watch.engine.registry.store.load()
        assert stored.revision == revision
        assert len(watch.changes) == told
        assert len(await watch.engine.registry.store.events(job.id)) == 2


TROUBLES: dict[str, Fault] = {
    "500": faults.server_error(500, times=2),
    "503": faults.server_error(503, times=2),
    "page": faults.html_page(502, times=2),
    "page with 200": faults.html_page(200, times=2),
    "page with 404": faults.html_page(404, times=2),
    "bad JSON": faults.bad_json(times=2),
    "empty": faults.empty_body(times=2),
    "oversized": faults.oversized(times=2),
    "cut": faults.cut(times=2),
    "reset": faults.cut("head", reset=True, times=2),
    "429": faults.rate_limited(10, times=2),
    "429 with a date": faults.rate_limited(10, as_date=True, times=1),
    "404": faults.refused(404, times=2),
    "403": faults.refused(403, times=1),
    "gzip": faults.gzipped(times=2),
}


@pytest.mark.parametrize("fault", TROUBLES.values(), ids=TROUBLES.keys())
async def test_trouble_with_polling_never_fails_a_job(bench: Bench, fault: Fault) -> None:
    bench.script(duration=2.0, on_status=(fault,))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        job = await watch.saved(job.id)
        assert job.reason_code is None
        assert not {JobState.FAILED, JobState.LOST, JobState.UNCONFIRMED} & set(watch.states(job.id))
    assert bench.posts == 1


async def test_no_answer_counts_no_time_in_which_nobody_asked(bench: Bench) -> None:
    bench.script(duration=9000.0, on_status=(faults.server_error(503, times=None),))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        first = await watch.until(job.id, lambda job: job.reason_code is JobReason.SERVER_ERROR)
        assert first.last_asked_at is not None
        for _ in range(2):
            watch.engine.jobs.refresh(job.id)
            await bench.clock.sleep(30)
        assert watch.engine.jobs[job.id].last_asked_at == first.last_asked_at, "the first of those in a row"
    await bench.clock.sleep(600)
    began = bench.clock.time()
    async with bench.engine() as watch:
        await watch.until(job.id, lambda job: (job.last_asked_at or 0.0) >= began)


async def test_a_network_that_is_away_is_said_and_comes_back(bench: Bench) -> None:
    bench.script(duration=20.0)
    async with bench.engine() as watch:
        conditions: list[EnvironmentCondition] = []
        watch.engine.connection_status.listeners.append(conditions.append)
        job = await bench.export(watch)
        await eventually(lambda: len(bench.sandbox.requests) >= 2)
        bench.sandbox.stop()
        job = await watch.until(job.id, lambda job: job.reason_code is not None)
        assert job.reason_code in (JobReason.UNREACHABLE, JobReason.NO_ANSWER)
        assert job.state is JobState.RUNNING
        # At once where nothing is reached; a question that is only lost on its way takes another one.
        await eventually(lambda: watch.engine.connection_status.of("staging").state == "offline")
        bench.sandbox.start()
        job = await watch.saved(job.id)
        assert job.reason_code is None
    assert conditions[-1].state == "fine"


async def test_after_404_for_long_a_job_is_lost_and_found_again_by_hand(bench: Bench) -> None:
    bench.script(duration=5.0, on_status=(faults.refused(404),))
    policy = PollPolicy(lost_after=30.0)
    async with bench.engine(policy=policy) as watch:
        job = await bench.export(watch)
        job = await watch.state(job.id, JobState.LOST)
        assert job.status == "LOST"
        assert job.reason_code is JobReason.NOT_FOUND
    async with bench.engine(policy=policy) as watch:
        # A restart does not make it look alive.
        await bench.clock.sleep(10)
        assert watch.engine.jobs[job.id].state is JobState.LOST
        assert watch.engine.jobs[job.id].reason_code is JobReason.NOT_FOUND
        bench.sandbox.script_job(job.dock_status_id or "", Script(duration=5.0))
        assert "Refreshing" in watch.engine.jobs.refresh(job.id).text
        await watch.saved(job.id)


async def test_401_while_polling_waits_for_a_key_and_goes_on(bench: Bench) -> None:
    bench.script(duration=120.0)
    async with bench.engine() as watch:
        conditions: list[EnvironmentCondition] = []
        watch.engine.connection_status.listeners.append(conditions.append)
        jobs = [await bench.export(watch) for _ in range(3)]
        bench.sandbox.key = "kg-test-key-0000-another-one"
        await eventually(lambda: watch.engine.connection_status.of("staging").state == "needs key")
        await eventually(lambda: any(job.reason_code is JobReason.KEY_REFUSED for job in watch.engine.jobs.values()))
        await bench.clock.sleep(40)
        assert len([each for each in bench.sandbox.requests if each.status == 401]) <= 3
        assert {watch.engine.jobs[job.id].state for job in jobs} == {JobState.RUNNING}

        wrong = Secret("kg-test-key-0000-wrong")
        await watch.engine.environments.provide_key(bench.environment, wrong, session_only=True)
        await eventually(lambda: watch.engine.connection_status.of("staging").state == "needs key")
        await watch.engine.environments.provide_key(bench.environment, Secret(bench.sandbox.key), session_only=True)
        for job in jobs:
            await watch.saved(job.id)
        assert watch.engine.connection_status.of("staging").state == "fine"
    assert [each.state for each in conditions].count("fine") == 2
    assert bench.posts == 3


async def test_a_late_401_for_the_old_key_does_not_ask_for_another(bench: Bench) -> None:
    bench.script(duration=60.0, on_status=(Fault(status=401, delay=20.0),))
    async with bench.engine() as watch:
        job = await bench.export(watch)
        await eventually(lambda: len(bench.sandbox.status_calls(job.dock_status_id or "")) == 1)
        bench.sandbox.key = "kg-test-key-0000-another-one"
        await watch.engine.environments.provide_key(bench.environment, Secret(bench.sandbox.key), session_only=True)
        states: list[str] = []
        watch.engine.connection_status.listeners.append(lambda condition: states.append(condition.state))
        await watch.saved(job.id)
        assert "needs key" not in states


async def test_a_job_of_a_changed_host_is_not_asked_and_says_why(bench: Bench) -> None:
    bench.script(duration=30.0)
    with Sandbox(speed=50, key=bench.sandbox.key) as other:
        async with bench.engine() as watch:
            job = await bench.export(watch)
            moved = dataclasses.replace(bench.environment, origin=parse_host(other.url))
            await watch.engine.environments.save(
                moved, previous=bench.environment, key=Secret(other.key), session_only=True
            )
            job = await watch.until(job.id, lambda job: job.reason_code is JobReason.ENVIRONMENT_MOVED)
            assert job.state is JobState.RUNNING
            asked = len(bench.sandbox.requests)
            await bench.clock.sleep(40)
            assert len(bench.sandbox.requests) == asked
            assert other.requests == []

            await watch.engine.environments.save(
                bench.environment, previous=moved, key=Secret(other.key), session_only=True
            )
            await watch.saved(job.id)
            assert other.requests == []


async def test_a_job_of_a_deleted_environment_is_not_asked_and_says_why(bench: Bench) -> None:
    bench.script(duration=30.0)
    async with bench.engine() as watch:
        job = await bench.export(watch)
        await watch.engine.environments.delete(bench.environment)
        job = await watch.until(job.id, lambda job: job.reason_code is JobReason.ENVIRONMENT_GONE)
        assert job.state is JobState.RUNNING
        asked = len(bench.sandbox.requests)
        await bench.clock.sleep(40)
        assert len(bench.sandbox.requests) == asked


async def test_a_renamed_environment_keeps_its_jobs(bench: Bench) -> None:
    bench.script(duration=20.0)
    async with bench.engine() as watch:
        job = await bench.export(watch)
        renamed = dataclasses.replace(bench.environment, name="stage")
        await watch.engine.environments.save(renamed, previous=bench.environment, key=None, session_only=True)
        job = await watch.saved(job.id)
        assert "--stage--" in (job.download.path or bench.files).name


async def test_tracking_a_job_of_somebody_else(bench: Bench) -> None:
    bench.script(duration=10.0, url_in="status")
    async with bench.engine() as watch:
        job = await bench.export(watch)
        dock = job.dock_status_id or ""
        assert (await watch.engine.jobs.track("staging", dock)).id == job.id
        undo = await watch.engine.jobs.remove(job.id)
        assert undo is not None
        assert dict(watch.engine.jobs) == {}
        tracked = await watch.engine.jobs.track("staging", dock)
        assert tracked.tracked
        tracked = await watch.saved(tracked.id)
        assert tracked.tool_id == TOOL


async def test_forgetting_and_taking_it_back(bench: Bench) -> None:
    bench.script(duration=20.0)
    async with bench.engine() as watch:
        job = await bench.export(watch)
        undo = await watch.engine.jobs.remove(job.id)
        await bench.clock.sleep(5)
        asked = len(bench.sandbox.requests)
        await bench.clock.sleep(20)
        assert len(bench.sandbox.requests) == asked
        assert undo is not None
        await undo()
        await watch.saved(job.id)
        assert await watch.engine.jobs.remove("nobody") is None


async def test_pausing_and_refreshing(bench: Bench) -> None:
    bench.script(duration=150.0)
    async with bench.engine() as watch:
        watch.engine.scheduler.paused = True
        job = await bench.export(watch)
        assert "Refreshing" in watch.engine.jobs.refresh_all().text
        await eventually(lambda: len(bench.sandbox.status_calls(job.dock_status_id or "")) == 1)
        await bench.clock.sleep(60)
        assert len(bench.sandbox.status_calls(job.dock_status_id or "")) == 1
        watch.engine.save_settings(poll_floor=60.0)
        with bench.clock.held():
            assert "Refreshing" in watch.engine.jobs.refresh(job.id).text
            await eventually(lambda: " s (" in watch.engine.jobs.refresh(job.id).text)
            assert " in 60 s (at least 60 s " in watch.engine.jobs.refresh(job.id).text
            assert len(bench.sandbox.status_calls(job.dock_status_id or "")) == 2
            assert " within 60 s" in watch.engine.jobs.refresh_all().text
        watch.engine.save_settings(poll_floor=2.0)
        watch.engine.scheduler.paused = False
        await watch.saved(job.id)
        assert "nothing to refresh" in watch.engine.jobs.refresh(job.id).text
        assert "is gone" in watch.engine.jobs.refresh("nobody").text
        assert "No unfinished jobs" in watch.engine.jobs.refresh_all().text
