"""From GALE's SUCCESS to the verified file, and the questions that it took, beside a loop with `sleep 3`.

Time is moved by hand between moments at which nothing is under way, so the waits are exact and an hour takes seconds;
what the machine really takes from the last answer to the file is added.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from dataclasses import dataclass

from gale_tui.core.models import DownloadState, ExportRequest
from gale_tui.sandbox.jobs import Tool
from gale_tui.sandbox.script import Script
from tests.benchmarks.figures import Figure
from tests.benchmarks.plan import Plan
from tests.snapshots.stage import Stage

__all__ = ["run"]

ALONE = (5.0, 30.0, 120.0, 600.0)
"""Seconds that the jobs take which are exported one at a time."""
LOOP = 3.0
"""Seconds that the loop sleeps, as `gh run watch` does."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One job."""

    latency: float
    """Seconds from SUCCESS to the saved file."""
    questions: int
    loop_latency: float
    loop_questions: int


def run(plan: Plan) -> list[Figure]:
    """Each duration for a tool that is new and for one that the history knows, then many at once."""
    figures = []
    for seconds in ALONE:
        for known in (False, True):
            samples = asyncio.run(_alone(seconds, plan.repeats * 6, known))
            figures.append(_figure(f"{seconds:g} s, {'known tool' if known else 'new tool'}", samples))
    for count in (40, 500 if plan.polled >= 500 else 100):
        figures.append(_figure(f"{count} at once, 20 to 60 s", asyncio.run(_together(count))))
    return figures


def _figure(name: str, samples: list[Sample]) -> Figure:
    return Figure(
        f"SUCCESS to file, {name}",
        _summary([each.latency for each in samples], [each.questions for each in samples]),
        _summary([each.loop_latency for each in samples], [each.loop_questions for each in samples])
        + f", sleep {LOOP:g}",
        f"{sum(each.questions for each in samples) / sum(each.loop_questions for each in samples):.2f} × the questions",
    )


def _summary(latencies: list[float], questions: list[int]) -> str:
    ordered = sorted(latencies)
    p50, p95 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"p50 {p50:.1f} s, p95 {p95:.1f} s, {sum(questions) / len(questions):.1f} questions"


async def _alone(seconds: float, count: int, known: bool) -> list[Sample]:
    rng = random.Random(int(seconds))  # noqa: S311  # the same jobs each time
    with Stage() as stage:
        await stage.engine.start()
        samples: list[Sample] = []
        tool = stage.sandbox.add_tool("Known", Script(duration=seconds))
        if known:
            for _ in range(2):
                await _follow(stage, tool, seconds)
        for number in range(count):
            # No two exports take the same time, so that the end meets every moment between two questions.
            duration = seconds * rng.uniform(0.9, 1.1)
            if known:
                stage.sandbox.script(tool.tool_id, Script(duration=duration))
            else:
                tool = stage.sandbox.add_tool(f"New {number}", Script(duration=duration))
            samples.append(await _follow(stage, tool, duration))
        await stage.engine.close()
    return samples


async def _follow(stage: Stage, tool: Tool, duration: float) -> Sample:
    """Exports a tool and lets time pass until its file is saved."""
    began = stage.now
    job = await stage.engine.jobs.export(ExportRequest("demo", tool.tool_id, tool.flow_id, tool.name))
    answered = [time.perf_counter()]

    def saved() -> bool:
        if stage.engine.jobs[job.id].download.state is DownloadState.NONE:
            answered[0] = time.perf_counter()
        return stage.engine.jobs[job.id].download.state is DownloadState.SAVED

    await stage.until(saved)
    really = time.perf_counter() - answered[0]
    dock_status_id = stage.engine.jobs[job.id].dock_status_id
    assert dock_status_id is not None
    questions = len(stage.sandbox.status_calls(dock_status_id))
    return _sample(stage.now - began - duration + really, questions, duration)


def _sample(latency: float, questions: int, duration: float) -> Sample:
    rounds = math.ceil(duration / LOOP)
    return Sample(latency, questions, rounds * LOOP - duration, rounds + 1)


async def _together(count: int) -> list[Sample]:
    rng = random.Random(count)  # noqa: S311  # the same jobs each time
    with Stage() as stage:
        engine = stage.engine
        await engine.start()
        durations: dict[str, float] = {}

        async def export(number: int) -> None:
            duration = rng.uniform(20.0, 60.0)
            tool = stage.sandbox.add_tool(f"Tool {number}", Script(duration=duration))
            job = await engine.jobs.export(ExportRequest("demo", tool.tool_id, tool.flow_id, tool.name))
            durations[job.id] = duration

        exports = [asyncio.ensure_future(export(number)) for number in range(count)]
        await stage.until(lambda: all(each.done() for each in exports))
        await asyncio.gather(*exports)
        await stage.until(
            lambda: all(engine.jobs[job_id].download.state is DownloadState.SAVED for job_id in durations)
        )
        samples = []
        for job_id, duration in durations.items():
            job = engine.jobs[job_id]
            assert job.dock_status_id is not None
            assert job.started_at is not None
            assert job.download.saved_at is not None
            questions = len(stage.sandbox.status_calls(job.dock_status_id))
            samples.append(_sample(job.download.saved_at - job.started_at - duration, questions, duration))
        await engine.close()
    return samples
