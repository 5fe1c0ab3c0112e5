"""Lists of tools to export: pasted lines, CSV or TSV of `tool_id,flow_id,label`, the header optional.

Reading starts nothing. What is not understood is kept with its line number, so that a person sees it before anything is
confirmed.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import clean_id, id_warning
from gale_tui.core.untrusted_text import inert, redact_links

if TYPE_CHECKING:
    from gale_tui.core.paste.capture import Captured

__all__ = [
    "LONGEST_TEXT",
    "MOST_TOOLS",
    "TOO_MANY",
    "BadLine",
    "Batch",
    "BatchTool",
    "batch_text",
    "checked_tool",
    "looks_like_batch",
    "parse_batch",
    "read_batch",
    "several_in",
    "text_of",
    "tool_warning",
]

MOST_TOOLS: Final = 2000
"""Tools of one batch."""
LONGEST_TEXT: Final = 1 << 20
"""Characters that are read."""
LABEL_LIMIT: Final = 120
"""Characters of a label."""
TOO_MANY: Final = f"more than {MOST_TOOLS:,} tools are not taken at once"

_NAMES: Final[Mapping[str, str]] = {
    "toolid": "tool", "tool": "tool", "agentid": "tool", "agent": "tool",
    "flowid": "flow", "flow": "flow", "callflowid": "flow", "callflow": "flow", "deployedflow": "flow",
    "label": "label", "name": "label", "toolname": "label", "title": "label",
}  # fmt: skip
_COLUMNS: Final[Mapping[str, int]] = {"tool": 0, "flow": 1, "label": 2}
_COMMAND: Final = re.compile(r"(?m)^\s*(?:\S*[/\\])?curl(?:\.exe)?\s|\bfetch\s*\(|\bInvoke-(?:Web|Rest)")
"""A copied call, none of whose lines is one of a list."""
_REQUEST: Final = re.compile(r"https?://|\bcurl\b|\bfetch\(|\A\s*\{")
_TOOL: Final = re.compile(r":?a-[\w-]+", re.ASCII)
_FLOW: Final = re.compile(r":?cf-[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class BatchTool:
    """A tool of a batch or of a set."""

    tool_id: str
    flow_id: str
    label: str = ""
    line: int = 0
    """Where it stood, from 1; 0 where it was not read from lines."""

    @property
    def title(self) -> str:
        """What to call it."""
        return self.label or self.tool_id


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that names no tool."""

    line: int
    """From 1."""
    text: str
    """The line, made inert, bounded, without keys and without the queries of links."""
    problem: str
    """What is wrong with it, without a full stop."""
    typed: tuple[str, str, str] = ("", "", "")
    """Tool ID, Flow ID and label as far as they can be told apart and may be shown; to be mended."""
    fixed: bool = False
    """The problem is one of the line as it was written, and not to be seen in `typed`."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What lines were read as."""

    tools: tuple[BatchTool, ...] = ()
    bad: tuple[BadLine, ...] = ()
    warnings: tuple[BadLine, ...] = ()
    """Lines that are taken as they are, although something about them is unusual."""
    hosts: tuple[str, ...] = ()
    """Scheme, host and port that captured requests were sent to."""
    notes: tuple[str, ...] = ()
    """Sentences about captured requests that were not taken."""

    @property
    def count(self) -> int:
        """Lines that say something, good and bad."""
        return len(self.tools) + len(self.bad)


def parse_batch(text: str | bytes) -> Batch:
    """Reads lines of a tool each.

    Cells are parted by tabs, commas, semicolons or spaces, line by line; quoted as in CSV. The first line may name the
    columns, in any order. Without names they are Tool ID, Flow ID and a label, and the two ids may change places where
    their shapes tell which is which. Empty lines and lines that begin with `#` are passed over.

    Args:
        text: The lines; bytes as a spreadsheet writes them, in UTF-8, UTF-16 or Windows-1252.

    Raises:
        ConfigError: It is no text, or longer than a batch can be.
    """
    content = text_of(text) if isinstance(text, bytes) else text
    if len(content) > LONGEST_TEXT:
        raise ConfigError(f"The list is longer than {LONGEST_TEXT:,} characters", "Split it")
    columns: Mapping[str, int] | None = None
    tools: list[BatchTool] = []
    bad: list[BadLine] = []
    warnings: list[BadLine] = []
    seen: dict[tuple[str, str], int] = {}
    first = True
    for number, line in enumerate(re.split(r"\r\n|\r|\n", content.lstrip("\ufeff")), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells, broken = _cells(line)
        if first:
            first = False
            columns = None if broken else _header(cells)
            if columns is not None:
                continue
        typed = _typed(cells, columns or _COLUMNS, ordered=columns is not None)
        try:
            if broken:
                raise ConfigError(broken)
            tool = checked_tool(*typed, number)
            before = seen.setdefault((tool.tool_id, tool.flow_id), number)
            if before != number:
                raise ConfigError(f"the same tool and flow as line {before}")
            if len(tools) >= MOST_TOOLS:
                raise ConfigError(TOO_MANY)
        except ConfigError as error:
            bad.append(_bad_line(number, line, error.what, typed, fixed=bool(broken)))
            continue
        tools.append(tool)
        warning = tool_warning(tool)
        if warning:
            warnings.append(BadLine(number, _shown(line), warning))
    return Batch(tuple(tools), tuple(bad), tuple(warnings))


def read_batch(text: str | bytes) -> Batch:
    """Reads lines as :func:`parse_batch` does, or captured Export requests: addresses, curl, fetch, a HAR's contents.

    Of captured requests `line` is their place among the requests. A text that is the path of a HAR file stands for what
    is in it.

    Raises:
        ConfigError: It is no text, or longer than a batch can be.
    """
    content = text_of(text) if isinstance(text, bytes) else text
    path = isinstance(text, str) and _har_path(content)
    if path or _REQUEST.search(content):
        from gale_tui.core.paste.capture import recognise

        captured = recognise(content, read_files=path)
        if captured.requests or _COMMAND.search(content):
            return _of_requests(captured)
    return parse_batch(content)


def _of_requests(captured: Captured) -> Batch:
    tools: list[BatchTool] = []
    bad: list[BadLine] = []
    for number, request in enumerate(captured.requests, 1):
        shown = inert(f"{request.tool_id or 'no Tool ID'} {request.flow_id or 'no Flow ID'} {request.label}", 120)
        problem, fixed = "", request.kind != "tool"
        if request.kind != "tool":
            problem = "the export of a workflow; gale-tui exports tools"
        elif not request.tool_id or not request.flow_id:
            problem = "no Flow ID" if request.tool_id else "no Tool ID"
        elif len(tools) >= MOST_TOOLS:
            problem = TOO_MANY
        if problem or not request.tool_id or not request.flow_id:
            typed = (request.tool_id or "", request.flow_id or "", request.label)
            bad.append(_bad_line(number, shown, problem, typed, fixed=fixed))
        else:
            tools.append(BatchTool(request.tool_id, request.flow_id, inert(request.label, LABEL_LIMIT), number))
    hosts = tuple(dict.fromkeys(request.host for request in captured.requests if request.host))
    return Batch(tuple(tools), tuple(bad), (), hosts, captured.ignored)


def several_in(text: str) -> Batch | None:
    """What a paste is read as where it is a list rather than one request: several tools, and more of them than other
    lines; else None.

    A "Copy as cURL" or "Copy as fetch" has many lines too, hardly any of which names a tool.
    """
    one_line = "\n" not in text.strip().replace("\r", "\n")
    if one_line and not _har_path(text) and not text.lstrip().startswith("{"):
        return None
    try:
        batch = read_batch(text)
    except ConfigError:
        return None
    return batch if len(batch.tools) >= 2 and len(batch.tools) > len(batch.bad) else None


def looks_like_batch(text: str) -> bool:
    """True where `several_in` finds several."""
    return several_in(text) is not None


def _har_path(text: str) -> bool:
    return len(text) <= 4096 and text.strip().lower().rstrip("\"'").endswith(".har")


def batch_text(tools: Sequence[BatchTool]) -> str:
    """The tools as CSV with a header, as :func:`parse_batch` reads it."""
    import csv
    from io import StringIO

    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("tool_id", "flow_id", "label"))
    writer.writerows((tool.tool_id, tool.flow_id, tool.label) for tool in tools)
    return out.getvalue()


def text_of(content: bytes) -> str:
    """The text of a file as a browser or a spreadsheet writes it.

    Raises:
        ConfigError: It is no text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            # What a spreadsheet writes that does not know better; ids are ASCII, only labels can suffer.
            text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise ConfigError("The list is no text", "Give a CSV, a TSV or lines of tool_id,flow_id,label")
    return text


def _cells(line: str) -> tuple[list[str], str]:
    """The cells of a line, and what keeps them from being told apart for certain; else nothing."""
    import csv

    delimiter = next((each for each in "\t,;" if each in line), None)
    if delimiter is None:
        return line.split(None, 2), ""
    try:
        rows = list(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        return [cell.strip(' "') for cell in line.split(delimiter)], "a quotation mark is not closed"
    return [cell.strip() for cell in rows[0]], ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.casefold())


def _header(cells: Sequence[str]) -> Mapping[str, int] | None:
    """Which column is which, where the line names them; None where it is a line like the others."""
    columns: dict[str, int] = {}
    for index, cell in enumerate(cells):
        if any(character.isdigit() for character in cell):
            return None
        name = _NAMES.get(_plain(cell))
        if name is not None:
            columns.setdefault(name, index)
    return columns if "tool" in columns and "flow" in columns else None


def _typed(cells: Sequence[str], columns: Mapping[str, int], *, ordered: bool) -> tuple[str, str, str]:
    """Tool ID, Flow ID and label of a line's cells, not looked at any closer."""

    def cell(name: str) -> str:
        index = columns.get(name, len(cells))
        return cells[index] if index < len(cells) else ""

    tool_id, flow_id, label = cell("tool"), cell("flow"), cell("label")
    if not ordered:
        # A label with a comma in it that nobody quoted.
        label = ", ".join(each for each in cells[2:] if each)
        if _FLOW.fullmatch(tool_id) and _TOOL.fullmatch(flow_id):
            tool_id, flow_id = flow_id, tool_id
    return tool_id, flow_id, label


def checked_tool(tool_id: str, flow_id: str, label: str, number: int = 0) -> BatchTool:
    """The tool that a line names.

    Args:
        tool_id: As it is typed.
        flow_id: As it is typed.
        label: As it is typed.
        number: The line's.

    Raises:
        ConfigError: It names none; `what` says why, without a full stop.
    """
    if not tool_id:
        raise ConfigError("no Tool ID")
    tool_id = _id(tool_id, "Tool ID")
    if not flow_id:
        raise ConfigError("no Flow ID")
    return BatchTool(tool_id, _id(flow_id, "Flow ID"), inert(label.strip(), LABEL_LIMIT), number)


def tool_warning(tool: BatchTool) -> str:
    """What is unusual about the ids of a tool, without a full stop; mostly nothing."""
    found = id_warning("tool", tool.tool_id) or id_warning("flow", tool.flow_id) or ""
    return found.rstrip(".")


def _bad_line(number: int, line: str, problem: str, typed: Sequence[str], *, fixed: bool) -> BadLine:
    # A key or the query of a link is not shown, and so cannot be mended: the problem stays until it is typed anew.
    tool_id, flow_id, label = (cell if _may_be_shown(cell) else "" for cell in typed)
    hidden = (tool_id, flow_id, label) != tuple(typed)
    return BadLine(number, _shown(line), problem, (tool_id, flow_id, label), fixed or hidden)


def _may_be_shown(cell: str) -> bool:
    return len(cell) <= 200 and inert(redact_links(cell), 400) == cell and not cell.lower().startswith("kg-")


def _id(text: str, name: str) -> str:
    try:
        value = clean_id(text)
        if value.lower().startswith("kg-"):
            # It would stand in a URL and in the history.
            raise ConfigError("this is an API key")
        return value
    except ConfigError as error:
        what = error.what
        raise ConfigError(f"{name}: {what[:1].lower()}{what[1:]}") from None


def _shown(line: str) -> str:
    return inert(redact_links(line[:400]), 120)
