"""Downloads one file: requests, receives, resumes and verifies it, then publishes it under its name.

Knows nothing of jobs: ``core.jobs.download_queue`` decides when a file is fetched, ``job_download`` what follows from
the result.
May import ``core.archive``, ``core.source``, ``core.http``, ``core.gale_api``, ``core.config`` and the modules directly
in ``core``.

- :class:`download.DownloadTask` runs on the caller's thread; :class:`download.DownloadPlan` describes the file.
- :func:`saved_file.find_published` finds a file that was finished just before the program was killed;
  :func:`saved_file.is_unchanged` compares two.
"""
