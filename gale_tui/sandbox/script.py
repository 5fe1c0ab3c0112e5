"""The behaviour of a tool of the sandbox, as data: every part optional, all of them combinable.

Seconds are those of the sandbox's own time, which runs `speed` times as fast as the clock that it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gale_tui.sandbox.files import tool_zip

if TYPE_CHECKING:
    from gale_tui.sandbox.wire import Response

Edit = Callable[[dict[str, Any]], object]
"""Changes an answer's fields in place."""


def leave(answer: dict[str, Any]) -> None:
    """Changes nothing."""


Place = Literal["answer", "head"] | int
"""Where an answer breaks off: before its first byte, within its head, or after a number of bytes of its body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of some answers of one call. Fields that are not set change nothing.

    `Fault()` alone is a proper answer, useful to let some pass before the next fault of a sequence.
    """

    times: int | None = 1
    """How many answers it spoils before the next fault of the sequence gets its turn; None: all further ones."""
    status: int | None = None
    """HTTP status; without a `body` comes the JSON that belongs to it."""
    message: str | None = None
    """The text of `errors[].msg` in that JSON."""
    body: bytes | str | None = None
    headers: tuple[tuple[str, str | None], ...] = ()
    """Set, replaced, or left out (None)."""
    edit: Callable[[Response, float], object] | None = None
    """Changes the answer, given the seconds since the epoch."""
    started: bool = False
    """On an export whose `status`, `body`, `cut` or `stall` is set: the job starts although the answer does not say so.
    Without these the answer is the proper one, and the job starts anyway."""
    delay: float = 0.0
    """Seconds before the first byte of the answer."""
    drip: float | None = None
    """Seconds between the single bytes of the answer, its head included."""
    stall: Place | None = None
    """The answer stops here and the connection stays open until the client or the sandbox closes it."""
    cut: Place | None = None
    """The connection is closed here."""
    reset: bool = False
    """The cut is a reset (RST) rather than an orderly close."""

    @property
    def replaces(self) -> bool:
        """True if the proper answer is not sent at all."""
        return self.status is not None or self.body is not None

    @property
    def silent(self) -> bool:
        """True if not even a whole head is sent."""
        return self.cut in ("answer", "head") or self.stall in ("answer", "head")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    write: Callable[[str], str] = str
    """Changes the absolute link in an answer; by default it stays as it is."""
    host: Literal["own", "other"] = "own"
    """`other`: a second port of the sandbox, so another origin."""
    signed: bool = True
    """False: no query at all, so that only its path (and perhaps the key) protects the file."""
    key: Literal["ignored", "needed", "refused"] = "ignored"
    """Requests with and without `x-api-key`: needed gives 401 without, refused gives 400 with it."""
    early: bool = False
    """The link works before the job has ended."""
    ready_after: float = 0.0
    """Seconds after SUCCESS from which on it works."""
    not_ready: int = 404
    """The status until then: 403, 404 or 409."""
    not_ready_body: Literal["json", "xml", "html"] = "json"
    lifetime: float = 3600.0
    """Seconds from its creation; `math.inf`: never expires."""
    expired_status: int = 403
    expired_body: Literal["json", "xml", "html"] = "xml"
    redirects: tuple[str, ...] = ()
    """Where each hop leads: `own`, `relative`, `other`, `plain` (a port without TLS) or a URL verbatim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The file behind the link and how it is served."""

    pack: Callable[[dict[str, bytes]], bytes] = tool_zip
    """Makes it of the tool's documents."""
    size: int | None = None
    """Bytes of the whole zip, filled up with a stored entry; made on disk, never held in memory."""
    name: str | None = None
    """In `Content-Disposition`; None: the tool's name and `.zip`."""
    ranges: bool = True
    length: Literal["given", "absent", "chunked"] = "given"
    """`absent`: the body ends where the connection is closed."""
    pace: float | None = None
    """Bytes per second."""
    changes_after: int | None = None
    """After this many answers with bytes of it the file is another one, with another ETag."""
    edit: Callable[[Response], object] | None = None
    """Changes the answer, last of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One tool's behaviour from the export to the file.

    The defaults are the vendor's own shapes ("Export a Tool API", Sample Response) and a job of four seconds.
    """

    duration: float = 4.0
    """Seconds from the export to the final status; `math.inf` for a job that never ends."""
    percentages: bool = False
    """Whether `percentageComplete` is in the status answers."""
    statuses: tuple[tuple[float, object], ...] = ()
    """Words before the final one and the second from which each counts; `IN_PROGRESS` before and without them."""
    outcome: object = "SUCCESS"
    """The final word; everything but `SUCCESS` leaves the link not ready."""
    reason: object = None
    """Why it failed."""
    export_status: object = "IN_PROGRESS"
    url_in: Literal["export", "status", "both", "neither"] = "export"
    """Which answer has the link; a status answer only once the job has ended well."""
    paths: tuple[str, ...] = ()
    """Spellings of the kind's place in the path that are answered; none: all."""
    edit_export: Edit = leave
    """Changes the fields of the export answer, last of all."""
    edit_status: Edit = leave
    """The same of the status answer."""
    on_export: tuple[Fault, ...] = ()
    """Spoil the answers to the exports of this tool, one after the other."""
    on_status: tuple[Fault, ...] = ()
    """Spoil the status answers of each of its jobs."""
    on_download: tuple[Fault, ...] = ()
    """Spoil the answers on each of its links."""
    link: Link = Link()
    file: File = File()
    version: int = 1
    """Versions of one tool differ in one prompt."""
