"""A new download link out of the dock status, where GALE gives one."""

from __future__ import annotations

from gale_tui.core.errors import AnswerError, CredentialError, GaleError, InterruptedDownloadError
from gale_tui.core.gale_api.connections import Connections
from gale_tui.core.models import Environment, Job
from gale_tui.core.secret import SignedUrl

__all__ = ["fresh_link"]


async def fresh_link(connections: Connections, environment: Environment, job: Job) -> tuple[SignedUrl | None, str]:
    """Asks for the job's dock status once.

    Returns:
        The link, absolute, or None; and where there is none, why.

    Raises:
        InterruptedDownloadError: The question had no answer, and may have one later.
    """
    if job.dock_status_id is None:
        return None, "its dock status id is not known"
    try:
        client = await connections.client(environment)
        status = await connections.call(client.dock_status, job.dock_status_id, job.tool_id, job.export_job_id or "")
        if status.download_url is None:
            return None, "the server gives no link to the file"
        return client.resolve_link(status.download_url), ""
    except CredentialError as error:
        return None, error.what
    except GaleError as error:
        if error.passing:
            told = error.retry_after if isinstance(error, AnswerError) else None
            what = f"no fresh link yet: {error.what}"
            raise InterruptedDownloadError(what, error.advice, retry_after=told) from None
        return None, f"no fresh link: {error.what}"
