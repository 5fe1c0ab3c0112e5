"""Export jobs from the request to the file on disk: sending, polling, downloading, recovering, and batches of them.

May import everything else in `core`; nothing in `core` imports it. Entry points: `engine.GaleEngine`, which composes
the rest; `transitions`, all that can become of a job; `reasons`, the sentences about it.
"""
