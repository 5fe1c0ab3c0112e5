"""A partial success: a warning wherever it is shown, and a file all the same."""

from __future__ import annotations

import io
from pathlib import Path

from gale_tui.cli.exit_codes import exit_code
from gale_tui.cli.narration import Narration
from gale_tui.core.batch.report import BatchEntry, Outcome
from gale_tui.core.batch.tools import BatchTool
from gale_tui.core.jobs.reasons import describe
from gale_tui.core.models import Download, DownloadState, JobReason, JobState
from gale_tui.tui.formatting import glyphs
from gale_tui.tui.formatting.job_text import glyph_text
from gale_tui.tui.formatting.pieces import Piece, Tone
from tests.support.history_samples import sample_job


def test_a_partial_success_looks_like_a_warning_and_is_one_on_standard_error() -> None:
    download = Download(DownloadState.SAVED, path=Path("/d/x.zip"), size=9)
    job = sample_job(
        state=JobState.SUCCEEDED, status="PARTIAL_SUCCESS", reason_code=JobReason.PARTIAL, download=download
    )
    assert glyph_text(job) == Piece(glyphs.WARNING, Tone.WARNING)
    assert glyphs.WARNING not in (glyphs.SUCCESS, glyphs.ERROR)
    err = io.StringIO()
    Narration(err).follow(BatchEntry(BatchTool("a-1", "cf-1"), Outcome.SAVED, job))
    assert "PARTIAL_SUCCESS" in err.getvalue()
    assert describe(job).text in err.getvalue()
    assert exit_code(job) == 0
