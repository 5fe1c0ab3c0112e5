"""Exports many tools through the engine, politely, and accounts for each.

The vendor's community article on rate limits gives 60 design-time calls in 60 seconds and 1,800 in an hour: exports
start at most one a second, after a while one in two seconds, and none while one of them waits after a 429.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from gale_tui.core.background import cancel_all, report_failure
from gale_tui.core.batch.report import BatchAccount, BatchEntry, Outcome, is_settled, outcome_of
from gale_tui.core.downloads.saved_file import have_same_bytes, is_unchanged
from gale_tui.core.errors import ConfigError, CredentialError, GaleError, LineStartedError, NotSentError, StoreError
from gale_tui.core.history.batches import BatchRecord
from gale_tui.core.jobs import transitions
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import Environment, ExportRequest, Job, JobChange, JobReason, JobState
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert

BURST: Final = 30
"""Exports that start one a second; the engine itself sees to the second."""
SPACING: Final = 2.1
"""Seconds from the answer to one to the start of the next, from then on."""
MOST_UNREACHED: Final = 3
"""This many exports in a row that could not be sent end the batch: the others would fail, too."""
_RETRIED: Final = (Outcome.FAILED, Outcome.REJECTED, Outcome.NOT_SENT, Outcome.LOST, Outcome.NOT_SAVED)
"""Not UNCONFIRMED: GALE may have started that export."""
_REMOVED: Final = "removed from the list"


class BatchRun:
    """One run of a list of tools.

    Args:
        environment: Where all of them are exported.
        record: What is exported, and where the files go.
        on_change: Called whenever the account has changed.
        resumed: True to continue an interrupted batch: follows what is started already, starts the rest.
        stored: False for what is never resumed: a single tool.
        if_changed: True to keep no second copy of a file that holds what the one before holds.
    """

    def __init__(
        self,
        engine: GaleEngine,
        environment: Environment,
        record: BatchRecord,
        on_change: Callable[[BatchAccount], None] = lambda account: None,
        *,
        resumed: bool = False,
        stored: bool = True,
        if_changed: bool = False,
    ) -> None:
        self.environment = environment
        self.record = record
        self._engine = engine
        self._on_change = on_change
        self._stored = stored
        self._resumed = resumed
        self._if_changed = if_changed
        self._entries = [BatchEntry(tool) for tool in record.tools]
        self._places: dict[str, int] = {}
        """Places in the list of the started jobs, by their id."""
        self._before: dict[int, Job | None] = {}
        """The exports saved before, by the place of their tool."""
        self._comparing: dict[int, asyncio.Task[None]] = {}
        self._threads = DaemonThreads("batch", keep=1)
        self._stopped = ""
        self._error: GaleError | None = None
        self._starting: int | None = None
        self._changed = asyncio.Event()

    def retry_failed(self) -> BatchRun:
        """A run of the tools that failed, in their places; the results of the others stay."""
        entries = [BatchEntry(each.tool) if each.outcome in _RETRIED else each for each in self._entries]
        record = replace(
            self.record,
            id=uuid.uuid4().hex,
            created_at=self._engine.clock.time(),
            started={place: entry.job.id for place, entry in enumerate(entries) if entry.job is not None},
        )
        run = BatchRun(self._engine, self.environment, record, self._on_change, if_changed=self._if_changed)
        run._entries = entries
        return run

    @property
    def account(self) -> BatchAccount:
        return BatchAccount(self.record.name, tuple(self._entries), self.record.bad, self._stopped)

    @property
    def unstarted(self) -> int:
        """How many are not started yet."""
        return len(self._unstarted_places())

    @property
    def failed(self) -> int:
        """How many `retry_failed` exports again."""
        return sum(1 for entry in self._entries if entry.outcome in _RETRIED)

    def stop(self, why: str, error: GaleError | None = None) -> None:
        """Starts no more of them, for the reason in `why`; running exports continue."""
        if not self._stopped:
            self._stopped, self._error = why, error
        self._changed.set()

    def stop_waiting(self, why: str, error: GaleError | None = None) -> None:
        """Counts running tools as unfinished, and the others without a result as not started."""
        self.stop(why, error)
        for place, entry in enumerate(self._entries):
            if entry.outcome is None:
                running = entry.job is not None or place == self._starting
                self._update(
                    place, outcome=Outcome.UNFINISHED if running else Outcome.NOT_STARTED, why=why, error=error
                )

    def stop_waiting_for(self, job_id: str, why: str, error: GaleError | None = None) -> None:
        """Counts a job as unfinished if it has no outcome yet."""
        place = self._places.get(job_id)
        if place is not None and self._entries[place].outcome is None:
            self._update(place, outcome=Outcome.UNFINISHED, why=why, error=error)

    async def run(self) -> BatchAccount:
        """Starts them one after the other and waits until each has an outcome.

        The unstarted ones are in the history before the first starts. Cancelled, it starts no more; running exports
        continue, and are the engine's.

        Raises:
            StoreError: The history cannot be used, or another process runs this batch.
        """
        if self._resumed:
            # Another process may have started some of it since it was read.
            self.record = await self._engine.batches.acquire(self.record.id)
        elif self._stored:
            await self._engine.batches.add(self.record)
        listeners = self._engine.registry.listeners
        listeners.append(self._job_changed)
        try:
            await self._follow_started()
            try:
                await self._start_all()
            finally:
                await self._release()
            while any(entry.outcome is None for entry in self._entries) or self._comparing:
                await self._wait_for_change()
        finally:
            listeners.remove(self._job_changed)
            await cancel_all(self._comparing.values())
            self._threads.close()
        return self.account

    # In the history

    async def _follow_started(self) -> None:
        """Follows what the interrupted run has started."""
        if not self.record.started:
            return
        known, store = self._engine.jobs, self._engine.registry.store
        jobs = {**await store.batches.jobs(self.record), **known}
        for place, job_id in self.record.started.items():
            job = jobs.get(job_id)
            if job is None:
                self._update(place, outcome=Outcome.UNFINISHED, why=_REMOVED)
                continue
            before = await store.last_saved(job.origin, job.tool_id, job.flow_id, before=job.created_at)
            self._before[place] = before
            self._places[job_id] = place
            self._follow(known.get(job_id, job))

    async def _release(self) -> None:
        """Deletes the record once all of it is started; else others may resume it."""
        if not self._stored:
            return
        all_started = all(entry.job is not None or entry.outcome is Outcome.UNFINISHED for entry in self._entries)
        batches = self._engine.batches
        with contextlib.suppress(StoreError):
            await (batches.remove(self.record.id) if all_started else batches.release(self.record.id))

    # Starting

    def _unstarted_places(self) -> list[int]:
        return [place for place, entry in enumerate(self._entries) if entry.job is None and entry.outcome is None]

    async def _start_all(self) -> None:
        unreached = 0
        for number, place in enumerate(self._unstarted_places()):
            if number >= BURST:
                await self._engine.clock.sleep(SPACING)
            while not self._stopped and self._is_rate_limited():
                await self._wait_for_change()
            if self._stopped:
                break
            self._starting = place
            try:
                job = await self._start(place)
            finally:
                self._starting = None
            if job is None:
                continue
            reason = job.reason_code if job.state is JobState.REJECTED else None
            unreached = unreached + 1 if reason is not None and reason.unreached else 0
            if reason is JobReason.KEY_REFUSED:
                why = f"The key is refused: {job.reason}"
                self.stop(why, CredentialError(why))
            elif unreached >= MOST_UNREACHED:
                why = f"{unreached} in a row could not be sent: {job.reason}"
                self.stop(why, NotSentError(why))
        for place in self._unstarted_places():
            self._update(place, outcome=Outcome.NOT_STARTED, why=self._stopped, error=self._error)

    def _is_rate_limited(self) -> bool:
        """True while one of ours waits after a 429: the others would get the same answer."""
        return any(
            entry.outcome is None and entry.job is not None and entry.job.state is JobState.WAITING
            for entry in self._entries
        )

    async def _start(self, place: int) -> Job | None:
        tool, environment, record = self._entries[place].tool, self.environment, self.record
        jobs, store = self._engine.jobs, self._engine.registry.store
        self._before[place] = await store.last_saved(str(environment.origin), tool.tool_id, tool.flow_id)
        request = ExportRequest(
            environment_id=environment.id,
            tool_id=tool.tool_id,
            flow_id=tool.flow_id,
            kind=tool.kind,
            label=tool.label,
            folder=record.folder,
            save_when_ready=record.save_when_ready,
            batch=record.name or None,
            line=(record.id, place) if self._stored else None,
        )
        try:
            job = await jobs.export(request, keep_rejected=True)
        except GaleError as error:
            self._update(place, outcome=Outcome.NOT_STARTED, why=str(error), error=error)
            if isinstance(error, ConfigError | CredentialError | LineStartedError):
                # Another process has resumed it, no key, read-only, the environment is gone: true for all of them.
                self.stop(str(error), error)
            return None
        self._places[job.id] = place
        self._follow(jobs.get(job.id, job))
        return job

    # Following

    def _job_changed(self, change: JobChange) -> None:
        place = self._places.get(change.job.id)
        if place is None or self._entries[place].outcome is not None:
            return
        if change.removed:
            self._update(place, outcome=Outcome.UNFINISHED, why=_REMOVED)
        else:
            self._follow(change.job)

    def _follow(self, job: Job) -> None:
        place = self._places[job.id]
        if place in self._comparing:
            return
        if not is_settled(job):
            self._update(place, job=job)
            return
        before = self._before.pop(place, None)
        if outcome_of(job) is Outcome.SAVED and before is not None:
            # Started, however long the comparison takes.
            self._update(place, job=job)
            task = asyncio.create_task(self._compare(place, before, job), name=f"compare {job.id}")
            self._comparing[place] = task
            task.add_done_callback(lambda done: self._compared(place, done))
        else:
            self._update(place, job=job, outcome=outcome_of(job))

    async def _compare(self, place: int, before: Job, job: Job) -> None:
        """Compares the file with the one before, and only then counts the job as saved."""
        unchanged = await self._threads.call(is_unchanged, before.download, job.download)
        if unchanged and self._if_changed:
            job = await self._replace_copy(before, job)
        if self._entries[place].outcome is None:
            self._update(place, job=job, outcome=Outcome.SAVED, unchanged=unchanged)

    async def _replace_copy(self, before: Job, job: Job) -> Job:
        """If both files hold the same bytes, deletes the job's own and records the earlier one for it."""
        earlier, copy = before.download.path, job.download.path
        if earlier is None or copy is None or earlier == copy or before.download.sha256 is None:
            return job
        if not await self._threads.call(have_same_bytes, earlier, copy):
            return job
        replacing, event = partial(transitions.replace_file, path=earlier), f"unchanged: the same as {earlier.name}"
        with contextlib.suppress(StoreError, OSError):
            if (done := await self._engine.registry.change(job.id, replacing, event)) is not None:
                job = done.job
                await self._threads.call(copy.unlink)
        return job

    def _compared(self, place: int, task: asyncio.Task[None]) -> None:
        del self._comparing[place]
        self._changed.set()
        report_failure(task)

    async def _wait_for_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _update(self, place: int, **changes: object) -> None:
        """Replaces some fields of an entry."""
        entry = replace(self._entries[place], **changes)  # type: ignore[arg-type]  # names are checked by replace
        self._entries[place] = replace(entry, why=inert(entry.why, 300))
        self._changed.set()
        self._on_change(self.account)


def account_of(record: BatchRecord, jobs: Mapping[str, Job]) -> BatchAccount:
    """The account of a batch that nobody runs; `jobs` are those of it that are still in the history."""
    entries = []
    for place, tool in enumerate(record.tools):
        job_id = record.started.get(place)
        job = jobs.get(job_id) if job_id is not None else None
        if job is not None:
            entries.append(BatchEntry(tool, outcome_of(job) if is_settled(job) else None, job))
        elif job_id is not None:
            entries.append(BatchEntry(tool, Outcome.UNFINISHED, why=_REMOVED))
        else:
            entries.append(BatchEntry(tool, Outcome.NOT_STARTED, why="not started yet"))
    stopped = f"It was cut short: {record.unstarted} of its {len(record.tools)} tools are not started."
    return BatchAccount(record.name, tuple(entries), record.bad, stopped)
