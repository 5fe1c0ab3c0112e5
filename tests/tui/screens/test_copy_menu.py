"""The copy menu: what it offers, what goes to the terminal, and what it does where copying is off."""

from __future__ import annotations

import dataclasses
import re
import shlex
import subprocess
import time
from pathlib import Path

import pytest
from textual.widgets import OptionList, Static

from gale_tui.core.models import Download, DownloadState, Job, JobState
from gale_tui.core.secret import SignedUrl
from gale_tui.tui.app import GaleApp
from gale_tui.tui.formatting.clipboard_text import row_line, scp_line, scp_note
from gale_tui.tui.screens.copy_menu import CopyMenu
from gale_tui.tui.terminal.desktop import folder_command, show_folder
from tests.tui.demo_app import Demo, demo_app, saved_job
from tests.tui.jobs_for_tests import NOON, job
from tests.tui.real_app import until

SAVED = job(
    1,
    label="Leave Bot",
    state=JobState.SUCCEEDED,
    status="SUCCESS",
    ended_at=NOON,
    production=True,
    download=Download(DownloadState.SAVED, path=Path("/d/Leave Bot--staging.zip"), size=1_234_567),
)


# Texts


def test_a_row_as_text() -> None:
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(SAVED.created_at))
    assert row_line(SAVED, NOON) == (
        f"Leave Bot  staging (PROD)  {started}  SUCCESS  1:00  Leave Bot--staging.zip  1.2 MB"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"percentage": 41.6}, ["IN_PROGRESS 42 %"]),
        ({"state": JobState.FAILED, "status": "FAILED", "reason": "no model"}, ["FAILED", "no model"]),
        ({"download": Download(DownloadState.RESUMABLE)}, ["resumable"]),
        # Server text stays on its line and has no escape sequences.
        ({"label": "a\nb\x1b[31m"}, ["a b␛[31m"]),
    ],
)
def test_what_a_row_says(changes: dict[str, object], words: list[str]) -> None:
    line = row_line(job(1, **changes), NOON)
    assert "\n" not in line
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"USER": "ops", "SSH_CONNECTION": "10.0.0.9 5000 10.0.0.1 22"}, r"scp 'ops@10.0.0.1:/d/Leave\ Bot.zip' ."),
        (
            {"LOGNAME": "ops", "SSH_CONNECTION": "::1 1 fe::2 2222"},
            r"scp -P 2222 'ops@[fe::2]:/d/Leave\ Bot.zip' .",
        ),
    ],
)
def test_a_line_for_scp(environ: dict[str, str], line: str) -> None:
    assert scp_line(Path("/d/Leave Bot.zip"), environ) == line


@pytest.mark.parametrize("name", ["plain.zip", 'Bot\'s "x" [1] ü $HOME (v2)*.zip', "a\\b;c&d|e`f`~#!.zip", "%n%s.zip"])
def test_an_older_scp_and_a_newer_one_read_the_same_path(name: str) -> None:
    path = Path("/d/dir with space") / name
    words = shlex.split(scp_line(path, {"USER": "ops", "SSH_CONNECTION": "10.0.0.9 5000 10.0.0.1 22"}))
    assert words[0] == "scp"
    there = words[1].removeprefix("ops@10.0.0.1:")
    # The older one has a shell on the other side read it.
    read = subprocess.run(["sh", "-c", f"printf %s {there}"], capture_output=True, text=True, check=True).stdout
    assert read == str(path)
    # The newer one takes it for a pattern, in which a backslash takes the meaning from what follows it (glob(7)).
    assert re.sub(r"\\(.)", r"\1", there) == str(path)
    assert not re.search(r"(?<!\\)[*?\[]", there)


def test_the_line_for_scp_says_where_to_run_it() -> None:
    over_ssh = scp_note({"SSH_CONNECTION": "10.0.0.9 5000 10.0.0.1 22"})
    at_the_desk = scp_note({})
    assert over_ssh.startswith("Run it on the computer that is to have the file")
    assert "the way you came here" in over_ssh
    assert "own name" in at_the_desk


def test_without_ssh_the_computer_has_its_own_name() -> None:
    import socket

    words = shlex.split(scp_line(Path("/d/it's $HOME.zip"), {"USER": "ops"}))
    assert words == ["scp", rf"ops@{socket.gethostname()}:/d/it\'s\ \$HOME.zip", "."]


# The menu


async def opened(demo: Demo, change: Job | None = None) -> Job:
    app, pilot = demo
    shown = change or await saved_job(app, pilot)
    app.push_screen(CopyMenu([shown]))
    await until(pilot, lambda: isinstance(app.screen, CopyMenu))
    await pilot.pause()
    return shown


def offers(app: GaleApp) -> list[str]:
    menu = app.screen.query_one(OptionList)
    return [str(menu.get_option_at_index(at).prompt) for at in range(menu.option_count)]


async def go_to(demo: Demo, name: str) -> None:
    app, pilot = demo
    app.screen.query_one(OptionList).highlighted = next(
        at for at, each in enumerate(offers(app)) if each.startswith(name)
    )
    await pilot.pause()


def text(app: GaleApp) -> str:
    return str(app.screen.query_one("#text", Static).render())


async def test_a_saved_job_offers_everything(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g") as demo:
        app, _ = demo
        saved = await opened(demo)
        names = [name.split(" (")[0] for name in offers(app)]
        assert names[:3] == ["Dock status id", "Tool id", "Flow id"]
        expected = {"Path of the saved file", "SHA-256", "scp command", "Row as text"}
        assert expected | {"Export request as curl"} <= set(names)
        await go_to(demo, "Export request as curl")
        assert "$GALE_API_KEY" in text(app)
        await go_to(demo, "scp command")
        assert text(app).startswith("scp ")
        assert str(saved.download.path) in text(app).replace("\\ ", " ")


async def test_enter_sends_it_to_the_terminal(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g") as demo:
        app, pilot = demo
        saved = await opened(demo)
        await go_to(demo, "SHA-256")
        assert text(app) == saved.download.sha256
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.jobs_screen)
        assert app.clipboard == saved.download.sha256
        # Nobody knows whether it arrived.
        assert any(shown.message == "Copied the SHA-256 (through the terminal)." for shown in app._notifications)


async def test_a_link_is_shown_without_its_secret_until_it_is_asked_for(tmp_path: Path) -> None:
    linked = job(1, download_url=SignedUrl("https://files.example.com/x.zip?signature=abc"))
    async with demo_app(tmp_path / "g", 'clipboard = "off"') as demo:
        app, pilot = demo
        await opened(demo, linked)
        await go_to(demo, "Download link")
        assert "signature=abc" not in text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert text(app) == "https://files.example.com/x.zip?signature=abc"


async def test_where_copying_is_off_nothing_is_sent(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g", 'clipboard = "off"') as demo:
        app, pilot = demo
        await opened(demo, SAVED)
        assert "show all" in str(app.screen.query_one("#box").border_subtitle)
        await go_to(demo, "Tool id")
        await pilot.press("enter")
        await pilot.pause()
        assert app.clipboard == ""
        assert isinstance(app.screen, CopyMenu)
        assert text(app) == SAVED.tool_id
        assert any("Not copied" in shown.message for shown in app._notifications)


@pytest.mark.parametrize(("how", "sent"), [("off", []), ("osc52", ["\x1b]52;c;YWJj\x07"])])
async def test_the_switch_holds_for_every_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, sent: list[str]
) -> None:
    async with demo_app(tmp_path / "g", f'clipboard = "{how}"') as (app, _):
        written: list[str] = []
        monkeypatch.setattr(app, "write_terminal", written.append)
        app.copy_to_clipboard("abc")
        assert written == sent
        assert app.clipboard == "abc"


async def test_a_text_cannot_press_keys_in_a_shell(tmp_path: Path) -> None:
    async with demo_app(tmp_path / "g") as demo:
        app, pilot = demo
        await opened(demo, dataclasses.replace(SAVED, tool_id="a-1\nrm -rf\x1b[31m"))
        await go_to(demo, "Tool id")
        await pilot.press("enter")
        await pilot.pause()
        assert app.clipboard == "a-1rm -rf[31m"


# The folder


PATH = Path("/d/Leave Bot.zip")


def no_program(_: str) -> None:
    return None


def xdg(name: str) -> str | None:
    return "/usr/bin/xdg-open" if name == "xdg-open" else None


@pytest.mark.parametrize(
    ("platform", "environ", "command"),
    [
        ("linux", {"DISPLAY": ":0"}, ["/usr/bin/xdg-open", "/d"]),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, ["/usr/bin/xdg-open", "/d"]),
        ("linux", {}, None),
        ("linux", {"DISPLAY": ""}, None),
        ("darwin", {}, ["open", "-R", "/d/Leave Bot.zip"]),
        ("darwin", {"SSH_CONNECTION": "a 1 b 2"}, None),
        ("win32", {}, ["explorer", "/select,/d/Leave Bot.zip"]),
        ("win32", {"SSH_TTY": "x"}, None),
    ],
)
def test_how_a_folder_is_opened(platform: str, environ: dict[str, str], command: list[str] | None) -> None:
    assert folder_command(PATH, environ, platform=platform, which=xdg) == command


def test_a_display_without_a_program_is_no_desktop() -> None:
    assert folder_command(PATH, {"DISPLAY": ":0"}, platform="linux", which=no_program) is None


def test_what_came_of_opening(tmp_path: Path) -> None:
    def opener(body: str) -> list[str]:
        program = tmp_path / "opener"
        program.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
        program.chmod(0o700)
        return [str(program), str(tmp_path)]

    file = tmp_path / "Leave Bot.zip"
    assert show_folder(opener(f'echo "$1" > {tmp_path}/asked'), file) == f"Opened {tmp_path}"
    assert (tmp_path / "asked").read_text("utf-8").strip() == str(tmp_path)
    assert show_folder(opener("exit 3"), file) == f"The desktop did not open the folder. The file is {file}"
    missing = show_folder([str(tmp_path / "nowhere")], file)
    assert missing == f"The folder could not be opened: No such file or directory. The file is {file}"


async def test_o_without_a_desktop_says_where_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    async with demo_app(tmp_path / "g") as (app, pilot):
        saved = await saved_job(app, pilot)
        await pilot.press("o")
        await until(pilot, lambda: any(str(saved.download.path) in each.message for each in app._notifications))
