"""Lists of tools to export: CSV, TSV or lines of `tool_id,flow_id,label`, as spreadsheets and people write them.

Reading starts nothing. An invalid line is kept with its number, so that it is seen before anything is confirmed.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gale_tui.core.batch.tools import BadLine, Batch, BatchTool, Typed, check_unique, checked_tool, tool_warning
from gale_tui.core.errors import ConfigError
from gale_tui.core.kinds import KINDS, kind_of
from gale_tui.core.paste.text import decode_text
from gale_tui.core.untrusted_text import contains_key

LONGEST_TEXT: Final = 1 << 20
"""Characters that are read."""
MOST_LINES: Final = 10_000
"""Lines that are not empty; a text with more is no list."""

_NAMES: Final[Mapping[str, str]] = {
    "toolid": "tool", "tool": "tool", "agentid": "tool", "agent": "tool",
    "flowid": "flow", "flow": "flow", "callflowid": "flow", "callflow": "flow", "deployedflow": "flow",
    "label": "label", "name": "label", "toolname": "label", "title": "label",
    "workflowid": "tool", "workflow": "tool", "modelid": "tool", "model": "tool", "id": "tool",
    "kind": "kind", "type": "kind",
}  # fmt: skip
_PLACES: Final[Mapping[str, int]] = {"tool": 0, "flow": 1, "label": 2}
_DELIMITERS: Final = "\t;,|"
_PREFIXES: Final = "|".join(dict.fromkeys(kind.id_prefix for kind in KINDS.values()))
_TOOL: Final = re.compile(rf"\W{{0,3}}(?:{_PREFIXES})\w[\w-]{{3,}}\W{{0,3}}", re.ASCII)
_FLOW: Final = re.compile(r"\W{0,3}cf-\w[\w-]{3,}\W{0,3}", re.ASCII)
_SAMPLE: Final = 200
"""Records from which delimiter and columns are found."""


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    text: str
    cells: Sequence[str]
    problem: str = ""


def parse_batch(text: str | bytes) -> Batch:
    """Reads lines of a tool each.

    A file has one delimiter: that of a `sep=` line, else of the header, else the one round the ids. A header may name
    the columns in any order; without one, the ids show the columns. Empty lines and lines that begin with `#` are
    passed over.

    Args:
        text: The lines; bytes as a spreadsheet writes them, in UTF-8, UTF-16 or Windows-1252.

    Raises:
        ConfigError: It is not text, or longer than a batch can be.
    """
    content = decode_text(text) if isinstance(text, bytes) else text
    if len(content) > LONGEST_TEXT:
        raise ConfigError(f"The list is longer than {LONGEST_TEXT:,} characters", "Split it")
    lines = re.split(r"\r\n|\r|\n", content.lstrip("\ufeff"))
    # Excel declares the delimiter in a first line.
    stated = re.fullmatch(r"\s*\"?sep=(.)\"?[\s;,]*", lines[0], re.IGNORECASE | re.DOTALL)
    delimiter = stated[1] if stated is not None else _guess_delimiter(lines)
    records = list(islice(_read_records(lines, 0 if stated is None else 1, delimiter), MOST_LINES + 1))
    if len(records) > MOST_LINES:
        raise ConfigError(f"The list has more than {MOST_LINES:,} lines", "Split it")
    columns, above = _find_columns(records)
    tools: list[BatchTool] = []
    bad: list[BadLine] = []
    known: dict[tuple[str, str], int] = {}
    for record in records[above:]:
        if above and _read_header(record.cells) == columns:
            continue
        typed = _read_cells(record.cells, columns, named=above > 0)
        try:
            tool = _tool(record, typed)
            check_unique(tool, known)
        except ConfigError as error:
            bad.append(BadLine.of(record.line, record.text, error.what, typed, fixed=bool(record.problem)))
            continue
        tools.append(tool)
    return Batch(tuple(tools), tuple(bad), sum(1 for tool in tools if tool_warning(tool)))


def _tool(record: _Record, typed: Typed) -> BatchTool:
    tool_id, flow_id, label, kind = typed
    if record.problem:
        raise ConfigError(record.problem)
    tool = checked_tool(tool_id, flow_id, label, kind, record.line)
    if contains_key(record.text):
        raise ConfigError("there is an API key in it")
    if not re.search(r"\d", tool.tool_id + tool.flow_id) and not (_TOOL.match(tool_id) or _FLOW.match(flow_id)):
        raise ConfigError("no ids, but words, as in a header")
    return tool


# Delimiter and records


def _guess_delimiter(lines: Sequence[str]) -> str:
    """The delimiter that a header has, else the one round most ids, else the first one; a space if there is none."""
    sample = [line for line in lines[: 5 * _SAMPLE] if line.strip() and not line.lstrip().startswith("#")][:_SAMPLE]
    split = {each: [_split(line[:4096], each) for line in sample] for each in _DELIMITERS}
    for records in zip(*split.values(), strict=True):
        for delimiter, cells in zip(split, records, strict=True):
            if _read_header(cells) is not None:
                return delimiter
    around = Counter({each: sum(_find_ids(cells) is not None for cells in split[each]) for each in split})
    best, score = max(around.items(), key=lambda each: each[1])
    if score:
        return best
    firsts = (min((each for each in _DELIMITERS if each in line), key=line.index, default="") for line in sample)
    found = Counter(each for each in firsts if each)
    return found.most_common(1)[0][0] if found else " "


def _split(line: str, delimiter: str) -> list[str]:
    """The cells of a single line, quoted or not."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])]
    except csv.Error:
        return [cell.strip(' "') for cell in line.split(delimiter)]


def _read_records(lines: Sequence[str], at: int, delimiter: str) -> Iterator[_Record]:
    # A label may be longer than the 128 kB that the module reads by default.
    csv.field_size_limit(LONGEST_TEXT + 1)
    while at < len(lines):
        line = lines[at]
        begin = at
        at += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if delimiter == " " or (delimiter not in line and '"' not in line):
            yield _Record(begin + 1, line, line.split(None, 2))
            continue
        cells, problem = _read_quoted(lines, begin, delimiter)
        if not problem:
            at = begin + cells[1]
            if any(cells[0]):
                yield _Record(begin + 1, "\n".join(lines[begin:at]), cells[0])
        elif line.count('"') % 2:
            yield _Record(begin + 1, line, [cell.strip(' "') for cell in line.split(delimiter)], problem)
        else:
            # A quotation mark that belongs to the text, as some write it.
            yield _Record(begin + 1, line, [cell.strip() for cell in line.split(delimiter)])


def _read_quoted(lines: Sequence[str], at: int, delimiter: str) -> tuple[tuple[list[str], int], str]:
    """The cells of the record that begins at a line, and how many lines it has; or the problem of its quotes."""
    source = (f"{lines[each]}\n" for each in range(at, len(lines)))
    reader = csv.reader(source, delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=True)
    try:
        cells = [cell.strip() for cell in next(reader)]
    except csv.Error:
        return ([], 1), "a quotation mark is not closed"
    lines_with_ids = (
        _find_ids([cell.strip(' "') for cell in line.split(delimiter)]) for line in lines[at : at + reader.line_num]
    )
    if reader.line_num > 1 and sum(each is not None for each in lines_with_ids) > 1:
        # The text of one cell has swallowed other lines of the list.
        return ([], 1), "a quotation mark is not closed"
    return (cells, reader.line_num), ""


# Columns


def _read_header(cells: Sequence[str]) -> Mapping[str, int] | None:
    """Which column is which, if the cells name them."""
    if any(_TOOL.fullmatch(cell) or _FLOW.fullmatch(cell) for cell in cells):
        return None
    columns: dict[str, int] = {}
    for index, cell in enumerate(cells):
        name = _NAMES.get(re.sub(r"[^a-z]", "", cell.casefold())) if len(cell) < 100 else None
        if name is not None:
            columns.setdefault(name, index)
    return columns if "tool" in columns and ("flow" in columns or "kind" in columns) else None


def _find_ids(cells: Sequence[str]) -> tuple[int, int] | None:
    """The places of a Tool ID and a Flow ID by their shape."""
    tool = next((at for at, cell in enumerate(cells) if _TOOL.fullmatch(cell)), None)
    flow = next((at for at, cell in enumerate(cells) if _FLOW.fullmatch(cell)), None)
    return (tool, flow) if tool is not None and flow is not None else None


def _find_columns(records: Sequence[_Record]) -> tuple[Mapping[str, int], int]:
    """Which column is which, and how many records end with the header that says so; none without a header."""
    for place, record in enumerate(records[:10]):
        header = _read_header(record.cells) if not record.problem else None
        if header is not None:
            return header, place + 1
        if any(_TOOL.match(cell) or _FLOW.match(cell) for cell in record.cells):
            break
    found = Counter(filter(None, (_find_ids(record.cells) for record in records[:_SAMPLE])))
    if not found:
        return _PLACES, 0
    (tool, flow), _ = found.most_common(1)[0]
    if (tool, flow) == (1, 0):
        tool, flow = 0, 1
    # The text behind the ids, else the one before them that is no number.
    label = max(tool, flow) + 1
    if min(tool, flow) and not any(len(record.cells) > label and record.cells[label] for record in records[:_SAMPLE]):
        before = [
            at
            for at in range(min(tool, flow))
            if any(re.search(r"[^\W\d_]", r.cells[at]) for r in records[:9] if len(r.cells) > at)
        ]
        label = before[0] if before else label
    return {"tool": tool, "flow": flow, "label": label}, 0


def _read_cells(cells: Sequence[str], columns: Mapping[str, int], *, named: bool) -> Typed:
    """The fields in a line's cells, unchecked.

    Args:
        named: Whether a header names the columns.
    """

    def cell(name: str) -> str:
        index = columns.get(name, len(cells))
        return cells[index] if index < len(cells) else ""

    tool_id, flow_id, label = cell("tool"), cell("flow"), cell("label")
    if not named:
        if columns["label"] > columns["flow"]:
            # A label that contains an unquoted delimiter.
            label = ", ".join(each for each in cells[columns["label"] :] if each)
        if _FLOW.fullmatch(tool_id) and _TOOL.fullmatch(flow_id):
            tool_id, flow_id = flow_id, tool_id
        kind = kind_of(tool_id.strip("\"'"))
        if kind is not None and not kind.needs_flow and not _FLOW.fullmatch(flow_id):
            # Without a flow, the label follows the id.
            flow_id, label = "", ", ".join(each for each in (flow_id, label) if each)
    return tool_id, flow_id, label, cell("kind")
