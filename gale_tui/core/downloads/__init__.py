"""Downloads one file: requested, received, resumed, verified, and published under its name.

Knows nothing of jobs: ``core.jobs.download_queue`` decides when a file is fetched, ``job_download`` what its end means.
May import ``core.archive``, ``core.source``, ``core.http``, ``core.gale_api``, ``core.config`` and what all of core
stands on.

- :class:`download.DownloadTask` does it, on the caller's thread; :class:`download.DownloadPlan` says what.
- :func:`saved_file.find_published` finds a file that was finished just before the program was killed;
  :func:`saved_file.is_unchanged` compares two.
"""
