"""Two stores with one file against a model: dictionaries, and what each instance must have heard."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from gale_tui.core.history.store import JobStore
from gale_tui.core.models import DownloadState, Job, JobChange, JobEvent, JobState
from tests.support.examples import examples
from tests.support.history_samples import sample_job

T = TypeVar("T")

jobs = st.builds(
    lambda job_id, created_at, state, download, label: sample_job(
        job_id, created_at, state=state, label=label
    ).with_download(state=download),
    job_id=st.text("abö\0", max_size=2),
    created_at=st.sampled_from([1.0, 2.0, 3.5]),
    state=st.sampled_from(JobState),
    download=st.sampled_from(DownloadState),
    label=st.sampled_from(["", "x"]),
)
which = st.integers(min_value=0, max_value=1)


class TwoStores(RuleBasedStateMachine):
    """Whatever two instances do, both know the same jobs, and each hears of exactly what the other did."""

    ids = Bundle("ids")
    forgotten = Bundle("forgotten")

    @initialize()
    def start(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.stores = [self.open(), self.open()]
        self.model: dict[str, Job] = {}
        self.events: dict[str, list[JobEvent]] = {}
        # What each instance would show: kept up by its own changes and by what it hears of the other's.
        self.screens: list[dict[str, Job]] = [{}, {}]
        self.revision = 0
        self.now = 0.0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def open(self) -> JobStore:
        return self.run(JobStore.open(self.folder / "jobs.sqlite3"))

    def heard(self, number: int, change: JobChange) -> None:
        shown = self.screens[number].get(change.job.id)
        if shown is not None and shown.revision >= change.job.revision:
            return
        if change.removed:
            self.screens[number].pop(change.job.id, None)
        else:
            self.screens[number][change.job.id] = change.job

    def written(self, number: int, change: JobChange) -> None:
        self.revision += 1
        assert change.job.revision == self.revision
        assert not change.elsewhere
        self.heard(number, change)

    @rule(target=ids, number=which, job=jobs)
    def add(self, number: int, job: Job) -> Any:
        if job.id in self.model:
            return multiple()
        change = self.run(self.stores[number].add(job, "added", at=self.now))
        self.written(number, change)
        assert change == JobChange(dataclasses.replace(job, revision=self.revision))
        self.model[job.id] = change.job
        self.events[job.id] = [JobEvent(self.now, "added")]
        return job.id

    @rule(number=which, job_id=ids, new=jobs, state_only=st.booleans(), again=st.booleans())
    def update(self, number: int, job_id: str, new: Job, state_only: bool, again: bool) -> None:
        old = self.model.get(job_id)

        def change(job: Job) -> Job:
            assert job == old
            if state_only:
                return dataclasses.replace(job, state=new.state, download=new.download)
            return dataclasses.replace(new, id=job.id)

        self.now += 1
        found = self.run(self.stores[number].update(job_id, change, "updated", at=self.now, again=again))
        if old is None:
            assert found is None
            return
        final = old.state in (JobState.SUCCEEDED, JobState.FAILED, JobState.REJECTED) and new.state != old.state
        saved = old.download.state is DownloadState.SAVED and new.download.state is not DownloadState.SAVED
        if final or (saved and not again) or dataclasses.replace(change(old), revision=old.revision) == old:
            assert found is None
            return
        assert found is not None
        assert found.previous == old
        self.written(number, found)
        self.model[job_id] = dataclasses.replace(change(old), revision=self.revision)
        self.events[job_id].append(JobEvent(self.now, "updated"))

    @rule(target=forgotten, number=which, job_id=ids)
    def forget(self, number: int, job_id: str) -> Any:
        found = self.run(self.stores[number].remove(job_id))
        old = self.model.pop(job_id, None)
        if old is None:
            assert found is None
            return multiple()
        assert found is not None
        self.written(number, found)
        assert found == JobChange(dataclasses.replace(old, revision=self.revision), removed=True)
        return found.job, tuple(self.events.pop(job_id))

    @rule(number=which, kept=consumes(forgotten))
    def restore(self, number: int, kept: tuple[Job, tuple[JobEvent, ...]]) -> None:
        job, events = kept
        found = self.run(self.stores[number].restore(job, events))
        if job.id in self.model:
            assert found.job == self.model[job.id]
            return
        self.written(number, found)
        self.model[job.id] = dataclasses.replace(job, revision=self.revision)
        self.events[job.id] = list(events)

    @rule(number=which)
    def listen(self, number: int) -> None:
        changes = self.run(self.stores[number].foreign_changes())
        assert all(change.elsewhere for change in changes)
        assert [change.job.revision for change in changes] == sorted({change.job.revision for change in changes})
        for change in changes:
            self.heard(number, change)
        assert self.screens[number] == self.model

    @rule(number=which)
    def restart(self, number: int) -> None:
        self.run(self.stores[number].close())
        self.stores[number] = self.open()
        assert self.stores[number].notice == ""
        self.screens[number] = {job.id: job for job in self.run(self.stores[number].load())}

    @invariant()
    def both_know_the_same(self) -> None:
        if not hasattr(self, "stores"):
            return
        newest_first = sorted(self.model.values(), key=lambda job: (job.created_at, job.id.encode()), reverse=True)
        for store in self.stores:
            assert self.run(store.load()) == newest_first
            for job_id, events in self.events.items():
                assert self.run(store.events(job_id)) == events

    def teardown(self) -> None:
        if hasattr(self, "stores"):
            for store in self.stores:
                self.run(store.close())
            self.runner.close()
            shutil.rmtree(self.folder)


TestTwoStores = TwoStores.TestCase
TestTwoStores.settings = settings(max_examples=examples(20), stateful_step_count=25)
