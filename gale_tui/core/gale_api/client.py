"""The calls of GALE's public API: they take ids, return models, and raise an error that says what to do."""

from __future__ import annotations

import contextlib
import dataclasses
import email.utils
import re
import shlex
import time
import uuid
from collections.abc import Mapping
from datetime import UTC
from typing import Literal, TypeVar
from urllib.parse import quote, urljoin

from gale_tui.core.errors import (
    AnswerError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    LinkRefusedError,
    MalformedAnswerError,
    NotFoundError,
    RateLimitedError,
    RedirectError,
    RequestError,
    ServerError,
    WrongAnswerError,
)
from gale_tui.core.gale_api.answers import DockStatus, ExportStarted, KeyTest, ResponseNote
from gale_tui.core.gale_api.parsing import ExpectedIds, answer_text, parse_dock_status, parse_export, read_json
from gale_tui.core.http.responses import Answer
from gale_tui.core.http.transport import Transport, check_link
from gale_tui.core.kinds import TOOL, Kind
from gale_tui.core.models import Environment
from gale_tui.core.secret import SignedUrl
from gale_tui.core.untrusted_text import first_useful_line, inert

Call = Literal["export", "dock status"]
S = TypeVar("S", bound=DockStatus)

EXPORT_SECONDS = 60.0
STATUS_SECONDS = 30.0
TEST_SECONDS = 20.0
LONGEST_WAIT = 24 * 3600.0
"""Seconds; a longer `Retry-After` is cut to it."""
_SCOPE = "Settings → Security & Control → API Scopes (or Management API keys), scope"
_KEY_TRAP = "The key that only runs one tool looks the same and does not work here"
_RATE_LIMIT = "rate limit for this api has been reached"
"""How the vendor's message begins; it has two endings."""


def export_path(tool_id: str, kind: Kind = TOOL, spelling: str = "") -> str:
    """Path of the export call. See "Export a Tool API": the colon before ``{toolId}`` there is notation only.

    Args:
        spelling: One of the kind's; else the first.
    """
    return f"/api/public/{spelling or kind.paths[0]}/{quote(tool_id, safe='')}/export"


def dock_status_path(dock_status_id: str) -> str:
    return f"/api/public/dock-status/{quote(dock_status_id, safe='')}"


def _query(flow_id: str, kind: Kind) -> str:
    return f"?flowId={quote(flow_id, safe='')}" if kind.needs_flow else ""


def curl_line(environment: Environment, tool_id: str, flow_id: str, kind: Kind = TOOL) -> str:
    """The export request as a line for a POSIX shell, with ``$GALE_API_KEY`` in place of the key."""
    url = f"{environment.origin}{export_path(tool_id, kind)}{_query(flow_id, kind)}"
    return (
        f"curl --request POST {shlex.quote(url)} "
        "--header \"x-api-key: $GALE_API_KEY\" --header 'Content-Type: application/json'"
    )


class GaleClient:
    """The public API of one environment. Every call blocks; none is repeated on its own."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._spellings: dict[Kind, str] = {}
        """Those of a kind's path that GALE has answered to."""

    def export(self, tool_id: str, flow_id: str, kind: Kind = TOOL) -> ExportStarted:
        """Starts an export. Sent once, whatever comes of it.

        Where the vendor spells a kind's path in two ways, GALE's own 404 (so nothing was started) is followed by the
        other, until one of them has worked.

        Args:
            tool_id: Of the tool, the workflow or the model.
            flow_id: Its deployed call flow; not sent where the kind has none.

        Raises:
            NotSentError: Nothing was started: it certainly did not reach GALE.
            UnansweredError: It may have started; so it may after ServerError and MalformedAnswerError.
            AnswerError: GALE refused it; RateLimitedError says when it may be sent again.
            CredentialError: There is no key.
        """
        known = self._spellings.get(kind)
        unknown: NotFoundError | None = None
        for spelling in (known,) if known else kind.paths:
            try:
                started = self._export(export_path(tool_id, kind, spelling), tool_id, flow_id, kind)
            except NotFoundError as error:
                if not error.from_gale:
                    raise
                unknown = unknown or error
            else:
                self._spellings[kind] = spelling
                return started
        assert unknown is not None  # noqa: S101  # narrows: there is at least one spelling
        raise unknown

    def _export(self, path: str, tool_id: str, flow_id: str, kind: Kind) -> ExportStarted:
        query = {"flowId": flow_id} if kind.needs_flow else None
        answer = self.transport.request("POST", path, query=query, deadline=EXPORT_SECONDS)
        note = _note(f"POST {path}{_query(flow_id, kind)}", answer)
        try:
            started = parse_export(self._value(answer, note, "export", kind), note, ExpectedIds(tool_id, kind=kind))
            return self._with_resolved_link(started)
        except WrongAnswerError:
            answer.abandon()
            raise

    def dock_status(
        self, dock_status_id: str, tool_id: str = "", export_job_id: str = "", kind: Kind | None = None
    ) -> DockStatus:
        """The status of a job, whoever started it.

        Args:
            dock_status_id: Of the job.
            tool_id: Its tool, if known: an answer with another one is not believed.
            export_job_id: The same.
            kind: Of `tool_id`.

        Raises:
            WrongAnswerError: The answer is about another job; the next call uses a fresh connection.
            RequestError: No usable answer; the job itself is not affected.
            CredentialError: There is no key.
        """
        path = dock_status_path(dock_status_id)
        answer = self.transport.request("GET", path, deadline=STATUS_SECONDS)
        note = _note(f"GET {path}", answer)
        expected = ExpectedIds(tool_id, dock_status_id, export_job_id, kind)
        try:
            status = parse_dock_status(self._value(answer, note, "dock status", kind or TOOL), note, expected)
            return self._with_resolved_link(status)
        except WrongAnswerError:
            answer.abandon()
            raise

    def test_key(self) -> KeyTest:
        """Tests the key with a dock status that cannot exist; nothing is created.

        Raises:
            CredentialError: There is no key.
        """
        path = dock_status_path(f"ds-{uuid.uuid4()}")
        try:
            found = self._try_key(path, with_key=True)
        except RequestError as error:
            return KeyTest("inconclusive", str(error))
        host = self.transport.origin.display
        if isinstance(found, AuthenticationError) or (isinstance(found, ForbiddenError) and not found.page):
            return KeyTest("refused", str(found))
        if not isinstance(found, NotFoundError) or not found.from_gale:
            said = found or f"{host} answered a dock status that does not exist with success."
            return KeyTest("inconclusive", f"{said} So nothing is known about the key.")
        try:
            without = self._try_key(path, with_key=False)
        except RequestError as error:
            return KeyTest("inconclusive", f"The key was not refused, but the check without it failed: {error}")
        if isinstance(without, (AuthenticationError, ForbiddenError)):
            return KeyTest("accepted", "Key accepted. Whether it may export shows with the first export.")
        return KeyTest(
            "inconclusive", f"{host} answers the same without a key, so nothing is known about this one. Is it a GALE?"
        )

    def _try_key(self, path: str, *, with_key: bool) -> AnswerError | None:
        answer = self.transport.request("GET", path, deadline=TEST_SECONDS, with_key=with_key)
        try:
            self._value(answer, _note(f"GET {path}", answer), "dock status")
        except AnswerError as error:
            return error
        return None

    def _with_resolved_link(self, status: S) -> S:
        """The answer with an absolute link, or with why its link is not followed."""
        if status.download_url is None:
            return status
        try:
            return dataclasses.replace(status, download_url=self.resolve_link(status.download_url))
        except LinkRefusedError as error:
            return dataclasses.replace(status, download_url=None, link_refused=error)

    def resolve_link(self, link: SignedUrl) -> SignedUrl:
        """A download link as an absolute URL that may be followed; a relative one belongs to the own origin.

        Raises:
            LinkRefusedError: Another scheme, plain http to another machine, loopback from elsewhere, a user name.
        """
        absolute = link
        with contextlib.suppress(ValueError):  # an invalid link is refused
            absolute = SignedUrl(urljoin(f"{self.transport.origin}/", link.reveal().strip()))
        check_link(absolute, self.transport.origin)
        return absolute

    def _value(self, answer: Answer, note: ResponseNote, call: Call, kind: Kind = TOOL) -> object:
        """The JSON value of a success.

        Raises:
            AnswerError: It is none, or not JSON.
        """
        host = self.transport.origin.display
        line, is_json = first_useful_line(answer.body, answer.headers.get("content-type"))
        html = "html" in answer.headers.get("content-type", "").lower() or answer.body.lstrip()[:1] == b"<"
        page = html and not is_json
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, note, call, kind, line, is_json, page)
        if answer.unread:
            what = f"The answer of {host} is {answer.unread}"
        elif not answer.body.strip():
            what = f"The answer of {host} is empty"
        elif page:
            what = f"A page answered, not GALE{f': “{line}”' if line else ''}"
        elif not is_json:
            what = f"The answer of {host} is not valid JSON{f': {line}' if line else ''}"
        else:
            return read_json(answer.body)
        advice = _PAGE_ADVICE if page else _MAY_HAVE if call == "export" else _HOST_ADVICE
        raise MalformedAnswerError(what, advice, status=answer.status, detail=line, body=note.text)

    def _refusal(
        self, answer: Answer, note: ResponseNote, call: Call, kind: Kind, line: str, is_json: bool, page: bool
    ) -> AnswerError:
        status = answer.status
        if status == 429 or line.lower().startswith(_RATE_LIMIT):
            cause: type[AnswerError] = RateLimitedError
            what, advice = f"GALE's rate limit is reached ({status})", "The request is repeated after the wait"
        elif status == 404:
            cause = NotFoundError
            what, advice = self._not_found(call, kind, is_json)
        else:
            cause, what, advice = self._cause(status, call, kind)
        if page:
            what = f"{what}; the answer is a page{f' titled “{line}”' if line else ''}, not GALE's own"
            if status != 401 and status < 500:
                advice = _PAGE_ADVICE
        elif line:
            what = f"{what}: {line}"
        wait = retry_after(answer.headers)
        return cause(
            what, advice, status=status, detail=line, from_gale=is_json, body=note.text, page=page, retry_after=wait
        )

    def _not_found(self, call: Call, kind: Kind, is_json: bool) -> tuple[str, str]:
        """The sentence and the advice for a 404."""
        if not is_json:
            advice = "It may not be a GALE: check the host of the environment"
            return f"{self.transport.origin.display} has no such address (404)", advice
        if call == "dock status":
            return "GALE does not know this dock status (404)", "Check the id and the environment"
        if kind.needs_flow:
            advice = "Check both ids and the environment; the flow must be deployed"
            return f"GALE does not know this {kind} or this flow (404)", advice
        return f"GALE does not know this {kind} (404)", "Check the id and the environment"

    def _cause(self, status: int, call: Call, kind: Kind) -> tuple[type[AnswerError], str, str]:
        scope = f"{_SCOPE} {kind.scope}"
        name, host = self.transport.environment.name, self.transport.origin.display
        if status == 401:
            advice = f"Use a management key from GALE ({scope}) under Environments. {_KEY_TRAP}"
            return AuthenticationError, f"GALE refused the API key of {name} (401)", advice
        if status == 403:
            advice = f"Check that the key has the scope (GALE: {scope}) and that the id is of this account. {_KEY_TRAP}"
            return ForbiddenError, f"GALE does not allow this to the API key of {name} (403)", advice
        if status == 409:
            advice = "Another export or import may be under way; try again when it is done"
            return ConflictError, "GALE cannot do this in the present state (409)", advice
        if status >= 500 or status in (408, 425):
            advice = _MAY_HAVE if call == "export" else "Polling continues"
            return ServerError, f"{host} or a gateway in front of it returned {status}", advice
        if 300 <= status < 400:
            return RedirectError, f"{host} answered with a redirect ({status})", _PAGE_ADVICE
        return BadRequestError, f"GALE did not accept the request ({status})", "Check the ids"


_PAGE_ADVICE = "It looks like a proxy or a login page in between: check the host and the proxy of the environment"
_HOST_ADVICE = "Check the host of the environment; a proxy may be in between"
_MAY_HAVE = "GALE may have started the export: check the console before you export again"


def _note(request: str, answer: Answer) -> ResponseNote:
    return ResponseNote(inert(request, 500), answer.status, answer_text(answer.body))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from a ``Retry-After`` header with seconds or a date; None without either.

    A date is counted from the ``Date`` header, whatever this machine's clock says.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
        return min(float(text), LONGEST_WAIT)
    until = parse_http_date(text)
    if until is None:
        return None
    start = parse_http_date(headers.get("date", "")) or time.time()
    return min(max(0.0, until - start), LONGEST_WAIT)


def parse_http_date(text: str) -> float | None:
    """Seconds since the epoch of a date in a header; None if it is none."""
    if not text or len(text) > 100:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
