"""The page that compares two exports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gale_tui.core.archive.comparison import compare
from gale_tui.core.archive.contents import read_archive
from gale_tui.core.models import Download, DownloadState, Job
from gale_tui.tui.formatting.pieces import plain_text
from gale_tui.tui.widgets.pages.compare_lines import comparison_lines
from tests.support.saved_exports import documents, write_zip


def test_exports_of_two_environments_show_what_production_lacks(tmp_path: Path) -> None:
    prod = documents()
    prod["env_variables.json"]["environmentVariables"].pop()
    paths = write_zip(tmp_path / "staging.zip", documents()), write_zip(tmp_path / "prod.zip", prod)
    files = [Download(DownloadState.SAVED, path=path) for path in paths]
    staging = Job("1", "s", "staging", "https://s.example", "a-1", "cf-1", 0.0, download=files[0])
    production = Job("2", "p", "prod", "https://p.example", "a-1", "cf-1", 0.0, production=True, download=files[1])
    there, here = (read_archive(path) for path in paths)

    def lines(before: Job, after: Job) -> list[str]:
        sides = (there, here) if before is staging else (here, there)
        shown = comparison_lines(compare(*sides), before, after, 80, now=0.0, values=False)
        return [plain_text(line).strip() for line in shown]

    for found in (lines(staging, production), lines(production, staging)):
        at = found.index("To import this into prod")
        assert found[at + 1] == "+ variables: SUPPORT_QUEUE"
        assert found[at + 4] == "linked tools: not found in this file"
    assert not [
        line for line in lines(staging, replace(production, environment_id="s")) if line.startswith("To import")
    ]
