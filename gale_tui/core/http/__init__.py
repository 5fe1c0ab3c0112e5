"""The one place that speaks HTTP: trust, proxies, deadlines, redirects, and the key to its own origin only.

May import the modules directly in `core`; nothing else imports httpx or httpcore.

- :class:`transport.Transport` sends requests to an environment and opens downloads on its behalf.
- :class:`request_context.Cancellation` stops one download from another thread.
- :func:`http_errors.request_failure` turns the library's exceptions into those of ``core.errors``.
"""
