"""From a request on the clipboard to a verified file in three actions: n, paste, enter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events

from gale_tui.core.archive.verify_zip import verify_zip
from gale_tui.core.models import DownloadState
from gale_tui.sandbox.script import Script
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.widgets.forms.fields import FieldInput
from tests.support.sandbox import Sandbox
from tests.tui.real_app import until
from tests.tui.saved_jobs import running, sandboxed

COOKIE = "sid=cookie-of-nobody-1234567890"
BEARER = "token-of-nobody-1234567890"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    yield from sandboxed()


def copied(way: str, sandbox: Sandbox, folder: Path) -> str:
    """The Export request of the second offered tool, as a browser copies it."""
    tool = sandbox.offered[1]
    url = f"{sandbox.url}/api/1.1/builder/tools/{tool.tool_id}/export?callflowId={tool.flow_id}&x=1"
    headers = {"accept": "*/*", "cookie": COOKIE, "authorization": f"Bearer {BEARER}"}
    if way == "address":
        return f"{url}\n"
    if way == "curl":
        options = " \\\n".join(f"  -H '{name}: {value}'" for name, value in headers.items())
        return (
            f"curl '{url}' \\\n  -X 'POST' \\\n{options} \\\n  --data-raw $'{{\"a\":\"it\\'s\"}}' \\\n  --compressed\n"
        )
    if way == "fetch":
        return f"fetch({json.dumps(url)}, {json.dumps({'headers': headers, 'method': 'POST'}, indent=2)});"
    listed = [{"name": name, "value": value} for name, value in headers.items()]
    entries = [{"request": {"method": "POST", "url": each, "headers": listed}} for each in (f"{sandbox.url}/me", url)]
    path = folder / "recorded.har"
    path.write_text(json.dumps({"log": {"entries": entries}}, indent=2), "utf-8")
    return str(path)


@pytest.mark.parametrize("way", ["address", "curl", "fetch", "har"])
async def test_n_paste_enter_saves_a_verified_file(tmp_path: Path, sandbox: Sandbox, way: str) -> None:
    tool = sandbox.offered[1]
    sandbox.script(tool.tool_id, Script(duration=0.1))
    async with running(tmp_path, sandbox) as (app, pilot, engine):
        text = copied(way, sandbox, tmp_path)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, ExportForm))
        app.post_message(events.Paste(text))
        await until(pilot, lambda: app.screen.query_one("#tool-id", FieldInput).value == tool.tool_id)
        picture = app.export_screenshot()
        assert COOKIE not in picture
        assert BEARER not in picture
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))
        await until(pilot, lambda: [job.download.state for job in engine.jobs.values()] == [DownloadState.SAVED])
        (job,) = engine.jobs.values()
        assert (job.tool_id, job.flow_id) == (tool.tool_id, tool.flow_id)
        assert job.download.path is not None
        assert len(verify_zip(job.download.path)) == 3

    kept = [path.read_bytes() for path in (tmp_path / "demo").rglob("*") if path.is_file()]
    assert kept
    assert not any(word.encode() in content for content in kept for word in (COOKIE, BEARER))


async def test_a_request_that_is_no_export_leaves_the_fields_alone(tmp_path: Path, sandbox: Sandbox) -> None:
    async with running(tmp_path, sandbox) as (app, pilot, _):
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, ExportForm))
        app.post_message(events.Paste(f"curl '{sandbox.url}/api/me' \\\n  -H 'cookie: {COOKIE}'"))
        await until(pilot, lambda: "contains no export" in str(app.screen.query_one("#said").render()))
        assert app.screen.query_one("#tool-id", FieldInput).value == ""
        assert COOKIE not in app.export_screenshot()
        app.post_message(events.Paste(sandbox.key))
        await until(pilot, lambda: "This is an API key" in str(app.screen.query_one("#said").render()))
        assert app.screen.query_one("#tool-id", FieldInput).value == ""
