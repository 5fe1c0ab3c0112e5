"""A few journeys of the campaign; `python -m tests.campaign` makes as many as wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.journey import travel


@pytest.mark.parametrize("seed", [1, 2, 4, 7, 8, 13])
def test_nothing_is_lost_or_leaked_on_a_random_journey(seed: int, tmp_path: Path) -> None:
    # How fast it ends is for the campaign to say: here the machine may be busy.
    assert travel(seed, tmp_path, ends=30.0).violations == []
