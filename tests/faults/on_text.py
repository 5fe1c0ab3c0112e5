"""Text of the server that a careless program would act upon, in every field of every answer."""

from __future__ import annotations

from gale_tui.core.models import JobState
from gale_tui.sandbox.script import Fault, File, Script
from gale_tui.tui.formatting.job_text import JobFacts
from gale_tui.tui.widgets.pages.detail_lines import full_lines
from tests.faults.stories import exported, refused
from tests.faults.world import Injected, World, inactive
from tests.support import faults
from tests.support.answers import with_fields
from tests.support.faults import HOSTILE

__all__ = ["FAULTS", "hostile_script"]

LONG = 50_000
"""Characters of a field, so that the whole answer is not refused for its size."""
NAMES = ("toolName", "exportJobId", "statusMessage", "message", "error", "modelName", "jobType", "action")


def hostile_script(text: str, outcome: str = "FAILED", duration: float = 4.0) -> Script:
    """A job of so many seconds whose every text is this one."""
    fields = dict.fromkeys(NAMES, text)
    return Script(
        duration=duration,
        statuses=((0.0, text),),
        outcome=outcome,
        reason=text,
        export_status=text,
        edit_export=with_fields(fields),
        edit_status=with_fields(fields),
        # Halves of surrogate pairs cannot be written into a header.
        file=File(name=f"{text[:2000].encode('utf-8', 'replace').decode()}.zip"),
    )


async def shown_inert(world: World) -> None:
    """The job is watched to its end, and its details are read."""
    await exported(world)
    job = world.job
    lines = full_lines(JobFacts(job, world.clock.time()), await world.engine.registry.store.events(job.id), 120)
    for line in lines:
        for piece in line:
            assert inactive(piece.text), f"acts upon a terminal: {piece.text!r}"
    assert sum(len(piece.text) for line in lines for piece in line) < 60_000
    assert len(job.title) <= 300
    log_file = world.paths.log_file
    assert not log_file.exists() or inactive(log_file.read_text("utf-8").replace("\n", ""))


async def refusal_shown_inert(world: World) -> None:
    """A refusal whose sentence is the server's."""
    await refused(world)
    assert not world.engine.jobs


async def nonsense(world: World) -> None:
    """Values of the wrong kind in every field that is not needed."""
    await shown_inert(world)
    assert world.job.state is JobState.SUCCEEDED


def failed(what: str, *sees: str) -> Injected:
    """Every field of every answer, and the reason of the failure."""
    return Injected(
        name=f"text: {what} in every field",
        how=f"the status word, name, reason and ids are {what}; the job fails",
        script=hostile_script(HOSTILE[what][:LONG]),
        story=shown_inert,
        sees=("✗ FAILED", *sees),
        disk=("history: failed",),
    )


def refusing(what: str, *sees: str) -> Injected:
    return Injected(
        name=f"text: {what} in a refusal",
        how=f"the POST is answered 400 and the message is {what}",
        script=Script(on_export=(Fault(status=400, message=HOSTILE[what], times=None),)),
        story=refusal_shown_inert,
        sees=("form, bad_request: ", *sees),
        disk=("history: no job",),
    )


FAULTS = (
    failed("ansi", "␛[31;5mred"),
    failed("osc", "␛]0;stolen title"),
    failed("c1"),
    failed("markup", "[bold red]markup[/bold red] [/] [@click=app.quit]press[/]"),
    failed("bidi", "‹U+202E›"),
    failed("zero width", "‹U+200B›"),
    failed("newlines", "one two three four"),
    failed("controls"),
    failed("combining"),
    failed("wide", "日本語"),
    failed("surrogate"),
    failed("percent", "%s %n %(key)s {0} {key!r} $HOME `id` ;rm -rf ~"),
    failed("path", "../../../../etc/passwd"),
    failed("megabyte", "MMMM"),
    refusing("ansi", "␛[31;5mred"),
    refusing("osc", "␛]0;stolen title"),
    refusing("bidi", "‹U+202E›"),
    refusing("megabyte", "MMMM"),
    Injected(
        name="text: numbers and objects where text belongs",
        how="ids, name and message are numbers, lists and nested objects",
        script=Script(
            duration=2.0,
            edit_export=with_fields(
                {"toolName": 7, "exportJobId": {"a": [1, {"b": None}]}, "jobType": [], "action": True}
            ),
            edit_status=with_fields(
                {"toolName": ["x"], "percentageComplete": "much", "statusMessage": {"deep": [[[[1]]]]}}
            ),
        ),
        story=nonsense,
        sees=("SUCCESS saved",),
        disk=("history: succeeded, file saved", "Scripted Tool--staging--TIME.zip, whole"),
    ),
    Injected(
        name="text: percentages that are none",
        how="percentageComplete is NaN, and other numbers that JSON should not have",
        script=Script(duration=2.0, on_status=(
            *(
                Fault(status=200, body=f'{{"status": "IN_PROGRESS", "percentageComplete": {number}}}')
                for number in ("NaN", "-1e400", "1" + "0" * 5000)
            ),
        )),
        story=nonsense,
        sees=("SUCCESS saved",),
        disk=("history: succeeded, file saved", "Scripted Tool--staging--TIME.zip, whole"),
    ),
    Injected(
        name="text: brackets a hundred thousand deep",
        how="the status answers are JSON of endless nesting, twice",
        script=Script(duration=2.0, on_status=(Fault(status=200, body="[" * 100_000, times=2),)),
        story=nonsense,
        sees=("row, bad_answer: ● IN_PROGRESS", "SUCCESS saved"),
        disk=("history: succeeded, file saved", "Scripted Tool--staging--TIME.zip, whole"),
    ),
    Injected(
        name="text: Retry-After that is no time",
        how="429 with nonsense in Retry-After while polling",
        script=Script(duration=2.0, on_status=(
            faults.rate_limited("soon"), faults.rate_limited("-5"), faults.rate_limited("\x1b[31m1e9"),
        )),
        story=nonsense,
        sees=("row, rate_limited: ● IN_PROGRESS", "SUCCESS saved"),
        disk=("history: succeeded, file saved", "Scripted Tool--staging--TIME.zip, whole"),
        speed=150.0,
    ),
)  # fmt: skip
