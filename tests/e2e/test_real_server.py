"""The whole journey against a GALE that is not the sandbox: ids typed, one request, polite polling, the file saved."""

from __future__ import annotations

import itertools
import re
import socket
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.mini_gale import KEY, SIGNATURE, Answer, MiniGale, Tool, tool_zip
from tests.e2e.terminal import GALE_TUI, PtyProgram, environ_for, wait_until

TOOL = "a-11111111-2222-4333-8444-555555555555"
FLOW = "cf-66666666-7777-4888-9999-aaaaaaaaaaaa"

SAVED = re.compile(r"SUCCESS .*saved +\d")

Start = Callable[..., PtyProgram]
"""Starts gale-tui on a host: `start(host, key)`."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What GALE_TUI_HOME is set to; not there yet."""
    return tmp_path / "gale"


@pytest.fixture
def start(tmp_path: Path, home: Path) -> Iterator[Start]:
    with ExitStack() as programs:

        def run(host: str, key: str = KEY) -> PtyProgram:
            environ = environ_for(tmp_path / "account", GALE_HOST=host, GALE_API_KEY=key, GALE_TUI_HOME=str(home))
            program = programs.enter_context(PtyProgram(GALE_TUI, environ, width=100, height=30))
            program.wait_for("No exports yet")
            return program

        yield run


def quit_app(program: PtyProgram) -> None:
    """Ends it with the key that works everywhere."""
    program.type("\x11")
    assert program.exit_code() == 0


def test_the_main_job(start: Start, home: Path, tmp_path: Path) -> None:
    with MiniGale({TOOL: Tool(FLOW)}) as gale:
        program = start(gale.host)
        program.type("n")
        program.wait_for("Tool ID")
        program.type(f"{TOOL}\t{FLOW}\r")
        program.wait_for("IN_PROGRESS")
        program.wait_for(SAVED)
        quit_app(program)
        posts = gale.requests("POST")
        polls = gale.requests("GET", "/api/")
        files = gale.requests("GET", "/files/")
        assert len(gale.requests()) == len(posts) + len(polls) + len(files)

    (post,) = posts
    assert post.target == f"/api/public/tools/{TOOL}/export?flowId={FLOW}"
    assert post.header("x-api-key") == [KEY]
    assert post.header("Content-Type") == ["application/json"]
    assert post.header("Host") == [gale.host]
    assert post.header("Accept-Encoding") == ["identity"]
    assert post.header("Transfer-Encoding") == []
    assert post.header("Content-Length") in ([], ["0"])
    assert post.body == b""

    assert {poll.target for poll in polls} == {f"/api/public/dock-status/ds-{TOOL.removeprefix('a-')}"}
    assert all(poll.header("x-api-key") == [KEY] for poll in polls)
    # At most once a second for one job; it is meant to be asked every two.
    assert all(after.at - before.at >= 1.0 for before, after in itertools.pairwise(polls))

    # A signed link needs no key, so it gets none.
    assert [(each.target, each.header("x-api-key")) for each in files] == [(f"/files/{TOOL}?{SIGNATURE}", [])]

    (saved,) = (home / "downloads").iterdir()
    assert re.fullmatch(r"Banking Assistant--env--\d{8}T\d{6}Z\.zip", saved.name)
    assert saved.read_bytes()[:4] == b"PK\x03\x04"
    assert zipfile.ZipFile(saved).testzip() is None
    kinds = ("config.toml", "downloads", "gale-tui.log", "jobs.sqlite3")
    assert [path.name for path in home.iterdir() if not path.name.startswith(kinds)] == []
    assert list((tmp_path / "account").iterdir()) == []


SPELLINGS = {
    "dockStatusId": Tool(FLOW, "Leave Bot", polls=0, id_field="dockStatusId", link_in="downloadUrl"),
    "dockstatusId": Tool(FLOW, "Claims Triage", polls=0, id_field="dockstatusId", link_in="downloadURL"),
    "_id": Tool(FLOW, "Order Tracker", polls=0, id_field="_id", link_in="status:downloadUrl"),
    "modelId": Tool(FLOW, "Policy Library", polls=0, subject_field="modelId", link_in="status:downloadURL"),
    "nested": Tool(FLOW, "Invoice Reader", polls=0, link_in="status:response.downloadUrl"),
    "workflowId": Tool(FLOW, "Support", polls=0, subject_field="workflowId", status_id_field="dockStatusId"),
    "relative": Tool(FLOW, "Relative", polls=0, link=lambda url, path: path),
    "white space": Tool(FLOW, "Spaced", polls=0, link=lambda url, path: f" \n{url}{path}\t"),
    "early": Tool(FLOW, "Early", polls=0, early=(404, 403, 409)),
}


def test_every_spelling_and_every_link(start: Start, home: Path) -> None:
    ids = {f"a-{number}{number}{TOOL[4:]}": tool for number, tool in enumerate(SPELLINGS.values())}
    with MiniGale(ids) as gale:
        program = start(gale.host)
        program.paste("\n".join(f"{tool_id},{FLOW}" for tool_id in ids))
        program.wait_for("─ Batch")
        program.type("e")
        # Not only "9 saved": in the details the time of the first file may end with a 9.
        program.wait_for(f"0 running · {len(ids)} saved")
        quit_app(program)
        assert len(gale.requests("POST")) == len(ids)
        names = sorted(path.name.partition("--")[0] for path in (home / "downloads").iterdir())
        assert names == sorted(tool.name for tool in ids.values())
        for path in (home / "downloads").iterdir():
            assert path.read_bytes() == tool_zip(path.name.partition("--")[0])


REFUSALS: dict[str, Answer | None] = {
    "Tool not found": None,
    "Flow is not deployed": Answer.json({"message": "Flow is not deployed"}, 400),
    "No EXPORT scope": Answer.json({"errors": [{"msg": "No EXPORT scope"}]}, 403),
    "Access denied by": Answer.html("<html><head><title>Access denied by proxy</title></head></html>", 403),
    "Page not found": Answer.html("<html><title>Page not found</title></html>", 404),
}
"""Answers by what is shown of them; none is that of a tool that there is not."""


def test_what_is_refused_keeps_the_form(start: Start) -> None:
    ids = {sentence: f"a-{number}{number}{TOOL[4:]}" for number, sentence in enumerate(REFUSALS)}
    known = {ids[sentence]: Tool(FLOW, refusal=answer) for sentence, answer in REFUSALS.items() if answer is not None}
    with MiniGale(known) as gale:
        program = start(gale.host)
        for number, (sentence, tool_id) in enumerate(ids.items(), 1):
            program.export(tool_id, FLOW)
            kept_as_typed(program, program.wait_for(sentence), tool_id)
            assert len(gale.requests("POST")) == number
        quit_app(program)


def kept_as_typed(program: PtyProgram, screen: str, tool_id: str = TOOL) -> None:
    """The form is still there with what was typed; behind it the app lives and has no row."""
    assert tool_id in screen
    assert FLOW in screen
    program.type("\x1b")
    program.wait_for("No exports yet")
    program.wait_gone("Tool ID")


def test_a_wrong_key_keeps_the_form(start: Start) -> None:
    with MiniGale({TOOL: Tool(FLOW)}) as gale:
        program = start(gale.host, "kg-test-key-0000-of-somebody-else")
        program.export(TOOL, FLOW)
        screen = program.wait_for("Invalid API key")
        assert "GALE_API_KEY" in screen
        kept_as_typed(program, screen)
        quit_app(program)


def test_nobody_listening_keeps_the_form(start: Start) -> None:
    with socket.socket() as unused:
        # Bound and not listening: nobody else gets the port, and connections are refused.
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        program = start(f"127.0.0.1:{port}")
        program.export(TOOL, FLOW)
        kept_as_typed(program, program.wait_for("refused the connection"))
        quit_app(program)


SAYS_NOTHING = (
    Answer(200, b'{"dock-statusId": "ds-1', (("Content-Type", "application/json"),)),
    Answer.html("<html><title>Sign in</title></html>", 200),
    Answer.html("<html><title>502 Bad Gateway</title></html>", 502),
    Answer.json({"status": "IN_PROGRESS"}),
)


def test_an_answer_that_says_nothing_leaves_the_job_unconfirmed(start: Start) -> None:
    ids = {f"a-{number}{number}{TOOL[4:]}": Tool(FLOW, refusal=answer) for number, answer in enumerate(SAYS_NOTHING)}
    with MiniGale(ids) as gale:
        program = start(gale.host)
        program.type("n")
        program.wait_for("Tool ID")
        for number, tool_id in enumerate(ids, 1):
            program.paste(f"{tool_id},{FLOW}")
            program.type("\r")
            wait_until(lambda: len(gale.requests("POST")) == number, f"{number} requests")  # noqa: B023  # waited for here
            program.wait_gone("Tool ID")
            program.wait_for(re.compile(rf"{tool_id[:8]}[^\n]*UNCONFIRMED|UNCONFIRMED[^\n]*{tool_id[:8]}"))
            # What was typed is not lost: e brings the form back with it. The next one is pasted over it.
            program.type("e")
            screen = program.wait_for("Flow ID")
            assert tool_id in screen
            assert FLOW in screen
        program.type("\x1b")
        program.wait_gone("Flow ID")
        quit_app(program)
        assert len(gale.requests("POST")) == len(ids)
