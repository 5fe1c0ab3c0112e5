"""What `gale-tui export` must not send: nothing leaves before host, ids and folder are certain."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gale_tui.sandbox.script import Script
from tests.e2e.test_export_command import Cron, cron, flow_id, list_of, posts, sandbox, tool_id
from tests.support import faults

__all__ = ["cron", "sandbox"]

KEY = "kg-3592a50e-1111-2222-3333-d45e59e1ba77.bcc56cdc-42d6-47b8-9aa9-6622ca7b7bc2"
BODY = json.dumps({"toolId": tool_id(0), "flowId": flow_id(0)})


def url(host: str, number: int = 0) -> str:
    return f"{host}/api/public/tools/{tool_id(number)}/export?flowId={flow_id(number)}"


def test_a_request_of_another_host_is_refused_by_name(cron: Cron) -> None:
    for text in (f"curl.exe `\n -X POST `\n '{url('https://other.kore.ai')}'", url("https://other.kore.ai")):
        for more in ((), ("--yes",), ("--env", "env")):
            done = cron.run("export", "--from", "-", *more, text=text)
            assert (done.code, posts(cron.sandbox)) == (2, 0)
            assert "other.kore.ai" in done.err


def test_ids_without_a_host_need_a_word(cron: Cron) -> None:
    done = cron.run("export", "--from", "-", text=BODY)
    assert (done.code, posts(cron.sandbox)) == (2, 0)
    assert "does not name its host" in done.err
    assert cron.run("export", "--from", "-", "--yes", text=BODY).code == 0


def test_an_export_that_is_not_understood_is_named_with_its_line(cron: Cron) -> None:
    host = cron.sandbox.url
    text = f"curl {url(host)}\ncurl {host}/api/1.1/tools/export -d @body.json\n"
    done = cron.run("export", "--from", "-", text=text)
    assert (done.code, posts(cron.sandbox)) == (2, 0)
    assert "line 2: an export without a Tool ID" in done.err
    done = cron.run("export", "--from", "-", "--skip-invalid", text=text)
    assert (done.code, posts(cron.sandbox)) == (2, 1)


def test_a_request_that_is_no_export_is_named_with_its_line(cron: Cron) -> None:
    host = cron.sandbox.url
    done = cron.run("export", "--from", "-", text=f"curl {url(host)}\ncurl {host}/api/1.1/me\n")
    assert (done.code, posts(cron.sandbox)) == (0, 1), done.err
    assert "1 other request was left out (line 2)" in done.err


def test_the_first_failure_ends_the_list_where_that_is_wanted(cron: Cron) -> None:
    cron.sandbox.script(tool_id(0), Script(duration=0.05, outcome="FAILED"))
    lines = "".join(f"{tool_id(number)},{flow_id(number)}\n" for number in range(8))
    done = cron.run("export", "--from", "-", "--fail-fast", "--json", text=lines)
    assert done.code == 1, done.err
    assert posts(cron.sandbox) < 8
    assert "--fail-fast" in done.err
    assert {row["outcome"] for row in done.rows} >= {"failed", "not started"}


@pytest.mark.parametrize("word", ["WAITING", "IN_PROGRESS"])
def test_a_day_of_waiting_is_left_to_the_next_run(cron: Cron, word: str) -> None:
    day = faults.rate_limited(86400)
    waiting = Script(duration=60, on_export=(day,)) if word == "WAITING" else Script(duration=60, on_status=(day,))
    cron.sandbox.script(tool_id(0), waiting)
    done = cron.run("export", "--tool-id", tool_id(0), "--flow-id", flow_id(0))
    assert done.code == 3, done.err
    tomorrow = time.strftime("%Y-%m-%d", time.localtime(time.time() + 86400))
    assert done.err.count(tomorrow) == 1, done.err
    assert word in done.err


def test_an_odd_id_needs_a_word(cron: Cron) -> None:
    done = cron.run("export", "--tool-id", f"{tool_id(0)}x", "--flow-id", flow_id(0))
    assert (done.code, posts(cron.sandbox)) == (2, 0)
    done = cron.run("export", "--tool-id", f"{tool_id(0)}).", "--flow-id", f"{flow_id(0)}|text")
    assert (done.code, posts(cron.sandbox)) == (0, 1), done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--tool-id", KEY, "--flow-id", flow_id(0)),
        ("export", "--tool-id", tool_id(0), "--flow-id", f"GALE_API_KEY={KEY}"),
        ("export", "--tool-id", tool_id(0), "--flow-id", flow_id(0), "--label", f"my {KEY}"),
        ("export", "--tool-id", tool_id(0), "--flow-id", flow_id(0), "--env", KEY),
        ("export", KEY),
    ],
)
def test_a_key_in_the_wrong_place_is_neither_sent_nor_shown(cron: Cron, arguments: tuple[str, ...]) -> None:
    done = cron.run(*arguments)
    assert (done.code, posts(cron.sandbox)) == (2, 0)
    assert "3592a50e" not in done.out + done.err
    assert "bcc56cdc" not in done.out + done.err
    written = b"".join(each.read_bytes() for each in cron.home.rglob("*") if each.is_file())
    assert b"3592a50e" not in written


@pytest.mark.parametrize("option", [("--demo",), ("--readonly",), ("--no-mouse",)])
def test_an_option_that_a_command_would_ignore_is_refused(cron: Cron, option: tuple[str, ...]) -> None:
    for command in (
        ("export", "--tool-id", tool_id(0), "--flow-id", flow_id(0)),
        ("info",),
        ("diff", "a", "b"),
        ("sandbox",),
        ("unpack", "a"),
    ):
        done = cron.run(*option, *command)
        assert (done.code, posts(cron.sandbox)) == (2, 0)
        assert f"{option[0]} does not go with {command[0]}" in done.err


def test_a_folder_that_cannot_be_used_is_refused_before_the_export(cron: Cron, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    for folder in (file, file / "below", tmp_path / "not" / "there"):
        for done in (
            cron.one(0, "--output", str(folder)),
            cron.run("export", "--from", "-", "--output", str(folder), text=list_of(0)),
        ):
            assert (done.code, posts(cron.sandbox)) == (2, 0)
            assert str(tmp_path) in done.err
    # The home of somebody who is not there.
    done = cron.one(0, "--output", "~no-such-user/of/this")
    assert (done.code, posts(cron.sandbox)) == (2, 0)
    assert "No such folder" in done.err
    assert cron.one(0, "--output", str(tmp_path / "new")).code == 0
