"""Named sets in the history: kept, replaced, run, forgotten, and never lost with a damaged file."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from pathlib import Path

import pytest

from gale_tui.core.batch.tools import BatchTool
from gale_tui.core.errors import ConfigError, StoreError
from gale_tui.core.history.sets import ToolSet, clean_set_name
from gale_tui.core.history.store import JobStore
from gale_tui.core.models import Download, DownloadState
from tests.support.history_samples import sample_job

TOOLS = (BatchTool("a-1", "cf-1", "Büro \ud800"), BatchTool("a-2", "cf-2"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "jobs.sqlite3"


async def test_a_set_survives_and_another_process_finds_it(path: Path) -> None:
    kept = ToolSet("nightly", TOOLS, "staging", 5.0, None)
    first = await JobStore.open(path)
    second = await JobStore.open(path)
    await first.sets.save(kept)
    assert await second.sets.find("nightly") == kept
    await second.sets.mark_used("nightly", at=9.0)
    assert [each.used_at for each in await first.sets.all()] == [9.0]
    await first.close()
    await second.close()
    third = await JobStore.open(path)
    assert await third.sets.find("nightly") == dataclasses.replace(kept, used_at=9.0)
    await third.close()


async def test_replace_forget_and_order(path: Path) -> None:
    store = await JobStore.open(path)
    for name in ("weekly", "nightly"):
        await store.sets.save(ToolSet(name, TOOLS))
    await store.sets.save(ToolSet("weekly", TOOLS[:1]))
    assert [(each.name, len(each.tools)) for each in await store.sets.all()] == [("nightly", 2), ("weekly", 1)]
    assert await store.sets.remove("weekly")
    assert not await store.sets.remove("weekly")
    assert await store.sets.find("weekly") is None
    await store.close()


async def test_one_that_cannot_be_read_hides_no_other(path: Path) -> None:
    store = await JobStore.open(path)
    await store.sets.save(ToolSet("nightly", TOOLS))
    await store.close()
    for name, items in (("broken", "{"), ("odd", '[{"tool_id": 1, "flow_id": "cf-1"}]'), ("other", "5")):
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("INSERT INTO sets (name, created_at, items) VALUES (?, 0, ?)", (name, items))
    store = await JobStore.open(path)
    assert [each.name for each in await store.sets.all()] == ["nightly"]
    for name in ("broken", "odd", "other"):
        with pytest.raises(StoreError, match="cannot be read"):
            await store.sets.find(name)
    await store.close()


async def test_sets_are_taken_over_from_a_damaged_history(path: Path) -> None:
    store = await JobStore.open(path)
    await store.sets.save(ToolSet("nightly", TOOLS, "staging", 5.0, 6.0))
    await store.close()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM counters")
    store = await JobStore.open(path)
    assert "damaged" in store.notice
    assert await store.sets.find("nightly") == ToolSet("nightly", TOOLS, "staging", 5.0, 6.0)
    await store.close()


async def test_the_last_saved_export_of_a_tool(path: Path) -> None:
    store = await JobStore.open(path)

    async def add(job_id: str, saved_at: float | None, tool_id: str = "a-1", origin: str = "https://one") -> None:
        state = DownloadState.SAVED if saved_at is not None else DownloadState.FAILED
        job = sample_job(job_id)
        download = Download(state, path=Path(f"/{job_id}.zip"), saved_at=saved_at)
        await store.add(
            dataclasses.replace(job, tool_id=tool_id, flow_id="cf-1", origin=origin, download=download), "requested"
        )

    assert await store.last_saved("https://one", "a-1", "cf-1") is None
    await add("1", 20.0)
    await add("2", 10.0)
    await add("3", None)
    await add("4", 30.0, tool_id="a-2")
    await add("5", 40.0, origin="https://two")
    found = await store.last_saved("https://one", "a-1", "cf-1")
    assert found is not None
    assert found.id == "1"
    assert await store.last_saved("https://one", "a-1", "cf-2") is None
    await store.close()


def test_names() -> None:
    assert clean_set_name("  every   night ") == "every night"
    for name in ("", "  ", "x" * 61, "a\u202eb", "--all"):
        with pytest.raises(ConfigError):
            clean_set_name(name)
