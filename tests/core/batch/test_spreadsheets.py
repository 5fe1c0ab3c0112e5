"""Lists as spreadsheets and tools write them: read as they were meant, or refused with the line."""

from __future__ import annotations

import contextlib

import pytest

from gale_tui.core.batch import parser
from gale_tui.core.batch.parser import parse_batch
from gale_tui.core.batch.reader import read_batch
from gale_tui.core.errors import ConfigError
from tests.support.processor import processor_seconds

A, B = "a-1f0c3b52-7d1e-4f6a-9b3c-5a2e8d7c6b10", "a-2f0c3b52-7d1e-4f6a-9b3c-5a2e8d7c6b10"
F, G = "cf-9b2f6c1d-30a4-4c7e-8f21-6d5e4c3b2a19", "cf-2b2f6c1d-30a4-4c7e-8f21-6d5e4c3b2a19"
KEY = "kg-3592a50e-1111-2222-3333-d45e59e1ba77"
DOTTED = f"{KEY}.bcc56cdc-42d6-47b8-9aa9-6622ca7b7bc2"

LISTS: dict[str, tuple[str, tuple[str, str]]] = {
    "Excel's sep line": (
        f"sep=;\r\ntool_id;flow_id;label\r\n{A};{F};Leave Bot\r\n{B};{G};Loan\r\n", ("Leave Bot", "Loan")),
    "sep, quoted": (f'"sep=,"\r\n{A},{F},"Leave;HR"\r\n{B},{G},Loan', ("Leave;HR", "Loan")),
    "semicolons and a decimal comma": (
        f"tool_id;flow_id;label;load\n{A};{F};Leave;0,5\n{B};{G};Loan;1,25", ("Leave", "Loan")),
    "semicolons and a comma in a label": (f'{A};{F};"Leave,HR"\n{B};{G};Loan', ("Leave,HR", "Loan")),
    "commas and semicolons in labels": (f"{A},{F},Leave;HR\n{B},{G},Loan;x", ("Leave;HR", "Loan;x")),
    "a digit in the header": (f"tool_id,flow_id,label,stage2\n{A},{F},Leave,yes\n{B},{G},Loan,no", ("Leave", "Loan")),
    "another order": (f"name,tool_id,flow_id,q1\nLeave,{A},{F},5\nLoan,{B},{G},6", ("Leave", "Loan")),
    "pandas with an index": (f"Unnamed: 0,tool_id,flow_id,label\n0,{A},{F},Leave\n1,{B},{G},Loan", ("Leave", "Loan")),
    "pandas with an empty name": (f",tool_id,flow_id,label\n0,{A},{F},Leave\n1,{B},{G},Loan", ("Leave", "Loan")),
    "an index and no header": (f"0,{A},{F},Leave\n1,{B},{G},Loan", ("Leave", "Loan")),
    "labels first and no header": (f"Leave,{A},{F}\nLoan,{B},{G}", ("Leave", "Loan")),
    "csvkit's line numbers": (f"line_number,tool_id,flow_id,label\n1,{A},{F},Leave\n2,{B},{G},Loan", ("Leave", "Loan")),
    "a title of Numbers": (f"Table 1,,\ntool_id,flow_id,label\n{A},{F},Leave\n{B},{G},Loan", ("Leave", "Loan")),
    "the header again": (
        f"tool_id,flow_id,label\n{A},{F},Leave\ntool_id,flow_id,label\n{B},{G},Loan", ("Leave", "Loan")),
    "a line break in a label": (f'tool_id,flow_id,label\n{A},{F},"Leave\nBot"\n{B},{G},Loan', ("Leave Bot", "Loan")),
    "a line break in the first cell": (
        f'label,tool_id,flow_id\n"Leave\r\nBot",{A},{F}\r\nLoan,{B},{G}', ("Leave Bot", "Loan")),
    "quotes in labels": (f'{A},{F},"Leave ""big"" Bot"\n{B},{G},5" pipe', ('Leave "big" Bot', '5" pipe')),
    "quotes of a copied cell": (f'{A}\t{F}\t"Big" bank\n{B}\t{G}\tLoan', ('"Big" bank', "Loan")),
    "formulas that keep a text": (f'="{A}",="{F}",Leave\n="{B}",="{G}",Loan', ("Leave", "Loan")),
    "empty rows at the end": (f"tool_id;flow_id;label\n{A};{F};Leave\n;;\n{B};{G};Loan\n;;\n;;\n", ("Leave", "Loan")),
    "double line ends": (f"{A},{F},Leave\r\r\n{B},{G},Loan\r\r\n", ("Leave", "Loan")),
    "a table of Markdown": (
        f"| Tool ID | Flow ID | Label |\n| {A} | {F} | Leave |\n| {B} | {G} | Loan |", ("Leave", "Loan")),
    "what stuck to the ids": (f"{A}).;{F}^;Leave\n[{B}];{G}|text;Loan", ("Leave", "Loan")),
}  # fmt: skip


@pytest.mark.parametrize(("text", "labels"), LISTS.values(), ids=LISTS.keys())
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_two_tools_with_their_labels(text: str, labels: tuple[str, str], encoding: str) -> None:
    batch = read_batch(text.encode(encoding))
    assert batch.bad == ()
    assert [(tool.tool_id, tool.flow_id, tool.label) for tool in batch.tools] == [(A, F, labels[0]), (B, G, labels[1])]
    assert (batch.hosts, batch.hostless) == ((), ())


def test_a_long_cell_is_read() -> None:
    (tool,) = parse_batch(f'tool_id,flow_id,notes\n{A},{F},"{"x" * 300_000}"').tools
    assert (tool.tool_id, tool.label) == (A, "")


def test_words_in_the_place_of_ids_are_refused_with_their_line() -> None:
    for text, line in ((f"Bot,Ablauf\n{A},{F}\n{B},{G}", 1), (f"{A},{F}\nTotal,tools\n{B},{G}", 2)):
        batch = parse_batch(text)
        assert [(bad.line, bad.problem) for bad in batch.bad] == [(line, "no ids, but words, as in a header")]
        assert [tool.tool_id for tool in batch.tools] == [A, B]


def test_an_open_quotation_mark_swallows_no_line() -> None:
    batch = parse_batch(f'{A},{F},"Leave\n{B},{G},"Loan"')
    assert [(bad.line, bad.problem) for bad in batch.bad] == [(1, "a quotation mark is not closed")]
    assert [tool.line for tool in batch.tools] == [2]


@pytest.mark.parametrize("key", [KEY, DOTTED, f"GALE_API_KEY={KEY}", f"x-api-key={DOTTED}", f"the key {KEY}"])
@pytest.mark.parametrize("line", ["{key},{F},x", "{A},{key},x", "{A},{F},{key}", "{A},{F},x,{key}"])
def test_a_key_is_refused_in_every_column_and_not_shown(key: str, line: str) -> None:
    for header in ("", "tool_id,flow_id,label,notes\n"):
        batch = parse_batch(header + line.format(key=key, A=A, F=F) + f"\n{B},{G},Loan")
        assert [tool.tool_id for tool in batch.tools] == [B]
        assert len(batch.bad) == 1
        assert "3592a50e" not in repr(batch)
        assert "bcc56cdc" not in repr(batch)


@pytest.mark.parametrize(
    "unit", ['"x\n', '"""\n', 'a,"b\n', f'{A},{F},"x\n', ";", '"', "x", '""\n', '\\"\n', "kg-", "kg-aaaaaaaa,b\n"]
)
@pytest.mark.parametrize("start", ["", "sep=;\n", f"{A},{F},"])
def test_the_worst_is_read_in_linear_time(start: str, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quadratic reader takes more than a second, linear ones a tenth of that; most of it is for the lines."""
    monkeypatch.setattr(parser, "MOST_LINES", 2000)
    length = 1 << 17
    with contextlib.suppress(ConfigError), processor_seconds(1):
        parse_batch((start + unit * length)[:length])
