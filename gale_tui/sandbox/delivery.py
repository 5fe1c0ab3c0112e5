"""Signed links and the files behind them: readiness, expiry, redirects, ranges."""

from __future__ import annotations

import hashlib
import mmap
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from gale_tui.sandbox.clock import SandboxTime
from gale_tui.sandbox.files import sized_zip, tool_documents
from gale_tui.sandbox.jobs import IssuedLink, Job
from gale_tui.sandbox.script import File
from gale_tui.sandbox.wire import Request, Response, errors_json, http_date

LONGEST: Final = 10 * 365 * 86400
"""Seconds until the expiry that a link without end states."""


@dataclass(frozen=True, slots=True)
class Content:
    data: bytes | mmap.mmap
    tag: str


def _make_content(documents: dict[str, bytes], file: File, seed: str) -> Content:
    """The file in memory, or one of a given size on disk without a name, which differs for each `seed`."""
    data: bytes | mmap.mmap
    if file.size is None:
        data = unique = file.pack(documents)
    else:
        with tempfile.TemporaryFile() as nameless:
            sized_zip(nameless, documents, file.size, seed)
            nameless.flush()
            data = mmap.mmap(nameless.fileno(), 0, access=mmap.ACCESS_READ)
        unique = b"".join((seed.encode(), *documents.values(), b"%d" % file.size))
    return Content(data, hashlib.blake2b(unique, digest_size=12).hexdigest())


def disposition(name: str) -> str:
    """A `Content-Disposition` with the name in both spellings (RFC 6266)."""
    plain = "".join(letter if " " <= letter <= "~" and letter not in '"\\' else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class Delivery:
    """Gives out links and answers on them.

    Args:
        base: Gives the URL of a listener: `own`, `other` or `plain`.
        key_fits: Whether a request carries the right key; None if it carries none.
    """

    def __init__(
        self,
        time: SandboxTime,
        base: Callable[[str], str],
        key_fits: Callable[[Request], bool | None],
    ) -> None:
        self._time = time
        self._base = base
        self._key_fits = key_fits
        self._files: dict[tuple[object, ...], Content] = {}
        """Each is made once."""
        self._lock = threading.Lock()

    @staticmethod
    def path(job: Job) -> str:
        return f"/api/v1/account/{job.account}/exports/{job.export_job_id}"

    def link(self, job: Job) -> str:
        """The link as an answer gives it: the last one made, or a new one where that has expired."""
        link = job.script.link
        now = self._time.now()
        if not job.links or now >= job.links[-1].valid_until:
            expires = int(self._time.wall() + min(link.lifetime / self._time.speed, LONGEST))
            # Seeded by the ids alone: links are looked up, so nobody gains by making one.
            data = f"{self.path(job)} {len(job.links)}".encode()
            job.links.append(IssuedLink(hashlib.sha256(data).hexdigest(), expires, now + link.lifetime))
        issued = job.links[-1]
        query = f"?signature={issued.signature}&expires={issued.expires}" if link.signed else ""
        return link.write(self._base(link.host) + self.path(job) + query)

    def answer(self, request: Request, job: Job) -> tuple[Response, bool]:
        """The answer on a link, and whether it leads to the file (so that the faults of downloads concern it)."""
        script, link, now = job.script, job.script.link, self._time.now()
        if request.method not in ("GET", "HEAD"):
            response = errors_json(405)
            response.set("Allow", "GET, HEAD")
            return response, False
        refusal = self._check_signature(request, job, now)
        if refusal is not None:
            return refusal, False
        if not link.early and not (job.succeeded(now) and job.age(now) >= script.duration + link.ready_after):
            return _error(link.not_ready, link.not_ready_body, "NoSuchKey", "The file is not available yet"), False
        redirect = self._redirect(request, job)
        if redirect is not None:
            return redirect, False
        fits = self._key_fits(request)
        if link.key == "needed" and not fits:
            return errors_json(401, "Invalid API key" if fits is False else "API key is missing"), False
        if link.key == "refused" and fits is not None:
            return _error(400, "xml", "InvalidArgument", "Only one way to authenticate is allowed"), False
        return self._file(request, job), True

    def _check_signature(self, request: Request, job: Job, now: float) -> Response | None:
        link = job.script.link
        if not link.signed:
            return None
        signature = request.query.get("signature", "")
        expires = request.query.get("expires", "")
        issued = next((each for each in job.links if each.signature == signature), None)
        if issued is None or expires != str(issued.expires):
            return _error(403, "xml", "SignatureDoesNotMatch", "The signature does not match")
        if now >= issued.valid_until:
            return _error(link.expired_status, link.expired_body, "AccessDenied", "Request has expired")
        return None

    def _redirect(self, request: Request, job: Job) -> Response | None:
        link = job.script.link
        hop = request.query.get("hop", "0")
        number = int(hop) if hop.isdigit() else 0
        if number >= len(link.redirects):
            return None
        target = link.redirects[number]
        if target in ("own", "other", "plain", "relative"):
            query = "".join(f"{name}={quote(value)}&" for name, value in request.query.items() if name != "hop")
            base = "" if target == "relative" else self._base(target)
            target = f"{base}{request.encoded_path}?{query}hop={number + 1}"
        return Response(302, [("Location", target)])

    def forget_files(self) -> None:
        """Frees them; they are made again when they are asked for."""
        with self._lock:
            self._files.clear()

    def _content(self, job: Job, file: File, version: int) -> Content:
        """The file of a job in a version of its tool."""
        documents = tool_documents(job.flow, job.tool_id, job.flow_id, version, job.tool_name)
        key = (*documents.values(), version, file.pack, file.size)
        with self._lock:
            if key not in self._files:
                self._files[key] = _make_content(documents, file, f"{job.tool_id} {version}")
            return self._files[key]

    def _file(self, request: Request, job: Job) -> Response:
        file = job.script.file
        changed = file.changes_after is not None and job.served >= file.changes_after
        content = self._content(job, file, job.script.version + changed)
        size = len(content.data)
        response = Response(200, [("Content-Type", "application/zip")], framing=file.length, pace=file.pace)
        tag, date = f'"{content.tag}"', http_date(job.started_wall + 60 * changed)
        response.set("ETag", tag)
        response.set("Last-Modified", date)
        response.set("Content-Disposition", disposition(file.name or f"{job.tool_name}.zip"))
        response.set("Accept-Ranges", "bytes" if file.ranges else "none")
        start, end = 0, size
        if file.ranges and _obeys_range(request, tag, date):
            span = _parse_range(request.header("range") or "", size)
            if span == "unsatisfiable":
                refusal = errors_json(416)
                refusal.set("Content-Range", f"bytes */{size}")
                return refusal
            if isinstance(span, tuple):
                start, end = span
                response.status = 206
                response.set("Content-Range", f"bytes {start}-{end - 1}/{size}")
        response.body = memoryview(content.data)[start:end]
        if file.edit is not None:
            file.edit(response)
        return response


def _error(status: int, kind: str, code: str, message: str) -> Response:
    if kind == "json":
        return errors_json(status, message)
    if kind == "html":
        page = f"<!DOCTYPE html><html><head><title>{message}</title></head><body><h1>{message}</h1></body></html>\n"
        return Response(status, [("Content-Type", "text/html; charset=utf-8")], page.encode())
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(status, [("Content-Type", "application/xml")], text.encode())


def _obeys_range(request: Request, tag: str, date: str) -> bool:
    """Whether `Range` is to be obeyed: `If-Range` must name this very file (RFC 9110, 13.1.5)."""
    return request.header("range") is not None and request.header("if-range") in (None, tag, date)


def _parse_range(value: str, size: int) -> tuple[int, int] | str | None:
    """First byte and the byte after the last; `unsatisfiable`; or None for a header to ignore."""
    unit, equals, span = value.partition("=")
    first, dash, last = span.strip().partition("-")
    if unit.strip().lower() != "bytes" or not equals or not dash or "," in span:
        return None
    if not first:
        if not last.isdigit():
            return None
        return (max(0, size - int(last)), size) if int(last) > 0 and size > 0 else "unsatisfiable"
    if not first.isdigit() or (last and not last.isdigit()) or (last and int(last) < int(first)):
        return None
    if int(first) >= size:
        return "unsatisfiable"
    return int(first), min(size, int(last) + 1) if last else size
