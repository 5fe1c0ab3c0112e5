"""One way to find requests in text, however it was quoted: host and ids, and nothing more."""

from __future__ import annotations

import json

import pytest

from gale_tui.core import kinds
from gale_tui.core.paste.capture import CapturedRequest, recognise
from gale_tui.core.paste.text import decode_text
from tests.support.processor import processor_seconds

HOST = "https://other.kore.ai"
TOOL = "a-1f0c3b52-7d1e-4f6a-9b3c-5a2e8d7c6b10"
FLOW = "cf-9b2f6c1d-30a4-4c7e-8f21-6d5e4c3b2a19"
TOOL_2 = "a-2f0c3b52-7d1e-4f6a-9b3c-5a2e8d7c6b10"
FLOW_2 = "cf-2b2f6c1d-30a4-4c7e-8f21-6d5e4c3b2a19"
URL = f"{HOST}/api/public/tools/{TOOL}/export?flowId={FLOW}"
URL_2 = f"{HOST}/api/public/tools/{TOOL_2}/export?flowId={FLOW_2}"
CALL = f"{HOST}/api/1.1/tools/export"
WHOLE = CapturedRequest(HOST, TOOL, FLOW, kinds.TOOL)
WHOLE_2 = CapturedRequest(HOST, TOOL_2, FLOW_2, kinds.TOOL)
KEY = "kg-0a1b2c3d-1111-5558"
BODY = json.dumps({"toolId": TOOL, "flowId": FLOW})
PS_BODY = BODY.replace('"', '`"')
PS_BODY_2 = PS_BODY.replace(TOOL, TOOL_2).replace(FLOW, FLOW_2)
UNICODE = "".join(f"\\u{ord(each):04x}" for each in URL)

ONE = {
    "PowerShell continues curl": f'curl.exe `\n  -X POST `\n  -H "x-api-key: {KEY}" `\n  "{URL}"',
    "cmd continues curl": f'curl ^\r\n -X POST ^\r\n "{URL}"',
    "cmd escapes": f'curl --location ^"{URL.replace("/", "^/")}^" ^\n  -H ^"x: ^\\^"1^\\^"^"',
    "a missing backslash": f'curl -X POST -H "x-api-key: {KEY}"\n  {URL}',
    "an open quote": f"""curl -X POST -d '{{"note": "Don\\'t"}}' {URL}""",
    "an open quote at the end": f"curl -X POST {URL} -H 'accept: x",
    "url-query": f"curl -X POST {URL.partition('?')[0]} --url-query flowId={FLOW}",
    "data-urlencode": f"curl -G {URL.partition('?')[0]} --data-urlencode flowId={FLOW}",
    "no scheme": f"curl -X POST {URL.removeprefix('https://')}",
    "a byte array":
        f'iwr -Uri "{CALL}" `\n-Method "POST" `\n-Body ([System.Text.Encoding]::UTF8.GetBytes("{PS_BODY}"))',
    "a byte array with a code":
        f'irm "{CALL}" -Body ([Text.Encoding]::UTF8.GetBytes("{{`"n`":`"B$([char]252)`",{PS_BODY[1:]}"))',
    "escaped slashes": json.dumps({"url": URL}).replace("/", "\\/"),
    "unicode escapes": f'fetch("{UNICODE}", {{"method": "POST"}})',
    "JSON in JSON": json.dumps(json.dumps({"request": {"url": URL}})),
    "percent in another address":
        f"https://{'gate.example'}/open?target={URL.replace(':', '%3A').replace('/', '%2F')}".replace(
        "https://gate.example/open?target=", "open "
    ),
    "HTML": f"<a href=&quot;{URL.replace('?', '?x=1&amp;')}&quot;>x</a>",
    "HTML codes": URL.replace("/", "&#x2F;"),
    "zero width": f"{URL[:30]}\u200b{URL[30:]}\u200b",
    "Markdown": f"See [the export]({URL}).",
    "a template string": f"await fetch(`{URL}`, {{ method: 'POST' }})",
    "Python": f'requests.post("{URL}", headers={{"x-api-key": "{KEY}"}})',
    "the header pane": f"Request URL:\n{URL}\nRequest Method:\nPOST\n",
    "raw HTTP": f"POST {URL.removeprefix(HOST)} HTTP/1.1\nHost: other.kore.ai\nx-api-key: {KEY}\n",
    "user and password": f"curl {URL.replace('https://', 'https://me:hunter2hunter2@')}",
    "octal codes": f"curl $'{URL.replace(':', chr(92) + '072')}'",
    "a code before a digit": f'fetch("{URL.replace("=", chr(92) + "u003d")}")',
    "a word over two lines": f"curl -X POST {URL[:40]}\\\n{URL[40:]}",
    "a variable": f'HOST={HOST}\ncurl -X POST "$HOST{URL.removeprefix(HOST)}"',
    "Postman": json.dumps({"item": [{"request": {"method": "POST", "url": {"raw": URL}}}]}),
    "upper case": URL.replace("https", "HTTPS"),
    "referer first": f"curl -H 'referer: https://else.example/tools/{TOOL_2}/export' -X POST {URL}",
    "the page of another tool": f"curl '{CALL}' -H 'referer: {HOST}/tools/{TOOL_2}/flow' --data-raw '{BODY}'",
    "a proxy": f"curl -x http://proxy.example:3128 -X POST '{URL}'",
    "a link in the body": f"""curl -d '{{"callbackUrl":"https://else.example/x"}}' '{URL}'""",
}  # fmt: skip


@pytest.mark.parametrize("text", ONE.values(), ids=ONE.keys())
def test_host_and_ids_are_found_however_they_are_quoted(text: str) -> None:
    found = recognise(text)
    assert found.understood == (WHOLE,)
    assert not found.loose
    assert KEY not in repr(found)
    assert "hunter2" not in repr(found)


MANY = {
    "PowerShell": f'Invoke-WebRequest -Uri "{URL}" -Method "POST";\r\n'
    f'Invoke-WebRequest -Uri "{CALL}" `\n-Body ([Text.Encoding]::UTF8.GetBytes("{PS_BODY_2}"))',
    "prose": f"- {URL},\n- {URL_2}.",
    "one line": f"curl {URL} && curl {URL_2}",
    "one command": f"curl -X POST {URL} {URL_2}",
    "brackets": f"({URL})[{URL_2}]",
}


@pytest.mark.parametrize("text", MANY.values(), ids=MANY.keys())
def test_several_requests_are_found_each_for_itself(text: str) -> None:
    assert recognise(text).requests == (WHOLE, WHOLE_2)


def test_an_export_whose_body_is_not_understood_is_there_with_its_line() -> None:
    found = recognise(f"curl {URL}\n\ncurl {CALL} -d @body.json\ncurl {HOST}/api/me")
    assert found.requests == (WHOLE, CapturedRequest(HOST, None, None, kinds.TOOL))
    assert [each.line for each in found.requests] == [1, 3]
    assert found.ignored == ("1 other request was left out (line 4): no export.",)


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "DELETE"])
def test_what_only_asks_is_no_export(method: str) -> None:
    found = recognise(f"curl -X {method} {URL}\ncurl -X POST {URL_2}")
    assert found.requests == (WHOLE_2,)


@pytest.mark.parametrize(
    "text", [BODY, f"toolId: {TOOL}\ncallflowId: {FLOW}", f"{{{{base}}}}/tools/{TOOL}/export?flowId={FLOW}"]
)
def test_ids_without_a_host_have_none(text: str) -> None:
    (request,) = recognise(text).understood
    assert (request.host, request.tool_id, request.flow_id) == (None, TOOL, FLOW)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("workflow/a-1", kinds.WORKFLOW),
        (f"workflows/{TOOL}", kinds.WORKFLOW),
        ("models/cm-1f0c3b52-7d1e-4f6a-9b3c", kinds.MODEL),
        ("agents/a-1", kinds.TOOL),
    ],
)
def test_the_path_says_the_kind(path: str, kind: kinds.Kind) -> None:
    found = recognise(f"{HOST}/api/public/{path}/export")
    assert found.requests == (CapturedRequest(HOST, path.partition("/")[2], None, kind),)
    assert found.ignored == ()


def test_a_model_has_no_flow_whatever_the_address_says() -> None:
    (request,) = recognise(f"curl -X POST '{HOST}/api/public/models/cm-1/export?flowId={FLOW}'").requests
    assert (request.kind, request.flow_id) == (kinds.MODEL, None)


@pytest.mark.parametrize(
    ("name", "subject", "kind"),
    [
        ("workflowId", TOOL, kinds.WORKFLOW),
        ("modelId", "cm-" + TOOL[2:], kinds.MODEL),
        ("x", "cm-" + TOOL[2:], kinds.MODEL),
    ],
)
def test_fields_and_shapes_say_the_kind_where_the_path_does_not(name: str, subject: str, kind: kinds.Kind) -> None:
    body = json.dumps({name: subject, "flowId": FLOW})
    (request,) = recognise(f"curl -X POST {HOST}/api/1.1/export -d '{body}'").requests
    assert (request.kind, request.tool_id) == (kind, subject)
    assert request.flow_id == (FLOW if kind.needs_flow else None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_har_in_every_encoding(encoding: str) -> None:
    har = {"log": {"version": "1.2", "entries": [{"request": {"method": "POST", "url": URL, "headers": []}}]}}
    assert recognise(decode_text(json.dumps(har).encode(encoding))).requests == (WHOLE,)


def test_a_har_that_is_cut_off_says_so() -> None:
    entry = f'{{"request": {{"method": "POST", "url": "{URL}", "headers": []}}}}'
    found = recognise(f'{{"log": {{"entries": [{entry}, {entry[:60]}')
    assert found.requests == (WHOLE,)
    assert "cut off" in found.unread


LONG = 1 << 17
WORST = {
    "bash": ("curl ", "''"),
    "backslashes": ("curl ", "\\"), "dollars": ("curl ", "$'"), "an open quote": ('curl "', "a"),
    "commands": ("", "curl x;"), "cmd": ("curl ", '^"'), "carets": ("", "^"), "backticks": ("", "`"),
    "PowerShell": ('Invoke-WebRequest -Body "', '`"n`":'), "PowerShell calls": ("", "Invoke-WebRequest "),
    "fetch": ("", "fetch('x',{"), "fetch escapes": ('fetch("', "\\\\"), "HAR": ('{"log":', '"request":{'),
    "cut HAR": ('{"log":', '"request":{"a":1},'), "JSON": ("", '{"a":['), "addresses": ("", "https://h.example/b "),
    "one address": ("https://", "a/export"), "schemes": ("", "http"), "slashes": ("", "/"),
    "paths": ("", "/tools/a/export"),
    "dots": ("", "a."), "percent": ("", "%25"), "entities": ("", "&#"), "codes": ("", "\\u002f"),
    "zero width": ("", "\u200b"), "ids": ("", f"{TOOL} "), "halves of ids": ("a-", "1f0c3b52-7d1e-"),
    "names": ("curl https://h/export ", "toolId="),
    "secrets": ("curl https://h/tools/x1/export ", "cookie: aaaaaaaaa "),
    "cookies": ("curl https://h/tools/x1/export ", "cookie("), "methods": ("curl https://h/export ", "method "),
    "keys": ("", "kg-"), "blanks": ("", " "), "lines": ("", "\n"),
}  # fmt: skip


@pytest.mark.parametrize(("start", "unit"), WORST.values(), ids=WORST.keys())
def test_the_worst_is_read_in_linear_time(start: str, unit: str) -> None:
    """A quadratic pattern takes some five seconds, linear ones a fiftieth of that."""
    with processor_seconds(1):
        assert recognise((start + unit * LONG)[:LONG]).key is None
