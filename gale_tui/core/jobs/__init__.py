"""Export jobs from the request to the file on disk: sending, polling, downloading, recovering, and batches of them.

May import everything else in `core`; nothing in `core` imports it. Start at `engine.GaleEngine`, which composes the
rest, and `transitions`, every change of a job's state; `reasons` makes the sentences about it.

- Export: `commands` → `exporter`
- Status: `scheduler` → `poller`, within `rate_limits`
- File: `download_queue` → `job_download` → `file_transfer`

All of them share a `context.JobContext` and change jobs through `job_registry`, which writes to the history first and
announces afterwards. `recovery` resumes what another process left, and `batch_runner` exports many tools.
"""
