"""The answer on a download link: the file, a part of it, not yet, no more, or something else.

Links are signed by whoever stores the files, so the answers are those of the usual stores (S3, Azure, Google) as well
as GALE's own ("Export a Tool API", downloadUrl).
"""

from __future__ import annotations

import re
import time
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from gale_tui.core.archive.verify_zip import ZIP_STARTS
from gale_tui.core.errors import (
    DownloadError,
    InterruptedDownloadError,
    LinkExpiredError,
    LinkNotReadyError,
    LinkRejectedError,
    NotAZipError,
)
from gale_tui.core.gale_api.client import parse_http_date, retry_after
from gale_tui.core.http.responses import OpenResponse
from gale_tui.core.secret import SignedUrl, without_secrets
from gale_tui.core.untrusted_text import content_disposition_name, first_useful_line, inert

_EXPLANATION = 65536
"""Bytes of an error page that are read."""
_EXPORT_AGAIN = "Export again"
_NOT_YET = "Retrying shortly"
_FOR_GOOD = frozenset(
    {"signaturedoesnotmatch", "invalidaccesskeyid", "invalidtoken", "nosuchbucket", "containernotfound"}
    | {"authenticationfailed", "allaccessdisabled", "accountisdisabled", "authorizationqueryparameterserror"}
)
"""Error codes of the stores, in lower case, that do not pass with time."""


_TEXTS = {"text/html": "a web page", "application/json": "a message", "application/xml": "application/xml"}
"""Types that no file of an export has, and what they are called."""


def content_length(headers: dict[str, str]) -> int | None:
    """Bytes of the body, where it is sent as it is and its length is announced."""
    text = headers.get("content-length", "").strip()
    if "transfer-encoding" in headers or not re.fullmatch(r"[0-9]{1,18}", text):
        return None
    return int(text)


def validator_of(headers: dict[str, str]) -> str | None:
    """The validator for ``If-Range``: a strong ETag, else the date of the last change; None if ranges are no use."""
    if headers.get("accept-ranges", "").strip().lower() == "none" or "content-encoding" in headers:
        return None
    tag = headers.get("etag", "").strip()
    if re.fullmatch(r'"[\x21\x23-\x7e]{0,200}"', tag):
        return tag
    date = headers.get("last-modified", "").strip()
    return date if re.fullmatch(r"[A-Za-z0-9 ,:+-]{10,60}", date) else None


def find_placement(
    response: OpenResponse, offset: int, validator: str | None, size: int | None
) -> tuple[int, int | None] | None:
    """Finds where the body of a 200, 206 or 416 belongs in a part of `offset` bytes.

    Args:
        offset: First byte that was requested; 0 for the whole file.
        validator: The value sent in `If-Range`.
        size: Bytes of the whole file, as it was announced before.

    Returns:
        Bytes of the part that the body belongs behind, and of the whole file where the answer says; if both are the
        same, the part is whole. None if a range is no use.
    """
    headers = response.headers
    if response.status == 200:
        return 0, None if response.packed else content_length(headers)
    span = re.fullmatch(r"\s*bytes\s+(?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)\s*", headers.get("content-range", ""))
    total = int(span[3]) if span and span[3] != "*" else None
    if response.status == 416:
        return (offset, total) if offset and total == offset else None
    if span is None or span[1] is None or int(span[1]) != offset:
        return None
    end = int(span[2]) + 1
    now = validator_of(headers)
    changed = now and validator and (now[0] == '"') == (validator[0] == '"') and now != validator
    fits = end > offset and total in (None, end) and content_length(headers) in (None, end - offset)
    if not fits or (offset and (changed or size not in (None, end))):
        return None
    return offset, end


def refusal_error(response: OpenResponse, *, own: bool) -> DownloadError:
    """The error for an answer that brings no file. Reads the start of its body.

    Args:
        response: Neither 200 nor 206 nor 416.
        own: Whether it came from the environment's own origin.
    """
    status = response.status
    body = _read_start(response)
    code, line = _explanation(body, response.headers.get("content-type"))
    said = " ".join(part for part in (str(status), code) if part) + (f": {line}" if line else "")
    wait = retry_after(response.headers)
    refused = status in (400, 401, 403)
    if refused and (begins := _future_start(response)) is not None:
        at = datetime.fromtimestamp(begins).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return LinkNotReadyError(
            f"The link is valid from {at} on ({said})", _NOT_YET, retry_after=_seconds_until(begins, response)
        )
    if status == 410 or (refused and _is_expired(response, body)):
        return LinkExpiredError(f"The link has expired ({said})", _EXPORT_AGAIN)
    if code.lower() in _FOR_GOOD:
        return LinkRejectedError(f"The store refused the link ({said})", _EXPORT_AGAIN)
    if status in (404, 409):
        return LinkNotReadyError(f"The file is not at the link ({said})", _NOT_YET)
    if status == 403:
        return LinkNotReadyError(f"The store refused the link ({said})", _NOT_YET)
    if status in (202, 204):
        return LinkNotReadyError(f"The file is still being made ({said})", _NOT_YET)
    if status in (408, 425, 429) or status >= 500:
        what = "The server limits requests" if status == 429 else "The server has a problem"
        return InterruptedDownloadError(f"{what} ({said})", "It is tried again", retry_after=wait)
    if status == 401:
        what = "The server refused the key for this file" if own else "The file's host wants a login"
        return DownloadError(f"{what} ({said})", "Test the environment's key, then export again")
    return DownloadError(f"The server does not give the file ({said})", _EXPORT_AGAIN)


def content_error(start: bytes, response: OpenResponse, *, any_file: bool = False) -> NotAZipError | None:
    """The error for a body that begins with `start`, unless it begins like a zip. Then more of it is read.

    With `any_file` everything is taken but an empty file, a page, and a message.
    """
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    packed = response.encoding and not response.packed
    page = start[:4].lower() in (b"<!do", b"<htm", b"<?xm") or kind.lower() in _TEXTS
    if start[:4] in ZIP_STARTS or (any_file and start and not page and not packed):
        return None
    start += _read_start(response)
    if not start:
        return NotAZipError("The server sent an empty file", "Try again later, or export again")
    if packed:
        return NotAZipError(
            f"The file came compressed ({inert(response.encoding, 20)})",
            "The store must send it uncompressed or as gzip",
        )
    text = start.lstrip()[:1] in (b"<", b"{", b"[") or kind.startswith("text/") or kind.endswith("json")
    line = _explanation(start, kind)[1] if text else ""
    what = _TEXTS.get(kind.lower()) or inert(kind, 40) or "something"
    advice = "A login page or a proxy may be in between; open the link in a browser to see" if "html" in kind else ""
    return NotAZipError(f"Not a zip: the server sent {what}" + (f": {line}" if line else ""), advice)


def server_file_name(response: OpenResponse, link: SignedUrl) -> str | None:
    """The file's name at the server, not yet safe to use; None if it does not say."""
    name = content_disposition_name(response.headers.get("content-disposition"))
    if name:
        return name
    last = PurePosixPath(without_secrets(unquote(urlsplit(link.reveal()).path))).name
    return last if last.lower().endswith(".zip") and len(last) > len(".zip") else None


def _future_start(response: OpenResponse) -> float | None:
    """When the link becomes valid, if that is in the future."""
    start = response.url.valid_from
    return start if start is not None and _seconds_until(start, response) > 0 else None


def _is_expired(response: OpenResponse, body: bytes) -> bool:
    if re.search(rb"\bexpired\b|expiredtoken|tokenexpired|linkexpired|urlexpired", body[:_EXPLANATION], re.IGNORECASE):
        return True
    until = response.url.expires_at
    return until is not None and _seconds_until(until, response) <= 0


def _seconds_until(moment: float, response: OpenResponse) -> float:
    # By the server's clock if it sends one: this machine's may be wrong.
    now = parse_http_date(response.headers.get("date", ""))
    return moment - (time.time() if now is None else now)


def _read_start(response: OpenResponse) -> bytes:
    try:
        return response.read_capped(_EXPLANATION)
    except InterruptedDownloadError:
        return b""


def _explanation(body: bytes, content_type: str | None) -> tuple[str, str]:
    """A store's error code and its sentence; the useful line of any other answer."""
    code = re.search(rb"<Code>([A-Za-z0-9._-]{1,80})</Code>", body)
    message = re.search(rb"<Message>([^<]{1,500})</Message>", body)
    if code or message:
        said = first_useful_line(message[1], "text/plain")[0] if message else ""
        return without_secrets(code[1].decode()) if code else "", said
    return "", first_useful_line(body, content_type)[0]
