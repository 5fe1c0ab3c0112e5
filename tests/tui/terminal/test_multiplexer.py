"""What is packed so that tmux and GNU screen hand it on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual import events

from gale_tui.core.config.settings import Settings
from gale_tui.tui import app as app_module
from gale_tui.tui.terminal.multiplexer import CHUNK, Multiplexer, find_multiplexer, wrap_sequence
from gale_tui.tui.terminal.notifications import RESTORE_TITLE, Notifier
from tests.tui.demo_app import demo_app
from tests.tui.real_app import until


@pytest.mark.parametrize(
    ("environ", "which"),
    [
        ({}, ""),
        ({"TERM": "screen-256color"}, ""),
        ({"STY": "1.tty", "TERM": "screen"}, "screen"),
        ({"TMUX": "/run/tmux/default,1,0", "TERM": "tmux-256color"}, "tmux"),
        ({"STY": "1.tty", "TMUX": "/run/tmux/default,1,0", "TERM": "tmux-256color"}, "tmux"),
        ({"STY": "1.tty", "TMUX": "/run/tmux/default,1,0", "TERM": "screen.tmux-256color"}, "screen"),
    ],
)
def test_which_one_it_is(environ: dict[str, str], which: Multiplexer) -> None:
    assert find_multiplexer(environ) == which


def test_without_either_a_sequence_goes_as_it_is() -> None:
    assert wrap_sequence("\x1b]52;c;YQ==\x07", "") == "\x1b]52;c;YQ==\x07"


def test_tmux_gets_it_for_itself_and_for_the_terminal() -> None:
    assert wrap_sequence("\x1b]52;c;YQ==\x07", "tmux") == "\x1b]52;c;YQ==\x07\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\"


def test_screen_gets_it_in_pieces_that_it_has_room_for() -> None:
    sequence = f"\x1b]52;c;{'QUJD' * 500}\x07"
    packed = wrap_sequence(sequence, "screen")
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", packed, re.DOTALL)
    assert "".join(pieces) == sequence
    assert "".join(f"\x1bP{piece}\x1b\\" for piece in pieces) == packed
    assert max(map(len, pieces)) <= CHUNK


def test_in_screen_the_title_is_given_up_as_screen_knows_it() -> None:
    for within, end in (("screen", "\x1b]2;\x1b\\"), ("tmux", RESTORE_TITLE), ("", RESTORE_TITLE)):
        written: list[str] = []
        notifier = Notifier(written.append, Settings, lambda: True, within)  # type: ignore[arg-type]  # of the three
        notifier.show_running(1)
        notifier.close()
        assert written[-1] == end


def test_a_desktop_notification_is_packed() -> None:
    written: list[str] = []
    notifier = Notifier(written.append, lambda: Settings(notifications="desktop"), lambda: False, "screen")
    notifier.notify("Leave Bot: saved")
    assert written == [
        "\x1bP\x1b]9;gale-tui: Leave Bot: saved\x07\x1b\\\x1bP\x1b]777;notify;gale-tui;Leave Bot: saved\x07\x1b\\"
    ]


async def test_who_pressed_a_key_just_now_looks_where_nobody_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with demo_app(tmp_path / "demo") as (app, pilot):
        assert app._is_watched(), "outside of a multiplexer the terminal would tell"
        app.multiplexer, app._focus_reported = "tmux", False
        await pilot.press("j")
        assert app._is_watched()
        monkeypatch.setattr(app_module, "WATCHED_SECONDS", 0.0)
        assert not app._is_watched()
        app.post_message(events.AppFocus())
        await until(pilot, app._is_watched)
        app.post_message(events.AppBlur())
        await until(pilot, lambda: not app._is_watched())
