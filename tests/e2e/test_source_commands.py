"""Tools as source with the real program: nightly into a real repository, without second copies, old files pruned."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gale_tui.core.source.unpack import read_members
from gale_tui.sandbox.script import Script
from tests.e2e.terminal import GALE_TUI, environ_for
from tests.support.forked import run_forked
from tests.support.sandbox import Sandbox
from tests.support.saved_exports import documents, write_zip

FACTOR = 15.0
FAST = (sys.executable, "-m", "tests.faults.fast_program", str(FACTOR))
COUNT = 40


def tool_id(number: int) -> str:
    return f"a-{number:08d}-1111-4111-8111-111111111111"


def script(version: int = 1) -> Script:
    return Script(duration=1.0, version=version)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=3, speed=FACTOR) as running:
        for number in range(COUNT):
            running.script(tool_id(number), script())
        yield running


class Nightly:
    """An account with a repository, as cron runs gale-tui in it."""

    def __init__(self, sandbox: Sandbox, folder: Path, count: int, program: Sequence[str] = FAST) -> None:
        self._program = program
        self.home = folder / "home"
        self.repository = folder / "repository"
        # What cron gives a job, and the key.
        self._environ = environ_for(
            folder / "account", GALE_HOST=sandbox.url, GALE_API_KEY=sandbox.key, GALE_TUI_HOME=str(self.home)
        )
        for name in ("TERM", "COLORTERM", "LANG"):
            del self._environ[name]
        self.list = folder / "tools.csv"
        rows = [
            f'{tool_id(number)},cf-{number:08d}-2222-4222-8222-222222222222,"Tool {number}"' for number in range(count)
        ]
        self.list.write_text("\n".join(rows))
        self.repository.mkdir()
        self.git("init", "-q")
        self.run("export", "--from", str(self.list), "--save-set", "nightly", "--unpack", str(self.repository))

    def git(self, *command: str) -> str:
        ended = subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *command],
            cwd=self.repository, env=self._environ, capture_output=True, encoding="utf-8", check=True,
        )  # fmt: skip
        return ended.stdout

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        ended = run_forked([*self._program, *arguments], env=self._environ, timeout=100)
        assert ended.returncode == code, ended.stderr
        return ended

    def export(self, *more: str) -> str:
        """Exports the set; returns the last line that it printed."""
        arguments = ("export", "--set", "nightly", "--unpack", str(self.repository), *more)
        return self.run(*arguments).stderr.splitlines()[-1]

    def commit(self) -> list[str]:
        """Commits what there is; returns the folders of the tools that changed."""
        self.git("add", "-A")
        changed = self.git("diff", "--cached", "--name-only").splitlines()
        if changed:
            self.git("commit", "-qm", "Nightly")
        return sorted({"/".join(name.split("/")[:2]) for name in changed if name.count("/") > 1})


def test_forty_tools_nightly_into_a_repository(sandbox: Sandbox, tmp_path: Path) -> None:
    nightly = Nightly(sandbox, tmp_path, COUNT)
    assert nightly.commit() == sorted(f"env/tool-{number}" for number in range(COUNT))
    assert "env_values.json" not in nightly.git("ls-files")
    assert nightly.export().endswith("repository: 0 tools changed, 40 unchanged")
    assert nightly.git("status", "--porcelain") == ""
    for number in (7, 31):
        sandbox.script(tool_id(number), script(version=2))
    assert nightly.export().endswith("repository: 2 tools changed, 38 unchanged")
    assert nightly.commit() == ["env/tool-31", "env/tool-7"]
    assert len(nightly.git("show", "--name-only", "--format=").splitlines()) == 2


def test_no_second_copy_and_pruning(sandbox: Sandbox, tmp_path: Path) -> None:
    nightly = Nightly(sandbox, tmp_path, 2, GALE_TUI)
    downloads = nightly.home / "downloads"
    first = sorted(downloads.iterdir())
    ended = nightly.run("export", "--set", "nightly", "--if-changed", "--json")
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert sorted(Path(each["path"]) for each in found) == first == sorted(downloads.iterdir())
    assert [each["unchanged"] for each in found] == [True, True]
    sandbox.script(tool_id(1), script(version=2))
    nightly.run("export", "--set", "nightly", "--if-changed")
    assert len(list(downloads.iterdir())) == 3
    (downloads / "mine.zip").write_text("mine")

    usage = nightly.run("prune", code=2)
    assert "--keep N or --older-than DAYS" in usage.stderr
    for options, problem in (("--keep 0", "--keep needs at least 1"), ("--older-than nan", "needs a number of days")):
        assert problem in nightly.run("prune", *options.split(), code=2).stderr
    shown = nightly.run("prune", "--keep", "1", "--dry-run").stdout.splitlines()
    assert len(shown) == 2
    assert Path(shown[0]) in first
    assert shown[1].startswith("1 file would go, ")
    assert len(list(downloads.iterdir())) == 4
    assert nightly.run("prune", "--keep", "1", "--older-than", "1").stdout == "Nothing to remove.\n"
    assert nightly.run("prune", "--keep", "1").stdout.splitlines()[0] == shown[0]
    left = set(downloads.iterdir())
    assert Path(shown[0]) not in left
    assert downloads / "mine.zip" in left
    assert len(left) == 3
    assert nightly.run("prune", "--keep", "1").stdout == "Nothing to remove.\n"


def test_a_file_that_somebody_changed_is_not_pruned(sandbox: Sandbox, tmp_path: Path) -> None:
    nightly = Nightly(sandbox, tmp_path, 1, GALE_TUI)
    sandbox.script(tool_id(0), script(version=2))
    (old,) = (nightly.home / "downloads").iterdir()
    nightly.run("export", "--set", "nightly")
    old.write_bytes(old.read_bytes() + b"x")
    assert nightly.run("prune", "--keep", "1").stdout == "Nothing to remove.\n"
    assert old.exists()


def test_edits_in_the_repository_are_refused_and_the_other_tools_go_on(sandbox: Sandbox, tmp_path: Path) -> None:
    nightly = Nightly(sandbox, tmp_path, 2)
    edited = nightly.repository / "env/tool-0/app_definition.json"
    edited.write_text(edited.read_text() + "\n")
    ended = nightly.run("export", "--set", "nightly", "--unpack", str(nightly.repository), code=2)
    assert "Tool 0 is not unpacked: Edited since the last unpack" in ended.stderr
    assert ended.stderr.splitlines()[-1].endswith("0 tools changed, 1 unchanged")


def test_a_set_is_compared_with_the_repository(sandbox: Sandbox, tmp_path: Path) -> None:
    # The newest export counts, and a faster clock in each process would put the later one before the earlier.
    nightly = Nightly(sandbox, tmp_path, 2, GALE_TUI)
    repository = str(nightly.repository)
    assert nightly.run("diff", "--set", "nightly", repository, "--stat").stdout == "No difference.\n\n" * 2
    sandbox.script(tool_id(1), script(version=2))
    nightly.run("export", "--set", "nightly")
    ended = nightly.run("diff", "--set", "nightly", repository, "--stat", code=1)
    assert [line.split("  ")[-1] for line in ended.stdout.splitlines() if line] == [
        "No difference.",
        "1 field, +1 -1 lines",
        "1 differs",
    ]
    (nightly.repository / "env/tools.json").unlink()
    assert "not unpacked in" in nightly.run("diff", "--set", "nightly", repository, code=2).stderr
    assert "No set is called" in nightly.run("diff", "--set", "none", repository, code=2).stderr
    nightly.run("diff", repository, code=2)


def gale_tui(tmp_path: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_forked([*GALE_TUI, *map(str, arguments)], cwd=tmp_path, env=environ_for(tmp_path / "home"))


def test_unpack_and_pack_as_commands(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "Leave Bot.zip", documents())
    ended = gale_tui(tmp_path, "unpack", archive)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "Unpacked Banking Assistant into Leave Bot: 23 written, 0 removed, 0 unchanged.\n"
    ended = gale_tui(tmp_path, "pack", "Leave Bot", "back.zip")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Packed Leave Bot into back.zip: 3 files.\n", "")
    assert read_members(tmp_path / "back.zip") == read_members(archive)
    ended = gale_tui(tmp_path, "pack", "Leave Bot", "back.zip")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "gale-tui: back.zip exists. Choose another name, or use --force.\n"
    (tmp_path / "Leave Bot/nodes/start--n1.json").write_text("{\n  oops\n}")
    ended = gale_tui(tmp_path, "pack", "Leave Bot", "other.zip")
    assert ended.returncode == 2
    assert ended.stderr.startswith("gale-tui: nodes/start--n1.json:2: This is not JSON")
    ended = gale_tui(tmp_path, "unpack", tmp_path / "gone.zip")
    assert ended.returncode == 6
