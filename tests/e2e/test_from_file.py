"""`gale-tui --from FILE`: the form or the batch is open with what is in the file, or one line says why not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.mini_gale import KEY, MiniGale, Tool
from tests.e2e.terminal import GALE_TUI, PtyProgram, environ_for
from tests.support.forked import run_forked

TOOL = "a-11111111-2222-4333-8444-555555555555"
OTHER = "a-22222222-2222-4333-8444-555555555555"
FLOW = "cf-66666666-7777-4888-9999-aaaaaaaaaaaa"


@pytest.fixture
def gale() -> Iterator[MiniGale]:
    with MiniGale({TOOL: Tool(FLOW), OTHER: Tool(FLOW)}) as gale:
        yield gale


@pytest.fixture
def account(tmp_path: Path) -> dict[str, str]:
    return environ_for(tmp_path / "account", GALE_TUI_HOME=str(tmp_path / "gale"))


def request(gale: MiniGale, tool_id: str = TOOL) -> str:
    return f"{gale.url}/api/public/tools/{tool_id}/export?flowId={FLOW}"


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


def with_key(account: dict[str, str], gale: MiniGale) -> dict[str, str]:
    return {**account, "GALE_HOST": gale.host, "GALE_API_KEY": KEY}


def test_one_request_fills_the_form_and_enter_exports(account: dict[str, str], gale: MiniGale, tmp_path: Path) -> None:
    file = written(tmp_path, "request.txt", f"curl -X POST '{request(gale)}' -H 'cookie: sid=1234567890'\n")
    with PtyProgram([*GALE_TUI, "--from", file], with_key(account, gale)) as program:
        program.wait_for("Taken from request.txt: Tool ID and Flow ID.")
        assert gale.requests("POST") == []
        program.type("\r")
        program.wait_for(re.compile(r"saved \d+ B"))
        program.type("q")
        assert program.exit_code() == 0
    assert len(gale.requests("POST")) == 1


def test_a_large_recording_is_read_by_the_form(account: dict[str, str], gale: MiniGale, tmp_path: Path) -> None:
    urls = [request(gale), *(f"{gale.url}/static/{number}.js" for number in range(20_000))]
    entries = [{"request": {"method": "POST", "url": url, "headers": []}} for url in urls]
    file = written(tmp_path, "network.har", json.dumps({"log": {"entries": entries}}))
    with PtyProgram([*GALE_TUI, "--from", file], with_key(account, gale)) as program:
        program.wait_for("Taken from network.har")
        program.type("\x1b")
        program.wait_for("No exports yet")
        program.type("q")
        assert program.exit_code() == 0


@pytest.mark.parametrize("name", ["list.csv", "network.har"])
def test_several_open_the_batch(account: dict[str, str], gale: MiniGale, tmp_path: Path, name: str) -> None:
    entries = [{"request": {"method": "POST", "url": request(gale, tool), "headers": []}} for tool in (TOOL, OTHER)]
    text = (
        json.dumps({"log": {"entries": entries}}) if name == "network.har" else f"{TOOL},{FLOW},A\n{OTHER},{FLOW},B\n"
    )
    with PtyProgram([*GALE_TUI, "--from", written(tmp_path, name, text)], with_key(account, gale)) as program:
        program.wait_for("2 exports")
        assert gale.requests("POST") == []
        program.type("\x1b")
        program.wait_for("No exports yet")
        program.type("q")
        assert program.exit_code() == 0


def test_the_demo_and_a_named_environment_keep_their_place(
    account: dict[str, str], gale: MiniGale, tmp_path: Path
) -> None:
    home = tmp_path / "gale"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text(
        f'[environments.here]\nhost = "{gale.host}"\n\n[environments.there]\nhost = "there.example.com"\n'
    )
    file = written(tmp_path, "request.txt", request(gale))
    with PtyProgram([*GALE_TUI, "--env", "there", "--from", file], account) as program:
        program.wait_for("there stays chosen (--env)")
        program.wait_for("New export · there")
        program.type("\x11")
        assert program.exit_code() == 0
    with PtyProgram([*GALE_TUI, "--from", file], account) as program:
        program.wait_for("New export · here")
        program.type("\x11")
        assert program.exit_code() == 0
    with PtyProgram([*GALE_TUI, "--demo", "--from", file], account) as program:
        # The sandbox is not where it was sent, and the demo adds no environments.
        screen = program.wait_for("which has no environment here.")
        assert "Choose an environment" in screen
        assert "F4" not in screen
        program.type("\x11")
        assert program.exit_code() == 0


def test_the_first_start_goes_on_from_the_file(account: dict[str, str], gale: MiniGale, tmp_path: Path) -> None:
    file = written(tmp_path, "request.txt", request(gale))
    with PtyProgram([*GALE_TUI, "--from", file], account, width=100, height=30) as program:
        program.wait_for("F4 adds it")
        program.type("\x11")
        assert program.exit_code() == 0
    rows = written(tmp_path, "list.csv", f"{TOOL},{FLOW}\n{OTHER},{FLOW}\n")
    with PtyProgram([*GALE_TUI, "--from", rows], account) as program:
        program.wait_for("No environment yet for a batch.")
        assert program.exit_code() == 2


@pytest.mark.parametrize(
    ("text", "said"), [("hello\n", "No export was recognised in"), (None, "cannot be read: No such file")]
)
def test_what_cannot_be_is_one_line_and_no_screen(
    account: dict[str, str], tmp_path: Path, text: str | None, said: str
) -> None:
    file = written(tmp_path, "notes.txt", text) if text is not None else str(tmp_path / "none.har")
    with PtyProgram([*GALE_TUI, "--from", file], account, width=240) as program:
        assert program.exit_code() == 2
        assert said in program.screen()
        assert b"\x1b[?1049h" not in program.raw


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "-"], "needs the terminal for its keys"),
        (["--readonly", "--from", "x.har"], "--readonly starts none"),
        (["--from", "x.har", "info"], "gale-tui export --from FILE"),
    ],
)
def test_what_does_not_go_together_is_said(account: dict[str, str], arguments: list[str], said: str) -> None:
    done = run_forked([*GALE_TUI, *arguments], env=account)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
