"""A kill at any moment of an unpack leaves the old tree or the new one, and the next run completes it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gale_tui.core.errors import SourceError
from gale_tui.core.source.pack import pack
from gale_tui.core.source.tree import read_files
from gale_tui.core.source.unpack import unpack
from tests.support.saved_exports import documents, write_zip
from tests.support.source_trees import tree_bytes

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

DONE, KILLED = 0, 77
WRITES = ("replace", "unlink", "rename", "mkdir", "rmdir", "open", "write")


def unpack_and_die(archive: Path, folder: Path, steps: int) -> int:
    """Unpacks in a process that ends, without any clean-up, right before its step number `steps` that writes."""
    child = os.fork()
    if child == 0:
        left = steps

        def counted(name: str) -> Any:
            real = getattr(os, name)

            def call(*arguments: Any, **named: Any) -> Any:
                nonlocal left
                if name != "open" or (len(arguments) > 1 and arguments[1] & os.O_CREAT):
                    left -= 1
                    if left < 0:
                        os._exit(KILLED)
                return real(*arguments, **named)

            return call

        for name in WRITES:
            setattr(os, name, counted(name))
        try:
            unpack(archive, folder)
        except BaseException:
            os._exit(1)
        os._exit(DONE)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_killed_at_each_write(tmp_path: Path) -> None:
    changed = documents(2)
    changed["flow_definition.json"]["nodes"].pop(-2)
    changed["flow_definition.json"]["nodes"].append({"id": "n13", "type": "end", "name": "Late"})
    old, new = write_zip(tmp_path / "old.zip", documents(1)), write_zip(tmp_path / "new.zip", changed)
    unpack(old, tmp_path / "pristine")
    unpack(new, tmp_path / "wanted")
    before, after = tree_bytes(tmp_path / "pristine"), tree_bytes(tmp_path / "wanted")
    seen: set[str] = set()
    for steps in range(200):
        tree = tmp_path / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(tmp_path / "pristine", tree)
        code = unpack_and_die(new, tree, steps)
        assert code in (DONE, KILLED)
        if (tree / ".gale-unpack/journal.json").exists():
            seen.add("decided")
            with pytest.raises(SourceError, match="was interrupted"):
                pack(tree, tmp_path / "x.zip")
            # Everything of the new tree is there already: the export is not needed to complete it.
            journal = json.loads((tree / ".gale-unpack/journal.json").read_text())
            for path, content in after.items():
                staged = tree / ".gale-unpack/new" / path
                where = staged if path in journal["move"] and staged.exists() else tree / path
                assert where.read_bytes() == content
        else:
            found = tree_bytes(tree)
            assert found in (before, after)
            seen.add("old" if found == before else "new")
            read_files(tree)
        unpack(new, tree)
        assert tree_bytes(tree) == after
        assert {path.name for path in (tree / ".gale-unpack").iterdir()} == {"files.json"}
        if code == DONE:
            break
    else:
        pytest.fail("it never came to its end")
    assert seen == {"old", "decided", "new"}


def test_killed_at_each_write_of_the_first_unpack(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "old.zip", documents(1))
    unpack(archive, tmp_path / "wanted")
    for steps in range(0, 400, 7):
        tree = tmp_path / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        code = unpack_and_die(archive, tree, steps)
        unpack(archive, tree)
        assert tree_bytes(tree) == tree_bytes(tmp_path / "wanted")
        if code == DONE:
            return
    pytest.fail("it never came to its end")


def test_an_interrupted_unpack_is_completed_by_another_export(tmp_path: Path) -> None:
    old, new = write_zip(tmp_path / "old.zip", documents(1)), write_zip(tmp_path / "new.zip", documents(2))
    unpack(old, tmp_path / "tree")
    unpack(old, tmp_path / "wanted")
    steps = next(
        steps
        for steps in range(50)
        if unpack_and_die(new, tmp_path / "tree", steps) == KILLED
        and (tmp_path / "tree/.gale-unpack/journal.json").exists()
    )
    assert steps
    unpack(old, tmp_path / "tree")
    assert tree_bytes(tmp_path / "tree") == tree_bytes(tmp_path / "wanted")


def test_a_hostile_journal_moves_nothing_out_of_the_folder(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "old.zip", documents(1))
    unpack(archive, tmp_path / "tree")
    state = tmp_path / "tree/.gale-unpack"
    (state / "new").mkdir()
    (state / "new/0").write_text("evil")
    for path in ("../evil", "/tmp/evil", ".git/hooks/pre-commit", "a/b/c"):  # noqa: S108
        (state / "journal.json").write_text(json.dumps({"move": [path], "remove": {}, "files": {}}))
        with pytest.raises(SourceError, match="not part of an unpacked tool"):
            unpack(archive, tmp_path / "tree", force=True)
    assert (state / "new/0").read_text() == "evil"
