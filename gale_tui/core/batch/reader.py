"""What a person brought: one export for the form, or several for a batch; from a paste or from a file.

Reading a recording of many megabytes takes a second or more: whoever draws a screen asks `takes_long` first, and reads
on a thread.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gale_tui.core.batch.parser import Batch, read_batch, several_in, text_of
from gale_tui.core.errors import ConfigError
from gale_tui.core.paste.capture import HAR_LIMIT, Captured, CapturedRequest, har_text, is_har_path, recognise
from gale_tui.core.untrusted_text import inert

__all__ = ["Paste", "file_size", "read_paste", "read_paste_file", "takes_long"]

LONG: Final = 1 << 16
"""Characters from which on reading may hold up a screen."""


@dataclass(frozen=True, slots=True)
class Paste:
    """What a text was read as."""

    captured: Captured
    """The export for the form, and what is to be said of the rest."""
    batch: Batch | None = None
    """Set where there are several."""
    label: str = ""
    """What a list calls the one export."""
    source: str = "the paste"
    """What to call the place that it was found in."""


def takes_long(text: str) -> bool:
    """True where reading a paste may take more than a few milliseconds, or has to look at a disk."""
    return len(text) > LONG or is_har_path(text)


def read_paste(text: str) -> Paste:
    """Reads a paste, or the HAR file whose path it is."""
    try:
        recorded = har_text(text)
    except ConfigError as error:
        return Paste(Captured(ignored=(str(error),)))
    content = text if recorded is None else recorded
    batch = several_in(content)
    # Who shows a batch has no use for the rest, least of all for a key.
    return Paste(Captured() if batch is not None else recognise(content, read_files=False), batch)


def file_size(path: Path) -> int:
    """Bytes of a file that may be read.

    Raises:
        ConfigError: There is none, it is no ordinary file, or it is too large.
    """
    shown = inert(str(path), 200)
    try:
        status = path.expanduser().stat()
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{shown} cannot be read: {why}", "Give the whole path of the file") from None
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{shown} is no ordinary file", "Give a file with the Export request or a list")
    if status.st_size > HAR_LIMIT:
        raise ConfigError(f"{shown} has more than {HAR_LIMIT >> 20} MB", "Record less, or save one request alone")
    return status.st_size


def read_paste_file(path: Path) -> Paste:
    """Reads a file: a captured request in any of its forms, a HAR file, or a list as CSV, TSV or lines.

    Raises:
        ConfigError: It cannot be read, or no export of a tool is in it.
    """
    shown = inert(str(path), 200)
    file_size(path)
    try:
        with path.expanduser().open("rb") as file:
            content = text_of(file.read(HAR_LIMIT + 1))
    except OSError as error:
        raise ConfigError(f"{shown} cannot be read: {error.strerror}") from None
    captured = recognise(content, read_files=False)
    whole = [each for each in captured.requests if each.kind == "tool" and each.host is not None]
    if len(whole) == 1 and len(captured.requests) == 1:
        return Paste(captured, source=path.name)
    batch = read_batch(content)
    # Any two words of a letter could be ids; those of a list look like some, or stand in columns.
    ids = len(batch.tools) > len(batch.warnings) or any(each in content for each in "\t,;")
    if batch.tools and ids and (len(batch.tools) > len(batch.bad) or len(batch.tools) > len(batch.warnings)):
        if batch.count > 1:
            return Paste(Captured(), batch)
        (tool,) = batch.tools
        return Paste(
            Captured((CapturedRequest(None, tool.tool_id, tool.flow_id, "", "tool"),)), None, tool.label, path.name
        )
    if any(each.kind == "tool" for each in captured.requests):
        return Paste(captured, source=path.name)
    why = " ".join(captured.ignored) or "Give an Export request as URL, curl, fetch or HAR, or lines of tool_id,flow_id"
    raise ConfigError(f"No export of a tool was recognised in {shown}", why)
