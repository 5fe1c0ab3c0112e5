"""Inside GNU screen and tmux, the real ones: what reaches the terminal that they run in."""

from __future__ import annotations

import base64
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import GALE_TUI, PtyProgram, environ_for, wait_until
from tests.support.needs import needs

OSC52 = re.compile(rb"\x1b\]52;[^;]*;([A-Za-z0-9+/=]+)(?:\x07|\x1b\\)")
SAVED = re.compile(r"SUCCESS .*saved +\d")
TRUECOLOUR = re.compile(rb"[34]8;2;")


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="g-") as folder:
        Path(folder).chmod(0o700)
        yield Path(folder)


def use(program: PtyProgram) -> None:
    """A walk through the program that ends with a copied id."""
    program.wait_for("No exports yet")
    program.write(b"n")
    program.wait_for("Tool ID")
    program.write(b"\r")
    program.wait_for(SAVED)
    program.write(b"\x1bOP")
    program.wait_for("Help: Export jobs")
    # Alone, with nothing behind it.
    program.write(b"\x1b")
    program.wait_gone("Help: Export jobs")
    program.write(b"y")
    program.wait_for("Copy: Banking Assistant")
    program.write(b"\r")


def copied(program: PtyProgram) -> str:
    """What the terminal is given for its clipboard."""
    wait_until(lambda: OSC52.search(program.raw), "nothing reached the clipboard")
    match = OSC52.search(program.raw)
    assert match is not None
    return base64.b64decode(match[1]).decode()


def test_in_screen_esc_works_alone_and_a_copy_reaches_the_terminal(tmp_path: Path, sockets: Path) -> None:
    needs("screen")
    environ = environ_for(tmp_path / "account", SCREENDIR=str(sockets), COLORTERM="truecolor", TERM="xterm-256color")
    argv = [str(shutil.which("screen")), "-U", "-c", "/dev/null", *GALE_TUI, "--demo", "--keep", str(tmp_path / "demo")]
    with PtyProgram(argv, environ) as program:
        use(program)
        assert copied(program).startswith("ds-")
        assert b"\x1b]2;gale-tui" in program.raw
        # Screen 4 takes the parts of such a colour for blinking and the like.
        assert not TRUECOLOUR.search(program.raw)
        assert b"\x1b[5m" not in program.raw
        program.write(b"\x1bOR")
        program.wait_for("Inside screen")
        program.write(b"q")
        assert program.exit_code() == 0


@pytest.mark.parametrize("option", ["set-clipboard on", "allow-passthrough on"])
def test_in_tmux_a_copy_reaches_the_terminal_where_either_option_lets_it(
    tmp_path: Path, sockets: Path, option: str
) -> None:
    needs("tmux")
    config = sockets / "tmux.conf"
    config.write_text(f"set -g {option}\n", "utf-8")
    environ = environ_for(tmp_path / "account", TMUX_TMPDIR=str(sockets), TERM="xterm-256color")
    argv = [str(shutil.which("tmux")), "-L", "x", "-f", str(config), "new-session"]
    with PtyProgram([*argv, *GALE_TUI, "--demo", "--keep", str(tmp_path / "demo")], environ) as program:
        use(program)
        assert copied(program).startswith("ds-")
        program.write(b"q")
        assert program.exit_code() == 0
