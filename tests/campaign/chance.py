"""What a seed decides: the key, the tools and their faults, and how each run is disturbed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from gale_tui.sandbox.script import Fault, File, Link, Script
from tests.support import faults
from tests.support.answers import ABSENT, headed, relative_link, renamed, weakly_tagged, with_fields
from tests.support.bad_files import bad_file

__all__ = ["FACTOR", "Disturbance", "Plan", "Run", "plan"]

Kind = Literal["zip", "bad crc", "cut short", "not a zip", "html", "empty"]

FACTOR: Final = 20.0
"""Seconds of gale-tui's and GALE's clocks in one of the machine's."""
FLAWED: Final[tuple[Kind, ...]] = ("bad crc", "cut short", "not a zip", "html", "empty")
"""Files that must never count as saved."""

Disturbance = Literal[
    "none", "kill", "terminate", "hang up", "interrupt", "stop", "cut lines", "restart GALE", "stall", "small disk"
]


@dataclass(frozen=True, slots=True)
class Run:
    """One start of the program."""

    screen: bool
    """In a pty, driven by keys; otherwise `gale-tui export`."""
    beside: bool
    """A second one runs on the same home."""
    disturbance: Disturbance
    after: float
    """Seconds of the machine's clock from the start to the disturbance."""
    keys: str = ""
    """Pressed one after the other once the exports are requested; on a screen alone."""
    resume: bool = False
    """`gale-tui export --resume` instead of the list; without a screen alone."""
    flip: float | None = None
    """Where in the first page of the history a bit is flipped before the start: 0 its first byte, 1 its end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A journey."""

    seed: int
    key: str
    scripts: tuple[Script, ...]
    """One for each tool."""
    runs: tuple[Run, ...]


def plan(seed: int) -> Plan:
    """The journey of a seed: always the same one."""
    rng = random.Random(seed)  # noqa: S311  # the same journey each time is the point
    key = _key(rng)
    scripts = tuple(_script(rng, key) for _ in range(rng.randint(1, 3)))
    runs = [
        Run(rng.random() < 0.5, rng.random() < 0.2, rng.choice((*get_args(Disturbance), "kill")), rng.uniform(0.2, 2.0))
        for _ in range(rng.randint(1, 2))
    ]
    # Decided last, so that what a seed decided before stays as it is.
    for number, run in enumerate(runs):
        keys = "".join(rng.choice("drRpjk") for _ in range(rng.randint(0, 8)))
        flip = rng.random() if number and rng.random() < 0.3 else None
        runs[number] = replace(run, keys=keys, resume=number > 0 and rng.random() < 0.5, flip=flip)
    return Plan(seed, key, scripts, tuple(runs))


def _key(rng: random.Random) -> str:
    if rng.random() < 0.6:
        return "kg-" + "-".join(f"{rng.getrandbits(48):012x}" for _ in range(4))
    letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789+/=\"'&<>%\\"
    return "".join(rng.choice(letters) for _ in range(40))


def _some(rng: random.Random, choices: Sequence[Fault], most: int) -> tuple[Fault, ...]:
    return tuple(rng.choice(choices) for _ in range(rng.randint(0, most)))


def _script(rng: random.Random, key: str) -> Script:
    echo = f"the key {key} is not known here"
    common = (
        faults.proper(),
        faults.rate_limited(rng.choice((1, 3, "soon", None))),
        faults.server_error(rng.choice((500, 502, 503))),
        faults.server_error(503, echo),
        faults.refused(rng.choice((404, 409)), echo, times=1),
        faults.html_page(502, f"<html><!--{key}--><title>502 {key}</title></html>"),
        faults.bad_json(),
        faults.empty_body(),
        faults.gzipped(),
        faults.cut("answer"),
        faults.cut("head", reset=True),
        faults.cut(rng.randint(1, 80)),
        faults.late(rng.uniform(0.5, 8.0)),
        faults.dripping(0.02),
        faults.oversized(2 << 20),
        Fault(headers=(("X-Echo", key),)),
    )
    on_export = (*common, faults.cut("answer", started=True), faults.server_error(502, started=True))
    on_download = (
        *common,
        faults.cut(rng.randint(1, 40_000)),
        faults.cut(rng.randint(1, 40_000), reset=True),
        Fault(headers=(("Content-Length", "17"),)),
        Fault(headers=(("Content-Disposition", f'attachment; filename="{key}.zip"'),)),
        Fault(status=416, message=echo),
        Fault(status=302, headers=(("Location", f"http://127.0.0.1:9/{key}"),)),
    )
    outcome = rng.choices(("SUCCESS", "FAILED", "PARTIAL_SUCCESS", "FAILURE"), (8, 1, 1, 1))[0]
    kind: Kind = rng.choice((*("zip",) * 5, *FLAWED))
    return Script(
        duration=rng.uniform(0.5, 12.0),
        percentages=rng.random() < 0.5,
        outcome=outcome,
        reason=rng.choice((None, echo, rng.choice(list(faults.HOSTILE.values())[:8]))),
        url_in=rng.choice(("export", "status", "both")),
        edit_export=renamed("dock-statusId", rng.choice(("dock-statusId", "dockStatusId", "_id"))),
        edit_status=with_fields(
            rng.choice(({}, {}, {"toolId": ABSENT}, {"percentageComplete": rng.choice((-1, 1e9, "many"))}))
        ),
        on_export=_some(rng, on_export, 1),
        on_status=_some(rng, common, 3),
        on_download=_some(rng, on_download, 3),
        link=Link(
            write=rng.choice((str, str, relative_link().write)),
            host=rng.choice(("own", "own", "other")),
            ready_after=rng.choice((0.0, 0.0, 3.0)),
            not_ready=rng.choice((403, 404, 409)),
        ),
        file=replace(
            bad_file(kind) if kind in FLAWED else File(),
            size=rng.choice((None, 300_000)) if kind == "zip" else None,
            ranges=rng.random() < 0.7,
            edit=rng.choice((bad_file(kind).edit if kind in FLAWED else None, weakly_tagged, headed(etag=None))),
            length=rng.choice(("given", "given", "absent", "chunked")),
            pace=rng.choice((None, 100_000.0)),
        ),
    )
