"""Exporter many tools through the engine, politely, and accounts for each.

The vendor's community article on rate limits gives 60 design-time calls in 60 seconds and 1,800 in an hour: exports
start at most one a second, after a while one in two seconds, and none while one of them waits after a 429.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from gale_tui.core.archive.verify_zip import verify_zip
from gale_tui.core.batch.outcomes import Outcome, outcome, settled
from gale_tui.core.batch.parser import BadLine, BatchTool
from gale_tui.core.batch.report import BatchAccount, BatchEntry
from gale_tui.core.errors import ConfigError, CredentialError, GaleError, LineStartedError, NotSentError, StoreError
from gale_tui.core.history.batches import KeptBatch
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import (
    ChangeKind,
    Download,
    DownloadState,
    Environment,
    ExportRequest,
    Job,
    JobChange,
    JobReason,
    JobState,
)
from gale_tui.core.source.unpack import read_members
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert

__all__ = ["BatchRun", "account_of", "contents"]

BURST: Final = 30
"""Exports that start one a second; the engine itself sees to the second."""
FURTHER: Final = 2.1
"""Seconds from the answer to one to the start of the next, from then on."""
UNREACHED: Final = 3
"""So many in a row that could not be sent end the batch: the others would not be either."""
_RETRIED: Final = (Outcome.FAILED, Outcome.REJECTED, Outcome.NOT_SENT, Outcome.LOST, Outcome.NOT_SAVED)
"""Not UNCONFIRMED: GALE may have started that export."""


def contents(path: Path) -> frozenset[tuple[str, int, int]]:
    """Name, size and CRC-32 of every file in a zip: equal where two zips hold the same.

    Raises:
        GaleError: It cannot be read or is damaged.
    """
    return frozenset((entry.name, entry.size, entry.checksum) for entry in verify_zip(path).entries)


def _same(before: Path, after: Path) -> bool | None:
    try:
        return contents(before) == contents(after)
    except GaleError:
        return None


def _hold_the_same(before: Path, after: Path) -> bool:
    """Returns True if two zips have the same members, byte for byte; False as well if one cannot be read."""
    try:
        return read_members(before) == read_members(after)
    except GaleError:
        return False


class BatchRun:
    """One run of a list of tools.

    Args:
        engine: Started.
        environment: Where all of them are exported.
        tools: What to export.
        name: The set's, or what the batch is called; written to each job.
        folder: Where the files go; None for the usual place.
        save_when_ready: False where the files are not fetched by themselves.
        bad: Lines that named no tool, for the account.
        on_change: Called whenever the account has changed.
        kept: A batch that was cut short, to be gone on with; all of the above are its own then.
        record: False for what needs no going on with: a single tool.
        if_changed: True to keep no second copy of a file that holds what the one before holds.
    """

    def __init__(
        self,
        engine: GaleEngine,
        environment: Environment,
        tools: Sequence[BatchTool],
        *,
        name: str = "",
        folder: Path | None = None,
        save_when_ready: bool = True,
        bad: Sequence[BadLine] = (),
        on_change: Callable[[BatchAccount], None] = lambda account: None,
        kept: KeptBatch | None = None,
        record: bool = True,
        if_changed: bool = False,
    ) -> None:
        self.environment = environment
        self._engine = engine
        self._name = name
        self._folder = folder
        self._save_when_ready = save_when_ready
        self._bad = tuple(bad)
        self._on_change = on_change
        self._entries = [BatchEntry(tool) for tool in tools]
        self._places: dict[str, int] = {}
        self._before: dict[int, Job | None] = {}
        self._comparing: dict[int, asyncio.Task[None]] = {}
        self._kept = kept
        self._record = record
        self._if_changed = if_changed
        self._threads = DaemonThreads("batch", keep=1)
        self._stopped = ""
        self._error: GaleError | None = None
        self._starting: int | None = None
        self._happened = asyncio.Event()

    @property
    def account(self) -> BatchAccount:
        """As it stands."""
        return BatchAccount(self._name, tuple(self._entries), self._bad, self._stopped)

    @property
    def kept_id(self) -> str | None:
        """Its id in the history; None where it is not kept there."""
        return self._kept.id if self._kept is not None else None

    @property
    def left(self) -> int:
        """How many are not started yet."""
        return sum(1 for entry in self._entries if entry.job is None and entry.outcome is None)

    def stop(self, why: str, error: GaleError | None = None) -> None:
        """Starts no more of them; what was started goes on.

        Args:
            why: A sentence for the account.
            error: What makes it no use to go on, where it is an error.
        """
        if not self._stopped:
            self._stopped, self._error = why, error
        self._happened.set()

    async def run(self) -> BatchAccount:
        """Starts them one after the other and waits until it is known what became of each.

        What is not started is kept in the history, from before the first is. Cancelled, it starts no more; what was
        started is the engine's and goes on.

        Raises:
            StoreError: The history cannot be used, or another process runs this batch.
        """
        await self._keep()
        listeners = self._engine.jobs.listeners
        listeners.append(self._changed)
        try:
            await self._take_up()
            try:
                await self._start_all()
            finally:
                await self._let_go()
            while any(entry.outcome is None for entry in self._entries) or self._comparing:
                await self._next()
        finally:
            listeners.remove(self._changed)
            comparing = tuple(self._comparing.values())
            for task in comparing:
                task.cancel()
            await asyncio.gather(*comparing, return_exceptions=True)
            self._threads.close()
        return self.account

    def give_up(self, why: str, error: GaleError | None = None) -> None:
        """Waits no longer: what is not at its end is counted as unfinished, what was not begun as not started."""
        self.stop(why, error)
        for place, entry in enumerate(self._entries):
            if entry.outcome is None:
                begun = entry.job is not None or place == self._starting
                self._put(place, outcome=Outcome.UNFINISHED if begun else Outcome.NOT_STARTED, why=why, error=error)

    def leave(self, job_id: str, why: str, error: GaleError | None = None) -> None:
        """Waits no longer for one of the jobs."""
        place = self._places.get(job_id)
        if place is not None and self._entries[place].outcome is None:
            self._put(place, outcome=Outcome.UNFINISHED, why=why, error=error)

    @classmethod
    def going_on(
        cls,
        engine: GaleEngine,
        environment: Environment,
        kept: KeptBatch,
        on_change: Callable[[BatchAccount], None] = lambda account: None,
        *,
        if_changed: bool = False,
    ) -> BatchRun:
        """A run of what was cut short: what is started already is followed, the rest is started.

        Args:
            engine: Started.
            environment: The batch's own.
            kept: The batch.
            on_change: Called whenever the account has changed.
            if_changed: As for the constructor.
        """
        return cls(
            engine,
            environment,
            kept.tools,
            name=kept.name,
            folder=kept.folder,
            save_when_ready=kept.save_when_ready,
            bad=kept.bad,
            on_change=on_change,
            kept=kept,
            if_changed=if_changed,
        )

    @property
    def failed(self) -> int:
        """How many `retry_failed` exports again."""
        return sum(1 for entry in self._entries if entry.outcome in _RETRIED)

    def retry_failed(self) -> BatchRun:
        """A run of the tools that failed, in their places; what became of the others stays."""
        run = BatchRun(
            self._engine,
            self.environment,
            (),
            name=self._name,
            folder=self._folder,
            save_when_ready=self._save_when_ready,
            bad=self._bad,
            on_change=self._on_change,
            if_changed=self._if_changed,
        )
        run._entries = [BatchEntry(each.tool) if each.outcome in _RETRIED else each for each in self._entries]
        return run

    # What is kept of it

    async def _keep(self) -> None:
        """Writes the batch before anything is sent, or takes the one that was kept."""
        if not self._record:
            return
        batches = self._engine.batches
        if self._kept is None:
            environment = self.environment
            self._kept = KeptBatch(
                id=uuid.uuid4().hex,
                environment_id=environment.id,
                environment_name=environment.name,
                origin=str(environment.origin),
                tools=tuple(entry.tool for entry in self._entries),
                name=self._name,
                folder=self._folder,
                save_when_ready=self._save_when_ready,
                bad=self._bad,
                created_at=self._engine.clock.time(),
                started={place: entry.job.id for place, entry in enumerate(self._entries) if entry.job is not None},
            )
            await batches.add(self._kept)
            return
        taken = await batches.acquire(self._kept.id)
        # Somebody else may have started some of it since it was read.
        kept = await batches.find(self._kept.id) if taken else None
        if kept is None:
            raise LineStartedError("Another gale-tui has continued this batch, or discarded it", "Look at its jobs")
        self._kept = kept

    async def _take_up(self) -> None:
        """Follows what was started by the run that was cut short."""
        kept = self._kept
        if kept is None or not kept.started:
            return
        known = self._engine.jobs
        jobs = {**await self._engine.batches.jobs(kept), **known}
        for place, job_id in kept.started.items():
            job = jobs.get(job_id)
            if job is None:
                self._put(place, outcome=Outcome.UNFINISHED, why="removed from the list")
                continue
            before = await known.last_saved(job.origin, job.tool_id, job.flow_id, before=job.created_at)
            self._before[place] = before
            self._places[job_id] = place
            self._take(known.get(job_id, job))

    async def _let_go(self) -> None:
        """Forgets the batch once all of it is started; else lets it be gone on with."""
        if self._kept is None:
            return
        begun = all(entry.job is not None or entry.outcome is Outcome.UNFINISHED for entry in self._entries)
        batches = self._engine.batches
        with contextlib.suppress(StoreError):
            await (batches.remove(self._kept.id) if begun else batches.release(self._kept.id))

    async def _next(self) -> None:
        self._happened.clear()
        await self._happened.wait()

    # Starting

    async def _start_all(self) -> None:
        unreached = 0
        waiting = [place for place, entry in enumerate(self._entries) if entry.job is None and entry.outcome is None]
        for number, place in enumerate(waiting):
            if number >= BURST:
                await self._engine.clock.sleep(FURTHER)
            while not self._stopped and self._held_back():
                await self._next()
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
            elif unreached >= UNREACHED:
                why = f"{unreached} in a row could not be sent: {job.reason}"
                self.stop(why, NotSentError(why))
        for place, entry in enumerate(self._entries):
            if entry.job is None and entry.outcome is None:
                self._put(place, outcome=Outcome.NOT_STARTED, why=self._stopped, error=self._error)

    def _held_back(self) -> bool:
        """True while one of ours waits after a 429: the others would only be told the same."""
        return any(
            entry.outcome is None and entry.job is not None and entry.job.state is JobState.WAITING
            for entry in self._entries
        )

    async def _start(self, place: int) -> Job | None:
        tool, environment = self._entries[place].tool, self.environment
        jobs = self._engine.jobs
        self._before[place] = await jobs.last_saved(str(environment.origin), tool.tool_id, tool.flow_id)
        request = ExportRequest(
            environment_id=environment.id,
            tool_id=tool.tool_id,
            flow_id=tool.flow_id,
            kind=tool.kind,
            label=tool.label,
            folder=self._folder,
            save_when_ready=self._save_when_ready,
            batch=self._name or None,
            line=(self._kept.id, place) if self._kept is not None else None,
        )
        try:
            job = await self._engine.jobs.export(request, keep_rejected=True)
        except (ConfigError, CredentialError, LineStartedError) as error:
            # Another process has gone on with it, no key, read-only, the environment is gone: true for all of them.
            self._put(place, outcome=Outcome.NOT_STARTED, why=str(error), error=error)
            self.stop(str(error), error)
            return None
        except GaleError as error:
            self._put(place, outcome=Outcome.NOT_STARTED, why=str(error), error=error)
            return None
        self._places[job.id] = place
        self._take(self._engine.jobs.get(job.id, job))
        return job

    # What the engine tells

    def _changed(self, change: JobChange) -> None:
        place = self._places.get(change.job.id)
        if place is None or self._entries[place].outcome is not None:
            return
        if change.kind is ChangeKind.REMOVED:
            self._put(place, outcome=Outcome.UNFINISHED, why="removed from the list")
        else:
            self._take(change.job)

    def _take(self, job: Job) -> None:
        place = self._places[job.id]
        if place in self._comparing:
            return
        if not settled(job):
            self._put(place, job=job)
            return
        before = self._before.pop(place, None)
        if outcome(job) is Outcome.SAVED and before is not None:
            task = asyncio.create_task(self._compare(place, before, job), name=f"compare {job.id}")
            self._comparing[place] = task
            task.add_done_callback(lambda done: self._compared(place, done))
        else:
            self._put(place, job=job, outcome=outcome(job))

    async def _compare(self, place: int, before: Job, job: Job) -> None:
        """Finds out whether anything changed, and only then counts the job as saved."""
        unchanged: bool | None = None
        old, new = before.download, job.download
        if old.sha256 is not None and old.sha256 == new.sha256:
            unchanged = True
        elif old.path is not None and new.path is not None and new.state is DownloadState.SAVED:
            unchanged = await self._threads.call(_same, old.path, new.path)
        if unchanged and self._if_changed:
            job = await self._without_copy(old, job)
        if self._entries[place].outcome is None:
            self._put(place, job=job, outcome=Outcome.SAVED, unchanged=unchanged)

    async def _without_copy(self, old: Download, job: Job) -> Job:
        """The job with the file before in the place of its own, which is deleted, if both hold the same bytes."""
        new = job.download
        if old.path is None or new.path is None or old.path == new.path or old.sha256 is None:
            return job
        earlier, copy = old.path, new.path
        if not await self._threads.call(_hold_the_same, earlier, copy):
            return job
        done = await self._engine.jobs.replace_file(job.id, earlier)
        if done is None:
            return job
        with contextlib.suppress(OSError):
            await self._threads.call(copy.unlink)
        return done

    def _compared(self, place: int, task: asyncio.Task[None]) -> None:
        del self._comparing[place]
        self._happened.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": f"{task.get_name()} failed", "exception": error})

    def _put(
        self,
        place: int,
        *,
        job: Job | None = None,
        outcome: Outcome | None = None,
        unchanged: bool | None = None,
        why: str = "",
        error: GaleError | None = None,
    ) -> None:
        old = self._entries[place]
        self._entries[place] = replace(
            old,
            job=job or old.job,
            outcome=outcome or old.outcome,
            unchanged=unchanged if unchanged is not None else old.unchanged,
            why=inert(why, 300) or old.why,
            error=error or old.error,
        )
        self._happened.set()
        self._on_change(self.account)


def account_of(kept: KeptBatch, jobs: Mapping[str, Job]) -> BatchAccount:
    """The account of a batch that nobody runs.

    Args:
        kept: The batch.
        jobs: Its jobs that are still in the history, by their id.
    """
    entries = []
    for place, tool in enumerate(kept.tools):
        job_id = kept.started.get(place)
        job = jobs.get(job_id) if job_id is not None else None
        if job is not None:
            entries.append(BatchEntry(tool, outcome(job) if settled(job) else None, job))
        elif job_id is not None:
            entries.append(BatchEntry(tool, Outcome.UNFINISHED, why="removed from the list"))
        else:
            entries.append(BatchEntry(tool, Outcome.NOT_STARTED, why="not started yet"))
    stopped = f"It was cut short: {kept.left} of its {len(kept.tools)} tools are not started."
    return BatchAccount(kept.name, tuple(entries), kept.bad, stopped)
