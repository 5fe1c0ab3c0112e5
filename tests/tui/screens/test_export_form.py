"""The export form: what its keys do, what a paste fills in, and that one press is one request."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual._compositor import Compositor
from textual.pilot import Pilot
from textual.widgets import Button, Select, Static

from gale_tui.core.config.settings import Settings
from gale_tui.core.errors import (
    AuthenticationError,
    BadRequestError,
    ForbiddenError,
    GaleError,
    NameNotFoundError,
    NotFoundError,
)
from gale_tui.core.kinds import MODEL, WORKFLOW
from gale_tui.core.kinds import TOOL as TOOL_KIND
from gale_tui.core.models import Environment, ExportRequest, Job, Origin, ToolChoice
from gale_tui.tui.screens.dialogs import ConfirmDialog, KeyDialog
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.export_fields import ExportFields
from gale_tui.tui.widgets.forms.fields import FieldInput, TextField
from gale_tui.tui.widgets.forms.suggestions import Suggestions
from tests.tui.stub_engine import FLOW, KEY, LIVE, STAGING, TOOL, StubApp, StubEngine, a_job

BANKING = ToolChoice(TOOL, FLOW, "Banking Assistant", "fast")
LEAVE = ToolChoice("a-22222222-0000", "cf-22222222-0000", "Leave Bot", "slow")


class Form:
    """The form in an app of its own, and short words for its parts."""

    def __init__(self, engine: StubEngine, again: Job | None = None) -> None:
        self.engine = engine
        self.screen = ExportForm(again=again)
        self.app = StubApp(engine, self.screen)

    def text(self, input_id: str) -> str:
        return self.screen.query_one(f"#{input_id}-field", TextField).value

    def finding(self, input_id: str) -> str:
        return self.screen.query_one(f"#{input_id}-field", TextField).finding.text

    @property
    def suggestions(self) -> Suggestions:
        return self.screen.query_one(Suggestions)

    def chosen(self) -> ToolChoice | None:
        return self.suggestions.chosen

    @property
    def on_top(self) -> bool:
        """Whether the form is what is seen."""
        return self.app.screen is self.screen

    @property
    def focus(self) -> str | None:
        return self.app.focused.id if self.app.focused is not None else None

    def said(self) -> str:
        return str(self.screen.query_one("#said", Static).render())

    def shown(self, widget_id: str) -> str:
        return str(self.screen.query_one(f"#{widget_id}", Static).render())


@pytest.fixture
def engine(tmp_path: Path) -> StubEngine:
    return StubEngine(folder=tmp_path)


async def fill(form: Form, pilot: Pilot[None], tool_id: str = TOOL, flow_id: str = FLOW) -> None:
    """Pastes both ids; the Flow ID has the focus afterwards."""
    form.screen.query_one("#tool-id", FieldInput).take_paste(tool_id)
    await pilot.press("tab")
    form.screen.query_one("#flow-id", FieldInput).take_paste(flow_id)
    await pilot.pause()


async def finish(pilot: Pilot[None]) -> None:
    """Waits until nothing is under way."""
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def requests(engine: StubEngine) -> list[tuple[str, str]]:
    return [(each.tool_id, each.flow_id) for each in engine.exports]


# Keys


async def test_ids_typed_with_tab_between_them_and_enter_are_one_request(engine: StubEngine) -> None:
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        assert form.focus == "tool-id"
        await pilot.press(*TOOL[:12], "tab", *FLOW[:12], "enter")
        await finish(pilot)
    assert engine.exports == [
        ExportRequest(STAGING.id, TOOL[:12], FLOW[:12], label="", folder=engine.folder, save_when_ready=True)
    ]
    assert [job.id for job in form.app.results if isinstance(job, Job)] == ["job-1"]


async def test_a_typed_letter_lays_nothing_out_but_a_line_that_grows_does(
    engine: StubEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts = 0
    reflow = Compositor.reflow

    def count(compositor: Compositor, *arguments: Any) -> Any:
        nonlocal layouts
        layouts += 1
        return reflow(compositor, *arguments)

    monkeypatch.setattr(Compositor, "reflow", count)
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        lines = list(form.screen.query(Static).results(Static))
        heights = {line: line.size.height for line in lines}
        layouts = 0
        await pilot.press(*TOOL[:20])
        assert layouts < 5
        await fill(form, pilot, "-and no id at all" * 3)
        assert form.screen.query_one("#curl").size.height > heights[form.screen.query_one("#curl", Static)]
        for line in lines:
            if line.size.width:
                assert line.size.height >= line.visual.get_height(line.styles.get_rules(), line.content_size.width)


async def test_enter_goes_to_the_required_field_that_is_empty_and_then_submits(engine: StubEngine) -> None:
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("tab", *"cf", "enter")
        assert form.focus == "tool-id"
        await pilot.press("enter")
        assert form.focus == "tool-id"
        assert "needed" in form.finding("tool-id")
        assert not engine.exports
        form.screen.query_one("#flow-id", FieldInput).value = ""
        await pilot.press(*"a-1", "enter")
        assert form.focus == "flow-id"
        assert not engine.exports
        await pilot.press(*"cf", "tab", "tab", *"my bot", "enter")
        await finish(pilot)
    assert [(each.tool_id, each.label) for each in engine.exports] == [("a-1", "my bot")]


async def test_enter_elsewhere_does_what_the_widget_does(engine: StubEngine) -> None:
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        await pilot.press("tab", "enter")
        assert form.screen.query_one("#environment", Select).expanded
        await pilot.press("escape")
        form.screen.query_one("#save-when-ready").focus()
        await pilot.press("enter")
        assert not form.screen.query_one("#save-when-ready", FormCheckbox).value
        assert not engine.exports
        form.screen.query_one("#submit").focus()
        await pilot.press("enter")
        await finish(pilot)
    assert [each.save_when_ready for each in engine.exports] == [False]
    assert engine.setting_changes == {"save_when_ready": False}, "remembered for the next time"


async def test_a_click_submits_and_no_folder_means_the_usual_one(engine: StubEngine) -> None:
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        await pilot.press("tab", "tab", "tab", "ctrl+u")
        await pilot.click("#submit")
        await finish(pilot)
    assert requests(engine) == [(TOOL, FLOW)]
    assert [each.folder for each in engine.exports] == [None]


async def test_escape_leaves_without_a_request(engine: StubEngine) -> None:
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        await pilot.press("escape")
    assert form.app.results == [None]
    assert not engine.exports


async def test_tab_goes_from_one_to_the_next_and_whatever_has_the_focus_is_in_sight(engine: StubEngine) -> None:
    form = Form(engine)
    engine.error = NotFoundError("No such tool " * 8, "Look again " * 8, status=404, from_gale=True)
    seen: dict[tuple[int, int], list[str | None]] = {}
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        for size in ((80, 24), (100, 30), (140, 40), (60, 16)):
            await pilot.resize_terminal(*size)
            form.screen.query_one("#label").focus()
            await pilot.press("enter")
            await finish(pilot)
            seen[size] = []
            for _ in range(9):
                await pilot.pause()
                focused = form.app.focused
                assert focused is not None
                seen[size].append(focused.id)
                assert form.screen.size == size
                assert form.screen.region.contains_region(focused.region), (focused.id, size)
                shown, _clip = form.screen.get_widget_at(*focused.region.offset)
                assert focused in (shown, *shown.ancestors), f"{focused.id} is covered at {size}"
                await pilot.press("tab")
    order = ["tool-id", "flow-id", "environment", "label", "folder", "save-when-ready", "kind", "submit", "cancel"]
    assert seen == dict.fromkeys(seen, order)


# One press is one request


async def test_nothing_is_taken_while_gale_is_asked(engine: StubEngine) -> None:
    engine.gate = asyncio.Event()
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        await pilot.press("enter", "enter", "ctrl+s")
        await pilot.pause()
        assert form.said() == "Waiting for GALE …"
        await pilot.press("x", "enter", "ctrl+s")
        assert form.text("tool-id") == TOOL
        assert len(engine.exports) == 1
        engine.gate.set()
        await finish(pilot)
    assert len(engine.exports) == 1
    assert len(form.app.results) == 1


async def test_going_back_while_gale_is_asked_stops_nothing(engine: StubEngine) -> None:
    engine.gate = asyncio.Event()
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("escape")
        assert form.app.results == [None]
        engine.gate.set()
        await finish(pilot)
        assert len(engine.exports) == 1
        assert not form.app._notifications


async def test_a_refusal_after_going_back_is_a_notification(engine: StubEngine) -> None:
    engine.gate = asyncio.Event()
    engine.error = NotFoundError("GALE knows no tool [b]a-1[/b]", "Look again", status=404, from_gale=True)
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("escape")
        engine.gate.set()
        await finish(pilot)
        notes = list(form.app._notifications)
        assert [note.message for note in notes] == ["GALE knows no tool [b]a-1[/b]. Look again."]
        assert not notes[0].markup


async def test_a_job_that_came_behind_another_screen_closes_the_form_later(engine: StubEngine) -> None:
    engine.gate = asyncio.Event()
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        await pilot.press("enter")
        await pilot.pause()
        await form.app.push_screen(ConfirmDialog("Over it", "?"))
        engine.gate.set()
        await finish(pilot)
        assert not form.app.results
        await pilot.press("escape")
        await finish(pilot)
        assert len(form.app.results) == 1


# What can go wrong


REFUSALS: list[tuple[GaleError, str]] = [
    (NotFoundError("No such tool", "Check the id", status=404, from_gale=True), "tool-id"),
    (NotFoundError("No such flow", "", status=404, from_gale=True, detail="Flow not found"), "flow-id"),
    (NotFoundError("This is no GALE", "Check the host", status=404), "environment"),
    (BadRequestError("flowId is wrong", "", status=400, from_gale=True, detail="invalid flowId"), "flow-id"),
    (ForbiddenError("The key may not export", "Ask an admin", status=403), "environment"),
    (AuthenticationError("The key is refused", "Enter a current one", status=401), "give-key"),
    (NameNotFoundError("The host is not known", "Check the network"), "submit"),
]
"""A refusal, and what has the focus after it."""


async def test_a_refusal_stays_in_the_form_and_the_next_press_is_a_request_again(engine: StubEngine) -> None:
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        for number, (error, focus) in enumerate(REFUSALS, 1):
            engine.error = error
            # No refusal moves the focus here.
            form.screen.query_one("#label").focus()
            await pilot.press("enter")
            await finish(pilot)
            assert form.on_top
            assert form.said() == str(error)
            assert (form.focus, str(error)) == (focus, str(error))
            assert (form.text("tool-id"), form.text("flow-id")) == (TOOL, FLOW)
            assert len(engine.exports) == number
            assert not form.app.results
        engine.error = None
        form.screen.query_one("#submit").focus()
        await pilot.press("enter")
        await finish(pilot)
    assert requests(engine) == [(TOOL, FLOW)] * (len(REFUSALS) + 1)
    assert len(form.app.results) == 1


async def test_after_a_401_a_key_can_be_entered_and_the_export_goes_on(engine: StubEngine) -> None:
    engine.error = AuthenticationError("The key is refused", "Enter a current one", status=401)
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        await pilot.press("enter")
        await finish(pilot)
        engine.error = None
        await pilot.press("enter")
        await pilot.pause()
        assert form.app.shows(KeyDialog)
        form.app.screen.query_one("#api-key", FieldInput).take_paste(KEY)
        await pilot.press("enter")
        await finish(pilot)
        assert [key.reveal() for _, key, _ in engine.provided] == [KEY]
        assert form.focus == "submit"
        await pilot.press("enter")
        await finish(pilot)
    assert len(engine.exports) == 2


async def test_a_key_of_the_variables_is_not_asked_for(engine: StubEngine) -> None:
    engine.environments.all = (Environment("env", "env", Origin("https", "gale.kore.ai", 443), source="variables"),)
    engine.error = AuthenticationError("The key is refused", "Enter a current one", status=401)
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        await pilot.press("enter")
        await finish(pilot)
        assert not form.screen.query_one("#give-key", Button).display
        assert form.focus == "submit"


async def test_an_impossible_id_and_a_folder_that_cannot_be_used_are_not_sent_and_an_odd_id_is(
    engine: StubEngine, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    engine.folder = tmp_path / "file"
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot, "a 1", "cf-1")
        await pilot.press("enter")
        await finish(pilot)
        assert form.focus == "tool-id"
        assert "spaces" in form.finding("tool-id")
        assert not engine.exports
        await pilot.press("ctrl+u", *"odd", "enter")
        await finish(pilot)
        assert form.focus == "folder"
        assert "is a file" in form.finding("folder")
        assert not engine.exports
        await pilot.press("end", *"2", "enter")
        await finish(pilot)
    assert requests(engine) == [("odd", "cf-1")]
    assert [each.folder for each in engine.exports] == [tmp_path / "file2"]


async def test_without_an_environment_the_form_says_what_to_do(engine: StubEngine) -> None:
    engine.environments.all = ()
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        assert "No environment" in form.said()
        await fill(form, pilot)
        await pilot.press("enter")
        await finish(pilot)
    assert not engine.exports


# Production


async def test_the_environment_can_be_changed_and_production_is_confirmed_by_name_with_cancel_focused(
    engine: StubEngine,
) -> None:
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await fill(form, pilot)
        await finish(pilot)
        assert STAGING.origin.display in form.shown("curl")
        await pilot.press("tab", "enter", "down", "enter")
        await finish(pilot)
        assert LIVE.origin.display in form.shown("curl")
        assert LIVE.origin.display in form.shown("environment-line")
        assert form.screen.query_one("#panel").has_class("-production")
        form.screen.query_one("#label").focus()
        await pilot.press("enter")
        await pilot.pause()
        assert form.app.shows(ConfirmDialog)
        question = str(form.app.screen.query_one("#question", Static).render())
        assert TOOL in question
        assert "PROD" in question
        assert "live" in question
        assert form.focus == "cancel"
        await pilot.press("enter")
        await finish(pilot)
        assert not engine.exports
        assert form.on_top
        assert form.focus == "submit"
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("tab", "enter")
        await finish(pilot)
    assert [each.environment_id for each in engine.exports] == [LIVE.id]


# Suggestions


async def test_in_the_demo_one_enter_exports_the_offered_tool(engine: StubEngine) -> None:
    engine.demo, engine.choices = True, [BANKING, LEAVE]
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        assert form.chosen() == BANKING
        await pilot.press("enter")
        await finish(pilot)
    assert requests(engine) == [(BANKING.tool_id, BANKING.flow_id)]


async def test_in_the_demo_another_tool_is_chosen_with_the_arrows(engine: StubEngine) -> None:
    engine.demo, engine.choices = True, [BANKING, LEAVE]
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "enter")
        await finish(pilot)
    assert requests(engine) == [(LEAVE.tool_id, LEAVE.flow_id)]


async def test_elsewhere_the_first_enter_fills_both_ids_and_the_second_exports(engine: StubEngine) -> None:
    engine.choices = [BANKING, LEAVE]
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await finish(pilot)
        assert (form.text("tool-id"), form.text("flow-id")) == (BANKING.tool_id, BANKING.flow_id)
        assert BANKING.flow_id in form.shown("curl").replace("\n", "")
        assert not form.suggestions.open
        assert not engine.exports
        await pilot.press("enter")
        await finish(pilot)
    assert requests(engine) == [(BANKING.tool_id, BANKING.flow_id)]


async def test_a_typed_id_is_never_replaced_by_a_suggestion(engine: StubEngine) -> None:
    same, longer = ToolChoice("a-1", "cf-1", "Same"), ToolChoice("a-12", "cf-12", "Longer")
    cases = [(demo, "a-1", choices) for demo in (False, True) for choices in ([same], [longer], [])]
    cases.append((False, "leave", [ToolChoice("leave-77", "cf-1", "Leave Bot"), LEAVE]))
    # The form stays for the next case.
    engine.error = NameNotFoundError("The host is not known", "Check the network")
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        tool, flow = (form.screen.query_one(f"#{each}-id", FieldInput) for each in ("tool", "flow"))
        for demo, typed, choices in cases:
            engine.demo, engine.choices = demo, choices
            form.screen.fields.choose(STAGING)
            tool.focus()
            tool.value = flow.value = ""
            await pilot.pause()
            await pilot.press(typed[0])
            assert form.suggestions.open == bool(choices)
            await pilot.press(*typed[1:], "enter")
            assert form.focus == "flow-id", (demo, choices)
            assert form.text("tool-id") == typed, (demo, choices)
            flow.value = "cf"
            await pilot.press("enter")
            await finish(pilot)
    assert requests(engine) == [(typed, "cf") for _, typed, _ in cases]


async def test_suggestions_filter_by_id_title_and_note_and_enter_behind_the_beginning_of_a_name_takes_that_tool(
    engine: StubEngine,
) -> None:
    engine.choices = [BANKING, LEAVE]
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        field = form.screen.query_one("#tool-id", FieldInput)
        for text, found in (("leave", 1), ("A-2222", 1), ("slow", 1), ("a", 2), ("nothing", 0)):
            field.value = text
            await pilot.pause()
            assert form.suggestions.option_count == found or not form.suggestions.open, text
            assert form.suggestions.open == bool(found)
            marked = LEAVE if text == "leave" else None
            assert form.chosen() == marked, "only a name is marked before the user moves there"
        field.value = "slow"
        await pilot.press("down")
        assert form.chosen() == LEAVE
        await pilot.press("up")
        assert form.chosen() is None
        await pilot.press("down", "enter")
        assert form.text("tool-id") == LEAVE.tool_id
        form.screen.query_one("#flow-id", FieldInput).value = ""
        await pilot.press("ctrl+u", *"bot", "enter")
        assert (form.text("tool-id"), form.text("flow-id")) == (LEAVE.tool_id, LEAVE.flow_id)


async def test_tab_leaves_the_list_and_escape_closes_it_first(engine: StubEngine) -> None:
    engine.choices = [BANKING]
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        opened = form.suggestions.open
        assert opened
        await pilot.press("tab")
        opened = form.suggestions.open
        assert not opened
        assert form.text("tool-id") == ""
        await pilot.press("shift+tab", "B")
        opened = form.suggestions.open
        assert opened
        await pilot.press("escape")
        assert not form.suggestions.open
        assert form.on_top
        await pilot.press("enter")
        assert form.focus == "flow-id", "with the list closed enter does not take anything"
        await pilot.press("escape")
    assert form.app.results == [None]


async def test_a_click_takes_a_tool(engine: StubEngine) -> None:
    engine.choices = [BANKING, LEAVE]
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.click(Suggestions, offset=(5, 2))
        await pilot.pause()
        assert form.text("tool-id") == LEAVE.tool_id
        assert form.text("flow-id") == LEAVE.flow_id
        assert form.focus == "tool-id"
        await pilot.press("enter")
        await finish(pilot)
    assert requests(engine) == [(LEAVE.tool_id, LEAVE.flow_id)]


async def test_a_new_form_has_the_switch_as_it_was_left_and_shows_what_the_server_called_a_tool_inert(
    engine: StubEngine,
) -> None:
    engine.settings = Settings(save_when_ready=False)
    engine.choices = [ToolChoice("a-1", "cf-1", "[red]\x1b]0;x\x07\u202eBot", "[/]")]
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)):
        assert not form.screen.query_one("#save-when-ready", FormCheckbox).value
        shown = str(form.suggestions.get_option_at_index(0).prompt)
        assert shown.startswith("[red]␛]0;x␇‹U+202E›")


# Exporting again


async def test_again_fills_the_form_and_enter_exports(engine: StubEngine, tmp_path: Path) -> None:
    engine.choices = [BANKING]
    job = a_job(ExportRequest(LIVE.id, "a-1", "cf-1"))
    form = Form(engine, again=job)
    async with form.app.run_test(size=(80, 24)) as pilot:
        assert (form.text("tool-id"), form.text("flow-id")) == ("a-1", "cf-1")
        assert form.screen.query_one("#environment", Select).value == LIVE.id
        assert not form.suggestions.open
        await pilot.press("enter")
        await pilot.pause()
        assert form.app.shows(ConfirmDialog)


# Pasting


SAMPLE = f"""curl --location --request POST 'https://{STAGING.origin.display}/api/public/tools/{TOOL}/export' \\
--header 'x-api-key: {KEY}' \\
--header 'Content-Type: application/json'
"""


PASTES = [
    (
        f"https://gale.kore.ai/api/public/tools/:{TOOL}/export?flowId={FLOW}",
        (TOOL, FLOW, "live"),
        "Tool ID and Flow ID. The environment is live now, where it was sent.",
    ),
    (
        'fetch("https://h.kore.ai:8443/api/public/tools/a%2D1/export?x=1&flowId=cf%2D1", {})',
        ("a-1", "cf-1", Select.NULL),
        "It was sent to h.kore.ai:8443, which has no environment here: F4 adds it.",
    ),
    (
        "https://gale.kore.ai/api/public/workflows/w-1/export?flowId=x",
        ("w-1", "x", "live"),
        "Taken from the paste: Workflow ID and Flow ID.",
    ),
    ("a-1\tcf-1\n", ("a-1", "cf-1", "staging"), "Taken from the paste: Tool ID and Flow ID."),
    ("a-1 x\tcf-1\n", ("a-1 xcf-1", "", "staging"), ""),
    (TOOL, (TOOL, "", "staging"), ""),
    (SAMPLE, (TOOL, "", "staging"), "no flowId"),
]
"""A paste, the ids and the environment it fills in, and what is said about it."""


async def test_what_is_read_out_of_a_paste(engine: StubEngine) -> None:
    form = Form(engine)

    def filled() -> tuple[str, str, object]:
        chosen = form.screen.query_one("#environment", Select).value
        return form.text("tool-id"), form.text("flow-id"), chosen

    async with form.app.run_test(size=(80, 24)) as pilot:
        for text, fields, said in PASTES:
            form.screen.fields.fill("", "", TOOL_KIND)
            form.screen.fields.choose(STAGING)
            form.screen.query_one("#tool-id").focus()
            await finish(pilot)
            assert (filled(), form.said()) == (("", "", "staging"), "")
            form.app.screen.post_message(events.Paste(text))
            await finish(pilot)
            assert filled() == fields
            assert said in form.said()
            assert bool(said) is bool(form.said()), text
            if "workflows" in text:
                assert form.screen.query_one(ExportFields).kind is WORKFLOW
                assert "/api/public/workflow/w-1/export" in form.shown("curl")
        assert text is SAMPLE
        assert form.focus == "flow-id"
        assert KEY not in form.app.export_screenshot()


async def test_a_request_to_another_environment_chooses_that(engine: StubEngine) -> None:
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("tab")
        form.app.screen.post_message(events.Paste(f"{LIVE.origin}/api/public/tools/{TOOL}/export?flowId={FLOW}\n"))
        await finish(pilot)
        assert (form.text("tool-id"), form.text("flow-id")) == (TOOL, FLOW)
        assert form.screen.query_one("#environment", Select).value == LIVE.id
        assert form.screen.query_one("#panel").has_class("-production")
        form.app.screen.post_message(events.Paste(f"https://else.kore.ai/api/public/tools/{TOOL}/export?flowId={FLOW}"))
        await finish(pilot)
        assert form.screen.query_one("#environment", Select).value is Select.NULL, "an unknown host chooses none"
        assert "else.kore.ai" in form.said()


async def test_a_pasted_url_replaces_ids_and_their_label_and_enter_exports(engine: StubEngine) -> None:
    engine.choices = [LEAVE]
    url = f"{STAGING.origin}/api/public/tools/{TOOL}/export?flowId={FLOW}"
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        assert form.text("label") == "Leave Bot"
        tool, flow = (form.screen.query_one(f"#{each}-id", FieldInput) for each in ("tool", "flow"))
        tool.take_paste(url)
        assert form.text("label") == "", "the label of a chosen tool goes with it"
        form.screen.query_one("#label", FieldInput).value = "mine"
        await pilot.pause()
        tool.take_paste(url.replace(TOOL, "a-other-1"))
        assert form.text("label") == "mine", "a typed one stays"
        tool.value, flow.value = "a-typed-1", "cf-typed-1"
        await pilot.press("tab")
        assert form.focus == "flow-id"
        form.app.screen.post_message(events.Paste(f"{url}\n"))
        await pilot.pause()
        assert (form.text("tool-id"), form.text("flow-id")) == (TOOL, FLOW)
        assert "in place of a-typed-1 and cf-typed-1." in form.said()
        await pilot.press("enter")
        await finish(pilot)
    assert requests(engine) == [(TOOL, FLOW)]


async def test_a_models_id_decides_and_needs_no_flow(engine: StubEngine) -> None:
    form = Form(engine)
    async with form.app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"cm-1")
        await finish(pilot)
        assert form.screen.query_one(ExportFields).kind is MODEL
        assert not form.screen.query_one("#flow-id-field").display
        await pilot.press("tab")
        assert form.focus == "environment"
        await pilot.press("shift+tab", "enter")
        await finish(pilot)
        assert [(each.tool_id, each.flow_id, each.kind) for each in engine.exports] == [("cm-1", "", MODEL)]


async def test_an_environment_that_is_gone_is_not_replaced_by_another(engine: StubEngine) -> None:
    form = Form(engine, again=a_job(ExportRequest("gone", "a-1", "cf-1")))
    async with form.app.run_test(size=(80, 24)) as pilot:
        assert "gone" in form.said()
        await pilot.press("enter")
        await finish(pilot)
        assert form.focus == "environment"
        assert not engine.exports
