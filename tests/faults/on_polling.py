"""Faults of the dock status call: none of them fails a job, and none is asked about too often."""

from __future__ import annotations

from gale_tui.core.models import JobState
from gale_tui.core.secret import Secret
from gale_tui.sandbox.script import Fault, Script
from tests.faults.stories import exported
from tests.faults.world import TOOL, Injected, World
from tests.support import faults

__all__ = ["FAULTS"]

SAVED = ("history: succeeded, file saved", "Scripted Tool--staging--TIME.zip, whole")
NEW_KEY = "kg-test-key-0000-rotated"
NO_ANSWER = "row, no_answer: ● IN_PROGRESS"
BAD_ANSWER = "row, bad_answer: ● IN_PROGRESS"


def passing(
    name: str, how: str, *sees: str, spoilt: Fault, patience: float | None = None, speed: float = 60.0
) -> Injected:
    """Said on the row while it lasts; the job goes on to its file."""
    return Injected(
        name=f"polling: {name}",
        how=how,
        script=Script(duration=2.0, on_status=(spoilt,)),
        story=exported,
        sees=(*sees, "SUCCESS saved"),
        disk=SAVED,
        patience=patience,
        speed=speed,
    )


async def a_key_that_is_revoked(world: World) -> None:
    await world.start()
    await world.export()
    job = world.job
    world.sandbox.key = NEW_KEY
    await world.until_seen("header, needs key: ")
    asked = len(world.sandbox.status_calls(job.dock_status_id or ""))
    await world.clock.sleep(120)
    # The environment waits for a key: nothing is asked meanwhile, beyond the one that was under way.
    assert len(world.sandbox.status_calls(job.dock_status_id or "")) <= asked + 1
    world.keys.append(NEW_KEY)
    await world.engine.environments.provide_key(world.environment, Secret(NEW_KEY), session_only=True)
    await world.until_settled()


async def one_job_is_forbidden(world: World) -> None:
    await world.start()
    await world.export(label="first")
    world.sandbox.script(TOOL, Script(duration=2.0))
    await world.export(label="second")
    jobs = {job.label: job.id for job in world.engine.jobs.values()}
    await world.until(lambda: world.engine.jobs[jobs["second"]].download.sha256)
    assert world.engine.jobs[jobs["first"]].state is JobState.RUNNING
    await world.until_settled()


async def unknown_until_r(world: World) -> None:
    await world.start()
    await world.export()
    job = world.job
    await world.until(lambda: world.job.state is JobState.LOST)
    before = len(world.sandbox.status_calls(job.dock_status_id or ""))
    await world.clock.sleep(60)
    # Asked again slowly, if at all.
    assert len(world.sandbox.status_calls(job.dock_status_id or "")) <= before + 1
    world.sandbox.script_job(job.dock_status_id or "", Script(duration=2.0))
    world.look("notification", world.engine.jobs.refresh(job.id).text)
    await world.until_seen("SUCCESS saved")


def at_most_once_a_second(world: World) -> None:
    """The vendor's limit for one job, as GALE saw it; what travels slowly may come closer to the next."""
    asked = world.sandbox.status_calls(world.job.dock_status_id or "")
    assert len(asked) >= 4
    assert len(asked) - 1 <= (asked[-1].at - asked[0].at) * world.clock.factor


async def the_clock_is_set(world: World) -> None:
    await world.start()
    await world.export()
    await world.until(lambda: len(world.sandbox.status_calls(world.job.dock_status_id or "")) >= 2)
    world.clock.jumped += 3600
    await world.clock.sleep(10)
    world.clock.jumped -= 7200
    await world.until_settled()
    at_most_once_a_second(world)


async def the_network_goes(world: World) -> None:
    await world.start()
    await world.export()
    world.sandbox.stop()
    await world.until_seen("header, offline: ")
    world.sandbox.start()
    await world.until_settled()


async def asked_again_and_again(world: World) -> None:
    await world.start()
    await world.export()
    for _ in range(40):
        world.look("notification", world.engine.jobs.refresh(world.job.id).text)
        await world.clock.sleep(0.2)
    at_most_once_a_second(world)
    await world.until_settled()


FAULTS = (
    *(
        passing(str(code), f"two status answers are {code}", str(code), spoilt=faults.server_error(code, times=2))
        for code in (500, 502, 503, 504)
    ),
    passing("400", "two status answers are 400", "400", spoilt=faults.refused(400, times=2)),
    passing("409", "two status answers are 409", "409", spoilt=faults.refused(409, times=2)),
    passing(
        "429 with Retry-After in seconds", "two status answers are 429, to wait for 5 s",
        "row, rate_limited: ● IN_PROGRESS", spoilt=faults.rate_limited(5, times=2),
    ),
    passing(
        "429 with Retry-After as a date", "the same, as an HTTP date",
        "row, rate_limited: ● IN_PROGRESS", spoilt=faults.rate_limited(5, as_date=True, times=2),
    ),
    passing(
        "429 without Retry-After", "three status answers are 429", "header, slowed: ",
        spoilt=faults.rate_limited(times=3),
    ),
    passing("a log-in page with 200", "an HTML page, twice", BAD_ANSWER, spoilt=faults.html_page(200, times=2)),
    passing("a proxy's page with 502", "an HTML page, twice", "502", spoilt=faults.html_page(502, times=2)),
    passing("broken JSON", "JSON that breaks off, twice", BAD_ANSWER, spoilt=faults.bad_json(2)),
    passing("empty answer", "200 without a byte, twice", BAD_ANSWER, spoilt=faults.empty_body(2)),
    passing("oversized answer", "4 MiB of JSON, twice", BAD_ANSWER, spoilt=faults.oversized(times=2)),
    passing("compressed answer", "gzip that nobody asked for, twice", "compressed (gzip)", spoilt=faults.gzipped(2)),
    passing(
        "status missing", "200 and JSON of another kind, twice", BAD_ANSWER,
        spoilt=Fault(status=200, body="[1, 2]", times=2),
    ),
    passing("cut before the answer", "the line is closed, twice", NO_ANSWER, spoilt=faults.cut("answer", times=2)),
    passing("cut in the head", "the line is closed in the headers", NO_ANSWER, spoilt=faults.cut("head", times=2)),
    passing("cut in the body", "the line is closed in the JSON", NO_ANSWER, spoilt=faults.cut(30, times=2)),
    passing("reset", "the line is reset (RST)", NO_ANSWER, spoilt=faults.cut("answer", reset=True, times=2)),
    passing(
        "stalled", "no answer, the line stays open", NO_ANSWER,
        spoilt=faults.stalled(), patience=0.6,
    ),
    passing(
        "dripping", "a byte at a time", NO_ANSWER, spoilt=faults.dripping(10.0), patience=0.6
    ),
    Injected(
        name="polling: unknown status word",
        how="the status is PAUSED_FOR_REVIEW for a while",
        script=Script(duration=9.0, statuses=((0.0, "IN_PROGRESS"), (2.0, "PAUSED_FOR_REVIEW"))),
        story=exported,
        sees=("● PAUSED_FOR_REVIEW", "SUCCESS saved"),
        disk=SAVED,
    ),
    Injected(
        name="polling: the job fails",
        how="the final status is FAILED, with a reason",
        script=Script(outcome="FAILED", reason="node n3 has no model"),
        story=exported,
        sees=("✗ FAILED node n3 has no model",),
        disk=("history: failed",),
    ),
    Injected(
        name="polling: the job fails without a reason",
        how="the final status is FAILED and nothing else is said",
        script=Script(outcome="FAILED"),
        story=exported,
        sees=("✗ FAILED no reason given",),
        disk=("history: failed",),
    ),
    Injected(
        name="polling: 401 until there is a key",
        how="GALE's key is changed while the job runs; after two minutes the new one is typed",
        script=Script(duration=60.0),
        story=a_key_that_is_revoked,
        sees=("header, needs key: ", "row, key_refused: ● IN_PROGRESS", "SUCCESS saved"),
        disk=SAVED,
    ),
    Injected(
        name="polling: 403 for one job",
        how="one of two jobs is answered 403 for a while",
        script=Script(duration=2.0, on_status=(faults.refused(403, times=2),)),
        story=one_job_is_forbidden,
        sees=("row, not_allowed: ● IN_PROGRESS", "SUCCESS saved"),
        disk=(
            "history: succeeded, file saved; succeeded, file saved",
            "Scripted Tool--staging--TIME.zip, whole",
            "Scripted Tool--staging--TIME.zip, whole",
        ),
        posts=2,
        speed=150.0,
    ),
    Injected(
        name="polling: 404 for two minutes, then r",
        how="GALE answers 404 until it knows the job again and r is pressed",
        script=Script(on_status=(faults.refused(404, "Dock status not found"),)),
        story=unknown_until_r,
        sees=("row, not_found: ● IN_PROGRESS", "LOST", "notification: Refreshing", "SUCCESS saved"),
        disk=SAVED,
        speed=150.0,
    ),
    Injected(
        name="polling: the clock is set",
        how="the time of day is set an hour forward and two hours back while the job runs",
        script=Script(duration=30.0),
        story=the_clock_is_set,
        sees=("SUCCESS saved",),
        disk=SAVED,
    ),
    Injected(
        name="polling: offline and online again",
        how="GALE's port is closed while the job runs, and opened again",
        script=Script(duration=60.0),
        story=the_network_goes,
        sees=("row, unreachable: ● IN_PROGRESS", "header, offline: ", "SUCCESS saved"),
        disk=SAVED,
    ),
    Injected(
        name="polling: r, forty times in eight seconds",
        how="r is pressed again and again; GALE is asked once in two seconds at most",
        script=Script(duration=30.0),
        story=asked_again_and_again,
        sees=("notification: Refreshing", "SUCCESS saved"),
        disk=SAVED,
        speed=20.0,
    ),
)  # fmt: skip
