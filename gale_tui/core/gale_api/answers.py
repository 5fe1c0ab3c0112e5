"""GALE's answers, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gale_tui.core.errors import LinkRefusedError
from gale_tui.core.kinds import Kind
from gale_tui.core.secret import SignedUrl


@dataclass(frozen=True, slots=True)
class ResponseNote:
    """The answer to a call, for the details pane: bounded, inert, links redacted."""

    request: str
    """Method and path, for example `GET /api/public/dock-status/ds-…`."""
    status: int
    text: str
    """At most 16 KiB."""


@dataclass(frozen=True, slots=True)
class DockStatus:
    """The answer to a dock status call."""

    status: str
    """Verbatim: IN_PROGRESS, SUCCESS, FAILED or something new."""
    percentage: float | None
    reason: str | None
    download_url: SignedUrl | None
    """Absolute, and one that may be followed."""
    export_job_id: str | None
    tool_id: str | None
    """Of the tool, the workflow or the model."""
    name: str | None
    response: ResponseNote
    kind: Kind | None = None
    """The kind of the export; None if the answer does not say."""
    link_refused: LinkRefusedError | None = None
    """Why the link of the answer is not followed, if it has one that is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStarted(DockStatus):
    """The answer to an export: see "Export a Tool API", Sample Response."""

    dock_status_id: str


@dataclass(frozen=True, slots=True)
class KeyTest:
    """The result of a key test: a request for a dock status that cannot exist, with the key and without."""

    verdict: Literal["accepted", "refused", "inconclusive"]
    explanation: str
    """A sentence for a person."""
