"""Each fault of the catalogue: what the user sees, what is on the disk afterwards, how many exports there were."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.catalogue import CATALOGUE
from tests.faults.world import Injected, bring_about
from tests.faults.write_table import TABLE, names_in_table


@pytest.mark.parametrize("fault", CATALOGUE, ids=str)
async def test_fault(fault: Injected, tmp_path: Path) -> None:
    outcome = await bring_about(fault, tmp_path / "gale")
    for words in fault.sees:
        assert any(words in line for line in outcome.seen), f"{words!r} is not in {outcome.seen}"
    assert outcome.disk == fault.disk
    assert outcome.posts == fault.posts


def test_each_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in CATALOGUE]
    assert len(set(names)) == len(names)
    assert len(names) >= 50


def test_the_table_has_each_fault_of_the_catalogue_and_no_other() -> None:
    assert names_in_table(TABLE.read_text("utf-8")) == [fault.name for fault in CATALOGUE]
