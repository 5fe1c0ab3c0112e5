"""GALE's JSON in every spelling of the vendor's pages, and in no shape at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gale_tui.core.errors import MalformedAnswerError
from gale_tui.core.gale_api.answers import DockStatus, ExportStarted, ResponseNote
from gale_tui.core.gale_api.parsing import NOTE_LIMIT, answer_text, parse_dock_status, parse_export, read_json

DOCK = "ds-cxxxxxxf-8xx7-5xx9-8xxd-c2xxxxxxxxxd"
LINK = "https://gale.kore.ai/api/v1/account/xxxxxx"
SAMPLE: dict[str, Any] = {
    "dock-statusId": DOCK,
    "toolId": "a-4xxxxxx9-fxx9-5xx7-axx7-9xxxxxxxxxxb",
    "jobType": "TOOLS",
    "action": "EXPORT",
    "status": "IN_PROGRESS",
    "exportJobId": "agent-ej-25xxxxx2-bxx3-5xxc-8xx4-edxxxxxxxxxf",
    "response": {"downloadUrl": LINK},
}


def note(body: object = None) -> ResponseNote:
    return ResponseNote("GET /x", 200, json.dumps(body))


def started(**changes: Any) -> ExportStarted:
    body = {name: value for name, value in {**SAMPLE, **changes}.items() if value is not ...}
    return parse_export(body, note())


def status(**fields: Any) -> DockStatus:
    return parse_dock_status({"_id": DOCK, "status": "SUCCESS", **fields}, note())


class TestExport:
    def test_the_vendors_sample(self) -> None:
        found = parse_export(SAMPLE, note())
        assert found.dock_status_id == DOCK
        assert found.status == "IN_PROGRESS"
        assert found.export_job_id == SAMPLE["exportJobId"]
        assert found.tool_id == SAMPLE["toolId"]
        assert found.download_url is not None
        assert found.download_url.reveal() == LINK
        assert (found.name, found.percentage, found.reason) == (None, None, None)

    @pytest.mark.parametrize("name", ["dock-statusId", "dockStatusId", "dockstatusId", "DockStatusID", "_id"])
    def test_spellings_of_the_dock_status_id(self, name: str) -> None:
        assert started(**{"dock-statusId": ..., name: DOCK}).dock_status_id == DOCK

    def test_a_better_name_goes_before_the_worse(self) -> None:
        assert started(_id="other").dock_status_id == DOCK
        assert started(**{"dock-statusId": None, "dockStatusId": "ds-2", "_id": "other"}).dock_status_id == "ds-2"

    def test_the_id_inside_the_response(self) -> None:
        assert started(**{"dock-statusId": ...}, response={"dockStatusId": "ds-2"}).dock_status_id == "ds-2"

    @pytest.mark.parametrize("value", [None, "", "  ", 42, True, [], {}, ["ds-1"], "two words", "x" * 300, ".."])
    def test_without_a_usable_id_it_cannot_be_followed(self, value: object) -> None:
        with pytest.raises(MalformedAnswerError, match="without a dock status id") as caught:
            started(**{"dock-statusId": value})
        assert caught.value.from_gale
        assert "may have started" in caught.value.advice

    def test_the_servers_word_is_in_the_error(self) -> None:
        with pytest.raises(MalformedAnswerError, match="flow is not deployed"):
            parse_export({"message": "flow is not deployed"}, note())

    @pytest.mark.parametrize("value", [None, "text", 3, [], [1, 2], True])
    def test_no_object(self, value: object) -> None:
        with pytest.raises(MalformedAnswerError, match="not an object"):
            parse_export(value, note())

    def test_a_list_of_one(self) -> None:
        assert parse_export([SAMPLE], note()).dock_status_id == DOCK

    @pytest.mark.parametrize("name", ["toolId", "modelId", "workflowId", "agentId"])
    def test_spellings_of_the_subject(self, name: str) -> None:
        assert started(**{"toolId": ..., name: "cm-1"}).tool_id == "cm-1"

    def test_no_status_is_in_progress(self) -> None:
        assert started(status=...).status == "IN_PROGRESS"


class TestLink:
    @pytest.mark.parametrize(
        "fields",
        [
            {"response": {"downloadUrl": LINK}},
            {"response": {"downloadURL": LINK}},
            {"downloadUrl": LINK},
            {"downloadURL": LINK},
            {"downloadUrl": None, "response": {"downloadUrl": LINK}},
            {"downloadUrl": "", "response": {"downloadUrl": LINK}},
            {"downloadURL": f"  {LINK}\n"},
            {"downloadURL": f"{LINK[:20]}\n{LINK[20:]}"},
            {"data": {"downloadUrl": LINK}},
        ],
    )
    def test_spellings(self, fields: dict[str, Any]) -> None:
        link = status(**fields).download_url
        assert link is not None
        assert link.reveal() == LINK

    def test_a_relative_one_and_one_with_a_space(self) -> None:
        link = status(downloadUrl="/files/My Bot.zip?sig=a").download_url
        assert link is not None
        assert link.reveal() == "/files/My%20Bot.zip?sig=a"

    @pytest.mark.parametrize("value", [None, "", 3, True, [], {}, [LINK], "a\x00b", "\ud800", "x" * 20_000])
    def test_unusable_is_none(self, value: object) -> None:
        assert status(downloadUrl=value).download_url is None


class TestStatus:
    @pytest.mark.parametrize(
        ("value", "word"),
        [
            ("SUCCESS", "SUCCESS"),
            (" FAILED ", "FAILED"),
            ("queued for later", "queued for later"),
            ("\x1b[31mRED", "␛[31mRED"),
            (3, "3"),
            ("x" * 1_000_000, "x" * 59 + "…"),
        ],
    )
    def test_is_verbatim_but_inert(self, value: object, word: str) -> None:
        assert status(status=value).status == word

    @pytest.mark.parametrize("value", [None, "", "  ", True, [], {}, ["SUCCESS"]])
    def test_none_is_no_answer(self, value: object) -> None:
        with pytest.raises(MalformedAnswerError, match="no status"):
            status(status=value)

    def test_an_error_object_is_no_status(self) -> None:
        with pytest.raises(MalformedAnswerError):
            parse_dock_status({"errors": [{"msg": "x"}]}, note())

    @pytest.mark.parametrize(
        ("value", "percentage"),
        [
            (42, 42.0),
            (42.5, 42.5),
            (0, 0.0),
            (100, 100.0),
            ("42", 42.0),
            ("42.5 %", 42.5),
            (-1, None),
            (101, None),
            (True, None),
            (None, None),
            ("many", None),
            ("٤٢", None),
            ([42], None),
            (float("nan"), None),
            (float("inf"), None),
            (10**400, None),
        ],
        ids=repr,
    )
    def test_percentage(self, value: object, percentage: float | None) -> None:
        assert status(percentageComplete=value).percentage == percentage

    @pytest.mark.parametrize(
        "fields",
        [
            {"statusMessage": "why"},
            {"message": "why"},
            {"error": "why"},
            {"error": {"message": "why"}},
            {"errors": [{"msg": "why", "code": 3}]},
            {"errors": ["why"]},
            {"response": {"message": "why"}},
            {"statusMessage": "", "message": None, "error": "why"},
            {"statusMessage": 3, "message": "why"},
        ],
    )
    def test_reasons(self, fields: dict[str, Any]) -> None:
        assert status(**fields).reason == "why"

    def test_a_reason_is_bounded_inert_and_redacted(self) -> None:
        reason = status(message="\x1b]0;x\x07 https://h.example/?sig=1 " + "y" * 10**6).reason
        assert reason is not None
        assert reason.startswith("␛]0;x␇ https://h.example/?•••• yyy")
        assert len(reason) == 500

    @pytest.mark.parametrize("name", ["name", "toolName", "agentName"])
    def test_names(self, name: str) -> None:
        assert status(**{name: "Banking\tAssistant"}).name == "Banking Assistant"

    @pytest.mark.parametrize("value", [3, True, [], {}, "", None])
    def test_texts_of_the_wrong_kind_are_absent(self, value: object) -> None:
        found = status(name=value, toolId=value, exportJobId=value, message=value)
        assert (found.name, found.tool_id, found.export_job_id, found.reason) == (None, None, None, None)


class TestText:
    def test_links_are_redacted_wherever_they_are(self) -> None:
        body = json.dumps({"response": {"downloadURL": "/f?abcdef"}, "see": "https://h.example/?sig=abcdef"}).encode()
        text = answer_text(body)
        assert "abcdef" not in text
        assert text.count("?••••") == 2
        assert text.startswith("{\n")

    def test_not_json(self) -> None:
        assert answer_text(b"<b>\x1b[2J</b>\nhttps://h.example/?sig=abcdef") == "<b>␛[2J</b>\nhttps://h.example/?••••"

    @pytest.mark.parametrize("body", [b"[" * 500_000, b'{"a":' * 100_000, b'"' + b"x" * 1_000_000 + b'"', b"\xff" * 9])
    def test_is_bounded(self, body: bytes) -> None:
        assert len(answer_text(body)) <= NOTE_LIMIT

    def test_too_deep_is_not_json(self) -> None:
        with pytest.raises(ValueError, match="deep"):
            read_json(b"[" * 100_000 + b"]" * 100_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status", "_id", "dockStatusId", "response", "downloadUrl", "errors", "msg", "message"])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_a_model_or_a_malformed_answer(value: object) -> None:
    """Whatever comes, nothing but the one error is raised, and every text is bounded."""
    body = json.dumps(value).encode()
    found = note(value)
    assert len(answer_text(body)) <= NOTE_LIMIT
    for parse in (parse_export, parse_dock_status):
        try:
            model = parse(read_json(body), found)
        except MalformedAnswerError as error:
            str(error)
            continue
        assert 0 < len(model.status) <= 60
        assert model.percentage is None or 0 <= model.percentage <= 100
        for text in (model.reason, model.name, model.tool_id):
            assert text is None or 0 < len(text) <= 500


@given(st.binary(max_size=300))
def test_any_bytes_are_a_text(body: bytes) -> None:
    answer_text(body).encode()
