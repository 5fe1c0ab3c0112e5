"""The log file: bounded, private, and without a key or a signed link in it, whoever writes to it."""

from __future__ import annotations

import logging
import re
import traceback
from datetime import UTC, datetime
from pathlib import Path

from gale_tui.core.secret import HIDDEN, without_secrets
from gale_tui.core.untrusted_text import inert, inert_block, redact_links

__all__ = ["close_logging", "crash_text", "redact", "setup_logging"]

FILE_BYTES = 1 << 20
"""Size of a log file at which the next one is begun."""
FILES = 3
"""How many there are in all, the one that is written included."""

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


class _LogFile(logging.Handler):
    """Makes the file with the first record; what it takes to write one is loaded then, not before the first frame."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._file is None:
            from gale_tui.core.log_file import PrivateFile

            self._file = PrivateFile(self._path, maxBytes=FILE_BYTES, backupCount=FILES - 1, delay=True)
            self._file.setFormatter(self.formatter)
        self._file.emit(record)

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
        super().close()


def setup_logging(path: Path, level: str | int = logging.INFO) -> logging.Logger:
    """Sends everything that is logged in this process to the file; nothing goes to the terminal.

    The file is made with the first record. One that cannot be written is done without.

    Args:
        path: The log file; up to `FILES` of at most about `FILE_BYTES` each are kept.
        level: What gale-tui itself logs; of other libraries it is warnings and errors.

    Returns:
        The logger above all of gale-tui's own.
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
