"""`gale-tui jobs` and the completion of a real shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.histories import finished_jobs, write_history
from tests.e2e.terminal import GALE_TUI, ROOT, environ_for
from tests.support.forked import run_forked
from tests.support.needs import needs

ORIGIN = "http://127.0.0.1:9"
BIN = Path(sys.executable).parent


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An account with a history of nine jobs and an environment."""
    home = tmp_path / "gale"
    write_history(home / "jobs.sqlite3", finished_jobs(9, ORIGIN))
    (home / "config.toml").write_text('[environments.staging]\nhost = "staging.example"\n', encoding="utf-8")
    (home / "config.toml").chmod(0o600)
    return environ_for(tmp_path / "account", GALE_TUI_HOME=str(home), PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}")


def run(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`gale-tui jobs` with these arguments."""
    command = [*GALE_TUI, "jobs", *arguments]
    return run_forked(command, env=environ)


def test_jobs_lists_the_history_newest_first(environ: dict[str, str]) -> None:
    done = run(environ)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 9
    assert lines == sorted(lines, reverse=True)
    assert "FAILED" in done.stdout


def test_jobs_filters_as_the_app_does_and_knows_json(environ: dict[str, str]) -> None:
    (failed,) = [json.loads(line) for line in run(environ, "--json", "--filter", "status:failed").stdout.splitlines()]
    assert failed["status"] == "FAILED"
    assert failed["path"] is None
    assert failed["label"] is None
    assert failed["created_at"].endswith("Z")


def test_jobs_without_a_history_lists_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    done = run({**environ, "GALE_TUI_HOME": str(tmp_path / "none")})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "none").exists()


COMPLETED = {
    "gale-tui exp": "export",
    "gale-tui export --env st": "staging",
    "gale-tui export --tool-id a-00000000-": "a-00000000-0000-4000-8000-000000000000",
    "gale-tui completion f": "fish",
}
"""Lines, and what is offered for each."""


def test_bash_completes(environ: dict[str, str]) -> None:
    needs("bash")
    if not (BIN / "gale-tui").exists():
        pytest.skip("gale-tui is not installed beside this Python")
    script = """
        eval "$(gale-tui completion bash)"
        COMP_TYPE=9 COMP_WORDBREAKS=$' =:'
        for COMP_LINE; do
            COMP_POINT=${#COMP_LINE} COMPREPLY=()
            _python_argcomplete gale-tui
            echo "${COMPREPLY[@]}"
        done
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", *COMPLETED],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    answers = [line.split() for line in done.stdout.splitlines()]
    assert len(answers) == len(COMPLETED), done.stdout + done.stderr
    for (line, offered), answer in zip(COMPLETED.items(), answers, strict=True):
        assert offered in answer, (line, done.stderr)
