"""Fields: what a paste becomes, what is said while one types, and that a hidden text stays hidden."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from textual import events
from textual.app import App, ComposeResult

from gale_tui.core.identifiers import clean_id, clean_key
from gale_tui.tui import theme
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.checks import Finding, check_with, folder_finding, folder_of, tidy_id, tidy_line
from gale_tui.tui.widgets.forms.fields import TextField


class OneField(App[None]):
    """A field, another one to go to, and what was recognised."""

    def __init__(self, field: TextField, value: str = "") -> None:
        super().__init__()
        self.first_value = value
        theme.register(self)
        self.theme = theme.DARK
        self.field = field

    def compose(self) -> ComposeResult:
        yield self.field
        yield TextField("Other", "other")

    def on_mount(self) -> None:
        self.field.fill(self.first_value)
        self.field.input.focus()


def paste(field: TextField, text: str) -> None:
    """As the terminal hands a bracketed paste over."""
    field.input.post_message(events.Paste(text))


@pytest.mark.parametrize(
    ("pasted", "tidy"),
    [
        ("  a-1 ", "a-1"),
        ("“a-1”", "a-1"),
        ("':a-1'", "a-1"),
        (":a-1\u200b", "a-1"),
        ("a-\x1b[31m1", "a-[31m1"),
    ],
)
def test_a_pasted_id_is_tidied(pasted: str, tidy: str) -> None:
    assert tidy_id(pasted) == tidy


def test_a_pasted_line_keeps_its_colon() -> None:
    assert tidy_line(' ":x" ') == ":x"


async def test_a_paste_is_inserted_where_the_cursor_is() -> None:
    field = TextField("Tool ID", "tool", tidy=tidy_id)
    async with OneField(field, "ab").run_test() as pilot:
        field.input.cursor_position = 1
        paste(field, " :x ")
        await pilot.pause()
        assert field.value == "axb"


async def test_a_paste_replaces_what_is_selected() -> None:
    field = TextField("Tool ID", "tool")
    async with OneField(field, "old").run_test() as pilot:
        field.input.select_all()
        paste(field, "new\n")
        await pilot.pause()
        assert field.value == "new"


async def test_of_several_unknown_lines_the_first_is_taken_and_that_is_said() -> None:
    field = TextField("Tool ID", "tool")
    field.input.read_more = lambda text: False
    async with OneField(field).run_test() as pilot:
        paste(field, "\n first \nsecond\nthird")
        await pilot.pause()
        assert field.value == "first"
        assert field.finding == Finding("Only the first of 3 pasted lines was taken.", "warning")


async def test_what_is_recognised_sees_the_whole_paste_and_inserts_nothing() -> None:
    seen: list[str] = []
    field = TextField("Tool ID", "tool")

    def read(text: str) -> bool:
        seen.append(text)
        return True

    field.input.read_more = read
    app = OneField(field)
    async with app.run_test() as pilot:
        paste(field, "one\ntwo")
        await pilot.pause()
        assert seen == ["one\ntwo"]
        assert field.value == ""


async def test_ctrl_v_reads_the_whole_clipboard_too() -> None:
    seen: list[str] = []
    field = TextField("Tool ID", "tool")

    def read(text: str) -> bool:
        seen.append(text)
        return True

    field.input.read_more = read
    app = OneField(field)
    async with app.run_test() as pilot:
        app.copy_to_clipboard("one\ntwo")
        await pilot.press("ctrl+v")
        assert seen == ["one\ntwo"]


async def test_an_empty_paste_does_nothing() -> None:
    field = TextField("Tool ID", "tool")
    async with OneField(field, "kept").run_test() as pilot:
        paste(field, "")
        paste(field, "\n \n")
        await pilot.pause()
        assert field.value == "kept"


async def test_a_problem_is_said_while_typing_and_goes_with_it() -> None:
    field = TextField("Tool ID", "tool", check=check_with(clean_id), hint="The hint.", required="It is needed.")
    async with OneField(field).run_test() as pilot:
        assert field.finding == Finding()
        await pilot.press(*"a b")
        assert field.finding.level == "problem"
        assert field.has_class("-problem")
        await pilot.press("backspace", "backspace")
        assert field.finding == Finding()
        assert not field.has_class("-problem")
        await pilot.press("backspace")
        assert field.finding == Finding(), "an empty field is no problem while one types"
        assert not field.validate()
        assert field.finding == Finding("It is needed.", "problem")


async def test_what_was_found_elsewhere_goes_with_the_next_key() -> None:
    field = TextField("Tool ID", "tool", check=check_with(clean_id))
    async with OneField(field, "a-1").run_test() as pilot:
        field.say(Finding("GALE refused this.", "problem"))
        assert field.has_class("-problem")
        await pilot.press("2")
        assert field.finding == Finding()


async def test_arrows_go_from_field_to_field() -> None:
    field = TextField("Tool ID", "tool")
    app = OneField(field)
    async with app.run_test() as pilot:
        await pilot.press("down")
        assert app.focused is not None
        assert app.focused.id == "other"
        await pilot.press("up")
        assert app.focused is field.input


async def test_the_cursor_does_not_blink() -> None:
    field = TextField("Tool ID", "tool")
    async with OneField(field).run_test():
        assert not field.input.cursor_blink


async def test_a_hidden_text_is_neither_drawn_nor_copied() -> None:
    field = TextField("API key", "key", secret=True, check=check_with(clean_key))
    app = OneField(field)
    async with app.run_test() as pilot:
        paste(field, "kg-test-key-0000\n")
        await pilot.pause()
        assert field.value == "kg-test-key-0000"
        app.copy_to_clipboard("before")
        field.input.select_all()
        await pilot.press("ctrl+c")
        assert app.clipboard == "before"
        assert "kg-test" not in app.export_screenshot()
        await pilot.press("ctrl+x")
        assert app.clipboard == "before"
        assert field.value == ""


async def test_a_tick_can_be_read_without_colour() -> None:
    tick = FormCheckbox("Production", True)

    class OneTick(App[None]):
        def compose(self) -> ComposeResult:
            yield tick

    async with OneTick().run_test() as pilot:
        assert tick.render().plain == "[x] Production "
        tick.focus()
        await pilot.press("enter")
        assert tick.render().plain == "[ ] Production "


def test_a_folder_that_is_there_is_fine(tmp_path: Path) -> None:
    assert folder_finding(str(tmp_path)) == Finding()


def test_a_folder_that_is_not_there_yet_is_no_problem(tmp_path: Path) -> None:
    finding = folder_finding(str(tmp_path / "a" / "b"))
    assert finding.level == "note"
    assert "ill be created" in finding.text


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert folder_finding(str(tmp_path / "file")).level == "problem"
    assert folder_finding(str(tmp_path / "file" / "below")).level == "problem"


def test_the_home_is_known_and_needs_no_words(own_home: Path) -> None:
    own_home.mkdir()
    assert folder_of("~") == own_home
    assert folder_finding("~") == Finding("")


def test_what_cannot_be_a_path_is_a_problem() -> None:
    assert folder_finding("a\0b").level == "problem"
    assert folder_finding("~nobody-of-that-name/x").level == "problem"
    assert folder_finding("/" + "x" * 5000).level == "problem"


async def test_a_slow_check_does_not_hold_up_typing(tmp_path: Path) -> None:
    reader, writer = os.pipe()

    def check(text: str) -> Finding:
        os.read(reader, 1)
        return Finding(f"checked {text}", "problem")

    field = TextField("Folder", "folder", check=check, slow=True)
    app = OneField(field)
    async with app.run_test() as pilot:
        await pilot.press("x")
        assert field.finding == Finding(), "the check is still waiting for its byte"
        os.write(writer, b".")
        await app.workers.wait_for_complete()
        assert field.finding == Finding("checked x", "problem")
        os.write(writer, b"..")
        await pilot.press("y")
        assert not await field.validate_fully()
        assert field.finding.text == "checked xy"
    os.close(reader)
    os.close(writer)


def test_a_full_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = type(shutil.disk_usage(tmp_path))(1 << 30, 1 << 30, 0)
    monkeypatch.setattr("shutil.disk_usage", lambda _: full)
    finding = folder_finding(str(tmp_path))
    assert finding.level == "problem"
    assert "No space left" in finding.text
