"""Reads a paste or a file: one export for the form, or several for a batch.

Reading a recording of many megabytes takes a second or more: a screen asks `is_slow_to_read` first, and reads on a
thread.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from gale_tui.core.batch.parser import parse_batch
from gale_tui.core.batch.tools import MOST_TOOLS, TOO_MANY, BadLine, Batch, BatchTool
from gale_tui.core.errors import ConfigError
from gale_tui.core.paste.capture import Captured, CapturedRequest, recognise
from gale_tui.core.paste.har import HAR_LIMIT
from gale_tui.core.paste.text import decode_text
from gale_tui.core.untrusted_text import contains_key, inert

LONG: Final = 1 << 16
"""Characters from which on reading may hold up a screen."""
_FILE_ENDINGS: Final = (".har", ".csv", ".tsv")
_COMMAND: Final = re.compile(r"(?m)^\s*(?:\S*[/\\])?curl(?:\.exe)?\s|\bfetch\s*\(|\bInvoke-(?:Web|Rest)")
"""A copied call, none of whose lines is one of a list."""
_REQUEST: Final = re.compile(r"https?:|/exports?\b|\bcurl\b|\bfetch\(|\A\s*\{|%2F|\bInvoke-", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Paste:
    """The result of reading a text."""

    captured: Captured
    """The export for the form, and notes about the rest."""
    batch: Batch | None = None
    """Set if there are several."""
    label: str = ""
    """The label that a list gives the one export."""
    source: str = "the paste"
    """Name of the place where it was found."""


# Texts


def read_batch(text: str | bytes) -> Batch:
    """Reads a list (:func:`parse_batch`), or captured Export requests, or the file whose path the text is.

    Of captured requests `line` is that of the paste; of a HAR it is the place among the requests.

    Raises:
        ConfigError: It is not text, longer than a batch can be, or the path of a file that cannot be read.
    """
    path = pasted_path(text) if isinstance(text, str) else None
    content = _read_text(path) if path is not None else decode_text(text) if isinstance(text, bytes) else text
    if _REQUEST.search(content):
        captured = recognise(content)
        if (captured.requests and not captured.loose) or captured.unread or _COMMAND.search(content):
            return _batch_of_requests(captured)
    batch = parse_batch(content)
    if len(batch.tools) == batch.unusual and (captured := recognise(content)).loose:
        # Ids with something round them, as in `toolId: a-…`, are no lines of a list.
        return _batch_of_requests(captured)
    return batch


def _batch_of_requests(captured: Captured) -> Batch:
    tools: list[BatchTool] = []
    bad: list[BadLine] = []
    for request in captured.requests:
        flow = request.flow_id or ("no Flow ID" if request.kind.needs_flow else "")
        where = "" if request.tool_id else request.host
        shown = inert(" ".join(filter(None, (request.tool_id or f"no {request.kind} id", flow, where))), 120)
        problem = _problem_of(request) or (TOO_MANY if len(tools) >= MOST_TOOLS else "")
        tool_id, flow_id = request.tool_id or "", request.flow_id or ""
        if problem:
            typed = (tool_id, flow_id, "", request.kind.word)
            bad.append(BadLine.of(request.line, shown, problem, typed, fixed=False))
        else:
            tools.append(BatchTool(tool_id, flow_id, "", request.line, request.kind))
    if captured.unread:
        bad.append(BadLine(captured.requests[-1].line + 1 if captured.requests else 1, "", captured.unread, fixed=True))
    hosts = tuple(dict.fromkeys(request.host for request in captured.requests if request.host))
    hostless = tuple(request.line for request in captured.requests if request.tool_id and request.host is None)
    return Batch(tuple(tools), tuple(bad), 0, hosts, captured.ignored, hostless)


def _problem_of(request: CapturedRequest) -> str:
    if request.tool_id and contains_key(request.tool_id):
        return "there is an API key in it"
    if not request.tool_id:
        return f"an export without a {request.kind.word.capitalize()} ID"
    return "no Flow ID" if request.kind.needs_flow and not request.flow_id else ""


def find_batch(text: str) -> Batch | None:
    """The list in a paste: several tools, and more of them than other lines; None for anything else.

    A "Copy as cURL" or "Copy as fetch" has many lines too, hardly any of which names a tool.
    """
    one_line = "\n" not in text.strip().replace("\r", "\n")
    if one_line and pasted_path(text) is None and not text.lstrip().startswith("{") and text.count("http") < 2:
        return None
    try:
        batch = read_batch(text)
    except ConfigError:
        return None
    if batch.hosts or batch.hostless:
        return batch if batch.tools and batch.count >= 2 else None
    return batch if len(batch.tools) >= 2 and len(batch.tools) > len(batch.bad) else None


def is_slow_to_read(text: str) -> bool:
    """Returns True if reading a paste may take more than a few milliseconds, or has to look at a disk."""
    return len(text) > LONG or pasted_path(text) is not None


def read_paste(text: str) -> Paste:
    """Reads a paste, or the HAR, CSV or TSV file whose path it is."""
    path = pasted_path(text)
    if path is not None:
        try:
            return read_paste_file(path)
        except ConfigError as error:
            return Paste(Captured(ignored=(str(error),)))
    batch = find_batch(text)
    # A batch needs none of the rest, least of all a key.
    return Paste(Captured() if batch is not None else recognise(text), batch)


# Files


def pasted_path(text: str) -> Path | None:
    """The path of a HAR, CSV or TSV file, as typed, copied, or dropped on the terminal; None for any other text."""
    line = text.strip() if len(text) <= 4096 else ""
    if not line.lower().rstrip("\"'").endswith(_FILE_ENDINGS) or "\n" in line or re.match(r"(?i)https?:", line):
        return None
    if line[0] in "\"'" and line[-1] == line[0]:
        line = line[1:-1]
    elif os.sep == "/":
        line = re.sub(r"\\(.)", r"\1", line)
    if line.lower().startswith("file://"):
        line = unquote(urlsplit(line).path)
    try:
        return Path(line).expanduser() if "\0" not in line else None
    except RuntimeError:
        return None


def file_size(path: Path) -> int:
    """Bytes of a file that may be read.

    Raises:
        ConfigError: There is none, it is no regular file, or it is too large.
    """
    shown = inert(str(path), 200)
    try:
        status = path.expanduser().stat()
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{shown} cannot be read: {why}", "Give the whole path of the file") from None
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{shown} is not a regular file", "Give a file with the Export request or a list")
    if status.st_size > HAR_LIMIT:
        raise ConfigError(f"{shown} has more than {HAR_LIMIT >> 20} MB", "Record less, or save one request alone")
    return status.st_size


def _read_text(path: Path) -> str:
    file_size(path)
    try:
        with path.expanduser().open("rb") as file:
            return decode_text(file.read(HAR_LIMIT + 1))
    except OSError as error:
        raise ConfigError(f"{inert(str(path), 200)} cannot be read: {error.strerror}") from None


def read_paste_file(path: Path) -> Paste:
    """Reads a file: a captured request in any of its forms, a HAR file, or a list as CSV, TSV or lines.

    Raises:
        ConfigError: It cannot be read, or no export of a tool is in it.
    """
    content = _read_text(path)
    captured = recognise(content)
    if len(captured.requests) == 1 and captured.understood and captured.requests[0].host is not None:
        return Paste(captured, source=path.name)
    batch = read_batch(content)
    # Any two words could be ids; those of a list look like ids, or are in columns.
    ids = len(batch.tools) > batch.unusual or any(each in content for each in "\t,;")
    if batch.tools and ids and (len(batch.tools) > len(batch.bad) or len(batch.tools) > batch.unusual):
        if batch.count > 1:
            return Paste(Captured(), batch)
        (tool,) = batch.tools
        request = CapturedRequest(None, tool.tool_id, tool.flow_id or None, tool.kind)
        return Paste(Captured((request,)), None, tool.label, path.name)
    if captured.understood:
        return Paste(captured, source=path.name)
    why = " ".join(captured.ignored) or "Give an Export request as URL, curl, fetch or HAR, or lines of tool_id,flow_id"
    raise ConfigError(f"No export was recognised in {inert(str(path), 200)}", why)
