"""`gale-tui export` as a process of its own: what it prints, how it exits, and what it needs from cron."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gale_tui.sandbox.script import Fault, Script
from tests.e2e.terminal import ROOT, wait_until
from tests.support import faults
from tests.support.answers import vendor_script
from tests.support.bad_files import bad_file
from tests.support.forked import Forked, run_forked
from tests.support.sandbox import Sandbox

GALE_TUI = (sys.executable, "-m", "gale_tui")


def tool_id(number: int) -> str:
    return f"a-{number:08d}-1111-4111-8111-111111111111"


def flow_id(number: int) -> str:
    return f"cf-{number:08d}-2222-4222-8222-222222222222"


QUICK = Script(duration=0.2)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=1) as running:
        for number in range(5):
            running.script(tool_id(number), QUICK)
        yield running


class Cron:
    """A program as cron starts it: a home and nothing else, no terminal, no session bus."""

    def __init__(self, home: Path, sandbox: Sandbox) -> None:
        self.home = home
        self.sandbox = sandbox
        home.mkdir(mode=0o700, exist_ok=True)

    def environ(self, **more: str) -> dict[str, str]:
        # Where the source is has to be told; the rest is what cron gives.
        return {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **more}

    @property
    def signed_in(self) -> dict[str, str]:
        return {"GALE_HOST": self.sandbox.url, "GALE_API_KEY": self.sandbox.key}

    def start(self, *arguments: str, **more: str) -> Forked:
        return Forked([*GALE_TUI, *arguments], env=self.environ(**more), cwd=self.home)

    def run(self, *arguments: str, text: str | None = None, signed_in: bool = True, **more: str) -> Done:
        environ = {**(self.signed_in if signed_in else {}), **more}
        done = run_forked([*GALE_TUI, *arguments], env=self.environ(**environ), cwd=self.home, text=text or "")
        assert "Traceback" not in done.stderr
        assert self.sandbox.key not in done.stdout + done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def one(self, number: int, *arguments: str) -> Done:
        return self.run("export", "--tool-id", tool_id(number), "--flow-id", flow_id(number), *arguments)


class Done:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The objects on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def cron(tmp_path: Path, sandbox: Sandbox) -> Cron:
    return Cron(tmp_path / "account", sandbox)


def posts(sandbox: Sandbox) -> int:
    return sum(1 for each in sandbox.requests if each.method == "POST")


def list_of(*numbers: int) -> str:
    return "\n".join(["tool_id,flow_id,label", *(f"{tool_id(n)},{flow_id(n)},Tool {n}" for n in numbers)]) + "\n"


def test_one_tool_prints_the_path_of_its_file(cron: Cron) -> None:
    done = cron.one(0)
    assert done.code == 0
    path = Path(done.out.removesuffix("\n"))
    assert path.read_bytes()[:2] == b"PK"
    assert path.is_relative_to(cron.home)
    assert "SUCCESS, file saved" in done.err
    assert "\r" not in done.err


@pytest.mark.parametrize("kind", ["tool", "workflow", "model"])
def test_each_kind_is_exported_by_its_name(cron: Cron, kind: str) -> None:
    offered = cron.sandbox.add_tool("Thing", QUICK if kind != "model" else vendor_script(kind, "Thing"), kind=kind)
    flow = ["--flow-id", offered.flow_id] if offered.flow_id else []
    done = cron.run("export", "--kind", kind, "--tool-id", offered.tool_id, *flow, "--json")
    assert done.code == 0
    (row,) = done.rows
    assert (row["kind"], row["tool_id"], row["name"]) == (kind, offered.tool_id, "Thing")
    assert row["flow_id"] == (offered.flow_id or None)
    assert len(cron.sandbox.posts(offered.tool_id)) == 1


def test_the_id_of_a_model_needs_no_kind_and_no_flow(cron: Cron) -> None:
    offered = cron.sandbox.add_tool("Llama", vendor_script("model", "Llama"), kind="model")
    done = cron.run("export", "--tool-id", offered.tool_id)
    assert (done.code, done.out.endswith(".gguf\n")) == (0, True)
    assert cron.run("export", "--tool-id", offered.tool_id, "--flow-id", "cf-1").code == 2
    assert cron.run("export", "--kind", "workflow", "--tool-id", "a-1").code == 2


CODES: dict[str, tuple[int, Script]] = {
    "failed": (1, Script(duration=0.1, outcome="FAILED", reason="no model")),
    "not found": (2, Script(on_export=(faults.refused(404, "No such tool"),))),
    "forbidden": (4, Script(on_export=(faults.refused(403, "Not allowed"),))),
    "unauthorised": (4, Script(on_export=(faults.refused(401, "Unknown key"),))),
    "forbidden status": (4, Script(duration=60.0, on_status=(Fault(status=403, times=None),))),
    "unauthorised status": (4, Script(duration=60.0, on_status=(Fault(status=401, times=None),))),
    "not a zip": (6, Script(duration=0.1, file=bad_file("not a zip"))),
    "damaged": (6, Script(duration=0.1, file=bad_file("bad crc"))),
    "unconfirmed": (7, Script(on_export=(faults.server_error(502),))),
}


@pytest.mark.parametrize(("code", "script"), CODES.values(), ids=CODES.keys())
def test_exit_codes(cron: Cron, code: int, script: Script) -> None:
    cron.sandbox.script(tool_id(0), script)
    done = cron.one(0, "--json")
    assert done.code == code, done.err
    (row,) = done.rows
    assert row["tool_id"] == tool_id(0)
    assert row["path"] is None
    assert row["reason_code"] is not None
    assert posts(cron.sandbox) == 1


def test_nobody_listens(cron: Cron) -> None:
    cron.sandbox.stop()
    done = cron.one(0, "--json")
    assert done.code == 3
    assert [(row["state"], row["reason_code"]) for row in done.rows] == [("not sent", "unreachable")]


def test_not_in_time_the_job_goes_on(cron: Cron) -> None:
    cron.sandbox.script(tool_id(0), Script(duration=600.0))
    done = cron.one(0, "--timeout", "2", "--json")
    assert done.code == 5
    (row,) = done.rows
    assert (row["state"], row["outcome"], row["reason_code"]) == ("running", "unfinished", None)
    assert "running exports continue at GALE" in done.err


def test_not_in_time_the_last_known_reason_is_told(cron: Cron) -> None:
    trouble = faults.server_error(503, "in the repair shop", times=None)
    cron.sandbox.script(tool_id(0), Script(duration=600.0, on_status=(trouble,)))
    done = cron.one(0, "--timeout", "4")
    assert done.code == 5
    assert "not finished" in done.err
    assert "in the repair shop" in done.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted(cron: Cron, number: signal.Signals, code: int) -> None:
    cron.sandbox.script(tool_id(0), Script(duration=600.0))
    process = cron.start("export", "--tool-id", tool_id(0), "--flow-id", flow_id(0), **cron.signed_in)
    wait_until(lambda: any("dock-status" in each.path for each in cron.sandbox.requests), "the first poll")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert out == b""
    assert b"running exports continue at GALE" in err
    assert b"Traceback" not in err


def test_a_list_with_wrong_lines_starts_nothing_until_confirmed(cron: Cron) -> None:
    text = list_of(0, 1) + f"{tool_id(2)}\n"
    done = cron.run("export", "--from", "-", text=text)
    assert done.code == 2
    assert done.out == ""
    assert "line 4: no Flow ID" in done.err
    assert "nothing was started" in done.err
    assert posts(cron.sandbox) == 0
    done = cron.run("export", "--from", "-", "--yes", text=text)
    assert (done.code, posts(cron.sandbox)) == (2, 0), "--yes confirms production alone"
    done = cron.run("export", "--from", "-", "--skip-invalid", "--json", text=text)
    assert done.code == 2, "of all, the highest"
    assert [row["outcome"] for row in done.rows] == ["saved", "saved"]
    assert "2 saved · 1 line invalid" in done.err


def test_a_set_is_kept_run_by_cron_and_found_unchanged(cron: Cron, tmp_path: Path) -> None:
    cron.sandbox.script(tool_id(1), Script(duration=0.1, outcome="FAILED", reason="no model"))
    tools, output = tmp_path / "tools.csv", tmp_path / "backup"
    tools.write_text(list_of(0, 1, 2), encoding="utf-8")
    output.mkdir()
    first = cron.run("export", "--from", str(tools), "--save-set", "nightly", "--json", "--output", str(output))
    assert first.code == 1
    assert sorted((row["label"], row["outcome"], row["unchanged"]) for row in first.rows) == [
        ("Tool 0", "saved", None),
        ("Tool 1", "failed", None),
        ("Tool 2", "saved", None),
    ]
    assert {row["batch"] for row in first.rows} == {"nightly"}
    assert len(list(output.iterdir())) == 2
    cron.sandbox.script(tool_id(2), Script(duration=0.2, version=2))
    second = cron.run("export", "--set", "nightly", "--json", "--output", str(output))
    assert second.code == 1
    assert {row["label"]: row["unchanged"] for row in second.rows} == {"Tool 0": True, "Tool 1": None, "Tool 2": False}
    assert "nightly, env: 2 saved (1 unchanged) · 1 failed" in second.err
    assert second.err.splitlines()[-1].startswith("gale-tui: nightly")


def test_cron_is_told_in_one_line_what_it_lacks(cron: Cron) -> None:
    config = cron.home / ".config" / "gale-tui"
    config.mkdir(parents=True, mode=0o700)
    (config / "config.toml").write_text(f'[environments.staging]\nhost = "{cron.sandbox.url}"\n')
    done = cron.run("export", "--set", "nightly", signed_in=False)
    assert (done.code, done.out) == (2, "")
    assert "No set is called 'nightly'" in done.err
    assert done.err.count("\n") == 1
    done = cron.run("export", "--from", "-", "--env", "staging", "--json", text=list_of(0, 1), signed_in=False)
    assert done.code == 4
    assert [row["state"] for row in done.rows] == ["not started", "not started"]
    assert "key" in done.err.splitlines()[-1]
    assert posts(cron.sandbox) == 0
    # With a key_command it needs nothing else.
    command = f"key_command = ['/bin/echo', '{cron.sandbox.key}']\n"
    (config / "config.toml").write_text(f'[environments.staging]\nhost = "{cron.sandbox.url}"\n{command}')
    (config / "config.toml").chmod(0o600)
    done = cron.run("export", "--from", "-", "--env", "staging", "--json", text=list_of(0, 1), signed_in=False)
    assert done.code == 0, done.err


def test_a_production_environment_needs_a_word(cron: Cron) -> None:
    config = cron.home / ".config" / "gale-tui"
    config.mkdir(parents=True, mode=0o700)
    (config / "config.toml").write_text(
        f'[environments.live]\nhost = "{cron.sandbox.url}"\nproduction = true\n'
        f"key_command = ['/bin/echo', '{cron.sandbox.key}']\n"
    )
    (config / "config.toml").chmod(0o600)
    arguments = ("export", "--from", "-", "--env", "live")
    done = cron.run(*arguments, text=list_of(0, 1), signed_in=False)
    assert done.code == 2
    assert "production environment" in done.err
    assert "2 exports" in done.err
    assert posts(cron.sandbox) == 0
    done = cron.run(*arguments, "--yes", text=list_of(0, 1), signed_in=False)
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--set", "a", "--tool-id", "a-1"), "--set"),
        (("--set", "a", "--from", "b"), "--from"),
        (("--save-set", "a", "--tool-id", "a-1", "--flow-id", "cf-1"), "--save-set"),
        (("--flow-id", "cf-1"), "--tool-id"),
        ((), "--set"),
        (("--from", "nowhere.csv"), "nowhere.csv"),
        (("--from", "-"), "names no tools"),
        (("--from", "-", "--save-set", " "), "no name"),
        (("--tool-id", "a-1", "--flow-id", "cf-1", "--timeout", "nan"), "--timeout"),
        (("--tool-id", "a-1", "--flow-id", "cf-1", "--timeout=-5"), "--timeout"),
    ],
)
def test_wrong_usage(cron: Cron, arguments: tuple[str, ...], named: str) -> None:
    done = cron.run("export", *arguments)
    assert done.code == 2
    assert named in done.err
    assert done.out == ""
    assert posts(cron.sandbox) == 0


def test_captured_requests_choose_their_environment(cron: Cron) -> None:
    config = cron.home / ".config" / "gale-tui"
    config.mkdir(parents=True, mode=0o700)
    environments = [("other", "https://other.example.com"), ("here", cron.sandbox.url)]
    (config / "config.toml").write_text(
        "".join(
            f"[environments.{name}]\nhost = \"{host}\"\nkey_command = ['/bin/echo', '{cron.sandbox.key}']\n"
            for name, host in environments
        )
    )
    (config / "config.toml").chmod(0o600)
    url = f"{cron.sandbox.url}/api/public/tools/{tool_id(0)}/export?flowId={flow_id(0)}"
    done = cron.run("export", "--from", "-", "--json", text=f"curl '{url}' -X POST -H 'cookie: s=1'", signed_in=False)
    assert done.code == 0, done.err
    assert [row["environment"] for row in done.rows] == ["here"]
    done = cron.run(
        "export", "--from", "-", text=url.replace(cron.sandbox.url, "https://x.example.com"), signed_in=False
    )
    assert done.code == 2
    assert "x.example.com" in done.err


def test_where_nobody_watches_a_tool_is_told_of_once(cron: Cron) -> None:
    cron.sandbox.script(tool_id(0), Script(duration=2.0))
    done = cron.run("export", "--from", "-", text=list_of(0, 1))
    assert done.code == 0
    *tools, account = done.err.splitlines()
    assert account == "gale-tui: batch, env: 2 saved"
    assert [": SUCCESS, file saved" in line for line in tools] == [True, True]


def test_on_a_terminal_one_line_tells_how_far_it_is(cron: Cron) -> None:
    master, slave = pty.openpty()
    process = Forked(
        [*GALE_TUI, "export", "--from", "-"],
        env=cron.environ(**cron.signed_in, TERM="dumb"),
        stdin=subprocess.PIPE,
        stderr=slave,
    )
    os.close(slave)
    out, _ = process.communicate(list_of(0, 1).encode(), timeout=60)
    said = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        said += piece
    os.close(master)
    assert process.returncode == 0
    assert len(out.splitlines()) == 2
    text = said.decode()
    assert "\r0 of 2" in text
    assert "2 of 2 · 2 saved" in text
    assert "\x1b" not in text


def test_the_app_shows_these_jobs(cron: Cron) -> None:
    import asyncio

    from gale_tui.core.history.store import JobStore

    assert cron.run("export", "--from", "-", text=list_of(0, 1)).code == 0

    async def known() -> list[str]:
        store = await JobStore.open(cron.home / ".local" / "share" / "gale-tui" / "jobs.sqlite3")
        try:
            return sorted(job.title for job in await store.load())
        finally:
            await store.close()

    assert asyncio.run(known()) == ["Tool 0", "Tool 1"]


def test_help_shows_examples(cron: Cron) -> None:
    done = cron.run("export", "--help")
    assert done.code == 0
    for word in ("--set", "--from", "--json", "examples:", "crontab", "exit codes:"):
        assert word in done.out
    assert all(len(line) <= 120 for line in done.out.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--tool-id", tool_id(1), "--flow-id", flow_id(1)),
        ("export", "--tool-id", tool_id(1), "--flow-id", flow_id(1), "--env", "lab"),
        ("export", "--from", "-"),
        ("export", "--set", "nightly"),
        ("export", "--resume"),
        ("info",),
    ],
)
def test_every_command_names_file_and_line_of_a_broken_config(cron: Cron, arguments: tuple[str, ...]) -> None:
    config = cron.home / "gale" / "config.toml"
    config.parent.mkdir()
    config.write_text('[environments.lab]\nhost = "gale.example.com"\nca_file = "C:\\Users\\me\\ca.pem"\n')
    text = f"{tool_id(1)},{flow_id(1)}\n"
    done = cron.run(*arguments, text=text, signed_in=False, GALE_TUI_HOME=str(config.parent))
    said = done.out + done.err
    assert str(config) in said
    assert "line 3" in said
    assert "no environment yet" not in said
    assert said.count("line 3") == 1
    assert (done.code == 0) is (arguments == ("info",))
    # One that is complete in the variables works, and still says so.
    if arguments[1:2] == ("--tool-id",) and "--env" not in arguments:
        done = cron.run(*arguments, GALE_TUI_HOME=str(config.parent))
        assert done.code == 0
        assert "line 3" in done.err


def test_what_is_said_of_the_history_reaches_standard_error_and_the_log(cron: Cron) -> None:
    home = cron.home / "gale"
    home.mkdir()
    (home / "jobs.sqlite3").write_bytes(b"this is no database at all, " * 400)
    done = cron.run("export", "--tool-id", tool_id(1), "--flow-id", flow_id(1), GALE_TUI_HOME=str(home))
    assert done.code == 0
    assert "The history was damaged" in done.err
    assert "The history was damaged" in (home / "gale-tui.log").read_text()
