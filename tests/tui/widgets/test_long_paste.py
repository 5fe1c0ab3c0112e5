"""A large recording is read on a thread: the form says so, can be used meanwhile, and remembers an `enter`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from gale_tui.core.batch import reader as pastes
from gale_tui.core.batch.reader import Paste
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.widgets.forms import pasting_fields
from gale_tui.tui.widgets.forms.fields import FieldInput
from tests.tui.stub_engine import FLOW, STAGING, TOOL, StubApp, StubEngine

URL = f"{STAGING.origin}/api/public/tools/{TOOL}/export?flowId={FLOW}"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Reading waits for it, as for a slow disk."""
    opened = threading.Event()

    def read(text: str) -> Paste:
        assert threading.current_thread() is not threading.main_thread()
        opened.wait(30)
        return pastes.read_paste(text)

    monkeypatch.setattr(pasting_fields, "read_paste", read)
    yield opened
    opened.set()


def recorded(folder: Path, *urls: str) -> str:
    """The path of a HAR file with those requests."""
    path = folder / "network.har"
    entries = [{"request": {"method": "POST", "url": url, "headers": []}} for url in urls]
    path.write_text(json.dumps({"log": {"entries": entries}}), "utf-8")
    return str(path)


def contents(path: str) -> str:
    return Path(path).read_text("utf-8")


class Reading:
    """The export form in an app of its own."""

    def __init__(self) -> None:
        self.engine = StubEngine()
        self.form = ExportForm()
        self.app = StubApp(self.engine, self.form)

    def said(self) -> str:
        return str(self.form.query_one("#said", Static).render())

    def text(self, input_id: str) -> str:
        return self.form.query_one(f"#{input_id}", FieldInput).value

    async def finish(self, pilot: Pilot[None]) -> None:
        await self.app.workers.wait_for_complete()
        await pilot.pause()


@pytest.mark.parametrize("way", ["path", "text"])
async def test_the_form_says_so_stays_usable_and_remembers_enter(
    gate: threading.Event, tmp_path: Path, way: str
) -> None:
    reading = Reading()
    path = recorded(tmp_path, *(f"{STAGING.origin}/static/{number}.js" for number in range(2000)), URL)
    pasted = path if way == "path" else contents(path)
    async with reading.app.run_test(size=(80, 24)) as pilot:
        reading.form.post_message(events.Paste(pasted))
        await pilot.pause()
        assert reading.said() == "Reading what was pasted …"
        reading.form.query_one("#label", FieldInput).focus()
        await pilot.press(*"mine")
        assert reading.text("label") == "mine"
        await pilot.press("enter")
        await pilot.press("ctrl+s")
        assert not reading.engine.exports
        gate.set()
        await reading.finish(pilot)
    assert [(each.tool_id, each.flow_id, each.label) for each in reading.engine.exports] == [(TOOL, FLOW, "mine")]


async def test_an_enter_meanwhile_sends_nothing_where_there_is_something_to_look_at(
    gate: threading.Event, tmp_path: Path
) -> None:
    reading = Reading()
    async with reading.app.run_test(size=(80, 24)) as pilot:
        reading.form.post_message(events.Paste(recorded(tmp_path, URL.replace(STAGING.origin.host, "else.kore.ai"))))
        await pilot.pause()
        await pilot.press("enter")
        gate.set()
        await reading.finish(pilot)
        assert "else.kore.ai, which has no environment here" in reading.said()
        assert reading.text("tool-id") == TOOL
    assert not reading.engine.exports


async def test_what_cannot_be_read_is_said(gate: threading.Event) -> None:
    gate.set()
    reading = Reading()
    async with reading.app.run_test(size=(80, 24)) as pilot:
        reading.form.post_message(events.Paste("/nonexistent/network.har"))
        await reading.finish(pilot)
        assert reading.said().startswith("/nonexistent/network.har cannot be read: No such file or directory.")
        assert reading.text("tool-id") == ""


async def test_going_back_meanwhile_takes_nothing(gate: threading.Event, tmp_path: Path) -> None:
    reading = Reading()
    async with reading.app.run_test(size=(80, 24)) as pilot:
        reading.form.post_message(events.Paste(recorded(tmp_path, URL)))
        await pilot.pause()
        await pilot.press("escape", "escape")
        await pilot.pause()
        gate.set()
        await reading.finish(pilot)
        assert reading.app.results == [None]
    assert not reading.engine.exports
