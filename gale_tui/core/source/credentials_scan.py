"""Texts of a tree that look like credentials. They stay where they are; the place is reported, never the text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Final

MOST: Final = 200
"""Findings that are listed."""

_VALUE: Final = r"(?!\{\{|\$\{|<|•)[^\s\0\"{}]{8,400}"
_NAMED: Final = rf"\"(?:\s{{0,8}}:\s{{0,8}}|\s{{0,8}},\s{{0,80}}\"value\"\s{{0,8}}:\s{{0,8}})\"{_VALUE}\""

_PATTERNS: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("a GALE key", ("kg-",), r"kg-(?<![0-9a-z_-]kg-)[0-9a-z][0-9a-z-]{15}"),
    ("a private key", ("private key-----",), r"private key-----"),
    ("a bearer token", ("bearer ",), r"bearer\s{1,4}[0-9a-z._~+/=-]{12}"),
    ("basic credentials", ("basic ",), r"basic\s{1,4}(?=[a-z+/]{0,60}[0-9=])[0-9a-z+/]{12}"),
    ("a token", ("sk-",), r"sk-(?<![0-9a-z_-]sk-)[0-9a-z_-]{20}"),
    ("a token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), r"g[a-z_]{2,10}_[0-9a-z_]{30}"),
    ("a token", ("xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-", "glpat-"), r"[a-z]{4,5}-[0-9a-z_-]{10}"),
    ("a token", ("akia", "aiza"), r"(?<![0-9a-z])(?:akia[0-9a-z]{16}(?![0-9a-z])|aiza[0-9a-z_-]{35})"),
    ("a token", ("eyj",), r"eyj[0-9a-z_-]{10,400}\.eyj[0-9a-z_-]{10}"),
    ("a password in an address", ("://",), r"://[^\s\0/:@\"'{}<>]{1,80}:[^\s\0/@\"'{}<>]{3,80}@"),
    (
        "a credential by its name",
        (
            "api_key", "api-key", "apikey", "access_key", "accesskey", "private_key", "privatekey", "authorization",
            "password", "passwd", "secret", "_token", "-token", "accesstoken", "authtoken", "bearertoken",
        ),
        rf"[a-z_-]{{1,40}}{_NAMED}",
    ),
)  # fmt: skip
"""Kind, what it begins with, and what it looks like, all in lower case."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A text that looks like a credential."""

    file: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: this looks like {self.kind}"


def find_credentials(files: Mapping[str, bytes]) -> list[Finding]:
    """Finds texts that look like credentials in the files, by name and line, at most `MOST`.

    References such as `{{env.TOKEN}}` are none.
    """
    names = sorted(files)
    # One text for all: tens of thousands of short searches cost more than a few long ones.
    starts = list(accumulate((len(files[name]) + 1 for name in names), initial=0))
    found: set[tuple[int, int, str]] = set()
    for at, kind in islice(_find_places(b"\0".join(map(files.__getitem__, names)).lower()), 10 * MOST):
        number = bisect_right(starts, at) - 1
        found.add((number, files[names[number]].count(b"\n", 0, at - starts[number]) + 1, kind))
        if len(found) >= MOST:
            break
    return [Finding(names[number], line, kind) for number, line, kind in sorted(found)]


def _find_places(text: bytes) -> Iterator[tuple[int, str]]:
    for kind, beginnings, pattern in _PATTERNS:
        shape = re.compile(pattern.encode())
        for beginning in map(str.encode, beginnings):
            at = text.find(beginning)
            while at >= 0:
                if shape.match(text, at):
                    yield at, kind
                at = text.find(beginning, at + 1)
