"""Lists of tools: what is read, and that nothing wrong with a line goes unsaid."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gale_tui.core.batch.parser import LONGEST_TEXT, parse_batch
from gale_tui.core.batch.reader import find_batch, read_batch
from gale_tui.core.batch.tools import MOST_TOOLS, BatchTool
from gale_tui.core.errors import ConfigError

A, B = "a-11111111-1111-4111-8111-111111111111", "a-22222222-1111-4111-8111-111111111111"
F, G = "cf-33333333-2222-4222-8222-222222222222", "cf-44444444-2222-4222-8222-222222222222"
KEY = "kg-test-key-0000"


def read(text: str) -> list[tuple[str, str, str, int]]:
    batch = parse_batch(text)
    assert batch.bad == ()
    return [(tool.tool_id, tool.flow_id, tool.label, tool.line) for tool in batch.tools]


@pytest.mark.parametrize(
    "line",
    [
        f"{A},{F},Bank",
        f"{A}, {F}, Bank",
        f'"{A}","{F}","Bank"',
        f"{A}\t{F}\tBank",
        f"{A};{F};Bank",
        f"  {A}   {F}   Bank  ",
        f":{A},{F},Bank",
        f"{F},{A},Bank",
        f"\ufeff{A},{F},Bank",
        f"{A},{F},Bank,,",
    ],
)
def test_each_way_to_write_a_line(line: str) -> None:
    assert read(line) == [(A, F, "Bank", 1)]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("tool_id,flow_id,label", f"{A},{F},Bank"),
        ("Tool ID,Flow ID,Label", f"{A},{F},Bank"),
        ("label,flowId,toolId", f"Bank,{F},{A}"),
        ("name\tcallflowId\tagentId", f"Bank\t{F}\t{A}"),
        ("owner;tool;flow;title", f"me;{A};{F};Bank"),
    ],
)
def test_a_header_names_the_columns_in_any_order(header: str, row: str) -> None:
    assert read(f"{header}\n{row}") == [(A, F, "Bank", 2)]


def test_a_column_without_a_name_is_no_label_and_a_header_without_labels_is_fine() -> None:
    assert read(f"tool_id,flow_id\n{A},{F}") == [(A, F, "", 2)]
    assert read(f"tool_id,owner,flow_id\n{A},me,{F}") == [(A, F, "", 2)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers_count_empty_lines_and_comments(end: str) -> None:
    text = end.join(["# nightly", "", "tool_id,flow_id", f"{A},{F}", "   ", "# end", f"{B},{G}", ""])
    assert [(tool_id, line) for tool_id, _, _, line in read(text)] == [(A, 4), (B, 7)]


def test_labels_keep_their_commas() -> None:
    assert read(f'{A},{F},"Bank, the ""big"" one"')[0][2] == 'Bank, the "big" one'
    assert read(f"{A},{F},Bank, the big one")[0][2] == "Bank, the big one"
    assert read(f"{A} {F} Bank the big one")[0][2] == "Bank the big one"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (A, "no Flow ID"),
        (f"{A},", "no Flow ID"),
        (f",{F}", "no Tool ID"),
        (f"{A} x,{F}", "Tool ID: the id has spaces or invisible characters in it"),
        (f'{A},"{F}', "a quotation mark is not closed"),
        (f"{A},{'x' * 201}", "Flow ID: the id has 201 characters"),
        (f"{KEY},{F}", "Tool ID: this is an API key, not an id"),
        (f"{A},{KEY}", "Flow ID: this is an API key, not an id"),
        (f"{A},{F}", "the same tool and flow as line 1"),
        ("..,cf-1", "Tool ID: .. is not an id"),
    ],
)
def test_a_bad_line_is_told_with_its_number_and_the_others_are_kept(line: str, problem: str) -> None:
    batch = parse_batch(f"{A},{F},first\n{line}\n{B},{G},last")
    assert [(bad.line, bad.problem) for bad in batch.bad] == [(2, problem)]
    assert [(tool.line, tool.label) for tool in batch.tools] == [(1, "first"), (3, "last")]
    assert batch.count == 3


def test_odd_shapes_only_warn() -> None:
    batch = parse_batch(f"tool-1,{F}\n{A},flow-1\n")
    assert [tool.line for tool in batch.tools] == [1, 2]
    assert batch.unusual == 2
    assert batch.bad == ()


def test_the_same_tool_with_another_flow_is_another_export() -> None:
    assert len(read(f"{A},{F}\n{A},{G}")) == 2


def test_what_is_shown_of_a_line_is_inert_and_has_no_secrets() -> None:
    batch = parse_batch(f"\x1b]0;title\x07 {KEY} https://example.com/x?sig=secret\n{A},{F},\x1b[31mred\u202e")
    assert KEY not in batch.bad[0].text
    assert "secret" not in batch.bad[0].text
    assert "\x1b" not in batch.bad[0].text
    assert "\x1b" not in batch.tools[0].label
    assert "\u202e" not in batch.tools[0].label


def test_bounds() -> None:
    lines = "\n".join(f"a-{number:08d},cf-{number:08d}" for number in range(MOST_TOOLS + 2))
    batch = parse_batch(lines)
    assert len(batch.tools) == MOST_TOOLS
    assert [bad.line for bad in batch.bad] == [MOST_TOOLS + 1, MOST_TOOLS + 2]
    with pytest.raises(ConfigError):
        parse_batch("x" * (LONGEST_TEXT + 1))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_what_spreadsheets_write(encoding: str) -> None:
    batch = parse_batch(f"tool_id,flow_id,label\r\n{A},{F},Büro\r\n".encode(encoding))
    assert batch.tools == (BatchTool(A, F, "Büro", 2),)


def test_a_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="not text"):
        parse_batch(b"PK\x03\x04\x00\x00\x00")


def test_captured_requests_are_read_and_one_without_its_flow_is_told() -> None:
    url = "https://gale.example.com/api/public/tools/{}/export?flowId={}"
    batch = read_batch("\n".join([url.format(A, F), url.format(B, "").removesuffix("?flowId="), url.format(A, G)]))
    assert [(tool.tool_id, tool.flow_id) for tool in batch.tools] == [(A, F), (A, G)]
    assert [bad.problem for bad in batch.bad] == ["no Flow ID"]
    assert batch.hosts == ("https://gale.example.com",)


def test_a_copied_call_that_is_no_export_is_no_list() -> None:
    text = "curl 'https://gale.kore.ai/api/me' \\\n  -H 'cookie: sid=of-nobody-1234'\n"
    for each in (
        text,
        f"# mine\n{text}",
        'fetch("https://gale.kore.ai/api/me", {\n  "headers": {"cookie": "sid=x"}\n})',
    ):
        assert find_batch(each) is None
        batch = read_batch(each)
        assert (batch.tools, batch.bad) == ((), ())
        assert "sid" not in repr(batch)


def test_a_request_without_an_id_is_told_by_its_host() -> None:
    batch = read_batch("curl -X POST 'https://gale.example/api/public/models/$ID/export'\n")
    assert [line.text for line in batch.bad] == ["no model id https://gale.example"]


def test_a_link_in_a_label_makes_no_request_of_a_list() -> None:
    batch = read_batch(f"{A},{F},see https://wiki.example.com/bank\n{B},{G},other")
    assert [tool.tool_id for tool in batch.tools] == [A, B]


def test_what_is_a_list_and_what_is_one_request() -> None:
    assert find_batch(f"{A},{F}\n{B},{G}") is not None
    assert find_batch(f"{A}\t{F}\n{B}\t{G}\nnonsense") is not None
    assert find_batch(f"{A},{F}") is None
    assert find_batch(f"{A},{F}\n") is None
    assert find_batch(f"{A}\n{F}") is None
    assert find_batch("") is None
    curl = f"curl 'https://gale.example.com/api/public/tools/{A}/export?flowId={F}' \\\n  -X POST \\\n"
    assert find_batch(f"{curl}  -H 'content-type: application/json'\n") is None
    assert find_batch(curl.rstrip(" \\\n") + "\n" + curl.replace(A, B)) is not None


tools = st.builds(
    BatchTool,
    st.from_regex(r"a-[0-9a-f]{8,12}", fullmatch=True),
    st.from_regex(r"cf-[0-9a-f]{8,12}", fullmatch=True),
    st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1, max_size=30),
)


@given(st.lists(tools, max_size=8, unique_by=lambda tool: (tool.tool_id, tool.flow_id)))
def test_what_is_written_is_read_again(wanted: list[BatchTool]) -> None:
    out = StringIO()
    csv.writer(out).writerows((tool.tool_id, tool.flow_id, tool.label) for tool in wanted)
    batch = parse_batch(out.getvalue())
    assert [(tool.tool_id, tool.flow_id, tool.label) for tool in batch.tools] == [
        (tool.tool_id, tool.flow_id, tool.label) for tool in wanted
    ]
    assert batch.bad == ()


@given(st.text(max_size=300))
def test_no_text_at_all_is_a_fault(text: str) -> None:
    batch = read_batch(text)
    assert all("\n" not in bad.text for bad in batch.bad)
