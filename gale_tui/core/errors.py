"""Everything that can go wrong, as one tree. ``str(error)`` is for a person: what happened, then what to do.

::

    GaleError
    ├── ConfigError                 config.toml, command line, environment variables, an invalid host
    ├── CredentialError             no usable key
    │   ├── NoKeyError              no key for this environment and its origin
    │   ├── KeyringUnavailableError no keyring, or one that is refused
    │   ├── KeyringLockedError      it is there and locked
    │   └── KeyCommandError         key_command failed
    ├── RequestError                a call to GALE gave no usable answer
    │   ├── NotSentError            certainly nothing reached GALE
    │   │   ├── NameNotFoundError   DNS
    │   │   ├── RefusedError        nobody listens, no route, or no answer to the connection attempt
    │   │   ├── TlsError            the certificate, named
    │   │   └── ProxyRefusedError   the proxy cannot be used, or would not connect
    │   ├── UnansweredError         sent, but no whole answer: time-out, cut connection
    │   └── AnswerError             an HTTP answer that is no success
    │       ├── BadRequestError     400, and any other 4xx
    │       ├── AuthenticationError 401: the key is missing, wrong or revoked
    │       ├── ForbiddenError      403: the key is known but may not do this
    │       ├── NotFoundError       404 (``from_gale`` tells JSON from a page)
    │       ├── ConflictError       409: not in the present state
    │       ├── RateLimitedError    429: not processed, to be sent again later
    │       ├── ServerError         5xx
    │       ├── RedirectError       a redirect that is not followed
    │       └── MalformedAnswerError 2xx, but not what GALE would say
    │           └── WrongAnswerError 2xx, but about another job: nothing in it is believed
    ├── DownloadError               the file could not be had or kept
    │   ├── LinkNotReadyError       403, 404 or 409 shortly after SUCCESS: not yet
    │   ├── LinkExpiredError        the link works no longer; a fresh one or a new export is needed
    │   │   └── LinkRejectedError   the store refuses it, and would again; a fresh one may work
    │   ├── LinkRefusedError        a link that is not followed: http, loopback, other scheme
    │   ├── InterruptedDownloadError the connection was cut or stalled; the part is kept
    │   │   └── StoppedDownloadError this program ended it
    │   ├── NotAZipError            HTML or something else came
    │   ├── CorruptFileError        the zip is damaged, or has the wrong length
    │   └── FileSystemError         disk full, no permission, folder gone
    ├── SourceError                 a tool as source cannot be unpacked or packed; with file and line
    └── StoreError                  the history could not be read or written
        ├── SendingError            a job whose POST is under way is not removed
        ├── NewerStoreError         written by a newer gale-tui
        └── LineStartedError        a line of a batch that is started already
"""

from __future__ import annotations

from typing import ClassVar, Self

from gale_tui.core.models import DownloadReason, JobReason


class GaleError(Exception):
    """Base of all.

    Args:
        what: What happened, a sentence without its full stop.
        advice: What to do about it, a sentence without its full stop; may be empty.
        retry_after: Seconds that the server asks to wait, or None if it does not say.
    """

    exit_code: ClassVar[int] = 2
    """Exit code of ``gale-tui export``."""

    passing: ClassVar[bool] = False
    """True if the same thing may work when tried again later."""

    reason: JobReason = JobReason.INTERNAL
    """The reason of a job that met this error."""

    download_reason: ClassVar[DownloadReason] = DownloadReason.INTERNAL
    """The reason of a download that met this error."""

    def __init__(self, what: str, advice: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(what, advice)
        self.what = what
        self.advice = advice
        self.retry_after = retry_after

    def __str__(self) -> str:
        return " ".join(_end_sentence(text) for text in (self.what, self.advice) if text)

    def bare(self) -> Self:
        """The error without its causes and frames, which may hold a key."""
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)


def _end_sentence(sentence: str) -> str:
    return sentence if sentence[-1] in ".!?…" else f"{sentence}."


class ConfigError(GaleError):
    """The configuration, the command line or a value typed into a form cannot be used."""

    reason = JobReason.CONFIGURATION


class CredentialError(GaleError):
    reason = JobReason.KEY_MISSING
    download_reason = DownloadReason.KEY_MISSING
    exit_code = 4


class NoKeyError(CredentialError):
    """No key is kept for this environment and its present origin."""


class KeyringUnavailableError(CredentialError):
    """There is no keyring here, it does not answer, or it is one that is refused."""


class KeyringLockedError(CredentialError):
    """The keyring is there, and locked."""


class KeyCommandError(CredentialError):
    """``key_command`` failed, was too slow, or printed something that is no key."""


class RequestError(GaleError):
    reason = JobReason.NO_ANSWER
    download_reason = DownloadReason.INTERRUPTED
    exit_code = 3


class NotSentError(RequestError):
    reason = JobReason.NOT_SENT
    passing = True


class NameNotFoundError(NotSentError):
    reason = JobReason.NAME_NOT_FOUND


class RefusedError(NotSentError):
    reason = JobReason.UNREACHABLE


class TlsError(NotSentError):
    reason = JobReason.TLS
    passing = False


class ProxyRefusedError(NotSentError):
    reason = JobReason.PROXY


class UnansweredError(RequestError):
    """The request was sent, wholly or in part, and no whole answer came: GALE may have acted on it."""

    passing = True


class AnswerError(RequestError):
    """GALE, or something in front of it, answered with something else than success.

    Args:
        status: The HTTP status code.
        detail: The first useful line of the body, already made inert; may be empty.
        from_gale: True if the body was JSON, so that it is GALE speaking and not a proxy.
        body: The start of the body, made inert and redacted, for the details pane.
        page: True if a web page answered, so that something is in between.
    """

    download_reason = DownloadReason.REFUSED

    def __init__(
        self,
        what: str,
        advice: str = "",
        *,
        status: int,
        detail: str = "",
        from_gale: bool = False,
        body: str = "",
        page: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(what, advice, retry_after=retry_after)
        self.page = page
        self.status = status
        self.detail = detail
        self.from_gale = from_gale
        self.body = body


class BadRequestError(AnswerError):
    reason = JobReason.BAD_REQUEST
    exit_code = 2


class AuthenticationError(AnswerError):
    reason = JobReason.KEY_REFUSED
    exit_code = 4


class ForbiddenError(AnswerError):
    reason = JobReason.NOT_ALLOWED
    exit_code = 4


class NotFoundError(AnswerError):
    """404: no such tool, flow or dock status; or, if not ``from_gale``, not a GALE at all."""

    exit_code = 2

    @property
    def reason(self) -> JobReason:  # type: ignore[override]  # who answers decides
        return JobReason.NOT_FOUND if self.from_gale else JobReason.NOT_GALE


class ConflictError(AnswerError):
    reason = JobReason.CONFLICT
    exit_code = 2


class RateLimitedError(AnswerError):
    passing = True
    reason = JobReason.RATE_LIMITED


class ServerError(AnswerError):
    """5xx: GALE or a gateway in front of it failed; the request may have taken effect."""

    reason = JobReason.SERVER_ERROR
    passing = True


class RedirectError(AnswerError):
    """A redirect that is not followed: too many, to plain http, or an answer to a POST."""

    reason = JobReason.REDIRECTED


class MalformedAnswerError(AnswerError):
    """2xx, but HTML, broken JSON, too large, or without the id that it must have."""

    reason = JobReason.BAD_ANSWER
    passing = True


class WrongAnswerError(MalformedAnswerError):
    reason = JobReason.WRONG_JOB


class DownloadError(GaleError):
    download_reason = DownloadReason.REFUSED
    exit_code = 3


class LinkNotReadyError(DownloadError):
    """The file is not there yet: tried again shortly, or when the link becomes valid."""

    passing = True
    download_reason = DownloadReason.NOT_READY


class LinkExpiredError(DownloadError):
    download_reason = DownloadReason.LINK_EXPIRED


class LinkRejectedError(LinkExpiredError):
    """The store refuses the link for good, a wrong signature for example; a fresh link may work."""

    download_reason = DownloadReason.LINK_REJECTED


class LinkRefusedError(DownloadError):
    reason = JobReason.LINK_REFUSED
    download_reason = DownloadReason.LINK_REFUSED


class InterruptedDownloadError(DownloadError):
    """The connection was cut or stalled, or the server is in trouble. What was received is kept."""

    passing = True
    download_reason = DownloadReason.INTERRUPTED


class StoppedDownloadError(InterruptedDownloadError):
    download_reason = DownloadReason.STOPPED

    def __init__(self) -> None:
        super().__init__("The download was stopped")


class NotAZipError(DownloadError):
    download_reason = DownloadReason.NOT_A_ZIP
    exit_code = 6


class CorruptFileError(DownloadError):
    download_reason = DownloadReason.CORRUPT
    exit_code = 6


class FileSystemError(DownloadError):
    download_reason = DownloadReason.DISK
    exit_code = 6


class SourceError(GaleError):
    """A tool as source cannot be unpacked or packed.

    Args:
        file: The file in the tree or the zip; stands before the sentence.
        line: Its line, from 1; 0 for none.
    """

    def __init__(self, what: str, advice: str = "", *, file: str = "", line: int = 0) -> None:
        place = f"{file}:{line}: " if line else f"{file}: "
        super().__init__(place + what if file else what, advice)
        self.file = file
        self.line = line


class StoreError(GaleError):
    download_reason = DownloadReason.HISTORY


class SendingError(StoreError):
    """A job whose POST is under way is not removed: GALE's answer would have no place."""


class NewerStoreError(StoreError):
    """The history was written by a newer gale-tui and is left alone."""


class LineStartedError(StoreError):
    """A line of a batch is started already, by another process, or its batch is gone: nothing is sent."""

    def __init__(self) -> None:
        super().__init__("Another gale-tui has continued this batch, or discarded it", "Look at its jobs")
