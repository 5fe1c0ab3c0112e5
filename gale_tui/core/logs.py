"""The log file: bounded, private, without keys and signed links, whoever writes to it."""

from __future__ import annotations

import logging
import os
import re
import stat
import traceback
from datetime import UTC, datetime
from io import FileIO, TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from gale_tui.core.filesystem import NO_LINK, PLAIN, make_file_private, make_private_folder
from gale_tui.core.secret import HIDDEN, without_secrets
from gale_tui.core.untrusted_text import inert, inert_block, redact_links

FILE_BYTES = 1 << 20
"""Largest size of a log file."""
FILES = 3
"""Number of log files, the current one included."""

_MESSAGE_LIMIT = 4000
_READ_LIMIT = 4 * _MESSAGE_LIMIT
_TRACEBACK_LIMIT = 32_768

_handler: logging.Handler | None = None

# Compiled with the first line that is written.
_HEADER = r"""(?ix)
    ( (?: x-api-key | (?:proxy-)?authorization | (?:set-)?cookie | GALE_API_KEY ) ["']? \s* [:=,] \s* (?: b(?=["']) )? )
    ( "[^"\r\n]{0,4096}"? | '[^'\r\n]{0,4096}'? | [^\s"',)}\]][^"'\r\n)}\]]* )"""


def redact(text: str) -> str:
    """The text without keys, values of secret headers and the queries of links."""
    text = without_secrets(text)
    text = re.sub(_HEADER, lambda match: match[1] + HIDDEN, text)
    return redact_links(text)


def crash_text(exc: BaseException) -> str:
    """The traceback with its causes, without local variables, redacted and inert."""
    lines = traceback.TracebackException.from_exception(exc, capture_locals=False).format()
    return inert_block(redact("".join(lines)), _TRACEBACK_LIMIT)


class _Redacting(logging.Formatter):
    """One line per record, then its traceback; everything redacted after it was put together."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            message = record.getMessage()
        except Exception as error:  # any argument's __str__ may raise anything
            message = f"a message that cannot be put together ({type(error).__name__})"
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = f"{at} {record.levelname} {record.name}: {inert(redact(message[:_READ_LIMIT]), _MESSAGE_LIMIT)}"
        # Not `record.exc_text`: other handlers keep their own form there.
        if record.exc_info and record.exc_info[1] is not None:
            text += "\n" + crash_text(record.exc_info[1]).rstrip("\n")
        if record.stack_info:
            text += "\n" + inert_block(redact(record.stack_info), _TRACEBACK_LIMIT)
        return text


class _LogFile(RotatingFileHandler):
    """A rotating file that only its owner reads. A failure to write breaks no screen and prints nothing on it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "a", FILE_BYTES, FILES - 1, "utf-8", delay=True, errors="backslashreplace")

    def _open(self) -> TextIOWrapper:
        make_private_folder(Path(self.baseFilename).parent)
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | PLAIN | NO_LINK, 0o600)
        # One that was there before may be open to others. Never the target of a link, never a device.
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            make_file_private(descriptor)
        # Nothing is kept back: what a full disk refused is lost, not tried again at the end.
        return TextIOWrapper(FileIO(descriptor, "a"), self.encoding, self.errors, write_through=True)

    def shouldRollover(self, record: logging.LogRecord) -> int:
        """Also continues in the next file once another gale-tui has begun it."""
        if self.stream is not None:
            try:
                current = os.path.samestat(os.stat(self.baseFilename), os.fstat(self.stream.fileno()))
            except OSError:
                current = False
            if not current:
                self.stream.close()
                self.stream = None
        return super().shouldRollover(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Loses a record that cannot be written."""


def setup_logging(path: Path, level: str | int = logging.INFO) -> logging.Logger:
    """Sends everything that is logged in this process to the file, and nothing to the terminal.

    The file is made with the first record. If it cannot be written, nothing is logged.

    Args:
        path: The log file; up to `FILES` of at most about `FILE_BYTES` each are kept.
        level: Of gale-tui's own records; other libraries log warnings and errors.

    Returns:
        The parent of gale-tui's loggers.
    """
    global _handler
    close_logging()
    handler = _LogFile(path)
    handler.setFormatter(_Redacting())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    # httpcore logs whole addresses, signed queries included, at DEBUG.
    for name in ("httpcore", "keyring"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logger = logging.getLogger("gale_tui")
    logger.setLevel(level)
    _handler = handler
    return logger


def close_logging() -> None:
    """Closes the file; what is logged afterwards is lost."""
    global _handler
    if _handler is not None:
        logging.getLogger().removeHandler(_handler)
        _handler.close()
        _handler = None
