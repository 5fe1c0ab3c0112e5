"""Export requests out of what people paste, and nothing that opens a door."""

from __future__ import annotations

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gale_tui.core import kinds
from gale_tui.core.models import Origin
from gale_tui.core.paste import capture
from gale_tui.core.paste.capture import Captured, CapturedKey, CapturedRequest, recognise
from gale_tui.core.paste.text import quotes_closed
from gale_tui.core.secret import Secret

HOST = "https://agent-platform.kore.ai"
TOOL = "a-11111111-2222-4333-8444-555555555555"
FLOW = "cf-66666666-7777-4888-9999-000000000000"
OTHER = "a-aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
URL = f"{HOST}/api/public/tools/{TOOL}/export?flowId={FLOW}"
KEY = "kg-test-key-0000"
COOKIE = "sid=cookie-of-nobody-1234567890"
BEARER = "Bearer token-of-nobody-1234567890"
WHOLE = CapturedRequest(HOST, TOOL, FLOW, kinds.TOOL)
LEFT_OUT = "Cookies, tokens and keys in it were left out."

CHROME = f"""curl '{URL}' \\
  -X 'POST' \\
  -H 'accept: application/json' \\
  -H 'authorization: {BEARER}' \\
  -b '{COOKIE}' \\
  -H 'referer: {HOST}/tools/{OTHER}/flow?flowId=cf-other' \\
  --data-raw $'{{"note":"it\\'s \\u0041"}}' \\
  --compressed
"""
FIREFOX = f"""curl --request POST \\
  --url "{URL}" \\
  -H "Cookie: {COOKIE}" --insecure"""
WINDOWS = f'curl ^"{URL.replace("&", "^&")}^" ^\r\n  -H ^"cookie: {COOKIE}^" ^\r\n  -X ^"POST^"'
POWERSHELL = f"""$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession
$session.UserAgent = "Mozilla/5.0 (Windows NT 10.0)"
$session.Cookies.Add((New-Object System.Net.Cookie("sid", "{COOKIE}", "/", "kore.ai")))
Invoke-WebRequest -UseBasicParsing -Uri "{URL}" `
-Method "POST" `
-WebSession $session `
-Headers @{{
"accept"="application/json"
  "authorization"="{BEARER}"
  "referer"="{HOST}/tools/{OTHER}/flow"
}} `
-ContentType "application/json" `
-Body "{{`"note`":`"it's`"}}"
"""
FETCH = (
    f'fetch("{URL}", {{\n  "headers": {{\n    "accept": "*/*",\n    "authorization": "{BEARER}"\n  }},\n'
    '  "referrerPolicy": "no-referrer",\n  "body": null,\n  "method": "POST",\n  "credentials": "include"\n});'
)
NODE = f"await fetch('{URL}', {{ headers: {{ cookie: '{COOKIE}', }}, method: 'POST' }})"


def har(*requests: dict[str, object], answer: str = "") -> str:
    entries = [{"request": each, "response": {"content": {"text": answer}}} for each in requests]
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def recorded(url: str, body: str | None = None, **headers: str) -> dict[str, object]:
    request: dict[str, object] = {
        "method": "POST",
        "url": url,
        "headers": [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()],
    }
    return request if body is None else request | {"postData": {"mimeType": "application/json", "text": body}}


HAR = har(
    recorded(f"{HOST}/api/1.1/me", Cookie=COOKIE),
    recorded(URL, Cookie=COOKIE, Authorization=BEARER),
    recorded(f"{HOST}/static/app.js"),
    answer=f'see "request": {{"url": "{HOST}/api/public/tools/{OTHER}/export"}}',
)


@pytest.mark.parametrize(
    "text",
    [URL, CHROME, FIREFOX, WINDOWS, POWERSHELL, FETCH, NODE, HAR],
    ids=["url", "bash", "url option", "cmd", "powershell", "fetch", "node", "har"],
)
def test_every_way_to_copy_a_request_says_the_same(text: str) -> None:
    found = recognise(text)
    assert found.requests == (WHOLE,)
    assert (LEFT_OUT in found.ignored) is (text != URL)
    assert not found.had_key


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"{HOST}/api/1.1/builder/agents/{TOOL}/export?callflowId={FLOW}", None),
        (f"{HOST}/api/1.1/export?agentId={TOOL}&flow_id={FLOW}", None),
        (f"{HOST}/api/1.1/tools/export", json.dumps({"toolId": TOOL, "callflowId": FLOW})),
        (f"{HOST}/api/1.1/tools/export", json.dumps({"data": {"tool": TOOL, "flow": {"id": FLOW}}})),
        (f"{HOST}/api/1.1/jobs", json.dumps({"action": "EXPORT", "tool_id": TOOL, "flowId": FLOW})),
        (f"{HOST}/t/{TOOL}/flows/{FLOW}/exports", None),
        (f"{HOST}/api/1.1/tools/export", f"toolId={TOOL}&flowId={FLOW}"),
    ],
)
def test_the_consoles_own_requests_are_known_by_names_and_shapes(url: str, body: str | None) -> None:
    assert recognise(har(recorded(url, body))).requests == (WHOLE,)
    data = f" --data-raw {shlex.quote(body)}" if body else ""
    assert recognise(f"curl {shlex.quote(url)}{data}").requests == (WHOLE,)
    options = json.dumps({"method": "POST", "headers": {}, "body": body})
    assert recognise(f"fetch({json.dumps(url)}, {options});").requests == (WHOLE,)


def test_powershell_is_read_with_its_body_and_its_key() -> None:
    body = json.dumps({"toolId": TOOL, "flowId": FLOW}).replace('"', '`"')
    command = f"Invoke-RestMethod -Method POST '{HOST}/api/1.1/tools/export' -Headers @{{ 'x-api-key' = '{KEY}' }}"
    found = recognise(f'{command} -Body "{body}"')
    assert found.requests == (WHOLE,)
    assert found.key == CapturedKey(Origin("https", "agent-platform.kore.ai", 443), Secret(KEY))
    assert recognise(f"{command}\nirm {URL}").understood == (WHOLE,)


def test_a_recording_without_an_export_by_name_gives_what_has_both_ids() -> None:
    text = har(recorded(f"{HOST}/x/{TOOL}/{FLOW}"), recorded(f"{HOST}/x/{OTHER}"))
    assert recognise(text).requests == (WHOLE,)


def test_a_recording_without_any_says_so() -> None:
    found = recognise(har(recorded(f"{HOST}/a"), recorded(f"{HOST}/b")))
    assert found.requests == ()
    assert found.ignored == ("None of the 2 requests in the HAR is an export.",)


def test_several_requests_in_one_paste_are_all_there_once() -> None:
    second = f"{HOST}/api/public/tools/{OTHER}/export?flowId={FLOW}"
    text = f"curl '{URL}' ;\ncurl '{second}' ;\ncurl '{URL}' && curl '{HOST}/api/other'"
    found = recognise(text)
    assert [each.tool_id for each in found.requests] == [TOOL, OTHER]
    assert found.ignored == ("1 other request was left out (line 3): no export.",)


def test_a_request_without_the_flow_gives_way_to_the_same_with_it() -> None:
    assert recognise(f"{URL}\n{URL.partition('?')[0]}").requests == (WHOLE,)


def test_a_workflow_is_one_of_the_requests() -> None:
    found = recognise("https://gale.kore.ai/api/public/workflows/w-1/export?flowId=cf-1")
    assert found.requests == (CapturedRequest("https://gale.kore.ai", "w-1", "cf-1", kinds.WORKFLOW),)
    assert found.ignored == ()
    both = recognise(f"{URL} https://gale.kore.ai/api/public/workflow/w-1/export")
    assert [each.kind for each in both.requests] == [kinds.TOOL, kinds.WORKFLOW]


@pytest.mark.parametrize(
    "text", [f"{TOOL},{FLOW},Banking", f"toolId: {TOOL}\ncallflowId: {FLOW}", f" {TOOL}\t{FLOW}\n"]
)
def test_two_ids_alone_are_taken_as_what_they_look_like(text: str) -> None:
    assert recognise(text).requests == (CapturedRequest(None, TOOL, FLOW, kinds.TOOL),)


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "hello", TOOL, "a-1 x\tcf-1", f"{TOOL} {OTHER} {FLOW}", "{",
        "curl", '{"log":',
        "https://gale.kore.ai/console/tools/a-1", "fetch(", "[1]", "\x00", '{"toolId": 3}',
    ],
)  # fmt: skip
def test_what_is_no_request_is_none(text: str) -> None:
    assert recognise(text).requests == ()


def test_a_password_before_a_host_is_not_kept() -> None:
    found = recognise(f"https://nobody:hunter2-hunter2@gale.kore.ai/api/public/tools/{TOOL}/export?flowId={FLOW}")
    assert found.requests == (CapturedRequest("https://gale.kore.ai", TOOL, FLOW, kinds.TOOL),)
    assert "hunter2" not in repr(found)
    assert LEFT_OUT in found.ignored


def test_an_open_quote_is_said() -> None:
    found = recognise(f"curl '{URL}' -H 'accept: x")
    assert found.requests == (WHOLE,)
    assert found.ignored == ("A quote in the curl command is not closed: was it copied whole?",)


# Keys


@pytest.mark.parametrize(
    "text",
    [f"curl '{URL}' -H 'x-api-key: {KEY}'", f'fetch("{URL}", {{"headers": {{"X-API-Key": "{KEY}"}}}})', KEY,
     har(recorded(URL, x_api_key=KEY))],
)  # fmt: skip
def test_a_key_is_told_of_and_given_out_only_when_asked(text: str) -> None:
    found = recognise(text)
    assert found.had_key
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        f"curl '{URL}' -H 'x-api-key: {KEY}' -H 'cookie: {COOKIE}'",
        f"curl '{URL}' -H 'X-API-Key:{KEY}' ;\ncurl 'https://other.example/' -H 'x-api-key: kg-of-another-0001'",
        f'fetch("{URL}", {{"headers": {{"x-api-key": "{KEY}"}}}})',
        har(recorded(URL, x_api_key=KEY), recorded(f"{HOST}/me", cookie=COOKIE)),
    ],
    ids=["curl", "two hosts", "fetch", "har"],
)
def test_the_key_of_a_request_belongs_to_its_host(text: str) -> None:
    found = recognise(text)
    assert found.key == CapturedKey(Origin("https", "agent-platform.kore.ai", 443), Secret(KEY))
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        URL,
        f"curl '{URL}' -H 'x-api-key: {KEY}'\ncurl '{URL}&x=1' -H 'x-api-key: {KEY}-2'",
        f"curl '{URL}' -H 'authorization: Bearer {KEY}' -H 'x-session-token: {KEY}' -b 'x-api-key={KEY}'",
        f"curl '{URL}'\ncurl 'https://other.example/' -H 'x-api-key: {KEY}'",
        f'curl "{URL}" -H "x-api-key: $GALE_API_KEY"',
        f"curl '{URL}' -H 'x-api-key: YOUR_API_KEY'",
        f"curl '{URL}' -H 'x-api-key: {{{{apiKey1}}}}'",
        f"{URL} {KEY}",
        KEY,
    ],
    ids=["none", "two", "no x-api-key", "other host", "variable", "example", "template", "loose", "alone"],
)
def test_where_it_is_not_clear_whose_key_it_is_there_is_none(text: str) -> None:
    assert recognise(text).key is None


SECRETS = st.text("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789", min_size=12, max_size=40).map(
    lambda text: f"z9{text}"
)


@given(
    st.lists(SECRETS, min_size=4, max_size=4, unique=True),
    st.sampled_from(["curl", "fetch", "har", "node", "powershell"]),
)
def test_no_token_survives(tokens: list[str], way: str) -> None:
    cookie, bearer, key, query = tokens
    url = f"{HOST}/api/public/tools/{TOOL}/export?flowId={FLOW}&access_token={query}#{query}"
    headers = {"cookie": f"sid={cookie}; other={cookie}", "authorization": f"Bearer {bearer}", "x-api-key": key}
    if way == "curl":
        options = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items())
        text = f'curl {shlex.quote(url)} {options} -u nobody:{bearer} --data-raw \'{{"token":"{bearer}"}}\''
    elif way == "fetch":
        text = f"fetch({json.dumps(url)}, {json.dumps({'headers': headers, 'body': json.dumps({'jwt': bearer})})})"
    elif way == "powershell":
        table = "; ".join(f'"{name}"="{value}"' for name, value in headers.items())
        text = f'Invoke-WebRequest -Uri "{url}" -Headers @{{{table}}} -Body "{{`"jwt`":`"{bearer}`"}}"'
    elif way == "node":
        text = (
            f"fetch('{url}', {{ headers: {{ cookie: '{cookie}', authorization: '{bearer}', 'x-api-key': '{key}' }} }})"
        )
    else:
        text = har({"url": url, "headers": [{"name": k, "value": v} for k, v in headers.items()],
                    "cookies": [{"name": "sid", "value": cookie}]})  # fmt: skip
    found = recognise(text)
    assert found.requests == (WHOLE,)
    assert found.had_key
    for token in tokens:
        assert token not in repr(found) + str(found)


@given(SECRETS)
def test_a_token_in_the_place_of_an_id_is_not_taken(token: str) -> None:
    text = f"curl '{HOST}/tools/{token}/export?flowId={token}' -H 'authorization: Bearer {token}'"
    assert token not in repr(recognise(text))
    for prefix in ("kg-", "eyJ"):
        assert token not in repr(recognise(f"{HOST}/tools/{prefix}{token}/export"))


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    for whole in (
        text,
        f"curl {text}",
        f"fetch({text}",
        f'{{"log":{{"entries":[{{"request":{{{text}',
        f"{HOST}/{text}",
    ):
        assert isinstance(recognise(whole), Captured)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_what_a_shell_quotes_is_closed(words: list[str]) -> None:
    command = shlex.join(words)
    assert quotes_closed(command) or "^" in command
    assert not quotes_closed(f"{shlex.join(word.replace('^', '-') for word in words)} 'open")


# Bounds


def test_a_paste_that_is_too_long_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "TEXT_LIMIT", 10_000)
    found = recognise(f"{URL} " + "x" * 10_000 + f"\ncurl {URL.replace(TOOL, 'a-beyond-2')}")
    assert found.requests == (WHOLE,)
    assert "only the first" in found.ignored[0]


def test_a_har_cut_off_in_the_middle_gives_what_is_there() -> None:
    assert recognise(HAR[: HAR.index("app.js")]).requests == (WHOLE,)
