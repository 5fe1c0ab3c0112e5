"""Workflows and models beside tools, over HTTP against the sandbox."""

from __future__ import annotations

import hashlib

import pytest

from gale_tui.core.batch.parser import parse_batch
from gale_tui.core.errors import ForbiddenError, NotFoundError
from gale_tui.core.history.batches import BatchRecord
from gale_tui.core.history.sets import ToolSet
from gale_tui.core.jobs.batch_runner import BatchRun
from gale_tui.core.kinds import KINDS, MODEL, TOOL, WORKFLOW
from gale_tui.core.models import ExportRequest, JobState
from gale_tui.sandbox.jobs import Tool
from gale_tui.sandbox.script import Fault, Script
from tests.support import faults
from tests.support.answers import headed, served, vendor_script, with_fields
from tests.support.bad_files import bad_file
from tests.support.engines import Bench, bench

__all__ = ["bench"]

WEIGHTS = b"GGUF" + bytes(range(256)) * 4096


def request(offered: Tool, kind: str) -> ExportRequest:
    return ExportRequest("staging", offered.tool_id, offered.flow_id, kind=KINDS[kind])


@pytest.mark.parametrize("word", KINDS)
async def test_each_kind_is_exported_and_saved_and_stays_what_it_is(bench: Bench, word: str) -> None:
    offered = bench.sandbox.add_tool("Thing", vendor_script(word, "Thing"), kind=word)
    async with bench.engine() as watch:
        job = await watch.engine.jobs.export(request(offered, word))
        job = await watch.saved(job.id)
        assert (job.kind, job.tool_id, job.flow_id, job.name) == (
            KINDS[word],
            offered.tool_id,
            offered.flow_id,
            "Thing",
        )
        assert watch.engine.jobs.last_kind("staging") is KINDS[word]
        assert [choice.kind for choice in watch.engine.jobs.recent_tools("staging")] == [KINDS[word]]
    (post,) = bench.sandbox.posts(offered.tool_id)
    target = {
        "tool": f"tools/{offered.tool_id}/export?flowId={offered.flow_id}",
        "workflow": f"workflow/{offered.tool_id}/export?flowId={offered.flow_id}",
        "model": f"models/{offered.tool_id}/export",
    }
    assert post.target == f"/api/public/{target[word]}"
    async with bench.engine() as watch:
        assert watch.engine.jobs[job.id].kind is KINDS[word]


async def test_a_model_that_is_ready_at_once_is_never_polled(bench: Bench) -> None:
    offered = bench.sandbox.add_tool("Llama", vendor_script("model", "Llama"), kind="model")
    async with bench.engine() as watch:
        job = await watch.engine.jobs.export(request(offered, "model"))
        assert (job.state, job.percentage) == (JobState.SUCCEEDED, 100)
        job = await watch.saved(job.id)
    assert job.dock_status_id is not None
    assert bench.sandbox.status_calls(job.dock_status_id) == []
    assert job.download.path is not None
    assert job.download.path.name.startswith("Llama--staging--")
    assert job.download.path.suffix == ".gguf"
    assert job.download.sha256 == hashlib.sha256(job.download.path.read_bytes()).hexdigest()


async def test_a_large_model_resumes_where_the_line_was_cut(bench: Bench) -> None:
    weights = served(WEIGHTS, name="Llama.tar.gz", edit=headed(content_type="application/octet-stream"))
    script = Script(duration=0.0, export_status="SUCCESS", file=weights, on_download=(faults.cut(300_000),))
    offered = bench.sandbox.add_tool("Llama", script, kind="model")
    async with bench.engine() as watch:
        job = await watch.saved((await watch.engine.jobs.export(request(offered, "model"))).id)
    path = job.download.path
    assert path is not None
    assert path.name.endswith("Z.tar.gz")
    assert path.read_bytes() == WEIGHTS
    first, second = bench.sandbox.downloads(str(job.dock_status_id))
    assert first.header("range") is None
    assert (second.header("range") or "").startswith("bytes=")


async def test_a_page_is_no_model(bench: Bench) -> None:
    script = Script(duration=0.0, export_status="SUCCESS", file=bad_file("html"))
    offered = bench.sandbox.add_tool("Llama", script, kind="model")
    async with bench.engine() as watch:
        job = await watch.engine.jobs.export(request(offered, "model"))
        job = await watch.until(job.id, lambda job: job.download.reason_code is not None)
    assert job.download.reason_code == "not_a_zip"
    assert [path for path in bench.zips if path.suffix != ".part"] == []


async def test_a_404_of_gale_is_followed_by_the_other_spelling_which_is_remembered(bench: Bench) -> None:
    offered = bench.sandbox.add_tool("Claims", Script(paths=("workflows",)), kind="workflow")
    async with bench.engine() as watch:
        for _ in range(2):
            await watch.engine.jobs.export(request(offered, "workflow"))
    places = [post.path.split("/")[3] for post in bench.sandbox.posts(offered.tool_id)]
    assert places == ["workflow", "workflows", "workflows"]


async def test_no_spelling_is_left_after_two(bench: Bench) -> None:
    offered = bench.sandbox.add_tool("Claims", Script(paths=("neither",)), kind="workflow")
    async with bench.engine() as watch:
        with pytest.raises(NotFoundError, match="does not know this workflow or this flow"):
            await watch.engine.jobs.export(request(offered, "workflow"))
    assert len(bench.sandbox.posts(offered.tool_id)) == 2


async def test_a_404_that_is_not_gales_is_not_followed_by_another(bench: Bench) -> None:
    page = Fault(status=404, body="<html>Not here</html>", headers=(("Content-Type", "text/html"),), times=2)
    offered = bench.sandbox.add_tool("Claims", Script(on_export=(page,)), kind="workflow")
    async with bench.engine() as watch:
        with pytest.raises(NotFoundError):
            await watch.engine.jobs.export(request(offered, "workflow"))
    assert len(bench.sandbox.posts(offered.tool_id)) == 1


@pytest.mark.parametrize("word", KINDS)
async def test_a_refusal_names_the_scope_of_the_kind(bench: Bench, word: str) -> None:
    offered = bench.sandbox.add_tool("Thing", Script(on_export=(faults.refused(403),)), kind=word)
    async with bench.engine() as watch:
        with pytest.raises(ForbiddenError, match=f"scope {KINDS[word].scope}"):
            await watch.engine.jobs.export(request(offered, word))


@pytest.mark.parametrize("word", KINDS)
async def test_an_answer_about_another_subject_is_not_believed(bench: Bench, word: str) -> None:
    subject = KINDS[word].subject
    other = {subject: f"{KINDS[word].id_prefix}99999999-9999-4999-8999-999999999999"}
    offered = bench.sandbox.add_tool("Thing", Script(edit_export=with_fields(other)), kind=word)
    async with bench.engine() as watch:
        job = await watch.engine.jobs.export(request(offered, word))
        assert job.state is JobState.UNCONFIRMED


@pytest.mark.parametrize("word", KINDS)
async def test_a_tracked_job_becomes_what_gale_says_it_is(bench: Bench, word: str) -> None:
    offered = bench.sandbox.add_tool("Thing", Script(duration=100.0, url_in="both"), kind=word)
    async with bench.engine() as watch:
        job = await watch.engine.jobs.export(request(offered, word))
        await watch.engine.jobs.remove(job.id)
        tracked = await watch.engine.jobs.track("staging", str(job.dock_status_id))
        tracked = await watch.until(tracked.id, lambda job: bool(job.tool_id))
        assert (tracked.kind, tracked.tool_id) == (KINDS[word], offered.tool_id)


async def test_a_list_of_all_kinds_is_one_batch_and_one_set(bench: Bench) -> None:
    tool, flow, model = (bench.sandbox.add_tool(word, vendor_script(word, word), kind=word) for word in KINDS)
    batch = parse_batch(
        "kind,id,flow_id,label\n"
        f"tool,{tool.tool_id},{tool.flow_id},one\n"
        f"Workflow,{flow.tool_id},{flow.flow_id},two\n"
        f",{model.tool_id},,three\n"
        f"robot,{model.tool_id},,four\n"
    )
    assert [each.kind for each in batch.tools] == [TOOL, WORKFLOW, MODEL]
    assert [bad.problem for bad in batch.bad] == ["no kind of export: robot"]
    async with bench.engine() as watch:
        await watch.engine.sets.save(ToolSet("all", batch.tools))
        kept = await watch.engine.sets.find("all")
        assert kept is not None
        record = BatchRecord.new(bench.environment, kept.tools, created_at=watch.engine.clock.time())
        account = await BatchRun(watch.engine, bench.environment, record).run()
        assert [entry.job.kind for entry in account.entries if entry.job] == [TOOL, WORKFLOW, MODEL]
        assert account.count(account.entries[0].outcome) == 3  # type: ignore[arg-type]  # all have ended


def test_without_a_header_ids_decide_and_the_label_stands_behind_a_models_id() -> None:
    model = "cm-11111111-1111-4111-8111-111111111111"
    tool, flow = "a-11111111-1111-4111-8111-111111111111", "cf-11111111-1111-4111-8111-111111111111"
    batch = parse_batch(f"{tool},{flow},Banking\n{model},Llama\n{model[:-1]}2,,Other\n")
    assert [(each.kind, each.flow_id, each.label) for each in batch.tools] == [
        (TOOL, flow, "Banking"),
        (MODEL, "", "Llama"),
        (MODEL, "", "Other"),
    ]
    assert batch.unusual == 0
