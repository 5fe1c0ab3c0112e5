"""Names of saved files after the user's own pattern, and the poll floor of the settings: both take effect."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from gale_tui.core.config.settings import DEFAULT_PATTERN
from gale_tui.core.downloads.file_names import Naming, names_after
from gale_tui.core.jobs.rate_limits import PollPolicy
from tests.support.engines import Bench, bench

__all__ = ["bench"]

NOON = 1_795_521_600.0


def named(pattern: str, *, stem: str = "Leave Bot", label: str = "") -> list[str]:
    names = Naming("staging", NOON, pattern, tool="a-1", label=label).names(stem)
    return list(itertools.islice(names, 2))


@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        (DEFAULT_PATTERN, "Leave Bot--staging--20261124T120000Z.zip"),
        ("{environment} {name}", "staging Leave Bot.zip"),
        ("{tool}_{time}", "a-1_20261124T120000Z.zip"),
        ("{label}-{name}", "nightly-Leave Bot.zip"),
        ("backup", "backup.zip"),
        ("{{{name}}}", "{Leave Bot}.zip"),
    ],
)
def test_the_pattern_is_followed(pattern: str, first: str) -> None:
    assert named(pattern, label="nightly") == [first, f"{first[:-4]}-2.zip"]


def test_what_is_put_in_cannot_leave_the_folder() -> None:
    (first, _) = named("{name}-{label}", stem="../../etc/passwd", label="/var/\x1b[31mx")
    assert first == "passwd-[31mx.zip"


@pytest.mark.parametrize(("pattern", "first"), [("{label}", "Leave Bot.zip"), (".{name}", "Leave Bot.zip")])
def test_a_name_is_never_empty_or_hidden(pattern: str, first: str) -> None:
    assert named(pattern)[0] == first


def test_the_name_of_a_long_pattern_fits_the_disk() -> None:
    (first, second) = named("{name}" * 40, stem="ü" * 100)
    assert max(len(first.encode()), len(second.encode())) <= 200


def test_a_part_keeps_its_name_where_names_follow_a_pattern() -> None:
    names = names_after(Path("/d/Leave Bot.zip.part"), iter(["other.zip"]), "{name}")
    assert list(itertools.islice(names, 2)) == ["Leave Bot.zip", "Leave Bot-2.zip"]
    # Without one, a name that is none of ours is somebody else's.
    assert list(names_after(Path("/d/Leave Bot.zip.part"), iter(["other.zip"]))) == ["other.zip"]


async def test_the_setting_names_the_saved_file(bench: Bench) -> None:
    bench.config.save_settings(filename_pattern="{environment} {label}")
    async with bench.engine() as watch:
        job = await bench.export(watch, label="Mine")
        await watch.saved(job.id)
    assert [path.name for path in bench.zips] == ["staging Mine.zip"]


async def test_the_poll_floor_of_the_settings_is_the_shortest_interval(bench: Bench) -> None:
    bench.config.save_settings(poll_floor=5.0)
    async with bench.engine() as watch:
        assert watch.engine.scheduler.policy.floor == 5.0
        # And what is changed while it runs takes effect at once.
        watch.engine.save_settings(poll_floor=30.0)
        policy = watch.engine.scheduler.policy
        assert (policy.floor, policy.ceiling) == (30.0, 30.0)
        assert policy.interval(0.0) == 30.0


async def test_numbers_from_outside_are_not_touched(bench: Bench) -> None:
    given = PollPolicy(floor=0.5)
    async with bench.engine(policy=given) as watch:
        watch.engine.save_settings(poll_floor=9.0)
        assert watch.engine.scheduler.policy == given
