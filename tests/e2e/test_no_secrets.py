"""A whole journey with a known key and a signed link, then a search for both in all that is left or was shown."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.mini_gale import KEY, SIGNATURE, Answer, MiniGale, Tool
from tests.e2e.terminal import GALE_TUI, LIMIT, PtyProgram, environ_for
from tests.support.forked import run_forked
from tests.support.needs import needs

TOOL = "a-11111111-2222-4333-8444-555555555555"
ECHO = "a-99999999-2222-4333-8444-555555555555"
LATE = "a-77777777-2222-4333-8444-555555555555"
FLOW = "cf-66666666-7777-4888-9999-aaaaaaaaaaaa"
SAVED = re.compile(r"SUCCESS .*saved +\d")

DEBUG = (*GALE_TUI, "--log-level", "debug")
SECRETS = (KEY.encode(), SIGNATURE.partition("=")[2].encode())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What GALE_TUI_HOME is set to."""
    return tmp_path / "gale"


@pytest.fixture
def account(tmp_path: Path, home: Path) -> dict[str, str]:
    """Environment variables of a fresh account."""
    return environ_for(tmp_path / "account", GALE_TUI_HOME=str(home))


def tools() -> dict[str, Tool]:
    """One that goes well, and one whose refusal repeats the key and a signed link as a careless server might."""
    words = f"key {KEY} may not read https://files.example.com/a.zip?{SIGNATURE}"
    return {TOOL: Tool(FLOW), ECHO: Tool(FLOW, refusal=Answer.json({"errors": [{"msg": words}]}, 403))}


def found_in(data: bytes) -> list[bytes]:
    """The secrets that are in the bytes, cursor movement and colours between their letters or not."""
    plain = re.sub(rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b[()][0-9A-B]|[\r\n]", b"", data)
    return [secret for secret in SECRETS if secret in data or secret in plain]


def found_on_disk(folder: Path) -> list[Path]:
    """Files below the folder with a secret in them."""
    return [path for path in folder.rglob("*") if path.is_file() and found_in(path.read_bytes())]


def command_lines(pid: int) -> bytes:
    """What `ps` shows of the program to every user of the machine; a fork has its parent's until it sets its own."""
    if sys.platform == "linux":
        return Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/comm").read_bytes()
    else:
        return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, timeout=LIMIT).stdout


def look_around(program: PtyProgram) -> None:
    """Opens everything that shows a job, its texts or its environment."""
    for key, shown in (
        ("\r", "Timeline"),
        ("y", "Export request as curl"),
        ("i", "app_definition.json"),
        ("c", "─ Environments ─"),
        ("?", "Help: Export jobs"),
    ):
        program.type(key)
        program.wait_for(shown)
        program.type("\x1b")
        program.wait_gone(shown)


def check_nothing_found(program: PtyProgram, account: dict[str, str], home: Path) -> None:
    """After the end: terminal, files and `gale-tui info`."""
    assert found_in(program.raw) == []
    assert found_on_disk(home) == []
    assert found_on_disk(Path(account["HOME"])) == []
    info = run_forked([*GALE_TUI, "info"], env=account)
    assert info.returncode == 0
    assert found_in((info.stdout + info.stderr).encode()) == []


def test_the_search_finds_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"GET /files?" + SECRETS[1])
    assert found_on_disk(tmp_path) == [tmp_path / "log"]
    assert found_in(b"\x1b[1m" + KEY[:5].encode() + b"\x1b[0;31m" + KEY[5:].encode()) == [KEY.encode()]


def test_a_key_from_the_variables(account: dict[str, str], home: Path) -> None:
    with MiniGale(tools()) as gale:
        account = {**account, "GALE_HOST": gale.host, "GALE_API_KEY": KEY}
        with PtyProgram(DEBUG, account, fresh=True) as program:
            program.wait_for("No exports yet")
            program.export(ECHO, FLOW)
            program.wait_for("does not allow")
            program.type("\x1b")
            program.wait_for("No exports yet")
            program.export(TOOL, FLOW)
            program.wait_for(SAVED)
            look_around(program)
            assert found_in(command_lines(program.process.pid)) == []
            program.type("q")
            assert program.exit_code() == 0
            check_nothing_found(program, account, home)
        # It was used, or the search proves nothing.
        assert all(request.header("x-api-key") == [KEY] for request in gale.requests("POST"))
        assert [SIGNATURE in request.target for request in gale.requests("GET", "/files/")] == [True]


def copied(gale: MiniGale) -> str:
    """The export request as it is copied from an API client, with the key in it."""
    return (
        f"curl --request POST 'http://{gale.host}/api/public/tools/{TOOL}/export?flowId={FLOW}' \\\n"
        f"  --header 'x-api-key: {KEY}' \\\n  --header 'cookie: sid={KEY}'\n"
    )


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
def test_a_key_in_a_paste(account: dict[str, str], home: Path, kept: bool) -> None:
    with MiniGale(tools()) as gale, PtyProgram(DEBUG, account, width=100, height=30) as program:
        program.wait_for("Add an environment")
        program.type("\x1b")
        program.wait_for("No environment yet")
        program.paste(copied(gale))
        program.wait_for("F4 adds it")
        program.type("\x1bOS")
        program.wait_for("New environment")
        program.wait_for("From the paste; save")
        assert "local" in program.screen()
        program.wait_for("[x] Keep the key for this session only")
        program.type("\r" if kept else "\x1b")
        if kept:
            program.wait_for("local is saved")
            program.type("\r")
            program.wait_for(SAVED)
        else:
            program.wait_for("F4 adds it")
            program.type("\x1b")
            program.wait_for("No environment yet")
        assert found_in(command_lines(program.process.pid)) == []
        program.type("q")
        if kept:
            program.wait_for("this session only")
            program.type("\t\r")
        assert program.exit_code() == 0
        assert [request.header("x-api-key") for request in gale.requests("POST")] == ([[KEY]] if kept else [])
        check_nothing_found(program, account, home)


def test_a_key_that_is_typed_for_the_session(account: dict[str, str], home: Path) -> None:
    with MiniGale(tools()) as gale, PtyProgram(DEBUG, account) as program:
        # The first start opens the environments.
        program.wait_for("Add an environment")
        program.type("n")
        program.wait_for("New environment")
        program.type(f"local\t{gale.host}\t")
        program.paste(f" {KEY}\n")
        program.wait_for("session")
        program.type("\r")
        program.wait_for("default")
        program.type("\x1b")
        program.wait_for("No exports yet")
        program.export(TOOL, FLOW)
        program.wait_for(SAVED)
        assert found_in(command_lines(program.process.pid)) == []
        program.type("q")
        # The key would be lost, so it asks; Cancel has the focus.
        program.wait_for("this session only")
        program.type("\t\r")
        assert program.exit_code() == 0
        assert [request.header("x-api-key") for request in gale.requests("POST")] == [[KEY]]
        assert "local" in (home / "config.toml").read_text()
        assert (home / "config.toml").stat().st_mode & 0o777 == 0o600
        check_nothing_found(program, account, home)


@pytest.mark.needs_secret_service
def test_a_key_that_the_keyring_keeps(account: dict[str, str], home: Path) -> None:
    needs("dbus-daemon", "gnome-keyring-daemon")
    # Imported here: what it speaks to the bus with is installed on Linux only.
    from tests.e2e.secret_service import SecretService

    # Not below the test's own folder: the path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="gale-", ignore_cleanup_errors=True) as folder, MiniGale(tools()) as gale:
        service = SecretService(Path(folder))
        try:
            service.start_daemon("of the test")
            account = {**account, "DBUS_SESSION_BUS_ADDRESS": service.address}
            with PtyProgram(DEBUG, account) as program:
                program.wait_for("Add an environment")
                program.type("n")
                program.wait_for("New environment")
                program.type(f"local\t{gale.host}\t")
                program.paste(KEY)
                program.type("\r")
                program.wait_for("default")
                program.wait_for("Secret Service")
                program.type("\x1b")
                program.wait_for("No exports yet")
                program.type("q")
                assert program.exit_code() == 0
            assert list(service.secrets().values()) == [KEY.encode()]
            # The next start has it without being told.
            with PtyProgram(DEBUG, account) as program:
                program.wait_for("No exports yet")
                program.export(TOOL, FLOW)
                program.wait_for(SAVED)
                look_around(program)
                assert found_in(command_lines(program.process.pid)) == []
                program.type("q")
                assert program.exit_code() == 0
                check_nothing_found(program, account, home)
            assert [request.header("x-api-key") for request in gale.requests("POST")] == [[KEY]]
            assert found_on_disk(Path(folder)) == []
        finally:
            service.close()


def test_a_link_is_kept_in_the_private_history_until_the_file_is_saved(account: dict[str, str], home: Path) -> None:
    def names_link() -> bool:
        return any(SECRETS[1] in path.read_bytes() for path in home.glob("jobs.sqlite3*"))

    with MiniGale({LATE: Tool(FLOW, polls=-1)}) as gale:
        account = {**account, "GALE_HOST": gale.host, "GALE_API_KEY": KEY}
        with PtyProgram(GALE_TUI, account) as program:
            program.wait_for("No exports yet")
            program.export(LATE, FLOW)
            program.wait_for("IN_PROGRESS")
            program.process.kill()
            program.exit_code()
        assert names_link()
        assert {path.stat().st_mode & 0o777 for path in home.glob("jobs.sqlite3*")} == {0o600}
        assert home.stat().st_mode & 0o777 == 0o700
        gale.tools[LATE].finish()
        with PtyProgram(GALE_TUI, account) as program:
            program.wait_for(SAVED)
            program.type("q")
            assert program.exit_code() == 0
            check_nothing_found(program, account, home)
        with closing(sqlite3.connect(home / "jobs.sqlite3")) as history:
            assert history.execute("select count(*) from jobs").fetchone() == (1,)
        assert not names_link()


def test_a_key_command_sees_no_other_key_and_no_terminal(
    account: dict[str, str], home: Path, tmp_path: Path, check_child: Callable[[], dict[str, object]]
) -> None:
    with MiniGale(tools()) as gale:
        home.mkdir(mode=0o700)
        (home / "config.toml").write_text(
            f"[environments.local]\nhost = {json.dumps(gale.host)}\n"
            f"key_command = {json.dumps([sys.executable, str(tmp_path / 'key.py')])}\n"
        )
        (home / "config.toml").chmod(0o600)
        # Another environment's key is in the variables of gale-tui itself.
        other = "kg-test-key-0000-of-another-environment"
        variables = {**account, "GALE_HOST": "other.example.com", "GALE_API_KEY": other}
        with PtyProgram([*GALE_TUI, "--env", "local", "--log-level", "debug"], variables) as program:
            program.wait_for("No exports yet")
            program.export(TOOL, FLOW)
            program.wait_for(SAVED)
            program.type("q")
            assert program.exit_code() == 0
            child = check_child()
            assert "GALE_API_KEY" not in str(child["environ"])
            assert other not in str(child["environ"])
            assert child["session"] != os.getsid(0)
            assert child["terminal"] is False
            assert child["stdin"] == ""
            assert [request.header("x-api-key") for request in gale.requests("POST")] == [[KEY]]
            assert other.encode() not in program.raw
            check_nothing_found(program, account, home)


@pytest.fixture
def check_child(tmp_path: Path) -> Callable[[], dict[str, object]]:
    """Puts a key command into the test's folder that writes down what it sees; returns a reader of that."""
    seen = tmp_path / "seen.json"
    (tmp_path / "key.py").write_text(
        "import json, os, sys\n"
        "try:\n"
        "    os.close(os.open('/dev/tty', os.O_RDWR))\n"
        "    terminal = True\n"
        "except OSError:\n"
        "    terminal = False\n"
        "facts = {'environ': dict(os.environ), 'session': os.getsid(0), 'terminal': terminal,\n"
        "         'stdin': sys.stdin.read()}\n"
        f"open({str(seen)!r}, 'w').write(json.dumps(facts))\n"
        # In two parts, so that the search does not find this file.
        f"print({KEY[:9]!r} + {KEY[9:]!r})\n"
    )

    def read() -> dict[str, object]:
        facts: dict[str, object] = json.loads(seen.read_text())
        return facts

    return read
