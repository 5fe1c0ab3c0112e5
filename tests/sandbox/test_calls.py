"""The three calls as the vendor's pages have them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Literal

import pytest

from gale_tui.sandbox.script import Script
from gale_tui.sandbox.server import SANDBOX_KEY
from tests.sandbox.asking import HandClock, ask, dock_status, export, export_path, fetch, started
from tests.support.sandbox import Sandbox

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def sandbox(clock: HandClock) -> Iterator[Sandbox]:
    with Sandbox(seed=7, clock=clock, wall=lambda: 1_795_000_000.0) as running:
        yield running


def test_an_export_runs_and_its_zip_has_the_three_files(sandbox: Sandbox, clock: HandClock) -> None:
    tool = sandbox.offered[0]

    answer = export(sandbox, tool)
    assert answer.status == 200
    assert list(answer.json) == ["dock-statusId", "toolId", "jobType", "action", "status", "exportJobId", "response"]
    assert re.fullmatch(f"ds-{UUID}", answer.json["dock-statusId"])
    assert re.fullmatch(f"agent-ej-{UUID}", answer.json["exportJobId"])
    assert answer.json["toolId"] == tool.tool_id
    assert (answer.json["jobType"], answer.json["action"], answer.json["status"]) == ("TOOLS", "EXPORT", "IN_PROGRESS")
    link = answer.json["response"]["downloadUrl"]
    assert re.fullmatch(rf"{sandbox.url}/api/v1/account/[^?]+\?signature=[0-9a-f]+&expires=\d+", link)

    dock_id = answer.json["dock-statusId"]
    seen = []
    for _ in range(3):
        status = dock_status(sandbox, dock_id).json
        assert status.pop("_id") == dock_id
        seen.append((status["status"], status["percentageComplete"]))
        clock.move(2.5)
    assert seen == [("IN_PROGRESS", 0), ("IN_PROGRESS", 50), ("SUCCESS", 100)]

    file = fetch(link)
    assert file.status == 200
    assert file.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(BytesIO(file.body)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["flow_definition.json", "app_definition.json", "env_variables.json"]


def test_the_link_does_not_work_before_success(sandbox: Sandbox, clock: HandClock) -> None:
    _, link = started(sandbox, Script(duration=4.0))
    assert fetch(link).status == 404
    clock.move(3.9)
    assert fetch(link).status == 404
    clock.move(0.2)
    assert fetch(link).status == 200


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "API key is missing"),
        ({"x-api-key": "kg-test-key-0000"}, "Invalid API key"),
        ({"Authorization": f"Bearer {SANDBOX_KEY}"}, "API key is missing"),
    ],
)
def test_every_call_wants_the_key(sandbox: Sandbox, headers: dict[str, str], message: str) -> None:
    tool = sandbox.offered[0]
    for method, path in (("POST", export_path(tool)), ("GET", "/api/public/dock-status/ds-0")):
        answer = fetch(sandbox.url + path, headers, method=method)
        assert (answer.status, answer.message) == (401, message)
    assert sandbox.jobs == ()


def test_a_key_that_was_changed_is_refused_from_then_on(sandbox: Sandbox) -> None:
    before = sandbox.key
    sandbox.key = "kg-test-key-0001"
    answer = fetch(f"{sandbox.url}/api/public/dock-status/ds-0", {"x-api-key": before})
    assert answer.status == 401


def test_what_does_not_exist_is_a_json_404(sandbox: Sandbox) -> None:
    tool = sandbox.offered[0]
    cases = {
        ("POST", "/api/public/tools/a-unknown/export?flowId=cf-1"): "Tool not found",
        # The colon of the vendor's route notation is no part of an id.
        ("POST", f"/api/public/tools/:{tool.tool_id}/export?flowId={tool.flow_id}"): "Tool not found",
        ("POST", f"/api/public/tools/{tool.tool_id}/export?flowId=cf-1"): "Flow not found for this tool",
        ("GET", "/api/public/dock-status/ds-unknown"): "Dock status not found",
        ("GET", "/api/public/something"): "No such call",
        ("GET", "/api/v1/account/x/exports/y"): "No such file",
    }
    for (method, path), message in cases.items():
        answer = ask(sandbox, method, path)
        assert (path, answer.status, answer.message) == (path, 404, message)
        assert answer.headers["Content-Type"].startswith("application/json")
    assert ask(sandbox, "GET", "/").headers["Content-Type"].startswith("text/html")
    assert sandbox.jobs == ()


def test_the_method_must_be_the_calls_own(sandbox: Sandbox) -> None:
    tool = sandbox.offered[0]
    answer = ask(sandbox, "GET", export_path(tool))
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    answer = ask(sandbox, "POST", "/api/public/dock-status/ds-0")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize("query", ["", "?flowId=", "?flowid=cf-1", "?callflowId=cf-1"])
def test_flow_id_is_needed_and_the_message_says_so(sandbox: Sandbox, query: str) -> None:
    answer = ask(sandbox, "POST", f"/api/public/tools/{sandbox.offered[0].tool_id}/export{query}")
    assert answer.status == 400
    assert "add ?flowId=" in answer.message
    assert sandbox.jobs == ()


def test_the_vendors_sample_without_flow_id_works_where_one_flow_is_deployed() -> None:
    with Sandbox(strict_flow=False) as sandbox:
        tool = sandbox.offered[0]
        answer = ask(sandbox, "POST", f"/api/public/tools/{tool.tool_id}/export")
        assert answer.status == 200
        assert [job.flow_id for job in sandbox.jobs] == [tool.flow_id]
        sandbox.script("a-any-flow", Script())
        assert ask(sandbox, "POST", "/api/public/tools/a-any-flow/export").status == 400


def test_ids_are_percent_decoded(sandbox: Sandbox) -> None:
    sandbox.script("a odd/id?", Script())
    answer = ask(sandbox, "POST", "/api/public/tools/a%20odd%2Fid%3F/export?flowId=cf%26%201")
    assert answer.json["toolId"] == "a odd/id?"
    assert sandbox.jobs[0].flow_id == "cf& 1"
    (record,) = sandbox.posts("a odd/id?")
    assert record.target == "/api/public/tools/a%20odd%2Fid%3F/export?flowId=cf%26%201"
    assert record.query == {"flowId": "cf& 1"}


@pytest.mark.parametrize("where", ["export", "status", "both", "neither"])
def test_the_link_in_each_place(
    sandbox: Sandbox, clock: HandClock, where: Literal["export", "status", "both", "neither"]
) -> None:
    tool = sandbox.add_tool("T", Script(url_in=where))

    def link(answer: dict[str, dict[str, str]]) -> str | None:
        return answer.get("response", {}).get("downloadUrl")

    exported = export(sandbox, tool).json
    early = dock_status(sandbox, exported["dock-statusId"]).json
    clock.move(10)
    late = dock_status(sandbox, exported["dock-statusId"]).json
    assert [link(answer) is not None for answer in (exported, early, late)] == [
        where in ("export", "both"),
        False,
        where in ("status", "both"),
    ]
    for answer in (exported, late):
        url = link(answer)
        assert url is None or fetch(url).status == 200


def test_a_failure_gives_its_reason(sandbox: Sandbox, clock: HandClock) -> None:
    dock_id, link = started(sandbox, Script(outcome="FAILED", reason="no model", percentages=True))
    assert dock_status(sandbox, dock_id).json["status"] == "IN_PROGRESS"
    clock.move(10)
    answer = dock_status(sandbox, dock_id).json
    assert answer["status"] == "FAILED"
    assert answer["percentageComplete"] < 100
    assert answer["statusMessage"] == "no model"
    assert fetch(link).status == 404


def test_a_failure_without_a_reason(sandbox: Sandbox, clock: HandClock) -> None:
    dock_id, _ = started(sandbox, Script(outcome="FAILED"))
    clock.move(10)
    assert set(dock_status(sandbox, dock_id).json) == {"_id", "toolId", "jobType", "action", "status"}


def test_unknown_status_words_come_and_go(sandbox: Sandbox, clock: HandClock) -> None:
    script = Script(duration=9.0, statuses=((5.0, "PACKING"), (2.0, "QUEUED"), (7.0, 17)), outcome="DONE?")
    dock_id, _ = started(sandbox, script)
    words = []
    for _ in range(5):
        words.append(dock_status(sandbox, dock_id).json["status"])
        clock.move(2.5)
    assert words == ["IN_PROGRESS", "QUEUED", "PACKING", 17, "DONE?"]


def test_a_job_that_never_ends(sandbox: Sandbox, clock: HandClock) -> None:
    dock_id, _ = started(sandbox, Script(duration=float("inf"), percentages=True))
    clock.move(1e6)
    answer = dock_status(sandbox, dock_id).json
    assert (answer["status"], answer["percentageComplete"]) == ("IN_PROGRESS", 0)


def test_any_field_may_be_set_or_taken_out(sandbox: Sandbox) -> None:
    script = Script(
        edit_export=lambda answer: answer.update(status=5, response={"downloadUrl": ["x"]}),
        edit_status=lambda answer: answer.pop("_id"),
    )
    answer = export(sandbox, sandbox.add_tool("T", script)).json
    assert (answer["status"], answer["response"]) == (5, {"downloadUrl": ["x"]})
    assert "_id" not in dock_status(sandbox, answer["dock-statusId"]).json


def test_a_running_job_can_be_scripted_anew_and_forgotten(sandbox: Sandbox, clock: HandClock) -> None:
    dock_id, link = started(sandbox, Script(duration=60.0))
    sandbox.script_job(dock_id, Script(duration=60.0, statuses=((0.0, "PAUSED"),)))
    assert dock_status(sandbox, dock_id).json["status"] == "PAUSED"
    clock.move(61)
    assert fetch(link).status == 200
    sandbox.forget_job(dock_id)
    assert dock_status(sandbox, dock_id).status == 404
    assert fetch(link).status == 404


def test_scripting_a_tool_leaves_its_running_jobs_alone(sandbox: Sandbox, clock: HandClock) -> None:
    tool = sandbox.add_tool("T", Script(duration=5.0))
    first = export(sandbox, tool).json["dock-statusId"]
    sandbox.script(tool.tool_id, Script(duration=50.0))
    second = export(sandbox, tool).json["dock-statusId"]
    clock.move(6)
    assert dock_status(sandbox, first).json["status"] == "SUCCESS"
    assert dock_status(sandbox, second).json["status"] == "IN_PROGRESS"


def test_a_script_that_cannot_be_followed_is_told_to_who_asks(sandbox: Sandbox) -> None:
    answer = export(sandbox, sandbox.add_tool("T", Script(edit_export=lambda answer: answer.pop("no such field"))))
    assert answer.status == 500
    assert "script is wrong" in answer.message
    assert sandbox.requests[-1].status == 500
