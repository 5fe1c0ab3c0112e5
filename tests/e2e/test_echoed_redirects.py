"""Redirects whose target repeats the key and a link's signature: neither is shown, logged, kept or in a file's name."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.mini_gale import KEY, SIGNATURE, Answer, MiniGale, Request, Tool, tool_zip
from tests.e2e.terminal import GALE_TUI, PtyProgram, environ_for
from tests.support.forked import run_forked

TOOL = "a-11111111-2222-4333-8444-555555555555"
FLOW = "cf-66666666-7777-4888-9999-aaaaaaaaaaaa"
SIGNED = SIGNATURE.partition("=")[2]
ECHO = f"{KEY}-{quote(KEY, safe='').replace('-', '%2D')}-{SIGNED}"
DEBUG = (*GALE_TUI, "--log-level", "debug")


@dataclass(frozen=True)
class Case:
    """What is redirected where, and what comes of it."""

    method: str
    path: str
    target: str
    shown: str
    """A pattern on the screen."""
    codes: tuple[int, ...]
    """Exit codes without a screen."""


CASES: Mapping[str, Case] = {
    # No link was handed out yet: only its place gives a signature away.
    "export": Case("POST", "/api/", f"https://elsewhere.example/{KEY}?{SIGNATURE}", "redirects to", (2, 3)),
    "status": Case("GET", "/api/", f"https://elsewhere.example/{ECHO}?{SIGNATURE}", "redirects to", (3, 5)),
    "file, refused": Case("GET", "/files/", f"http://files.example/{ECHO}.zip?{SIGNATURE}", "not saved", (6,)),
    "file, followed": Case("GET", "/files/", f"/moved/{ECHO}.zip?{SIGNATURE}", r"SUCCESS .*saved +\d", (0,)),
}


class RedirectingGale(MiniGale):
    """A GALE that redirects some of what is requested."""

    case: Case

    def answer(self, request: Request) -> Answer:
        proper = super().answer(request)
        if request.target.startswith("/moved/"):
            # Without a name of its own, the file is named after its link.
            return Answer(200, tool_zip("Moved"), (("Content-Type", "application/zip"),))
        if request.method == self.case.method and request.target.startswith(self.case.path) and proper.status == 200:
            return Answer(302, b"", (("Location", self.case.target),))
        return proper


def found(data: bytes, secret: str) -> bool:
    plain = re.sub(rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b[()][0-9A-B]|[\r\n]", b"", data)
    return any(form.encode() in text for form in (secret, secret.replace("-", "%2D")) for text in (data, plain))


def check(case: Case, written: bytes, home: Path, account: Path) -> None:
    """Neither secret is in what was written, in a file or in a file's name; the history may keep an unused link."""
    for secret in (KEY, SIGNED):
        assert not found(written, secret)
        for path in (*home.rglob("*"), *account.rglob("*")):
            assert not found(path.name.encode(), secret)
            if path.is_file() and not (
                secret == SIGNED and path.name.startswith("jobs.sqlite3") and case.codes != (0,)
            ):
                assert not found(path.read_bytes(), secret), path.name


@pytest.mark.parametrize("name", CASES)
def test_the_target_of_a_redirect_gives_nothing_away(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    for screen in (True, False):
        home, account = tmp_path / f"gale-{screen}", tmp_path / f"account-{screen}"
        with RedirectingGale({TOOL: Tool(FLOW, polls=1)}) as gale:
            gale.case = case
            environ = environ_for(account, GALE_TUI_HOME=str(home), GALE_HOST=gale.host, GALE_API_KEY=KEY)
            if screen:
                with PtyProgram(DEBUG, environ, width=100, height=30) as program:
                    program.wait_for("No exports yet")
                    program.export(TOOL, FLOW)
                    program.wait_for(re.compile(case.shown))
                    program.process.send_signal(signal.SIGTERM)
                    program.exit_code()
                    written = bytes(program.raw)
            else:
                command = [*DEBUG, "export", "--tool-id", TOOL, "--flow-id", FLOW, "--json", "--timeout", "6"]
                done = run_forked(command, env=environ)
                assert done.returncode in case.codes, done.stderr
                written = (done.stdout + done.stderr).encode()
            assert any(each.method == case.method and each.target.startswith(case.path) for each in gale.requests())
        check(case, written, home, account)
