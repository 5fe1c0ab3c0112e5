"""The engine's data, as frozen values that are replaced whole. Times are seconds since the epoch (UTC)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from gale_tui.core.kinds import TOOL, Kind
from gale_tui.core.secret import SignedUrl


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what a key belongs to."""

    scheme: Literal["https", "http"]
    host: str
    """Lower case, without trailing dot; IPv6 without brackets; internationalised names as ASCII."""
    port: int

    @property
    def loopback(self) -> bool:
        """True for this machine's own addresses (127.0.0.0/8, ::1, localhost)."""
        return self.host in ("localhost", "::1") or (
            self.host.startswith("127.") and self.host.replace(".", "").isdigit()
        )

    @property
    def display(self) -> str:
        """Host as a person writes it: no https, no default port."""
        return str(self).removeprefix("https://")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return f"{self.scheme}://{host}" if self.port == default else f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Environment:
    """One GALE: where it is and how it is reached. The key is not in it."""

    id: str
    """Stable across renames; jobs and keys refer to it."""
    name: str
    origin: Origin
    production: bool = False
    """Exports there are confirmed, and the badge says PROD."""
    ca_file: Path | None = None
    """PEM file with further certificate authorities."""
    proxy: str | None = None
    """URL of a proxy, never with a password."""
    key_command: tuple[str, ...] | None = None
    """Argument list of a program that prints the key; run without a shell."""
    source: Literal["config", "variables", "demo"] = "config"
    """Where it is defined; only those of `config` can be edited."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    environment_id: str
    tool_id: str
    """Id of the tool, the workflow or the model."""
    flow_id: str
    """Empty where the kind has none."""
    label: str = ""
    folder: Path | None = None
    """Where the file goes; None for the download folder of the settings."""
    save_when_ready: bool = True
    batch: str | None = None
    """The batch or set it belongs to."""
    line: tuple[str, int] | None = None
    """The recorded batch and the place in it (from 0) that this starts, once and for all."""
    kind: Kind = TOOL


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """A tool that the export form offers."""

    tool_id: str
    flow_id: str
    title: str
    note: str = ""
    kind: Kind = TOOL


class JobState(StrEnum):
    """The state of a job, in the order of a sorted table.

    The word on screen is `Job.status`, the server's own where it said one.
    """

    REQUESTING = "requesting"
    """Recorded; the POST is on its way."""
    RUNNING = "running"
    """The server has it and the status is not final."""
    WAITING = "waiting"
    """429 on the POST: it will be sent again at `Job.resume_at`."""
    UNCONFIRMED = "unconfirmed"
    """The POST may or may not have arrived."""
    LOST = "lost"
    """The server no longer knows the dock status; polled slowly."""
    FAILED = "failed"
    """The server said FAILED."""
    REJECTED = "rejected"
    """The server refused the export; nothing was started."""
    SUCCEEDED = "succeeded"

    @property
    def final(self) -> bool:
        """True if the server's work is over, so that it never changes back."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.REJECTED)

    @property
    def polled(self) -> bool:
        """True if the dock status is polled."""
        return self in (JobState.RUNNING, JobState.LOST)


class JobReason(StrEnum):
    """Why a job is where it is, or is not polled: what scripts and this program compare."""

    CLOSED = "closed"
    """gale-tui ended before its turn, or before the answer came."""
    CONFIGURATION = "configuration"
    """A CA file or proxy cannot be used, for example."""
    ENVIRONMENT_GONE = "environment_gone"
    ENVIRONMENT_MOVED = "environment_moved"
    """Its environment has another host now."""
    KEY_MISSING = "key_missing"
    FAILED = "failed"
    """GALE reported FAILED; `Job.reason` has its words."""
    INTERNAL = "internal"
    """A fault of gale-tui."""

    # GALE was not reached
    NAME_NOT_FOUND = "name_not_found"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    PROXY = "proxy"
    NOT_SENT = "not_sent"

    # It was sent
    NO_ANSWER = "no_answer"
    BAD_ANSWER = "bad_answer"
    WRONG_JOB = "wrong_job"
    """The answer is about another job."""
    SERVER_ERROR = "server_error"
    REDIRECTED = "redirected"
    KEY_REFUSED = "key_refused"
    NOT_ALLOWED = "not_allowed"
    NOT_FOUND = "not_found"
    """GALE knows no such tool, flow or dock status."""
    NOT_GALE = "not_gale"
    """404, and not of GALE."""
    CONFLICT = "conflict"
    BAD_REQUEST = "bad_request"
    RATE_LIMITED = "rate_limited"
    LINK_REFUSED = "link_refused"
    """The answer has a download link that is not followed."""
    PARTIAL = "partial_success"
    """GALE reported a partial success: final, with a file, and to be checked."""

    @property
    def unreached(self) -> bool:
        """True if nothing reached GALE."""
        return self in (
            JobReason.NAME_NOT_FOUND,
            JobReason.UNREACHABLE,
            JobReason.TLS,
            JobReason.PROXY,
            JobReason.NOT_SENT,
        )


class DownloadReason(StrEnum):
    """Why a file is not saved (yet)."""

    NOT_READY = "not_ready"
    INTERRUPTED = "interrupted"
    """The connection was cut or stalled, the server in trouble, or nothing reached."""
    STOPPED = "stopped"
    """By the user."""
    CLOSED = "closed"
    """gale-tui ended."""
    LINK_EXPIRED = "link_expired"
    LINK_REFUSED = "link_refused"
    LINK_REJECTED = "link_rejected"
    """The store refuses the link."""
    LINK_NOT_YET_VALID = "link_not_yet_valid"
    FILE_MISSING = "file_missing"
    """The file is not at the link, long after it should be."""
    NO_LINK = "no_link"
    """GALE gives none."""
    NO_FRESH_LINK = "no_fresh_link"
    """The dock status could not be had."""
    KEY_MISSING = "key_missing"
    REFUSED = "refused"
    """The server refused the download."""
    NOT_A_ZIP = "not_a_zip"
    CORRUPT = "corrupt"
    DISK = "disk"
    """Disk full, no permission, folder gone: something has to be done first."""
    HISTORY = "history"
    """The history could not be written."""
    ENVIRONMENT_GONE = "environment_gone"
    """Or it has another host now."""
    INTERNAL = "internal"


class DownloadState(StrEnum):
    """In the order of a sorted table."""

    RUNNING = "running"
    RESUMABLE = "resumable"
    """Cut off; the part is kept and resumed by the user (or at `Download.next_try_at`)."""
    NOT_READY = "not ready"
    """The link does not work yet; tried again at `Download.next_try_at`."""
    WANTED = "wanted"
    """To be fetched as soon as it can be."""
    FAILED = "failed"
    """Will not work by trying again as it is."""
    EXPIRED = "expired"
    """The link works no longer and no fresh one was given."""
    SAVED = "saved"
    """Verified, on disk, under its name."""
    NONE = "none"
    """Not wanted by the user."""


@dataclass(frozen=True, slots=True)
class Download:
    state: DownloadState = DownloadState.NONE
    path: Path | None = None
    """The finished file."""
    part: Path | None = None
    """The unfinished file beside it, `….part`."""
    received: int = 0
    """Bytes on disk."""
    size: int | None = None
    """Bytes in all, where the server says."""
    validator: str | None = None
    """Strong ETag or Last-Modified of the part, for `If-Range`."""
    sha256: str | None = None
    """Hexadecimal, of the finished file."""
    reason_code: DownloadReason | None = None
    error: str = ""
    """Words of the error behind `reason_code`; without a code, the sentence that an older gale-tui kept."""
    next_try_at: float | None = None
    saved_at: float | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One export, from the press of a key to the file on disk."""

    id: str
    """Our own; an unconfirmed job has no dock status id."""
    environment_id: str
    environment_name: str
    """As it was called then, for jobs whose environment is gone."""
    origin: str
    """`str(Origin)` at the time: a job is never polled at another host."""
    tool_id: str
    """Id of the tool, the workflow or the model; empty while a tracked job's is not known."""
    flow_id: str
    """Empty where the kind has none, and for tracked jobs."""
    created_at: float
    production: bool = False
    label: str = ""
    folder: Path | None = None
    save_when_ready: bool = True
    batch: str | None = None
    tracked: bool = False
    """True for a job that somebody else started and that is only followed here."""
    state: JobState = JobState.REQUESTING
    status: str = "REQUESTING"
    """The word to show: the server's own, verbatim, or ours."""
    name: str | None = None
    """The tool's name as the server gives it; undocumented, often absent."""
    percentage: float | None = None
    """0 to 100; often absent."""
    reason: str | None = None
    """Why it failed or was rejected, in the server's words; often absent."""
    reason_code: JobReason | None = None
    http_status: int | None = None
    """Of the answer behind `reason_code`."""
    note: str = ""
    """Words of the error behind `reason_code`; without a code, the sentence that an older gale-tui kept."""
    dock_status_id: str | None = None
    export_job_id: str | None = None
    download_url: SignedUrl | None = None
    """Absolute; kept until the file is saved, the link expired or the job forgotten."""
    posts: int = 0
    """How often the POST was sent (more than once only after a 429)."""
    resume_at: float | None = None
    """When a WAITING job's POST is sent again, or the time until which GALE wants no poll of a running one."""
    started_at: float | None = None
    """When the server accepted it."""
    ended_at: float | None = None
    """When its final status was first seen."""
    last_asked_at: float | None = None
    """When the poll behind the last answer was sent, or the first of those in a row that have brought none since."""
    last_answer_at: float | None = None
    """When a dock status answer last came."""
    last_response: str = ""
    """The last answer as text, bounded and redacted."""
    kind: Kind = TOOL
    """For a tracked job a guess until GALE's answer has the kind."""
    download: Download = field(default_factory=Download)
    revision: int = 0
    """Set by the store; grows with every change of any job."""
    unwritten: str = ""
    """Why the history could not write the last change; in memory only."""

    @property
    def title(self) -> str:
        """The label, else the tool's name, else its id; of a tracked job whose tool is unknown the dock status id."""
        return self.label or self.name or self.tool_id or self.dock_status_id or ""

    @property
    def unsent(self) -> bool:
        """True if the export ended before GALE had answered it, and nothing was started."""
        return self.state is JobState.REJECTED and self.reason_code is not None and self.http_status is None

    @property
    def exportable(self) -> bool:
        """True if its ids are all that an export needs."""
        return bool(self.tool_id and (self.flow_id or not self.kind.needs_flow))

    def with_download(self, **changes: object) -> Job:
        """A copy with some fields of its download replaced."""
        return dataclasses.replace(self, download=dataclasses.replace(self.download, **changes))  # type: ignore[arg-type]  # names are checked by replace


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A line of a job's timeline."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class JobChange:
    """A change that is already written."""

    job: Job
    """As it is now; as it last was if removed."""
    previous: Job | None = None
    """None if it is new, or was not known."""
    removed: bool = False
    elsewhere: bool = False
    """True if another process wrote it."""


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """A reading of a running download, taken about ten times a second; never stored."""

    received: int
    """Bytes on disk."""
    size: int | None
    """Bytes in all, where known."""
    speed: float
    """Bytes per second, over the last few seconds."""

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end at the present speed, where both are known."""
        if self.size is None or self.speed <= 0:
            return None
        return max(0.0, (self.size - self.received) / self.speed)


@dataclass(frozen=True, slots=True)
class EnvironmentCondition:
    """How polling of one environment stands."""

    environment_id: str
    state: Literal["fine", "offline", "slowed", "needs key"] = "fine"
    """`needs key`: a 401 or no key; `slowed`: after a 429; `offline`: nothing is reached."""
    text: str = ""
    """A sentence for a person."""
