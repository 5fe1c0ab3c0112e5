"""The pictures of the README are those that the command makes, byte for byte, and show nothing of the machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from gale_tui.sandbox.server import SANDBOX_KEY
from tests.snapshots import make_screenshots


def test_the_command_makes_the_same_pictures_again(tmp_path: Path) -> None:
    command = [sys.executable, make_screenshots.__file__, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_bytes() for path in tmp_path.glob("*.svg")}
    kept = {path.name: path.read_bytes() for path in make_screenshots.FOLDER.glob("*.svg")}
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == [], "run tests/snapshots/make_screenshots.py"


def test_nothing_of_the_machine_is_in_the_pictures() -> None:
    pictures = list(make_screenshots.FOLDER.glob("*.svg"))
    assert pictures
    for path in pictures:
        text = path.read_text(encoding="utf-8").replace("&#160;", " ")
        assert "stage-" not in text
        assert SANDBOX_KEY not in text
        assert not re.search(r"127\.0\.0\.1:\d", text)


def test_the_moving_picture_has_no_script_and_can_stand_still() -> None:
    text = (make_screenshots.FOLDER / "journey.svg").read_text(encoding="utf-8")
    assert len(text.encode()) <= 400_000
    assert "<script" not in text
    assert "prefers-reduced-motion" in text
    assert text.count('class="frame ') == text.count("@keyframes") > 5
