"""What gale-tui may cost: bytes to the terminal and imports at the start, counted in the real program on a real pty.

Nothing here is timed. The program's clock stands still between two commands, so every byte has its cause.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gale_tui.cli.parser import WITHOUT_ARGUMENTS, make_parser
from gale_tui.core.models import Job
from tests.benchmarks.histories import finished_jobs, running_job, write_history
from tests.benchmarks.steered import VARIABLE, mark
from tests.e2e.terminal import LIMIT, PtyProgram, environ_for, wait_until
from tests.support.clocks import START

ORIGIN = "http://127.0.0.1:9"
"""Nobody is there, and nobody is asked: the clock stands still."""

LATE = (
    "httpcore",
    "keyring",
    "secretstorage",
    "tomlkit",
    "tomllib",
    "truststore",
    "textual.widgets._data_table",
    "textual.widgets._markdown",
    "textual.widgets._text_area",
    "gale_tui.cli.export",
    "gale_tui.cli.info",
    "gale_tui.core.archive.verify_zip",
    "gale_tui.core.gale_api.client",
    "gale_tui.core.downloads.download",
    "gale_tui.core.credentials.keyring_backend",
    "gale_tui.core.http.transport",
)
"""Imported when first needed, never before the first frame."""
FIRST_SCREENS = {"base", "job_actions", "jobs", "too_small"}


class Steered:
    """The program, the line to it, and what it wrote between two answers."""

    def __init__(
        self, home: Path, *arguments: str, jobs: tuple[Job, ...] = (), width: int = 80, fresh: bool = False
    ) -> None:
        gale = home / "gale"
        gale.mkdir(mode=0o700, parents=True)
        write_history(gale / "jobs.sqlite3", jobs)
        self._open = ExitStack()
        # Not in the test's own folder: the path of a socket has at most 107 characters.
        folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix="gale-steer-"))
        listener = self._open.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(f"{folder}/line")
        listener.listen()
        listener.settimeout(LIMIT)
        environ = environ_for(
            home,
            GALE_TUI_HOME=str(gale),
            GALE_HOST=ORIGIN,
            GALE_API_KEY="kg-test-key-0000",
            TZ="UTC",
            **{VARIABLE: f"{folder}/line"},
        )
        argv = [sys.executable, "-m", "tests.benchmarks.steered", *arguments]
        self.program = self._open.enter_context(PtyProgram(argv, environ, width=width, height=24, fresh=fresh))
        line, _ = listener.accept()
        line.settimeout(LIMIT)
        self._line = self._open.enter_context(line.makefile("rwb"))
        line.close()
        self._at = 0
        self.ask("settle")

    def close(self) -> None:
        """Ends it."""
        self._open.close()

    def ask(self, command: str, **arguments: object) -> Any:
        """The answer to a command."""
        self._line.write(json.dumps([command, arguments]).encode() + b"\n")
        self._line.flush()
        number, result = json.loads(self._line.readline())
        sign = mark(number)
        wait_until(lambda: sign in self.program.raw, f"the mark of answer {number}")
        raw = self.program.raw
        end = raw.index(sign)
        self.written = raw[self._at : end]
        self._at = end + len(sign)
        return result


Start = Callable[..., Steered]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the program with a history, as often as wanted."""
    with ExitStack() as running:

        def begin(*arguments: str, jobs: tuple[Job, ...] = (), width: int = 80, fresh: bool = False) -> Steered:
            steered = Steered(tmp_path / f"home-{width}", *arguments, jobs=jobs, width=width, fresh=fresh)
            running.callback(steered.close)
            return steered

        yield begin


def running(count: int) -> tuple[Job, ...]:
    """Jobs that the server runs."""
    return tuple(running_job(number, ORIGIN, f"ds-{number:08}", START) for number in range(count))


def test_a_status_costs_one_small_update(start: Start) -> None:
    steered = start(jobs=running(15))
    steered.ask("change", job_id="run-000004", status="PACKING")
    assert b"PACKING" in steered.written
    assert len(steered.written) <= 250


def test_the_end_of_a_job_with_header_and_details(start: Start) -> None:
    steered = start(jobs=running(15), width=140)
    assert "Dock status" in steered.program.screen()
    # The newest is the selected one, which the details are about.
    steered.ask("finish", job_id="run-000014")
    assert "14 running" in steered.program.screen()
    assert len(steered.written) <= 600


def test_nothing_is_written_while_nothing_changes(start: Start) -> None:
    steered = start(jobs=tuple(finished_jobs(60, ORIGIN, START)))
    steered.ask("tick", times=1)
    steered.ask("tick", times=90)
    assert steered.written == b""


def test_a_second_of_running_jobs_costs_the_selected_ones_time(start: Start) -> None:
    steered = start(jobs=running(15))
    steered.ask("pause")
    steered.ask("tick", times=1)
    steered.ask("tick", times=1)
    # Elapsed time of the selected row; every few seconds that of the other rows, a few cells each.
    assert len(steered.written) <= 15 * 40


def test_unchanged_cells_are_not_painted_again(start: Start) -> None:
    steered = start(jobs=running(15))
    steered.ask("tell_again", job_id="run-000004")
    assert steered.written == b""


def test_a_screen_that_comes_or_goes_is_sent_once(start: Start) -> None:
    steered = start()
    # The framework by itself paints most of each picture two or three times.
    assert len(steered.written) <= 4_500
    steered.program.type("n")
    steered.program.wait_for("As curl")
    steered.ask("settle")
    assert len(steered.written) <= 4_500
    steered.program.write(b"\x1b")
    steered.program.wait_for("No exports yet")
    steered.ask("settle")
    assert len(steered.written) <= 3_000


def test_a_form_waits_in_silence(start: Start) -> None:
    steered = start(jobs=tuple(finished_jobs(5, ORIGIN, START)))
    steered.program.type("n")
    steered.program.wait_for("As curl")
    steered.ask("settle")
    assert steered.ask("focused") == {"id": "tool-id", "blinks": False}
    steered.ask("tick", times=30)
    assert steered.written == b""


def test_a_start_without_arguments_is_what_the_parser_would_say() -> None:
    assert dict(WITHOUT_ARGUMENTS) == vars(make_parser().parse_args([]))


def test_what_is_not_needed_for_the_first_frame_is_not_imported(start: Start) -> None:
    steered = start(fresh=True)
    modules = set(steered.ask("modules"))
    assert "gale_tui.tui.screens.jobs" in modules
    assert sorted(modules & set(LATE)) == []
    screens = {name.removeprefix("gale_tui.tui.screens.") for name in modules if "gale_tui.tui.screens." in name}
    assert sorted(screens - FIRST_SCREENS) == []
    assert not [name for name in modules if name.startswith("gale_tui.sandbox")]
