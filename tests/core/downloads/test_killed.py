"""A download whose process is killed (kill -9) before each single step on the disk."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gale_tui.core.secret import Secret
from gale_tui.sandbox.script import File
from tests.support.fetching import NAME, Fetching, fetching, finished
from tests.support.forked import run_forked
from tests.support.sandbox import Sandbox

SIZE = 2_500_000
# Records what it is told as the history would, and dies where it is told to.
PROGRAM = """
import json, os, signal, sys
from pathlib import Path
from tests.support.fetching import fetching

url, folder, record, last = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
done = []

def step(name):
    done.append(name)
    if len(done) == last:
        print(name, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

def on_part(part, validator, size):
    draft = record.with_suffix(".new")
    draft.write_text(json.dumps({"part": str(part), "validator": validator, "size": size}))
    draft.replace(record)

with fetching(url.partition("/api/")[0], folder) as to:
    before = json.loads(record.read_text()) if record.exists() else {}
    if before:
        before["part"] = Path(before["part"])
    print(to.task(url, step=step, on_part=on_part, **before).run().path.name)
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=3) as running:
        yield running


def run(url: str, folder: Path, record: Path, last: int) -> tuple[int, str]:
    """Runs the program until the step with that number; returns its exit code and the step's name."""
    ran = run_forked([sys.executable, "-c", PROGRAM, url, str(folder), str(record), str(last)], env=os.environ)
    assert ran.returncode in (0, -signal.SIGKILL), ran.stderr
    return ran.returncode, ran.stdout.strip()


def recorded(record: Path) -> dict[str, Any]:
    """What the history would know."""
    if not record.exists():
        return {}
    known = json.loads(record.read_text())
    return {**known, "part": Path(known["part"])}


def sound(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return archive.testzip() is None


def test_every_step(sandbox: Sandbox, tmp_path: Path) -> None:
    _, url = finished(sandbox, File(size=SIZE))
    names: list[str] = []
    with fetching(sandbox.url, tmp_path / "reference", Secret(sandbox.key)) as to:
        whole = hashlib.sha256(to.task(url).run().path.read_bytes()).hexdigest()
    for last in range(1, 100):
        folder, record = tmp_path / f"files {last}", tmp_path / f"record {last}"
        code, name = run(url, folder, record, last)
        if code == 0:
            break
        names.append(name)
        files = sorted(path.name for path in folder.iterdir())
        # Never a half file under a whole one's name, never a part that nobody knows of.
        assert NAME not in files or hashlib.sha256(folder.joinpath(NAME).read_bytes()).hexdigest() == whole
        known = recorded(record)
        assert set(files) <= {NAME, known["part"].name}
        with fetching(sandbox.url, folder, Secret(sandbox.key)) as to:
            saved = resumed(to, url, known)
        assert saved == whole
        assert [path.name for path in folder.iterdir()] == [NAME]
        assert sound(folder / NAME)
    assert names == ["create", "write", "write", "write", "fsync", "link", "unlink"]


def resumed(to: Fetching, url: str, known: dict[str, Any]) -> str:
    """Goes on after the crash; returns the checksum that is reported."""
    return to.task(url, **known).run().sha256


def test_killed_again_and_again(sandbox: Sandbox, tmp_path: Path) -> None:
    _, url = finished(sandbox, File(size=SIZE, changes_after=1))
    folder, record = tmp_path / "files", tmp_path / "record"
    said: list[str] = []
    for _ in range(5):
        said.append(run(url, folder, record, 3)[1])
        assert not folder.joinpath(NAME).exists() or sound(folder / NAME)
    # The file changes after the first; the last one only tidies up.
    assert said == ["write", "write", "fsync", "unlink", NAME]
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert sound(folder / NAME)
