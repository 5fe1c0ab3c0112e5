"""Responses as they come off a socket: heads made as regular as the HTTP library wants them, and where each body ends.

Servers send header lines that every browser and curl take and the library refuses; one that is out of step sends a
second answer behind the first.
"""

from __future__ import annotations

import re

HEAD_LIMIT = 100 << 10
"""Bytes of a head; a larger one is passed as it is, and the library refuses it."""
_HEAD_END = re.compile(rb"\n\r?\n")
_STATUS = re.compile(rb"HTTP/(1\.[01])[ \t]+(\d{3})(?:[ \t]+(.*))?", re.IGNORECASE)
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


class ResponseFraming:
    """The response to one request.

    Attributes:
        overrun: True once bytes came behind its end. They are not passed on.
    """

    def __init__(self) -> None:
        self.overrun = False
        self._head: bytearray | None = bytearray()
        self._searched = 0
        self._left: int | None = None
        """Bytes until the end, or of the present chunk; None if the end is not known."""
        self._chunks: _Chunks | None = None

    def feed(self, data: bytes) -> bytes:
        """The bytes to pass to the library; none before the head is complete."""
        if self._head is None:
            return self._body(data)
        self._head += data
        found = _HEAD_END.search(self._head, max(0, self._searched - 3))
        self._searched = len(self._head)
        if found is None and len(self._head) <= HEAD_LIMIT:
            return b""
        end = found.end() if found else len(self._head)
        raw, rest = bytes(self._head[:end]), bytes(self._head[end:])
        self._head = None
        if found is None:
            return raw
        status, head = self._regularize(raw)
        if 100 <= status < 200 and status != 101:
            self._head, self._searched = bytearray(), 0
            return head + (self.feed(rest) if rest else b"")
        if status in (204, 304):
            self._left = 0
        return head + self._body(rest)

    def _regularize(self, raw: bytes) -> tuple[int, bytes]:
        first, *lines = re.split(rb"\r?\n", raw.rstrip(b"\r\n"))
        match = _STATUS.fullmatch(first)
        if match is None:
            return 0, raw
        kept = [b" ".join(part for part in (b"HTTP/" + match[1], match[2], _clean(match[3] or b"")) if part)]
        usable = False
        for line in lines:
            if line[:1] in (b" ", b"\t"):
                if usable:
                    kept[-1] += b" " + _clean(line)
                continue
            name, colon, value = line.partition(b":")
            name, value = name.rstrip(b" \t"), _clean(value)
            known = name.lower()
            usable = bool(colon and _NAME.fullmatch(name)) and (known, value.lower()) != (
                b"transfer-encoding",
                b"identity",
            )
            if not usable:
                continue
            kept.append(name + b": " + value)
            if known == b"transfer-encoding" and value.lower() == b"chunked":
                self._chunks = _Chunks()
            elif known == b"content-length" and value.isdigit() and self._chunks is None:
                self._left = int(value[:18])
        return int(match[2]), b"\r\n".join(kept) + b"\r\n\r\n"

    def _body(self, data: bytes) -> bytes:
        end: int | None = None
        if self._chunks is not None:
            end = self._chunks.end_in(data)
        elif self._left is not None:
            end = self._left if len(data) > self._left else None
            self._left -= min(len(data), self._left)
        if end is None:
            return data
        self.overrun = self.overrun or end < len(data)
        return data[:end]


class _Chunks:
    """Finds the end of a chunked body."""

    def __init__(self) -> None:
        self._left = 0
        self._line = b""
        self._state = "size"

    def end_in(self, data: bytes) -> int | None:
        """The end of the body in the next bytes; None if it is not in them."""
        at = 0
        if self._state == "unknown":
            return None
        if self._state == "over":
            return 0
        while at < len(data):
            if self._left:
                count = min(self._left, len(data) - at)
                self._left -= count
                at += count
                continue
            newline = data.find(b"\n", at)
            self._line += data[at : newline + 1 if newline >= 0 else None]
            if newline < 0 or len(self._line) > HEAD_LIMIT:
                self._state = self._state if len(self._line) <= HEAD_LIMIT else "unknown"
                return None
            at = newline + 1
            line, self._line = self._line.strip(), b""
            if self._state == "size":
                try:
                    self._left = int(line.partition(b";")[0], 16)
                except ValueError:
                    self._state = "unknown"
                    return None
                self._state = "end of chunk" if self._left else "trailer"
            elif self._state == "end of chunk":
                self._state = "size"
            elif not line:
                self._state = "over"
                return at
        return None


def _clean(value: bytes) -> bytes:
    return _CONTROLS.sub(b" ", value).strip()
