"""`gale-tui export` as a script calls it: data, narration and exit codes, against the second GALE."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.e2e.mini_gale import KEY, SIGNATURE, Answer, MiniGale, Tool
from tests.e2e.terminal import GALE_TUI, LIMIT, ROOT, environ_for, wait_until

TOOL = "a-11111111-2222-4333-8444-555555555555"
FLOW = "cf-66666666-7777-4888-9999-aaaaaaaaaaaa"
UNKNOWN = "a-00000000-0000-4000-8000-000000000000"


@pytest.fixture
def account(tmp_path: Path) -> dict[str, str]:
    """Environment variables of a fresh account without a terminal."""
    environ = environ_for(tmp_path / "account", GALE_TUI_HOME=str(tmp_path / "gale"), GALE_API_KEY=KEY)
    del environ["TERM"]
    return environ


def command(*arguments: str, tool_id: str = TOOL) -> list[str]:
    """The command line for one tool."""
    return [*GALE_TUI, "export", "--tool-id", tool_id, "--flow-id", FLOW, *arguments]


def export(
    account: dict[str, str], host: str, *arguments: str, tool_id: str = TOOL
) -> subprocess.CompletedProcess[str]:
    """Exports one tool and waits for the end."""
    done = subprocess.run(
        command(*arguments, tool_id=tool_id),
        env={**account, "GALE_HOST": host},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * LIMIT,
    )
    for text in (done.stdout, done.stderr):
        assert KEY not in text
        assert SIGNATURE not in text
        assert "Traceback" not in text
        assert "\x1b" not in text
    return done


def test_a_saved_file_is_the_only_line_of_output(account: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    with MiniGale({TOOL: Tool(FLOW)}) as gale:
        done = export(account, gale.host, "--output", str(folder))
        assert len(gale.requests("POST")) == 1
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    path = Path(line)
    assert path.parent == folder
    assert zipfile.ZipFile(path).testzip() is None
    assert [each.name for each in folder.iterdir()] == [path.name]
    assert re.search(r"IN_PROGRESS[\s\S]*SUCCESS[\s\S]*saved", done.stderr)


def test_one_object_of_json(account: dict[str, str]) -> None:
    with MiniGale({TOOL: Tool(FLOW, polls=0)}) as gale:
        done = export(account, gale.host, "--json", "--label", "the nightly one")
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    document = json.loads(line)
    assert (document["tool_id"], document["flow_id"], document["label"]) == (TOOL, FLOW, "the nightly one")
    assert (document["status"], document["download"]) == ("SUCCESS", "saved")
    assert Path(document["path"]).stat().st_size == document["size"]
    assert re.fullmatch(r"[0-9a-f]{64}", document["sha256"])


def gateway(status: int) -> Answer:
    """What something in front of GALE says when GALE is away."""
    return Answer.html("<html><title>Bad gateway</title></html>", status)


def test_a_job_that_fails(account: dict[str, str]) -> None:
    with MiniGale({TOOL: Tool(FLOW, polls=0, failure="node n3 has no model")}) as gale:
        done = export(account, gale.host)
    assert (done.returncode, done.stdout) == (1, "")
    assert "node n3 has no model" in done.stderr


def test_a_tool_that_is_not_there(account: dict[str, str]) -> None:
    with MiniGale({TOOL: Tool(FLOW)}) as gale:
        done = export(account, gale.host, tool_id=UNKNOWN)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Tool not found" in done.stderr


def test_nobody_listens(account: dict[str, str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = export(account, f"127.0.0.1:{unused.getsockname()[1]}")
    assert (done.returncode, done.stdout) == (3, "")
    assert "refused the connection" in done.stderr


@pytest.mark.parametrize(("key", "status"), [("kg-test-key-0000-of-somebody-else", 401), (KEY, 403)])
def test_a_key_that_may_not(account: dict[str, str], key: str, status: int) -> None:
    refusal = Answer.json({"errors": [{"msg": "No EXPORT scope"}]}, 403)
    with MiniGale({TOOL: Tool(FLOW, refusal=refusal)}) as gale:
        done = export({**account, "GALE_API_KEY": key}, gale.host)
    assert (done.returncode, done.stdout) == (4, "")
    assert ("Invalid API key" if status == 401 else "No EXPORT scope") in done.stderr


def test_a_job_that_takes_too_long_goes_on(account: dict[str, str]) -> None:
    with MiniGale({TOOL: Tool(FLOW, polls=-1)}) as gale:
        done = export(account, gale.host, "--timeout", "2")
    assert (done.returncode, done.stdout) == (5, "")
    assert "goes on" in done.stderr


@pytest.mark.parametrize("content", [b"<html><title>Sign in</title></html>", b"PK\x03\x04 and then nonsense"])
def test_a_file_that_is_none(account: dict[str, str], tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "backup"
    with MiniGale({TOOL: Tool(FLOW, polls=0, content=content)}) as gale:
        done = export(account, gale.host, "--output", str(folder))
    assert (done.returncode, done.stdout) == (6, "")
    assert not list(folder.glob("*.zip"))


def test_a_folder_that_cannot_be_made(account: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with MiniGale({TOOL: Tool(FLOW, polls=0)}) as gale:
        done = export(account, gale.host, "--output", str(tmp_path / "file" / "backup"))
    assert done.returncode in (2, 6)
    assert done.stdout == ""
    assert "backup" in done.stderr or "file" in done.stderr


def test_an_answer_that_says_nothing(account: dict[str, str]) -> None:
    with MiniGale({TOOL: Tool(FLOW, refusal=gateway(502))}) as gale:
        done = export(account, gale.host)
        assert len(gale.requests("POST")) == 1
    assert (done.returncode, done.stdout) == (7, "")
    assert "UNCONFIRMED" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption(account: dict[str, str], number: signal.Signals, code: int) -> None:
    with MiniGale({TOOL: Tool(FLOW, polls=-1)}) as gale:
        process = subprocess.Popen(
            command(),
            env={**account, "GALE_HOST": gale.host},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            wait_until(lambda: gale.requests("GET", "/api/"), "the first poll")
            process.send_signal(number)
            out, err = process.communicate(timeout=LIMIT)
        assert (process.returncode, out) == (code, "")
        assert "goes on at the server" in err
        assert "Traceback" not in err


def test_production_needs_a_yes(account: dict[str, str], tmp_path: Path) -> None:
    with MiniGale({TOOL: Tool(FLOW, polls=0)}) as gale:
        home = tmp_path / "gale"
        home.mkdir(mode=0o700)
        (home / "config.toml").write_text(
            f'[environments.live]\nhost = "{gale.host}"\nproduction = true\nkey_command = ["printf", "{KEY}"]\n'
        )
        (home / "config.toml").chmod(0o600)
        arguments = {name: value for name, value in account.items() if name != "GALE_API_KEY"}

        def run(*more: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                command("--env", "live", *more),
                env=arguments, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT,
            )  # fmt: skip

        refused = run()
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "--yes" in refused.stderr
        assert gale.requests() == []
        done = run("--yes")
        assert (done.returncode, len(gale.requests("POST"))) == (0, 1)
        assert KEY not in done.stdout + done.stderr
