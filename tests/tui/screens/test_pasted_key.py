"""A key in a paste: told of, kept for its own host alone, and only where a person saves it."""

from __future__ import annotations

from dataclasses import replace

from textual import events
from textual.pilot import Pilot
from textual.widgets import Select, Static

from gale_tui.core.kinds import TOOL as TOOL_KIND
from gale_tui.core.models import Origin
from gale_tui.core.secret import Secret
from gale_tui.tui.screens.environments.environment_form import EnvironmentForm
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.widgets.forms.fields import FieldInput, TextField
from tests.tui.stub_engine import FLOW, KEY, LIVE, STAGING, TOOL, StubApp, StubEngine

DEV = Origin("https", "dev-agent-platform.kore.ai", 443)
COOKIE = "sid=cookie-of-nobody-1234567890"


def curl(origin: Origin, key: str = KEY) -> str:
    """The export request as a browser copies it, with a key in it."""
    return (
        f"curl '{origin}/api/public/tools/{TOOL}/export?flowId={FLOW}' \\\n  -X 'POST' \\\n"
        f"  -H 'x-api-key: {key}' \\\n  -H 'cookie: {COOKIE}'\n"
    )


class Pasted:
    """The export form in an app of its own."""

    def __init__(self, engine: StubEngine) -> None:
        self.engine = engine
        self.form = ExportForm()
        self.app = StubApp(engine, self.form)

    async def paste(self, pilot: Pilot[None], text: str) -> None:
        self.form.post_message(events.Paste(text))
        await self.settle(pilot)

    async def settle(self, pilot: Pilot[None]) -> None:
        await self.app.workers.wait_for_complete()
        await pilot.pause()

    def said(self) -> str:
        return str(self.app.screen.query_one("#said", Static).render())

    def text(self, input_id: str) -> str:
        return self.app.screen.query_one(f"#{input_id}", FieldInput).value

    def offered(self) -> bool:
        return bool(self.form.query_one("#open-environment").display)


async def test_an_unknown_host_is_added_with_its_key_and_chosen() -> None:
    pasted = Pasted(StubEngine())
    async with pasted.app.run_test(size=(80, 24)) as pilot:
        await pasted.paste(pilot, curl(DEV))
        assert (
            "dev-agent-platform.kore.ai, which has no environment here: F4 adds it, with the API key" in pasted.said()
        )
        assert "keys in it were left out." in pasted.said()
        assert pasted.offered()
        assert KEY not in pasted.app.export_screenshot()
        assert not pasted.engine.saved
        pasted.form.query_one("#open-environment").focus()
        for pressed in ("enter", "f4"):
            await pilot.press(pressed)
            await pasted.settle(pilot)
            assert pasted.app.shows(EnvironmentForm)
            assert (pasted.text("name"), pasted.text("host"), pasted.text("api-key")) == ("dev", DEV.display, KEY)
            assert KEY not in pasted.app.export_screenshot()
            assert not pasted.engine.saved
            if pressed == "enter":
                # Leaving it keeps nothing, and the offer stays.
                await pilot.press("escape")
                await pasted.settle(pilot)
                assert pasted.app.shows(ExportForm)
                assert pasted.offered()
                assert KEY not in repr(pasted.form.fields.offer)
                assert not pasted.engine.saved
        await pilot.press("enter")
        await pasted.settle(pilot)
        ((environment, previous, key, session_only),) = pasted.engine.saved
        assert (environment.name, environment.origin, previous, session_only) == ("dev", DEV, None, False)
        assert key == Secret(KEY)
        # Back where one was, everything filled, and the environment chosen.
        assert pasted.app.shows(ExportForm)
        assert (pasted.text("tool-id"), pasted.text("flow-id")) == (TOOL, FLOW)
        assert pasted.form.query_one("#environment", Select).value == environment.id
        assert "dev is saved" in pasted.said()
        assert not pasted.offered()
        assert pasted.form.fields.offer is None
        await pilot.press("enter")
        await pasted.settle(pilot)
    assert [(each.environment_id, each.tool_id) for each in pasted.engine.exports] == [(environment.id, TOOL)]


async def test_a_known_host_is_opened_with_the_key_to_be_saved() -> None:
    pasted = Pasted(StubEngine())
    async with pasted.app.run_test(size=(80, 24)) as pilot:
        await pasted.paste(pilot, curl(LIVE.origin))
        assert "F4 keeps its API key for live." in pasted.said()
        await pilot.press("f4")
        await pasted.settle(pilot)
        assert (pasted.text("name"), pasted.text("api-key")) == ("live", KEY)
        await pilot.press("ctrl+s")
        await pasted.settle(pilot)
    assert [(each[0].id, each[1], each[2]) for each in pasted.engine.saved] == [("live", LIVE, Secret(KEY))]


async def test_the_key_is_never_for_another_host() -> None:
    pasted = Pasted(StubEngine())
    async with pasted.app.run_test(size=(80, 24)) as pilot:
        await pasted.paste(pilot, curl(DEV))
        await pilot.press("f4")
        await pasted.settle(pilot)
        host = pasted.app.screen.query_one("#host", FieldInput)
        host.focus()
        host.value = "else.example.com"
        await pilot.pause()
        assert pasted.text("api-key") == ""
        assert "alone" in pasted.app.screen.query_one("#api-key-field", TextField).finding.text
        await pilot.press("ctrl+s")
        await pasted.settle(pilot)
        assert not pasted.engine.saved
        host.value = DEV.display
        await pilot.pause()
        assert pasted.text("api-key") == KEY
        # As long as the message about the host is under way, the field still holds the key.
        with host.prevent(FieldInput.Changed):
            host.value = "else.example.com"
        await pilot.press("ctrl+s")
        await pasted.settle(pilot)
        assert "belongs to dev-agent-platform.kore.ai alone" in pasted.said()
    assert not pasted.engine.saved


async def test_the_next_paste_and_closing_the_form_drop_the_key() -> None:
    pasted = Pasted(StubEngine())
    async with pasted.app.run_test(size=(80, 24)) as pilot:
        fields = pasted.form.fields
        await pasted.paste(pilot, curl(DEV))
        assert pasted.offered()
        await pasted.paste(pilot, f"{STAGING.origin}/api/public/tools/{TOOL}/export?flowId={FLOW}")
        assert fields.offer is None
        await pilot.press("f4")
        assert pasted.app.shows(ExportForm)
        assert "This is for a pasted request" in pasted.said()
        await pasted.paste(pilot, curl(DEV))
        assert pasted.offered()
        await pilot.press("escape")
        await pilot.pause()
        assert fields.offer is None
    assert not pasted.engine.saved


async def test_where_nothing_can_be_kept_nothing_is_offered() -> None:
    engine = StubEngine()
    pasted = Pasted(engine)

    async def refuses(text: str, case: str) -> None:
        pasted.form.fields.fill("", "", TOOL_KIND)
        pasted.form.fields.choose(engine.environments.current)
        await pasted.settle(pilot)
        assert pasted.said() == "", case
        await pasted.paste(pilot, text)
        assert "Cookies, tokens and keys in it were left out." in pasted.said(), case
        assert "F4" not in pasted.said(), case
        assert not pasted.offered(), case
        await pilot.press("f4")
        assert pasted.app.shows(ExportForm), case

    async with pasted.app.run_test(size=(80, 24)) as pilot:
        await refuses(curl(STAGING.origin).replace("x-api-key: ", "authorization: Bearer "), "a key of the console")
        engine.credentials.keys[STAGING.id] = Secret(KEY)
        await refuses(curl(STAGING.origin), "the key that is kept")
        engine.credentials.keys.clear()
        engine.demo = True
        await refuses(curl(DEV), "the demo")
        engine.demo = False
        engine.environments.all = (replace(STAGING, source="variables"),)
        await refuses(curl(STAGING.origin), "an environment of the variables")


async def test_without_any_environment_a_paste_makes_the_first_one() -> None:
    pasted = Pasted(StubEngine(environments=()))
    async with pasted.app.run_test(size=(80, 24)) as pilot:
        await pasted.paste(pilot, curl(DEV))
        await pilot.press("f4")
        await pasted.settle(pilot)
        await pilot.press("enter")
        await pasted.settle(pilot)
        await pilot.press("enter")
        await pasted.settle(pilot)
    assert [each.tool_id for each in pasted.engine.exports] == [TOOL]
