"""One download: requested, received, resumed, verified, and given its name."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gale_tui.core.archive.verify_zip import TOTAL_LIMIT
from gale_tui.core.downloads.byte_stream import Body, Checksum, receive
from gale_tui.core.downloads.direct_io import Flusher
from gale_tui.core.downloads.file_names import Naming, names_after, suffix_of
from gale_tui.core.downloads.part_file import PartFile, Step, file_system_error, make_folder, require_room
from gale_tui.core.downloads.range_response import (
    content_error,
    find_placement,
    refusal_error,
    server_file_name,
    validator_of,
)
from gale_tui.core.downloads.saved_file import SavedFile, check_file
from gale_tui.core.errors import (
    CorruptFileError,
    DownloadError,
    FileSystemError,
    InterruptedDownloadError,
    LinkExpiredError,
    LinkNotReadyError,
    NoKeyError,
    NotAZipError,
    RequestError,
    StoppedDownloadError,
)
from gale_tui.core.http.request_context import Cancellation
from gale_tui.core.http.responses import OpenResponse
from gale_tui.core.http.transport import Transport
from gale_tui.core.models import Download
from gale_tui.core.secret import SignedUrl
from gale_tui.core.untrusted_text import safe_file_stem

_RESUMABLE = (InterruptedDownloadError, LinkNotReadyError, LinkExpiredError, NotAZipError, FileSystemError)
"""After these a part is kept."""
_OVERHEAD = 64 << 20
"""Bytes that a zip may be larger than its unpacked contents."""


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """One file: its link, where it goes, and the part that exists already."""

    url: SignedUrl
    """Absolute."""
    folder: Path
    fallback_stem: str
    """Its name where the server gives none."""
    naming: Naming
    before: Download = field(default_factory=Download)
    """The earlier download; its part is resumed if there is one, from the bytes that are on disk."""
    any_file: bool = False
    """The file is no tool's zip: its length is checked, its contents and size are not."""
    make_parents: bool = False
    """Makes the folder's parents as well: for the default folder, not for one that somebody typed."""


class DownloadTask:
    """One download. :meth:`run` blocks; the rest may be used from any other thread.

    Args:
        transport: Of the job's environment.
        on_part: Called with the part's path (before it is made), its validator and the whole size, each time one of
            them changes, on the thread of :meth:`run`.
        stall_seconds: Seconds without a byte after which the connection counts as cut.
        step: See :data:`Step`; for tests.

    Attributes:
        received: Bytes so far.
        size: Bytes of the whole file, where known.
        part: The part, while there is one; None after :meth:`run` has raised and nothing is kept.
        validator: Its validator, where it can be resumed.
    """

    def __init__(
        self,
        transport: Transport,
        plan: DownloadPlan,
        *,
        on_part: Callable[[Path, str | None, int | None], None] | None = None,
        stall_seconds: float = 30.0,
        step: Step | None = None,
    ) -> None:
        self.received = plan.before.received
        # Without a part it is the size of the file that was saved before.
        self.size = plan.before.size if plan.before.part is not None else None
        self.part = plan.before.part
        self.validator = plan.before.validator
        self._transport = transport
        self._plan = plan
        self._on_part = on_part or (lambda part, validator, size: None)
        self._stall = stall_seconds
        self._step: Step = step or (lambda name: None)
        self._cancel = Cancellation()
        self._flusher: Flusher | None = None
        self._open: PartFile | None = None
        self._checksums = contextlib.ExitStack()
        self._name = ""
        self._suffix = ".bin" if plan.any_file else ".zip"
        self._largest = sys.maxsize if plan.any_file else TOTAL_LIMIT + _OVERHEAD

    def cancel(self) -> None:
        """Ends :meth:`run` at once, from any thread; the part is kept."""
        self._cancel.cancel()
        if (flusher := self._flusher) is not None:
            flusher.abandon()

    def run(self) -> SavedFile:
        """Fetches, verifies and saves the file.

        Raises:
            LinkNotReadyError: 403, 404 or 409: too early, or too late.
            LinkExpiredError: The link has expired.
            LinkRefusedError: The link is not followed.
            InterruptedDownloadError: Cut, stalled, server in trouble.
            StoppedDownloadError: After :meth:`cancel`.
            NotAZipError: Something else came; it is not kept.
            CorruptFileError: The file is damaged; it is not kept.
            FileSystemError: The disk is full, the folder gone, and the like; a part is kept.
            DownloadError: The server will not give it.
            NoKeyError: The link needs a key and there is none.
            StoreError: `on_part` could not record the part.
        """
        failure: BaseException
        try:
            with self._checksums:
                saved = self._run()
            self.received = self.size = saved.size
            return saved
        except BaseException as error:
            failure = self._translate(error)
        if isinstance(failure, DownloadError) and not isinstance(failure, _RESUMABLE):
            self._discard()
        self._close_part()
        raise failure

    def _translate(self, error: BaseException) -> BaseException:
        """Translates errors of network and disk into those that :meth:`run` names."""
        if isinstance(error, RequestError | InterruptedDownloadError) and self._cancel.cancelled:
            return StoppedDownloadError()
        if isinstance(error, RequestError):
            return (InterruptedDownloadError if error.passing else DownloadError)(error.what, error.advice)
        if isinstance(error, OSError):
            return file_system_error(error, self._open.path.parent if self._open else self._plan.folder)
        return error

    def _close_part(self) -> None:
        """Closes the part and records how much of it is left."""
        part, self._open = self._open, None
        if part is not None:
            part.close()
        try:
            self.received = os.lstat(self.part).st_size if self.part is not None else 0
        except OSError:
            self.part = None
        if self.part is None:
            self.received = 0
            self.validator = self.size = None

    def _run(self) -> SavedFile:
        self._check()
        self._open = part = PartFile.reopen(self.part, self._step) if self.part is not None else None
        if part is None:
            self.part, self.received = None, 0
        else:
            self.received = part.size
            if (published := part.published) is not None:
                return self._finish_published(part, published)
            if part.shared or part.path.parent != self._plan.folder:
                # The part has another name too, or is not in the file's folder.
                self._discard()
            elif part.size and part.size == self.size:
                with contextlib.suppress(CorruptFileError, NotAZipError):
                    return self._finish(part, self._hash_part(part))
                self._discard()
        return self._download()

    def _check(self) -> None:
        if self._cancel.cancelled:
            raise StoppedDownloadError

    def _download(self) -> SavedFile:
        """Receives and finishes; once more without a range if the part turns out to be useless."""
        again = True
        while True:
            self._check()
            part = self._open
            offset = part.size if part is not None and self.validator else 0
            with self._request(offset) as response:
                answer = find_placement(response, offset, self.validator, self.size)
                if answer is None:
                    if not again:
                        raise InterruptedDownloadError("The server sent another part of the file than requested")
                    again = False
                    self.validator = None
                    continue
                # A part that is not resumed is overwritten, once the new bytes look right.
                start_at, size = answer
                checksum = self._receive(response, start_at, size)
            try:
                assert self._open is not None  # noqa: S101  # narrows: _receive has made it
                return self._finish(self._open, checksum)
            except (CorruptFileError, NotAZipError):
                # If it was pieced together, fetching it whole may help.
                self._discard()
                if not (start_at and again):
                    raise
                again = False

    def _request(self, offset: int) -> OpenResponse:
        """Requests the file; with the key if the link needs it. Returns the answer.

        Raises:
            DownloadError: Every answer was a refusal.
        """
        url = self._plan.url
        headers = {"Range": f"bytes={offset}-", "If-Range": self.validator} if offset and self.validator else {}
        refused: DownloadError | None = None
        owned, signed = self._transport.owns(url), bool(urlsplit(url.reveal()).query)
        for with_key in (False, True) if owned and signed else (owned,):
            try:
                response = self._transport.open(
                    url.reveal(), headers=headers, with_key=with_key, cancel=self._cancel, stall=self._stall
                )
            except NoKeyError as error:
                raise refused or error from None
            if response.status in (200, 206, 416):
                return response
            with response:
                own = self._transport.owns(response.url)
                now = refusal_error(response, own=own)
            if not isinstance(refused, LinkExpiredError):
                refused = now
            if response.status not in (401, 403) or not own:
                break
        raise refused or DownloadError("The link was not requested")

    def _receive(self, response: OpenResponse, start_at: int, size: int | None) -> Checksum:
        """Brings the part to its full length, which is `size`; returns the checksum of all of it.

        Args:
            kept: Bytes of it that stay.
        """
        part = self._open
        if part is not None and start_at and start_at == size:
            self.size = size
            return self._hash_part(part)
        if size is not None and size > self._largest:
            raise DownloadError(f"The file has {size:,} bytes, more than a tool's can have")
        body = Body(response, None if size is None else size - start_at, self._stall)
        if part is not None and start_at:
            require_room(self._plan.folder, size, there=start_at)
            if size != self.size:
                self.size = size
                self._report_part(part.path)
            body.start(1)
            checksum = self._hash_part(part)
        else:
            start = body.start(4)
            if (other := content_error(start, response, any_file=self._plan.any_file)) is not None:
                raise other
            require_room(self._plan.folder, size, freed=part.size if part is not None else 0)
            name = server_file_name(response, response.url) or server_file_name(response, self._plan.url)
            if name and self._plan.any_file:
                self._suffix = suffix_of(name)
                name = name.removesuffix(self._suffix)
            self._name = safe_file_stem(name, self._plan.fallback_stem) if name else ""
            part = self._empty_part(validator_of(response.headers), size)
            checksum = self._new_checksum()
        receive(body, part, checksum, self._count_bytes)
        return checksum

    def _count_bytes(self, count: int) -> None:
        self.received += count
        if self.received > self._largest:
            raise DownloadError(f"The file has more than {self._largest:,} bytes, more than a tool's can have")

    def _empty_part(self, validator: str | None, size: int | None) -> PartFile:
        """A part without bytes: the present one, emptied, or a new one."""
        part = self._open
        if part is not None:
            # Emptied first, recorded then: bytes of the old file never go with the new one's validator.
            part.truncate()
            self.validator, self.size, self.received = validator, size, 0
            self._report_part(part.path)
            return part
        folder = self._plan.folder
        make_folder(folder, parents=self._plan.make_parents)
        self.validator, self.size, self.received = validator, size, 0
        try:
            part = PartFile.create(folder, self._names(), self._report_part, self._step)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            # Some file systems allow 143 bytes.
            part = PartFile.create(folder, self._names(short=True), self._report_part, self._step)
        self._open, self.part = part, part.path
        return part

    def _names(self, *, short: bool = False) -> Iterator[str]:
        return self._plan.naming.names(self._name or self._plan.fallback_stem, self._suffix, short=short)

    def _report_part(self, part: Path) -> None:
        self._on_part(part, self.validator, self.size)

    def _hash_part(self, part: PartFile) -> Checksum:
        """The checksum of the part as it is on the disk."""
        checksum = self._new_checksum()
        offset = 0
        while offset < part.size:
            self._check()
            buffer = checksum.take()
            count = part.read_into(buffer[: part.size - offset], offset)
            if not count:
                raise FileSystemError("The unfinished file was changed by another program", "Start over")
            checksum.put(buffer, count)
            offset += count
        return checksum

    def _new_checksum(self) -> Checksum:
        return self._checksums.enter_context(contextlib.closing(Checksum()))

    def _finish(self, part: PartFile, checksum: Checksum) -> SavedFile:
        """Verifies the part while it is forced to the disk, then gives it its name."""
        digest = checksum.hexdigest()
        self._flusher = flusher = part.force()
        self._check()
        try:
            name = check_file(part.path, self._plan.any_file, self._check, checksum.stored)
        except FileSystemError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                # The folder went while the file came: that has its own error.
                raise error.__cause__ from None
            raise
        flusher.wait()
        self._check()
        path = part.publish(names_after(part.path, self._names(), self._plan.naming.pattern))
        self._open = self.part = None
        return SavedFile(path, part.size, digest, name or self._name)

    def _finish_published(self, part: PartFile, published: Path) -> SavedFile:
        """Finishes the remaining steps for a file that already has its name."""
        digest = self._hash_part(part).hexdigest()
        name = check_file(published, self._plan.any_file, self._check)
        part.remove()
        self._open = self.part = None
        return SavedFile(published, part.size, digest, name)

    def _discard(self) -> None:
        part, self._open, self.part = self._open, None, None
        self.received, self.validator, self.size = 0, None, None
        if part is not None:
            part.remove()
