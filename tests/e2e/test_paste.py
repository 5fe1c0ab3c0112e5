"""A browser's request on the clipboard, in a real terminal: `n`, paste, `enter`, and the file is saved and verified."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from gale_tui.sandbox.script import Script
from tests.e2e.terminal import GALE_TUI, Terminal, environ_for
from tests.support.needs import needs
from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.needs_tmux

UNHURRIED = (sys.executable, "-m", "tests.e2e.unhurried_program")
SAVED = re.compile(r"SUCCESS .*saved +\d")
COOKIE = "sid=cookie-of-nobody-1234567890"
BEARER = "Bearer token-of-nobody-1234567890"
HEADERS = {"accept": "application/json, text/plain, */*", "authorization": BEARER, "cookie": COOKIE}
WAYS = ["url", "console", "curl", "cmd", "powershell", "fetch", "har"]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A GALE whose second tool is quick."""
    with Sandbox(seed=1) as sandbox:
        sandbox.script(sandbox.offered[1].tool_id, Script(duration=0.1))
        yield sandbox


@pytest.fixture
def start(tmp_path: Path, sandbox: Sandbox) -> Iterator[Callable[..., Terminal]]:
    """Starts gale-tui on that GALE, with the jobs on screen."""
    needs("tmux")
    environ = environ_for(
        tmp_path / "account", GALE_TUI_HOME=str(tmp_path / "home"), GALE_HOST=sandbox.url, GALE_API_KEY=sandbox.key
    )
    with ExitStack() as open_terminals:

        def open_one(width: int = 80, height: int = 24, program: Sequence[str] = GALE_TUI) -> Terminal:
            terminal = open_terminals.enter_context(Terminal(program, environ, width=width, height=height))
            terminal.wait_for("No exports yet")
            return terminal

        yield open_one


def copied(way: str, sandbox: Sandbox, folder: Path) -> str:
    """The Export request of the second tool as a browser copies it; all but the first in the console's own way."""
    tool = sandbox.offered[1]
    public = f"{sandbox.url}/api/public/tools/{tool.tool_id}/export?flowId={tool.flow_id}"
    url = f"{sandbox.url}/api/1.1/builder/accounts/acc-1/tools/{tool.tool_id}/export?callflowId={tool.flow_id}&rnd=x1"
    body = json.dumps({"note": "it's"})
    lines = {name: f"{name}: {value}" for name, value in HEADERS.items()}
    match way:
        case "url":
            return public
        case "console":
            return url
        case "curl":
            options = " \\\n".join(f"  -H '{line}'" for line in lines.values())
            quoted = body.replace("'", "\\'")
            return f"curl '{url}' \\\n  -X 'POST' \\\n{options} \\\n  --data-raw $'{quoted}'"
        case "cmd":
            options = " ^\n".join(f'  -H ^"{line}^"' for line in lines.values())
            quoted = body.replace('"', '^\\^"')
            return f'curl ^"{url.replace("&", "^&")}^" ^\n  -X ^"POST^" ^\n{options} ^\n  --data-raw ^"{quoted}^"'
        case "powershell":
            table = "\n".join(f'  "{name}"="{value}"' for name, value in HEADERS.items())
            return (
                "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n"
                f'Invoke-WebRequest -UseBasicParsing -Uri "{url}" `\n-Method "POST" `\n-WebSession $session `\n'
                f'-Headers @{{\n{table}\n}} `\n-ContentType "application/json" `\n-Body "{{`"note`":`"x`"}}"'
            )
        case "fetch":
            options = json.dumps({"headers": HEADERS, "body": body, "method": "POST"}, indent=2)
            return f"fetch({json.dumps(url)}, {options});"
    listed = [{"name": name, "value": value} for name, value in HEADERS.items()]
    entries = [{"request": {"method": "POST", "url": each, "headers": listed}} for each in (f"{sandbox.url}/me", url)]
    path = folder / "recorded by hand.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}, indent=2), "utf-8")
    return str(path)


def posts(sandbox: Sandbox) -> list[str]:
    """The paths that were posted to."""
    return [each.path for each in sandbox.requests if each.method == "POST"]


def check_saved(sandbox: Sandbox, folder: Path, terminal: Terminal, count: int = 1) -> None:
    """So many exports, their files whole, and nothing kept of what else was in the pastes."""
    screen = terminal.wait_for(SAVED)
    assert COOKIE not in screen
    files = list((folder / "home" / "downloads").iterdir())
    assert len(posts(sandbox)) == len(files) == count
    for file in files:
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
    terminal.keys("q")
    assert terminal.exit_code() == 0
    kept = [path.read_bytes() for path in (folder / "home").rglob("*") if path.is_file()]
    assert not any(word.encode() in content for content in kept for word in (COOKIE, BEARER))


def wait_for_saved(sandbox: Sandbox, terminal: Terminal, count: int) -> None:
    """Returns once so many files are saved and the jobs are on screen."""
    terminal.wait_for(re.compile(rf"\b{count} saved"))
    terminal.wait_for("q Quit")
    assert len(posts(sandbox)) == count


def test_n_paste_enter(start: Callable[..., Terminal], sandbox: Sandbox, tmp_path: Path) -> None:
    terminal = start()
    for count, way in enumerate(WAYS, 1):
        terminal.keys("n")
        terminal.wait_for("Tool ID")
        terminal.paste(copied(way, sandbox, tmp_path), bracketed=True)
        terminal.wait_for("Taken from")
        terminal.keys("Enter")
        wait_for_saved(sandbox, terminal, count)
    check_saved(sandbox, tmp_path, terminal, len(WAYS))


@pytest.mark.parametrize("opened", [True, False], ids=["in the form", "over the jobs"])
def test_nobody_has_to_wait_between_the_actions(
    start: Callable[..., Terminal], sandbox: Sandbox, tmp_path: Path, opened: bool
) -> None:
    terminal = start(80, 24)
    ways = ["url", "curl", "fetch", "har"]
    for count, way in enumerate(ways, 1):
        if opened:
            terminal.keys("n")
        terminal.paste(copied(way, sandbox, tmp_path), bracketed=True)
        terminal.keys("Enter")
        wait_for_saved(sandbox, terminal, count)
    check_saved(sandbox, tmp_path, terminal, len(ways))


@pytest.mark.parametrize(
    ("ways", "opened"),
    [(["url", "curl", "fetch", "har"], True), (["url", "curl", "cmd", "powershell"], False)],
    ids=["in the form", "over the jobs"],
)
def test_a_paste_that_the_terminal_does_not_bracket_is_read_whole(
    start: Callable[..., Terminal], sandbox: Sandbox, tmp_path: Path, ways: list[str], opened: bool
) -> None:
    terminal = start(program=UNHURRIED)
    for count, way in enumerate(ways, 1):
        text = copied(way, sandbox, tmp_path)
        if opened:
            terminal.keys("n")
            terminal.wait_for("Tool ID")
        several = "\n" in text
        # The line break at its end is no press, where there are others before it.
        terminal.paste(text + "\n" if several else text, bracketed=False)
        terminal.wait_for("Taken from")
        assert len(posts(sandbox)) == count - 1
        terminal.keys("Enter")
        wait_for_saved(sandbox, terminal, count)
    check_saved(sandbox, tmp_path, terminal, len(ways))


def test_text_and_enter_from_a_script(start: Callable[..., Terminal], sandbox: Sandbox, tmp_path: Path) -> None:
    terminal = start(program=UNHURRIED)
    terminal.keys("n")
    terminal.wait_for("Tool ID")
    terminal.type(copied("url", sandbox, tmp_path))
    terminal.keys("Enter")
    check_saved(sandbox, tmp_path, terminal)


def test_ids_with_tab_and_enter_in_one_go(start: Callable[..., Terminal], sandbox: Sandbox, tmp_path: Path) -> None:
    tool = sandbox.offered[1]
    terminal = start(program=UNHURRIED)
    terminal.keys("n")
    terminal.wait_for("Tool ID")
    terminal.paste(f"{tool.tool_id}\t{tool.flow_id}\n", bracketed=False)
    check_saved(sandbox, tmp_path, terminal)


def test_a_table_that_is_not_bracketed_is_a_batch(start: Callable[..., Terminal], sandbox: Sandbox) -> None:
    rows = "".join(f"{tool.tool_id}\t{tool.flow_id}\n" for tool in sandbox.offered[:3])
    terminal = start(program=UNHURRIED)
    terminal.keys("n")
    terminal.wait_for("Tool ID")
    terminal.paste(rows, bracketed=False)
    terminal.wait_for("3 exports")
    assert posts(sandbox) == []
    terminal.keys("C-q")
    assert terminal.exit_code() == 0


def test_half_a_request_is_waited_for(start: Callable[..., Terminal], sandbox: Sandbox, tmp_path: Path) -> None:
    text = copied("curl", sandbox, tmp_path)
    head, mark, tail = text.partition(" \\\n")
    terminal = start(100, 30, UNHURRIED)
    terminal.paste(head + mark, bracketed=False)
    terminal.paste(tail, bracketed=False)
    terminal.wait_for("Taken from")
    terminal.wait_for("tokens and keys in it")
    assert posts(sandbox) == []
    terminal.keys("Enter")
    check_saved(sandbox, tmp_path, terminal)
